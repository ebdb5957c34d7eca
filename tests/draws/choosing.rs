//! Whom to dial and whom to tell others about: which peers are eligible, and that an answer is never short.

use std::collections::BTreeSet;

use crate::common::{START, TestClock, address, ipv4, mixed, private, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{PeerAddress, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter, StoredPeerType};

const FILTERS: [(PeerTypeFilter, &[StoredPeerType]); 6] = [
    (PeerTypeFilter::InboundOnly, &[Inbound]),
    (PeerTypeFilter::OutboundOnly, &[Outbound]),
    (PeerTypeFilter::PreferredOnly, &[Preferred]),
    (PeerTypeFilter::AnyOutbound, &[Outbound, Preferred]),
    (PeerTypeFilter::Any, &[Inbound, Outbound, Preferred]),
    (PeerTypeFilter::NotPreferred, &[Inbound, Outbound]),
];

/// A manager that knows these peers, at [`START`].
fn knowing(records: &[PeerRecord]) -> PeerManager {
    let manager = TestClock::at(START).in_memory(7);
    manager.store_many(records).unwrap();
    manager
}

/// The answer as a set, which it must be: no peer twice.
fn set(answer: &[PeerAddress]) -> BTreeSet<PeerAddress> {
    let set: BTreeSet<_> = answer.iter().cloned().collect();
    assert_eq!(set.len(), answer.len(), "a peer was chosen twice");
    set
}

fn chosen(manager: &PeerManager, query: &PeerQuery<'_>, size: usize) -> BTreeSet<PeerAddress> {
    set(&manager.load_random_peers(query, size).unwrap())
}

fn sent(manager: &PeerManager, size: usize) -> Vec<PeerAddress> {
    manager.get_peers_to_send(&PeerQuery::everything(), None, size).unwrap()
}

/// Every time × failures × type, each a public address of its own.
fn every_combination() -> Vec<PeerRecord> {
    let mut records = Vec::new();
    for next_attempt in [i64::MIN, START - 1, START, START + 1, i64::MAX] {
        for num_failures in [0, 1, 10, 11, u32::MAX] {
            for peer_type in StoredPeerType::ALL {
                let peer = mixed(u32::try_from(records.len()).unwrap());
                records.push(record(peer, next_attempt, num_failures, peer_type));
            }
        }
    }
    records
}

/// Every query without `exclude`, and whether it admits a record by the meaning of its words.
fn every_query() -> Vec<(PeerQuery<'static>, impl Fn(&PeerRecord) -> bool)> {
    let mut queries = Vec::new();
    for (type_filter, types) in FILTERS {
        for use_next_attempt in [false, true] {
            for max in
                [None, Some(0), Some(1), Some(9), Some(10), Some(11), Some(u32::MAX - 1), Some(u32::MAX)]
            {
                let query = PeerQuery {
                    type_filter,
                    use_next_attempt,
                    max_num_failures: max,
                    ..PeerQuery::everything()
                };
                queries.push((query, move |record: &PeerRecord| {
                    types.contains(&record.peer_type)
                        && (!use_next_attempt || record.next_attempt <= START)
                        && max.is_none_or(|max| record.num_failures <= max)
                }));
            }
        }
    }
    queries
}

#[test]
fn every_query_finds_exactly_the_peers_it_describes() {
    let records = every_combination();
    let manager = knowing(&records);
    for (query, admits) in every_query() {
        let expected: BTreeSet<_> = records.iter().filter(|r| admits(r)).map(|r| r.address.clone()).collect();
        assert_eq!(chosen(&manager, &query, 1_000), expected, "{query:?}");
        assert!(manager.load_random_peers(&query, 0).unwrap().is_empty());
    }
}

#[test]
fn sharing_with_any_filter_finds_exactly_the_public_peers_it_describes() {
    let mut records = every_combination();
    let hidden = (0..9).map(|n| record(private(n), START, 0, StoredPeerType::ALL[n as usize % 3]));
    records.extend(hidden);
    let manager = knowing(&records);
    for (query, admits) in every_query() {
        let public = records.iter().filter(|record| admits(record) && !record.address.is_private());
        let expected: BTreeSet<_> = public.map(|record| record.address.clone()).collect();
        assert_eq!(set(&manager.get_peers_to_send(&query, None, 1_000).unwrap()), expected, "{query:?}");
    }
}

#[test]
fn preferred_peers_are_sent_before_outbound_ones_and_those_before_inbound_ones() {
    let records: Vec<_> =
        (0..30).map(|n| record(ipv4(n), START, 0, StoredPeerType::ALL[n as usize % 3])).collect();
    let manager = knowing(&records);
    for size in 0..=31 {
        let answer = sent(&manager, size);
        assert_eq!(set(&answer).len(), size.min(30));
        let types: Vec<_> =
            answer.iter().map(|peer| manager.load(peer).unwrap().unwrap().peer_type).collect();
        let expected = [[Preferred; 10], [Outbound; 10], [Inbound; 10]].concat();
        assert_eq!(types, expected[..size.min(30)], "size {size}");
    }
}

#[test]
fn without_a_filter_peers_are_sent_whatever_their_failures_and_next_attempt() {
    let manager = knowing(&[record(ipv4(1), i64::MAX, u32::MAX, Inbound)]);
    assert_eq!(sent(&manager, 5), [ipv4(1)]);
}

#[test]
fn a_peer_is_not_sent_to_itself() {
    let manager = knowing(&[record(ipv4(1), START, 0, Preferred), record(ipv4(2), START, 0, Inbound)]);
    let answer = manager.get_peers_to_send(&PeerQuery::everything(), Some(&ipv4(1)), 5).unwrap();
    assert_eq!(answer, [ipv4(2)]);
}

#[test]
fn the_same_host_with_another_port_is_sent() {
    let manager = knowing(&[record(address("9.9.9.9:1"), START, 0, Inbound)]);
    let other_port = address("9.9.9.9:2");
    let answer = manager.get_peers_to_send(&PeerQuery::everything(), Some(&other_port), 5).unwrap();
    assert_eq!(answer, [address("9.9.9.9:1")]);
}

#[test]
fn excluding_an_unknown_peer_changes_nothing() {
    let manager = knowing(&[record(ipv4(1), START, 0, Outbound)]);
    let exclude = [ipv4(2), address("nobody.example.org:1")];
    let query = PeerQuery { exclude: &exclude, ..PeerQuery::default() };
    assert_eq!(manager.load_random_peers(&query, 5).unwrap(), [ipv4(1)]);
    assert_eq!(manager.get_peers_to_send(&query, Some(&exclude[1]), 5).unwrap(), [ipv4(1)]);
}

#[test]
fn an_excluded_peer_counts_once_however_often_it_is_named() {
    let manager = knowing(&(0..4).map(|n| record(ipv4(n), START, 0, Outbound)).collect::<Vec<_>>());
    let exclude = vec![ipv4(0); 100];
    let query = PeerQuery { exclude: &exclude, ..PeerQuery::default() };
    let others = BTreeSet::from([ipv4(1), ipv4(2), ipv4(3)]);
    assert_eq!(chosen(&manager, &query, 9), others);
    assert_eq!(set(&manager.get_peers_to_send(&query, Some(&ipv4(0)), 9).unwrap()), others);
}

#[test]
fn sharing_leaves_out_both_the_asker_and_the_filters_exclusions() {
    let manager = knowing(&(0..5).map(|n| record(ipv4(n), START, 0, Outbound)).collect::<Vec<_>>());
    let exclude = [ipv4(0), ipv4(1)];
    let query = PeerQuery { exclude: &exclude, ..PeerQuery::everything() };
    let answer = manager.get_peers_to_send(&query, Some(&ipv4(2)), 9).unwrap();
    assert_eq!(set(&answer), BTreeSet::from([ipv4(3), ipv4(4)]));
}

/// The first and last address of every private range, and some between.
const PRIVATE: [&str; 68] = [
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "10.0.0.0",
    "10.1.2.3",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.0.1",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.20.1.1",
    "172.31.255.255",
    "192.168.0.0",
    "192.168.1.1",
    "192.168.255.255",
    "224.0.0.0",
    "230.1.1.1",
    "239.255.255.255",
    "240.0.0.0",
    "250.1.1.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::",
    "fe80::1",
    "fe9f::1",
    "febf::",
    "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fc00::",
    "fc00::1",
    "fd12:3456::1",
    "fdff::",
    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "ff00::",
    "ff02::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:192.168.1.1",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.11",
    "192.0.0.255",
    "198.18.0.0",
    "198.19.255.255",
    "::2",
    "::8.8.8.8",
    "64:ff9b:1::",
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    "fec0::",
    "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
    "::ffff:0:192.168.1.1",
    "2001:0:1:2:3:4:f5ff:fffe",
    "a.localhost",
    "nas.local",
    "a.b.internal",
    "fritz.home.arpa",
];

/// The nearest public neighbours of every private range, and names that only look like `localhost`.
const PUBLIC: [&str; 46] = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "100.0.0.1",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "172.0.0.1",
    "192.167.255.255",
    "192.169.0.0",
    "192.0.0.9",
    "192.0.0.10",
    "192.0.1.0",
    "191.255.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::1:0:0",
    "64:ff9b:0:ffff::",
    "64:ff9b:2::",
    "1::",
    "0:0:0:1::1",
    "2001:db8::1",
    "fbff::",
    "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fe00::",
    "fe7f::",
    "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "::ffff:8.8.8.8",
    "::ffff:172.15.255.255",
    "localhost.example.org",
    "localhost2",
    "xlocalhost",
    "localhost-x",
    "local",
    "xlocal",
    "home.arpa",
    "in-addr.arpa",
    "local.example.org",
    "internal.org",
    "example.onion",
];

