//! The options that bound the table and what is told of it: their promises hold at every moment, too.

use std::collections::{BTreeMap, BTreeSet};

use peer_manager::store::Failures;
use peer_manager::{
    BackOffUpdate, Durability, Error, Options, PeerAddress, PeerManager, PeerQuery, Result, StoredPeerType,
};
use shuttle::sync::Mutex;
use shuttle::thread;

use crate::common::{START, ipv4, netgroup, record};
use crate::schedules::explore;
use crate::world::World;

/// Peers of three netgroups.
fn peer(n: u32) -> PeerAddress {
    ipv4(((n % 3) << 16) | n)
}

fn largest_netgroup<'a>(peers: impl IntoIterator<Item = &'a PeerAddress>) -> u32 {
    let mut counts = BTreeMap::<_, u32>::new();
    peers.into_iter().for_each(|peer| *counts.entry(netgroup(peer)).or_default() += 1);
    counts.into_values().max().unwrap_or(0)
}

fn with_bounds(options: &mut Options) {
    options.max_peers = 3;
    options.max_peers_per_netgroup = 2;
}

type NewPeer = fn(&PeerManager) -> Result<()>;

/// New peers of every sort, of which most evict others, or are refused.
const NEW_PEERS: [NewPeer; 5] = [
    |manager| manager.ensure_exists(&peer(1)).map(drop),
    |manager| manager.update_backoff(&peer(2), BackOffUpdate::Increase),
    |manager| manager.store(&record(peer(3), START, 9, StoredPeerType::Inbound)),
    |manager| manager.ensure_exists_many(&[peer(4), peer(5), peer(7)]).map(drop),
    |manager| manager.update(&peer(6), StoredPeerType::Outbound, false, BackOffUpdate::Increase),
];

fn flood(durability: Durability, failures: Failures) {
    let world = World::with_options(durability, with_bounds);
    world.manager.store(&record(peer(0), START, 5, StoredPeerType::Inbound)).unwrap();
    world.manager.store(&record(peer(8), START, 6, StoredPeerType::Inbound)).unwrap();
    world.disk.fail(failures);
    let (manager, may_fail) = (&*world.manager, failures != Failures::Never);
    thread::scope(|scope| {
        for first in [0, 2, 4] {
            scope.spawn(move || {
                for new_peer in NEW_PEERS.iter().cycle().skip(first).take(3) {
                    match new_peer(manager) {
                        Ok(()) | Err(Error::Limit(_)) => {}
                        Err(error) => assert!(may_fail, "{error}"),
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..3 {
                let snapshot = manager.get_all_peers().unwrap();
                let peers: Vec<_> = snapshot.iter().map(|record| record.address).collect();
                assert!(peers.len() <= 3 && largest_netgroup(&peers) <= 2, "{peers:?}");
                let rows = world.disk.rows();
                assert!(rows.len() <= 3 && largest_netgroup(rows.keys()) <= 2, "{rows:?}");
            }
        });
    });
    world.assert_survives_the_end();
}

#[test]
fn the_bounds_hold_at_every_moment_in_memory_and_on_file() {
    for durability in [Durability::Commit, Durability::Deferred] {
        explore(move || flood(durability, Failures::Never));
    }
}

#[test]
fn the_bounds_hold_at_every_moment_on_a_disk_that_fails() {
    for durability in [Durability::Commit, Durability::Deferred] {
        explore(move || flood(durability, Failures::AtRandom));
    }
}

#[test]
fn answers_by_netgroup_are_of_one_moment() {
    explore(|| {
        let world = World::with_peers(Durability::Commit, &[]);
        let manager = &*world.manager;
        let batch = |n: [u32; 3]| n.map(|n| record(peer(n), START, 0, StoredPeerType::Outbound));
        manager.store_many(&batch([0, 1, 2])).unwrap();
        thread::scope(|scope| {
            // Always three netgroups or none.
            scope.spawn(move || manager.store_many(&batch([3, 4, 5])).unwrap());
            scope.spawn(move || manager.clear_all().unwrap());
            for max_per_netgroup in [1, 2] {
                scope.spawn(move || {
                    let query = PeerQuery { max_per_netgroup, ..PeerQuery::everything() };
                    for answer in [
                        manager.load_random_peers(&query, 9).unwrap(),
                        manager.get_peers_to_send(&query, None, 9).unwrap(),
                    ] {
                        assert!(answer.len() % 3 == 0, "{answer:?}");
                        assert_eq!(answer.iter().collect::<BTreeSet<_>>().len(), answer.len());
                        assert!(largest_netgroup(&answer) <= max_per_netgroup, "{answer:?}");
                    }
                });
            }
        });
        manager.check_invariants().unwrap();
    });
}

#[test]
fn all_who_ask_at_once_are_answered_from_one_choice() {
    explore(|| {
        let world = World::with_options(Durability::Commit, |options| {
            options.share_cache_seconds = 1_000;
            options.share_max_percent = 50;
        });
        let (manager, answers) = (&*world.manager, &Mutex::new(Vec::new()));
        manager.ensure_exists_many(&(0..8).map(peer).collect::<Vec<_>>()).unwrap();
        thread::scope(|scope| {
            for size in [2, 3, 9] {
                scope.spawn(move || {
                    let answer = manager.get_peers_to_send(&PeerQuery::everything(), None, size).unwrap();
                    // One that is in the choice may have been removed since.
                    assert!(answer.len() <= size && answer.len() + 1 >= size.min(4), "{answer:?}");
                    answers.lock().unwrap().push(answer);
                });
            }
            // Changes go on meanwhile.
            scope.spawn(move || {
                manager.store(&record(peer(20), START, 0, StoredPeerType::Inbound)).unwrap();
                manager.remove(&peer(20)).unwrap_or(());
            });
        });
        let answers = answers.lock().unwrap();
        let longest = answers.iter().max_by_key(|answer| answer.len()).unwrap();
        // The peer that came and went may be among them for a moment.
        let same =
            answers.iter().filter(|answer| !longest.contains(&peer(20)) && !answer.contains(&peer(20)));
        same.for_each(|answer| assert!(longest.starts_with(answer), "{answers:?}"));
        // If it was told of, another one may have been drawn in its place since.
        let told: BTreeSet<_> = answers.iter().flatten().filter(|told| **told != peer(20)).collect();
        assert!(told.len() <= 4, "{answers:?}");
    });
}
