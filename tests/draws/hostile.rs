//! Exactness where a fast path tempts one to cheat: large tables of which almost nothing is eligible, clocks that
//! jump, exclusions and bounds that cut pools in two. Every answer is compared with a look at every peer.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::common::{START, TestClock, address, ipv4, ipv6, mixed, name, private, record, test_seed};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, Error, PeerAddress, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter, StoredPeerType,
};
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// Fewer than the ten who are eligible in some of the tests, as many, and more.
const SIZES: [usize; 4] = [1, 5, 10, 50];

/// All peers, to be looked at one by one.
struct Truth(HashMap<PeerAddress, PeerRecord>);

impl Truth {
    /// What a manager knows; its invariants are checked at the same time.
    fn of(manager: &PeerManager) -> Self {
        manager.check_invariants().unwrap();
        let snapshot = manager.get_all_peers().unwrap();
        let records: HashMap<_, _> = snapshot.iter().map(|record| (record.address.clone(), record)).collect();
        assert_eq!(records.len(), snapshot.len(), "an address is in the snapshot twice");
        assert_eq!(records.len(), manager.peer_count());
        Self(records)
    }

    /// How many peers a query admits, `public` ones only when it is about sharing.
    fn count(&self, query: &PeerQuery<'_>, now: i64, public: bool) -> usize {
        let excluded: HashSet<_> = query.exclude.iter().collect();
        self.0.values().filter(|record| admits(query, &excluded, record, now, public)).count()
    }

    /// Asks for each size, for dialling and for sharing, and expects the right number of the right peers.
    fn assert_exact(&self, manager: &PeerManager, query: &PeerQuery<'_>, now: i64, sizes: &[usize]) {
        let excluded: HashSet<_> = query.exclude.iter().collect();
        for public in [false, true] {
            let eligible = self.count(query, now, public);
            for &size in sizes {
                let answer = if public {
                    manager.get_peers_to_send(query, None, size).unwrap()
                } else {
                    manager.load_random_peers(query, size).unwrap()
                };
                let case = || format!("size {size} of {eligible} at {now}, sharing: {public}");
                assert_eq!(answer.len(), size.min(eligible), "{}", case());
                let distinct: HashSet<_> = answer.iter().collect();
                assert_eq!(distinct.len(), answer.len(), "a peer was chosen twice, {}", case());
                for peer in answer {
                    let record = self.0.get(&peer).unwrap_or_else(|| panic!("{peer} is unknown, {}", case()));
                    assert!(admits(query, &excluded, record, now, public), "{record:?}, {}", case());
                }
            }
        }
    }
}

/// Whether a query admits a peer, by the meaning of its words.
fn admits(
    query: &PeerQuery<'_>,
    excluded: &HashSet<&PeerAddress>,
    record: &PeerRecord,
    now: i64,
    public: bool,
) -> bool {
    query.type_filter.admits(record.peer_type)
        && (!query.use_next_attempt || record.next_attempt <= now)
        && query.max_num_failures.is_none_or(|max| record.num_failures <= max)
        && !(public && record.address.is_private())
        && !excluded.contains(&record.address)
}

/// Every peer that is due.
fn due() -> PeerQuery<'static> {
    PeerQuery { use_next_attempt: true, ..PeerQuery::everything() }
}

/// Peers with at most this many failures.
fn failed_at_most(max: u32) -> PeerQuery<'static> {
    PeerQuery { max_num_failures: Some(max), ..PeerQuery::everything() }
}

/// Queries that use different indexes: none, the time, the types, a bound within a failure class, and all of them.
fn queries() -> [PeerQuery<'static>; 5] {
    [
        PeerQuery::everything(),
        due(),
        PeerQuery { type_filter: PeerTypeFilter::PreferredOnly, ..PeerQuery::everything() },
        failed_at_most(20),
        PeerQuery::default(),
    ]
}

fn type_of(n: u32) -> StoredPeerType {
    StoredPeerType::ALL[n as usize % 3]
}

/// Compares the answers to all [`queries`] with the truth.
fn assert_all_exact(manager: &PeerManager, now: i64) {
    let truth = Truth::of(manager);
    for query in queries() {
        truth.assert_exact(manager, &query, now, &SIZES);
    }
}

