//! One manager to a file, whatever the file is called and whichever program has touched what is beside it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::process::Other;
use crate::common::run::skip;
use crate::common::users::{self, ANOTHER, is_root};
use crate::common::{TempDb, ipv4, peers};
use peer_manager::{Error, OnCorrupt, Options, PeerManager};

fn open(path: &Path) -> peer_manager::Result<PeerManager> {
    open_with(path, OnCorrupt::Fail)
}

fn open_with(path: &Path, on_corrupt: OnCorrupt) -> peer_manager::Result<PeerManager> {
    let options = Options {
        db_path: Some(path.to_owned()),
        busy_timeout: Duration::from_millis(1),
        on_corrupt,
        ..Options::default()
    };
    PeerManager::open(options)
}

fn beside(database: &TempDb, suffix: &str) -> std::path::PathBuf {
    database.directory().join(format!("peers.db{suffix}"))
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn assert_cannot_open(error: &Error, fragments: &[&str]) {
    assert!(matches!(error, Error::Database(_)), "{error}");
    let message = error.to_string();
    assert!(message.starts_with("cannot open \"") && !message.contains('\n'), "{message}");
    for fragment in fragments {
        assert!(message.contains(fragment), "{fragment} in {message}");
    }
    assert!(message.len() < 400, "{message}");
}

#[test]
fn a_file_with_two_names_is_refused_by_either() {
    for on_corrupt in [OnCorrupt::Fail, OnCorrupt::Quarantine] {
        let database = TempDb::new();
        drop(open(&database.path()).unwrap());
        let other = database.directory().join("other.db");
        fs::hard_link(database.path(), &other).unwrap();
        let before = fs::read(&other).unwrap();
        for path in [&database.path(), &other] {
            let error = open_with(path, on_corrupt).unwrap_err();
            assert_cannot_open(&error, &["2 names (hard links)", "remove the others, or copy the file"]);
        }
        assert!(fs::read(&other).unwrap() == before);
        assert_eq!(names(database.directory()), ["other.db", "peers.db"]);
        fs::remove_file(&other).unwrap();
        open(&database.path()).unwrap();
    }
}

#[test]
fn a_second_name_does_not_let_a_second_manager_in() {
    let database = TempDb::new();
    let first = open(&database.path()).unwrap();
    let other = database.directory().join("other.db");
    fs::hard_link(database.path(), &other).unwrap();
    assert_cannot_open(&open(&other).unwrap_err(), &["2 names"]);
    // And none that takes the place of the name that is open.
    fs::rename(database.path(), database.directory().join("moved.db")).unwrap();
    fs::remove_file(&other).unwrap();
    let error = open(&database.directory().join("moved.db")).unwrap_err();
    assert!(matches!(error, Error::Busy(_)), "{error}");
    drop(first);
    fs::remove_file(beside(&database, "-wal")).unwrap();
    open(&database.directory().join("moved.db")).unwrap();
}

#[test]
fn a_file_that_is_a_mount_point_is_refused_with_the_way_out() {
    let database = TempDb::new();
    drop(open(&database.path()).unwrap());
    let target = database.directory().join("mounted.db");
    fs::write(&target, "").unwrap();
    let mount = Command::new("mount").arg("--bind").arg(database.path()).arg(&target).output();
    if !mount.is_ok_and(|done| done.status.success()) {
        skip("this user may not mount");
        return;
    }
    let error = open(&target).unwrap_err();
    // The file that is mounted is not the wiser.
    let original = open(&database.path());
    assert!(Command::new("umount").arg(&target).status().unwrap().success());
    assert_cannot_open(&error, &["is a mount point", "mount its directory instead"]);
    original.unwrap();
}

#[test]
fn a_deleted_lock_file_lets_no_second_manager_in() {
    let database = TempDb::new();
    let manager = open(&database.path()).unwrap();
    for replaced in [false, true] {
        fs::remove_file(beside(&database, "-lock")).unwrap();
        if replaced {
            fs::write(beside(&database, "-lock"), "").unwrap();
        }
        let error = open(&database.path()).unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error}");
        let mut other = Other::start("open", &database.path());
        let outcome = other.word();
        assert!(outcome.starts_with("Busy: "), "{outcome}");
        other.end();
        manager.ensure_exists(&ipv4(u32::from(replaced))).unwrap();
        if !beside(&database, "-lock").exists() {
            fs::write(beside(&database, "-lock"), "").unwrap();
        }
    }
    drop(manager);
    assert!(beside(&database, "-lock").exists(), "that of another is not removed");
    assert_eq!(open(&database.path()).unwrap().peer_count(), 2);
}

#[test]
fn a_link_in_the_place_of_the_lock_file_is_not_followed() {
    let database = TempDb::new();
    let victim = database.directory().join("victim");
    symlink(&victim, beside(&database, "-lock")).unwrap();
    let error = open(&database.path()).unwrap_err();
    assert_cannot_open(&error, &["lock file \"peers.db-lock\" is a symbolic link; remove the link"]);
    assert_eq!(names(database.directory()), ["peers.db-lock"]);
}

