//! The power is cut after every single operation on the disk: what was promised to be on it is, and what is on it is
//! the table as it was at some moment.
//!
//! In one variant nothing outlasts the loss that was not synchronised; in the other, some of it does, by chance.
#![cfg(unix)]

use std::time::Duration;

use crate::common::calls::{self, CALLS, Call, FLUSH};
use crate::common::calls_beside;
use crate::common::contents::Contents;
use crate::common::run::{is_full, is_long, one_of};
use crate::common::sweep::{COMMIT, DEFERRED, Promise, SYNC, database_with};
use crate::common::vfs;
use crate::common::vfs::disk::{Disk, Event, Files};
use crate::common::{self, START, ipv4, mixed, record, test_seed};
use peer_manager::StoredPeerType::Inbound;
use peer_manager::{PeerManager, SCHEMA};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

/// What the table was when a call returned.
struct Moment {
    /// How much had been done to the disk by then.
    position: usize,
    contents: Contents,
    /// Whether the call promised that all this outlasts a loss of power.
    is_durable: bool,
}

/// All that happened to a table: moments, and between them what was done to the disk.
struct History {
    moments: Vec<Moment>,
    at_first: Disk,
    events: Vec<Event>,
}

/// Makes the calls, with a restart where there is `None`, from a directory with these files, and notes what happens.
fn live(promise: Promise, from: &Files, calls: &[Option<Call>]) -> History {
    let contents =
        if from.is_empty() { Contents::default() } else { found_after(from, promise, "the start") };
    let (database, plan) = database_with(from);
    let mut moments = vec![Moment { position: 0, contents, is_durable: true }];
    // With DEFERRED, the thread is to write all the time.
    let mut options = promise.options(&database.path());
    options.flush_interval = Duration::ZERO;
    let open = || PeerManager::open(options.clone()).unwrap();
    let mut manager = open();
    for call in calls {
        let is_durable = if let Some(call) = call {
            (call.run)(&manager).unwrap();
            promise.is_synchronised_at_once || call.name == FLUSH.name
        } else {
            // The end of a manager flushes.
            drop(manager);
            let contents = moments.last().unwrap().contents.clone();
            moments.push(Moment { position: plan.position(), contents, is_durable: true });
            manager = open();
            true
        };
        let contents = Contents::of_manager(&manager);
        moments.push(Moment { position: plan.position(), contents, is_durable });
    }
    drop(manager);
    let (at_first, events) = plan.events();
    let contents = moments.last().unwrap().contents.clone();
    moments.push(Moment { position: events.len(), contents, is_durable: true });
    History { moments, at_first, events }
}

const STANDING: Call = Call { name: "store_many", run: |m| m.store_many(&calls::standing()) };

/// Every kind of call, most of them twice, with restarts and flushes between.
fn every_call() -> Vec<Option<Call>> {
    let mut calls = vec![Some(STANDING)];
    for (n, call) in CALLS.into_iter().enumerate() {
        calls.push(Some(call));
        if n % 5 == 4 {
            calls.push(Some(FLUSH));
        }
    }
    calls.extend([None, Some(STANDING)]);
    calls.extend(CALLS[..10].iter().copied().map(Some));
    calls
}

/// Every kind of call that changes what is kept beside the rows of peers, with restarts and flushes between.
fn every_call_beside() -> Vec<Option<Call>> {
    let mut calls: Vec<_> = calls_beside::CALLS.into_iter().map(Some).collect();
    calls.insert(3, Some(FLUSH));
    calls.insert(8, None);
    calls.insert(14, Some(FLUSH));
    calls
}

/// The peers that those calls change, with all that is kept of them.
fn standing_beside() -> Files {
    let (database, plan) = database_with(&Files::new());
    calls_beside::stand(&database, true);
    plan.disk().after_kill()
}

/// A few calls, none of which changes what one of the others does to the same thing. (A change that is lost with the
/// power and then made again in exactly the same way restores its part of the log to the byte, and if parts that
/// followed it were on the disk before it, they are valid again too.)
fn other_calls() -> Vec<Option<Call>> {
    let store = Call { name: "store", run: |m| m.store(&record(mixed(1), START - 3, 3, Inbound)) };
    let ensure = Call { name: "ensure_exists", run: |m| m.ensure_exists(&ipv4(7_000)).map(drop) };
    let many = Call {
        name: "ensure_exists_many",
        run: |m| m.ensure_exists_many(&(7_001..7_051).map(mixed).collect::<Vec<_>>()).map(drop),
    };
    [store, FLUSH, ensure, many].map(Some).to_vec()
}

