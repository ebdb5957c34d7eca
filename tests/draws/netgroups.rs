//! `max_per_netgroup`: whatever is chosen, no netgroup gives more than that, no peer is chosen that is not eligible, and the
//! answer is as long as it can be. How likely each is, is in `netgroup_chance.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::model::reference::Reference;
use crate::common::{self, START, TempDb, TestClock, ipv4, ipv6, mixed, name, netgroup, private, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, PeerAddress, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter, StoredPeerType,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

/// Public peers of one netgroup, another for each `n`.
fn group(n: u32, peers: u32) -> Vec<PeerAddress> {
    (0..peers).map(|peer| ipv4(n << 16 | peer)).collect()
}

fn knowing(peers: &[PeerAddress], peer_type: StoredPeerType) -> PeerManager {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    let records: Vec<_> = peers.iter().map(|peer| record(peer.clone(), START, 0, peer_type)).collect();
    manager.store_many(&records).unwrap();
    manager
}

fn at_most(max_per_netgroup: u32) -> PeerQuery<'static> {
    PeerQuery { max_per_netgroup, ..PeerQuery::default() }
}

fn anyone(max_per_netgroup: u32) -> PeerQuery<'static> {
    PeerQuery { max_per_netgroup, ..PeerQuery::everything() }
}

/// How many of each netgroup there are, in order.
fn by_netgroup<'a>(peers: impl IntoIterator<Item = &'a PeerAddress>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    peers.into_iter().for_each(|peer| *counts.entry(netgroup(peer)).or_default() += 1);
    counts
}

/// Checks one class of an answer: `given` is what came before it from each netgroup.
fn check_class(
    answer: &[PeerAddress],
    candidates: &BTreeSet<PeerAddress>,
    max_per_netgroup: u32,
    given: &mut BTreeMap<String, usize>,
    is_last: bool,
) {
    let distinct: BTreeSet<_> = answer.iter().cloned().collect();
    assert_eq!(distinct.len(), answer.len(), "a peer was chosen twice: {answer:?}");
    assert!(distinct.is_subset(candidates), "{answer:?} are not all among {candidates:?}");
    let room = |netgroup: &String| {
        (max_per_netgroup as usize).saturating_sub(given.get(netgroup).copied().unwrap_or(0))
    };
    let drawn = by_netgroup(answer);
    for (netgroup, count) in by_netgroup(candidates) {
        let drawn = drawn.get(&netgroup).copied().unwrap_or(0);
        let possible = count.min(room(&netgroup));
        assert!(drawn <= possible, "{drawn} of {netgroup}");
        assert!(is_last || drawn == possible, "{netgroup} could give {possible}, and gave {drawn}");
    }
    for (netgroup, count) in drawn {
        *given.entry(netgroup).or_default() += count;
    }
}

/// Checks an answer, class by class; all but the last that gave somebody must be used up.
fn check(answer: &[PeerAddress], classes: &[BTreeSet<PeerAddress>], max_per_netgroup: u32, size: usize) {
    let mut given = BTreeMap::new();
    let mut rest = answer;
    for candidates in classes {
        let end = rest.iter().position(|peer| !candidates.contains(peer)).unwrap_or(rest.len());
        let (from_class, others) = rest.split_at(end);
        let is_last = answer.len() == size && others.is_empty();
        check_class(from_class, candidates, max_per_netgroup, &mut given, is_last);
        rest = others;
    }
    assert!(rest.is_empty(), "peers that are not to be chosen, or in the wrong order: {rest:?}");
    assert!(answer.len() <= size);
}

#[derive(Clone, Debug)]
struct Query {
    use_next_attempt: bool,
    max_num_failures: Option<u32>,
    type_filter: PeerTypeFilter,
    max_per_netgroup: u32,
    exclude: Vec<u32>,
}

