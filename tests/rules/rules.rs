//! The specification's rules, one by one: types, back-off, records, the schema and the plain calls.

use std::collections::BTreeSet;

use crate::common::{self, START, TempDb, TestClock, address, ipv4, record};
use peer_manager::BackOffUpdate::{HardReset, Increase, Reset};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::TypeUpdate::{EnsureNotPreferred, EnsureOutbound, SetPreferred};
use peer_manager::{
    Error, MAX_BACKOFF_EXPONENT, MAX_FAILURES, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter, SCHEMA,
    SECONDS_PER_BACKOFF, StoredPeerType, TypeUpdate, apply_backoff_update, apply_type_update,
    compute_backoff, get_type_update,
};
use rand::rngs::ChaCha12Rng;
use rand::{Rng as _, SeedableRng as _};

fn seeded() -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(common::test_seed())
}

fn max_backoff(num_failures: u32) -> u64 {
    10 * 2_u64.pow(num_failures.min(10))
}

/// Stored type, observed type, whether the preferred peers are known; what to do, and the type after that.
const TYPE_TABLE: [(StoredPeerType, StoredPeerType, bool, TypeUpdate, StoredPeerType); 18] = [
    (Inbound, Inbound, false, EnsureNotPreferred, Inbound),
    (Inbound, Inbound, true, EnsureNotPreferred, Inbound),
    (Inbound, Outbound, false, EnsureOutbound, Outbound),
    (Inbound, Outbound, true, EnsureOutbound, Outbound),
    (Inbound, Preferred, false, SetPreferred, Preferred),
    (Inbound, Preferred, true, SetPreferred, Preferred),
    (Outbound, Inbound, false, EnsureNotPreferred, Outbound),
    (Outbound, Inbound, true, EnsureNotPreferred, Outbound),
    (Outbound, Outbound, false, EnsureOutbound, Outbound),
    (Outbound, Outbound, true, EnsureOutbound, Outbound),
    (Outbound, Preferred, false, SetPreferred, Preferred),
    (Outbound, Preferred, true, SetPreferred, Preferred),
    (Preferred, Inbound, false, EnsureNotPreferred, Outbound),
    (Preferred, Inbound, true, EnsureNotPreferred, Outbound),
    (Preferred, Outbound, false, EnsureOutbound, Preferred),
    (Preferred, Outbound, true, EnsureNotPreferred, Outbound),
    (Preferred, Preferred, false, SetPreferred, Preferred),
    (Preferred, Preferred, true, SetPreferred, Preferred),
];

#[test]
fn the_constants_are_those_of_the_specification() {
    assert_eq!((MAX_FAILURES, SECONDS_PER_BACKOFF, MAX_BACKOFF_EXPONENT), (10, 10, 10));
    assert_eq!([Inbound as u8, Outbound as u8, Preferred as u8], [0, 1, 2]);
}

#[test]
fn only_the_numbers_0_to_2_are_types() {
    assert_eq!([0, 1, 2].map(StoredPeerType::from_number), [Inbound, Outbound, Preferred].map(Some));
    assert_eq!([-1, 3, i64::MIN, i64::MAX, 1 << 32].map(StoredPeerType::from_number), [None; 5]);
}

#[test]
fn every_observation_of_every_type_means_what_the_table_says() {
    for (stored, observed, known, update, _) in TYPE_TABLE {
        let peer = record(ipv4(1), START, 3, stored);
        assert_eq!(get_type_update(&peer, observed, known), update, "{stored:?} {observed:?} {known}");
    }
}

#[test]
fn every_type_update_of_every_type_changes_the_type_alone() {
    let table = [
        (EnsureOutbound, [Outbound, Outbound, Preferred]),
        (SetPreferred, [Preferred; 3]),
        (EnsureNotPreferred, [Inbound, Outbound, Outbound]),
    ];
    for (update, after) in table {
        for (before, after) in StoredPeerType::ALL.into_iter().zip(after) {
            let mut peer = record(ipv4(1), START, 3, before);
            apply_type_update(&mut peer, update);
            assert_eq!(peer, record(ipv4(1), START, 3, after), "{update:?} of {before:?}");
        }
    }
}

