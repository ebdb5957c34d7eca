//! What is kept beside the rows of peers (histories, data and bans) is on disk with them or not at all, whatever operation on
//! the disk fails, and the same is in memory.
#![cfg(unix)]

use std::sync::LazyLock;

use crate::common::calls::{self, Call};
use crate::common::calls_beside::{CALLS, COMES_BACK, FIRST, stand};
use crate::common::contents::Contents;
use crate::common::sweep::{
    COMMIT, DEFERRED, Outcome, Promise, SYNC, Tally, Trial, assert_reports, database_with,
};
use crate::common::vfs::disk::Files;
use crate::common::vfs::{self, Kind};
use crate::common::{START, TempDb, ipv4};
use peer_manager::PeerManager;

fn in_memory(manager: &PeerManager) -> Contents {
    manager.check_invariants().unwrap();
    Contents::of_manager(manager)
}

fn in_file(database: &TempDb, what: &str) -> Contents {
    let found = Contents::of_connection(&vfs::past_all_faults(&database.path()), true);
    found.unwrap_or_else(|error| panic!("{what}: {error}")).at(START)
}

/// The files of a database without data and bans, and of one that has some.
static STANDING: LazyLock<[Files; 2]> = LazyLock::new(|| {
    [false, true].map(|has_data_and_bans| {
        let (database, plan) = database_with(&Files::new());
        stand(&database, has_data_and_bans);
        plan.disk().after_kill()
    })
});

/// What the next start finds in these files.
fn found_in(files: &Files) -> Contents {
    let (database, _plan) = database_with(files);
    in_memory(&COMMIT.with_histories().open(&database).unwrap())
}

fn call_and_fail(promise: Promise, standing: &Files, call: Call, trial: Trial) -> Outcome {
    let what = &format!("{} with {promise:?}, {trial:?}", call.name);
    let done = {
        let (database, _plan) = database_with(standing);
        let manager = COMMIT.with_histories().open(&database).unwrap();
        (call.run)(&manager).unwrap();
        in_memory(&manager)
    };
    let (database, plan) = database_with(standing);
    let manager = promise.open(&database).unwrap();
    let before = in_memory(&manager);
    assert_ne!(before, done, "{what}");
    trial.begin(&plan);
    let result = promise.carry_out(&manager, call);
    let outcome = trial.outcome(&plan);
    if let Err(error) = result {
        assert_reports(&error, &plan.struck(), what);
        let expected = if promise.is_written_at_once { &before } else { &done };
        assert_eq!(&in_memory(&manager), expected, "{what}: the memory");
        let file = in_file(&database, what);
        // A flush writes and then fsyncs, and may have failed at that.
        let may_be_written = !promise.is_written_at_once;
        assert!(file == before || may_be_written && file == done, "{what}: the file has {file:?}");
        let found = found_in(&plan.disk().after_kill());
        let may_be_done =
            promise.is_synchronised_at_once && plan.struck().iter().any(|struck| struck.kind == Kind::Sync);
        assert!(found == before || (may_be_written || may_be_done) && found == done, "{what}: {found:?}");
        plan.heal();
        let again = if promise.is_written_at_once { call } else { calls::FLUSH };
        promise.carry_out(&manager, again).unwrap_or_else(|error| panic!("{what}, once more: {error}"));
    }
    plan.heal();
    assert_eq!(in_memory(&manager), done, "{what}");
    assert_eq!(in_file(&database, what), done, "{what}: the file");
    drop(manager);
    let manager = promise.open(&database).unwrap();
    assert_eq!(in_memory(&manager), done, "{what}: at the next start");
    assert!(manager.ensure_exists(&ipv4(5_000)).unwrap(), "{what}");
    outcome
}

#[test]
fn what_the_disk_fails_is_in_no_table_and_works_when_the_fault_is_gone() {
    let mut tally = Tally::default();
    for promise in [COMMIT, SYNC, DEFERRED].map(Promise::with_histories) {
        for call in FIRST {
            tally.sweep(|trial| call_and_fail(promise, &STANDING[0], call, trial));
        }
        let two_changes = (!promise.is_written_at_once).then_some(COMES_BACK);
        for call in CALLS.into_iter().chain(two_changes) {
            tally.sweep(|trial| call_and_fail(promise, &STANDING[1], call, trial));
        }
    }
    tally.print("side tables");
}