impl Query {
    fn with<'a>(&self, exclude: &'a [PeerAddress]) -> PeerQuery<'a> {
        PeerQuery {
            use_next_attempt: self.use_next_attempt,
            max_num_failures: self.max_num_failures,
            type_filter: self.type_filter,
            max_per_netgroup: self.max_per_netgroup,
            exclude,
            ..PeerQuery::everything()
        }
    }
}

fn queries() -> impl Strategy<Value = Query> {
    let filters = vec![
        PeerTypeFilter::InboundOnly,
        PeerTypeFilter::OutboundOnly,
        PeerTypeFilter::PreferredOnly,
        PeerTypeFilter::AnyOutbound,
        PeerTypeFilter::Any,
        PeerTypeFilter::Any,
    ];
    let bound = prop_oneof![8 => 1..6_u32, 1 => Just(u32::MAX)];
    (any::<bool>(), option::of(0..40_u32), select(filters), bound, vec(0..90_u32, 0..12)).prop_map(
        |(use_next_attempt, max_num_failures, type_filter, max_per_netgroup, exclude)| Query {
            use_next_attempt,
            max_num_failures,
            type_filter,
            max_per_netgroup,
            exclude,
        },
    )
}

/// Nine netgroups, one much larger than the others, one private, and one of a name with ports.
fn peer(n: u32) -> PeerAddress {
    match n % 9 {
        0 => private(n),
        1 => common::address(&format!("same.example.org:{}", n + 1)),
        2 => name(n),
        3 => ipv6(n),
        4 | 5 => ipv4((n % 4) << 16 | n),
        _ => ipv4(0xff_0000 | n),
    }
}

/// A change of the table: the peer's number, what is stored, and whether it goes instead.
type Change = (u32, i64, u32, StoredPeerType, bool);

#[test]
fn every_answer_is_as_long_as_the_bound_allows_and_within_it() {
    let change = (
        0..90_u32,
        START - 3..START + 4,
        prop_oneof![3 => 0..4_u32, 2 => 14..34_u32, 1 => Just(u32::MAX)],
        select(StoredPeerType::ALL.to_vec()),
        prop_oneof![4 => Just(false), 1 => Just(true)],
    );
    let sizes = prop_oneof![3 => 0..12_usize, 1 => 0..100_usize, 1 => Just(usize::MAX)];
    let rounds =
        vec((vec(change, 0..40), START - 4..START + 5, queries(), sizes, option::of(0..90_u32)), 1..20);
    common::runner(150)
        .run(&(rounds, any::<u64>()), |(rounds, seed)| {
            let clock = TestClock::at(START);
            let (manager, mut model) = (clock.in_memory(seed), Reference::new_in_memory());
            for (changes, now, query, size, asker) in rounds {
                for change in &changes {
                    make(change, &manager, &mut model);
                }
                clock.set(now);
                let exclude: Vec<_> = query.exclude.iter().copied().map(peer).collect();
                let (k, query) = (query.max_per_netgroup, query.with(&exclude));
                let chosen = manager.load_random_peers(&query, size).unwrap();
                check(&chosen, &[model.candidates(&query, now)], k, size);
                let asker = asker.map(peer);
                let sent = manager.get_peers_to_send(&query, asker.as_ref(), size).unwrap();
                check(&sent, &model.candidates_to_send(&query, asker.as_ref(), now), k, size);
                manager.check_invariants().unwrap();
            }
            Ok(())
        })
        .unwrap();
}

fn make(
    &(n, next_attempt, num_failures, peer_type, is_removed): &Change,
    manager: &PeerManager,
    model: &mut Reference,
) {
    if is_removed {
        assert_eq!(manager.remove(&peer(n)).is_ok(), model.remove(&peer(n)));
    } else {
        let record: PeerRecord = record(peer(n), next_attempt, num_failures, peer_type);
        manager.store(&record).unwrap();
        model.store(&record);
    }
}

