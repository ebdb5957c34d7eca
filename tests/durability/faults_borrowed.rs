//! The disk fails under a connection that belongs to a host: the host's transaction is open with all of the host's own
//! work in it, or SQLite has rolled it back as a whole, and nothing of the library's is left in it that was not done.
#![cfg(unix)]

use std::cell::Cell;
use std::time::Duration;

use crate::common::calls::{self, CALLS, Call, FLUSH, Peers, after, without_chance};
use crate::common::process::alone;
use crate::common::run::is_full;
use crate::common::sweep::{Outcome, Tally, Trial, assert_reports, database_with};
use crate::common::vfs::disk::Files;
use crate::common::{self, Rows, TempDb, ipv4, mixed};
use peer_manager::{Error, PeerManager, SCHEMA};
use rusqlite::Connection;

/// A second handle on the host's connection, as a host in C would lend it.
#[expect(unsafe_code, reason = "only a raw handle can be lent while the host keeps its connection")]
fn lend(host: &Connection) -> Connection {
    // SAFETY: the handle is that of an open connection, and each test drops what it lends before the host. The
    // connection is used by one thread, and `from_handle` does not close what it was given.
    unsafe { Connection::from_handle(host.handle()) }.unwrap()
}

/// A host's connection with so small a cache that much is written before its transaction ends.
fn connect(database: &TempDb) -> Connection {
    let host = database.connection();
    host.execute_batch("PRAGMA cache_size = 8").unwrap();
    host
}

/// The files of a host that has the standing peers, more of them, and a table of its own.
fn files_of_a_host(journal_mode: &str) -> Files {
    let (database, plan) = database_with(&Files::new());
    let host = connect(&database);
    host.execute_batch("PRAGMA page_size = 512").unwrap();
    host.query_row(&format!("PRAGMA journal_mode = {journal_mode}"), [], |_| Ok(())).unwrap();
    host.execute_batch(&format!("{SCHEMA}; CREATE TABLE own (n)")).unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.store_many(&calls::standing()).unwrap();
    manager.ensure_exists_many(&(100..120).map(mixed).collect::<Vec<_>>()).unwrap();
    drop(manager);
    host.close().map_err(|(_, error)| error).unwrap();
    plan.disk().after_kill()
}

/// Where the host has its table `own`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    /// In the file of the peers, too.
    Here,
    /// In a file that is attached, on a disk which does not fail.
    Elsewhere,
}

impl Own {
    fn attach(self, host: &Connection) -> TempDb {
        let elsewhere = TempDb::fast();
        if self == Self::Elsewhere {
            host.execute("ATTACH ?1 AS elsewhere", [elsewhere.path().to_str().unwrap()]).unwrap();
            host.execute_batch("DROP TABLE own; CREATE TABLE elsewhere.own (n)").unwrap();
        }
        elsewhere
    }
}

/// How many rows the host has written into its own table.
fn own_rows(host: &Connection) -> i64 {
    host.query_row("SELECT count(*) FROM own", [], |row| row.get(0)).unwrap()
}

fn rows_of(peers: &Peers) -> Rows {
    common::rows_of(peers.values())
}

/// What became of the transactions that were hit.
#[derive(Debug, Default)]
struct Fates {
    /// The call was undone alone.
    went_on: Cell<u64>,
    /// SQLite has rolled back everything.
    rolled_back: Cell<u64>,
}

fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