/// Ten of these 100,000 are eligible.
fn is_needle(n: u32) -> bool {
    n % 10_000 == 7_777
}

#[test]
fn ten_eligible_among_100000_are_found_whichever_reason_rules_out_the_others() {
    // The others are ruled out by every reason at once, so a query may use any of the reasons alone. Failures of
    // 17 to 31 share a class with the sixteen of the eligible, so that the pools do not tell them apart.
    let records: Vec<_> = (0..100_000)
        .map(|n| {
            if is_needle(n) {
                record(ipv4(n), START, 16, Preferred)
            } else {
                record(private(n), START + 1, 17 + n % 15, if n % 2 == 0 { Inbound } else { Outbound })
            }
        })
        .collect();
    let manager = TestClock::at(START).in_memory(7);
    manager.store_many(&records).unwrap();
    let truth = Truth::of(&manager);
    let by_type = PeerQuery { type_filter: PeerTypeFilter::PreferredOnly, ..PeerQuery::everything() };
    let by_all = PeerQuery { max_num_failures: Some(16), ..PeerQuery::default() };
    for query in [by_type, due(), failed_at_most(16), by_all] {
        assert_eq!(truth.count(&query, START, false), 10);
        truth.assert_exact(&manager, &query, START, &SIZES);
    }
    // Only sharing tells these apart.
    assert_eq!(truth.count(&PeerQuery::everything(), START, true), 10);
    truth.assert_exact(&manager, &PeerQuery::everything(), START, &SIZES);
}

#[test]
fn ten_eligible_among_100000_are_found_when_each_other_is_ruled_out_by_one_reason_only() {
    let records: Vec<_> = (0..100_000)
        .map(|n| match n % 4 {
            _ if is_needle(n) => record(ipv4(n), START, 16, Outbound),
            0 => record(ipv4(n), START, 16, Inbound),
            1 => record(ipv4(n), START + 1, 16, Outbound),
            2 => record(ipv4(n), START, 17, Outbound),
            _ => record(private(n), START, 16, Outbound),
        })
        .collect();
    let manager = TestClock::at(START).in_memory(7);
    manager.store_many(&records).unwrap();
    let truth = Truth::of(&manager);
    let query = PeerQuery { max_num_failures: Some(16), ..PeerQuery::default() };
    assert_eq!(truth.count(&query, START, true), 10);
    truth.assert_exact(&manager, &query, START, &SIZES);
}

#[test]
fn all_of_100000_become_due_in_one_second_and_none_a_second_before() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    let later = START + 100;
    let records: Vec<_> = (0..100_000).map(|n| record(mixed(n), later, n % 40, type_of(n))).collect();
    manager.store_many(&records).unwrap();
    let truth = Truth::of(&manager);
    // From afar, second by second, back again, and from further away than the wheel turns.
    for (now, eligible) in
        [(START, 0), (later - 1, 0), (later, 100_000), (later - 1, 0), (0, 0), (later, 100_000)]
    {
        clock.set(now);
        assert_eq!(truth.count(&due(), now, false), eligible);
        truth.assert_exact(&manager, &due(), now, &[1, 50, 50_000, usize::MAX]);
        truth.assert_exact(&manager, &PeerQuery::default(), now, &SIZES);
        manager.check_invariants().unwrap();
    }
}

#[test]
fn a_clock_that_jumps_by_any_distance_leaves_every_answer_right() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    // Dense around the start, thinner further out, and at both ends of time.
    let offset = |n: u32| match n % 5 {
        0 => i64::from(n % 120) - 60,
        1 => i64::from(n % 7_200) - 3_600,
        2 => i64::from(n) * 30 - 450_000,
        _ => i64::from(n) * 600 - 9_000_000,
    };
    let records: Vec<_> = (0..30_000)
        .map(|n| {
            let next_attempt = match n {
                0..50 => i64::MIN,
                50..100 => i64::MAX,
                _ => START + offset(n),
            };
            record(mixed(n), next_attempt, n % 24, type_of(n))
        })
        .collect();
    manager.store_many(&records).unwrap();
    let truth = Truth::of(&manager);
    // A wheel for so many peers turns within 1024 to 8192 seconds; the distances on both sides of all of them.
    let mut times = vec![START];
    for distance in [1, 2, 59, 60, 1_023, 1_024, 1_025, 2_048, 4_096, 8_191, 8_192, 8_193, 86_400, 8_640_000]
    {
        times.extend([START + distance, START - distance, START]);
    }
    times.extend([i64::MAX, START, i64::MIN, i64::MAX, i64::MIN, i64::MIN + 1, i64::MAX - 1, START, -1, 0]);
    for now in times {
        clock.set(now);
        truth.assert_exact(&manager, &due(), now, &[10, usize::MAX]);
        truth.assert_exact(&manager, &PeerQuery::default(), now, &[50]);
        assert_eq!(manager.get_stats().unwrap().ready, truth.count(&due(), now, false) as u64);
        manager.check_invariants().unwrap();
    }
}