#[test]
fn private_addresses_of_every_kind_are_never_sent() {
    for host in PRIVATE {
        let peer = PeerAddress::new(host, 11_625).unwrap();
        assert!(peer.is_private(), "{host}");
        let manager = knowing(&[record(peer, START, 0, Preferred)]);
        assert!(sent(&manager, 5).is_empty(), "{host} was sent");
        assert_eq!(
            manager.load_random_peers(&PeerQuery::default(), 5).unwrap().len(),
            1,
            "{host} is dialled"
        );
    }
}

#[test]
fn the_public_neighbours_of_private_ranges_are_sent() {
    for host in PUBLIC {
        let peer = PeerAddress::new(host, 11_625).unwrap();
        assert!(!peer.is_private(), "{host}");
        let manager = knowing(&[record(peer.clone(), START, 0, Inbound)]);
        assert_eq!(sent(&manager, 5), [peer]);
    }
}

/// Asks for many sizes around where the ways to draw change over, and expects `eligible` each time.
fn assert_never_short(manager: &PeerManager, query: &PeerQuery<'_>, eligible: &BTreeSet<PeerAddress>) {
    let (all, half) = (eligible.len(), eligible.len() / 2);
    let around = |n: usize| [n.saturating_sub(1), n, n + 1];
    let sizes = [around(all), around(half), around(half / 2), around(all * 2), [0, 1, usize::MAX]].concat();
    for size in sizes {
        let answer = chosen(manager, query, size);
        assert_eq!(answer.len(), size.min(all), "size {size} of {all} eligible, {query:?}");
        assert!(answer.is_subset(eligible), "size {size}, {query:?}");
        let public = eligible.iter().filter(|peer| !peer.is_private()).count();
        let shared = set(&manager.get_peers_to_send(query, None, size).unwrap());
        assert_eq!(shared.len(), size.min(public), "sharing {size} of {public}, {query:?}");
        assert!(shared.is_subset(eligible), "sharing {size}, {query:?}");
    }
}