#[test]
fn the_lock_file_has_the_mode_of_the_database() {
    for mode in [0o600, 0o640, 0o660, 0o664] {
        let database = TempDb::new();
        drop(open(&database.path()).unwrap());
        fs::set_permissions(database.path(), fs::Permissions::from_mode(mode)).unwrap();
        let manager = open(&database.path()).unwrap();
        for suffix in ["-lock", "-wal", "-shm"] {
            assert_eq!(fs::metadata(beside(&database, suffix)).unwrap().mode() & 0o777, mode, "{suffix}");
        }
        drop(manager);
        assert_eq!(names(database.directory()), ["peers.db"]);
    }
}

#[test]
fn what_root_makes_beside_a_file_belongs_to_its_owner() {
    if !is_root() {
        skip("only root can give files away");
        return;
    }
    let database = TempDb::new();
    drop(open(&database.path()).unwrap());
    users::give(database.directory());
    let manager = open(&database.path()).unwrap();
    for suffix in ["", "-lock", "-wal", "-shm"] {
        assert_eq!(fs::metadata(beside(&database, suffix)).unwrap().uid(), ANOTHER, "{suffix}");
    }
    manager.ensure_exists(&ipv4(1)).unwrap();
    drop(manager);
    // Set aside by root, the file is still its owner's to use.
    let mut bytes = fs::read(database.path()).unwrap();
    bytes[..16].fill(0);
    fs::write(database.path(), bytes).unwrap();
    fs::set_permissions(database.path(), fs::Permissions::from_mode(0o640)).unwrap();
    drop(open_with(&database.path(), OnCorrupt::Quarantine).unwrap());
    let status = fs::metadata(database.path()).unwrap();
    assert_eq!((status.uid(), status.gid(), status.mode() & 0o777), (ANOTHER, ANOTHER, 0o640));
    assert_eq!(users::open_as_another(&database.path()), "open with 1 peers");
}

#[test]
fn a_file_beside_that_is_anothers_is_named() {
    if !is_root() {
        skip("only root can give files away");
        return;
    }
    for (suffix, name) in [("-lock", "lock file"), ("-wal", "write-ahead log"), ("-journal", "journal")] {
        let database = TempDb::new();
        drop(open(&database.path()).unwrap());
        users::give(database.directory());
        fs::write(beside(&database, suffix), "not empty").unwrap();
        fs::set_permissions(beside(&database, suffix), fs::Permissions::from_mode(0o600)).unwrap();
        let outcome = users::open_as_another(&database.path());
        let expected =
            format!("its {name} \"peers.db{suffix}\" may not be used by this user; give it the owner");
        assert!(outcome.contains(&expected), "{outcome}");
        assert!(beside(&database, suffix).exists());
    }
}

#[test]
fn an_empty_log_that_another_user_has_left_is_no_obstacle() {
    if !is_root() {
        skip("only root can give files away");
        return;
    }
    let database = TempDb::new();
    let manager = open(&database.path()).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    drop(manager);
    users::give(database.directory());
    // As a program that may read the database, and write to its directory, leaves them.
    for (suffix, length) in [("-wal", 0), ("-shm", 32_768)] {
        fs::write(beside(&database, suffix), vec![0; length]).unwrap();
        fs::set_permissions(beside(&database, suffix), fs::Permissions::from_mode(0o640)).unwrap();
    }
    assert_eq!(users::open_as_another(&database.path()), "open with 1 peers");
    assert_eq!(peers(&open(&database.path()).unwrap()).len(), 1);
}

#[test]
fn a_live_database_is_not_imported_by_another_name() {
    let database = TempDb::new();
    let manager = open(&database.path()).unwrap();
    manager.ensure_exists_many(&(0..50).map(ipv4).collect::<Vec<_>>()).unwrap();
    let other = database.directory().join("other.db");
    fs::hard_link(database.path(), &other).unwrap();
    let importing = PeerManager::new_in_memory().unwrap();
    let error = importing.import(&other).unwrap_err();
    assert!(matches!(error, Error::Database(_)) && error.to_string().contains("2 names"), "{error}");
    fs::remove_file(&other).unwrap();
    assert_eq!(importing.import(database.path()).unwrap(), 50);
}

#[test]
fn an_exchange_that_was_cut_short_is_taken_back_with_the_log() {
    // A file of which only the log is damaged, as a process that was killed at each step of setting it aside leaves it.
    for step in 0..3 {
        let database = TempDb::new();
        drop(open(&database.path()).unwrap());
        let copy = TempDb::new();
        let manager = open(&database.path()).unwrap();
        manager.ensure_exists_many(&(0..50).map(ipv4).collect::<Vec<_>>()).unwrap();
        // As after a kill.
        for suffix in ["", "-wal"] {
            fs::copy(beside(&database, suffix), beside(&copy, suffix)).unwrap();
        }
        drop(manager);
        fs::write(beside(&copy, "-salvage"), "complete").unwrap();
        let aside = beside(&copy, ".damaged-20260102T030405Z");
        if step > 0 {
            fs::rename(beside(&copy, "-wal"), beside(&copy, ".damaged-20260102T030405Z-wal")).unwrap();
        }
        if step > 1 {
            fs::hard_link(copy.path(), &aside).unwrap();
        }
        let manager = open(&copy.path()).unwrap();
        assert_eq!(manager.peer_count(), 50, "step {step}");
        drop(manager);
        assert!(!aside.exists());
    }
}