#[test]
fn a_long_list_of_exclusions_with_duplicates_and_strangers_rules_out_exactly_those_it_names() {
    let manager = TestClock::at(START).in_memory(7);
    let records: Vec<_> =
        (0..20_000).map(|n| record(mixed(n), START + i64::from(n % 2), n % 24, type_of(n))).collect();
    manager.store_many(&records).unwrap();
    let truth = Truth::of(&manager);
    let five_hundred: Vec<_> = (0..500).map(mixed).collect();
    // Ten who are known, each many times, among strangers, and a known host with another port.
    let mut few: Vec<_> =
        (0..490).map(|n| if n % 2 == 0 { mixed(n % 20) } else { mixed(n + 20_000) }).collect();
    few.push(PeerAddress::new(&name(2).host().to_string(), 1).unwrap());
    // Longer than the table: all but ten of it, half of them twice, and strangers.
    let longer: Vec<_> = (0..30_000)
        .filter(|n| n % 2_000 != 3 || *n >= 20_000)
        .flat_map(|n| std::iter::repeat_n(mixed(n), if n % 2 == 0 { 1 } else { 2 }))
        .collect();
    assert!(longer.len() > manager.peer_count());
    let all: Vec<_> = (0..20_000).map(mixed).collect();
    for exclude in [&five_hundred, &few, &longer, &all] {
        for query in queries() {
            let query = PeerQuery { exclude, ..query };
            truth.assert_exact(&manager, &query, START, &SIZES);
        }
        let query = PeerQuery { exclude, ..PeerQuery::everything() };
        truth.assert_exact(&manager, &query, START, &[9_999, usize::MAX]);
    }
    let count = |exclude: &[_]| truth.count(&PeerQuery { exclude, ..PeerQuery::everything() }, START, false);
    assert_eq!(
        [count(&five_hundred), count(&few), count(&longer), count(&all)],
        [19_500, 19_990, 10, 0],
        "the lists rule out what they are meant to"
    );
    manager.check_invariants().unwrap();
}

#[test]
fn with_every_count_of_failures_different_every_bound_is_exact() {
    let beside_powers = || (0..32).flat_map(|bit| [(1_u32 << bit) - 1, 1 << bit, (1 << bit) + 1]);
    let mut counts: BTreeSet<u32> = beside_powers().collect();
    counts.extend(0..15_000);
    counts.extend((0..5_000).map(|n| u32::MAX - n * 3));
    let records: Vec<_> =
        (0..).zip(&counts).map(|(n, &failures)| record(mixed(n), START, failures, type_of(n))).collect();
    let manager = TestClock::at(START).in_memory(7);
    manager.store_many(&records).unwrap();
    let truth = Truth::of(&manager);
    let bounds: BTreeSet<u32> = beside_powers().chain([u32::MAX - 1, u32::MAX]).collect();
    for max in bounds {
        let query = failed_at_most(max);
        assert_eq!(truth.count(&query, START, false), counts.range(..=max).count());
        truth.assert_exact(&manager, &query, START, &[1, 50]);
        let query = PeerQuery { max_num_failures: Some(max), ..PeerQuery::default() };
        truth.assert_exact(&manager, &query, START, &[10, usize::MAX]);
    }
}

