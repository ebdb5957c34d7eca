//! Others who use the same file: a second manager, of this process or another, one that was killed, and programs that
//! use SQLite themselves.
#![cfg(unix)]

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::process::Other;
use crate::common::{self, TempDb, ipv4};
use peer_manager::{Durability, Error, Options, PeerManager};

/// Longer than anything takes here, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn options(path: &Path, busy_timeout: Duration) -> Options {
    Options { db_path: Some(path.to_owned()), busy_timeout, ..Options::default() }
}

fn open(path: &Path) -> peer_manager::Result<PeerManager> {
    PeerManager::open(options(path, Duration::from_millis(1)))
}

fn open_deferred(path: &Path) -> PeerManager {
    let mut options = options(path, Duration::from_millis(1));
    options.durability = Durability::Deferred;
    options.flush_interval = Duration::from_millis(1);
    PeerManager::open(options).unwrap()
}

/// Refused because another manager has the file open.
fn assert_in_use(error: &str) {
    assert!(error.contains("cannot open \"") && error.contains("peers.db\""), "{error}");
    assert!(
        error.contains("another peer manager has it open; share that one, or free it and call again"),
        "{error}"
    );
    assert!(!error.contains('\n'), "{error}");
}

fn files(database: &TempDb) -> Vec<String> {
    let entries = std::fs::read_dir(database.directory()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_second_manager_is_refused_and_the_first_keeps_its_locks() {
    let database = TempDb::new();
    let first = open(&database.path()).unwrap();
    // A connection of the same process, whose locks are gone when the process closes another descriptor of the file.
    let connection = database.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..3 {
        let error = open(&database.path()).unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error}");
        assert_in_use(&error.to_string());
    }
    let mut other = Other::start("lock", &database.path());
    assert_eq!(other.word(), "database is locked");
    other.go_on();
    other.end();
    connection.execute_batch("COMMIT").unwrap();
    first.ensure_exists(&ipv4(1)).unwrap();
    drop((first, connection));
    assert_eq!(open(&database.path()).unwrap().peer_count(), 1);
    assert_eq!(files(&database), ["peers.db"]);
}

#[test]
fn a_manager_of_another_process_keeps_the_file_to_itself_until_it_is_freed() {
    for part in ["have", "have, deferred"] {
        let database = TempDb::new();
        let mut other = Other::start(part, &database.path());
        assert_eq!(other.word(), "open");
        for _ in 0..2 {
            let error = open(&database.path()).unwrap_err();
            assert!(matches!(error, Error::Busy(_)), "{error}");
            assert_in_use(&error.to_string());
        }
        other.go_on();
        other.end();
        assert_eq!(files(&database), ["peers.db"]);
        let manager = open(&database.path()).unwrap();
        assert!(manager.load(&ipv4(1_000)).unwrap().is_some());
    }
}

#[test]
fn a_manager_of_this_process_keeps_another_process_away() {
    let database = TempDb::new();
    let manager = open(&database.path()).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    for part in ["open", "open, with quarantine"] {
        let mut other = Other::start(part, &database.path());
        let outcome = other.word();
        assert!(outcome.starts_with("Busy: "), "{outcome}");
        assert_in_use(&outcome);
        other.end();
    }
    manager.ensure_exists(&ipv4(2)).unwrap();
    drop(manager);
    let mut other = Other::start("open", &database.path());
    assert_eq!(other.word(), "open with 2 peers");
    other.end();
}

#[test]
fn a_manager_that_was_killed_is_no_obstacle_and_all_it_committed_is_there() {
    let database = TempDb::new();
    for round in 1..=5 {
        let mut other = Other::start("write", &database.path());
        let mut committed: u32 = 0;
        while committed < 13 * round {
            committed = other.word().parse().unwrap();
        }
        other.kill();
        assert!(files(&database).contains(&"peers.db-lock".to_owned()), "it had no time to tidy up");
        let manager = open(&database.path()).unwrap();
        for n in 0..=committed {
            assert!(manager.load(&ipv4(n)).unwrap().is_some(), "{n} of {committed}");
        }
        drop(manager);
        assert_eq!(files(&database), ["peers.db"]);
    }
}

#[test]
fn a_manager_that_was_killed_lets_in_one_that_waits() {
    let database = TempDb::new();
    let mut other = Other::start("have", &database.path());
    assert_eq!(other.word(), "open");
    let waiting = thread::spawn({
        let path = database.path();
        move || PeerManager::open(options(&path, PATIENCE)).unwrap().peer_count()
    });
    other.kill();
    assert_eq!(waiting.join().unwrap(), 1);
}

#[test]
fn who_waits_for_a_file_gets_it_when_the_first_is_freed() {
    let database = TempDb::new();
    let first = open(&database.path()).unwrap();
    let (began, has_begun) = mpsc::channel();
    let waiting = thread::spawn({
        let path = database.path();
        move || {
            began.send(()).unwrap();
            PeerManager::open(options(&path, PATIENCE)).unwrap().peer_count()
        }
    });
    has_begun.recv().unwrap();
    first.ensure_exists_many(&(0..50).map(ipv4).collect::<Vec<_>>()).unwrap();
    drop(first);
    assert_eq!(waiting.join().unwrap(), 50);
    assert_eq!(files(&database), ["peers.db"]);
}

#[test]
fn a_lock_file_that_somebody_left_is_no_obstacle_and_a_directory_is_an_error() {
    let database = TempDb::new();
    std::fs::write(database.directory().join("peers.db-lock"), "left").unwrap();
    open(&database.path()).unwrap().ensure_exists(&ipv4(1)).unwrap();
    assert_eq!(files(&database), ["peers.db"]);
    std::fs::create_dir(database.directory().join("peers.db-lock")).unwrap();
    let error = open(&database.path()).unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_eq!(files(&database), ["peers.db", "peers.db-lock"]);
}

#[test]
fn while_another_program_writes_a_change_is_busy_and_nothing_is_lost() {
    let database = TempDb::new();
    let manager = open(&database.path()).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    let mut other = Other::start("lock", &database.path());
    assert_eq!(other.word(), "locked");
    let error = manager.ensure_exists(&ipv4(2)).unwrap_err();
    assert!(matches!(error, Error::Busy(_)), "{error}");
    assert!(error.to_string().contains("another connection keeps it locked: call again"), "{error}");
    assert!(manager.load(&ipv4(1)).unwrap().is_some() && manager.load(&ipv4(2)).unwrap().is_none());
    other.go_on();
    other.end();
    manager.ensure_exists(&ipv4(2)).unwrap();
    assert_eq!(manager.get_stats().unwrap().failed_writes, 1);
    drop(manager);
    assert_eq!(open(&database.path()).unwrap().peer_count(), 2);
}

#[test]
fn while_another_program_writes_deferred_changes_succeed_and_are_written_afterwards() {
    let database = TempDb::new();
    let manager = open_deferred(&database.path());
    let mut other = Other::start("lock", &database.path());
    assert_eq!(other.word(), "locked");
    manager.ensure_exists_many(&(0..10).map(ipv4).collect::<Vec<_>>()).unwrap();
    for _ in 0..2 {
        let error = manager.flush().unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error}");
    }
    manager.remove(&ipv4(3)).unwrap();
    manager.ensure_exists(&ipv4(10)).unwrap();
    let stats = manager.get_stats().unwrap();
    assert_eq!(stats.peers, 10);
    assert!(stats.pending_writes >= 10 && stats.failed_writes >= 2, "{stats:?}");
    assert!(common::rows(&database.connection()).is_empty());
    other.go_on();
    other.end();
    // No call that writes is made.
    let began = Instant::now();
    while manager.get_stats().unwrap().pending_writes > 0 {
        assert!(began.elapsed() < PATIENCE, "the changes are not written: {:?}", manager.get_stats());
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(common::rows(&database.connection()), common::rows_of(common::peers(&manager).values()));
    manager.flush().unwrap();
}

#[test]
fn another_program_that_reads_is_no_obstacle() {
    for open in [|path: &Path| open(path).unwrap(), open_deferred] {
        let database = TempDb::new();
        let manager = open(&database.path());
        manager.ensure_exists(&ipv4(1)).unwrap();
        manager.flush().unwrap();
        let mut other = Other::start("read", &database.path());
        assert_eq!(other.word(), "reading");
        (2..40).for_each(|n| assert!(manager.ensure_exists(&ipv4(n)).unwrap()));
        manager.remove(&ipv4(1)).unwrap();
        drop(manager);
        other.go_on();
        assert_eq!(other.word(), "38");
        other.end();
        assert_eq!(open(&database.path()).peer_count(), 38);
    }
}
