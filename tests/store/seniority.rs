//! Seniority on disk: the order of the rows is the order of seniority, whatever happened on the way.

use std::collections::HashSet;

use crate::common::{self, START, TempDb, TestClock, ipv4, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Durability, Options, PeerAddress, PeerManager, StoredPeerType};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

/// The rows of the file, in order.
fn rows(database: &TempDb) -> Vec<String> {
    let conn = database.connection();
    let mut statement = conn.prepare("SELECT ip || ' ' || port FROM peers ORDER BY rowid").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn texts(peers: &[PeerAddress]) -> Vec<String> {
    peers.iter().map(|peer| format!("{} {}", peer.host(), peer.port())).collect()
}

/// What the order is to be.
#[derive(Default)]
struct Model(Vec<(PeerAddress, StoredPeerType)>);

impl Model {
    fn peers(&self) -> Vec<PeerAddress> {
        self.0.iter().map(|(peer, _)| peer.clone()).collect()
    }

    /// Notes what a peer is from now on.
    fn set(&mut self, peer: &PeerAddress, peer_type: StoredPeerType) {
        match self.0.iter().position(|(other, _)| other == peer) {
            Some(at) if self.0[at].1 != Inbound || peer_type == Inbound => self.0[at].1 = peer_type,
            at => {
                if let Some(at) = at {
                    self.0.remove(at);
                }
                self.0.push((peer.clone(), peer_type));
            }
        }
    }

    fn hear(&mut self, peer: &PeerAddress) {
        if !self.0.iter().any(|(other, _)| other == peer) {
            self.set(peer, Inbound);
        }
    }

    fn remove(&mut self, peer: &PeerAddress) -> bool {
        let before = self.0.len();
        self.0.retain(|(other, _)| other != peer);
        self.0.len() < before
    }
}

/// Makes a random change in both.
fn change(manager: &PeerManager, model: &mut Model, rng: &mut ChaCha12Rng) {
    let peer = mixed(rng.random_range(0..30));
    let peer_type = [Inbound, Outbound, Preferred][rng.random_range(0..3)];
    let some: Vec<_> = (0..rng.random_range(0..25)).map(|_| mixed(rng.random_range(0..30))).collect();
    match rng.random_range(0..9) {
        0..3 => {
            manager.ensure_exists_many(&some).unwrap();
            for peer in &some {
                model.hear(peer);
            }
        }
        3 => {
            let records: Vec<_> = some
                .into_iter()
                .map(|peer| record(peer, START, 0, [Inbound, Outbound][rng.random_range(0..2)]))
                .collect();
            manager.store_many(&records).unwrap();
            for record in &records {
                model.set(&record.address, record.peer_type);
            }
        }
        4 => {
            manager.store(&record(peer.clone(), START, 3, peer_type)).unwrap();
            model.set(&peer, peer_type);
        }
        5 => {
            manager.update(&peer, Outbound, false, BackOffUpdate::Reset).unwrap();
            let before = model.0.iter().find(|(other, _)| *other == peer).map(|(_, before)| *before);
            model.set(&peer, if before == Some(Preferred) { Preferred } else { Outbound });
        }
        6 => {
            manager.update_backoff(&peer, BackOffUpdate::Increase).unwrap();
            model.hear(&peer);
        }
        _ => assert_eq!(manager.remove(&peer).is_ok(), model.remove(&peer)),
    }
}

fn options(database: &TempDb, durability: Durability, seed: u64) -> Options {
    let clock = TestClock::at(START);
    Options { db_path: Some(database.path()), durability, ..clock.options(seed) }
}

#[test]
fn whatever_changes_the_rows_are_in_the_order_of_seniority_and_a_restart_keeps_it() {
    let seed = common::test_seed();
    for (durability, seed) in [(Durability::Commit, seed), (Durability::Deferred, seed + 1)] {
        let (database, mut model) = (TempDb::fast(), Model::default());
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        for _ in 0..40 {
            let manager = common::open(options(&database, durability, seed));
            assert_eq!(common::by_seniority(&manager, model.peers()), model.peers(), "after a restart");
            for _ in 0..rng.random_range(1..12) {
                change(&manager, &mut model, &mut rng);
                if rng.random_range(0..4) == 0 {
                    manager.flush().unwrap();
                    assert_eq!(rows(&database), texts(&model.peers()));
                }
            }
            assert_eq!(common::by_seniority(&manager, model.peers()), model.peers());
            manager.check_invariants().unwrap();
            drop(manager);
            assert_eq!(rows(&database), texts(&model.peers()));
            if rng.random_range(0..3) == 0 {
                database.connection().execute_batch("VACUUM").unwrap();
            }
        }
    }
}

#[test]
fn changes_that_could_not_be_written_keep_their_order() {
    let database = TempDb::new();
    let mut options = options(&database, Durability::Deferred, 2);
    options.busy_timeout = std::time::Duration::from_millis(1);
    options.flush_interval = std::time::Duration::from_secs(3600);
    let manager = common::open(options);
    let mut model = Model::default();
    let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
    for _ in 0..30 {
        let blocker = database.connection();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..4 {
            for _ in 0..rng.random_range(1..8) {
                change(&manager, &mut model, &mut rng);
            }
            // What is taken from the table now is merged with what was taken before.
            manager.flush().unwrap_err();
        }
        blocker.execute_batch("ROLLBACK").unwrap();
        manager.flush().unwrap();
        assert_eq!(rows(&database), texts(&model.peers()));
    }
}

#[test]
fn a_peer_that_a_bound_left_in_the_file_comes_back_as_the_most_junior() {
    for durability in [Durability::Commit, Durability::Deferred] {
        let database = TempDb::new();
        let peers: Vec<_> = (0..4).map(ipv4).collect();
        common::open(options(&database, durability, 1)).ensure_exists_many(&peers).unwrap();
        let mut bounded = options(&database, durability, 1);
        bounded.max_peers = 3;
        let manager = common::open(bounded);
        manager.remove(&peers[1]).unwrap();
        let left = common::peers(&manager);
        let outside = (0..4).map(ipv4).find(|peer| *peer != peers[1] && !left.contains_key(peer)).unwrap();
        manager.ensure_exists(&outside).unwrap();
        let expected: Vec<_> = peers
            .iter()
            .filter(|peer| ![&peers[1], &outside].contains(peer))
            .chain([&outside])
            .cloned()
            .collect();
        assert_eq!(common::by_seniority(&manager, expected.clone()), expected);
        manager.flush().unwrap();
        drop(manager);
        assert_eq!(rows(&database), texts(&expected));
    }
}

#[test]
fn what_is_imported_or_saved_from_a_damaged_file_keeps_its_order() {
    let (source, database) = (TempDb::new(), TempDb::new());
    let peers: Vec<_> = [7, 3, 9, 1, 5].map(mixed).to_vec();
    let manager = common::open(options(&source, Durability::Commit, 1));
    manager.ensure_exists_many(&peers).unwrap();
    drop(manager);
    let manager = common::open(options(&database, Durability::Commit, 1));
    manager.ensure_exists(&mixed(2)).unwrap();
    manager.import(source.path()).unwrap();
    let expected: Vec<_> = [mixed(2)].into_iter().chain(peers).collect();
    assert_eq!(common::by_seniority(&manager, expected.clone()), expected);
    manager.flush().unwrap();
    drop(manager);

    // A header that no SQLite takes.
    let mut bytes = std::fs::read(database.path()).unwrap();
    bytes[..16].fill(0);
    std::fs::write(database.path(), bytes).unwrap();
    let mut quarantine = options(&database, Durability::Commit, 1);
    quarantine.on_corrupt = peer_manager::OnCorrupt::Quarantine;
    let manager = common::open(quarantine);
    assert!(manager.quarantine().is_some());
    let found: HashSet<_> = common::peers(&manager).into_keys().collect();
    assert_eq!(found, expected.iter().cloned().collect());
    assert_eq!(common::by_seniority(&manager, expected.clone()), expected);
    assert_eq!(rows(&database), texts(&expected));
}
