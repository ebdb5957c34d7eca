//! A ban and the removal of its peers are on disk both or neither, whatever operation on the disk fails, and the same is in
//! memory.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::common::calls::{self, Call};
use crate::common::sweep::{
    COMMIT, DEFERRED, Outcome, Promise, SYNC, Tally, Trial, assert_reports, database_with,
};
use crate::common::vfs::disk::Files;
use crate::common::vfs::{self, Kind};
use crate::common::{self, START, ipv4};
use peer_manager::{BanSubject, PeerAddress, PeerManager};
use rusqlite::Connection;

fn subject(text: &str) -> BanSubject {
    text.parse().unwrap()
}

/// Each changes something as long as the standing peers and bans are there.
const CALLS: [Call; 4] = [
    Call { name: "ban of a prefix", run: |m| m.ban(&subject("52.0.0.0/24"), i64::MAX).map(drop) },
    Call { name: "ban of a name", run: |m| m.ban(&subject("node-2.example.org"), START + 9).map(drop) },
    Call { name: "ban with another end", run: |m| m.ban(&subject("198.51.100.0/24"), START + 7).map(drop) },
    Call { name: "unban", run: |m| m.unban(&subject("198.51.100.0/24")) },
];

/// The peers and the bans.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    peers: BTreeSet<PeerAddress>,
    bans: BTreeSet<(BanSubject, i64)>,
}

fn in_memory(manager: &PeerManager) -> State {
    manager.check_invariants().unwrap();
    let bans = manager.get_bans().unwrap();
    State {
        peers: common::peers(manager).into_keys().collect(),
        bans: bans.into_iter().map(|ban| (ban.subject, ban.until)).collect(),
    }
}

fn in_file(connection: &Connection) -> State {
    let texts = |sql: &str| -> Vec<(String, i64)> {
        let Ok(mut statement) = connection.prepare(sql) else { return Vec::new() };
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let peer = |(ip, port): (String, i64)| PeerAddress::new(&ip, u16::try_from(port).unwrap()).unwrap();
    State {
        peers: texts("SELECT ip, port FROM peers").into_iter().map(peer).collect(),
        bans: texts("SELECT subject, until FROM peer_manager_bans")
            .into_iter()
            .map(|(text, until)| (subject(&text), until))
            .collect(),
    }
}

/// The files of a database without bans, and of one that has some.
static STANDING: LazyLock<[Files; 2]> = LazyLock::new(|| {
    [false, true].map(|has_bans| {
        let (database, plan) = database_with(&Files::new());
        let manager = COMMIT.open(&database).unwrap();
        manager.store_many(&calls::standing()).unwrap();
        if has_bans {
            manager.ban(&subject("198.51.100.0/24"), i64::MAX).unwrap();
        }
        drop(manager);
        plan.disk().after_kill()
    })
});

/// What the next start finds in these files.
fn found_in(files: &Files) -> State {
    let (database, _plan) = database_with(files);
    in_memory(&COMMIT.open(&database).unwrap())
}

fn call_and_fail(promise: Promise, standing: &Files, call: Call, trial: Trial) -> Outcome {
    let what = &format!("{} with {promise:?}, {trial:?}", call.name);
    let done = {
        let (database, _plan) = database_with(standing);
        let manager = COMMIT.open(&database).unwrap();
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
        let file = in_file(&vfs::past_all_faults(&database.path()));
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
    assert_eq!(in_file(&vfs::past_all_faults(&database.path())), done, "{what}: the file");
    drop(manager);
    let manager = promise.open(&database).unwrap();
    assert_eq!(in_memory(&manager), done, "{what}: at the next start");
    assert!(manager.ensure_exists(&ipv4(5_000)).unwrap(), "{what}");
    outcome
}

#[test]
fn a_ban_that_the_disk_fails_has_done_nothing_and_works_when_the_fault_is_gone() {
    let mut tally = Tally::default();
    for promise in [COMMIT, SYNC, DEFERRED] {
        for call in &CALLS[..2] {
            tally.sweep(|trial| call_and_fail(promise, &STANDING[0], *call, trial));
        }
        for call in CALLS {
            tally.sweep(|trial| call_and_fail(promise, &STANDING[1], call, trial));
        }
    }
    tally.print("bans");
}
