//! Sweeps: a scenario is run once for every operation on the disk that it leads to, and each time that one fails.

use std::path::Path;
use std::time::Duration;

use crate::common::calls::{self, Call};
use crate::common::run::{is_full, one_of};
use crate::common::vfs::disk::{self, Files};
use crate::common::vfs::{Fault, FaultPlan, Lasting, Struck};
use crate::common::{START, TempDb, TestClock};
use peer_manager::{Durability, Error, Options, PeerManager, Result};

/// What a durability promises when the disk fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    pub(crate) durability: Durability,
    /// A change that cannot be written fails and is undone. Otherwise it never fails, and the next flush does.
    pub(crate) is_written_at_once: bool,
    /// A change outlasts a loss of power when the call returns, and fails if it cannot be synchronised. It is written
    /// by then, so the next start after a crash may find it done: [`Durability::Sync`] says so.
    pub(crate) is_synchronised_at_once: bool,
    /// Whether histories are kept.
    pub(crate) keeps_histories: bool,
}

pub(crate) const COMMIT: Promise = Promise {
    durability: Durability::Commit,
    is_written_at_once: true,
    is_synchronised_at_once: false,
    keeps_histories: false,
};
pub(crate) const SYNC: Promise =
    Promise { durability: Durability::Sync, is_synchronised_at_once: true, ..COMMIT };
pub(crate) const DEFERRED: Promise =
    Promise { durability: Durability::Deferred, is_written_at_once: false, ..COMMIT };

impl Promise {
    /// The same where histories are kept.
    pub(crate) fn with_histories(self) -> Self {
        Self { keeps_histories: true, ..self }
    }

    pub(crate) fn options(self, path: &Path) -> Options {
        let mut options = TestClock::at(START).options(3);
        options.db_path = Some(path.to_owned());
        options.durability = self.durability;
        options.keep_history = self.keeps_histories;
        // Nothing is written but by a flush, so that the same is done at the same time in every run.
        options.flush_interval = Duration::MAX;
        options
    }

    pub(crate) fn open(self, database: &TempDb) -> Result<PeerManager> {
        PeerManager::open(self.options(&database.path()))
    }

    /// Makes a call and sees to it that the file has what it changed.
    pub(crate) fn carry_out(self, manager: &PeerManager, call: Call) -> Result<()> {
        let done = (call.run)(manager);
        if self.is_written_at_once || call.name == calls::FLUSH.name {
            return done;
        }
        done.expect("it waits for no disk");
        manager.flush()
    }
}

/// One fault at one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) fault: Fault,
    pub(crate) nth: u64,
    pub(crate) lasting: Lasting,
}

impl Trial {
    /// Lets the fault strike from here on.
    pub(crate) fn begin(self, plan: &FaultPlan) {
        plan.arm(self.fault, self.nth, self.lasting);
    }

    /// What came of it so far, to be asked before the fault is healed and more is done.
    pub(crate) fn outcome(self, plan: &FaultPlan) -> Outcome {
        Outcome { reach: plan.reach(self.fault), injected: plan.injected() }
    }

    /// It is time for another try: the fault strikes as long as it is to, and then it is healed.
    pub(crate) fn is_lasting(self) -> bool {
        self.lasting == Lasting::UntilHealed
    }
}

/// What came of a trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// How many operations the fault could have struck.
    reach: u64,
    injected: u64,
}

/// Counts for the line that each sweep prints.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    scenarios: u64,
    trials: u64,
    injected: u64,
}

impl Tally {
    /// Runs a scenario without a fault, and then with each fault at each operation that it reaches.
    pub(crate) fn sweep(&mut self, scenario: impl Fn(Trial) -> Outcome) {
        self.scenarios += 1;
        for fault in Fault::ALL {
            let reach = scenario(Trial { fault, nth: u64::MAX, lasting: Lasting::Once }).reach;
            for lasting in [Lasting::Once, Lasting::UntilHealed] {
                for nth in self.operations(reach) {
                    let outcome = scenario(Trial { fault, nth, lasting });
                    assert_ne!(outcome.injected, 0, "{fault:?} at operation {nth} of {reach} did not strike");
                    self.trials += 1;
                    self.injected += outcome.injected;
                }
            }
        }
    }

    /// Which operations are to fail, of so many. If not all of them, then the first, and in each scenario others.
    fn operations(&self, reach: u64) -> impl Iterator<Item = u64> + use<> {
        let one_of = one_of(16, "faults of the disk") as u64;
        let phase = self.scenarios % one_of;
        (1..=reach).filter(move |nth| *nth == 1 || nth % one_of == phase)
    }

    /// Says how much was tried; it must have been something.
    pub(crate) fn print(&self, what: &str) {
        assert!(self.injected > if is_full() { 5 * self.scenarios } else { 0 }, "{self:?}");
        println!(
            "faults in {what}: {} injected in {} runs of {} scenarios, all survived",
            self.injected, self.trials, self.scenarios
        );
    }
}

/// A directory with these files, in which things can be made to fail. The plan is to outlive the database's users.
pub(crate) fn database_with(files: &Files) -> (TempDb, FaultPlan) {
    let database = TempDb::fast();
    disk::write(database.directory(), files);
    let plan = FaultPlan::of(database.directory());
    (database, plan)
}

/// The error is one that the disk had, and of the right sort.
pub(crate) fn assert_reports(error: &Error, struck: &[Struck], what: &str) {
    let code = error.sqlite_code();
    assert!(struck.iter().any(|struck| struck.code == code), "{what}: {error} ({code}), but {struck:?}");
    let is_right = match code {
        rusqlite::ffi::SQLITE_FULL => matches!(error, Error::DiskFull(_)),
        _ => matches!(error, Error::Database(_)),
    };
    assert!(is_right, "{what}: {error:?}");
    assert!(!error.to_string().contains('\n'), "{what}: {error}");
}
