//! With `max_per_netgroup`, each draw is first of a netgroup and then of a peer in it: chi-square tests with a fixed seed.
//!
//! For small tables the probability of every ordered answer is computed from the definition, and all of them must come up
//! as often as that says. For large ones the netgroups are counted.

use std::collections::{BTreeMap, HashMap};

use crate::common::chance::{self, Verdict};
use crate::common::{self, START, TestClock, address, ipv4, ipv6, name, netgroup, private, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{PeerAddress, PeerManager, PeerQuery, PeerRecord, StoredPeerType};
use rand::rngs::ChaCha12Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// Ordered answers with their probabilities.
type Answers = HashMap<Vec<PeerAddress>, f64>;

/// The definition: each draw picks one of the netgroups that have an eligible peer left and have given fewer than
/// `max_per_netgroup`, and then one of its peers. The classes are drawn from one after the other.
fn answers(classes: &[&[PeerAddress]], size: usize, max_per_netgroup: u32) -> Answers {
    let mut answers = Answers::new();
    draw_on(&mut answers, &mut Vec::new(), 1.0, classes, size, max_per_netgroup);
    answers
}

fn draw_on(
    answers: &mut Answers,
    drawn: &mut Vec<PeerAddress>,
    probability: f64,
    classes: &[&[PeerAddress]],
    size: usize,
    max_per_netgroup: u32,
) {
    let given = |of: &str| drawn.iter().filter(|peer| netgroup(peer) == of).count() as u64;
    let mut netgroups = BTreeMap::<String, Vec<PeerAddress>>::new();
    for peer in classes.first().copied().unwrap_or_default() {
        if !drawn.contains(peer) && given(&netgroup(peer)) < max_per_netgroup.into() {
            netgroups.entry(netgroup(peer)).or_default().push(peer.clone());
        }
    }
    if drawn.len() == size || classes.is_empty() {
        *answers.entry(drawn.clone()).or_default() += probability;
    } else if netgroups.is_empty() {
        draw_on(answers, drawn, probability, &classes[1..], size, max_per_netgroup);
    } else {
        let of_netgroup = probability / chance::as_f64(netgroups.len());
        for peers in netgroups.values() {
            for peer in peers {
                drawn.push(peer.clone());
                let probability = of_netgroup / chance::as_f64(peers.len());
                draw_on(answers, drawn, probability, classes, size, max_per_netgroup);
                drawn.pop();
            }
        }
    }
}

/// Draws so often that even the rarest answer should come up so many times, and compares.
fn verdict(expected: &Answers, times: u32, mut draw: impl FnMut() -> Vec<PeerAddress>) -> Verdict {
    let total: f64 = expected.values().sum();
    assert!((total - 1.0).abs() < 1e-9, "the probabilities are wrong: {total}");
    let rarest = expected.values().copied().fold(1.0, f64::min);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few ten thousand")]
    let draws = (f64::from(times) / rarest).ceil() as u32;
    let mut counts = HashMap::<Vec<PeerAddress>, u32>::new();
    for _ in 0..draws {
        let answer = draw();
        assert!(expected.contains_key(&answer), "there is no such answer: {answer:?}");
        *counts.entry(answer).or_default() += 1;
    }
    let outcomes = expected.iter().map(|(answer, p)| (*p, counts.get(answer).copied().unwrap_or(0)));
    Verdict::of_probabilities(outcomes, draws)
}

fn assert_follows(expected: &Answers, what: &str, draw: impl FnMut() -> Vec<PeerAddress>) {
    let verdict = verdict(expected, 8, draw);
    assert!(verdict.is_fair(), "{what}: {verdict:?}");
}

fn knowing(records: &[PeerRecord]) -> PeerManager {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    manager.store_many(records).unwrap();
    manager
}

/// Peers of one netgroup, another for each `n`.
fn group(n: u32, peers: u32) -> Vec<PeerAddress> {
    (0..peers).map(|peer| ipv4(n << 16 | peer)).collect()
}

fn ready(peers: &[PeerAddress], peer_type: StoredPeerType) -> impl Iterator<Item = PeerRecord> {
    peers.iter().map(move |peer| record(peer.clone(), START, 0, peer_type))
}

fn at_most(max_per_netgroup: u32) -> PeerQuery<'static> {
    PeerQuery { max_per_netgroup, ..PeerQuery::default() }
}

