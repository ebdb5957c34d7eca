//! What strangers send must neither push out what the same call speaks of, nor bend a draw, nor outlive its removal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::common::{self, START, TempDb, TestClock, ipv4, record};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{Durability, Options, PeerAddress, PeerManager, PeerQuery, PeerRecord};

/// A peer of a network group, by number.
fn member(group: u32, n: u32) -> PeerAddress {
    ipv4((group << 16) + n)
}

fn options(max_peers: u64) -> Options {
    let mut options = TestClock::at(START).options(5);
    options.max_peers = max_peers;
    options
}

fn bounded(max_peers: u64) -> PeerManager {
    PeerManager::open(options(max_peers)).unwrap()
}

/// With one inbound peer that has failed, and so would give way, and an outbound one.
fn full() -> (PeerManager, PeerAddress) {
    let manager = bounded(2);
    manager.store_many(&[record(ipv4(1), START, 3, Inbound), record(ipv4(2), START, 0, Outbound)]).unwrap();
    (manager, ipv4(1))
}

#[test]
fn gossip_of_a_known_peer_and_a_new_one_does_not_evict_the_known_one() {
    let (manager, known) = full();
    for batch in [[known.clone(), ipv4(3)], [ipv4(3), known.clone()]] {
        assert_eq!(manager.ensure_exists_many(&batch).unwrap(), 0);
        assert_eq!(manager.load(&known).unwrap().map(|peer| peer.num_failures), Some(3), "{batch:?}");
    }
    assert_eq!(manager.get_stats().unwrap().refused_peers, 2);
    assert_eq!(manager.ensure_exists_many(&[ipv4(3)]).unwrap(), 1, "alone it does");
    assert!(manager.load(&known).unwrap().is_none());
}

#[test]
fn a_file_with_a_known_peer_and_a_new_one_does_not_evict_the_known_one() {
    let other = TempDb::new();
    let (manager, known) = full();
    PeerManager::new_with_db(other.path()).unwrap().ensure_exists_many(&[ipv4(3), known.clone()]).unwrap();
    assert_eq!(manager.import(other.path()).unwrap(), 0);
    assert!(manager.load(&known).unwrap().is_some());
    assert_eq!(manager.get_stats().unwrap().refused_peers, 1);
}

/// The eligible and the excluded peers of 100 groups, in each of which all but `left` of `size` peers are excluded.
fn mostly_excluded(size: u32, left: u32) -> (Vec<PeerAddress>, Vec<PeerAddress>) {
    let of_all_groups = |from: u32, to: u32| {
        (0..100).flat_map(move |group| (from..to).map(move |n| member(group, n))).collect::<Vec<_>>()
    };
    (of_all_groups(0, left), of_all_groups(left, size))
}

#[test]
fn no_peer_is_drawn_twice_where_most_of_every_group_is_excluded() {
    let (eligible, excluded) = mostly_excluded(64, 4);
    let manager = TestClock::at(START).in_memory(6);
    manager.ensure_exists_many(&[eligible.clone(), excluded.clone()].concat()).unwrap();
    let eligible: BTreeSet<_> = eligible.into_iter().collect();
    for max_per_netgroup in [3, 4] {
        let query = PeerQuery { max_per_netgroup, exclude: &excluded, ..PeerQuery::everything() };
        for _ in 0..20 {
            let answer = manager.load_random_peers(&query, usize::MAX).unwrap();
            let different: BTreeSet<_> = answer.iter().cloned().collect();
            assert_eq!(different.len(), answer.len(), "a peer was drawn twice");
            assert!(different.is_subset(&eligible));
            assert_eq!(answer.len(), 100 * max_per_netgroup as usize);
        }
    }
}

/// A manager that writes when it is told to, on a file with one row more than its bound leaves room for: that of `left_out`.
fn with_a_row_left_out(database: &TempDb, left_out: &PeerRecord) -> PeerManager {
    let all = [record(ipv4(2), START, 0, Outbound), record(ipv4(3), START, 0, Outbound), left_out.clone()];
    PeerManager::new_with_db(database.path()).unwrap().store_many(&all).unwrap();
    let mut options = options(2);
    options.db_path = Some(database.path());
    options.durability = Durability::Deferred;
    options.flush_interval = Duration::from_secs(24 * 3600);
    let manager = PeerManager::open(options).unwrap();
    assert!(manager.load(&left_out.address).unwrap().is_none());
    manager
}

#[test]
fn a_peer_whose_row_was_left_out_stays_removed_when_it_was_added_and_removed_before_it_was_written() {
    let database = TempDb::new();
    let left_out = record(ipv4(1), START, 7, Inbound);
    let manager = with_a_row_left_out(&database, &left_out);
    manager.remove(&ipv4(3)).unwrap();
    manager.ensure_exists(&left_out.address).unwrap();
    manager.remove(&left_out.address).unwrap();
    manager.check_invariants().unwrap();
    drop(manager);
    let left = common::rows(&database.connection());
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_choice_to_share_is_limited_by_the_peers_of_its_beginning() {
    let mut options = options(0);
    options.share_cache_seconds = 60;
    options.share_max_percent = 10;
    let manager = PeerManager::open(options).unwrap();
    manager.ensure_exists_many(&(0..100).map(ipv4).collect::<Vec<_>>()).unwrap();
    let all = PeerQuery::everything();
    let first = manager.get_peers_to_send(&all, None, 4).unwrap();
    manager.ensure_exists_many(&(100..1000).map(ipv4).collect::<Vec<_>>()).unwrap();
    let later = manager.get_peers_to_send(&all, None, 1000).unwrap();
    assert_eq!(later.len(), 10, "a flood does not make it larger");
    assert_eq!(later[..4], first);
}

#[test]
fn every_peer_is_drawn_as_often_as_any_other_where_most_of_every_group_is_excluded() {
    let (eligible, excluded) = mostly_excluded(32, 4);
    let manager = TestClock::at(START).in_memory(9);
    manager.ensure_exists_many(&[eligible.clone(), excluded.clone()].concat()).unwrap();
    let query = PeerQuery { max_per_netgroup: 2, exclude: &excluded, ..PeerQuery::everything() };
    let mut counts: BTreeMap<_, u32> = eligible.into_iter().map(|peer| (peer, 0)).collect();
    for _ in 0..1000 {
        for peer in manager.load_random_peers(&query, 40).unwrap() {
            *counts.get_mut(&peer).unwrap() += 1;
        }
    }
    let chi_square: f64 = counts.values().map(|&count| (f64::from(count) - 100.0).powi(2) / 100.0).sum();
    assert!(chi_square < 540.0, "{chi_square} with 399 degrees of freedom");
}
