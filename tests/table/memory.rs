//! Memory is given back after a large removal, and what a node asks all the time hardly asks the allocator.
//!
//! In a process of its own, because the allocator's count is one for all tests in a program.

use crate::allocator::{bytes_in_use, calls};
use crate::common::process::alone;
use crate::common::run::{is_full, skip_part};
use crate::common::{START, TestClock, ipv4, mixed, open, record};
use peer_manager::{Options, PeerManager, PeerQuery, PeerTypeFilter, StoredPeerType};

const PEERS: u32 = 100_000;

/// How many outlast a removal: four of them IPv4, three IPv6 and three names.
const SURVIVORS: u32 = 10;

/// The number of a peer that stays: spread over the table, the kinds in turn, the last one among them.
fn survives(n: u32) -> bool {
    n % (PEERS / SURVIVORS) == PEERS / SURVIVORS - 1
}

/// Fills a table: a third of each kind of address, most pools in use. Only the table keeps a name's text.
fn fill(manager: &PeerManager) {
    let records: Vec<_> = (0..PEERS)
        .map(|n| {
            // Those who stay have not failed; the others have counts from one to 2^30.
            let failures = if survives(n) { 0 } else { 1 + ((1 << (n % 32)) - 1) / 2 + n % 16 };
            let peer_type = StoredPeerType::ALL[n as usize / 3 % 3];
            record(mixed(n), START + i64::from(n % 2_000) - 1_000, failures, peer_type)
        })
        .collect();
    manager.store_many(&records).unwrap();
    assert_eq!(manager.peer_count(), PEERS as usize);
}

fn purge_most(manager: &PeerManager) {
    manager.remove_peers_with_many_failures(1).unwrap();
    assert_eq!(manager.peer_count(), SURVIVORS as usize);
}

fn remove_most_one_by_one(manager: &PeerManager) {
    for n in (0..PEERS).filter(|&n| !survives(n)) {
        manager.remove(&mixed(n)).unwrap();
    }
    assert_eq!(manager.peer_count(), SURVIVORS as usize);
}

fn clear(manager: &PeerManager) {
    manager.clear_all().unwrap();
    assert_eq!(manager.peer_count(), 0);
}

/// A way to remove, by name.
type Removal = (&'static str, fn(&PeerManager));

const REMOVALS: [Removal; 3] =
    [("a purge", purge_most), ("removal one by one", remove_most_one_by_one), ("clearing", clear)];

/// The bytes in use beyond those in use at first.
fn beyond(base: usize) -> usize {
    bytes_in_use().saturating_sub(base)
}

/// What a full table keeps of its memory after most of it was removed; says so where it is too much.
fn keeps_too_much((way, remove): Removal) -> Option<String> {
    let base = bytes_in_use();
    let manager = TestClock::at(START).in_memory(7);
    fill(&manager);
    let full = beyond(base);
    remove(&manager);
    let left = beyond(base);
    manager.check_invariants().unwrap();
    (left > full / 50).then(|| format!("{way} leaves {left} of {full} bytes in use"))
}

/// What histories cost, in a table that is filled at once: twenty bytes a peer, and nothing where none are kept.
fn a_history_takes_twenty_bytes() {
    let cost = |keep_history| {
        let base = bytes_in_use();
        let manager = open(Options { keep_history, ..TestClock::at(START).options(7) });
        fill(&manager);
        beyond(base)
    };
    let (without, with) = (cost(false), cost(true));
    let histories = with - without;
    let exactly = 20 * PEERS as usize;
    assert!((exactly..exactly + 4_096).contains(&histories), "{histories} bytes for {PEERS} peers");
}

/// Fills and empties a table again and again, in one way after the other.
fn many_lives_do_not_add_up() {
    let lives = if is_full() { 10 } else { 4 };
    if lives < 10 {
        skip_part("a table has 4 lives, 10 with PEER_MANAGER_TEST_FULL=1");
    }
    let base = bytes_in_use();
    let manager = TestClock::at(START).in_memory(7);
    let mut first_round = None;
    for round in 0..lives {
        fill(&manager);
        let full = beyond(base);
        match round % 3 {
            0 => assert_eq!(manager.remove_peers_with_many_failures(0).unwrap(), PEERS as usize),
            1 => (0..PEERS).for_each(|n| manager.remove(&mixed(n)).unwrap()),
            _ => manager.clear_all().unwrap(),
        }
        assert_eq!(manager.peer_count(), 0);
        let empty = beyond(base);
        let (first_full, first_empty) = *first_round.get_or_insert((full, empty));
        // The slack is for the arrays of up to 64 slots that the pools keep.
        let slack = first_full / 100;
        assert!(full <= first_full + slack, "full: {full} bytes, at first {first_full}");
        assert!(empty <= first_empty + slack, "empty: {empty} bytes, at first {first_empty}");
    }
}

/// The queries of every second hardly allocate.
fn frequent_queries_hardly_allocate() {
    let manager = TestClock::at(START).in_memory(7);
    fill(&manager);
    let any = PeerQuery { type_filter: PeerTypeFilter::Any, ..PeerQuery::default() };
    for query in [PeerQuery::everything(), PeerQuery::default(), any] {
        // The first query splits the table at the present.
        assert_eq!(manager.load_random_peers(&query, 50).unwrap().len(), 50);
        for _ in 0..20 {
            let calls = calls(|| manager.load_random_peers(&query, 50).unwrap());
            assert!(calls <= 2, "load_random_peers: {calls} calls of the allocator");
        }
    }
    assert_eq!(calls(|| manager.peer_count()), 0, "peer_count");
    let (known, unknown) = (ipv4(3), ipv4(1));
    assert_eq!(calls(|| manager.load(&known).unwrap().unwrap()), 0, "load of a known peer");
    assert_eq!(calls(|| assert!(manager.load(&unknown).unwrap().is_none())), 0, "load of an unknown peer");
}

#[test]
fn memory_is_given_back_and_frequent_queries_hardly_ask_for_any() {
    alone(|| {
        frequent_queries_hardly_allocate();
        a_history_takes_twenty_bytes();
        many_lives_do_not_add_up();
        // All of them first, so that a failure tells the whole story.
        let failures: Vec<_> = REMOVALS.into_iter().filter_map(keeps_too_much).collect();
        assert!(failures.is_empty(), "{failures:#?}");
    });
}