#[test]
fn update_type_follows_the_table_and_leaves_the_back_off_alone() {
    let manager = TestClock::at(START).in_memory(1);
    for (stored, observed, known, _, after) in TYPE_TABLE {
        manager.store(&record(ipv4(1), START + 77, 3, stored)).unwrap();
        manager.update_type(&ipv4(1), observed, known).unwrap();
        let loaded = manager.load(&ipv4(1)).unwrap().unwrap();
        assert_eq!(loaded, record(ipv4(1), START + 77, 3, after), "{stored:?} {observed:?} {known}");
    }
}

#[test]
fn update_follows_the_table_and_changes_the_back_off_too() {
    let manager = TestClock::at(START).in_memory(1);
    for (stored, observed, known, _, after) in TYPE_TABLE {
        manager.store(&record(ipv4(1), START + 77, 3, stored)).unwrap();
        manager.update(&ipv4(1), observed, known, HardReset).unwrap();
        let loaded = manager.load(&ipv4(1)).unwrap().unwrap();
        assert_eq!(loaded, record(ipv4(1), START, 0, after), "{stored:?} {observed:?} {known}");
    }
}

#[test]
fn update_backoff_leaves_the_type_alone() {
    let manager = TestClock::at(START).in_memory(1);
    for peer_type in StoredPeerType::ALL {
        for backoff in [HardReset, Reset, Increase] {
            manager.store(&record(ipv4(1), START, 3, peer_type)).unwrap();
            manager.update_backoff(&ipv4(1), backoff).unwrap();
            assert_eq!(manager.load(&ipv4(1)).unwrap().unwrap().peer_type, peer_type);
        }
    }
}

#[test]
fn a_back_off_is_from_1_second_to_10_doubled_with_each_of_10_failures() {
    let mut rng = seeded();
    for num_failures in (0..=12).chain([31, 32, 63, 64, u32::MAX]) {
        for _ in 0..2_000 {
            let seconds = compute_backoff(num_failures, || rng.next_u64()).as_secs();
            assert!((1..=max_backoff(num_failures)).contains(&seconds), "{seconds} s after {num_failures}");
        }
    }
}

#[test]
fn a_back_off_is_a_whole_number_of_seconds() {
    let mut rng = seeded();
    assert!((0..1_000).all(|n| compute_backoff(n, || rng.next_u64()).subsec_nanos() == 0));
}

#[test]
fn every_second_of_a_short_back_off_is_drawn() {
    let mut rng = seeded();
    for num_failures in 0..=4 {
        // At most 160 values in 20,000 draws: the chance that one stays out is below 10^-50.
        let drawn: BTreeSet<u64> =
            (0..20_000).map(|_| compute_backoff(num_failures, || rng.next_u64()).as_secs()).collect();
        assert!(drawn.into_iter().eq(1..=max_backoff(num_failures)), "after {num_failures} failures");
    }
}

#[test]
fn both_ends_of_every_back_off_can_be_drawn() {
    for num_failures in (0..=12).chain([u32::MAX]) {
        let shortest = compute_backoff(num_failures, || 0).as_secs();
        let longest = compute_backoff(num_failures, || u64::MAX).as_secs();
        assert_eq!((shortest, longest), (1, max_backoff(num_failures)), "after {num_failures} failures");
    }
}

#[test]
fn a_hard_reset_forgets_the_failures_and_allows_an_attempt_now() {
    let mut peer = record(ipv4(1), START + 500, 9, Outbound);
    apply_backoff_update(&mut peer, HardReset, START, || u64::MAX);
    assert_eq!(peer, record(ipv4(1), START, 0, Outbound));
}

#[test]
fn a_reset_forgets_the_failures_and_waits_1_to_10_seconds() {
    for (word, seconds) in [(0, 1), (u64::MAX, 10)] {
        let mut peer = record(ipv4(1), START + 500, 9, Outbound);
        apply_backoff_update(&mut peer, Reset, START, || word);
        assert_eq!(peer, record(ipv4(1), START + seconds, 0, Outbound));
    }
}

#[test]
fn an_increase_waits_by_the_failures_with_the_new_one_counted() {
    for (before, longest) in [(0, 20), (1, 40), (8, 5_120), (9, 10_240), (10, 10_240), (11, 10_240)] {
        for (word, seconds) in [(0, 1), (u64::MAX, longest)] {
            let mut peer = record(ipv4(1), START - 500, before, Inbound);
            apply_backoff_update(&mut peer, Increase, START, || word);
            assert_eq!(peer, record(ipv4(1), START + seconds, before + 1, Inbound));
        }
    }
}

