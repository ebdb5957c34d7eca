//! While the peers that have become due, or must wait again, are moved in parts, every answer is exact: chi-square tests
//! with a fixed seed at each stage of the move.

use std::collections::HashMap;

use crate::common::chance::Verdict;
use crate::common::{START, TestClock, ipv4, netgroup, record};
use peer_manager::StoredPeerType::Outbound;
use peer_manager::{PeerAddress, PeerManager, PeerQuery};

const DRAWS: u32 = 3_000;

/// So many peers were due before, so many become due at START, and so many later, in netgroups of four.
const PEERS: [u32; 3] = [8, 36, 16];

/// When each of the peers is due.
fn due_at(n: u32) -> i64 {
    START + if n < PEERS[0] { -9 } else { i64::from(n >= PEERS[0] + PEERS[1]) * 9 }
}

fn peer(n: u32) -> PeerAddress {
    ipv4((n / 4) << 16 | n)
}

/// A table whose clock goes from one time to another, of which so many steps are done and no more will be.
fn between(from: i64, to: i64, steps: u32) -> (TestClock, PeerManager) {
    let clock = TestClock::at(from);
    let manager = clock.in_memory(3);
    // In an order that has nothing to do with when they are due.
    let peers = (0..PEERS.iter().sum()).map(|n| n * 7 % 60);
    let records: Vec<_> = peers.map(|n| record(peer(n), due_at(n), n % 3, Outbound)).collect();
    manager.store_many(&records).unwrap();
    for max_per_netgroup in [0, 1] {
        // Sorts the table, and builds the netgroups.
        manager.load_random_peers(&PeerQuery { max_per_netgroup, ..PeerQuery::default() }, 1).unwrap();
    }
    manager.set_steps(steps);
    clock.set(to);
    manager.load_random_peers(&PeerQuery::default(), 1).unwrap();
    manager.check_invariants().unwrap();
    manager.set_steps(0);
    (clock, manager)
}

/// The stages of each move, and how many peers are due after it.
fn moves() -> impl Iterator<Item = (i64, i64, u32, u32)> {
    let [before, at_start, later] = PEERS;
    let moves = [
        (START - 1, START, before + at_start),
        (START + 5, START - 1, before),
        (START, START + 9, before + at_start + later),
    ];
    moves
        .into_iter()
        .flat_map(|(from, to, due)| [0, 8, 60, 200, 9_999].map(move |steps| (from, to, steps, due)))
}

#[test]
fn each_peer_that_is_due_is_equally_likely_at_every_stage() {
    for (from, to, steps, due) in moves() {
        let (_, manager) = between(from, to, steps);
        let mut counts: HashMap<PeerAddress, u32> = HashMap::new();
        for _ in 0..DRAWS {
            let drawn = manager.load_random_peers(&PeerQuery::default(), 2).unwrap();
            assert_eq!(drawn.len(), 2);
            for peer in drawn {
                *counts.entry(peer).or_default() += 1;
            }
        }
        assert!((0..60).all(|n| counts.contains_key(&peer(n)) == (due_at(n) <= to)), "{from} {to} {steps}");
        let verdict = Verdict::of_inclusion(counts.into_values(), due as usize, 2, DRAWS);
        assert!(verdict.is_fair(), "{verdict:?} from {from} to {to} after {steps} steps");
        assert_eq!(manager.get_stats().unwrap().ready, u64::from(due));
    }
}

#[test]
fn each_netgroup_with_a_peer_that_is_due_is_equally_likely_at_every_stage() {
    for (from, to, steps, due) in moves() {
        let (_, manager) = between(from, to, steps);
        let query = PeerQuery { max_per_netgroup: 1, ..PeerQuery::default() };
        let mut counts: HashMap<String, u32> = HashMap::new();
        for _ in 0..DRAWS {
            let drawn = manager.load_random_peers(&query, 1).unwrap();
            assert!(drawn.iter().all(|drawn| (0..due).any(|n| peer(n) == *drawn)), "{drawn:?} is not due");
            *counts.entry(netgroup(&drawn[0])).or_default() += 1;
        }
        let verdict = Verdict::of(counts.into_values(), due as usize / 4, DRAWS);
        assert!(verdict.is_fair(), "{verdict:?} from {from} to {to} after {steps} steps");
        assert_eq!(manager.load_random_peers(&query, 60).unwrap().len(), due as usize / 4);
        assert_eq!(manager.get_peers_to_send(&query, None, 60).unwrap().len(), due as usize / 4);
    }
}

#[test]
fn a_thread_whose_clock_is_a_little_behind_gets_its_own_answer() {
    let (clock, manager) = between(START - 1, START, 9_999);
    for (now, due) in [(START - 1, 8), (START, 44), (START - 2, 8), (START, 44), (START - 60, 0), (START, 44)]
    {
        clock.set(now);
        assert_eq!(manager.load_random_peers(&PeerQuery::default(), 99).unwrap().len(), due, "at {now}");
        assert_eq!(
            manager.get_peers_to_send(&PeerQuery::default(), None, 99).unwrap().len(),
            due,
            "at {now}"
        );
        assert_eq!(manager.get_stats().unwrap().ready, due as u64, "at {now}");
        manager.check_invariants().unwrap();
    }
}