#[test]
fn no_netgroup_gives_more_than_it_may_and_each_gives_what_it_can() {
    let peers: Vec<_> = [group(1, 1), group(2, 3), group(3, 500), (0..7).map(name).collect()].concat();
    let manager = knowing(&peers, Outbound);
    for (max_per_netgroup, expected) in [(1, 10), (2, 12), (3, 14), (4, 15), (501, 511), (u32::MAX, 511)] {
        for size in [expected, expected + 1, 10_000, usize::MAX] {
            let chosen = manager.load_random_peers(&at_most(max_per_netgroup), size).unwrap();
            assert_eq!(chosen.len(), expected);
            let by_netgroup = by_netgroup(&chosen);
            assert!(by_netgroup.values().all(|&count| count <= max_per_netgroup as usize), "{by_netgroup:?}");
        }
        assert_eq!(
            manager.load_random_peers(&at_most(max_per_netgroup), expected - 1).unwrap().len(),
            expected - 1
        );
    }
    assert_eq!(manager.load_random_peers(&at_most(1), 0).unwrap(), []);
}

#[test]
fn without_a_bound_a_netgroup_may_give_all() {
    let manager = knowing(&group(1, 300), Outbound);
    assert_eq!(manager.load_random_peers(&at_most(0), 300).unwrap().len(), 300);
    assert_eq!(manager.load_random_peers(&at_most(1), 300).unwrap().len(), 1);
}

#[test]
fn excluded_peers_do_not_count_for_their_netgroup() {
    let peers = group(1, 10);
    let manager = knowing(&peers, Outbound);
    let query = PeerQuery { exclude: &peers[..8], ..at_most(2) };
    let chosen: BTreeSet<_> = manager.load_random_peers(&query, 9).unwrap().into_iter().collect();
    assert_eq!(chosen, peers[8..].iter().cloned().collect());
    let query = PeerQuery { exclude: &peers[..7], ..anyone(3) };
    let sent: BTreeSet<_> =
        manager.get_peers_to_send(&query, Some(&peers[7]), 9).unwrap().into_iter().collect();
    assert_eq!(sent, peers[8..].iter().cloned().collect());
}

#[test]
fn what_is_sent_counts_over_all_types_and_never_has_private_peers() {
    let manager = knowing(&group(1, 5), Inbound);
    let [preferred, outbound] = [group(1, 7).pop(), group(1, 8).pop()].map(Option::unwrap);
    manager.store(&record(preferred.clone(), START, 0, Preferred)).unwrap();
    manager.store(&record(outbound.clone(), START, 0, Outbound)).unwrap();
    manager.ensure_exists_many(&(0..50).map(private).collect::<Vec<_>>()).unwrap();
    assert_eq!(manager.get_peers_to_send(&anyone(1), None, 9).unwrap(), std::slice::from_ref(&preferred));
    assert_eq!(
        manager.get_peers_to_send(&anyone(2), None, 9).unwrap(),
        [preferred.clone(), outbound.clone()]
    );
    let three = manager.get_peers_to_send(&anyone(3), None, 9).unwrap();
    assert_eq!((three.len(), &three[..2]), (3, &[preferred, outbound][..]));
    assert_eq!(manager.get_peers_to_send(&anyone(99), None, 99).unwrap().len(), 7);
}

#[test]
fn a_netgroup_is_chosen_from_as_soon_as_one_of_its_peers_is_due() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let wait = |n: u32| record(ipv4((n % 5) << 16 | n), START + i64::from(n), 0, Outbound);
    manager.store_many(&(0..50).map(wait).collect::<Vec<_>>()).unwrap();
    for (now, expected) in [(-1, 0), (0, 1), (3, 4), (4, 5), (49, 5), (2, 3), (0, 1), (-1, 0), (100, 5)] {
        clock.set(START + now);
        assert_eq!(manager.load_random_peers(&at_most(1), 9).unwrap().len(), expected, "at {now}");
        let all = usize::try_from((now + 1).clamp(0, 50)).unwrap();
        assert_eq!(manager.load_random_peers(&at_most(99), 99).unwrap().len(), all, "at {now}");
    }
}

