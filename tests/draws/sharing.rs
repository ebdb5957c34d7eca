//! `share_cache_seconds` and `share_max_percent`: everyone who asks is told of the same few peers for a while, so that
//! asking often does not tell more. How much it helps against a scraper is in `scraping.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::common::chance::Verdict;
use crate::common::{self, START, TestClock, ipv4, mixed, netgroup, private, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, MAX_SHARE_KEY, PeerAddress, PeerManager, PeerQuery, PeerTypeFilter, StoredPeerType,
};

/// How long a choice lives in these tests: this long, and up to half of it more.
const SECONDS: u32 = 1_000;
const SHORTEST: i64 = 1_000;
const LONGEST: i64 = 1_500;

/// A manager that shares one choice, and knows this many inbound peers.
fn sharing(clock: &TestClock, percent: u32, peers: u32) -> PeerManager {
    let mut options = clock.options(common::test_seed());
    options.share_cache_seconds = SECONDS;
    options.share_max_percent = percent;
    let manager = PeerManager::open(options).unwrap();
    manager.ensure_exists_many(&(0..peers).map(mixed).collect::<Vec<_>>()).unwrap();
    manager
}

fn ask(manager: &PeerManager, size: usize) -> Vec<PeerAddress> {
    manager.get_peers_to_send(&PeerQuery::everything(), None, size).unwrap()
}

fn without(answer: &[PeerAddress], peer: &PeerAddress) -> Vec<PeerAddress> {
    answer.iter().filter(|one| *one != peer).cloned().collect()
}

#[test]
fn without_the_option_every_answer_is_drawn_anew() {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    manager.ensure_exists_many(&(0..1_000).map(mixed).collect::<Vec<_>>()).unwrap();
    assert_ne!(ask(&manager, 20), ask(&manager, 20));
}

#[test]
fn for_a_while_the_same_query_has_the_same_answer() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 1_000);
    let answer = ask(&manager, 20);
    assert_eq!(answer.len(), 20);
    for now in [0, 1, SHORTEST / 2, SHORTEST - 1] {
        clock.set(START + now);
        assert_eq!(ask(&manager, 20), answer, "after {now} s");
    }
    clock.set(START + LONGEST + 1);
    assert_ne!(ask(&manager, 20), answer);
}

#[test]
fn everyone_is_answered_from_the_same_choice() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 1_000);
    let answer = ask(&manager, 20);
    for asker in (0..200).map(mixed).filter(|asker| !answer.contains(asker)) {
        let told = manager.get_peers_to_send(&PeerQuery::everything(), Some(&asker), 20).unwrap();
        assert_eq!(told, answer, "to {asker}");
    }
}

#[test]
fn an_asker_is_never_told_of_itself() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 1_000);
    let answer = ask(&manager, 20);
    for asker in &answer {
        let told = manager.get_peers_to_send(&PeerQuery::everything(), Some(asker), 20).unwrap();
        // One more was drawn in its place.
        assert_eq!((told.len(), &told[..19]), (20, &without(&answer, asker)[..]));
    }
    assert_eq!(ask(&manager, 20), answer);
}

#[test]
fn the_choice_grows_at_its_end_when_more_is_asked_for() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 1_000);
    let mut answer = Vec::new();
    for size in [0, 1, 5, 6, 50, 500, 1_000] {
        let longer = ask(&manager, size);
        assert_eq!((longer.len(), &longer[..answer.len()]), (size, &answer[..]));
        answer = longer;
    }
    for size in [3, 999, 10_000, usize::MAX] {
        assert_eq!(ask(&manager, size), answer[..size.min(1_000)]);
    }
}

