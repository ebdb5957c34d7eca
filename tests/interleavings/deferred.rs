//! DEFERRED: memory first, and the file, by a thread of its own, as soon as that can.

use std::collections::BTreeSet;

use peer_manager::store::{Contents, Failures};
use peer_manager::{BackOffUpdate, Durability};
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

use crate::common::{START, ipv4};
use crate::schedules::explore;
use crate::world::{CHANGES, World, failures_in, group, set_clock};

#[test]
fn every_change_reaches_the_file_without_a_flush() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2]);
        let manager = &*world.manager;
        thread::scope(|scope| {
            scope.spawn(move || {
                manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                manager.ensure_exists(&ipv4(3)).unwrap();
            });
            scope.spawn(move || manager.remove(&ipv4(2)).unwrap());
            scope.spawn(move || manager.store_many(&group(&[4, 5], 2)).unwrap());
        });
        world.assert_settles();
        assert_eq!(manager.get_stats().unwrap().failed_writes, 0);
        // And the thread sleeps so soundly that the next change has to wake it.
        manager.clear_all().unwrap();
        world.assert_settles();
    });
}

#[test]
fn a_change_of_any_kind_reaches_the_file_by_itself() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2]);
        let manager = &*world.manager;
        thread::scope(|scope| {
            for _ in 0..2 {
                let change = CHANGES[thread_rng().gen_range(0..CHANGES.len())];
                scope.spawn(move || change(manager));
            }
        });
        world.assert_settles();
    });
}

#[test]
fn a_group_that_could_not_be_written_is_tried_again_until_it_is() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2]);
        world.disk.fail(Failures::Next(3));
        let (manager, disk) = (&*world.manager, &*world.disk);
        thread::scope(|scope| {
            scope.spawn(move || {
                manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
            });
            scope.spawn(move || {
                manager.remove(&ipv4(2)).unwrap();
                manager.ensure_exists_many(&[ipv4(3), ipv4(4)]).unwrap();
            });
        });
        // The disk recovers by itself, without a flush.
        disk.wait_for(&world.contents());
        assert!(manager.get_stats().unwrap().failed_writes <= 3);
        world.assert_survives_the_end();
    });
}

#[test]
fn what_returned_before_a_flush_is_synchronised_when_it_returns() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2, 3]);
        world.disk.fail(Failures::AtRandom);
        let (manager, disk) = (&*world.manager, &*world.disk);
        let returned = &Mutex::new(Vec::new());
        thread::scope(|scope| {
            for n in 1..=3 {
                scope.spawn(move || {
                    manager.remove(&ipv4(n)).unwrap();
                    manager.ensure_exists(&ipv4(n + 3)).unwrap();
                    returned.lock().unwrap().push(n);
                    // Those of the other threads too.
                    let before = returned.lock().unwrap().clone();
                    if manager.flush().is_ok() {
                        let file = disk.synchronised();
                        for n in before {
                            assert_eq!(failures_in(&file, n), None);
                            assert_eq!(failures_in(&file, n + 3), Some(0));
                        }
                    }
                });
            }
        });
        world.assert_survives_the_end();
    });
}

#[test]
fn the_file_only_ever_holds_what_the_table_held_at_one_moment() {
    const BATCH: [u32; 2] = [1, 2];

    explore(|| {
        let world = World::with_peers(Durability::Deferred, &BATCH);
        world.disk.fail(Failures::AtRandom);
        let manager = &*world.manager;
        thread::scope(|scope| {
            // Each of these leaves the peers of the batch with the same number of failures.
            scope.spawn(move || {
                manager.store_many(&group(&BATCH, 5)).unwrap();
                manager.clear_all().unwrap();
            });
            scope.spawn(move || {
                manager.ensure_exists_many(&BATCH.map(ipv4)).unwrap();
                manager.store_many(&group(&BATCH, 6)).unwrap();
            });
            // The fourth peer is always changed before the third. (All peers may go in between.)
            scope.spawn(move || {
                for failures in 1..=2 {
                    manager.store(&group(&[4], failures)[0]).unwrap();
                    manager.store(&group(&[3], failures)[0]).unwrap();
                }
            });
            scope.spawn(move || drop(manager.flush()));
        });
        world.assert_settles();
        for Contents { rows: file, .. } in world.disk.history() {
            let batch: BTreeSet<_> = BATCH.iter().map(|&n| failures_in(&file, n)).collect();
            assert_eq!(batch.len(), 1, "a batch is on file in part: {file:?}");
            if let (Some(third), Some(fourth)) = (failures_in(&file, 3), failures_in(&file, 4)) {
                assert!(
                    fourth == third || fourth == third + 1,
                    "a later change without the earlier: {file:?}"
                );
            }
        }
    });
}

