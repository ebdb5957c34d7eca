//! A process that is killed with signal 9 loses nothing that it has acknowledged, and leaves a file that is sound.
//!
//! A process changes a database in a history that follows a seed, and acknowledges what is certain. It is killed at
//! a random moment: while it opens the file, changes it, or closes it. The test that killed it makes the same history in
//! memory, and the file must be as memory was at one moment of it: not before what was acknowledged, and not after
//! what can have begun. A batch that is there in part is at no moment of any history.
//!
//! The next process goes on with the file as it was left, with its journal.
//!
//! The seed repeats the histories and how long each process is let be, but not how far it comes in that time.
//!
//! In one of the tests there are histories, data and bans beside the peers: what each table has must be of the same moment, with
//! no row without a peer and no peer that is banned.
//!
//! `PEER_MANAGER_TEST_LONG=1` kills a thousand times and more.

use std::fmt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::common::contents::Contents;
use crate::common::history::{Change, set_clock};
use crate::common::judge::{Judgement, Loss, copy_of, judge};
use crate::common::run::{is_full, is_long, skip_part};
use crate::common::victim::{self, Run, Stage, Told, Victim};
use crate::common::{self, START, TempDb};
use peer_manager::{Durability, PeerManager};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

/// Those in which processes are killed.
const MODES: &[Durability] = &[Durability::Commit, Durability::Sync, Durability::Deferred];

/// After so many kills at most, the next process starts with a new file.
const KILLS_OF_A_FILE: u32 = 8;

#[test]
fn the_process_that_is_killed() {
    victim::live();
}

/// Starts the process above.
fn start(run: &Run, path: &Path) -> Victim {
    Victim::start("kill::the_process_that_is_killed", run, path)
}

/// When to kill.
#[derive(Clone, Copy, Debug)]
struct Moment {
    stage: Stage,
    /// How long after the stage has begun.
    delay: Duration,
}

impl Moment {
    /// Often while opening a new file, now and then while opening another and while closing.
    fn random(is_new: bool, rng: &mut ChaCha12Rng) -> Self {
        let (stage, longest) = match rng.random_range(0..5) {
            0 => (Stage::Opening, 2_000),
            1 | 2 if is_new => (Stage::Opening, 10_000),
            1 => (Stage::Closing, 4_000),
            _ => (Stage::Changing, 60_000),
        };
        Self { stage, delay: Duration::from_micros(rng.random_range(0..longest)) }
    }
}

/// What became of many kills.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    acknowledged: u64,
    lost: u64,
    while_opening: u32,
    while_closing: u32,
    sound: u32,
    /// How many peers, data and bans were in all files together.
    peers: u64,
    data: u64,
    bans: u64,
    /// Found with a change that no caller had been told of.
    ahead: u32,
    failures: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, lost, while_opening, while_closing, ahead, sound, .. } = self;
        let Self { peers, data, bans, .. } = self;
        write!(
            f,
            "{acknowledged} changes acknowledged, {lost} lost, {while_opening} kills while opening, \
             {while_closing} while closing, {ahead} before an acknowledgement, {sound} files sound, with {peers} peers, \
             {data} data and {bans} bans"
        )
    }
}

impl Tally {
    /// Kills processes of so many writers, and judges what each has left.
    fn of(durability: Durability, kind: Kind, kills: u32, rng: &mut ChaCha12Rng) -> Self {
        let Kind { writers, has_side_tables } = kind;
        let mut tally = Self::default();
        while tally.kills < kills {
            let life = rng.random_range(1..=KILLS_OF_A_FILE).min(kills - tally.kills);
            let (database, mut before, mut begins) = (TempDb::new(), None, 0);
            for nth in 1..=life {
                let moment = Moment::random(nth == 1, rng);
                let changes =
                    if moment.stage == Stage::Closing { rng.random_range(0..150) } else { u64::MAX };
                let run = Run { durability, seed: rng.random(), writers, changes, has_side_tables, begins };
                let told = kill_at(moment, &run, &database.path());
                let judged = tally.enter(&run, before.as_ref(), &told, &database, nth == life);
                tally.kills += 1;
                match judged {
                    // The next process knows nothing of what was lost, and its clock goes on from there.
                    Ok(now) => begins = u64::try_from(now - START).unwrap(),
                    Err(failure) => {
                        let place = format!("kill {nth} of {life} ({moment:?}, {run:?}, {told:?})");
                        tally.failures.push(format!("{place}: {failure}"));
                        break;
                    }
                }
                before = Some(copy_of(&database));
            }
        }
        tally
    }

