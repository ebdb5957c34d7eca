//! What becomes of a file while it is open: deleted, moved, replaced, cut off. Nothing is acknowledged that is not kept,
//! memory stays as it was, and whatever file is there then is not touched.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use crate::common::{TempDb, ipv4, peers};
use peer_manager::{BackOffUpdate, Durability, Error, Options, PeerManager};
use rusqlite::Connection;

const DURABILITIES: [Durability; 3] = [Durability::Commit, Durability::Sync, Durability::Deferred];

/// `SQLITE_READONLY_DBMOVED`
const MOVED: i32 = 1032;

fn open(path: &Path, durability: Durability) -> PeerManager {
    let options = Options {
        db_path: Some(path.to_owned()),
        durability,
        // With DEFERRED, what is written is written by `flush`.
        flush_interval: std::time::Duration::from_secs(3600),
        ..Options::default()
    };
    PeerManager::open(options).unwrap()
}

/// A manager with some peers on file.
fn with_peers(path: &Path, durability: Durability) -> PeerManager {
    let manager = open(path, durability);
    manager.ensure_exists_many(&(0..500).map(ipv4).collect::<Vec<_>>()).unwrap();
    manager.flush().unwrap();
    manager
}

#[track_caller]
fn assert_gone(error: &Error, what: &str) {
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_eq!(error.sqlite_code(), MOVED, "{error}");
    let message = error.to_string();
    assert!(message.contains(what) && message.contains("memory has all peers"), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

/// Every change is refused, or with DEFERRED kept, and `flush` says so, again and again.
#[track_caller]
fn assert_nothing_is_acknowledged(manager: &PeerManager, durability: Durability, what: &str) {
    let before = peers(manager);
    let failed = manager.get_stats().unwrap().failed_writes;
    let changes: [&dyn Fn() -> peer_manager::Result<()>; 5] = [
        &|| manager.ensure_exists(&ipv4(1_000)).map(drop),
        &|| manager.update_backoff(&ipv4(1), BackOffUpdate::Increase),
        &|| manager.remove(&ipv4(2)),
        &|| manager.remove_peers_with_many_failures(1).map(drop),
        &|| manager.ensure_exists_many(&[ipv4(1_001), ipv4(1_002)]).map(drop),
    ];
    if durability == Durability::Deferred {
        for change in changes {
            change().unwrap();
        }
        let pending = manager.get_stats().unwrap().pending_writes;
        assert!(pending >= 4, "{pending}");
        for _ in 0..2 {
            assert_gone(&manager.flush().unwrap_err(), what);
            assert_eq!(manager.get_stats().unwrap().pending_writes, pending);
        }
    } else {
        for change in changes {
            assert_gone(&change().unwrap_err(), what);
        }
        assert_eq!(peers(manager), before, "memory is untouched");
        assert_gone(&manager.flush().unwrap_err(), what);
    }
    assert!(manager.get_stats().unwrap().failed_writes > failed);
    manager.check_invariants().unwrap();
}

#[test]
fn a_deleted_file_is_noticed() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = with_peers(&database.path(), durability);
        fs::remove_file(database.path()).unwrap();
        assert_nothing_is_acknowledged(&manager, durability, "the file was deleted while it was open");
        drop(manager);
        assert!(!database.path().exists(), "it is not made again");
    }
}

#[test]
fn a_deleted_directory_is_noticed() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let directory = database.directory().join("peers");
        fs::create_dir(&directory).unwrap();
        let manager = with_peers(&directory.join("peers.db"), durability);
        fs::remove_dir_all(&directory).unwrap();
        assert_nothing_is_acknowledged(&manager, durability, "the file was deleted while it was open");
        // Another of the same name is none of its.
        fs::create_dir(&directory).unwrap();
        assert_gone(&manager.flush().unwrap_err(), "the file was deleted while it was open");
        drop(manager);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}

#[test]
fn a_file_that_was_moved_away_is_noticed_and_all_goes_on_when_it_is_back() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = with_peers(&database.path(), durability);
        let elsewhere = database.directory().join("elsewhere.db");
        fs::rename(database.path(), &elsewhere).unwrap();
        assert_nothing_is_acknowledged(&manager, durability, "the file was moved away while it was open");
        fs::rename(&elsewhere, database.path()).unwrap();
        manager.ensure_exists(&ipv4(3_000)).unwrap();
        manager.flush().unwrap();
        let expected = peers(&manager);
        drop(manager);
        assert_eq!(peers(&open(&database.path(), durability)), expected);
    }
}

#[test]
fn a_file_that_another_was_put_in_the_place_of_is_noticed_and_the_other_stays_as_it_is() {
    for durability in DURABILITIES {
        for looks in [true, false] {
            let database = TempDb::new();
            // As an operator does who restores a copy.
            let backup = database.directory().join("backup.db");
            let saved = peers(&with_peers(&backup, Durability::Commit));
            let manager = with_peers(&database.path(), durability);
            // What is in the log of the one is damage to the other.
            manager.ensure_exists_many(&(2_000..2_400).map(ipv4).collect::<Vec<_>>()).unwrap();
            fs::rename(&backup, database.path()).unwrap();
            let restored = fs::read(database.path()).unwrap();
            if looks {
                let what = "another file was put in its place while it was open";
                assert_nothing_is_acknowledged(&manager, durability, what);
            }
            drop(manager);
            assert!(fs::read(database.path()).unwrap() == restored, "it is not touched");
            assert_eq!(peers(&open(&database.path(), durability)), saved, "looks: {looks}");
        }
    }
}

