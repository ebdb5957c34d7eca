//! COMMIT: the file first, then memory.

use peer_manager::store::Failures;
use peer_manager::{BackOffUpdate, Durability, PeerAddress};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::thread;

use crate::common::{self, ipv4};
use crate::schedules::explore;
use crate::world::{World, contents, failures_in, group};

#[test]
fn memory_never_shows_what_the_file_does_not_have() {
    explore(|| {
        let world = World::with_peers(Durability::Commit, &[1]);
        let (manager, disk) = (&*world.manager, &*world.disk);
        thread::scope(|scope| {
            for n in [2, 3] {
                scope.spawn(move || {
                    manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                    manager.ensure_exists_many(&[ipv4(n), ipv4(n + 2)]).unwrap();
                    manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                });
            }
            for _ in 0..2 {
                scope.spawn(move || {
                    for _ in 0..2 {
                        // Nothing here ever becomes less, so the file, looked at later, has as much or more.
                        let memory = common::peers(manager);
                        let file = disk.rows();
                        assert!(
                            memory.keys().all(|address| file.contains_key(address)),
                            "{memory:?} {file:?}"
                        );
                        assert!(failures_in(&memory, 1) <= failures_in(&file, 1), "{memory:?} {file:?}");
                    }
                });
            }
        });
        world.assert_survives_the_end();
    });
}

#[test]
fn while_a_change_is_written_memory_is_what_the_file_was_before() {
    explore(|| {
        let world = World::with_peers(Durability::Commit, &[1, 2]);
        let written = Arc::new(AtomicU64::new(0));
        let (manager, disk) = (Arc::downgrade(&world.manager), Arc::downgrade(&world.disk));
        let count = Arc::clone(&written);
        world.disk.during_writes(move || {
            if let Some((manager, disk)) = manager.upgrade().zip(disk.upgrade()) {
                assert_eq!(contents(&manager), disk.contents());
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let manager = &*world.manager;
        thread::scope(|scope| {
            scope.spawn(move || {
                manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
                // Another thread may have cleared the table.
                drop(manager.remove(&ipv4(1)));
            });
            scope.spawn(move || manager.store_many(&group(&[1, 2, 3], 4)).unwrap());
            scope.spawn(move || manager.remove_peers_with_many_failures(4).unwrap());
            scope.spawn(move || {
                manager.ensure_exists_many(&[ipv4(3), ipv4(4)]).unwrap();
                manager.clear_all().unwrap();
            });
        });
        assert!(written.load(Ordering::SeqCst) >= 5);
        world.assert_survives_the_end();
    });
}

#[test]
fn a_write_that_fails_leaves_memory_and_file_as_they_were() {
    explore(|| {
        let world = World::with_peers(Durability::Commit, &[1]);
        let manager = &*world.manager;
        world.disk.fail(Failures::AtRandom);
        let (counted, added, failed) = (&AtomicU64::new(0), &AtomicU64::new(0), &AtomicU64::new(0));
        let add = |counter: &AtomicU64, n: u64| counter.fetch_add(n, Ordering::SeqCst);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(move || {
                    match manager.update_backoff(&ipv4(1), BackOffUpdate::Increase) {
                        Ok(()) => add(counted, 1),
                        Err(_) => add(failed, 1),
                    };
                    match manager.ensure_exists_many(&[ipv4(2), ipv4(3)]) {
                        Ok(new) => add(added, new as u64),
                        Err(_) => add(failed, 1),
                    };
                    match manager.flush() {
                        Ok(()) => 0,
                        Err(_) => add(failed, 1),
                    };
                });
            }
        });
        let counted = u32::try_from(counted.load(Ordering::SeqCst)).unwrap();
        assert_eq!(world.failures_of(1), Some(counted));
        assert_eq!(manager.peer_count() as u64, 1 + added.load(Ordering::SeqCst));
        let stats = manager.get_stats().unwrap();
        assert_eq!((stats.failed_writes, stats.pending_writes), (failed.load(Ordering::SeqCst), 0));
        assert_eq!(world.disk.contents(), world.contents());
        world.assert_survives_the_end();
    });
}

#[test]
fn what_returned_before_a_flush_is_synchronised_when_it_returns() {
    explore(|| {
        let world = World::new(Durability::Commit);
        world.disk.fail(Failures::AtRandom);
        let (manager, disk) = (&*world.manager, &*world.disk);
        thread::scope(|scope| {
            for n in 1..=3 {
                scope.spawn(move || {
                    let mine: PeerAddress = ipv4(n);
                    let is_there = manager.ensure_exists(&mine).is_ok();
                    if manager.flush().is_ok() {
                        assert_eq!(disk.synchronised().contains_key(&mine), is_there);
                    }
                });
            }
        });
        world.assert_survives_the_end();
    });
}
