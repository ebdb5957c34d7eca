//! Every operation on the disk that a call leads to fails once, in each way that disks have: the call that fails says
//! so, nothing else is harmed, and when the fault is gone everything works as before.
#![cfg(unix)]

use std::sync::LazyLock;

use crate::common::calls::{self, CALLS, Call, Peers, after, without_chance};
use crate::common::sweep::{
    COMMIT, DEFERRED, Outcome, Promise, SYNC, Tally, Trial, assert_reports, database_with,
};
use crate::common::vfs;
use crate::common::vfs::disk::{self, Files};
use crate::common::vfs::{Fault, Kind, Lasting};
use crate::common::{self, TempDb, ipv4, record};
use peer_manager::{PeerManager, SCHEMA, StoredPeerType};

/// The files of a database of the standing peers.
static STANDING: LazyLock<Files> = LazyLock::new(|| {
    let (database, plan) = database_with(&Files::new());
    COMMIT.open(&database).unwrap().store_many(&calls::standing()).unwrap();
    plan.disk().after_kill()
});

/// The same peers, all of them in the log that a process left when it was killed.
static LEFT_IN_LOG: LazyLock<Files> = LazyLock::new(|| {
    let (database, plan) = database_with(&Files::new());
    let manager = COMMIT.open(&database).unwrap();
    for record in calls::standing() {
        manager.store(&record).unwrap();
    }
    let files = plan.disk().after_kill();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["peers.db", "peers.db-wal"]);
    files
});

/// The same peers, and the journal of another program that was killed while it deleted them.
static LEFT_IN_JOURNAL: LazyLock<Files> = LazyLock::new(|| {
    let (database, plan) = database_with(&STANDING);
    let connection = database.connection();
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    // With so small a cache, changed pages are written before the transaction ends.
    connection.execute_batch("PRAGMA cache_size = 1; BEGIN; DELETE FROM peers").unwrap();
    connection.execute_batch("CREATE TABLE more AS SELECT randomblob(20000)").unwrap();
    let files = plan.disk().after_kill();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["peers.db", "peers.db-journal"]);
    assert_ne!(files["peers.db"], STANDING["peers.db"]);
    files
});

fn standing() -> Peers {
    calls::standing().into_iter().map(|record| (record.address.clone(), record)).collect()
}

/// The peers that a start finds in these files.
fn found_in(files: &Files) -> Peers {
    let (database, _plan) = database_with(files);
    common::peers(&COMMIT.open(&database).unwrap())
}

/// Memory and file are these peers, up to what is drawn by chance; and that is the same in both.
fn assert_holds(manager: &PeerManager, database: &TempDb, expected: &Peers, what: &str) {
    let peers = common::peers(manager);
    assert_eq!(without_chance(peers.clone()), without_chance(expected.clone()), "{what}");
    let connection = vfs::past_all_faults(&database.path());
    assert_eq!(common::rows(&connection), common::rows_of(peers.values()), "{what}: the file");
    manager.check_invariants().unwrap();
}

/// After everything was closed, the file is sound and has these peers.
fn assert_reopens(promise: Promise, database: &TempDb, expected: &Peers, what: &str) -> PeerManager {
    let manager = promise.open(database).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_holds(&manager, database, expected, what);
    let connection = vfs::past_all_faults(&database.path());
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok", "{what}");
    manager
}

/// As [`assert_reopens`], and the file can be written.
fn assert_works(promise: Promise, database: &TempDb, expected: &Peers, what: &str) {
    let manager = assert_reopens(promise, database, expected, what);
    assert!(manager.ensure_exists(&ipv4(5_000)).unwrap(), "{what}");
    drop(manager);
    assert_eq!(promise.open(database).unwrap().peer_count(), expected.len() + 1, "{what}");
    let names: Vec<_> = disk::read(database.directory()).into_keys().collect();
    assert_eq!(names, ["peers.db"], "{what}");
}

/// How full the log is when a call is made.
#[derive(Clone, Copy, Debug)]
enum Log {
    Missing,
    InUse,
    /// All of it is in the file, so the next change starts it anew.
    Spent,
}

