//! A process that changes a database until it is killed, and tells what is certain through a pipe.
//!
//! The process is the test program itself, which is told by its environment to run the one test that calls
//! [`live`]. Each line that it writes is one of a [`Stage`], or the acknowledgement `writer number`: change
//! `number` of that writer, and with it all before it, has reached what the durability promises.

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::Duration;

use crate::common::START;
use crate::common::history::{Change, History, clock, set_clock};
use crate::common::process::command_of;
use peer_manager::{Durability, Options, PeerAddress, PeerManager};

/// Names the database in the environment of a process that is to be killed.
const PATH: &str = "PEER_MANAGER_TEST_KILL_PATH";

/// Holds its [`Run`].
const RUN: &str = "PEER_MANAGER_TEST_KILL_RUN";

const DURABILITIES: [Durability; 3] = [Durability::Commit, Durability::Sync, Durability::Deferred];

/// What a process does: everything follows from this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) durability: Durability,
    pub(crate) seed: u64,
    /// How many threads change the table at once.
    pub(crate) writers: u16,
    /// After how many changes of each the database is closed.
    pub(crate) changes: u64,
    /// Whether histories are kept, and data and bans are set.
    pub(crate) has_side_tables: bool,
    /// So many seconds after [`START`] it begins.
    pub(crate) begins: u64,
}

/// How much later each change is than the one before, if histories are kept: so that days go by.
const STEP: u64 = 600;

impl Run {
    pub(crate) fn options(&self, path: Option<&Path>) -> Options {
        let mut options = Options {
            db_path: path.map(Path::to_owned),
            rng_seed: Some(self.seed),
            clock: clock(),
            keep_history: self.has_side_tables,
            ..Options::default()
        };
        if path.is_some() {
            options.durability = self.durability;
            options.flush_interval = Duration::from_millis(1 << (self.seed % 7));
        }
        options
    }

    /// The changes of a writer with their numbers, which begin with 1.
    pub(crate) fn history(&self, writer: u16) -> impl Iterator<Item = (u64, Change)> + use<> {
        (1..=self.changes).zip(self.changes_of(writer))
    }

    fn changes_of(&self, writer: u16) -> History {
        History::new(self.seed, writer, self.writers, self.has_side_tables)
    }

    /// The peers that a writer changes, and no other.
    pub(crate) fn peers_of(&self, writer: u16) -> Vec<PeerAddress> {
        self.changes_of(writer).peers().to_vec()
    }

    /// When a change is made; number 0 is the opening.
    pub(crate) fn time_of(&self, number: u64) -> i64 {
        let step = if self.has_side_tables { STEP } else { 1 };
        START.saturating_add_unsigned(self.begins + number * step)
    }

    /// Whether all that a writer has changed is certain to survive the process once this call has returned.
    pub(crate) fn promises(&self, change: &Change) -> bool {
        self.durability != Durability::Deferred || matches!(change, Change::Flush)
    }

    fn to_text(self) -> String {
        let Self { durability, seed, writers, changes, has_side_tables, begins } = self;
        format!("{} {seed} {writers} {changes} {} {begins}", durability as u8, u8::from(has_side_tables))
    }

    fn from_text(text: &str) -> Self {
        let numbers: Vec<u64> = text.split(' ').map(|number| number.parse().unwrap()).collect();
        let [durability, seed, writers, changes, has_side_tables, begins] = numbers[..] else {
            panic!("{text:?} is no run")
        };
        let durability = *DURABILITIES.iter().find(|&&d| d as u64 == durability).unwrap();
        let (writers, has_side_tables) = (writers.try_into().unwrap(), has_side_tables == 1);
        Self { durability, seed, writers, changes, has_side_tables, begins }
    }
}

/// How far a process has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    #[default]
    Starting,
    Opening,
    Changing,
    Closing,
    Closed,
}

const STAGES: [(&str, Stage); 4] = [
    ("opening", Stage::Opening),
    ("changing", Stage::Changing),
    ("closing", Stage::Closing),
    ("closed", Stage::Closed),
];

/// In the process that is to be killed: does as it is told. In any other it does nothing.
pub(crate) fn live() {
    let (Some(path), Ok(run)) = (env::var_os(PATH), env::var(RUN)) else { return };
    let run = Run::from_text(&run);
    // Made before, so that no time passes between the opening and the first change.
    let histories: Vec<_> = (0..run.writers).map(|writer| (writer, run.history(writer))).collect();
    set_clock(run.time_of(0));
    // The harness may have begun a line.
    tell("\nopening");
    let manager = PeerManager::open(run.options(Some(Path::new(&path)))).unwrap();
    tell("changing");
    thread::scope(|scope| {
        for (writer, history) in histories {
            let manager = &manager;
            scope.spawn(move || {
                for (number, change) in history {
                    change.make(run.time_of(number), manager).unwrap();
                    if run.promises(&change) && !tell(&format!("{writer} {number}")) {
                        break;
                    }
                }
            });
        }
    });
    tell("closing");
    drop(manager);
    tell("closed");
    // Until it is killed, or no process is left to do so.
    let _ = io::stdin().read_line(&mut String::new());
}

/// Writes one line at once, and says whether anybody is there to read it.
fn tell(line: &str) -> bool {
    io::stdout().lock().write_all(format!("{line}\n").as_bytes()).is_ok()
}

/// What a process has told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) stage: Stage,
    /// The last change that each writer has acknowledged, 0 for none.
    pub(crate) acknowledged: Vec<u64>,
}

/// The process, as its killer sees it.
#[derive(Debug)]
pub(crate) struct Victim {
    process: Child,
    pipe: BufReader<ChildStdout>,
    told: Told,
}

impl Victim {
    /// Starts this program anew with nothing but the test of this name, which must call [`live`].
    pub(crate) fn start(test: &str, run: &Run, path: &Path) -> Self {
        let mut command = command_of(test);
        command.env(PATH, path).env(RUN, run.to_text());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pipe = BufReader::new(process.stdout.take().unwrap());
        let told = Told { stage: Stage::Starting, acknowledged: vec![0; run.writers.into()] };
        Self { process, pipe, told }
    }

    /// Listens until the process has come so far.
    pub(crate) fn wait_for(&mut self, stage: Stage) {
        while self.told.stage < stage {
            assert!(self.listen(), "the process ended by itself: {:?}", self.process.wait());
        }
    }

    /// Kills it, and gives back all that it has told.
    pub(crate) fn kill(mut self) -> Told {
        self.process.kill().unwrap();
        while self.listen() {}
        // Its locks are certain to be gone only now.
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), None, "the process ended by itself: {status}");
        self.told.clone()
    }

    /// Reads one line; false at the end of the pipe.
    fn listen(&mut self) -> bool {
        let mut line = String::new();
        self.pipe.read_line(&mut line).unwrap();
        // A line is there in full or is not, because so few bytes go through a pipe at once.
        let Some(line) = line.strip_suffix('\n') else { return false };
        if let Some((_, stage)) = STAGES.iter().find(|(text, _)| *text == line) {
            self.told.stage = *stage;
        } else if self.told.stage == Stage::Changing {
            let numbers: Option<Vec<u64>> = line.split(' ').map(|number| number.parse().ok()).collect();
            let Some(&[writer, number]) = numbers.as_deref() else { panic!("the process says {line:?}") };
            let last = &mut self.told.acknowledged[usize::try_from(writer).unwrap()];
            assert!(number > *last, "change {number} was acknowledged after {last}");
            *last = number;
        }
        true
    }
}

impl Drop for Victim {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
