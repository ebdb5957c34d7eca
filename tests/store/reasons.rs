//! Errors tell the reason: what the operating system says reaches the caller, with the right status and advice that is true.
//! What no disk here does by itself comes from the VFS of the tests.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::damage;
use crate::common::vfs::{self, FaultPlan, Kind};
use crate::common::{TempDb, ipv4, peers};
use peer_manager::{Durability, Error, OnCorrupt, Options, PeerManager, SCHEMA};
use rusqlite::ffi;

const LOCAL: &str = "use a local file system with locks and shared memory";

fn options(path: &Path) -> Options {
    Options { db_path: Some(path.to_owned()), busy_timeout: Duration::from_millis(1), ..Options::default() }
}

fn open(path: &Path) -> peer_manager::Result<PeerManager> {
    PeerManager::open(options(path))
}

/// The files in a directory, with what they hold.
fn files(directory: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> =
        entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect();
    files.sort();
    files
}

#[track_caller]
fn assert_says(error: &Error, fragments: &[&str]) {
    let message = error.to_string();
    for fragment in fragments {
        assert!(message.contains(fragment), "{fragment} in {message}");
    }
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn a_file_system_without_shared_memory_or_locks_is_told_at_open_and_nothing_is_left_or_changed() {
    let refusals = [
        (Kind::MapShared, ffi::SQLITE_IOERR_SHMMAP, 0),
        (Kind::MapShared, ffi::SQLITE_IOERR_SHMOPEN, libc::ENODEV),
        (Kind::LockShared, ffi::SQLITE_IOERR_SHMLOCK, 0),
        (Kind::Lock, ffi::SQLITE_IOERR_LOCK, 0),
        // What SQLite makes of ENOLCK.
        (Kind::Lock, ffi::SQLITE_BUSY, libc::ENOLCK),
        (Kind::LockShared, ffi::SQLITE_BUSY, libc::ENOLCK),
    ];
    for (kind, code, errno) in refusals {
        for durability in [Durability::Commit, Durability::Sync, Durability::Deferred] {
            for made in ["new", "DELETE", "WAL"] {
                // SQLite tries for ten seconds to get a lock of the log's index.
                let is_slow = (kind, code) == (Kind::LockShared, ffi::SQLITE_BUSY);
                if (is_slow || durability != Durability::Commit) && made != "new"
                    || is_slow && durability != Durability::Commit
                {
                    continue;
                }
                let database = TempDb::new();
                if made != "new" {
                    let connection = database.connection();
                    connection.query_row(&format!("PRAGMA journal_mode = {made}"), [], |_| Ok(())).unwrap();
                    connection.execute_batch(SCHEMA).unwrap();
                }
                // SQLite counts the switch to the log and back in the header.
                let state = || {
                    let names: Vec<_> =
                        files(database.directory()).into_iter().map(|(name, _)| name).collect();
                    if made == "new" {
                        return (names, String::new());
                    }
                    let connection = vfs::past_all_faults(&database.path());
                    let mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
                    (names, mode)
                };
                let before = state();
                let plan = FaultPlan::of(database.directory());
                plan.refuse(kind, code, errno);
                let mut options = options(&database.path());
                options.durability = durability;
                let error = PeerManager::open(options).unwrap_err();
                assert!(matches!(error, Error::Database(_)), "{made} {kind:?} {code}: {error}");
                assert_says(&error, &[LOCAL]);
                plan.heal();
                let after = state();
                if made != "WAL" {
                    // SQLite makes the index of a log before it finds out, and leaves it.
                    assert_eq!(after.0, before.0, "{made} {kind:?} {code}");
                }
                assert_eq!(after.1, before.1, "{made} {kind:?} {code}");
                open(&database.path()).unwrap().ensure_exists(&ipv4(1)).unwrap();
            }
        }
    }
}

#[test]
fn a_change_says_why_the_system_refuses_it_and_works_when_it_no_longer_does() {
    let reasons = [
        (libc::EDQUOT, "the disk quota of this user is used up"),
        (libc::ENOSPC, "there is no space left on the file system"),
        (libc::EFBIG, "the file would be larger than this process may make one"),
    ];
    for (errno, reason) in reasons {
        let database = TempDb::new();
        let plan = FaultPlan::of(database.directory());
        let manager = open(&database.path()).unwrap();
        plan.refuse(Kind::Write, ffi::SQLITE_IOERR_WRITE, errno);
        let error = manager.ensure_exists(&ipv4(1)).unwrap_err();
        assert!(matches!(error, Error::DiskFull(_)), "{error}");
        assert_says(&error, &[reason, "call again"]);
        plan.heal();
        manager.ensure_exists(&ipv4(1)).unwrap();
        // A failure that has no such reason is not given one of before.
        plan.refuse(Kind::Write, ffi::SQLITE_IOERR_WRITE, 0);
        let error = manager.ensure_exists(&ipv4(2)).unwrap_err();
        assert!(matches!(error, Error::Database(_)) && !error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_disk_that_is_full_when_a_file_is_opened_again_is_full() {
    for errno in [libc::ENOSPC, libc::EDQUOT] {
        let database = TempDb::new();
        drop(open(&database.path()).unwrap());
        let plan = FaultPlan::of(database.directory());
        // The index of the log cannot grow.
        plan.refuse(Kind::MapShared, ffi::SQLITE_IOERR_SHMSIZE, errno);
        let error = open(&database.path()).unwrap_err();
        assert!(matches!(error, Error::DiskFull(_)), "{error}");
        plan.heal();
        open(&database.path()).unwrap();
    }
}

#[test]
fn too_many_open_files_are_no_missing_directory() {
    for (errno, reason) in [
        (libc::EMFILE, "this process has as many files open as it may"),
        (libc::ENFILE, "the system has as many files open as it may"),
        (libc::EROFS, "the file system is read-only"),
    ] {
        let database = TempDb::new();
        let plan = FaultPlan::of(database.directory());
        plan.refuse(Kind::Open, ffi::SQLITE_CANTOPEN, errno);
        let error = open(&database.path()).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error}");
        assert_says(&error, &[reason]);
        assert!(!error.to_string().contains("check that the directory exists"), "{error}");
        plan.heal();
        open(&database.path()).unwrap();
    }
}

#[test]
fn whatever_a_file_control_answers_is_an_error_at_most() {
    let database = TempDb::new();
    let plan = FaultPlan::of(database.directory());
    plan.refuse(Kind::Control, ffi::SQLITE_IOERR, 0);
    let error = open(&database.path()).unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    plan.heal();
    let manager = open(&database.path()).unwrap();
    plan.refuse(Kind::Control, ffi::SQLITE_IOERR, 0);
    let outcome = manager.ensure_exists(&ipv4(1));
    plan.heal();
    if outcome.is_err() {
        assert_eq!(manager.peer_count(), 0);
    }
    manager.ensure_exists(&ipv4(2)).unwrap();
    let expected = peers(&manager);
    drop(manager);
    let mut found = peers(&open(&database.path()).unwrap());
    if outcome.is_err() {
        // It may have failed when all was written.
        found.remove(&ipv4(1));
    }
    assert_eq!(found, expected);
}

#[test]
fn a_path_that_is_too_long_says_so() {
    let database = TempDb::new();
    let mut directory = database.directory().to_owned();
    for _ in 0..4 {
        directory.push("d".repeat(120));
    }
    fs::create_dir_all(&directory).unwrap();
    let error = open(&directory.join("peers.db")).unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_says(&error, &["its absolute path has ", "use a shorter one"]);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    // As long as it may be, it is opened.
    let room = 504 - directory.parent().unwrap().as_os_str().len() - 1;
    let name = "n".repeat(room);
    let path = directory.parent().unwrap().join(&name);
    if room < 240 {
        open(&path).unwrap().ensure_exists(&ipv4(1)).unwrap();
        let error = open(&directory.parent().unwrap().join(name + "n")).unwrap_err();
        assert_says(&error, &["its absolute path has 505 bytes"]);
    }
    let error = open(&database.directory().join("n".repeat(252))).unwrap_err();
    assert_says(&error, &["too long", "use a shorter one"]);
}

#[test]
fn a_name_that_is_too_long_to_be_set_aside_says_so_and_nothing_is_moved() {
    let place = damage::Place::new(&damage::Image::default());
    let path = place.file(&"n".repeat(240));
    fs::write(&path, vec![7; 4096]).unwrap();
    let before = place.files();
    let error = PeerManager::open(damage::options(&path, OnCorrupt::Quarantine)).unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_says(&error, &["cannot set", "aside", "too long", "use a shorter one"]);
    damage::assert_same("nothing is moved", &place.files(), &before);
}

#[test]
fn the_log_is_counted_and_does_not_stay_large() {
    let database = TempDb::new();
    let manager = open(&database.path()).unwrap();
    let log = || manager.get_stats().unwrap().log_bytes;
    manager.ensure_exists_many(&(0..2_000).map(ipv4).collect::<Vec<_>>()).unwrap();
    assert_eq!(log(), fs::metadata(database.directory().join("peers.db-wal")).unwrap().len());
    // A reader that is forgotten keeps the log from being begun anew.
    let reader = database.connection();
    reader.execute_batch("BEGIN; SELECT count(*) FROM peers").unwrap();
    let update = |n: u32| {
        let mut records: Vec<_> = peers(&manager).into_values().collect();
        for record in &mut records {
            record.num_failures = n;
        }
        manager.store_many(&records).unwrap();
    };
    let mut n = 0;
    while log() < 12 << 20 {
        n += 1;
        update(n);
    }
    reader.execute_batch("ROLLBACK").unwrap();
    (n..n + 5).for_each(update);
    assert!(log() <= 5 << 20, "{}", log());
    assert_eq!(PeerManager::new_in_memory().unwrap().get_stats().unwrap().log_bytes, 0);
}