#[test]
fn every_ordered_answer_is_as_likely_as_the_definition_says() {
    let peers: Vec<_> = [group(1, 1), group(2, 2), group(3, 4)].concat();
    let manager = knowing(&ready(&peers, Outbound).collect::<Vec<_>>());
    for (size, max_per_netgroup) in [(1, 1), (2, 1), (3, 1), (9, 1), (2, 2), (3, 2), (4, 2), (2, 3), (3, 9)] {
        assert_follows(
            &answers(&[&peers], size, max_per_netgroup),
            &format!("{size} {max_per_netgroup}"),
            || manager.load_random_peers(&at_most(max_per_netgroup), size).unwrap(),
        );
    }
}

#[test]
fn netgroups_of_every_kind_are_equally_likely() {
    let text = ["a.example.org:1", "a.example.org:2", "a.example.org:3", "b.example.org:1"];
    let names = text.map(address);
    let peers: Vec<_> =
        [group(1, 3), (0..2).map(ipv6).collect(), vec![ipv6(1 << 16)], names.to_vec()].concat();
    let manager = knowing(&ready(&peers, Preferred).collect::<Vec<_>>());
    for (size, max_per_netgroup) in [(1, 1), (2, 1), (3, 2)] {
        assert_follows(
            &answers(&[&peers], size, max_per_netgroup),
            &format!("{size} {max_per_netgroup}"),
            || manager.load_random_peers(&at_most(max_per_netgroup), size).unwrap(),
        );
    }
}

#[test]
fn what_is_not_eligible_makes_its_netgroup_no_more_likely() {
    // Of each netgroup: one that is eligible, then waiting, inbound, failed too often and excluded ones.
    let mut records = Vec::new();
    let (mut eligible, mut exclude) = (Vec::new(), Vec::new());
    for (n, ineligible) in [(1, 0), (2, 1), (3, 30)] {
        let peers = group(n, 2 + 4 * ineligible);
        eligible.extend_from_slice(&peers[..2]);
        records.extend(ready(&peers[..2], Outbound));
        for others in peers[2..].chunks(4) {
            records.push(record(others[0].clone(), START + 1, 0, Outbound));
            records.push(record(others[1].clone(), START, 0, Inbound));
            records.push(record(others[2].clone(), START, 121, Outbound));
            records.push(record(others[3].clone(), START, 0, Preferred));
            exclude.push(others[3].clone());
        }
    }
    // Netgroups without peers.
    records.extend((10..40).map(|n| record(ipv4(n << 16), START + 1, 0, Outbound)));
    let manager = knowing(&records);
    for (size, max_per_netgroup) in [(1, 1), (2, 1), (3, 2), (6, 2)] {
        let query = PeerQuery { exclude: &exclude, ..at_most(max_per_netgroup) };
        assert_follows(&answers(&[&eligible], size, max_per_netgroup), &format!("{size}"), || {
            manager.load_random_peers(&query, size).unwrap()
        });
    }
}

#[test]
fn a_bound_that_cuts_a_failure_class_in_two_changes_nothing_about_the_netgroups() {
    // Of 16 to 31 failures, those up to 19 are eligible: one of forty here, three of three there.
    let (few, all) = (group(1, 40), group(2, 3));
    let failures = |n: usize| if n == 0 { 19 } else { 20 };
    let mut records: Vec<_> =
        few.iter().enumerate().map(|(n, peer)| record(peer.clone(), START, failures(n), Outbound)).collect();
    records.extend(all.iter().map(|peer| record(peer.clone(), START, 17, Outbound)));
    // And none of some.
    records.extend((10..30).map(|n| record(ipv4(n << 16), START, 25, Outbound)));
    let manager = knowing(&records);
    let eligible: Vec<_> = [vec![few[0].clone()], all].concat();
    for (size, max_per_netgroup) in [(1, 1), (2, 1), (2, 2), (3, 2), (9, 9)] {
        let query = PeerQuery { max_num_failures: Some(19), ..at_most(max_per_netgroup) };
        assert_follows(&answers(&[&eligible], size, max_per_netgroup), &format!("{size}"), || {
            manager.load_random_peers(&query, size).unwrap()
        });
    }
}