#[test]
fn an_answer_is_never_short_for_any_size_and_any_bound_on_failures() {
    // Each count of failures once: bounds such as 20 or 100 fall in the middle of a failure class.
    let records: Vec<_> = (0..300).map(|n| record(mixed(n), START, n, Outbound)).collect();
    let manager = knowing(&records);
    for max in [
        0, 1, 7, 10, 14, 15, 16, 17, 20, 30, 31, 32, 40, 63, 64, 100, 119, 120, 121, 127, 128, 200, 255, 256,
        299, 400,
    ] {
        let query = PeerQuery { max_num_failures: Some(max), ..PeerQuery::default() };
        let eligible = records.iter().filter(|record| record.num_failures <= max);
        assert_never_short(&manager, &query, &eligible.map(|record| record.address.clone()).collect());
    }
}

#[test]
fn a_bound_on_failures_holds_exactly_at_every_power_of_two_and_the_ends_of_classes() {
    let counts: BTreeSet<u32> = (0..32)
        .flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1])
        .chain([10, 11, 119, 120, 121, u32::MAX - 1, u32::MAX])
        .collect();
    let records: Vec<_> =
        (0..).zip(&counts).map(|(n, &count)| record(mixed(n), START, count, Outbound)).collect();
    let manager = knowing(&records);
    for &max in &counts {
        let query = PeerQuery { max_num_failures: Some(max), ..PeerQuery::default() };
        let eligible = records.iter().filter(|record| record.num_failures <= max);
        assert_eq!(
            chosen(&manager, &query, 1_000),
            eligible.map(|record| record.address.clone()).collect(),
            "{max}"
        );
    }
}