#[test]
fn a_hundred_thousand_updates_between_two_queries_are_all_seen_by_the_second() {
    let mut rng = ChaCha12Rng::seed_from_u64(test_seed());
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    let known: Vec<_> = (0..20_000).map(mixed).collect();
    manager.ensure_exists_many(&known).unwrap();
    assert_all_exact(&manager, START);
    for n in 0..100_000 {
        // Now and then a second passes, and at times the clock steps back.
        if n % 1_000 == 0 {
            clock.set(START + rng.random_range(0..200));
        }
        let peer = &known[rng.random_range(0..known.len())];
        let backoff =
            [BackOffUpdate::Increase, BackOffUpdate::Reset, BackOffUpdate::HardReset][[0, 0, 0, 1, 2][n % 5]];
        let peer_type = StoredPeerType::ALL[rng.random_range(0..3)];
        match n % 3 {
            0 => manager.update_type(peer, peer_type, true).unwrap(),
            1 => manager.update_backoff(peer, backoff).unwrap(),
            _ => manager.update(peer, peer_type, false, backoff).unwrap(),
        }
    }
    for now in [clock.now(), START, START + 100, START + 20_000] {
        clock.set(now);
        assert_all_exact(&manager, now);
    }
}

#[test]
fn names_that_share_hosts_go_and_return_beside_addresses_without_confusion() {
    let mut rng = ChaCha12Rng::seed_from_u64(test_seed());
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    // Of every eight, four are ports of one name, two are ports of one IPv4 address, and two are hosts of their own.
    let peer = |n: u32| match n % 8 {
        port @ 0..4 => address(&format!("host-{}.example.org:{}", n / 8, port + 1)),
        port @ 4..6 => address(&format!("{}:{port}", ipv4(n / 8).host())),
        _ => ipv6(n),
    };
    let new = |n: u32| record(peer(n), START + i64::from(n % 2), n % 24, type_of(n));
    let records: Vec<_> = (0..20_000).map(new).collect();
    let numbers: HashMap<_, _> = (0..20_000).map(|n| (peer(n), n)).collect();
    assert_eq!(numbers.len(), 20_000);
    manager.store_many(&records).unwrap();
    assert_all_exact(&manager, START);
    let mut order: Vec<u32> = (0..20_000).collect();
    // Some ports of a host, all but one, and all.
    let removals: [fn(u32) -> bool; 4] =
        [|n| n % 8 == 1, |n| n % 8 != 3, |n| n % 8 < 4, |n| n % 8 < 4 && n % 16 < 8 || n % 24 > 20];
    for (round, is_removed) in (1_u8..).zip(removals) {
        order.shuffle(&mut rng);
        let (gone, kept): (Vec<u32>, Vec<u32>) = order.iter().partition(|&&n| is_removed(n));
        for &n in &gone {
            manager.remove(&peer(n)).unwrap();
        }
        assert_all_exact(&manager, clock.now());
        assert_eq!(manager.peer_count(), kept.len());
        for &n in gone.iter().step_by(7) {
            assert_eq!(manager.load(&peer(n)).unwrap(), None);
            assert!(matches!(manager.remove(&peer(n)), Err(Error::NotFound(_))));
        }
        for &n in kept.iter().step_by(7) {
            assert_eq!(manager.load(&peer(n)).unwrap().unwrap().address, peer(n));
        }
        // They return in another order, so that a name gets a number that another one had.
        for &n in gone.iter().rev() {
            manager.store(&new(n)).unwrap();
        }
        clock.set(START + i64::from(round % 2));
        assert_all_exact(&manager, clock.now());
        let truth = Truth::of(&manager);
        assert_eq!(truth.0.len(), numbers.len());
        assert!(truth.0.keys().all(|peer| numbers.contains_key(peer)), "a text is not what it was");
    }
}

#[test]
fn next_attempts_at_the_ends_and_the_middle_of_time_are_due_when_they_say() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    let attempts = [i64::MIN, -1, 0, i64::MAX];
    let records: Vec<_> =
        (0..20_000).map(|n| record(mixed(n), attempts[n as usize % 4], n % 24, type_of(n / 4))).collect();
    manager.store_many(&records).unwrap();
    let truth = Truth::of(&manager);
    let times = [
        (START, 15_000),
        (i64::MIN, 5_000),
        (i64::MIN + 1, 5_000),
        (-2, 5_000),
        (-1, 10_000),
        (0, 15_000),
        (1, 15_000),
        (i64::MAX - 1, 15_000),
        (i64::MAX, 20_000),
        (0, 15_000),
        (-1, 10_000),
        (-2, 5_000),
        (i64::MAX, 20_000),
        (i64::MIN, 5_000),
        (-1, 10_000),
    ];
    for (now, eligible) in times {
        clock.set(now);
        assert_eq!(truth.count(&due(), now, false), eligible);
        truth.assert_exact(&manager, &due(), now, &[1, 50, usize::MAX]);
        truth.assert_exact(&manager, &PeerQuery::default(), now, &SIZES);
        manager.check_invariants().unwrap();
    }
    // A failure at the end of time cannot be put off any further.
    clock.set(i64::MAX);
    manager.update_backoff(&mixed(0), BackOffUpdate::Increase).unwrap();
    assert_eq!(manager.load(&mixed(0)).unwrap().unwrap().next_attempt, i64::MAX);
    assert_all_exact(&manager, i64::MAX);
}

