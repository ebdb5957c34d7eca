//! Many threads on one manager: no update is lost, no batch is seen in part, and nothing deadlocks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock, Weak};
use std::thread;

use crate::common::{self, START, TempDb, TestClock, ipv4, mixed, netgroup, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Clock, PeerAddress, PeerManager, PeerQuery, PeerRecord, Snapshot};

const THREADS: u32 = 8;

/// Runs `work` on eight threads that start together, each with its number.
fn on_eight_threads(work: impl Fn(u32) + Sync) {
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

fn assert_memory_and_file_agree(manager: &PeerManager, database: &TempDb) {
    manager.check_invariants().unwrap();
    assert_eq!(common::rows(&database.connection()), common::rows_of(common::peers(manager).values()));
}

#[test]
fn no_update_is_lost() {
    let database = TempDb::new();
    let manager = TestClock::at(START).on_file(&database.path(), 1);
    on_eight_threads(|_| {
        for n in 0..120 {
            manager.update_backoff(&ipv4(n % 4), BackOffUpdate::Increase).unwrap();
        }
    });
    for n in 0..4 {
        assert_eq!(manager.load(&ipv4(n)).unwrap().unwrap().num_failures, THREADS * 30);
    }
    assert_memory_and_file_agree(&manager, &database);
}

#[test]
fn type_and_back_off_of_one_peer_can_be_updated_by_different_threads() {
    let database = TempDb::new();
    let manager = TestClock::at(START).on_file(&database.path(), 1);
    on_eight_threads(|thread| {
        for _ in 0..60 {
            match thread % 2 {
                0 => manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap(),
                _ => manager.update_type(&ipv4(1), Preferred, true).unwrap(),
            }
        }
    });
    let peer = manager.load(&ipv4(1)).unwrap().unwrap();
    assert_eq!((peer.num_failures, peer.peer_type), (THREADS / 2 * 60, Preferred));
    assert_memory_and_file_agree(&manager, &database);
}

#[test]
fn an_address_is_new_to_exactly_one_of_the_threads_that_bring_it() {
    let database = TempDb::new();
    let manager = TestClock::at(START).on_file(&database.path(), 1);
    let (inserted, round) = (AtomicU64::new(0), Barrier::new(THREADS as usize));
    on_eight_threads(|thread| {
        for n in 0..40 {
            // All bring the same address at the same time.
            round.wait();
            let new = if thread % 2 == 0 {
                u64::from(manager.ensure_exists(&mixed(n)).unwrap())
            } else {
                manager.ensure_exists_many(&[mixed(n), mixed(n)]).unwrap() as u64
            };
            inserted.fetch_add(new, Ordering::SeqCst);
        }
    });
    assert_eq!(inserted.into_inner(), 40);
    assert_eq!(manager.peer_count(), 40);
    assert_memory_and_file_agree(&manager, &database);
}

/// The peers that are always stored together, with the same number of failures.
fn group(num_failures: u32) -> Vec<PeerRecord> {
    (0..20).map(|n| record(mixed(n), START, num_failures, Outbound)).collect()
}

fn assert_whole(snapshot: &Snapshot) {
    let failures: BTreeSet<u32> = snapshot.iter().map(|record| record.num_failures).collect();
    assert!(failures.len() <= 1, "a batch was seen in part: {failures:?}");
    assert!(matches!(snapshot.len(), 0 | 20), "a batch was seen in part: {} peers", snapshot.len());
}

#[test]
fn readers_see_whole_batches_only() {
    let database = TempDb::new();
    let manager = TestClock::at(START).on_file(&database.path(), 1);
    let writers_left = AtomicU64::new(2);
    let (exact, anyone) =
        (PeerQuery::everything(), PeerQuery { max_num_failures: Some(9), ..PeerQuery::everything() });
    on_eight_threads(|thread| {
        if thread < 2 {
            for round in 0..100 {
                manager.store_many(&group(round % 20)).unwrap();
                if round % 10 == 9 {
                    manager.clear_all().unwrap();
                }
            }
            writers_left.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        while writers_left.load(Ordering::SeqCst) > 0 {
            assert_whole(&manager.get_all_peers().unwrap());
            // All peers of the group have at most 9 failures, or none has.
            for query in [&exact, &anyone] {
                let count = manager.load_random_peers(query, 50).unwrap().len();
                assert!(matches!(count, 0 | 20), "a batch was seen in part: {count} eligible");
                let count = manager.get_peers_to_send(query, None, 50).unwrap().len();
                assert!(matches!(count, 0 | 20), "a batch was seen in part: {count} to send");
            }
            let stats = manager.get_stats().unwrap();
            assert!(matches!((stats.peers, stats.outbound), (0, 0) | (20, 20)), "{stats:?}");
        }
    });
    assert_memory_and_file_agree(&manager, &database);
}

#[test]
fn memory_and_file_agree_after_a_mixture_of_everything() {
    let database = TempDb::new();
    let clock = TestClock::at(START);
    let manager = clock.on_file(&database.path(), 1);
    on_eight_threads(|thread| {
        for round in 0..150_u32 {
            let n = (round * 7 + thread * 13) % 40;
            match (round + thread) % 10 {
                0 => {
                    manager.ensure_exists(&mixed(n)).unwrap();
                }
                1 => {
                    manager.ensure_exists_many(&[mixed(n), mixed(n + 1), mixed(n + 2)]).unwrap();
                }
                2 => {
                    manager.store(&record(mixed(n), START + i64::from(round), round % 20, Outbound)).unwrap();
                }
                3 => manager
                    .store_many(&[
                        record(mixed(n), START, 3, Inbound),
                        record(mixed(n + 1), 5, 12, Preferred),
                    ])
                    .unwrap(),
                4 => manager.update_type(&mixed(n), Preferred, true).unwrap(),
                5 => manager.update(&mixed(n), Outbound, true, BackOffUpdate::Increase).unwrap(),
                // Another thread may have removed it before.
                6 => drop(manager.remove(&mixed(n))),
                7 => {
                    manager.remove_peers_with_many_failures(15 - round % 5).unwrap();
                }
                8 => clock.set(START + i64::from(n) - 20),
                _ => {
                    let answer = manager.load_random_peers(&PeerQuery::default(), 5).unwrap();
                    let distinct: BTreeSet<&PeerAddress> = answer.iter().collect();
                    assert_eq!(distinct.len(), answer.len());
                }
            }
        }
    });
    assert_memory_and_file_agree(&manager, &database);
    let before = common::peers(&manager);
    drop(manager);
    assert_eq!(common::peers(&clock.on_file(&database.path(), 1)), before);
}

#[test]
fn a_clock_may_ask_and_change_the_manager_that_reads_it() {
    let database = TempDb::new();
    let manager: Arc<OnceLock<Weak<PeerManager>>> = Arc::default();
    let (calls, is_inside) = (Arc::new(AtomicU64::new(0)), AtomicBool::new(false));
    let mut options = TestClock::at(START).options(1);
    options.db_path = Some(database.path());
    options.clock = Clock::from_fn({
        let (manager, calls) = (Arc::clone(&manager), Arc::clone(&calls));
        move || {
            // Not in a call that the clock itself has made, or it would never end.
            if let Some(manager) =
                manager.get().and_then(Weak::upgrade).filter(|_| !is_inside.swap(true, Ordering::SeqCst))
            {
                let n = u32::try_from(calls.fetch_add(1, Ordering::SeqCst)).unwrap();
                manager.update_backoff(&ipv4(1_000 + n), BackOffUpdate::Increase).unwrap();
                manager.ensure_exists(&ipv4(2_000 + n)).unwrap();
                assert!(!manager.load_random_peers(&PeerQuery::everything(), 1).unwrap().is_empty());
                assert_eq!(manager.get_stats().unwrap().peers, manager.peer_count() as u64);
                is_inside.store(false, Ordering::SeqCst);
            }
            START
        }
    });
    let shared = Arc::new(PeerManager::open(options).unwrap());
    manager.set(Arc::downgrade(&shared)).unwrap();
    let calls_of_the_clock: [&dyn Fn(&PeerManager); 8] = [
        &|m| {
            m.ensure_exists(&ipv4(1)).unwrap();
        },
        &|m| {
            m.ensure_exists_many(&[ipv4(2), ipv4(3)]).unwrap();
        },
        &|m| m.update_type(&ipv4(1), Outbound, false).unwrap(),
        &|m| m.update_backoff(&ipv4(1), BackOffUpdate::Reset).unwrap(),
        &|m| m.update(&ipv4(1), Outbound, false, BackOffUpdate::HardReset).unwrap(),
        &|m| drop(m.load_random_peers(&PeerQuery::default(), 1).unwrap()),
        &|m| drop(m.get_peers_to_send(&PeerQuery::default(), None, 1).unwrap()),
        &|m| assert_ne!(m.get_stats().unwrap().peers, 0),
    ];
    for (before, call) in (0..).zip(calls_of_the_clock) {
        call(&shared);
        assert_eq!(calls.load(Ordering::SeqCst), before + 1, "the call reads the clock once");
    }
    assert_eq!(shared.peer_count(), 3 + 2 * 8);
    assert_memory_and_file_agree(&shared, &database);
}

/// How many peers the largest netgroup among these has.
fn largest_netgroup<'a>(peers: impl Iterator<Item = &'a PeerAddress>) -> u32 {
    let mut counts = BTreeMap::<_, u32>::new();
    peers.for_each(|peer| *counts.entry(netgroup(peer)).or_default() += 1);
    counts.into_values().max().unwrap_or(0)
}

/// Peers of twenty netgroups.
fn crowded(n: u32) -> PeerAddress {
    ipv4((n % 20) << 16 | n)
}

#[test]
fn the_bounds_hold_at_every_moment_in_memory_and_on_file() {
    const MAX_PEERS: u32 = 50;
    const MAX_PER_NETGROUP: u32 = 4;
    let database = TempDb::new();
    let mut options = TestClock::at(START).options(1);
    options.db_path = Some(database.path());
    options.max_peers = MAX_PEERS.into();
    options.max_peers_per_netgroup = MAX_PER_NETGROUP;
    let manager = PeerManager::open(options).unwrap();
    let writers_left = AtomicU64::new(5);
    on_eight_threads(|thread| {
        if thread < 5 {
            for round in 0..150_u32 {
                let n = round * 5 + thread;
                // Most find no room, and are refused or evict another.
                match round % 5 {
                    0 => drop(manager.ensure_exists(&crowded(n))),
                    1 => drop(manager.update_backoff(&crowded(n), BackOffUpdate::Increase)),
                    2 => drop(manager.store(&record(crowded(n), START, 3 + n % 20, Inbound))),
                    3 => drop(
                        manager.ensure_exists_many(&[crowded(n), crowded(n + 7), crowded(n + 20)]).unwrap(),
                    ),
                    _ => {
                        let batch = [crowded(n), crowded(n + 3)].map(|peer| record(peer, START, 2, Inbound));
                        manager.store_many(&batch).unwrap();
                        drop(manager.remove(&crowded(n / 2)));
                    }
                }
            }
            writers_left.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        let reader = database.connection();
        while writers_left.load(Ordering::SeqCst) > 0 {
            let snapshot = manager.get_all_peers().unwrap();
            assert!(snapshot.len() <= MAX_PEERS as usize, "{} peers", snapshot.len());
            let peers: Vec<_> = snapshot.iter().map(|record| record.address).collect();
            assert!(largest_netgroup(peers.iter()) <= MAX_PER_NETGROUP);
            let rows = common::rows(&reader);
            let hosts: Vec<_> = rows.keys().map(|(host, _)| PeerAddress::new(host, 1).unwrap()).collect();
            assert!(rows.len() <= MAX_PEERS as usize, "{} rows", rows.len());
            assert!(largest_netgroup(hosts.iter()) <= MAX_PER_NETGROUP);
        }
    });
    assert_memory_and_file_agree(&manager, &database);
    let stats = manager.get_stats().unwrap();
    assert!(stats.peers > 0 && stats.refused_peers > 0, "{stats:?}");
}

#[test]
fn answers_by_netgroup_are_right_while_the_table_changes() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(1);
    let writers_left = AtomicU64::new(3);
    on_eight_threads(|thread| {
        if thread < 3 {
            for round in 0..1_500_u32 {
                let n = (round * 7 + thread * 13) % 200;
                match (round + thread) % 5 {
                    0 => manager.store(&record(crowded(n), START + i64::from(n), n % 20, Outbound)).unwrap(),
                    1 => drop(manager.remove(&crowded(n))),
                    2 => manager.update(&crowded(n), Preferred, true, BackOffUpdate::HardReset).unwrap(),
                    3 if round % 300 == 3 => manager.clear_all().unwrap(),
                    3 => clock.set(START + i64::from(n)),
                    _ => drop(manager.ensure_exists_many(&[crowded(n), crowded(n + 1)]).unwrap()),
                }
            }
            writers_left.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        while writers_left.load(Ordering::SeqCst) > 0 {
            for max_per_netgroup in [1, 2] {
                let due = PeerQuery { max_per_netgroup, ..PeerQuery::default() };
                let anyone = PeerQuery { max_per_netgroup, ..PeerQuery::everything() };
                for answer in [
                    manager.load_random_peers(&due, 30).unwrap(),
                    manager.get_peers_to_send(&anyone, Some(&crowded(1)), 30).unwrap(),
                ] {
                    let distinct: BTreeSet<&PeerAddress> = answer.iter().collect();
                    assert_eq!(distinct.len(), answer.len());
                    assert!(answer.len() <= 30 && largest_netgroup(answer.iter()) <= max_per_netgroup);
                }
            }
        }
    });
    manager.check_invariants().unwrap();
}

#[test]
fn all_who_ask_at_once_are_answered_from_one_choice() {
    let mut options = TestClock::at(START).options(1);
    options.share_cache_seconds = 1_000;
    options.share_max_percent = 10;
    let manager = PeerManager::open(options).unwrap();
    manager.ensure_exists_many(&(0..1_000).map(mixed).collect::<Vec<_>>()).unwrap();
    let answers = Mutex::new(Vec::new());
    on_eight_threads(|thread| {
        for round in 0..30 {
            // Longer and longer, so that all of them make the choice grow.
            let size = (round * 8 + thread as usize) % 120;
            let answer = manager.get_peers_to_send(&PeerQuery::everything(), None, size).unwrap();
            assert_eq!(answer.len(), size.min(100));
            answers.lock().unwrap().push(answer);
        }
    });
    let answers = answers.into_inner().unwrap();
    let longest = answers.iter().max_by_key(|answer| answer.len()).unwrap();
    assert!(answers.iter().all(|answer| longest.starts_with(answer)));
    assert_eq!(longest.len(), 100);
}
