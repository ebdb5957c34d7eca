//! What holds with each durability: changes are atomic, queries are answered from one moment, and nothing deadlocks.

use std::collections::BTreeSet;

use peer_manager::store::Failures;
use peer_manager::{BackOffUpdate, Durability, PeerManager, PeerQuery, PeerRecord, StoredPeerType};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use shuttle::thread;

use crate::common::{START, ipv4, record};
use crate::schedules::explore;
use crate::world::{CHANGES, World, due, group, set_clock};

/// Tries the scenario with changes that are written at once and with changes that are written later.
fn explore_both(scenario: fn(Durability)) {
    for durability in [Durability::Commit, Durability::Deferred] {
        explore(move || scenario(durability));
    }
}

/// Some changes, of each kind beginning with the one that has this number.
fn change_everything(manager: &PeerManager, first: usize) {
    CHANGES.iter().cycle().skip(first).take(5).for_each(|change| change(manager));
}

fn ask_everything(manager: &PeerManager) {
    let drawn = due(manager);
    assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]), "a peer is drawn twice: {drawn:?}");
    let stats = manager.get_stats().unwrap();
    assert!(stats.ready <= stats.peers && stats.peers <= 3, "{stats:?}");
    assert!(manager.get_all_peers().unwrap().len() <= 3);
    assert!(manager.get_peers_to_send(&PeerQuery::default(), Some(&ipv4(1)), 9).unwrap().len() <= 2);
    manager.check_invariants().unwrap();
}

fn everything_at_once(durability: Durability, failures: Failures) {
    let world = World::with_peers(durability, &[1, 2]);
    world.disk.fail(failures);
    let manager = &*world.manager;
    thread::scope(|scope| {
        for first in [0, 3, 6] {
            scope.spawn(move || {
                set_clock(START + i64::try_from(first).unwrap() * 10);
                change_everything(manager, first);
            });
        }
        for now in [START - 10, START + 1_000] {
            scope.spawn(move || {
                set_clock(now);
                ask_everything(manager);
            });
        }
        scope.spawn(move || drop(manager.flush()));
    });
    world.assert_survives_the_end();
}

#[test]
fn everything_at_once_neither_deadlocks_nor_leaves_file_and_memory_apart() {
    explore_both(|durability| everything_at_once(durability, Failures::Never));
}

#[test]
fn everything_at_once_on_a_disk_that_fails_neither_deadlocks_nor_leaves_file_and_memory_apart() {
    explore_both(|durability| everything_at_once(durability, Failures::AtRandom));
}

#[test]
fn no_update_is_lost_and_no_reader_sees_one_undone() {
    explore_both(|durability| {
        let world = World::new(durability);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..2 {
                        world.manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                    }
                });
            }
            scope.spawn(|| {
                let seen: Vec<_> = (0..4).map(|_| world.failures_of(1)).collect();
                assert!(seen.is_sorted(), "failures became fewer: {seen:?}");
            });
        });
        assert_eq!(world.failures_of(1), Some(6));
        world.assert_survives_the_end();
    });
}

#[test]
fn an_address_is_new_to_exactly_one_of_the_threads_that_bring_it() {
    explore_both(|durability| {
        let world = World::new(durability);
        let manager = &*world.manager;
        let (added, removed) = (&AtomicU64::new(0), &AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(move || {
                    let is_new = manager.ensure_exists(&ipv4(1)).unwrap();
                    added.fetch_add(is_new.into(), Ordering::SeqCst);
                    assert!(manager.load(&ipv4(2)).unwrap().is_none_or(|peer| peer.num_failures == 0));
                });
            }
            scope.spawn(move || {
                let new = manager.ensure_exists_many(&[ipv4(1), ipv4(2), ipv4(1)]).unwrap();
                added.fetch_add(new as u64, Ordering::SeqCst);
            });
            scope.spawn(move || {
                let was_there = manager.remove(&ipv4(1)).is_ok();
                removed.fetch_add(was_there.into(), Ordering::SeqCst);
            });
        });
        let left = added.load(Ordering::SeqCst) - removed.load(Ordering::SeqCst);
        assert_eq!(left, manager.peer_count() as u64);
        world.assert_survives_the_end();
    });
}

#[test]
fn a_reader_sees_a_batch_whole_or_not_at_all() {
    const ALL: [u32; 3] = [1, 2, 3];

    explore_both(|durability| {
        let world = World::with_peers(durability, &ALL);
        let manager = &*world.manager;
        thread::scope(|scope| {
            for failures in [3, 7] {
                scope.spawn(move || manager.store_many(&group(&ALL, failures)).unwrap());
            }
            scope.spawn(move || {
                manager.clear_all().unwrap();
                manager.ensure_exists_many(&ALL.map(ipv4)).unwrap();
            });
            for _ in 0..2 {
                scope.spawn(move || {
                    let snapshot = manager.get_all_peers().unwrap();
                    let failures: BTreeSet<u32> = snapshot.iter().map(|peer| peer.num_failures).collect();
                    assert!(matches!((snapshot.len(), failures.len()), (0, 0) | (3, 1)), "{failures:?}");
                    let at_most_3 = PeerQuery { max_num_failures: Some(3), ..PeerQuery::everything() };
                    let drawn = manager.load_random_peers(&at_most_3, 9).unwrap().len();
                    assert!(matches!(drawn, 0 | 3), "{drawn} drawn");
                    let stats = manager.get_stats().unwrap();
                    assert!(matches!(stats.peers, 0 | 3), "{stats:?}");
                });
            }
        });
        world.assert_survives_the_end();
    });
}