#[test]
fn failures_stop_at_the_greatest_number_instead_of_wrapping_round() {
    for before in [u32::MAX - 1, u32::MAX] {
        let mut peer = record(ipv4(1), START, before, Inbound);
        apply_backoff_update(&mut peer, Increase, START, || 0);
        assert_eq!(peer.num_failures, u32::MAX);
    }
}

#[test]
fn the_next_attempt_stops_at_the_end_of_time_instead_of_wrapping_round() {
    for (now, backoff) in [(i64::MAX, Reset), (i64::MAX - 9, Reset), (i64::MAX - 10_239, Increase)] {
        let mut peer = record(ipv4(1), START, 20, Inbound);
        apply_backoff_update(&mut peer, backoff, now, || u64::MAX);
        assert_eq!(peer.next_attempt, i64::MAX, "{backoff:?} at {now}");
    }
}

#[test]
fn times_before_1970_count_like_all_others() {
    let mut peer = record(ipv4(1), 0, 0, Inbound);
    apply_backoff_update(&mut peer, Reset, i64::MIN, || u64::MAX);
    assert_eq!(peer.next_attempt, i64::MIN + 10);
    assert!(!peer.is_ready(i64::MIN) && peer.is_ready(-1));
}

#[test]
fn a_new_record_is_inbound_without_failures_and_ready_now() {
    let new = PeerRecord::new(ipv4(1), START);
    assert_eq!(new, record(ipv4(1), START, 0, Inbound));
    assert!(new.is_ready(START));
}

#[test]
fn a_record_is_ready_from_the_second_of_its_next_attempt_on() {
    let peer = record(ipv4(1), START, 0, Inbound);
    assert_eq!([START - 1, START, START + 1].map(|now| peer.is_ready(now)), [false, true, true]);
    let never = record(ipv4(1), i64::MAX, 0, Inbound);
    assert_eq!([i64::MIN, i64::MAX - 1, i64::MAX].map(|now| never.is_ready(now)), [false, false, true]);
    let always = record(ipv4(1), i64::MIN, 0, Inbound);
    assert!(always.is_ready(i64::MIN));
}

#[test]
fn ensure_exists_adds_a_new_peer_and_says_so() {
    let manager = TestClock::at(START).in_memory(1);
    assert!(manager.ensure_exists(&ipv4(1)).unwrap());
    assert_eq!(manager.load(&ipv4(1)).unwrap(), Some(record(ipv4(1), START, 0, Inbound)));
}

#[test]
fn ensure_exists_leaves_a_known_peer_as_it_is() {
    let manager = TestClock::at(START).in_memory(1);
    let known = record(ipv4(1), START + 5, 4, Preferred);
    manager.store(&known).unwrap();
    assert!(!manager.ensure_exists(&ipv4(1)).unwrap());
    assert_eq!(manager.ensure_exists_many(&[ipv4(1), ipv4(2), ipv4(2)]).unwrap(), 1);
    assert_eq!(manager.load(&ipv4(1)).unwrap(), Some(known));
}

#[test]
fn an_unknown_peer_is_loaded_as_nothing() {
    let manager = PeerManager::new_in_memory().unwrap();
    assert_eq!(manager.load(&ipv4(1)).unwrap(), None);
}

#[test]
fn peers_that_differ_in_the_port_only_are_two() {
    let manager = TestClock::at(START).in_memory(1);
    let (first, second) = (address("example.org:1"), address("example.org:2"));
    manager.ensure_exists(&first).unwrap();
    manager.update_type(&second, Preferred, false).unwrap();
    assert_eq!(manager.load(&first).unwrap().unwrap().peer_type, Inbound);
    assert_eq!(manager.peer_count(), 2);
}

#[test]
fn of_two_records_of_one_peer_in_a_batch_the_later_counts() {
    let manager = TestClock::at(START).in_memory(1);
    let later = record(ipv4(1), 2, 2, Preferred);
    manager.store_many(&[record(ipv4(1), 1, 1, Outbound), later.clone()]).unwrap();
    assert_eq!(common::peers(&manager).into_values().collect::<Vec<_>>(), [later]);
}

/// A change of a manager.
type Change = fn(&PeerManager);

