//! A manager that has nothing to write costs nothing: its thread sleeps until it is woken. In a process of its own,
//! which has one such thread.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::common::process::alone;
use crate::common::{START, TempDb, TestClock, ipv4};
use peer_manager::{Durability, PeerManager};

/// The manager's thread, once it has started and told the system its name.
fn thread_of_the_manager() -> PathBuf {
    loop {
        let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        let is_managers = |name: String| name.trim() == "peer_manager";
        let mut threads = tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(is_managers));
        if let Some(thread) = threads.next() {
            assert_eq!(threads.next(), None, "there is one such thread");
            return thread;
        }
        thread::yield_now();
    }
}

/// How often the manager's thread has gone to sleep.
fn times_asleep() -> u64 {
    let thread = thread_of_the_manager();
    let status = fs::read_to_string(thread.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn a_manager_without_pending_changes_never_wakes() {
    alone(watch_the_thread);
}

/// Lets a manager have nothing to do, then something.
fn watch_the_thread() {
    let database = TempDb::new();
    let mut options = TestClock::at(START).options(1);
    options.db_path = Some(database.path());
    options.durability = Durability::Deferred;
    options.flush_interval = Duration::from_millis(1);
    let manager = PeerManager::open(options).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.flush().unwrap();
    // Until the thread has noticed that there is nothing left to write.
    let mut before = times_asleep();
    loop {
        thread::sleep(Duration::from_millis(200));
        let now = times_asleep();
        if now == before {
            break;
        }
        before = now;
    }
    // Two hundred flush intervals later, reading all the while:
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(10));
        assert_eq!(manager.get_stats().unwrap().peers, 1);
    }
    assert_eq!(times_asleep(), before);
    // The count does rise when there is something to do.
    manager.ensure_exists(&ipv4(2)).unwrap();
    while manager.get_stats().unwrap().pending_writes > 0 {
        thread::yield_now();
    }
    assert!(times_asleep() > before);
}