#[test]
fn changes_of_a_peer_are_seen_at_once() {
    let peers: Vec<_> = [group(1, 2), group(2, 2)].concat();
    let manager = knowing(&peers, Outbound);
    let count = |max_per_netgroup| manager.load_random_peers(&at_most(max_per_netgroup), 9).unwrap().len();
    assert_eq!((count(1), count(2)), (2, 4));
    manager.update_backoff(&peers[0], BackOffUpdate::Increase).unwrap();
    assert_eq!((count(1), count(2)), (2, 3));
    manager.update_backoff(&peers[1], BackOffUpdate::Increase).unwrap();
    assert_eq!((count(1), count(2)), (1, 2));
    manager.update_backoff(&peers[0], BackOffUpdate::HardReset).unwrap();
    manager.remove(&peers[2]).unwrap();
    assert_eq!((count(1), count(2)), (2, 2));
    manager.remove(&peers[3]).unwrap();
    assert_eq!((count(1), count(2)), (1, 1));
    manager.clear_all().unwrap();
    assert_eq!((count(1), count(2)), (0, 0));
    manager.update(&peers[3], Outbound, false, BackOffUpdate::HardReset).unwrap();
    assert_eq!((count(1), count(2)), (1, 1));
}

#[test]
fn a_purge_of_many_leaves_the_netgroups_of_the_others_as_they_are() {
    // A few, which go one by one, and most, for which the table is built anew.
    for going in [3, 170] {
        let failures = |n: u32| if n < going { 20 } else { 1 };
        let records: Vec<_> =
            (0..200).map(|n| record(ipv4((n % 20) << 16 | n), START, failures(n), Outbound)).collect();
        let manager = TestClock::at(START).in_memory(common::test_seed());
        manager.store_many(&records).unwrap();
        assert_eq!(manager.remove_peers_with_many_failures(10).unwrap(), going as usize);
        let left = by_netgroup(records[going as usize..].iter().map(|record| &record.address));
        for max_per_netgroup in [1, 2, 99] {
            let chosen = by_netgroup(&manager.load_random_peers(&at_most(max_per_netgroup), 999).unwrap());
            let may = |(netgroup, &count): (&String, &usize)| {
                (netgroup.clone(), count.min(max_per_netgroup as usize))
            };
            assert_eq!(chosen, left.iter().map(may).collect());
        }
        manager.check_invariants().unwrap();
    }
}

#[test]
fn what_is_loaded_from_a_file_is_chosen_by_netgroup() {
    let database = TempDb::new();
    let peers: Vec<_> = (0..90).map(mixed).collect();
    let clock = TestClock::at(START);
    let manager = clock.on_file(&database.path(), 1);
    let wait = |n: usize| START + i64::from(n % 2 == 1) * 10;
    let stored = peers.iter().enumerate().map(|(n, peer)| record(peer.clone(), wait(n), 0, Outbound));
    manager.store_many(&stored.collect::<Vec<_>>()).unwrap();
    drop(manager);
    let manager = clock.on_file(&database.path(), 1);
    for (now, due) in [(START, 45), (START + 10, 90)] {
        clock.set(now);
        let eligible = peers.iter().enumerate().filter(|(n, _)| wait(*n) <= now).map(|(_, peer)| peer);
        let netgroups = by_netgroup(eligible);
        assert_eq!(netgroups.values().sum::<usize>(), due);
        assert_eq!(manager.load_random_peers(&at_most(1), 99).unwrap().len(), netgroups.len());
        assert_eq!(manager.load_random_peers(&at_most(99), 99).unwrap().len(), due);
    }
}

#[test]
fn one_seed_gives_one_history_of_choices_by_netgroup() {
    let history = |seed| {
        let manager = TestClock::at(START).in_memory(seed);
        manager.ensure_exists_many(&(0..200).map(mixed).collect::<Vec<_>>()).unwrap();
        (0..10).map(|_| manager.load_random_peers(&anyone(1), 5).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(history(1), history(1));
    assert_ne!(history(1), history(2));
}