/// An empty database whose log is soon as many pages long as SQLite lets it become.
fn small_pages() -> Files {
    let (database, plan) = database_with(&Files::new());
    database.connection().execute_batch(&format!("PRAGMA page_size = 512; {SCHEMA}")).unwrap();
    plan.disk().after_kill()
}

/// So many changes that SQLite moves the log into the file by itself and starts it anew.
fn many_changes() -> Vec<Option<Call>> {
    let many = Call {
        name: "ensure_exists_many",
        run: |m| m.ensure_exists_many(&(0..400).map(mixed).collect::<Vec<_>>()).map(drop),
    };
    // A few on every page.
    let change = Call {
        name: "store_many",
        run: |m| {
            let mut records: Vec<_> = common::peers(m).into_values().step_by(9).collect();
            for record in &mut records {
                record.num_failures += 1;
            }
            m.store_many(&records)
        },
    };
    let mut calls = vec![Some(many)];
    calls.extend([Some(change); 100]);
    calls
}

/// What a start after the loss finds. The file is sound, and the table works.
fn found_after(files: &Files, promise: Promise, what: &str) -> Contents {
    let (database, _plan) = database_with(files);
    let manager = promise.open(&database).unwrap_or_else(|error| panic!("{what}: {error}"));
    manager.check_invariants().unwrap();
    assert_eq!(manager.get_stats().unwrap().skipped_rows, 0, "{what}");
    let found = Contents::of_manager(&manager);
    let connection = vfs::past_all_faults(&database.path());
    let in_file =
        Contents::of_connection(&connection, true).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(in_file.at(START), found, "{what}: the file");
    assert!(manager.ensure_exists(&ipv4(9_000)).unwrap(), "{what}");
    manager.flush().unwrap();
    assert_eq!(common::rows(&connection).len(), found.peers.len() + 1, "{what}");
    found
}

/// Cuts, and counts them.
struct Cutter {
    promise: Promise,
    rng: ChaCha12Rng,
    cuts: u64,
    operations: usize,
    /// Cuts that took changes with them which had not been flushed.
    went_back: u64,
}

impl Cutter {
    fn new(promise: Promise) -> Self {
        let rng = ChaCha12Rng::seed_from_u64(test_seed());
        Self { promise, rng, cuts: 0, operations: 0, went_back: 0 }
    }

    /// Cuts the power after each operation of a history and looks what is left; at one of `every`, and there `times`
    /// times, with something left to chance. Gives some of what was left.
    fn cut_everywhere(&mut self, history: &History, every: u32, times: u32) -> Vec<Files> {
        let mut disk = history.at_first.clone();
        let mut certain = None;
        let mut some = Vec::new();
        for position in 0..=history.events.len() {
            if let Some(done) = position.checked_sub(1) {
                disk.apply(&history.events[done]);
            }
            let mut losses: Vec<Files> = Vec::new();
            let now = disk.after_power_loss();
            // Most operations make nothing certain.
            if certain.as_ref() != Some(&now) {
                certain = Some(now.clone());
                losses.push(now);
            }
            if self.rng.random_ratio(1, every) {
                losses.extend((0..times).map(|_| disk.after_nasty_power_loss(&mut self.rng)));
            }
            for files in losses {
                self.look(history, position, &files);
                // With DEFERRED, chance decides how often the thread writes, and there may be few.
                let one_of = if self.promise.is_written_at_once { 40 } else { 8 };
                if self.rng.random_ratio(1, one_of) {
                    some.push(files);
                }
            }
        }
        self.operations += history.events.len();
        some
    }