fn call_in_a_transaction(files: &Files, own: Own, call: Call, fates: &Fates, trial: Trial) -> Outcome {
    let what = &format!("{} in a transaction, own rows {own:?}, {trial:?}", call.name);
    let (database, plan) = database_with(files);
    let host = connect(&database);
    let _elsewhere = own.attach(&host);
    let at_begin = common::rows(&host);
    host.execute_batch("BEGIN; INSERT INTO own VALUES (1)").unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    if own == Own::Here {
        manager.ensure_exists(&ipv4(900)).unwrap();
    }
    let before = common::peers(&manager);
    let done = after(&before, call);
    trial.begin(&plan);
    let result = (call.run)(&manager);
    let outcome = trial.outcome(&plan);
    let Err(error) = result else {
        plan.heal();
        assert_eq!(without_chance(common::peers(&manager)), without_chance(done), "{what}");
        host.execute_batch("COMMIT").unwrap();
        assert_eq!(own_rows(&host), 1, "{what}");
        assert_eq!(common::rows(&host), rows_of(&common::peers(&manager)), "{what}");
        return outcome;
    };
    assert_reports(&error, &plan.struck(), what);
    assert_eq!(common::peers(&manager), before, "{what}: the memory");
    assert_eq!(manager.get_stats().unwrap().failed_writes, 1, "{what}");
    plan.heal();
    if host.is_autocommit() {
        count(&fates.rolled_back);
        // As after the host's own ROLLBACK, memory has what the transaction had done before.
        assert_eq!(own_rows(&host), 0, "{what}");
        assert_eq!(common::rows(&host), at_begin, "{what}: the file");
        drop(manager);
        let manager = PeerManager::from_connection(lend(&host)).unwrap();
        assert_eq!(rows_of(&common::peers(&manager)), at_begin, "{what}");
        (call.run)(&manager).unwrap_or_else(|error| panic!("{what}, once more: {error}"));
        assert!(host.is_autocommit(), "{what}");
        assert_eq!(common::rows(&host), rows_of(&common::peers(&manager)), "{what}");
    } else {
        count(&fates.went_on);
        assert_eq!(own_rows(&host), 1, "{what}");
        assert_eq!(common::rows(&host), rows_of(&before), "{what}: the file");
        host.execute_batch("RELEASE peer_manager").expect_err("a savepoint of the library's is left");
        (call.run)(&manager).unwrap_or_else(|error| panic!("{what}, once more: {error}"));
        assert!(!host.is_autocommit(), "{what}");
        host.execute_batch("COMMIT").unwrap();
        assert_eq!(own_rows(&host), 1, "{what}");
        assert_eq!(without_chance(common::peers(&manager)), without_chance(done), "{what}");
        assert_eq!(common::rows(&host), rows_of(&common::peers(&manager)), "{what}");
    }
    outcome
}

fn call_without_a_transaction(files: &Files, call: Call, trial: Trial) -> Outcome {
    let what = &format!("{} without a transaction, {trial:?}", call.name);
    let (database, plan) = database_with(files);
    let host = connect(&database);
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    let before = common::peers(&manager);
    let done = after(&before, call);
    trial.begin(&plan);
    let result = (call.run)(&manager);
    let outcome = trial.outcome(&plan);
    if let Err(error) = result {
        assert_reports(&error, &plan.struck(), what);
        assert_eq!(common::peers(&manager), before, "{what}: the memory");
        assert!(host.is_autocommit(), "{what}: a transaction is left open");
        plan.heal();
        assert_eq!(common::rows(&host), rows_of(&before), "{what}: the file");
        (call.run)(&manager).unwrap_or_else(|error| panic!("{what}, once more: {error}"));
    }
    plan.heal();
    assert!(host.is_autocommit(), "{what}");
    assert_eq!(without_chance(common::peers(&manager)), without_chance(done), "{what}");
    assert_eq!(common::rows(&database.connection()), rows_of(&common::peers(&manager)), "{what}");
    outcome
}

fn calls_that_write() -> impl Iterator<Item = Call> {
    CALLS.into_iter().filter(|call| call.name != FLUSH.name)
}