#[test]
fn no_asker_is_told_of_more_than_the_percentage() {
    // Rounded down, but one at least; 0 is 100.
    for (percent, peers, limit) in [
        (23, 1_000, 230),
        (1, 1_000, 10),
        (25, 11, 2),
        (10, 3, 1),
        (1, 1, 1),
        (99, 1, 1),
        (100, 60, 60),
        (0, 60, 60),
    ] {
        let clock = TestClock::at(START);
        let manager = sharing(&clock, percent, peers);
        let mut learned = BTreeSet::new();
        for (size, asker) in [(1, 0), (limit / 2, 1), (limit, 2), (limit + 1, 3), (5_000, 4), (usize::MAX, 5)]
        {
            let told =
                manager.get_peers_to_send(&PeerQuery::everything(), Some(&mixed(asker)), size).unwrap();
            assert!(told.len() <= limit);
            learned.extend(told);
        }
        // Whatever is asked for.
        for type_filter in [PeerTypeFilter::InboundOnly, PeerTypeFilter::AnyOutbound] {
            for use_next_attempt in [false, true] {
                let query = PeerQuery { type_filter, use_next_attempt, ..PeerQuery::everything() };
                learned.extend(manager.get_peers_to_send(&query, None, usize::MAX).unwrap());
            }
        }
        assert_eq!(learned.len(), limit, "{percent} % of {peers}");
    }
}

#[test]
fn the_percentage_is_of_all_peers_at_the_beginning() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 50, 40);
    manager.ensure_exists_many(&(0..60).map(private).collect::<Vec<_>>()).unwrap();
    // Of a hundred peers, though only forty may be shared at all.
    assert_eq!(ask(&manager, 999).len(), 40);
    clock.set(START + LONGEST + 1);
    manager.ensure_exists_many(&(100..300).map(mixed).collect::<Vec<_>>()).unwrap();
    assert_eq!(ask(&manager, 10).len(), 10);
    // The table grows and shrinks, the limit stays.
    manager.ensure_exists_many(&(1_000..2_000).map(mixed).collect::<Vec<_>>()).unwrap();
    assert_eq!(ask(&manager, 999).len(), 150);
    clock.set(START + 2 * (LONGEST + 1));
    assert_eq!(ask(&manager, 999).len(), 650);
}

#[test]
fn private_peers_and_those_that_the_query_excludes_are_never_told_of() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 30);
    manager.ensure_exists_many(&(0..30).map(private).collect::<Vec<_>>()).unwrap();
    let exclude: Vec<_> = (0..10).map(mixed).collect();
    let query = PeerQuery { exclude: &exclude, ..PeerQuery::everything() };
    let told = manager.get_peers_to_send(&query, None, 99).unwrap();
    assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), (10..30).map(mixed).collect());
    assert_eq!(ask(&manager, 99).len(), 30);
    assert_eq!(manager.get_peers_to_send(&query, None, 99).unwrap().len(), 20);
}

#[test]
fn a_removed_peer_is_in_no_answer_any_more_and_back_when_it_comes_back() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 50, 40);
    let answer = ask(&manager, 20);
    manager.remove(&answer[7]).unwrap();
    let told = ask(&manager, 20);
    assert_eq!(
        (told.len(), &told[..19]),
        (20, &without(&answer, &answer[7])[..]),
        "another one is drawn instead"
    );
    manager.ensure_exists(&answer[7]).unwrap();
    assert_eq!(ask(&manager, 20), answer, "and the other one is left out");
    manager.store(&record(answer[3].clone(), START, 30, Inbound)).unwrap();
    manager.remove_peers_with_many_failures(30).unwrap();
    let rest = without(&answer, &answer[3]);
    assert_eq!(ask(&manager, 20), [&rest[..], &told[19..]].concat(), "the other one is there already");
    manager.clear_all().unwrap();
    assert_eq!(ask(&manager, 20), []);
    manager.ensure_exists_many(&answer).unwrap();
    assert_eq!(ask(&manager, 20), answer);
}

#[test]
fn however_many_are_removed_others_are_told_of_in_their_place() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 10, 1_000);
    let (mut answer, mut told) = (ask(&manager, 999), BTreeSet::new());
    for round in 1..=8 {
        assert_eq!(answer.len(), 100, "a tenth of the thousand there were at first");
        assert!(answer.iter().all(|peer| told.insert(peer.clone())), "round {round} tells of one again");
        for peer in &answer {
            manager.remove(peer).unwrap();
        }
        answer = ask(&manager, 999);
    }
    // Fewer at a time, too; then those stay that are left.
    for _ in 0..50 {
        manager.remove(&answer[0]).unwrap();
        let next = ask(&manager, 999);
        assert_eq!((next.len(), &next[..99]), (100, &answer[1..]));
        answer = next;
    }
}

