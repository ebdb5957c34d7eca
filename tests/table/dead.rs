//! Eviction that knows the dead: an outbound peer that was good once does not keep new ones out for ever.

use crate::common::histories::{DAY, in_file};
use crate::common::{self, START, TempDb, TestClock, ipv4, record, test_seed};
use peer_manager::StoredPeerType::{self, Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Durability, Error, MAX_FAILURES, Options, PeerAddress, PeerManager};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

fn options(clock: &TestClock, max_peers: u64, max_peers_per_netgroup: u32) -> Options {
    Options { keep_history: true, max_peers, max_peers_per_netgroup, ..clock.options(1) }
}

fn bounded(clock: &TestClock, max_peers: u64, max_peers_per_netgroup: u32) -> PeerManager {
    common::open(options(clock, max_peers, max_peers_per_netgroup))
}

fn fill(manager: &PeerManager, peers: &[(u32, u32, StoredPeerType)]) {
    let records: Vec<_> =
        peers.iter().map(|&(n, failures, peer_type)| record(ipv4(n), START, failures, peer_type)).collect();
    manager.store_many(&records).unwrap();
}

fn known(manager: &PeerManager) -> Vec<PeerAddress> {
    manager.check_invariants().unwrap();
    common::peers(manager).into_keys().collect()
}

fn is_refused(manager: &PeerManager, n: u32) -> bool {
    match manager.ensure_exists(&ipv4(n)) {
        Ok(is_new) => !is_new,
        Err(error) => matches!(error, Error::Limit(_)),
    }
}

#[test]
fn ten_dead_peers_make_room_after_thirty_days_and_not_before() {
    let clock = TestClock::at(START);
    let (with, without) = (bounded(&clock, 10, 0), TestClock::at(START));
    let without = common::open(Options { keep_history: false, ..options(&without, 10, 0) });
    for manager in [&with, &without] {
        fill(manager, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(|n| (n, 200, Outbound)));
        assert!(is_refused(manager, 20));
    }
    clock.set(START + 30 * DAY - 1);
    assert!(is_refused(&with, 20));
    clock.set(START + 30 * DAY);
    assert!(is_refused(&without, 20));
    assert_eq!(with.ensure_exists_many(&(20..40).map(ipv4).collect::<Vec<_>>()).unwrap(), 10);
    assert_eq!(known(&with), (20..30).map(ipv4).collect::<Vec<_>>());
    assert_eq!(with.get_stats().unwrap().refused_peers, 2 + 10);
}

#[test]
fn only_outbound_peers_that_failed_often_and_were_not_reached_for_long_are_dead() {
    let clock = TestClock::at(START);
    let manager = bounded(&clock, 4, 0);
    fill(
        &manager,
        &[(1, 200, Preferred), (2, MAX_FAILURES - 1, Outbound), (3, MAX_FAILURES, Outbound), (4, 0, Inbound)],
    );
    clock.set(START + 10);
    manager.update_backoff(&ipv4(3), BackOffUpdate::Reset).unwrap();
    fill(&manager, &[(3, MAX_FAILURES, Outbound)]);
    clock.set(START + 30 * DAY + 9);
    assert!(is_refused(&manager, 9));
    clock.set(START + 30 * DAY + 10);
    manager.ensure_exists(&ipv4(9)).unwrap();
    assert_eq!(known(&manager), [1, 2, 4, 9].map(ipv4));
    assert!(is_refused(&manager, 10));
    // One failure more.
    manager.update_backoff(&ipv4(2), BackOffUpdate::Increase).unwrap();
    manager.ensure_exists(&ipv4(10)).unwrap();
    assert_eq!(known(&manager), [1, 4, 9, 10].map(ipv4));
}

#[test]
fn an_inbound_peer_that_failed_goes_before_a_dead_one_and_a_full_netgroup_loses_only_its_own() {
    let clock = TestClock::at(START);
    let manager = bounded(&clock, 0, 3);
    let other = 1 << 16;
    fill(&manager, &[(1, 50, Outbound), (2, 1, Inbound), (3, 90, Outbound), (other, 99, Outbound)]);
    clock.set(START + 40 * DAY);
    for (new, left) in [(11, [1, 3, 11]), (12, [1, 11, 12]), (13, [11, 12, 13])] {
        manager.ensure_exists(&ipv4(new)).unwrap();
        let mut left = left.map(ipv4).to_vec();
        left.push(ipv4(other));
        assert_eq!(known(&manager), left);
    }
    assert!(is_refused(&manager, 14));
    assert_eq!(known(&manager).len(), 4);
}

