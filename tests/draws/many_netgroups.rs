//! Drawing by netgroup where there are too many netgroups to list them for each answer: chi-square tests with a fixed
//! seed, of the netgroups and of the peers in them. Small tables, of which every answer is counted, are in
//! `netgroup_chance.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::chance::{self, Verdict};
use crate::common::{self, START, TestClock, ipv4, ipv6, name, netgroup, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{PeerAddress, PeerManager, PeerQuery, PeerRecord, StoredPeerType};

/// Peer `m` of netgroup `n`: every third is of IPv4, of IPv6, and a name with ports.
fn peer(n: u32, m: u32) -> PeerAddress {
    match n % 3 {
        0 => ipv4(n << 16 | m),
        1 => ipv6(m << 16 | n),
        _ => {
            let port = u16::try_from(m + 1).unwrap();
            PeerAddress::new(&name(n).host().to_string(), port).unwrap()
        }
    }
}

fn knowing(records: &[PeerRecord]) -> PeerManager {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    manager.store_many(records).unwrap();
    manager
}

/// The sort of a peer: some of all that the default query admits.
fn sort(n: u32) -> (u32, StoredPeerType) {
    (n * 5 % 11, if n % 3 == 0 { Preferred } else { Outbound })
}

/// Netgroups of these sizes, of peers of all sorts that are eligible, and besides in each some that are not.
fn netgroups(sizes: impl IntoIterator<Item = u32>) -> Vec<PeerRecord> {
    let mut records = Vec::new();
    for (n, size) in (0..).zip(sizes) {
        for m in 0..size {
            let (num_failures, peer_type) = sort(n + 7 * m);
            records.push(record(peer(n, m), START, num_failures, peer_type));
        }
        for m in size..size + n % 4 {
            records.push(record(peer(n, m), START + i64::from(m % 2), 11, Inbound));
        }
    }
    records
}

fn at_most(max_per_netgroup: u32) -> PeerQuery<'static> {
    PeerQuery { max_per_netgroup, ..PeerQuery::default() }
}

/// Asks so often, and tests that each of `cells` is in an answer, is its first, and is its last equally often.
#[track_caller]
fn assert_netgroups(cells: usize, size: usize, draws: u32, mut draw: impl FnMut() -> Vec<PeerAddress>) {
    let [mut anywhere, mut first, mut last] = [(); 3].map(|()| BTreeMap::<String, u32>::new());
    for _ in 0..draws {
        let answer: Vec<_> = draw().iter().map(netgroup).collect();
        assert_eq!(answer.len(), size);
        *first.entry(answer[0].clone()).or_default() += 1;
        *last.entry(answer[size - 1].clone()).or_default() += 1;
        for netgroup in answer {
            *anywhere.entry(netgroup).or_default() += 1;
        }
    }
    let verdict = Verdict::of_inclusion(anywhere.into_values(), cells, size, draws);
    assert!(verdict.is_fair(), "anywhere: {verdict:?}");
    for (place, counts) in [("first", first), ("last", last)] {
        let verdict = Verdict::of(counts.into_values(), cells, draws);
        assert!(verdict.is_fair(), "{place}: {verdict:?}");
    }
}

#[test]
fn every_netgroup_is_equally_likely_whatever_its_size_and_the_sorts_of_its_peers() {
    let manager = knowing(&netgroups((0..200).map(|n| 1 + n * n % 23)));
    for size in [1, 8, 50] {
        assert_netgroups(200, size, 4_000, || manager.load_random_peers(&at_most(1), size).unwrap());
    }
}

#[test]
fn when_most_netgroups_have_given_the_others_are_still_equally_likely() {
    let manager = knowing(&netgroups((0..100).map(|n| 1 + n % 5)));
    for size in [90, 99] {
        assert_netgroups(100, size, 2_000, || manager.load_random_peers(&at_most(1), size).unwrap());
    }
    assert_eq!(manager.load_random_peers(&at_most(1), 101).unwrap().len(), 100);
}

