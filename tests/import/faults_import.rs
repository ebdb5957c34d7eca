//! Importing on a disk that fails, at either end: all that is new is added, or the call fails and nothing is.
#![cfg(unix)]

use crate::common::calls::{self, Peers};
use crate::common::sweep::{
    COMMIT, DEFERRED, Outcome, Promise, SYNC, Tally, Trial, assert_reports, database_with,
};
use crate::common::vfs;
use crate::common::vfs::disk::{self, Files};
use crate::common::{self, START, TempDb, TestClock, mixed, record};
use peer_manager::StoredPeerType::Preferred;
use peer_manager::{PeerManager, Result};

/// Peers to be imported, some of which are among the standing ones.
fn imported() -> Peers {
    let records = (15..60).map(|n| record(mixed(n), START + 9, n, Preferred));
    records.map(|record| (record.address.clone(), record)).collect()
}

/// A file of them, closed with this journal mode.
fn source_in(mode: &str) -> Files {
    let (database, _plan) = database_with(&Files::new());
    COMMIT.open(&database).unwrap().store_many(&imported().into_values().collect::<Vec<_>>()).unwrap();
    let connection = database.connection();
    connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
    drop(connection);
    let files = disk::read(database.directory());
    assert_eq!(files.keys().collect::<Vec<_>>(), ["peers.db"]);
    files
}

/// The same, all of it in the log that a process left when it was killed.
fn source_in_log() -> Files {
    let (database, plan) = database_with(&Files::new());
    let manager = COMMIT.open(&database).unwrap();
    manager.store_many(&imported().into_values().collect::<Vec<_>>()).unwrap();
    plan.disk().after_kill()
}

fn read_and_fail(source: &Files, trial: Trial) -> Outcome {
    let what = &format!("importing {:?}, {trial:?}", source.keys());
    let (database, plan) = database_with(source);
    let manager = TestClock::at(START).in_memory(1);
    trial.begin(&plan);
    let result = manager.import(database.path());
    let outcome = trial.outcome(&plan);
    match result {
        Ok(inserted) => assert_eq!(inserted, imported().len(), "{what}"),
        Err(error) => {
            assert_reports(&error, &plan.struck(), what);
            assert_eq!(manager.peer_count(), 0, "{what}");
            plan.heal();
            assert_eq!(manager.import(database.path()).unwrap(), imported().len(), "{what}");
        }
    }
    plan.heal();
    assert_eq!(common::peers(&manager), imported(), "{what}");
    let mut left = disk::read(database.directory());
    left.remove("peers.db-shm");
    assert_eq!(&left, source, "{what}");
    outcome
}

#[test]
fn a_file_that_the_disk_keeps_from_being_read_gives_nothing_until_the_fault_is_gone() {
    let mut tally = Tally::default();
    for source in [source_in("WAL"), source_in("DELETE"), source_in_log()] {
        tally.sweep(|trial| read_and_fail(&source, trial));
    }
    tally.print("reading what is imported");
}

fn import(promise: Promise, manager: &PeerManager, source: &TempDb) -> Result<usize> {
    let inserted = manager.import(source.path());
    if promise.is_written_at_once {
        return inserted;
    }
    let inserted = inserted.expect("it waits for no disk of its own");
    manager.flush().map(|()| inserted)
}

fn write_and_fail(promise: Promise, source: &TempDb, trial: Trial) -> Outcome {
    let what = &format!("importing with {promise:?}, {trial:?}");
    let (database, plan) = database_with(&Files::new());
    let manager = promise.open(&database).unwrap();
    manager.store_many(&calls::standing()).unwrap();
    manager.flush().unwrap();
    let before = common::peers(&manager);
    let mut done = imported();
    done.extend(before.clone());
    trial.begin(&plan);
    let result = import(promise, &manager, source);
    let outcome = trial.outcome(&plan);
    assert!(result.is_ok() || !plan.struck().is_empty(), "{what}: {result:?}");
    assert!(result.is_err() || plan.may_be_passed_over(), "{what}: {result:?} with {:?}", plan.struck());
    if let Err(error) = result {
        assert_reports(&error, &plan.struck(), what);
        let in_memory = if promise.is_written_at_once { &before } else { &done };
        assert_eq!(&common::peers(&manager), in_memory, "{what}");
        let rows = common::rows(&vfs::past_all_faults(&database.path()));
        let is_written = !promise.is_written_at_once && rows == common::rows_of(done.values());
        assert!(is_written || rows == common::rows_of(before.values()), "{what}: the file");
        if trial.is_lasting() {
            assert_reports(&import(promise, &manager, source).unwrap_err(), &plan.struck(), what);
        }
        plan.heal();
        let expected = if promise.is_written_at_once { done.len() - before.len() } else { 0 };
        assert_eq!(import(promise, &manager, source).unwrap(), expected, "{what}");
    }
    plan.heal();
    assert_eq!(common::peers(&manager), done, "{what}");
    assert_eq!(
        common::rows(&vfs::past_all_faults(&database.path())),
        common::rows_of(done.values()),
        "{what}"
    );
    drop(manager);
    assert_eq!(common::peers(&promise.open(&database).unwrap()), done, "{what}");
    outcome
}

#[test]
fn an_import_that_the_own_disk_fails_has_done_nothing_and_works_when_the_fault_is_gone() {
    let source = TempDb::fast();
    disk::write(source.directory(), &source_in("WAL"));
    let mut tally = Tally::default();
    for promise in [COMMIT, SYNC, DEFERRED] {
        tally.sweep(|trial| write_and_fail(promise, &source, trial));
    }
    tally.print("writing what is imported");
}
