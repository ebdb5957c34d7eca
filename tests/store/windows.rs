//! What is particular to files on Windows: how their paths are written, and that a file which is open stays where it is.
#![cfg(windows)]

use std::fs::{self, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::import::in_memory;
use crate::common::{TempDb, ipv4};
use peer_manager::{Error, OnCorrupt, Options, PeerManager, Quarantine};

const GARBAGE: &str =
    "Once upon a time this was a database, and it had peers. Then somebody wrote a letter over it.";

fn options(path: &Path, on_corrupt: OnCorrupt) -> Options {
    Options { db_path: Some(path.to_owned()), on_corrupt, busy_timeout: Duration::ZERO, ..Options::default() }
}

fn open(path: &Path) -> Result<PeerManager, Error> {
    PeerManager::open(options(path, OnCorrupt::Fail))
}

/// Sets a file aside that is no database.
fn set_garbage_aside(path: &Path) -> Quarantine {
    fs::write(path, GARBAGE).unwrap();
    let manager = PeerManager::open(options(path, OnCorrupt::Quarantine)).unwrap();
    manager.quarantine().expect("the file was set aside").clone()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

/// A directory whose path has more than 1,500 characters, more than SQLite takes on its own as well.
fn deep(database: &TempDb) -> PathBuf {
    let directory = (0..8).fold(database.directory().to_owned(), |path, _| path.join("Zażółć".repeat(25)));
    fs::create_dir_all(&directory).unwrap();
    assert!(directory.as_os_str().len() > 1500);
    directory
}

#[test]
fn a_path_beyond_260_characters_is_a_path_like_others() {
    let database = TempDb::new();
    let path = deep(&database).join("peers.db");
    let manager = open(&path).unwrap();
    manager.ensure_exists_many(&(0..50).map(ipv4).collect::<Vec<_>>()).unwrap();
    assert!(matches!(open(&path), Err(Error::Busy(_))));
    assert_eq!(in_memory().import(&path).unwrap(), 50);
    drop(manager);
    // Its log is gone, so it is read without one.
    assert_eq!(in_memory().import(&path).unwrap(), 50);
    assert_eq!(open(&path).unwrap().peer_count(), 50);
    let left: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["peers.db"]);
}

#[test]
fn the_path_of_a_damaged_file_has_no_prefix_and_leads_to_it() {
    let database = TempDb::new();
    for path in [database.path(), database.directory().join("żółw.db"), deep(&database).join("peers.db")] {
        let aside = set_garbage_aside(&path).path;
        let text = aside.to_str().expect("it is UTF-8");
        assert!(!text.starts_with(r"\\"), "{text}");
        assert_eq!(aside.parent().unwrap().file_name(), path.parent().unwrap().file_name());
        assert_eq!(fs::read_to_string(&aside).unwrap(), GARBAGE);
    }
}

#[test]
fn all_spellings_of_a_path_lead_to_one_file() {
    let database = TempDb::new();
    let path = database.path();
    let manager = open(&path).unwrap();
    let text = path.to_str().unwrap();
    for other in [text.replace('\\', "/"), format!("{text}."), format!("{text} "), format!(r"\\?\{text}")] {
        assert!(matches!(open(Path::new(&other)), Err(Error::Busy(_))), "{other}");
    }
    drop(manager);
    let error = open(&database.directory().join("")).unwrap_err();
    assert!(error.to_string().contains("path of a directory"), "{error}");
}

#[test]
fn an_open_file_cannot_be_deleted_or_moved() {
    let database = TempDb::new();
    let manager = open(&database.path()).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    for suffix in ["", "-wal", "-lock"] {
        let path = beside(&database.path(), suffix);
        assert!(fs::remove_file(&path).is_err(), "{suffix}");
        assert!(fs::rename(&path, beside(&path, "-moved")).is_err(), "{suffix}");
    }
    manager.ensure_exists(&ipv4(2)).unwrap();
    drop(manager);
    let left = fs::read_dir(database.directory()).unwrap().count();
    assert_eq!(left, 1, "the lock file goes with the peer manager");
}

#[test]
fn a_damaged_file_that_another_program_has_open_is_set_aside_if_that_allows_it() {
    const SHARES_ALL: u32 = 7;
    const SHARES_READING_AND_WRITING: u32 = 3;
    let database = TempDb::new();
    fs::write(database.path(), GARBAGE).unwrap();
    let held = |share| OpenOptions::new().read(true).share_mode(share).open(database.path()).unwrap();
    let other = held(SHARES_READING_AND_WRITING);
    let error = PeerManager::open(options(&database.path(), OnCorrupt::Quarantine)).unwrap_err();
    assert!(matches!(error, Error::Busy(_)), "{error}");
    assert!(error.to_string().contains("another program has the file open; close it there"), "{error}");
    // Everything is as it was.
    assert_eq!(fs::read_to_string(database.path()).unwrap(), GARBAGE);
    assert_eq!(fs::read_dir(database.directory()).unwrap().count(), 1);
    drop(other);
    let _other = held(SHARES_ALL);
    let manager = PeerManager::open(options(&database.path(), OnCorrupt::Quarantine)).unwrap();
    let aside = manager.quarantine().unwrap().path.clone();
    assert_eq!(fs::read_to_string(aside).unwrap(), GARBAGE);
}

#[test]
fn an_exchange_that_was_cut_short_is_taken_back_with_the_log() {
    for step in 0..3 {
        let (database, copy) = (TempDb::new(), TempDb::new());
        let manager = open(&database.path()).unwrap();
        manager.ensure_exists_many(&(0..50).map(ipv4).collect::<Vec<_>>()).unwrap();
        // As after a kill.
        for suffix in ["", "-wal"] {
            fs::copy(beside(&database.path(), suffix), beside(&copy.path(), suffix)).unwrap();
        }
        drop(manager);
        fs::write(beside(&copy.path(), "-salvage"), "complete").unwrap();
        let aside = beside(&copy.path(), ".damaged-20260102T030405Z");
        if step > 0 {
            fs::rename(beside(&copy.path(), "-wal"), beside(&aside, "-wal")).unwrap();
        }
        if step > 1 {
            fs::hard_link(copy.path(), &aside).unwrap();
        }
        assert_eq!(open(&copy.path()).unwrap().peer_count(), 50, "step {step}");
        assert!(!aside.exists());
    }
}

#[test]
fn a_file_with_two_names_is_refused() {
    let database = TempDb::new();
    drop(open(&database.path()).unwrap());
    let other = database.directory().join("other.db");
    fs::hard_link(database.path(), &other).unwrap();
    for error in [open(&other).unwrap_err(), in_memory().import(&other).unwrap_err()] {
        assert!(error.to_string().contains("2 names"), "{error}");
    }
    fs::remove_file(&other).unwrap();
    assert_eq!(open(&database.path()).unwrap().peer_count(), 0);
}