    /// Counts what became of one kill, and says as of when the file is.
    ///
    /// SQLite must find it sound, and a manager that is opened on it as by a node that starts again must know the same.
    /// The last time, that is the file itself; else it is left to the next process as it is.
    fn enter(
        &mut self,
        run: &Run,
        before: Option<&TempDb>,
        told: &Told,
        database: &TempDb,
        is_last_time: bool,
    ) -> Result<i64, String> {
        let found = Contents::of_file(&copy_of(database), told.stage >= Stage::Changing)?;
        let Judgement { acknowledged, is_ahead, number } =
            judge(run, before, told, &found).map_err(|loss| {
                self.lost += loss.changes();
                loss.to_string()
            })?;
        let now = run.time_of(number);
        let copy = copy_of(database);
        start_again(run, now, if is_last_time { database } else { &copy }, &found)?;
        self.sound += 1;
        self.while_opening += u32::from(told.stage == Stage::Opening);
        self.while_closing += u32::from(told.stage == Stage::Closing);
        self.peers += found.peers.len() as u64;
        self.data += found.peers.iter().filter(|known| !known.data.is_empty()).count() as u64;
        self.bans += found.bans.len() as u64;
        self.acknowledged += acknowledged;
        self.ahead += u32::from(is_ahead);
        Ok(now)
    }
}

fn kill_at(moment: Moment, run: &Run, path: &Path) -> Told {
    let mut victim = start(run, path);
    victim.wait_for(moment.stage);
    thread::sleep(moment.delay);
    victim.kill()
}

/// Opens a file at this time and closes it: the manager must know what SQLite has found in it, and change nothing.
fn start_again(run: &Run, now: i64, database: &TempDb, found: &Contents) -> Result<(), String> {
    let known = known_after_restart(run, now, &database.path()).map_err(|error| error.to_string())?;
    if known != found.at(now) {
        return Err("a manager that is opened on it does not know what SQLite finds in it".to_owned());
    }
    if Contents::of_file(database, true)? != *found {
        return Err("a manager that was opened on it and closed has changed it".to_owned());
    }
    Ok(())
}

/// What a manager knows that is opened on a file, and closed.
fn known_after_restart(run: &Run, now: i64, path: &Path) -> peer_manager::Result<Contents> {
    set_clock(now);
    let manager = PeerManager::open(run.options(Some(path)))?;
    manager.check_invariants()?;
    assert_eq!(manager.get_stats()?.skipped_rows, 0);
    Ok(Contents::of_manager(&manager))
}

/// What the processes are that are killed.
#[derive(Clone, Copy, Debug)]
struct Kind {
    writers: u16,
    has_side_tables: bool,
}