fn call_and_fail(promise: Promise, log: Log, call: Call, trial: Trial) -> Outcome {
    let what = &format!("{} with {promise:?}, log {log:?}, {trial:?}", call.name);
    let (database, plan) = database_with(&STANDING);
    let manager = promise.open(&database).unwrap();
    if let Log::InUse | Log::Spent = log {
        manager.ensure_exists(&ipv4(900)).unwrap();
    }
    // What waits to be written would be written with the call.
    if matches!(log, Log::Spent) || !promise.is_written_at_once {
        manager.flush().unwrap();
    }
    let before = common::peers(&manager);
    let done = after(&before, call);
    trial.begin(&plan);
    let result = promise.carry_out(&manager, call);
    let outcome = trial.outcome(&plan);
    // No other failure of the disk is passed over in silence.
    assert!(result.is_ok() || !plan.struck().is_empty(), "{what}: {result:?}");
    assert!(result.is_err() || plan.may_be_passed_over(), "{what}: {result:?} with {:?}", plan.struck());
    if let Err(error) = result {
        assert_reports(&error, &plan.struck(), what);
        let in_memory = if promise.is_written_at_once { &before } else { &done };
        let now = common::peers(&manager);
        assert_eq!(without_chance(now.clone()), without_chance(in_memory.clone()), "{what}: the memory");
        let in_memory = &now;
        assert_eq!(manager.get_stats().unwrap().failed_writes, 1, "{what}");
        let connection = vfs::past_all_faults(&database.path());
        let in_file = common::rows(&connection);
        // A flush writes and then synchronises, and may have failed at that.
        let is_written = !promise.is_written_at_once
            && common::rows_of(in_memory.values()) == in_file
            && manager.get_stats().unwrap().pending_writes == 0;
        assert!(is_written || in_file == common::rows_of(before.values()), "{what}: the file");
        // If the process ends now, the change is not found at the next start, unless all that failed was to
        // synchronise what was written, as the documentation of Durability::Sync says.
        let found = without_chance(found_in(&plan.disk().after_kill()));
        let may_be_done =
            promise.is_synchronised_at_once && plan.struck().iter().any(|struck| struck.kind == Kind::Sync);
        let is_done = (may_be_done || is_written) && found == without_chance(done.clone());
        assert!(is_done || found == without_chance(before.clone()), "{what}: {found:?}");
        // If the power fails now, what was durable before is there.
        let found = found_in(&plan.disk().after_power_loss());
        let is_older = !promise.is_synchronised_at_once && found == standing();
        assert!(is_older || found == before || is_written && &found == in_memory, "{what}: {found:?}");
        // What was not done is called for once more; what only has to be written is not.
        let again = if promise.is_written_at_once { call } else { calls::FLUSH };
        if trial.is_lasting() {
            let error = promise.carry_out(&manager, again).unwrap_err();
            assert_reports(&error, &plan.struck(), what);
            assert_eq!(&common::peers(&manager), in_memory, "{what}: the memory");
        }
        plan.heal();
        promise.carry_out(&manager, again).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    plan.heal();
    assert_holds(&manager, &database, &done, what);
    drop(manager);
    assert_reopens(promise, &database, &done, what);
    outcome
}

fn sweep_calls(promise: Promise) {
    let mut tally = Tally::default();
    for log in [Log::Missing, Log::InUse, Log::Spent] {
        for call in CALLS {
            tally.sweep(|trial| call_and_fail(promise, log, call, trial));
        }
    }
    tally.print(&format!("calls with {:?}", promise.durability));
}

#[test]
fn with_commit_a_call_that_the_disk_fails_has_done_nothing_and_works_when_the_fault_is_gone() {
    sweep_calls(COMMIT);
}

#[test]
fn with_sync_a_call_that_the_disk_fails_has_done_nothing_and_works_when_the_fault_is_gone() {
    sweep_calls(SYNC);
}

#[test]
fn with_deferred_a_flush_that_the_disk_fails_says_so_and_the_next_one_writes_everything() {
    sweep_calls(DEFERRED);
}

fn open_and_fail(promise: Promise, files: &Files, expected: &Peers, trial: Trial) -> Outcome {
    let names: Vec<_> = files.keys().collect();
    let what = &format!("opening {names:?} with {promise:?}, {trial:?}");
    let (database, plan) = database_with(files);
    trial.begin(&plan);
    let opened = promise.open(&database);
    let outcome = trial.outcome(&plan);
    let manager = opened.unwrap_or_else(|error| {
        assert_reports(&error, &plan.struck(), what);
        assert_eq!(&found_in(&plan.disk().after_kill()), expected, "{what}");
        // A file that was switched to the log by then can be opened without a write.
        if trial.is_lasting() {
            if let Err(error) = promise.open(&database) {
                assert_reports(&error, &plan.struck(), what);
            }
        }
        plan.heal();
        promise.open(&database).unwrap_or_else(|error| panic!("{what}, once more: {error}"))
    });
    plan.heal();
    assert_holds(&manager, &database, expected, what);
    drop(manager);
    assert_works(promise, &database, expected, what);
    outcome
}

#[test]
fn a_file_that_the_disk_keeps_from_being_opened_is_unharmed_and_opens_when_the_fault_is_gone() {
    let mut tally = Tally::default();
    for promise in [COMMIT, SYNC, DEFERRED] {
        let empty = Files::from([("peers.db".to_owned(), Vec::new())]);
        for files in [Files::new(), empty] {
            tally.sweep(|trial| open_and_fail(promise, &files, &Peers::new(), trial));
        }
        for files in [&*STANDING, &LEFT_IN_LOG, &LEFT_IN_JOURNAL] {
            tally.sweep(|trial| open_and_fail(promise, files, &standing(), trial));
        }
    }
    tally.print("opening");
}

#[test]
fn a_manager_that_ends_while_the_disk_fails_loses_nothing() {
    let mut tally = Tally::default();
    for promise in [COMMIT, SYNC, DEFERRED] {
        tally.sweep(|trial| {
            let what = &format!("the end with {promise:?}, {trial:?}");
            let (database, plan) = database_with(&STANDING);
            let manager = promise.open(&database).unwrap();
            manager.remove(&ipv4(0)).unwrap();
            manager.store(&record(ipv4(901), 5, 5, StoredPeerType::Inbound)).unwrap();
            let expected = common::peers(&manager);
            trial.begin(&plan);
            drop(manager);
            let outcome = trial.outcome(&plan);
            plan.heal();
            let found = found_in(&plan.disk().after_kill());
            if promise.is_written_at_once {
                assert_eq!(found, expected, "{what}");
            } else {
                // The end is the last try to write what is pending; without a flush before, no caller learns of its failure.
                assert!(found == expected || found == standing(), "{what}");
            }
            assert_works(promise, &database, &found, what);
            outcome
        });
    }
    tally.print("the end");
}

/// What happens in the life of a table.
#[derive(Clone, Copy)]
enum Step {
    Open,
    Call(Call),
    Close,
}

/// Every kind of call, with the log as it comes, and two restarts.
fn life() -> Vec<Step> {
    let first = Call { name: "store_many", run: |m| m.store_many(&calls::standing()) };
    let mut steps = vec![Step::Open, Step::Call(first)];
    steps.extend(CALLS[..10].iter().map(|&call| Step::Call(call)));
    steps.extend([Step::Call(calls::FLUSH), Step::Call(calls::STORE), Step::Close, Step::Open]);
    steps.extend(CALLS[10..].iter().map(|&call| Step::Call(call)));
    steps.extend([Step::Call(first), Step::Call(calls::ENSURE_EXISTS_MANY), Step::Close]);
    steps
}

fn live_and_fail(promise: Promise, steps: &[Step], trial: Trial) -> Outcome {
    let (database, plan) = database_with(&Files::new());
    let mut manager: Option<PeerManager> = None;
    let mut peers = Peers::new();
    trial.begin(&plan);
    for (n, step) in steps.iter().enumerate() {
        let what = &format!("step {n} with {promise:?}, {trial:?}");
        let injected = plan.injected();
        match step {
            Step::Close => manager = None,
            Step::Open => {
                manager = Some(promise.open(&database).unwrap_or_else(|error| {
                    assert_reports(&error, &plan.struck(), what);
                    plan.heal();
                    promise.open(&database).unwrap_or_else(|error| panic!("{what}, once more: {error}"))
                }));
            }
            Step::Call(call) => {
                let manager = manager.as_ref().unwrap();
                let done = after(&peers, *call);
                if let Err(error) = promise.carry_out(manager, *call) {
                    assert_reports(&error, &plan.struck(), what);
                    let in_memory = if promise.is_written_at_once { &peers } else { &done };
                    let now = without_chance(common::peers(manager));
                    assert_eq!(now, without_chance(in_memory.clone()), "{what}: the memory");
                    plan.heal();
                    let again = if promise.is_written_at_once { *call } else { calls::FLUSH };
                    let again = promise.carry_out(manager, again);
                    again.unwrap_or_else(|error| panic!("{what}, once more: {error}"));
                }
                peers = done;
            }
        }
        if let Some(manager) = &manager {
            let now = common::peers(manager);
            assert_eq!(without_chance(now.clone()), without_chance(peers), "{what}");
            peers = now;
            if plan.injected() > injected {
                assert_holds(manager, &database, &peers, what);
            }
        }
    }
    let outcome = trial.outcome(&plan);
    plan.heal();
    assert_works(promise, &database, &peers, &format!("the end of a life with {promise:?}, {trial:?}"));
    outcome
}

#[test]
fn a_life_in_which_the_disk_fails_anywhere_goes_on_and_in_the_end_everything_is_on_file() {
    let mut tally = Tally::default();
    for promise in [COMMIT, SYNC, DEFERRED] {
        tally.sweep(|trial| live_and_fail(promise, &life(), trial));
    }
    tally.print("whole lives");
}

#[test]
fn the_faults_are_real() {
    let (database, plan) = database_with(&Files::new());
    let connection = database.connection();
    connection.execute_batch(SCHEMA).unwrap();
    let insert = "INSERT INTO peers VALUES ('example.org', 1, 0, 0, 0)";
    plan.count_from_here();
    connection.execute_batch(insert).unwrap();
    // Of this transaction, every operation is counted and can be failed, in every way.
    let writes = plan.count(Kind::Write);
    let syncs = plan.count(Kind::Sync);
    assert!(writes > 2 && syncs > 1 && plan.count(Kind::Delete) == 1);
    assert_eq!(plan.reach(Fault::Torn), writes);
    assert_eq!(plan.reach(Fault::Full), writes + syncs);
    assert!(plan.reach(Fault::Io) > writes + syncs);
    connection.execute_batch("DELETE FROM peers").unwrap();
    for (fault, code) in [(Fault::Full, 13), (Fault::Io, 778), (Fault::Torn, 778)] {
        let injected = plan.injected();
        plan.arm(fault, 1, Lasting::UntilHealed);
        for _ in 0..2 {
            let error = connection.execute_batch(insert).unwrap_err();
            let code_of_error = error.sqlite_error().unwrap().extended_code;
            assert!(plan.struck().iter().any(|struck| struck.code == code_of_error), "{error}");
            if fault != Fault::Io {
                assert_eq!(code_of_error, code, "{error}");
            }
        }
        assert!(plan.injected() >= injected + 2);
        plan.heal();
    }
    connection.execute_batch(insert).unwrap();
    // One file's plan is not another's.
    let other = TempDb::fast();
    plan.arm(Fault::Io, 1, Lasting::UntilHealed);
    other.connection().execute_batch(SCHEMA).unwrap();
    assert!(plan.struck().is_empty());
    // A second connection that goes past the faults sees the file all the same.
    assert_eq!(common::rows(&vfs::past_all_faults(&database.path())).len(), 1);
    assert_eq!(
        connection
            .query_row("SELECT 1 FROM peers", [], |_| Ok(()))
            .unwrap_err()
            .sqlite_error()
            .map(|e| e.extended_code),
        Some(plan.struck()[0].code)
    );
}