#[test]
fn netgroups_of_which_no_peer_is_eligible_are_never_drawn_and_take_nothing_from_others() {
    // Two of three have failed too often, but not by a class of failures that is told apart.
    let failures = |n: u32| if n % 3 == 0 { 17 } else { 25 };
    let records: Vec<_> = (0..240)
        .flat_map(|n| (0..4).map(move |m| record(peer(n, m), START, failures(n), Outbound)))
        .collect();
    let manager = knowing(&records);
    let query = PeerQuery { max_num_failures: Some(19), ..at_most(1) };
    for size in [1, 8, 60] {
        assert_netgroups(80, size, 2_000, || manager.load_random_peers(&query, size).unwrap());
    }
}

#[test]
fn excluded_peers_do_not_make_their_netgroups_less_likely() {
    let manager = knowing(&netgroups((0..150).map(|_| 3)));
    let exclude: Vec<_> = (0..75).flat_map(|n| [peer(n, 0), peer(n, 2)]).collect();
    let query = PeerQuery { exclude: &exclude, ..at_most(1) };
    assert_netgroups(150, 8, 4_000, || {
        let answer = manager.load_random_peers(&query, 8).unwrap();
        assert!(!answer.iter().any(|peer| exclude.contains(peer)));
        answer
    });
}

#[test]
fn what_is_sent_comes_from_every_netgroup_alike_within_each_type() {
    // Forty netgroups have a preferred peer, which comes first; of the others an outbound one follows.
    let mut records: Vec<_> = (0..40).map(|n| record(peer(n, 0), START, 0, Preferred)).collect();
    records.extend(
        (0..190).flat_map(|n| (1..3 + n % 4).map(move |m| record(peer(n, m), START, n % 20, Outbound))),
    );
    records.extend((0..190).map(|n| record(peer(n, 9), START, 0, Inbound)));
    let manager = knowing(&records);
    let query = PeerQuery { max_per_netgroup: 1, ..PeerQuery::everything() };
    let preferred: BTreeSet<_> = (0..40).map(|n| peer(n, 0)).collect();
    assert_netgroups(150, 12, 4_000, || {
        let answer = manager.get_peers_to_send(&query, None, 52).unwrap();
        assert_eq!(answer[..40].iter().cloned().collect::<BTreeSet<_>>(), preferred);
        answer[40..].to_vec()
    });
    // Of the preferred ones, a part.
    assert_netgroups(40, 5, 2_000, || manager.get_peers_to_send(&query, None, 5).unwrap());
}

#[test]
fn a_second_peer_of_a_netgroup_is_as_likely_as_one_of_any_other() {
    const NETGROUPS: usize = 100;
    let manager = knowing(&netgroups((0..100).map(|n| 2 + n % 9)));
    let (draws, mut same, mut third) = (40_000, 0, [0_u32; 2]);
    for _ in 0..draws {
        let answer = manager.load_random_peers(&at_most(2), 3).unwrap();
        let of: Vec<_> = answer.iter().map(netgroup).collect();
        if of[0] == of[1] {
            same += 1;
            assert_ne!(of[1], of[2], "three of one netgroup");
        } else {
            third[usize::from(of[2] == of[0] || of[2] == of[1])] += 1;
        }
    }
    let of_hundred = |n: f64| n / chance::as_f64(NETGROUPS);
    let outcomes = [(of_hundred(1.0), same), (of_hundred(99.0), draws - same)];
    assert!(Verdict::of_probabilities(outcomes.into_iter(), draws).is_fair(), "{outcomes:?}");
    let outcomes = [(of_hundred(98.0), third[0]), (of_hundred(2.0), third[1])];
    assert!(Verdict::of_probabilities(outcomes.into_iter(), draws - same).is_fair(), "{outcomes:?}");
}

#[test]
fn within_its_netgroup_every_peer_is_equally_likely() {
    let manager = knowing(&netgroups((0..120).map(|_| 5)));
    for size in [1, 20] {
        let (draws, mut counts) = (16_000, BTreeMap::<PeerAddress, u32>::new());
        for _ in 0..draws {
            let answer = manager.load_random_peers(&at_most(1), size).unwrap();
            *counts.entry(answer[size - 1].clone()).or_default() += 1;
        }
        let verdict = Verdict::of(counts.into_values(), 600, draws);
        assert!(verdict.is_fair(), "{size}: {verdict:?}");
    }
}