#[test]
fn an_update_of_an_unknown_peer_starts_from_a_new_record() {
    let updates: [(Change, PeerRecord); 6] = [
        (|m| m.update_type(&ipv4(1), Inbound, true).unwrap(), record(ipv4(1), START, 0, Inbound)),
        (|m| m.update_type(&ipv4(1), Outbound, true).unwrap(), record(ipv4(1), START, 0, Outbound)),
        (|m| m.update_type(&ipv4(1), Preferred, false).unwrap(), record(ipv4(1), START, 0, Preferred)),
        (|m| m.update_backoff(&ipv4(1), HardReset).unwrap(), record(ipv4(1), START, 0, Inbound)),
        (|m| m.update(&ipv4(1), Outbound, true, HardReset).unwrap(), record(ipv4(1), START, 0, Outbound)),
        (|m| m.update(&ipv4(1), Inbound, true, HardReset).unwrap(), record(ipv4(1), START, 0, Inbound)),
    ];
    for (update, expected) in updates {
        let manager = TestClock::at(START).in_memory(1);
        update(&manager);
        assert_eq!(manager.load(&ipv4(1)).unwrap(), Some(expected));
    }
}

#[test]
fn a_failure_of_an_unknown_peer_counts_as_its_first() {
    for update in [
        |m: &PeerManager| m.update_backoff(&ipv4(1), Increase),
        |m: &PeerManager| m.update(&ipv4(1), Inbound, false, Increase),
    ] {
        let manager = TestClock::at(START).in_memory(1);
        update(&manager).unwrap();
        let loaded = manager.load(&ipv4(1)).unwrap().unwrap();
        assert_eq!(loaded.num_failures, 1);
        assert!((START + 1..=START + 20).contains(&loaded.next_attempt));
    }
}

#[test]
fn the_time_of_an_update_is_that_of_the_clock() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(1);
    for now in [START + 1_000, START - 1_000, 0, -5] {
        clock.set(now);
        manager.update_backoff(&ipv4(1), HardReset).unwrap();
        assert_eq!(manager.load(&ipv4(1)).unwrap().unwrap().next_attempt, now);
    }
}

#[test]
fn peers_with_at_least_so_many_failures_are_removed_and_counted() {
    for (min, left) in [(0, 0), (1, 1), (10, 2), (11, 3), (12, 4), (u32::MAX, 4)] {
        let manager = TestClock::at(START).in_memory(1);
        for (n, num_failures) in (0..).zip([0, 9, 10, 11, u32::MAX]) {
            manager.store(&record(ipv4(n), START, num_failures, Inbound)).unwrap();
        }
        assert_eq!(manager.remove_peers_with_many_failures(min).unwrap(), 5 - left, "at least {min}");
        assert_eq!(manager.peer_count(), left);
        assert!(common::peers(&manager).values().all(|peer| peer.num_failures < min));
        manager.check_invariants().unwrap();
    }
}

#[test]
fn no_peer_waits_beyond_the_limit_and_all_else_stays_as_it_is() {
    let times = [i64::MIN, -7, 0, START - 1, START, START + 1, START + 2, i64::MAX - 1, i64::MAX];
    for latest in times {
        let manager = TestClock::at(START).in_memory(1);
        let before: Vec<_> = (0..)
            .zip(times)
            .map(|(n, time)| record(common::mixed(n), time, n, StoredPeerType::ALL[n as usize % 3]))
            .collect();
        manager.store_many(&before).unwrap();
        let changed = manager.limit_next_attempt(latest).unwrap();
        assert_eq!(changed, times.iter().filter(|&&time| time > latest).count(), "{latest}");
        let expected = before
            .into_iter()
            .map(|record| PeerRecord { next_attempt: record.next_attempt.min(latest), ..record })
            .map(|record| (record.address.clone(), record));
        assert_eq!(common::peers(&manager), expected.collect());
        manager.check_invariants().unwrap();
        assert_eq!(manager.limit_next_attempt(latest).unwrap(), 0, "there is nothing left to do");
    }
}

