//! The file of a database that we open ourselves: where it is, what messages call it, and the lock that makes it ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::beside;
use super::lock::FileLock;
use crate::error::{Error, Quoted, Result};

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
        check_log(&self.path, &self.name)
    }
}

/// Refuses a write-ahead log whose database is gone: SQLite would make a new database and delete the log. Says
/// whether there is anything in the log.
pub(super) fn check_log(path: &Path, name: &str) -> Result<bool> {
    let has_log = length(&beside(path, "-wal")) > 0;
    // SQLite takes a single byte for an empty file, too.
    if has_log && length(path) <= 1 {
        return Err(Error::corrupt(
            format!("cannot open {name}"),
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