#[test]
fn an_answer_is_never_short_when_many_are_excluded() {
    let records: Vec<_> = (0..200).map(|n| record(mixed(n), START, n % 24, Outbound)).collect();
    let manager = knowing(&records);
    let all: Vec<_> = records.iter().map(|record| record.address.clone()).collect();
    for excluded in [1, 2, 50, 99, 100, 101, 150, 198, 199, 200] {
        let query = PeerQuery { exclude: &all[..excluded], max_num_failures: None, ..PeerQuery::default() };
        assert_never_short(&manager, &query, &all[excluded..].iter().cloned().collect());
    }
}

#[test]
fn the_only_eligible_peer_among_5000_is_found_behind_a_bound_on_failures() {
    // They are all of one failure class, 16 to 31, of which the bound admits one peer.
    let failures = |n| if n == 3_210 { 16 } else { 17 + n % 15 };
    let records: Vec<_> = (0..5_000).map(|n| record(mixed(n), START, failures(n), Outbound)).collect();
    let manager = knowing(&records);
    let query = PeerQuery { max_num_failures: Some(16), ..PeerQuery::default() };
    assert_never_short(&manager, &query, &BTreeSet::from([mixed(3_210)]));
}

#[test]
fn the_only_eligible_peer_among_5000_is_found_behind_exclusions() {
    let records: Vec<_> = (0..5_000).map(|n| record(mixed(n), START, 0, Outbound)).collect();
    let manager = knowing(&records);
    let exclude: Vec<_> = (0..5_000).filter(|&n| n != 77).map(mixed).collect();
    let query = PeerQuery { exclude: &exclude, ..PeerQuery::default() };
    assert_never_short(&manager, &query, &BTreeSet::from([mixed(77)]));
}

#[test]
fn the_only_public_peer_among_5000_is_sent() {
    let mut records: Vec<_> = (0..5_000).map(|n| record(private(n), START, 0, Preferred)).collect();
    records[1_234].address = ipv4(9);
    let manager = knowing(&records);
    for size in [1, 2, 5_000] {
        assert_eq!(sent(&manager, size), [ipv4(9)]);
    }
}