#[test]
fn a_peer_that_was_removed_is_in_no_answer_any_more() {
    explore_both(|durability| {
        let world = World::with_peers(durability, &[1, 2, 3]);
        let manager = &*world.manager;
        let is_removed = &AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(move || {
                manager.remove(&ipv4(1)).unwrap();
                is_removed.store(true, Ordering::SeqCst);
            });
            scope.spawn(move || manager.update_backoff(&ipv4(2), BackOffUpdate::Increase).unwrap());
            scope.spawn(move || manager.remove(&ipv4(3)).unwrap());
            for now in [START, START + 1_000] {
                scope.spawn(move || {
                    set_clock(now);
                    let was_removed = is_removed.load(Ordering::SeqCst);
                    assert!(!was_removed || !due(manager).contains(&ipv4(1)));
                    assert!(!was_removed || manager.load(&ipv4(1)).unwrap().is_none());
                });
            }
        });
        world.assert_survives_the_end();
    });
}

#[test]
fn each_query_is_answered_for_its_own_time() {
    explore_both(|durability| {
        let world = World::new(durability);
        let due_at = |n: u32| START + i64::from(n) * 10;
        let peer = |n| record(ipv4(n), due_at(n), 0, StoredPeerType::Outbound);
        world.manager.store_many(&[1, 2, 3].map(peer)).unwrap();
        let manager = &*world.manager;
        thread::scope(|scope| {
            for last in [0, 1, 3] {
                scope.spawn(move || {
                    set_clock(due_at(last));
                    let expected: Vec<_> = (1..=last).map(ipv4).collect();
                    assert_eq!(due(manager), expected);
                    assert_eq!(manager.get_stats().unwrap().ready, u64::from(last));
                });
            }
            // A change that has a clock as well, of a peer that is due for none of them.
            scope.spawn(move || {
                set_clock(due_at(2));
                manager.store(&peer(1_000)).unwrap();
                manager.update_type(&ipv4(1_000), StoredPeerType::Preferred, true).unwrap();
            });
        });
        manager.check_invariants().unwrap();
    });
}

#[test]
fn a_thread_finds_what_it_has_changed() {
    explore_both(|durability| {
        let world = World::new(durability);
        let manager = &*world.manager;
        thread::scope(|scope| {
            for n in 1..=3 {
                scope.spawn(move || {
                    let mine = PeerRecord { num_failures: n, ..PeerRecord::new(ipv4(n), START) };
                    manager.store(&mine).unwrap();
                    assert_eq!(manager.load(&ipv4(n)).unwrap(), Some(mine));
                    manager.ensure_exists(&ipv4(4)).unwrap();
                    assert!(manager.load(&ipv4(4)).unwrap().is_some());
                    manager.remove(&ipv4(n)).unwrap();
                    assert!(manager.load(&ipv4(n)).unwrap().is_none());
                });
            }
        });
        world.assert_survives_the_end();
    });
}

#[test]
fn no_query_waits_for_the_disk() {
    explore_both(|durability| {
        let world = World::with_peers(durability, &[1, 2, 3]);
        let asked = Arc::new(AtomicU64::new(0));
        let (manager, count) = (Arc::downgrade(&world.manager), Arc::clone(&asked));
        // The disk is busy while this runs. If a lock were held that a query takes, it would wait for ever.
        world.disk.during_writes(move || {
            if let Some(manager) = manager.upgrade() {
                set_clock(START + 1_000);
                ask_everything(&manager);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        thread::scope(|scope| {
            for first in [0, 5] {
                let manager = &world.manager;
                scope.spawn(move || change_everything(manager, first));
            }
        });
        world.manager.flush().unwrap();
        assert_ne!(asked.load(Ordering::SeqCst), 0, "nothing was written");
        world.assert_survives_the_end();
    });
}

/// A peer of its own netgroup.
fn in_netgroup(n: u32) -> PeerRecord {
    let address = format!("8.{n}.0.1:1").parse().expect("an address");
    record(address, START, 0, StoredPeerType::Inbound)
}

#[test]
fn netgroups_are_counted_in_parts_and_those_that_stay_always_count() {
    explore(|| {
        let world = World::with_peers(Durability::Commit, &[]);
        let manager = &*world.manager;
        // The ones that go are in front, so that others move to their slots.
        manager.store_many(&[0, 1, 2, 3, 4, 5].map(in_netgroup)).unwrap();
        thread::scope(|scope| {
            scope
                .spawn(move || [0, 1].iter().for_each(|&n| manager.remove(&in_netgroup(n).address).unwrap()));
            scope.spawn(move || manager.store_many(&[6, 7].map(in_netgroup)).unwrap());
            scope.spawn(move || {
                let netgroups = manager.get_stats().unwrap().netgroups;
                assert!((4..=8).contains(&netgroups), "{netgroups}");
            });
        });
        assert_eq!(manager.get_stats().unwrap().netgroups, 6);
    });
}
