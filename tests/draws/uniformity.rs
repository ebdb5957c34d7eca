//! Every eligible peer is equally likely at every place of an answer: chi-square tests with a fixed seed.
//!
//! Two forms. Where few ordered answers are possible, each of them must come up equally often, which is the whole
//! definition of a uniform draw without replacement in random order. Where there are many, the peers are counted:
//! how often each was in the answer, how often first, how often last.

use std::collections::HashMap;

use crate::common::chance::{Verdict, critical_value};
use crate::common::{self, START, TestClock, ipv4, mixed, private, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{PeerAddress, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter, StoredPeerType};
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// The number of ordered answers of `size` out of `n`.
fn arrangements(n: usize, size: usize) -> usize {
    (n - size + 1..=n).product()
}

/// Tests that every ordered answer of `size` out of `eligible` is equally likely.
fn ordered_answers(eligible: usize, size: usize, mut draw: impl FnMut() -> Vec<PeerAddress>) -> Verdict {
    let cells = arrangements(eligible, size);
    let draws = u32::try_from(cells * 60).unwrap();
    let mut counts: HashMap<Vec<PeerAddress>, u32> = HashMap::new();
    for _ in 0..draws {
        let answer = draw();
        assert_eq!(answer.len(), size);
        *counts.entry(answer).or_default() += 1;
    }
    assert!(counts.len() <= cells, "more answers than there can be");
    Verdict::of(counts.into_values(), cells, draws)
}

/// Tests how often each of `eligible` is in an answer of `size`, is its first, and is its last.
fn membership(
    eligible: usize,
    size: usize,
    draws: u32,
    mut draw: impl FnMut() -> Vec<PeerAddress>,
) -> [(&'static str, Verdict); 3] {
    let mut anywhere: HashMap<PeerAddress, u32> = HashMap::new();
    let (mut first, mut last) = (anywhere.clone(), anywhere.clone());
    for _ in 0..draws {
        let answer = draw();
        assert_eq!(answer.len(), size);
        *first.entry(answer[0].clone()).or_default() += 1;
        *last.entry(answer[size - 1].clone()).or_default() += 1;
        for address in answer {
            *anywhere.entry(address).or_default() += 1;
        }
    }
    [
        ("anywhere", Verdict::of_inclusion(anywhere.into_values(), eligible, size, draws)),
        ("first", Verdict::of(first.into_values(), eligible, draws)),
        ("last", Verdict::of(last.into_values(), eligible, draws)),
    ]
}

fn assert_ordered(eligible: usize, size: usize, draw: impl FnMut() -> Vec<PeerAddress>) {
    let verdict = ordered_answers(eligible, size, draw);
    assert!(verdict.is_fair(), "{size} of {eligible}: {verdict:?}");
}

fn assert_membership(eligible: usize, size: usize, draws: u32, draw: impl FnMut() -> Vec<PeerAddress>) {
    for (place, verdict) in membership(eligible, size, draws, draw) {
        assert!(verdict.is_fair(), "{size} of {eligible}, {place}: {verdict:?}");
    }
}

fn knowing(records: &[PeerRecord]) -> PeerManager {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    manager.store_many(records).unwrap();
    manager
}

fn outbound(count: u32) -> Vec<PeerRecord> {
    (0..count).map(|n| record(mixed(n), START, 0, Outbound)).collect()
}

/// Peers spread over the pools as unevenly as can be: most of one sort, one each of many others.
fn spread_over_pools(count: u32) -> Vec<PeerRecord> {
    let sort = |n: u32| {
        let peer = if n % 5 == 0 { private(n) } else { mixed(n) };
        let wait = i64::from(n % 7 == 0) * 1_000;
        let num_failures = if n % 4 == 0 { n * n } else { 2 };
        record(peer, START + wait, num_failures, StoredPeerType::ALL[n as usize % 11 % 3])
    };
    (0..count).map(sort).collect()
}

#[test]
fn the_critical_value_agrees_with_the_tables() {
    // Upper 5 % and 0.1 % points of chi-square, from any printed table. The approximation errs by less than 1 %.
    for (degrees, z, expected) in [
        (10.0, 1.644_854, 18.307),
        (100.0, 1.644_854, 124.342),
        (10.0, 3.090_232, 29.588),
        (100.0, 3.090_232, 149.449),
    ] {
        let value = critical_value(degrees, z);
        assert!((value / expected - 1.0).abs() < 0.01, "{value} instead of {expected}");
    }
}

#[test]
fn a_small_answer_is_uniform_in_every_order() {
    let manager = knowing(&outbound(6));
    for size in [1, 2, 3] {
        assert_ordered(6, size, || manager.load_random_peers(&PeerQuery::default(), size).unwrap());
    }
}

#[test]
fn an_answer_of_most_peers_or_all_is_uniform_in_every_order() {
    let manager = knowing(&outbound(5));
    for size in [3, 4, 5] {
        assert_ordered(5, size, || manager.load_random_peers(&PeerQuery::default(), size).unwrap());
    }
}

#[test]
fn asking_for_more_than_there_are_shuffles_all() {
    let manager = knowing(&outbound(4));
    assert_ordered(4, 4, || manager.load_random_peers(&PeerQuery::default(), 100).unwrap());
}

#[test]
fn peers_that_are_not_excluded_stay_equally_likely() {
    let manager = knowing(&outbound(10));
    // Few are excluded and few wanted, few and many, many and few.
    for (excluded, size) in [(3, 2), (5, 3), (7, 1), (6, 4)] {
        let exclude: Vec<_> = (0..excluded).map(mixed).collect();
        let query = PeerQuery { exclude: &exclude, ..PeerQuery::default() };
        assert_ordered(10 - exclude.len(), size, || manager.load_random_peers(&query, size).unwrap());
    }
}

#[test]
fn all_sorts_of_peers_are_equally_likely_in_a_small_answer() {
    let manager = knowing(&spread_over_pools(60));
    assert_membership(60, 10, 6_000, || manager.load_random_peers(&PeerQuery::everything(), 10).unwrap());
}

#[test]
fn all_sorts_of_peers_are_equally_likely_in_a_large_answer() {
    let manager = knowing(&spread_over_pools(60));
    assert_membership(60, 45, 6_000, || manager.load_random_peers(&PeerQuery::everything(), 45).unwrap());
}

#[test]
fn an_answer_that_is_too_large_for_a_linear_search_is_uniform() {
    let manager = knowing(&outbound(400));
    assert_membership(400, 100, 4_000, || manager.load_random_peers(&PeerQuery::default(), 100).unwrap());
}

#[test]
fn outbound_and_preferred_peers_are_equally_likely_to_be_dialled() {
    let records: Vec<_> = (0..30)
        .map(|n| record(mixed(n), START, 0, if n < 3 { Preferred } else { Outbound }))
        .chain((30..60).map(|n| record(mixed(n), START, 0, Inbound)))
        .collect();
    let manager = knowing(&records);
    assert_membership(30, 5, 6_000, || manager.load_random_peers(&PeerQuery::default(), 5).unwrap());
}

#[test]
fn a_bound_that_cuts_a_failure_class_in_two_leaves_the_others_equally_likely() {
    let records: Vec<_> = (0..64).map(|n| record(mixed(n), START, n % 32, Outbound)).collect();
    let manager = knowing(&records);
    let query = PeerQuery { max_num_failures: Some(19), ..PeerQuery::default() };
    assert_membership(40, 6, 6_000, || manager.load_random_peers(&query, 6).unwrap());
}

#[test]
fn an_answer_is_uniform_even_when_finding_the_eligible_by_luck_is_given_up_now_and_then() {
    // 4 of 100 in the only admitted class are eligible: some calls find two of them by luck, others do not.
    let failures = |n| if n < 4 { 16 } else { 31 };
    let records: Vec<_> = (0..100).map(|n| record(mixed(n), START, failures(n), Outbound)).collect();
    let manager = knowing(&records);
    let query = PeerQuery { max_num_failures: Some(16), ..PeerQuery::default() };
    for size in [1, 2, 3] {
        // More rounds than one call of the test: the two ways must agree in the mixture.
        for _ in 0..5 {
            assert_ordered(4, size, || manager.load_random_peers(&query, size).unwrap());
        }
    }
}

#[test]
fn peers_that_have_become_due_are_as_likely_as_those_that_were() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let records: Vec<_> = (0..40).map(|n| record(mixed(n), START + i64::from(n), 0, Outbound)).collect();
    manager.store_many(&records).unwrap();
    for (now, due) in [(START + 9, 10), (START + 29, 30), (START + 19, 20), (START + 39, 40)] {
        clock.set(now);
        assert_membership(due, 4, 4_000, || manager.load_random_peers(&PeerQuery::default(), 4).unwrap());
    }
}

#[test]
fn peers_stay_equally_likely_after_others_were_removed_and_changed() {
    let manager = knowing(&outbound(60));
    (0..30).for_each(|n| manager.remove(&mixed(n * 2)).unwrap());
    (0..10).for_each(|n| manager.update_type(&mixed(n * 2 + 1), Preferred, false).unwrap());
    assert_membership(30, 5, 6_000, || manager.load_random_peers(&PeerQuery::default(), 5).unwrap());
}

#[test]
fn within_its_type_every_public_peer_is_equally_likely_to_be_sent() {
    for peer_type in StoredPeerType::ALL {
        let public = (0..6).map(|n| record(ipv4(n), START, n * 7, peer_type));
        let hidden = (0..6).map(|n| record(private(n), START, n * 7, peer_type));
        let manager = knowing(&public.chain(hidden).collect::<Vec<_>>());
        for size in [2, 4] {
            assert_ordered(6, size, || {
                manager.get_peers_to_send(&PeerQuery::everything(), None, size).unwrap()
            });
        }
    }
}

#[test]
fn where_a_type_is_sent_only_in_part_the_part_is_uniform() {
    let preferred = (0..3).map(|n| record(mixed(n), START, 0, Preferred));
    let manager =
        knowing(&preferred.chain((3..9).map(|n| record(mixed(n), START, 0, Outbound))).collect::<Vec<_>>());
    let send = || manager.get_peers_to_send(&PeerQuery::everything(), None, 5).unwrap();
    assert_ordered(3, 3, || send()[..3].to_vec());
    assert_ordered(6, 2, || send()[3..].to_vec());
}

#[test]
fn sharing_leaves_out_the_asker_and_is_uniform_among_the_others() {
    let manager = knowing(&outbound(7));
    let filter = PeerQuery { type_filter: PeerTypeFilter::OutboundOnly, ..PeerQuery::everything() };
    assert_ordered(6, 2, || manager.get_peers_to_send(&filter, Some(&mixed(3)), 2).unwrap());
}

/// A sampler to be caught: it is told the peers and the number wanted.
type Sampler = fn(&mut ChaCha12Rng, Vec<PeerAddress>, usize) -> Vec<PeerAddress>;

fn fair(rng: &mut ChaCha12Rng, mut peers: Vec<PeerAddress>, size: usize) -> Vec<PeerAddress> {
    peers.shuffle(rng);
    peers.truncate(size);
    peers
}

/// A fair choice, but in the order of the table.
fn unshuffled(rng: &mut ChaCha12Rng, peers: Vec<PeerAddress>, size: usize) -> Vec<PeerAddress> {
    let chosen = fair(rng, peers.clone(), size);
    peers.into_iter().filter(|peer| chosen.contains(peer)).collect()
}

/// A run of neighbours from a random place on: each peer is as likely as any other, pairs are not.
fn neighbours(rng: &mut ChaCha12Rng, mut peers: Vec<PeerAddress>, size: usize) -> Vec<PeerAddress> {
    let start = rng.random_range(0..peers.len());
    peers.rotate_left(start);
    peers.truncate(size);
    peers
}

/// One peer is passed over in a tenth of the answers it should be in.
fn shy(rng: &mut ChaCha12Rng, peers: Vec<PeerAddress>, size: usize) -> Vec<PeerAddress> {
    let avoided = peers[0].clone();
    let again = fair(rng, peers.clone(), size);
    if again.contains(&avoided) && rng.random_range(0..10) == 0 { fair(rng, peers, size) } else { again }
}

fn judge(sampler: Sampler, count: u32, size: usize) -> [bool; 4] {
    let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
    let peers: Vec<_> = (0..count).map(mixed).collect();
    let ordered = ordered_answers(peers.len(), size, || sampler(&mut rng, peers.clone(), size));
    let [anywhere, first, last] =
        membership(peers.len(), size, 50_000, || sampler(&mut rng, peers.clone(), size));
    [&ordered, &anywhere.1, &first.1, &last.1].map(Verdict::is_fair)
}

#[test]
fn these_tests_accept_a_fair_sampler() {
    assert_eq!(judge(fair, 6, 3), [true; 4]);
}

#[test]
fn these_tests_catch_a_sampler_that_keeps_the_order_of_the_table() {
    assert_eq!(judge(unshuffled, 6, 3), [false, true, false, false]);
}

#[test]
fn these_tests_catch_a_sampler_that_draws_neighbours() {
    let [ordered, _, first, last] = judge(neighbours, 6, 3);
    assert_eq!([ordered, first, last], [false, true, true]);
}

#[test]
fn these_tests_catch_a_sampler_that_avoids_one_peer_now_and_then() {
    let [_, anywhere, ..] = judge(shy, 6, 3);
    assert!(!anywhere);
}