#[test]
fn a_table_that_grows_to_50000_and_shrinks_to_nothing_is_right_all_the_way() {
    let mut rng = ChaCha12Rng::seed_from_u64(test_seed());
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    let mut order: Vec<u32> = (0..50_000).collect();
    let mut check = Progress::default();
    order.shuffle(&mut rng);
    for &n in &order {
        let failures = if n % 50 == 0 { u32::MAX - n } else { n % 40 };
        manager.store(&record(mixed(n), START + i64::from(n % 3_000), failures, type_of(n / 3))).unwrap();
        check.step(&manager, &clock);
    }
    assert_eq!(manager.peer_count(), 50_000);
    order.shuffle(&mut rng);
    for &n in &order {
        manager.remove(&mixed(n)).unwrap();
        check.step(&manager, &clock);
    }
    assert_eq!(manager.peer_count(), 0);
    assert_all_exact(&manager, clock.now());
}

/// Looks at a table while it changes: seldom at all of it, because that costs as much as it is large.
#[derive(Default)]
struct Progress {
    steps: u32,
    next_check: u32,
}

impl Progress {
    /// Counts a change, asks in between for a few peers, and compares with the truth when it is time.
    fn step(&mut self, manager: &PeerManager, clock: &TestClock) {
        self.steps += 1;
        if self.steps % 50 == 0 {
            clock.set(START + i64::from(self.steps * 7 % 3_100));
            let answer = manager.load_random_peers(&PeerQuery::everything(), 20).unwrap();
            assert_eq!(answer.len(), manager.peer_count().min(20));
            assert!(answer.iter().all(|peer| manager.load(peer).unwrap().is_some()));
        }
        if self.steps >= self.next_check {
            let peers = u32::try_from(manager.peer_count()).unwrap();
            self.next_check = self.steps + (peers / 10).max(250);
            assert_all_exact(manager, clock.now());
        }
    }
}

#[test]
fn a_purge_of_more_and_of_less_than_an_eighth_forgets_exactly_the_hopeless() {
    // 800 peers with each count of failures below 50. Purged one after the other, or from a full table: none, a
    // fiftieth, just less than an eighth (44: six fiftieths), just more (43: seven), most, and all.
    let clock = TestClock::at(START);
    let manager = clock.in_memory(7);
    let records: Vec<_> =
        (0..40_000).map(|n| record(mixed(n), START + i64::from(n % 2), n / 800, type_of(n))).collect();
    for bounds in [vec![u32::MAX, 50, 49, 43, 37, 5, 0], vec![44], vec![43], vec![1], vec![17, 16, 15]] {
        manager.clear_all().unwrap();
        manager.store_many(&records).unwrap();
        for bound in bounds {
            let mut expected = Truth::of(&manager);
            expected.0.retain(|_, record| record.num_failures < bound);
            let gone = manager.peer_count() - expected.0.len();
            assert_eq!(manager.remove_peers_with_many_failures(bound).unwrap(), gone, "bound {bound}");
            assert_eq!(Truth::of(&manager).0, expected.0, "bound {bound}");
            assert_all_exact(&manager, START);
            // What was purged may return, as new.
            let purged = mixed(39_999);
            assert_eq!(manager.load(&purged).unwrap().is_some(), bound > 49);
            if bound <= 49 {
                assert!(manager.ensure_exists(&purged).unwrap());
                assert_eq!(manager.load(&purged).unwrap().unwrap().num_failures, 0);
                manager.remove(&purged).unwrap();
            }
            manager.check_invariants().unwrap();
        }
    }
}