#[test]
fn a_known_peer_of_the_same_batch_is_not_evicted() {
    let clock = TestClock::at(START);
    let manager = bounded(&clock, 2, 0);
    fill(&manager, &[(1, 200, Outbound), (2, 200, Outbound)]);
    clock.set(START + 40 * DAY);
    assert_eq!(manager.ensure_exists_many(&[ipv4(1), ipv4(8), ipv4(9)]).unwrap(), 1);
    assert_eq!(known(&manager), [1, 8].map(ipv4));
    // It is dead all the same, and was not overlooked for good.
    assert!(!is_refused(&manager, 9));
}

#[test]
fn the_row_of_a_dead_peer_goes_with_its_history_and_what_is_dead_is_known_after_a_restart() {
    for durability in [Durability::Commit, Durability::Deferred] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let open =
            || common::open(Options { durability, db_path: Some(database.path()), ..options(&clock, 2, 0) });
        let manager = open();
        fill(&manager, &[(1, 200, Outbound), (2, 200, Outbound)]);
        drop(manager);
        clock.set(START + 40 * DAY);
        let manager = open();
        manager.ensure_exists(&ipv4(8)).unwrap();
        manager.flush().unwrap();
        let (left, in_file) = (known(&manager), in_file(&database.connection()));
        assert!(left.contains(&ipv4(8)) && left.len() == 2);
        assert_eq!(in_file.into_keys().collect::<Vec<_>>(), left);
        assert_eq!(common::rows(&database.connection()), common::rows_of(common::peers(&manager).values()));
    }
}

#[test]
fn a_new_peer_is_refused_exactly_if_there_is_nobody_to_evict() {
    let seed = test_seed();
    for life in 0..12 {
        let mut rng = ChaCha12Rng::seed_from_u64(seed + life);
        let clock = TestClock::at(START);
        let manager = bounded(&clock, 8, 0);
        let (mut refused, mut evicted) = (0, 0);
        for step in 0..400 {
            clock.set(clock.now() + rng.random_range(0..4) * DAY);
            let now = clock.now();
            let peers: Vec<_> = common::peers(&manager).into_values().collect();
            if !peers.is_empty() {
                let address = peers[rng.random_range(0..peers.len())].address.clone();
                match rng.random_range(0..6) {
                    0 => manager.update(&address, Outbound, false, BackOffUpdate::Reset).unwrap(),
                    1 => manager.update_type(&address, Outbound, false).unwrap(),
                    2 => fill_one(&manager, &address, rng.random_range(8..14), Outbound),
                    3 => fill_one(&manager, &address, rng.random_range(0..2), Inbound),
                    4 => manager.update_backoff(&address, BackOffUpdate::Increase).unwrap(),
                    _ => manager.update_type(&address, Preferred, false).unwrap(),
                }
            }
            if rng.random_range(0..40) == 0 {
                manager.remove_peers_with_many_failures(12).unwrap();
            }
            let before = common::peers(&manager);
            let goes_before = |n: &PeerAddress| {
                let (record, history) = (&before[n], manager.load_history(n).unwrap().unwrap());
                match record.peer_type {
                    Inbound if record.num_failures > 0 => 1,
                    Outbound
                        if record.num_failures >= 10
                            && history.last_reached.max(history.first_heard) <= now - 30 * DAY =>
                    {
                        2
                    }
                    _ => 3,
                }
            };
            let ranks: Vec<_> = before.keys().map(|n| (n.clone(), goes_before(n))).collect();
            let first = ranks.iter().map(|(_, rank)| *rank).min().unwrap_or(3);
            let is_full = before.len() == 8;
            let was_refused = is_refused(&manager, 1_000 + step);
            assert_eq!(was_refused, is_full && first == 3, "step {step}: {ranks:?}");
            refused += u32::from(was_refused);
            let after = common::peers(&manager);
            for (n, rank) in ranks.iter().filter(|(n, _)| !after.contains_key(n)) {
                assert_eq!(*rank, first, "step {step}: {n}");
                evicted += u32::from(*rank == 2);
            }
            manager.check_invariants().unwrap();
        }
        assert!(refused > 10 && evicted > 2, "{refused} and {evicted}");
    }
}

fn fill_one(manager: &PeerManager, address: &PeerAddress, failures: u32, peer_type: StoredPeerType) {
    manager.store(&record(address.clone(), START, failures, peer_type)).unwrap();
}
