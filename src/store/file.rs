//! The file of a database that we open ourselves: where it is, what messages call it, and the lock that makes it ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ffi};

use super::beside;
use super::lock::FileLock;
use crate::error::{ADVICE_CORRUPT, Error, Quoted, Result};

/// As many links to a file as an operating system follows.
const MOST_LINKS: usize = 40;

/// A database file that no other manager has open.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    name: String,
    _lock: FileLock,
}

impl DatabaseFile {
    /// Makes the database at `path` ours, whether or not there is a file yet. Waits at most `timeout` for another
    /// manager.
    pub(crate) fn acquire(path: &Path, timeout: Duration) -> Result<Self> {
        let name = Quoted(&path.to_string_lossy()).to_string();
        let cannot_open = || format!("cannot open {name}");
        let path = resolve(path).map_err(|error| Error::io(cannot_open(), &error))?;
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Error::cannot_open(cannot_open(), "it is not a file; give the path of one"));
        }
        let lock = FileLock::acquire(&path, &name, timeout)?;
        Ok(Self { path, name, _lock: lock })
    }

    /// Where the file is: absolute, and no symbolic link, so that what belongs to it is beside it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as it was given, in quotes.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// As [`check_log`], of this database.
    pub(super) fn check_log(&self) -> Result<bool> {
        check_log(&self.path, &format!("cannot open {}", self.name))
    }
}

/// Refuses a write-ahead log whose database is gone: SQLite would make a new database and delete the log; and a journal
/// that is no file: SQLite would wait for whoever writes to a pipe. Says whether there is anything in the log.
pub(super) fn check_log(path: &Path, action: &str) -> Result<bool> {
    let journal = beside(path, "-journal");
    if fs::metadata(&journal).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::cannot_open(
            action,
            "what is beside it in the place of its journal is not a file; move it away",
        ));
    }
    let has_log = length(&beside(path, "-wal")) > 0;
    // SQLite takes a single byte for an empty file, too.
    if has_log && length(path) <= 1 {
        return Err(Error::corrupt(
            action,
            "its write-ahead log is there, but the database is not",
            "; put the database back, or move the log away",
        ));
    }
    Ok(has_log)
}

/// Whether the database at `path` has all of these bytes, or a log from which some of them may come.
pub(super) fn reaches(path: &Path, bytes: i64) -> bool {
    length(&beside(path, "-wal")) > 0 || i64::try_from(length(path)).is_ok_and(|there| there >= bytes)
}

/// After how many of its steps SQLite is asked whether it should go on.
const STEPS_A_TURN: u16 = 10_000;
/// Enough turns for any small file.
const TURNS: u64 = 100;
/// To read all of a file takes some ten steps for a row, and a row more bytes than that.
const STEPS_A_BYTE: u64 = 10;

/// Has SQLite give up (`SQLITE_INTERRUPT`) when it has taken many more steps than it needs to read all of the database
/// at `path`: the pages of a hostile file may lead to each other again and again, those of its schema too, which SQLite
/// reads to the end before it answers anything. On a connection of our own only.
pub(super) fn limit_steps(conn: &Connection, path: &Path) -> rusqlite::Result<()> {
    let bytes = length(path).saturating_add(length(&beside(path, "-wal")));
    let mut left = TURNS.saturating_add(bytes.saturating_mul(STEPS_A_BYTE) / u64::from(STEPS_A_TURN));
    let is_enough = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    conn.progress_handler(STEPS_A_TURN.into(), Some(is_enough))
}

/// Has SQLite take as many steps as it likes again.
pub(super) fn unlimit_steps(conn: &Connection) -> rusqlite::Result<()> {
    conn.progress_handler(0, None::<fn() -> bool>)
}

/// What is wrong with a database on which SQLite gave up, if that is the error.
pub(super) fn explain_limit(error: Error, action: &str) -> Error {
    match error.sqlite_code() {
        ffi::SQLITE_INTERRUPT => {
            Error::corrupt(action, "its pages lead to more than there is room for in it", ADVICE_CORRUPT)
        }
        _ => error,
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The path with all symbolic links followed; the file itself need not be there.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    let file_name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(fs::canonicalize(directory)?.join(file_name))
}