    fn look(&mut self, history: &History, position: usize, files: &Files) {
        let moments = &history.moments;
        // All calls before this one had returned; the next was under way, so it may be found done or not.
        let returned = moments.iter().rposition(|moment| moment.position <= position).unwrap();
        let durable = moments[..=returned].iter().rposition(|moment| moment.is_durable).unwrap();
        let may_be = &moments[durable..moments.len().min(returned + 2)];
        let what = format!("power lost after operation {position} with {:?}", self.promise);
        let found = found_after(files, self.promise, &what);
        assert!(
            may_be.iter().any(|moment| moment.contents == found),
            "{what}: {} peers, which is none of the moments {durable} to {}",
            found.peers.len(),
            returned + 1
        );
        self.cuts += 1;
        self.went_back += u64::from(moments[returned..].iter().all(|moment| moment.contents != found));
    }
}

fn cut_the_power(promise: Promise) {
    let factor = if is_long() { 20 } else { 1 };
    let mut cutter = Cutter::new(promise);
    let history = live(promise, &Files::new(), &every_call());
    let some = cutter.cut_everywhere(&history, 1, 4 * factor);
    // What the loss left is where the next life begins, and in that the power is lost as well.
    for files in some.iter().step_by(one_of(5, "lives after a loss of power")) {
        cutter.cut_everywhere(&live(promise, files, &other_calls()), 1, 1);
    }
    cutter.promise = promise.with_histories();
    let history = live(cutter.promise, &standing_beside(), &every_call_beside());
    cutter.cut_everywhere(&history, 1, factor);
    cutter.promise = promise;
    let history = live(promise, &small_pages(), &many_changes());
    let [.., last_change, _] = history.moments.as_slice() else { unreachable!() };
    let is_to_file = |event: &Event| matches!(event, Event::Write { name, .. } if name == "peers.db");
    let to_file = history.events[..last_change.position].iter().filter(|event| is_to_file(event)).count();
    // What is written later is written together, so the log may stay short.
    let is_short = !promise.is_written_at_once;
    assert!(is_short || to_file > 10, "SQLite has not moved the log into the file by itself");
    cutter.cut_everywhere(&history, 30, factor);
    println!(
        "power lost {} times in {} operations with {:?}, {} times with changes not yet flushed: as promised",
        cutter.cuts, cutter.operations, promise.durability, cutter.went_back
    );
    // Otherwise the promise would not have been put to the test.
    let least = if promise.is_written_at_once && is_full() { 100 } else { 0 };
    assert!(some.len() > 5 && (cutter.went_back == 0 || cutter.went_back > least));
    assert_eq!(cutter.went_back == 0, promise.is_synchronised_at_once);
}

#[test]
fn with_commit_the_table_is_after_a_loss_of_power_as_it_was_at_some_moment_since_the_last_flush() {
    cut_the_power(COMMIT);
}

#[test]
fn with_sync_no_change_that_was_acknowledged_is_lost_with_the_power() {
    cut_the_power(SYNC);
}

#[test]
fn with_deferred_the_table_is_after_a_loss_of_power_as_it_was_at_some_moment_since_the_last_flush() {
    cut_the_power(DEFERRED);
}

#[test]
fn a_connection_that_does_not_synchronise_loses_its_rows_with_the_power() {
    // The disk of these tests forgets what a careless program writes: otherwise they would show nothing. It is as on macOS,
    // where a synchronisation that is not a full one ends in the drive's cache.
    let mut rng = ChaCha12Rng::seed_from_u64(test_seed());
    for (settings, is_kept) in [
        ("PRAGMA synchronous = OFF", false),
        ("PRAGMA synchronous = FULL", false),
        ("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON", true),
    ] {
        let (database, plan) = database_with(&Files::new());
        let connection = database.connection();
        connection.execute_batch(settings).unwrap();
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection.execute_batch("INSERT INTO peers VALUES ('example.org', 1, 0, 0, 0)").unwrap();
        let rows_in = |files: Files| {
            let (database, _plan) = database_with(&files);
            let connection = database.connection();
            connection.query_row("SELECT count(*) FROM peers", [], |row| row.get::<_, i64>(0)).ok()
        };
        let disk = plan.disk();
        assert_eq!(rows_in(disk.after_kill()), Some(1), "{settings}");
        assert_eq!(rows_in(disk.after_power_loss()), is_kept.then_some(1), "{settings}");
        let kept = (0..50).filter(|_| rows_in(disk.after_nasty_power_loss(&mut rng)) == Some(1)).count();
        assert!(if is_kept { kept == 50 } else { kept < 50 }, "{settings}: {kept}");
    }
}
