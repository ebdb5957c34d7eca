//! A table with bounds, and a disk that fails: a new peer and the peer that goes for it change places in one transaction.
//! Every operation on the disk that an eviction leads to fails once, in each way that disks have; both have changed
//! places then, or neither.
#![cfg(unix)]

use std::sync::LazyLock;

use crate::common::calls::{self, Call, Peers, without_chance};
use crate::common::sweep::{
    COMMIT, DEFERRED, Outcome, Promise, SYNC, Tally, Trial, assert_reports, database_with,
};
use crate::common::vfs::disk::Files;
use crate::common::vfs::{self, Kind};
use crate::common::{self, START, TempDb, TestClock, ipv4, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Error, Options, PeerAddress, PeerManager, PeerRecord, Result};

/// The table holds no more.
const MAX_PEERS: u32 = 40;

/// Peers in netgroups of their own.
fn apart(n: u32) -> PeerAddress {
    ipv4(n << 16)
}

/// As many as there may be. The last five can be evicted, each worse than the one before.
fn standing() -> Vec<PeerRecord> {
    let failures = |n: u32| n.saturating_sub(MAX_PEERS - 6);
    (0..MAX_PEERS).map(|n| record(apart(n), START - 1, failures(n), Inbound)).collect()
}

static STANDING: LazyLock<Files> = LazyLock::new(|| {
    let (database, plan) = database_with(&Files::new());
    COMMIT.open(&database).unwrap().store_many(&standing()).unwrap();
    plan.disk().after_kill()
});

/// Calls that bring new peers: so many of the worst go.
const EVICTIONS: [(usize, Call); 6] = [
    (1, Call { name: "ensure_exists", run: |m| m.ensure_exists(&apart(100)).map(|is_new| assert!(is_new)) }),
    (
        3,
        Call {
            name: "ensure_exists_many",
            run: |m| m.ensure_exists_many(&[0, 100, 101, 102].map(apart)).map(|new| assert_eq!(new, 3)),
        },
    ),
    (1, Call { name: "store", run: |m| m.store(&record(apart(100), START - 7, 70, Inbound)) }),
    (
        // Of the five that could go, the batch itself has one: the fifth new peer is refused.
        4,
        Call {
            name: "store_many",
            run: |m| {
                let brought = (100..105).chain([MAX_PEERS - 5, 1]);
                m.store_many(&brought.map(|n| record(apart(n), START - 9, 3, Outbound)).collect::<Vec<_>>())
            },
        },
    ),
    (1, Call { name: "update_type", run: |m| m.update_type(&apart(100), Preferred, false) }),
    (1, Call { name: "update", run: |m| m.update(&apart(100), Outbound, false, BackOffUpdate::HardReset) }),
];

fn bounded(mut options: Options) -> PeerManager {
    options.max_peers = MAX_PEERS.into();
    PeerManager::open(options).unwrap()
}

fn open(promise: Promise, database: &TempDb) -> PeerManager {
    bounded(promise.options(&database.path()))
}

/// What a call makes of the standing peers where nothing can fail.
fn after(call: Call) -> Peers {
    let manager = bounded(TestClock::at(START).options(1));
    manager.store_many(&standing()).unwrap();
    (call.run)(&manager).unwrap();
    without_chance(common::peers(&manager))
}

/// The peers that a start finds in these files, without bounds.
fn found_in(files: &Files) -> Peers {
    let (database, _plan) = database_with(files);
    without_chance(common::peers(&COMMIT.open(&database).unwrap()))
}

/// Memory and file are these peers.
fn assert_holds(manager: &PeerManager, database: &TempDb, expected: &Peers, what: &str) {
    let peers = common::peers(manager);
    assert_eq!(&without_chance(peers.clone()), expected, "{what}");
    let connection = vfs::past_all_faults(&database.path());
    assert_eq!(common::rows(&connection), common::rows_of(peers.values()), "{what}: the file");
    manager.check_invariants().unwrap();
}