#[test]
fn a_hosts_transaction_goes_on_or_is_rolled_back_as_a_whole_when_the_disk_fails_in_it() {
    alone(|| {
        let (mut tally, fates) = (Tally::default(), Fates::default());
        for journal_mode in ["DELETE", "WAL"] {
            let files = files_of_a_host(journal_mode);
            for call in calls_that_write() {
                tally.sweep(|trial| call_in_a_transaction(&files, Own::Here, call, &fates, trial));
            }
            for call in [calls::ENSURE_EXISTS, calls::ENSURE_EXISTS_MANY, calls::REMOVE] {
                tally.sweep(|trial| call_in_a_transaction(&files, Own::Elsewhere, call, &fates, trial));
            }
        }
        tally.print("a host's transactions");
        println!(
            "of these, {} transactions went on and {} were rolled back",
            fates.went_on.get(),
            fates.rolled_back.get()
        );
        // So few go on that a sample may have none.
        assert!(fates.rolled_back.get() > 0 && (fates.went_on.get() > 0 || !is_full()));
    });
}

#[test]
fn without_a_transaction_a_call_that_the_disk_fails_has_done_nothing_and_leaves_none_open() {
    alone(|| {
        let mut tally = Tally::default();
        for journal_mode in ["DELETE", "WAL"] {
            let files = files_of_a_host(journal_mode);
            for call in calls_that_write() {
                tally.sweep(|trial| call_without_a_transaction(&files, call, trial));
            }
        }
        tally.print("a host's single statements");
    });
}

#[test]
fn a_table_that_cannot_be_made_in_a_hosts_transaction_leaves_no_trace_in_it() {
    alone(|| {
        let mut tally = Tally::default();
        for journal_mode in ["DELETE", "WAL"] {
            let (database, plan) = database_with(&Files::new());
            let host = connect(&database);
            host.execute_batch("PRAGMA page_size = 512").unwrap();
            host.query_row(&format!("PRAGMA journal_mode = {journal_mode}"), [], |_| Ok(())).unwrap();
            host.execute_batch("CREATE TABLE own (n)").unwrap();
            host.close().map_err(|(_, error)| error).unwrap();
            let files = plan.disk().after_kill();
            tally.sweep(|trial| {
                let what = &format!("opening in a transaction, {trial:?}");
                let (database, plan) = database_with(&files);
                let host = connect(&database);
                host.execute_batch("BEGIN; INSERT INTO own VALUES (1)").unwrap();
                trial.begin(&plan);
                let result = PeerManager::from_connection(lend(&host));
                let outcome = trial.outcome(&plan);
                plan.heal();
                if let Err(error) = &result {
                    assert_reports(error, &plan.struck(), what);
                    host.execute_batch("RELEASE peer_manager")
                        .expect_err("a savepoint of the library's is left");
                    host.query_row("SELECT 1 FROM peers", [], |_| Ok(())).expect_err("the table is there");
                }
                assert_eq!(own_rows(&host), i64::from(!host.is_autocommit()), "{what}");
                let manager = result.unwrap_or_else(|_| PeerManager::from_connection(lend(&host)).unwrap());
                manager.ensure_exists(&ipv4(1)).unwrap();
                if !host.is_autocommit() {
                    host.execute_batch("COMMIT").unwrap();
                }
                assert_eq!(common::rows(&database.connection()), rows_of(&common::peers(&manager)), "{what}");
                outcome
            });
        }
        tally.print("opening in a host's transaction");
    });
}

#[test]
fn a_batch_that_meets_another_connections_read_is_busy_and_leaves_no_transaction_open() {
    alone(|| {
        let database = TempDb::fast();
        let host = database.connection();
        // Without a log, a commit waits for those who read.
        host.execute_batch(SCHEMA).unwrap();
        host.busy_timeout(Duration::ZERO).unwrap();
        let manager = PeerManager::from_connection(lend(&host)).unwrap();
        let other = database.connection();
        other.execute_batch("BEGIN; SELECT count(*) FROM peers").unwrap();
        let error = manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error}");
        assert!(host.is_autocommit(), "a transaction is left open, and whatever follows is lost with it");
        other.execute_batch("COMMIT").unwrap();
        assert!(manager.ensure_exists(&ipv4(3)).unwrap());
        assert_eq!(common::rows(&other), rows_of(&common::peers(&manager)));
    });
}