#[test]
fn a_peer_that_comes_and_goes_does_not_bring_one_more_into_the_answers_each_time() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 10, 200);
    let answer = ask(&manager, 99);
    let mut told: BTreeSet<_> = answer.iter().cloned().collect();
    for _ in 0..100 {
        manager.remove(&answer[4]).unwrap();
        told.extend(ask(&manager, 99));
        manager.ensure_exists(&answer[4]).unwrap();
        assert_eq!(ask(&manager, 99), answer);
    }
    assert_eq!(told.len(), 21);
}

#[test]
fn what_comes_and_goes_for_long_is_not_remembered_for_long() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 10, 100);
    let first = ask(&manager, 10);
    let mut answer = first.clone();
    for n in 0..3_000 {
        manager.remove(&answer[0]).unwrap();
        manager.ensure_exists(&mixed(1_000 + n)).unwrap();
        answer = ask(&manager, 10);
        assert_eq!(answer.len(), 10);
    }
    manager.ensure_exists_many(&first).unwrap();
    assert_eq!(ask(&manager, 10), answer, "the first are long gone, and have no place any more");
}

/// 500 inbound, 300 outbound and 40 preferred peers.
fn of_every_type(clock: &TestClock, percent: u32) -> PeerManager {
    let manager = sharing(clock, percent, 840);
    (500..800).for_each(|n| manager.update_type(&mixed(n), Outbound, false).unwrap());
    (800..840).for_each(|n| manager.update_type(&mixed(n), Preferred, false).unwrap());
    manager
}

fn of_type(type_filter: PeerTypeFilter) -> PeerQuery<'static> {
    PeerQuery { type_filter, ..PeerQuery::everything() }
}

#[test]
fn a_query_for_one_type_leaves_the_others_their_parts() {
    use PeerTypeFilter::{Any, AnyOutbound, InboundOnly, OutboundOnly, PreferredOnly};
    // Whichever comes first, each type has a tenth of its peers to tell of, and no more.
    let parts = [(InboundOnly, 50), (OutboundOnly, 30), (PreferredOnly, 4), (AnyOutbound, 34), (Any, 84)];
    for first in 0..parts.len() {
        let clock = TestClock::at(START);
        let manager = of_every_type(&clock, 10);
        let mut told = BTreeSet::new();
        for n in 0..2 * parts.len() {
            let (type_filter, part) = parts[(first + n) % parts.len()];
            let answer = manager.get_peers_to_send(&of_type(type_filter), None, 999).unwrap();
            assert_eq!(answer.len(), part, "{type_filter:?}, query {n} after {:?}", parts[first].0);
            let types = answer.iter().map(|peer| manager.load(peer).unwrap().unwrap().peer_type);
            assert!(types.is_sorted_by(|a, b| a >= b), "preferred before outbound before inbound");
            told.extend(answer);
        }
        assert_eq!(told.len(), 84);
    }
}

#[test]
fn a_type_without_peers_has_its_part_measured_when_it_has_some() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 10, 500);
    assert_eq!(ask(&manager, 999).len(), 50);
    // A private one is none to tell of, so it does not count as the first.
    manager.store(&record(private(1), START, 0, Outbound)).unwrap();
    assert_eq!(ask(&manager, 999).len(), 50);
    (1_000..1_100).for_each(|n| manager.update_type(&mixed(n), Outbound, false).unwrap());
    assert_eq!(ask(&manager, 999).len(), 60, "a tenth of 101, and of the 500");
    (2_000..3_000).for_each(|n| manager.update_type(&mixed(n), Outbound, false).unwrap());
    assert_eq!(ask(&manager, 999).len(), 60);
}

#[test]
fn a_peer_whose_type_changes_makes_room_for_no_other() {
    let clock = TestClock::at(START);
    let manager = of_every_type(&clock, 10);
    let mut told: BTreeSet<_> = ask(&manager, 999).into_iter().collect();
    assert_eq!(told.len(), 84);
    let peers: Vec<_> = told.iter().cloned().collect();
    for (n, peer) in peers.iter().enumerate() {
        manager.store(&record(peer.clone(), START, 0, StoredPeerType::ALL[n % 3])).unwrap();
        for type_filter in [PeerTypeFilter::Any, PeerTypeFilter::InboundOnly, PeerTypeFilter::AnyOutbound] {
            told.extend(manager.get_peers_to_send(&of_type(type_filter), None, 999).unwrap());
        }
    }
    assert_eq!(told.len(), 84);
}

