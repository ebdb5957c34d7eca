//! `seniority`, `apart` and `networks`: how likely each peer is, and who is left out.

use std::collections::HashMap;

use crate::common::chance::Verdict;
use crate::common::{self, START, TestClock, address, ipv4, mixed, name, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    Error, MAX_SENIORITY, NameGroups, Networks, PeerAddress, PeerManager, PeerQuery, PeerTypeFilter,
};

/// A manager with these inbound peers, the most senior first.
fn with(peers: &[PeerAddress]) -> PeerManager {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    manager.ensure_exists_many(peers).unwrap();
    manager
}

/// Draws one peer very often, and compares how often each was drawn with how likely it is.
#[track_caller]
fn assert_chances(manager: &PeerManager, query: &PeerQuery<'_>, chances: &[(PeerAddress, f64)]) {
    const DRAWS: u32 = 40_000;
    let mut counts: HashMap<PeerAddress, u32> = HashMap::new();
    for _ in 0..DRAWS {
        let [peer] = &manager.load_random_peers(query, 1).unwrap()[..] else { panic!("one is asked for") };
        *counts.entry(peer.clone()).or_default() += 1;
    }
    let outcomes = chances.iter().map(|(peer, chance)| (*chance, counts.remove(peer).unwrap_or(0)));
    let verdict = Verdict::of_probabilities(outcomes.collect::<Vec<_>>().into_iter(), DRAWS);
    assert!(verdict.is_fair(), "{verdict:?}");
    assert!(counts.is_empty(), "these must not be drawn: {counts:?}");
}

/// The chance that the most senior of so many draws is the one that comes after `before` of `n`.
fn chance(before: usize, n: usize, draws: i32) -> f64 {
    let left = |before: usize| (common::chance::as_f64(n - before) / common::chance::as_f64(n)).powi(draws);
    left(before) - left(before + 1)
}

#[test]
fn each_place_goes_to_the_most_senior_of_independent_draws() {
    let peers: Vec<_> = (0..12).map(mixed).collect();
    let manager = with(&peers);
    for draws in [0, 1, 2, 3] {
        let query = PeerQuery { seniority: draws, ..PeerQuery::everything() };
        let draws = i32::try_from(draws.max(1)).unwrap();
        let chances: Vec<_> =
            peers.iter().cloned().enumerate().map(|(n, peer)| (peer, chance(n, 12, draws))).collect();
        assert_chances(&manager, &query, &chances);
    }
}

#[test]
fn by_netgroup_the_draws_that_compete_are_draws_by_netgroup() {
    // Three netgroups, of one, two and six peers. The most senior peer is in the largest.
    let peers: Vec<_> =
        [3, 3, 1, 3, 2, 3, 2, 3, 3].map(|netgroup: u32| netgroup << 16).into_iter().zip(0..).collect();
    let peers: Vec<_> = peers.into_iter().map(|(netgroup, n)| ipv4(netgroup | n)).collect();
    let manager = with(&peers);
    // Of one draw, each has the chance of its netgroup, divided by the peers there.
    let alone = [18, 18, 3, 18, 6, 18, 6, 18, 18].map(|n| 1.0 / f64::from(n));
    let mut left: f64 = 1.0;
    let chances: Vec<_> = peers
        .into_iter()
        .zip(alone)
        .map(|(peer, alone)| {
            let before = left;
            left -= alone;
            (peer, before.powi(2) - left.max(0.0).powi(2))
        })
        .collect();
    let query = PeerQuery { seniority: 2, max_per_netgroup: 1, ..PeerQuery::everything() };
    assert_chances(&manager, &query, &chances);
}

#[test]
fn longer_answers_have_no_peer_twice_and_are_complete() {
    let peers: Vec<_> = (0..300).map(mixed).collect();
    let manager = with(&peers);
    for max_per_netgroup in [0, 1, 7] {
        for size in [1, 2, 40, 299, 300, 400] {
            let query = PeerQuery { seniority: 8, max_per_netgroup, ..PeerQuery::everything() };
            let plain = PeerQuery { seniority: 0, ..query };
            let mut answer = manager.load_random_peers(&query, size).unwrap();
            let expected = manager.load_random_peers(&plain, size).unwrap().len();
            answer.sort();
            answer.dedup();
            assert_eq!(answer.len(), expected, "{size} with {max_per_netgroup} of each netgroup");
        }
    }
}

#[test]
fn draws_that_compete_for_the_first_places_leave_the_others_for_the_rest() {
    // With so many draws, an answer of all is in the order of seniority.
    let peers: Vec<_> = (0..4).map(mixed).collect();
    let query = PeerQuery { seniority: MAX_SENIORITY, ..PeerQuery::everything() };
    let manager = with(&peers);
    for _ in 0..100 {
        assert_eq!(manager.load_random_peers(&query, 4).unwrap(), peers);
        assert_eq!(manager.load_random_peers(&PeerQuery { max_per_netgroup: 9, ..query }, 4).unwrap(), peers);
    }
}

#[test]
fn more_draws_than_64_are_refused() {
    let query = PeerQuery { seniority: MAX_SENIORITY + 1, ..PeerQuery::everything() };
    let error = with(&[]).load_random_peers(&query, 1).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)));
    assert_eq!(error.to_string(), "seniority is 65; use at most 64 draws");
}

