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
//! `PEER_MANAGER_TEST_LONG=1` kills a thousand times and more.

use std::fmt;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::common::history::Change;
use crate::common::judge::{Loss, judge, peers_in_file};
use crate::common::run::is_long;
use crate::common::victim::{self, Run, Stage, Told, Victim};
use crate::common::{self, TempDb};
use peer_manager::{Durability, PeerManager, PeerRecord};
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
    /// Found with a change that no caller had been told of.
    ahead: u32,
    failures: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, lost, while_opening, while_closing, ahead, sound, .. } = self;
        write!(
            f,
            "{acknowledged} changes acknowledged, {lost} lost, {while_opening} kills while opening, \
             {while_closing} while closing, {ahead} before an acknowledgement, {sound} files sound"
        )
    }
}

impl Tally {
    /// Kills processes of so many writers, and judges what each has left.
    fn of(durability: Durability, writers: u16, kills: u32, rng: &mut ChaCha12Rng) -> Self {
        let mut tally = Self::default();
        while tally.kills < kills {
            let life = rng.random_range(1..=KILLS_OF_A_FILE).min(kills - tally.kills);
            let (database, mut peers) = (TempDb::new(), Vec::new());
            for nth in 1..=life {
                let moment = Moment::random(nth == 1, rng);
                let changes =
                    if moment.stage == Stage::Closing { rng.random_range(0..150) } else { u64::MAX };
                let run = Run { durability, seed: rng.random(), writers, changes };
                let told = kill_at(moment, &run, &database.path());
                let found = look_into(&database, &run, told.stage, nth == life);
                let judged = found.and_then(|found| tally.enter(&run, &peers, &told, found));
                tally.kills += 1;
                match judged {
                    Ok(found) => peers = found,
                    Err(failure) => {
                        let place = format!("kill {nth} of {life} ({moment:?}, {run:?}, {told:?})");
                        tally.failures.push(format!("{place}: {failure}"));
                        break;
                    }
                }
            }
        }
        tally
    }

    /// Counts what became of one kill, and says what the next process begins with.
    fn enter(
        &mut self,
        run: &Run,
        before: &[PeerRecord],
        told: &Told,
        found: Vec<PeerRecord>,
    ) -> Result<Vec<PeerRecord>, String> {
        self.sound += 1;
        self.while_opening += u32::from(told.stage == Stage::Opening);
        self.while_closing += u32::from(told.stage == Stage::Closing);
        let judgement = judge(run, before, told, &found).map_err(|loss| {
            self.lost += loss.changes();
            loss.to_string()
        })?;
        self.acknowledged += judgement.acknowledged;
        self.ahead += u32::from(judgement.is_ahead);
        Ok(found)
    }
}

fn kill_at(moment: Moment, run: &Run, path: &Path) -> Told {
    let mut victim = start(run, path);
    victim.wait_for(moment.stage);
    thread::sleep(moment.delay);
    victim.kill()
}

/// Reads what a kill has left, and leaves it to the next process as it is.
///
/// SQLite must find it sound, and a manager that is opened on it as by a node that starts again must know the same
/// peers. The last time, that is the file itself.
fn look_into(
    database: &TempDb,
    run: &Run,
    stage: Stage,
    is_last_time: bool,
) -> Result<Vec<PeerRecord>, String> {
    let is_made = stage >= Stage::Changing;
    let found = peers_in_file(&copy_of(database), is_made)?;
    let copy = copy_of(database);
    let restarted = if is_last_time { database } else { &copy };
    if known_after_restart(run, &restarted.path()).map_err(|error| error.to_string())? != found {
        return Err("a manager that is opened on it does not know what SQLite finds in it".to_owned());
    }
    if peers_in_file(restarted, true)? != found {
        return Err("a manager that was opened on it and closed has changed it".to_owned());
    }
    Ok(found)
}

/// What a manager knows that is opened on a file, and closed.
fn known_after_restart(run: &Run, path: &Path) -> peer_manager::Result<Vec<PeerRecord>> {
    let manager = PeerManager::open(run.options(Some(path)))?;
    manager.check_invariants()?;
    assert_eq!(manager.get_stats()?.skipped_rows, 0);
    Ok(common::peers(&manager).into_values().collect())
}

/// All files of the database, as they are.
fn copy_of(database: &TempDb) -> TempDb {
    let copy = TempDb::new();
    for file in fs::read_dir(database.directory()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.directory().join(file.file_name())).unwrap();
    }
    copy
}

/// Kills in each mode, tells what became of it, and fails if anything was lost.
fn kill_in_each_mode(writers: u16, kills: u32) {
    let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
    rng.set_stream(writers.into());
    let mut failures = Vec::new();
    for &durability in MODES {
        let tally = Tally::of(durability, writers, kills, &mut rng);
        let mode = format!("{durability:?}").to_uppercase();
        let threads = if writers == 1 { String::new() } else { format!(" and {writers} threads") };
        println!("kill -9: {} kills with {mode}{threads}, {tally}", tally.kills);
        failures.extend(tally.failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn no_change_that_was_acknowledged_is_lost_and_none_is_there_in_part() {
    kill_in_each_mode(1, if is_long() { 334 } else { 15 });
}

#[test]
fn each_of_several_threads_finds_the_changes_that_it_acknowledged() {
    kill_in_each_mode(3, if is_long() { 100 } else { 5 });
}

/// A history that is always the same, for files that are not as it says. It flushes now and then.
const KNOWN: Run = Run { durability: Durability::Commit, seed: 3, writers: 1, changes: 300 };

/// The file that is left by these changes of the known history.
fn file_left_by(is_made: impl Fn(u64) -> bool) -> TempDb {
    let database = TempDb::new();
    let manager = PeerManager::open(KNOWN.options(Some(&database.path()))).unwrap();
    for (number, change) in KNOWN.history(0).filter(|(number, _)| is_made(*number)) {
        change.make(number, &manager).unwrap();
    }
    database
}

/// What is judged of a file whose changes up to one were acknowledged.
fn judged(durability: Durability, acknowledged: u64, file: &TempDb) -> Result<(), Loss> {
    let told = Told { stage: Stage::Changing, acknowledged: vec![acknowledged] };
    let found = peers_in_file(file, true).unwrap();
    judge(&Run { durability, ..KNOWN }, &[], &told, &found).map(drop)
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