#[test]
fn the_order_of_an_answer_does_not_show_whom_the_node_has_reached_since() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 50, 40);
    let answer = ask(&manager, 20);
    manager.update_type(&answer[7], Outbound, false).unwrap();
    manager.update_type(&answer[9], Preferred, false).unwrap();
    assert_eq!(ask(&manager, 20), answer);
    // A query for a type still goes by what the peers are now.
    assert_eq!(
        manager.get_peers_to_send(&of_type(PeerTypeFilter::AnyOutbound), None, 2).unwrap(),
        [answer[7].clone(), answer[9].clone()]
    );
}

#[test]
fn each_key_has_a_shared_list_of_its_own() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 50, 400);
    let of_key = |share_key| {
        manager.get_peers_to_send(&PeerQuery { share_key, ..PeerQuery::everything() }, None, 20).unwrap()
    };
    let answers: Vec<_> = (0..=MAX_SHARE_KEY).map(of_key).collect();
    for (key, answer) in (0..).zip(&answers) {
        assert_eq!(&of_key(key), answer, "{key}");
    }
    let distinct: BTreeSet<_> = answers.iter().collect();
    assert_eq!(distinct.len(), answers.len(), "two keys have drawn the same twenty of four hundred");
    let query = PeerQuery { share_key: MAX_SHARE_KEY + 1, ..PeerQuery::everything() };
    let error = manager.get_peers_to_send(&query, None, 1).unwrap_err();
    assert_eq!(error.to_string(), "share_key is 16; use 0 to 15");
}

#[test]
fn the_types_come_in_order_from_the_beginning() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 300);
    (0..20).for_each(|n| manager.update_type(&mixed(n), Preferred, false).unwrap());
    (20..60).for_each(|n| manager.update_type(&mixed(n), Outbound, false).unwrap());
    for size in [10, 30, 100, 300] {
        let types: Vec<_> =
            ask(&manager, size).iter().map(|peer| manager.load(peer).unwrap().unwrap().peer_type).collect();
        assert_eq!(types.len(), size);
        assert!(types.is_sorted_by(|a, b| a >= b), "{types:?}");
        assert_eq!(types.iter().filter(|&&t| t == Preferred).count(), size.min(20));
        assert_eq!(types.iter().filter(|&&t| t >= Outbound).count(), size.min(60));
    }
}

#[test]
fn only_what_the_query_admits_is_told() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 60);
    (0..30).for_each(|n| manager.update(&mixed(n), Outbound, false, BackOffUpdate::Increase).unwrap());
    let outbound = PeerQuery { type_filter: PeerTypeFilter::OutboundOnly, ..PeerQuery::everything() };
    let due = PeerQuery { use_next_attempt: true, ..outbound };
    let healthy = PeerQuery { max_num_failures: Some(0), ..PeerQuery::everything() };
    let told = |query: &PeerQuery<'_>| -> BTreeSet<_> {
        let answer = manager.get_peers_to_send(query, None, 99).unwrap();
        assert_eq!(answer, manager.get_peers_to_send(query, None, 99).unwrap());
        answer.into_iter().collect()
    };
    assert_eq!(told(&outbound), (0..30).map(mixed).collect());
    assert_eq!(told(&due), BTreeSet::new());
    assert_eq!(told(&healthy), (30..60).map(mixed).collect());
    assert_eq!(told(&PeerQuery::everything()), (0..60).map(mixed).collect());
    // As time goes by, they become due: it is the choice that lasts, not what is known of the peers.
    clock.set(START + 20);
    assert_eq!(told(&due), (0..30).map(mixed).collect());
}

#[test]
fn no_netgroup_gives_more_than_the_query_allows() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 0);
    manager.ensure_exists_many(&(0..200).map(|n| ipv4((n % 8) << 16 | n)).collect::<Vec<_>>()).unwrap();
    let query = PeerQuery { max_per_netgroup: 2, ..PeerQuery::everything() };
    let answer = manager.get_peers_to_send(&query, None, 10).unwrap();
    assert_eq!(answer.len(), 10);
    for size in [10, 99] {
        let told = manager.get_peers_to_send(&query, None, size).unwrap();
        let mut counts = BTreeMap::<_, u32>::new();
        for peer in &told {
            *counts.entry(netgroup(peer)).or_default() += 1;
        }
        assert!(counts.values().all(|&count| count <= 2), "{counts:?}");
        assert_eq!((told.len(), &told[..10]), (size.min(16), &answer[..]));
    }
}