#[test]
fn when_nothing_is_pending_everything_is_on_file() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2]);
        world.disk.fail(Failures::AtRandom);
        let (manager, disk) = (&*world.manager, &*world.disk);
        thread::scope(|scope| {
            for n in [1, 2] {
                scope.spawn(move || {
                    set_clock(START + i64::from(n));
                    for failures in 1..=2 {
                        manager.update_backoff(&ipv4(n), BackOffUpdate::Increase).unwrap();
                        if manager.get_stats().unwrap().pending_writes == 0 {
                            assert_eq!(failures_in(&disk.rows(), n), Some(failures));
                        }
                    }
                });
            }
            scope.spawn(move || drop(manager.flush()));
        });
        world.disk.fail(Failures::Never);
        manager.flush().unwrap();
        assert_eq!(manager.get_stats().unwrap().pending_writes, 0);
        assert_eq!(disk.contents(), world.contents());
    });
}

#[test]
fn what_is_pending_is_counted_once_however_often_it_changed_and_was_tried() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2, 3]);
        world.disk.fail(Failures::Always);
        let manager = &*world.manager;
        let pending = || manager.get_stats().unwrap().pending_writes;
        thread::scope(|scope| {
            scope.spawn(move || {
                manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                manager.remove(&ipv4(2)).unwrap();
                assert!(pending() >= 2);
            });
            scope.spawn(move || {
                manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                manager.remove(&ipv4(3)).unwrap();
                manager.ensure_exists(&ipv4(3)).unwrap();
                manager.ensure_exists(&ipv4(4)).unwrap();
                manager.remove(&ipv4(4)).unwrap();
                manager.ensure_exists(&ipv4(5)).unwrap();
                assert!(pending() >= 3);
            });
        });
        // The thread that has just tried to write has put it all together.
        manager.flush().unwrap_err();
        assert_eq!(
            pending(),
            4,
            "one changed, one removed, one that came back, one new; not one that went again"
        );
        world.disk.fail(Failures::Never);
        manager.flush().unwrap();
        assert_eq!(pending(), 0);
        world.assert_settles();
        assert_eq!(pending(), 0);
    });
}

#[test]
fn what_comes_and_goes_while_a_group_is_under_way_ends_as_memory_has_it() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2]);
        world.disk.fail(Failures::AtRandom);
        let manager = &*world.manager;
        thread::scope(|scope| {
            scope.spawn(move || {
                // Another thread may be faster.
                drop(manager.remove(&ipv4(1)));
                manager.ensure_exists(&ipv4(1)).unwrap();
                drop(manager.remove(&ipv4(1)));
            });
            scope.spawn(move || {
                manager.store_many(&group(&[2, 3], 7)).unwrap();
                drop(manager.remove(&ipv4(3)));
                manager.ensure_exists(&ipv4(3)).unwrap();
                manager.remove_peers_with_many_failures(7).unwrap();
            });
            scope.spawn(move || {
                manager.clear_all().unwrap();
                manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
            });
            scope.spawn(move || drop(manager.flush()));
        });
        world.assert_settles();
        world.assert_survives_the_end();
    });
}

#[test]
fn when_the_last_user_lets_go_of_the_manager_everything_is_written() {
    explore(|| {
        let World { disk, manager, .. } = World::with_peers(Durability::Deferred, &[1, 2]);
        let users = [1, 2].map(|n| {
            let manager = Arc::clone(&manager);
            thread::spawn(move || {
                manager.remove(&ipv4(n)).unwrap();
                manager.store_many(&group(&[n, n + 2], n)).unwrap();
            })
        });
        drop(manager);
        for user in users {
            user.join().unwrap();
        }
        let expected = [(1, 1), (2, 2), (3, 1), (4, 2)];
        let file = disk.rows();
        assert_eq!(file.len(), expected.len());
        for (n, failures) in expected {
            assert_eq!(failures_in(&file, n), Some(failures));
        }
    });
}

#[test]
fn no_change_waits_for_the_disk() {
    explore(|| {
        let world = World::with_peers(Durability::Deferred, &[1, 2]);
        let has_changed = Arc::new(AtomicBool::new(false));
        let (manager, once) = (Arc::downgrade(&world.manager), Arc::clone(&has_changed));
        // The disk is busy while this runs. If a lock were held that a change takes, it would wait for ever.
        world.disk.during_writes(move || {
            if let Some(manager) = manager.upgrade().filter(|_| !once.swap(true, Ordering::SeqCst)) {
                manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                manager.store_many(&group(&[2, 3], 1)).unwrap();
                manager.remove(&ipv4(2)).unwrap();
            }
        });
        let manager = &*world.manager;
        thread::scope(|scope| {
            scope.spawn(move || manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap());
            scope.spawn(move || manager.flush().unwrap());
        });
        manager.flush().unwrap();
        world.assert_settles();
        assert!(has_changed.load(Ordering::SeqCst));
        assert_eq!(world.failures_of(1), Some(2));
    });
}