#[test]
fn what_is_sent_is_drawn_by_netgroup_within_each_type_and_counted_over_all() {
    let [one, two, three] = [group(1, 4), group(2, 3), group(3, 2)];
    let preferred = [&one[..1], &two[..1]].concat();
    let outbound = [&one[1..3], &two[1..2], &three[..1]].concat();
    let inbound = [&one[3..], &two[2..], &three[1..]].concat();
    let mut records: Vec<_> = ready(&preferred, Preferred).collect();
    records.extend(ready(&outbound, Outbound).chain(ready(&inbound, Inbound)));
    // Never sent, whatever their netgroup.
    records.extend((0..9).map(|n| record(private(n), START, 0, Preferred)));
    let manager = knowing(&records);
    for (size, max_per_netgroup) in [(1, 1), (3, 1), (9, 1), (4, 2), (5, 2), (3, 3)] {
        let query = PeerQuery { max_per_netgroup, ..PeerQuery::everything() };
        let expected = answers(&[&preferred, &outbound, &inbound], size, max_per_netgroup);
        assert_follows(&expected, &format!("{size} {max_per_netgroup}"), || {
            manager.get_peers_to_send(&query, None, size).unwrap()
        });
        // The asker is of a netgroup that others are of as well.
        let outbound = &outbound[1..];
        let expected = answers(&[&preferred, outbound, &inbound], size, max_per_netgroup);
        assert_follows(&expected, &format!("{size} {max_per_netgroup}, asked by one of them"), || {
            manager.get_peers_to_send(&query, Some(&one[1]), size).unwrap()
        });
    }
}

#[test]
fn peers_that_have_become_due_changed_or_come_back_are_drawn_as_all_are() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let peers: Vec<_> = [group(1, 3), group(2, 2), group(3, 3), group(4, 2)].concat();
    let due_at = |n: usize| START + i64::try_from(n % 3).unwrap();
    let waiting = |(n, peer): (usize, &PeerAddress)| record(peer.clone(), due_at(n), 0, Inbound);
    manager.store_many(&peers.iter().enumerate().map(waiting).collect::<Vec<_>>()).unwrap();
    for peer in &peers {
        manager.update_type(peer, Outbound, false).unwrap();
    }
    for peer in &peers[3..6] {
        manager.remove(peer).unwrap();
    }
    manager.store_many(&ready(&peers[4..6], Preferred).collect::<Vec<_>>()).unwrap();
    for (now, waits) in [(START + 2, 9), (START, 0), (START + 1, 1), (START + 2, 9)] {
        clock.set(now);
        let is_due = |n: usize| (4..6).contains(&n) || due_at(n) <= now;
        let eligible: Vec<_> =
            (0..peers.len()).filter(|&n| n != 3 && is_due(n)).map(|n| peers[n].clone()).collect();
        assert_follows(&answers(&[&eligible], 2, 1), &format!("{waits}"), || {
            manager.load_random_peers(&at_most(1), 2).unwrap()
        });
    }
}

/// One netgroup with 19,800 peers, and ten with twenty.
fn flooded() -> Vec<PeerRecord> {
    let flood = group(100, 19_800);
    let others = (0..10).flat_map(|n| group(n, 20));
    others.chain(flood).map(|peer| record(peer, START, 0, Outbound)).collect()
}

#[test]
fn a_netgroup_that_holds_99_percent_of_the_peers_is_as_likely_as_any_other() {
    let manager = knowing(&flooded());
    for size in [1, 5] {
        let draws = 6_000;
        let mut counts = BTreeMap::<String, u32>::new();
        for _ in 0..draws {
            let answer = manager.load_random_peers(&at_most(1), size).unwrap();
            assert_eq!(answer.len(), size);
            for peer in &answer {
                *counts.entry(netgroup(peer)).or_default() += 1;
            }
        }
        let verdict = Verdict::of_inclusion(counts.into_values(), 11, size, draws);
        assert!(verdict.is_fair(), "{size}: {verdict:?}");
    }
}

#[test]
fn within_a_large_netgroup_every_peer_is_equally_likely() {
    let manager = knowing(&flooded());
    let mut counts = HashMap::<u32, u32>::new();
    let mut draws = 0;
    for _ in 0..6_000 {
        let answer = manager.load_random_peers(&at_most(3), 20).unwrap();
        for peer in answer.iter().filter(|peer| netgroup(peer) == netgroup(&ipv4(100 << 16))) {
            // 19,800 peers in 100 cells.
            let number =
                (0..19_800).step_by(198).rposition(|first| *peer >= ipv4(100 << 16 | first)).unwrap();
            *counts.entry(u32::try_from(number).unwrap()).or_default() += 1;
            draws += 1;
        }
    }
    let verdict = Verdict::of(counts.into_values(), 100, draws);
    assert!(verdict.is_fair(), "{verdict:?}");
}