#[test]
fn a_clock_that_goes_back_behind_the_beginning_ends_the_choice() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 1_000);
    let answer = ask(&manager, 20);
    clock.set(START + 500);
    assert_eq!(ask(&manager, 20), answer);
    clock.set(START - 2);
    assert_eq!(ask(&manager, 20), answer, "that may be a query that was late");
    clock.set(START - 3);
    let earlier = ask(&manager, 20);
    assert_ne!(earlier, answer);
    clock.set(START);
    assert_eq!(ask(&manager, 20), earlier, "a choice was begun in between");
}

#[test]
fn a_choice_lives_for_the_time_given_and_a_random_half_of_it_more() {
    const STEP: i64 = 50;
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 0, 1_000);
    let (mut begun, mut lengths) = (START, HashMap::<i64, u32>::new());
    for _ in 0..400 {
        clock.set(begun);
        let answer = ask(&manager, 20);
        clock.set(begun + SHORTEST - 1);
        assert_eq!(ask(&manager, 20), answer, "it ended early");
        let ends = |after: &i64| {
            clock.set(begun + after);
            ask(&manager, 20) != answer
        };
        // With the query after its end, the next choice begins.
        let length = (0..12).map(|n| SHORTEST + n * STEP).find(ends).expect("it ends");
        assert!(length <= LONGEST + STEP);
        // The ends of the range may be in or out.
        *lengths.entry((length - 1).clamp(SHORTEST, LONGEST - 1) / STEP).or_default() += 1;
        begun += length;
    }
    let verdict = Verdict::of(lengths.into_values(), 10, 400);
    assert!(verdict.is_fair(), "{verdict:?}");
}

#[test]
fn in_every_choice_all_peers_are_equally_likely() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 25, 60);
    let (mut counts, draws) = (HashMap::<PeerAddress, u32>::new(), 4_000);
    for round in 0..draws {
        clock.set(START + i64::from(round) * 2 * LONGEST);
        let answer = ask(&manager, 99);
        assert_eq!(answer.len(), 15);
        for peer in answer {
            *counts.entry(peer).or_default() += 1;
        }
    }
    let verdict = Verdict::of_inclusion(counts.into_values(), 60, 15, draws);
    assert!(verdict.is_fair(), "{verdict:?}");
}

#[test]
fn whom_to_dial_is_drawn_anew_each_time() {
    let clock = TestClock::at(START);
    let manager = sharing(&clock, 5, 1_000);
    let dial = || manager.load_random_peers(&PeerQuery::everything(), 100).unwrap();
    ask(&manager, 20);
    assert_ne!(dial(), dial());
    assert_eq!(dial().len(), 100);
}

#[test]
fn the_longest_time_and_the_ends_of_the_clock_do_no_harm() {
    for now in [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX] {
        let clock = TestClock::at(now);
        let mut options = clock.options(1);
        options.share_cache_seconds = u32::MAX;
        let manager = PeerManager::open(options).unwrap();
        manager.ensure_exists_many(&(0..1_000).map(mixed).collect::<Vec<_>>()).unwrap();
        let answer = ask(&manager, 20);
        assert_eq!(ask(&manager, 20), answer);
        clock.set(now.saturating_add(i64::from(u32::MAX) - 1));
        assert_eq!(ask(&manager, 20), answer);
    }
}

#[test]
fn one_seed_gives_one_history_of_choices_to_share() {
    let history = |seed| {
        let clock = TestClock::at(START);
        let mut options = clock.options(seed);
        options.share_cache_seconds = SECONDS;
        let manager = PeerManager::open(options).unwrap();
        manager.ensure_exists_many(&(0..100).map(mixed).collect::<Vec<_>>()).unwrap();
        let answer = |n: i64| {
            clock.set(START + n * 300);
            ask(&manager, 5)
        };
        (0..20).map(answer).collect::<Vec<_>>()
    };
    assert_eq!(history(1), history(1));
    assert_ne!(history(1), history(2));
}