#[test]
fn a_file_that_was_cut_off_is_noticed() {
    for durability in DURABILITIES {
        for length in [0, 1, 4096, 10_000] {
            let database = TempDb::new();
            let manager = with_peers(&database.path(), durability);
            let before = peers(&manager);
            fs::OpenOptions::new().write(true).open(database.path()).unwrap().set_len(length).unwrap();
            assert_nothing_is_acknowledged(&manager, durability, "the file was cut off while it was open");
            drop(manager);
            assert_eq!(fs::metadata(database.path()).unwrap().len(), length, "nothing is written to it");
            let result = PeerManager::new_with_db(database.path());
            // What the log has of it is read as ever.
            if let Ok(again) = result {
                assert_eq!(peers(&again).len(), before.len(), "{durability:?} {length}");
            }
        }
    }
}

#[test]
fn a_renamed_directory_is_no_reason_to_stop() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let (before, after) = (database.directory().join("before"), database.directory().join("after"));
        fs::create_dir(&before).unwrap();
        let manager = open(&before.join("peers.db"), durability);
        fs::rename(&before, &after).unwrap();
        manager.ensure_exists_many(&(0..500).map(ipv4).collect::<Vec<_>>()).unwrap();
        manager.flush().unwrap();
        // There may be another directory by now, with a lock file that is none of ours.
        fs::create_dir(&before).unwrap();
        fs::write(before.join("peers.db-lock"), "").unwrap();
        manager.remove(&ipv4(1)).unwrap();
        let expected = peers(&manager);
        drop(manager);
        assert_eq!(fs::read_dir(&before).unwrap().count(), 1, "nothing is made or removed there");
        assert_eq!(peers(&open(&after.join("peers.db"), durability)), expected);
    }
}

#[test]
fn a_file_that_another_program_has_vacuumed_is_in_its_place() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = open(&database.path(), durability);
        manager.ensure_exists_many(&(0..20_000).map(ipv4).collect::<Vec<_>>()).unwrap();
        manager.flush().unwrap();
        let gone: Vec<_> = (100..20_000).map(ipv4).collect();
        gone.iter().step_by(2).for_each(|address| manager.remove(address).unwrap());
        manager.flush().unwrap();
        let connection = database.connection();
        connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(connection);
        manager.ensure_exists(&ipv4(30_000)).unwrap();
        manager.flush().unwrap();
        let expected = peers(&manager);
        drop(manager);
        assert_eq!(peers(&open(&database.path(), durability)), expected);
    }
}

#[test]
fn a_file_becomes_smaller_after_a_large_removal() {
    for durability in DURABILITIES {
        let remove: [&dyn Fn(&PeerManager); 2] = [&|manager| manager.clear_all().unwrap(), &|manager| {
            assert_eq!(manager.remove_peers_with_many_failures(1).unwrap(), 19_990);
        }];
        for remove in remove {
            let database = TempDb::new();
            let manager = open(&database.path(), durability);
            manager.ensure_exists_many(&(0..20_000).map(ipv4).collect::<Vec<_>>()).unwrap();
            let mut records: Vec<_> = peers(&manager).into_values().collect();
            for record in records.iter_mut().skip(10) {
                record.num_failures = 3;
            }
            manager.store_many(&records).unwrap();
            manager.flush().unwrap();
            let length = || fs::metadata(database.path()).unwrap().len();
            let before = length();
            remove(&manager);
            manager.flush().unwrap();
            assert!(length() < before / 8, "{durability:?}: {before} and then {}", length());
            manager.ensure_exists(&ipv4(30_000)).unwrap();
            manager.flush().unwrap();
            let expected = peers(&manager);
            drop(manager);
            let verdict: String = Connection::open(database.path())
                .unwrap()
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .unwrap();
            assert_eq!(verdict, "ok");
            assert_eq!(peers(&open(&database.path(), durability)), expected);
        }
    }
}

#[test]
fn a_log_that_was_deleted_is_noticed_and_all_that_was_committed_is_kept() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = with_peers(&database.path(), durability);
        manager.ensure_exists_many(&(5_000..5_100).map(ipv4).collect::<Vec<_>>()).unwrap();
        manager.flush().unwrap();
        let committed = peers(&manager);
        fs::remove_file(database.directory().join("peers.db-wal")).unwrap();
        let what = "its write-ahead log was deleted or replaced while it was open";
        assert_gone(&manager.flush().unwrap_err(), what);
        assert_nothing_is_acknowledged(&manager, durability, what);
        drop(manager);
        assert_eq!(peers(&open(&database.path(), durability)), committed);
    }
}

#[test]
fn a_file_that_another_program_has_vacuumed_and_filled_again_is_in_its_place() {
    let database = TempDb::new();
    let manager = open(&database.path(), Durability::Commit);
    manager.ensure_exists_many(&(0..20_000).map(ipv4).collect::<Vec<_>>()).unwrap();
    manager.flush().unwrap();
    let connection = database.connection();
    connection
        .execute_batch("DELETE FROM peers WHERE rowid > 100; VACUUM; PRAGMA wal_checkpoint(FULL)")
        .unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000) \
             INSERT INTO peers SELECT 'node-' || n || '.example.org', 1, 0, 0, 0 FROM n",
        )
        .unwrap();
    drop(connection);
    manager.ensure_exists(&ipv4(30_000)).unwrap();
    manager.flush().unwrap();
}
