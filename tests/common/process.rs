//! This very test program once more, in a process of its own: to be another user of a file, or to be alone.
//!
//! A test program that wants [other users](Other) has a test `a_process_of_its_own` that calls [`play`].

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::common::ipv4;
use crate::common::run::{pass_on, program, skip, this_test};
use peer_manager::{Durability, Error, OnCorrupt, Options, PeerManager};
use rusqlite::Connection;

const PART: &str = "PEER_MANAGER_TEST_PART";
const FILE: &str = "PEER_MANAGER_TEST_FILE";
/// Names the test that is alone in its process.
const ALONE: &str = "PEER_MANAGER_TEST_ALONE";
/// What the words of a part are marked with, among those of the harness.
const MARK: &str = "=> ";

/// Another process, killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Other {
    process: Child,
    orders: ChildStdin,
    words: BufReader<ChildStdout>,
}

impl Other {
    /// Starts a process that plays a part on a database.
    pub(crate) fn start(part: &str, database: &Path) -> Self {
        Self::spawn(program(&env::current_exe().unwrap()), part, database).unwrap()
    }

    /// As [`start`](Self::start), as a user whom permissions bind: this one, or nobody if this one may do everything.
    /// `None` where there is no such user.
    #[cfg(unix)]
    pub(crate) fn start_bound_by_permissions(part: &str, database: &Path) -> Option<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        use std::os::unix::process::CommandExt as _;
        const NOBODY: u32 = 65_534;
        let directory = tempfile::tempdir().unwrap();
        let probe = directory.path().join("probe");
        fs::write(&probe, "").unwrap();
        fs::set_permissions(&probe, fs::Permissions::from_mode(0o444)).unwrap();
        if fs::OpenOptions::new().append(true).open(&probe).is_err() {
            return Some(Self::start(part, database));
        }
        // The program may be where no other user may read. A copy by another process: were this one to have it open for
        // writing, a process that another thread starts meanwhile would, too, and the system would not run it.
        let copied = directory.path().join("program");
        let copy = Command::new("cp").arg(env::current_exe().unwrap()).arg(&copied).status();
        assert!(copy.unwrap().success());
        for path in [directory.path(), &copied] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = program(&copied);
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        match Self::spawn(command, part, database) {
            Ok(other) => Some(other),
            Err(error) => {
                skip(&format!("no process of another user: {error}"));
                None
            }
        }
    }

    fn spawn(mut command: Command, part: &str, database: &Path) -> std::io::Result<Self> {
        command.args(only("a_process_of_its_own"));
        command.env(PART, part).env(FILE, database);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (orders, words) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut other = Self { process, orders, words: BufReader::new(words) };
        // It runs now, so its program is not needed any more.
        assert_eq!(other.word(), "here");
        Ok(other)
    }

    /// What it says next.
    pub(crate) fn word(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.words.read_line(&mut line).unwrap(), 0, "the other process has ended");
            // The harness writes the name of the test before, on the same line.
            if let Some((_, word)) = line.trim_end().split_once(MARK) {
                return word.to_owned();
            }
        }
    }

    /// Tells it to go on.
    pub(crate) fn go_on(&mut self) {
        self.orders.write_all(b"go on\n").unwrap();
    }

    /// Waits for its end, which must be an orderly one.
    pub(crate) fn end(mut self) {
        assert!(self.process.wait().unwrap().success());
    }

    /// Ends it as the system would, in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One test of this program, in a process of its own.
pub(crate) fn command_of(test: &str) -> Command {
    let mut command = program(&env::current_exe().unwrap());
    command.args(only(test));
    command
}

/// The arguments that let this program run one test only, and show what it prints.
fn only(test: &str) -> [&str; 4] {
    ["--exact", test, "--nocapture", "--test-threads=1"]
}

/// Does this in a process in which the test that calls it is the only one: it changes, or counts, what is one for the whole
/// process.
pub(crate) fn alone(part: impl FnOnce()) {
    let test = this_test();
    if env::var(ALONE).is_ok_and(|alone| alone == test) {
        return part();
    }
    let output = command_of(&test).env(ALONE, &test).output().unwrap();
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success() && stdout.contains(" 1 passed;"), "{stdout}\n{stderr}");
    print!("{stdout}");
    pass_on(&stderr);
}

fn say(word: &str) {
    println!("{MARK}{word}");
}

fn wait_for_the_word() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

/// Plays the part that the environment names.
pub(crate) fn play() {
    let (Ok(part), Some(file)) = (env::var(PART), env::var_os(FILE)) else { return };
    let path = PathBuf::from(file);
    say("here");
    let mut options = Options {
        db_path: Some(path.clone()),
        busy_timeout: Duration::from_millis(1),
        flush_interval: Duration::from_millis(1),
        ..Options::default()
    };
    match part.as_str() {
        // Opens the file, and says what came of it.
        "open" => say(&outcome(options)),
        "open, with quarantine" => {
            options.on_corrupt = OnCorrupt::Quarantine;
            say(&outcome(options));
        }
        // Has the file open, with one more peer, until it is told to go on.
        "have" | "have, deferred" => {
            if part != "have" {
                options.durability = Durability::Deferred;
            }
            let manager = PeerManager::open(options).unwrap();
            manager.ensure_exists(&ipv4(1_000)).unwrap();
            manager.flush().unwrap();
            say("open");
            wait_for_the_word();
        }
        // Writes one peer after the other until it is killed; says each that is committed.
        "write" => {
            let manager = PeerManager::open(options).unwrap();
            for n in 0.. {
                manager.ensure_exists(&ipv4(n)).unwrap();
                say(&n.to_string());
            }
        }
        // Is another program, which locks the file for writing, if it can.
        "lock" => {
            let connection = Connection::open(path).unwrap();
            connection.busy_timeout(Duration::ZERO).unwrap();
            match connection.execute_batch("BEGIN IMMEDIATE") {
                Ok(()) => say("locked"),
                Err(error) => say(&error.to_string()),
            }
            wait_for_the_word();
        }
        // Is another program, which reads in one transaction.
        "read" => {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("BEGIN").unwrap();
            let count = || -> i64 {
                connection.query_row("SELECT count(*) FROM peers", [], |row| row.get(0)).unwrap()
            };
            let before = count();
            say("reading");
            wait_for_the_word();
            assert_eq!(count(), before, "a reader sees one moment");
            connection.execute_batch("COMMIT").unwrap();
            say(&count().to_string());
        }
        other => panic!("no part is called {other}"),
    }
}

fn outcome(options: Options) -> String {
    match PeerManager::open(options) {
        Ok(manager) => format!("open with {} peers", manager.peer_count()),
        Err(Error::Busy(error)) => format!("Busy: {}", Error::Busy(error)),
        Err(Error::Database(error)) => format!("Database: {}", Error::Database(error)),
        Err(Error::Corrupt(error)) => format!("Corrupt: {}", Error::Corrupt(error)),
        Err(error) => format!("unexpected: {error}"),
    }
}