#[test]
fn peers_become_eligible_in_the_second_of_their_next_attempt() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    manager.store(&record(ipv4(1), START + 10, 0, Outbound)).unwrap();
    for (now, count) in [(START + 9, 0), (START + 10, 1), (START + 9, 0), (START + 11, 1)] {
        clock.set(now);
        assert_eq!(manager.load_random_peers(&PeerQuery::default(), 5).unwrap().len(), count, "at {now}");
        assert_eq!(manager.get_peers_to_send(&PeerQuery::default(), None, 5).unwrap().len(), count);
        assert_eq!(manager.get_stats().unwrap().ready, count as u64);
    }
}

#[test]
fn all_of_a_large_table_may_become_due_in_the_same_second() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    let records: Vec<_> = (0..3_000).map(|n| record(mixed(n), START + 100, n % 8, Outbound)).collect();
    manager.store_many(&records).unwrap();
    assert!(manager.load_random_peers(&PeerQuery::default(), 1).unwrap().is_empty());
    clock.set(START + 100);
    let all = records.iter().map(|record| record.address.clone()).collect();
    assert_never_short(&manager, &PeerQuery::default(), &all);
    manager.check_invariants().unwrap();
}

#[test]
fn a_clock_that_steps_back_and_forward_changes_nothing_but_who_is_due() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    let records: Vec<_> = (0..500).map(|n| record(mixed(n), START + i64::from(n), n % 8, Outbound)).collect();
    manager.store_many(&records).unwrap();
    for offset in [0, 499, 498, 1, 250, -1, 600, 100, i64::MAX - START, 3, i64::MIN + START, 200, 201, 199, 0]
    {
        let now = START.wrapping_add(offset);
        clock.set(now);
        let due: BTreeSet<_> =
            records.iter().filter(|r| r.next_attempt <= now).map(|r| r.address.clone()).collect();
        assert_eq!(chosen(&manager, &PeerQuery::default(), 1_000), due, "at {offset}");
        assert_never_short(&manager, &PeerQuery::default(), &due);
        manager.check_invariants().unwrap();
    }
    assert_eq!(manager.peer_count(), 500);
}

#[test]
fn a_change_made_while_the_clock_is_back_counts_by_its_own_time() {
    let clock = TestClock::at(START + 1_000);
    let manager = clock.in_memory(7);
    manager.ensure_exists(&ipv4(1)).unwrap();
    clock.set(START);
    manager.store(&record(ipv4(2), START + 1, 0, Outbound)).unwrap();
    manager.store(&record(ipv4(3), START, 0, Outbound)).unwrap();
    let due = PeerQuery { type_filter: PeerTypeFilter::Any, ..PeerQuery::default() };
    assert_eq!(chosen(&manager, &due, 9), BTreeSet::from([ipv4(3)]));
    clock.set(START + 1);
    assert_eq!(chosen(&manager, &due, 9), BTreeSet::from([ipv4(2), ipv4(3)]));
    clock.set(START + 1_000);
    assert_eq!(chosen(&manager, &due, 9).len(), 3);
}

#[test]
fn one_seed_gives_one_history_of_choices_and_another_seed_another() {
    let history = |seed| {
        let manager = TestClock::at(START).in_memory(seed);
        manager.ensure_exists_many(&(0..100).map(mixed).collect::<Vec<_>>()).unwrap();
        let choose = || manager.load_random_peers(&PeerQuery::everything(), 5).unwrap();
        (0..10).map(|_| choose()).collect::<Vec<_>>()
    };
    assert_eq!(history(1), history(1));
    assert_ne!(history(1), history(2));
    let choices = history(1);
    assert_ne!(choices[0], choices[1], "each call draws anew");
}