fn evict_and_fail(promise: Promise, (evicted, call): (usize, Call), trial: Trial) -> Outcome {
    let what = &format!("{} with {promise:?}, {trial:?}", call.name);
    let (database, plan) = database_with(&STANDING);
    let manager = open(promise, &database);
    let before = without_chance(common::peers(&manager));
    let done = after(call);
    assert_eq!(done.len(), before.len());
    assert_eq!(before.keys().filter(|address| !done.contains_key(address)).count(), evicted, "{what}");
    trial.begin(&plan);
    let result = promise.carry_out(&manager, call);
    let outcome = trial.outcome(&plan);
    assert!(result.is_ok() || !plan.struck().is_empty(), "{what}: {result:?}");
    assert!(result.is_err() || plan.may_be_passed_over(), "{what}: {result:?} with {:?}", plan.struck());
    if let Err(error) = result {
        assert_reports(&error, &plan.struck(), what);
        let in_memory = if promise.is_written_at_once { &before } else { &done };
        assert_eq!(&without_chance(common::peers(&manager)), in_memory, "{what}: the memory");
        manager.check_invariants().unwrap();
        // If the process or the power fails now, the next start finds all of the change or nothing.
        let kill = found_in(&plan.disk().after_kill());
        let may_be_done = !promise.is_written_at_once
            || promise.is_synchronised_at_once
                && plan.struck().iter().any(|struck| struck.kind == Kind::Sync);
        assert!(kill == before || may_be_done && kill == done, "{what}: {kill:?}");
        let loss = found_in(&plan.disk().after_power_loss());
        assert!(loss == before || may_be_done && loss == done, "{what}: {loss:?}");
        assert_eq!(manager.get_stats().unwrap().failed_writes, 1, "{what}");
        plan.heal();
        let again = if promise.is_written_at_once { call } else { calls::FLUSH };
        promise.carry_out(&manager, again).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    plan.heal();
    assert_holds(&manager, &database, &done, what);
    drop(manager);
    let manager = open(promise, &database);
    assert_holds(&manager, &database, &done, what);
    assert_eq!(manager.get_stats().unwrap().refused_peers, 0);
    outcome
}

fn sweep_evictions(promise: Promise) {
    let mut tally = Tally::default();
    for evicting in EVICTIONS {
        tally.sweep(|trial| evict_and_fail(promise, evicting, trial));
    }
    tally.print(&format!("evictions with {:?}", promise.durability));
}

#[test]
fn with_commit_an_eviction_that_the_disk_fails_has_changed_nothing() {
    sweep_evictions(COMMIT);
}

#[test]
fn with_sync_an_eviction_that_the_disk_fails_has_changed_nothing() {
    sweep_evictions(SYNC);
}

#[test]
fn with_deferred_a_flush_of_an_eviction_that_the_disk_fails_writes_all_of_it_the_next_time() {
    sweep_evictions(DEFERRED);
}

#[test]
fn a_refusal_does_not_touch_the_disk() {
    let mut refusals = 0;
    for promise in [COMMIT, SYNC] {
        let (database, plan) = database_with(&STANDING);
        let manager = open(promise, &database);
        manager.remove_peers_with_many_failures(1).unwrap();
        manager.ensure_exists_many(&(200..205).map(apart).collect::<Vec<_>>()).unwrap();
        plan.count_from_here();
        let refused: Result<bool> = manager.ensure_exists(&apart(300));
        assert!(matches!(refused, Err(Error::Limit(_))), "{refused:?}");
        manager.store_many(&[record(apart(300), START, 0, Preferred)]).unwrap();
        assert_eq!(plan.count(Kind::Write) + plan.count(Kind::Sync), 0);
        refusals += manager.get_stats().unwrap().refused_peers;
    }
    assert_eq!(refusals, 4);
}

fn open_and_fail(promise: Promise, trial: Trial) -> Outcome {
    let what = &format!("opening with {promise:?}, {trial:?}");
    let (database, plan) = database_with(&STANDING);
    let mut options = promise.options(&database.path());
    options.max_peers = 7;
    trial.begin(&plan);
    let opened = PeerManager::open(options.clone());
    let outcome = trial.outcome(&plan);
    if let Err(error) = &opened {
        assert_reports(error, &plan.struck(), what);
    }
    plan.heal();
    let manager = opened.or_else(|_| PeerManager::open(options)).unwrap();
    // The first rows are the best, and all of them stay.
    assert!(common::peers(&manager).into_keys().eq((0..7).map(apart)), "{what}");
    manager.check_invariants().unwrap();
    drop(manager);
    assert_eq!(found_in(&plan.disk().after_kill()).len(), MAX_PEERS as usize, "{what}");
    outcome
}

#[test]
fn a_file_that_is_too_large_keeps_its_rows_when_the_disk_fails() {
    let mut tally = Tally::default();
    for promise in [COMMIT, DEFERRED] {
        tally.sweep(|trial| open_and_fail(promise, trial));
    }
    tally.print("opening a file that is too large");
}