#[test]
fn after_a_clock_that_was_wrong_once_peers_can_be_dialled_again() {
    const TWENTY_YEARS: i64 = 20 * 365 * 86_400;
    let clock = TestClock::at(START);
    let manager = clock.in_memory(1);
    let records: Vec<_> = (0..1_000).map(|n| record(ipv4(n), START, 0, Outbound)).collect();
    manager.store_many(&records).unwrap();
    let due = || manager.load_random_peers(&PeerQuery::default(), 5_000).unwrap().len();
    clock.set(START + TWENTY_YEARS);
    (0..900).for_each(|n| manager.update_backoff(&ipv4(n), Increase).unwrap());
    clock.set(START + 60);
    assert_eq!((due(), manager.get_stats().unwrap().ready), (100, 100));
    assert_eq!(manager.limit_next_attempt(START + 120).unwrap(), 900);
    assert_eq!(due(), 100, "not yet");
    clock.set(START + 120);
    assert_eq!((due(), manager.get_stats().unwrap().ready), (1_000, 1_000));
    assert!((0..900).all(|n| manager.load(&ipv4(n)).unwrap().unwrap().num_failures == 1));
    manager.check_invariants().unwrap();
}

#[test]
fn a_few_failed_peers_among_many_are_removed() {
    let manager = TestClock::at(START).in_memory(1);
    let failures = |n: u32| if n % 50 == 0 { 10 } else { 9 };
    let records: Vec<_> =
        (0..1_000).map(|n| record(common::mixed(n), START, failures(n), Outbound)).collect();
    manager.store_many(&records).unwrap();
    assert_eq!(manager.remove_peers_with_many_failures(10).unwrap(), 20);
    assert_eq!(manager.peer_count(), 980);
    manager.check_invariants().unwrap();
}

#[test]
fn a_table_can_be_used_on_after_most_of_it_was_removed() {
    let manager = TestClock::at(START).in_memory(1);
    let records: Vec<_> =
        (0..100).map(|n| record(ipv4(n), START + i64::from(n % 2), n % 10, Outbound)).collect();
    manager.store_many(&records).unwrap();
    assert_eq!(manager.remove_peers_with_many_failures(2).unwrap(), 80);
    manager.store_many(&records).unwrap();
    assert_eq!(manager.peer_count(), 100);
    manager.check_invariants().unwrap();
}

#[test]
fn a_removed_peer_is_unknown() {
    let manager = TestClock::at(START).in_memory(1);
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    manager.remove(&ipv4(1)).unwrap();
    assert_eq!(manager.load(&ipv4(1)).unwrap(), None);
    assert_eq!(manager.peer_count(), 1);
}

#[test]
fn removing_an_unknown_peer_is_an_error_that_names_it() {
    let manager = PeerManager::new_in_memory().unwrap();
    let error = manager.remove(&address("example.org:11625")).unwrap_err();
    assert!(matches!(&error, Error::NotFound(peer) if *peer == address("example.org:11625")));
    assert_eq!(error.to_string(), "no peer example.org:11625 in the table");
}

#[test]
fn clear_all_leaves_nothing() {
    let manager = TestClock::at(START).in_memory(1);
    manager.ensure_exists_many(&[ipv4(1), ipv4(2), address("localhost:5")]).unwrap();
    manager.clear_all().unwrap();
    assert_eq!(manager.peer_count(), 0);
    assert!(manager.get_all_peers().unwrap().is_empty());
    assert!(manager.load_random_peers(&PeerQuery::everything(), 9).unwrap().is_empty());
}

#[test]
fn a_node_that_dials_asks_for_outbound_peers_that_are_due_and_have_failed_at_most_120_times() {
    let query = PeerQuery::default();
    assert!(query.use_next_attempt);
    assert_eq!(query.max_num_failures, Some(120));
    assert_eq!(query.type_filter, PeerTypeFilter::AnyOutbound);
    assert_eq!((query.max_per_netgroup, query.exclude.len()), (0, 0));
}

/// The text of the specification, which is not to be taken from the library.
const SPECIFIED_SCHEMA: &str = "CREATE TABLE peers (
    ip VARCHAR(15) NOT NULL,
    port INT NOT NULL CHECK (port > 0 AND port <= 65535),
    nextattempt INTEGER NOT NULL,
    numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL,
    type INT NOT NULL,
    PRIMARY KEY (ip, port)
)";

#[test]
fn the_schema_is_the_specifications_to_the_letter() {
    assert_eq!(SCHEMA, SPECIFIED_SCHEMA);
}

#[test]
fn a_new_database_has_that_table_and_nothing_else() {
    let database = TempDb::new();
    drop(PeerManager::new_with_db(database.path()).unwrap());
    let connection = database.connection();
    let mut statement =
        connection.prepare("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").unwrap();
    let made: Vec<(String, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(made, [("table".to_owned(), "peers".to_owned(), SPECIFIED_SCHEMA.to_owned())]);
}