#[test]
fn a_netgroup_of_one_name_is_as_likely_as_one_of_a_thousand_addresses() {
    let names: Vec<_> = (0..3).map(name).collect();
    let peers: Vec<_> = [names.clone(), group(1, 1_000)].concat();
    let manager = knowing(&ready(&peers, Outbound).collect::<Vec<_>>());
    let mut counts = BTreeMap::<String, u32>::new();
    for _ in 0..4_000 {
        let answer = manager.load_random_peers(&at_most(1), 1).unwrap();
        *counts.entry(netgroup(&answer[0])).or_default() += 1;
    }
    let verdict = Verdict::of(counts.into_values(), 4, 4_000);
    assert!(verdict.is_fair(), "{verdict:?}");
}

/// A sampler to be caught: it is told the peers, how many are wanted and the most of one netgroup.
type Sampler = fn(&mut ChaCha12Rng, &[PeerAddress], usize, u32) -> Vec<PeerAddress>;

/// The definition, carried out.
fn by_netgroup(rng: &mut ChaCha12Rng, peers: &[PeerAddress], size: usize, max: u32) -> Vec<PeerAddress> {
    let mut drawn = Vec::<PeerAddress>::new();
    while drawn.len() < size {
        let left = peers_left(&drawn, peers, max);
        let mut netgroups: Vec<_> = left.iter().map(netgroup).collect();
        netgroups.sort();
        netgroups.dedup();
        let Some(chosen) = netgroups.choose(rng) else { break };
        let of_netgroup: Vec<_> = left.iter().filter(|peer| netgroup(peer) == *chosen).collect();
        drawn.extend(of_netgroup.choose(rng).copied().cloned());
    }
    drawn
}

fn peers_left(drawn: &[PeerAddress], peers: &[PeerAddress], max: u32) -> Vec<PeerAddress> {
    let given = |of: &PeerAddress| drawn.iter().filter(|one| netgroup(one) == netgroup(of)).count();
    let may = |peer: &&PeerAddress| !drawn.contains(peer) && given(peer) < max as usize;
    peers.iter().filter(may).cloned().collect()
}

/// Every peer is equally likely, so a netgroup is as likely as it is large.
fn by_peer(rng: &mut ChaCha12Rng, peers: &[PeerAddress], size: usize, max: u32) -> Vec<PeerAddress> {
    let mut drawn = Vec::<PeerAddress>::new();
    while drawn.len() < size {
        let Some(peer) = peers_left(&drawn, peers, max).choose(rng).cloned() else { break };
        drawn.push(peer);
    }
    drawn
}

/// Right but for the order: the netgroups come round in turns before any comes a second time.
fn in_turns(rng: &mut ChaCha12Rng, peers: &[PeerAddress], size: usize, max: u32) -> Vec<PeerAddress> {
    let mut drawn = Vec::new();
    for turn in 1..=max {
        let missing = size - drawn.len();
        let rest: Vec<_> = peers_left(&drawn, peers, turn);
        drawn.extend(by_netgroup(rng, &rest, missing, 1));
    }
    drawn
}

/// The first netgroup is passed over in a fifth of the answers that it would begin.
fn shy(rng: &mut ChaCha12Rng, peers: &[PeerAddress], size: usize, max: u32) -> Vec<PeerAddress> {
    let drawn = by_netgroup(rng, peers, size, max);
    let avoids = drawn.first().is_some_and(|first| netgroup(first) == netgroup(&peers[0]));
    if avoids && rng.random_range(0..5) == 0 { by_netgroup(rng, peers, size, max) } else { drawn }
}

#[test]
fn these_tests_accept_the_definition_and_catch_biased_samplers() {
    let peers: Vec<_> = [group(1, 1), group(2, 3), group(3, 8)].concat();
    let samplers: [(&str, Sampler, bool); 4] = [
        ("by netgroup", by_netgroup, true),
        ("by peer", by_peer, false),
        ("in turns", in_turns, false),
        ("shy", shy, false),
    ];
    for (sampler, draw, is_fair) in samplers {
        let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
        let verdict = verdict(&answers(&[&peers], 2, 2), 60, || draw(&mut rng, &peers, 2, 2));
        assert_eq!(verdict.is_fair(), is_fair, "{sampler}: {verdict:?}");
    }
}