#[test]
fn apart_leaves_out_every_netgroup_of_an_excluded_address() {
    let peers: Vec<_> = (0..60).map(|n| ipv4((n % 6) << 16 | n)).chain([name(1), name(2)]).collect();
    let manager = with(&peers);
    // In the table, unknown in a netgroup that is there, unknown in none, and names.
    let exclude = [peers[1].clone(), ipv4((3 << 16) + 999), ipv4(99 << 16), name(1), name(9)];
    let mut expected: Vec<_> =
        peers[..60].iter().enumerate().filter(|(n, _)| ![1, 3].contains(&(n % 6))).collect();
    expected.sort_by_key(|(_, peer)| (*peer).clone());
    for max_per_netgroup in [0, 100] {
        let query = PeerQuery { apart: true, exclude: &exclude, max_per_netgroup, ..PeerQuery::everything() };
        let mut answer = manager.load_random_peers(&query, 100).unwrap();
        answer.sort();
        let all: Vec<_> = expected.iter().map(|(_, peer)| (*peer).clone()).chain([name(2)]).collect();
        assert_eq!(answer, all);
        let told = manager.get_peers_to_send(&query, None, 100).unwrap();
        assert_eq!(told.len(), all.len());
        assert!(told.iter().all(|peer| all.contains(peer)));
    }
    // Each of those that are left is as likely as any other.
    let query = PeerQuery { apart: true, exclude: &exclude, ..PeerQuery::everything() };
    let chances: Vec<_> = expected
        .into_iter()
        .map(|(_, peer)| peer.clone())
        .chain([name(2)])
        .map(|peer| (peer, 1.0 / 41.0))
        .collect();
    assert_chances(&manager, &query, &chances);
}

#[test]
fn apart_leaves_out_the_group_of_a_name_that_no_peer_has() {
    let mut options = TestClock::at(START).options(common::test_seed());
    options.name_groups = NameGroups::ByKey;
    let manager = common::open(options);
    let peers = ["a.example.org:1", "abc.onion:1", "zzz.onion:1", "52.1.1.1:1"].map(address);
    manager.ensure_exists_many(&peers).unwrap();
    let exclude = ["b.example.net:2", "aaa.onion:2"].map(address);
    for max_per_netgroup in [0, 1] {
        let query = PeerQuery { apart: true, exclude: &exclude, max_per_netgroup, ..PeerQuery::everything() };
        for mut answer in [
            manager.load_random_peers(&query, 9).unwrap(),
            manager.get_peers_to_send(&query, None, 9).unwrap(),
        ] {
            answer.sort();
            assert_eq!(answer, [peers[3].clone(), peers[2].clone()]);
        }
    }
}

#[test]
fn only_the_networks_asked_for_are_drawn_and_told() {
    let texts = ["52.1.1.1:1", "[2a01:1::1]:1", "abc.onion:1", "abc.b32.i2p:1", "example.org:1"];
    let peers = texts.map(address);
    let networks = [Networks::IPV4, Networks::IPV6, Networks::ONION, Networks::I2P, Networks::NAME];
    let mut options = TestClock::at(START).options(common::test_seed());
    for share_cache_seconds in [0, 100] {
        options.share_cache_seconds = share_cache_seconds;
        let manager = common::open(options.clone());
        manager.ensure_exists_many(&peers).unwrap();
        // The shared list has all of them, before it is asked for some.
        assert_eq!(manager.get_peers_to_send(&PeerQuery::everything(), None, 9).unwrap().len(), 5);
        for bits in 0..32 {
            let query = PeerQuery {
                networks: Networks::from_bits(bits).unwrap(),
                type_filter: PeerTypeFilter::InboundOnly,
                ..PeerQuery::everything()
            };
            let expected: Vec<_> = peers
                .iter()
                .zip(networks)
                .filter(|(_, network)| bits == 0 || network.bits() & bits != 0)
                .map(|(peer, _)| peer.clone())
                .collect();
            for mut answer in [
                manager.load_random_peers(&query, 9).unwrap(),
                manager.load_random_peers(&PeerQuery { max_per_netgroup: 1, ..query }, 9).unwrap(),
                manager.get_peers_to_send(&query, None, 9).unwrap(),
            ] {
                answer.sort_by_key(|peer| peers.iter().position(|other| other == peer));
                assert_eq!(answer, expected, "{bits}");
            }
        }
    }
}

#[test]
fn seniority_of_outbound_peers_begins_when_they_become_outbound() {
    let peers: Vec<_> = (0..3).map(mixed).collect();
    let manager = with(&peers);
    let query = PeerQuery { seniority: MAX_SENIORITY, ..PeerQuery::everything() };
    let order = || manager.load_random_peers(&query, 3).unwrap();
    let ordered = |numbers: [usize; 3]| numbers.map(|n| peers[n].clone());
    manager.update_type(&peers[1], Outbound, false).unwrap();
    assert_eq!(order(), ordered([0, 2, 1]));
    manager.store(&record(peers[0].clone(), START, 0, Preferred)).unwrap();
    assert_eq!(order(), ordered([2, 1, 0]));
    // Between outbound and preferred, and back to inbound, nothing changes.
    manager.update_type(&peers[1], Preferred, false).unwrap();
    manager.update_type(&peers[0], Outbound, true).unwrap();
    manager.store(&record(peers[0].clone(), START - 9, 30, Inbound)).unwrap();
    manager.store_many(&[record(peers[1].clone(), START, 2, Inbound)]).unwrap();
    assert_eq!(order(), ordered([2, 1, 0]));
    manager.remove(&peers[2]).unwrap();
    manager.ensure_exists(&peers[2]).unwrap();
    assert_eq!(order(), ordered([1, 0, 2]));
}