/// Kills in each mode, tells what became of it, and fails if anything was lost.
fn kill_in_each_mode(kind: Kind, kills: u32) {
    let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
    let Kind { writers, has_side_tables } = kind;
    rng.set_stream(u64::from(writers) + if has_side_tables { 100 } else { 0 });
    let mut failures = Vec::new();
    for &durability in MODES {
        let tally = Tally::of(durability, kind, kills, &mut rng);
        let mode = format!("{durability:?}").to_uppercase();
        let threads = if writers == 1 { String::new() } else { format!(" and {writers} threads") };
        let side_tables = if has_side_tables { " and side tables" } else { "" };
        println!("kill -9: {} kills with {mode}{threads}{side_tables}, {tally}", tally.kills);
        let has_some = tally.data != 0 && tally.bans != 0;
        // Of a few processes, all may have been killed early.
        assert!(
            if has_side_tables { has_some || kills < 30 } else { tally.data + tally.bans == 0 },
            "{tally}"
        );
        failures.extend(tally.failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn no_change_that_was_acknowledged_is_lost_and_none_is_there_in_part() {
    kill_in_each_mode(Kind { writers: 1, has_side_tables: false }, if is_long() { 334 } else { 15 });
}

#[test]
fn each_of_several_threads_finds_the_changes_that_it_acknowledged() {
    kill_in_each_mode(Kind { writers: 3, has_side_tables: false }, if is_long() { 100 } else { 5 });
}

/// Of so many kills in each mode: all, if this is a full run, else one of so many.
fn kills_of(all: u32, one_of: u32) -> u32 {
    if is_full() {
        return all;
    }
    skip_part(&format!("{} of {all} kills in each mode, all with PEER_MANAGER_TEST_FULL=1", all / one_of));
    all / one_of
}

#[test]
fn peers_histories_data_and_bans_are_there_as_at_one_moment() {
    let kills = kills_of(if is_long() { 334 } else { 100 }, 10);
    kill_in_each_mode(Kind { writers: 1, has_side_tables: true }, kills);
}

#[test]
fn each_of_several_threads_finds_the_histories_data_and_bans_that_it_acknowledged() {
    let kills = kills_of(if is_long() { 100 } else { 30 }, 6);
    kill_in_each_mode(Kind { writers: 3, has_side_tables: true }, kills);
}

/// A history that is always the same, for files that are not as it says. It flushes now and then.
const KNOWN: Run = Run {
    durability: Durability::Commit,
    seed: 3,
    writers: 1,
    changes: 300,
    has_side_tables: false,
    begins: 0,
};

/// The same with histories, data and bans.
const KNOWN_BESIDE: Run = Run { has_side_tables: true, ..KNOWN };

/// The file that is left by these changes of a history.
fn file_of(run: Run, is_made: impl Fn(u64) -> bool) -> TempDb {
    let database = TempDb::new();
    set_clock(run.time_of(0));
    let manager = PeerManager::open(run.options(Some(&database.path()))).unwrap();
    for (number, change) in run.history(0).filter(|(number, _)| is_made(*number)) {
        change.make(run.time_of(number), &manager).unwrap();
    }
    database
}

fn file_left_by(is_made: impl Fn(u64) -> bool) -> TempDb {
    file_of(KNOWN, is_made)
}

/// What is judged of a file whose changes up to one were acknowledged.
fn judged_of(run: Run, acknowledged: u64, file: &TempDb) -> Result<(), Loss> {
    let told = Told { stage: Stage::Changing, acknowledged: vec![acknowledged] };
    judge(&run, None, &told, &Contents::of_file(file, true).unwrap()).map(drop)
}

fn judged(durability: Durability, acknowledged: u64, file: &TempDb) -> Result<(), Loss> {
    judged_of(Run { durability, ..KNOWN }, acknowledged, file)
}

#[test]
fn the_judge_notices_what_a_side_table_has_of_another_moment() {
    let sound = file_of(KNOWN_BESIDE, |number| number <= 200);
    judged_of(KNOWN_BESIDE, 200, &sound).unwrap();
    judged_of(KNOWN_BESIDE, 199, &sound).unwrap();
    for damage in [
        "UPDATE peer_manager_history SET lastheard = lastheard + 1 WHERE one = 1",
        "DELETE FROM peer_manager_history WHERE one = 1",
        "UPDATE peer_manager_data SET data = CAST(data || x'00' AS BLOB) WHERE one = 1",
        "DELETE FROM peer_manager_data WHERE one = 1",
        "UPDATE peer_manager_bans SET until = until - 1 WHERE until = 9223372036854775807",
        "DELETE FROM peer_manager_bans WHERE until = 9223372036854775807",
    ] {
        let file = copy_of(&sound);
        let table = damage.split(' ').find(|word| word.starts_with("peer_manager_")).unwrap();
        let one = format!("(port, ip) = (SELECT port, ip FROM {table} LIMIT 1)");
        let changed = file.connection().execute(&damage.replace("one = 1", &one), []).unwrap();
        assert_ne!(changed, 0, "{damage}");
        let loss = judged_of(KNOWN_BESIDE, 199, &file).unwrap_err();
        assert!(matches!(loss, Loss::NoMoment { .. }), "{damage}: {loss}");
    }
    // What is left of a peer that is gone is no moment's either.
    for table in ["peer_manager_history", "peer_manager_data"] {
        let file = copy_of(&sound);
        let sql = format!("DELETE FROM peers WHERE (port, ip) = (SELECT port, ip FROM {table} LIMIT 1)");
        assert_eq!(file.connection().execute(&sql, []), Ok(1));
        Contents::of_file(&file, true).unwrap_err();
    }
}

#[test]
fn the_judge_notices_that_a_change_which_was_acknowledged_is_missing() {
    let whole = file_left_by(|number| number <= 60);
    judged(Durability::Commit, 60, &whole).unwrap();
    judged(Durability::Commit, 59, &whole).unwrap();
    let mut noticed = 0;
    for missing in 31..=60 {
        let file = file_left_by(|number| number <= 60 && number != missing);
        // Some leave no trace: a peer is removed that is not there, or is stored anew by a later change.
        if common::rows(&file.connection()) != common::rows(&whole.connection()) {
            judged(Durability::Commit, 60, &file).unwrap_err();
            noticed += 1;
        }
    }
    assert!(noticed >= 15, "only {noticed} changes have left a trace");
    let loss = judged(Durability::Commit, 70, &whole).unwrap_err();
    assert!(matches!(loss, Loss::Changes { found: 60..65, .. }), "{loss}");
}

#[test]
fn the_judge_notices_that_a_batch_is_there_in_part() {
    let is_batch = |change: &Change| matches!(change, Change::StoreMany(records) if records.len() > 20);
    let (number, batch) = KNOWN.history(0).find(|(_, change)| is_batch(change)).unwrap();
    let Change::StoreMany(records) = batch else { unreachable!("it is a batch") };
    let file = file_left_by(|other| other <= number);
    judged(Durability::Commit, number - 1, &file).unwrap();
    let missing = &records[records.len() / 2].address;
    let deleted = file.connection().execute(
        "DELETE FROM peers WHERE ip = ?1 AND port = ?2",
        (missing.host().to_string(), missing.port()),
    );
    assert_eq!(deleted, Ok(1));
    let loss = judged(Durability::Commit, number - 1, &file).unwrap_err();
    assert!(matches!(loss, Loss::NoMoment { .. }), "{loss}");
}

#[test]
fn the_judge_lets_a_deferred_file_be_at_any_one_moment_since_the_last_flush() {
    let flushes = KNOWN.history(0).filter(|(_, change)| matches!(change, Change::Flush));
    let flushes: Vec<u64> = flushes.map(|(number, _)| number).collect();
    let &[first, second] =
        flushes.windows(2).map_while(|pair| pair.first_chunk()).find(|[a, b]| a + 30 < *b).unwrap();
    let judged_with =
        |is_made: &dyn Fn(u64) -> bool| judged(Durability::Deferred, first, &file_left_by(is_made));
    for moment in [first, first + 1, first.midpoint(second), second] {
        judged_with(&|number| number <= moment).unwrap();
    }
    let loss = judged_with(&|number| number + 10 <= first).unwrap_err();
    assert!(matches!(loss, Loss::Changes { .. }), "before the flush: {loss}");
    let loss = judged_with(&|number| number <= second + 10).unwrap_err();
    assert!(
        matches!(loss, Loss::NoMoment { .. }),
        "after the next flush, which was not acknowledged: {loss}"
    );
    let loss = judged_with(&|number| number <= first || (first + 15..second).contains(&number)).unwrap_err();
    assert!(matches!(loss, Loss::NoMoment { .. }), "of two moments: {loss}");
}
