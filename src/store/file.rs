//! The file of a database that we open ourselves: where it is, what messages call it, and what makes it ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::companions::{self, beside};
use super::hold::{self, Hold};
use super::in_place::{Place, Whereabouts};
use super::lock::FileLock;
use crate::error::{Error, Quoted, Result};
use crate::system::files::{Identity, Status};

/// How long to wait before trying again what nobody waits for.
pub(super) const RETRY: Duration = Duration::from_millis(2);

/// The longest busy timeout that SQLite can be given, some 24 days.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX.cast_unsigned() as u64);

/// As many links to a file as an operating system follows.
const MOST_LINKS: usize = 40;

/// The longest absolute path, in bytes, that SQLite opens on Unix: `MAX_PATHNAME` less the longest suffix and its end.
const LONGEST_PATH: usize = 504;

/// A database file that no other manager has open.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    name: String,
    place: Place,
    /// The file itself, from the moment that it is there. Ended before the lock.
    hold: Mutex<Option<Hold>>,
    /// Its write-ahead log and the index of that, once they are open.
    log: Mutex<Vec<(&'static str, Identity)>>,
    /// While the switch to the log is under way, the mode of the journal before.
    journal_mode: Mutex<String>,
    _lock: FileLock,
}

impl DatabaseFile {
    /// Makes the database at `path` ours, whether or not there is a file yet. Waits at most `timeout` for another
    /// manager.
    pub(crate) fn acquire(path: &Path, timeout: Duration) -> Result<Self> {
        let name = Quoted(&path.to_string_lossy()).to_string();
        let action = format!("cannot open {name}");
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(Error::cannot_open(action, "it is the path of a directory; give the path of a file"));
        }
        let path = resolve(path).map_err(|error| Error::io(&*action, &error))?;
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Error::cannot_open(action, "it is not a file; give the path of one"));
        }
        let length = path.as_os_str().len();
        if cfg!(unix) && length > LONGEST_PATH {
            let detail = format!(
                "its absolute path has {length} bytes, and SQLite takes {LONGEST_PATH}; use a shorter one"
            );
            return Err(Error::cannot_open(action, detail));
        }
        let lock = wait_for(timeout, &action, || FileLock::try_acquire(&path, &action))?;
        let place = Place::of(&path).map_err(|error| Error::io(&*action, &error))?;
        Ok(Self {
            path,
            name,
            place,
            hold: Mutex::new(None),
            log: Mutex::default(),
            journal_mode: Mutex::default(),
            _lock: lock,
        })
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

    /// Makes the file at the path ours, which is made if there is none, and looks at what is beside it. Waits at most
    /// `timeout` for another manager.
    pub(super) fn hold(&self, timeout: Duration) -> Result<()> {
        let action = format!("cannot open {}", self.name);
        let mut place = self.lock_hold();
        // After a file was set aside, there is another one.
        *place = None;
        let hold = place.insert(wait_for(timeout, &action, || Hold::try_acquire(&self.path, &action))?);
        companions::check(&self.path, || hold.is_in_use(), &action)
    }

    /// Where the file is now.
    pub(super) fn whereabouts(&self) -> Whereabouts {
        self.place.whereabouts(self.lock_hold().as_ref())
    }

    /// The bytes of the write-ahead log; 0 where there is none.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.place.log_bytes()
    }

    /// In a fork, once SQLite has forgotten the file: it may be opened again.
    #[cfg(unix)]
    pub(super) fn disown(&self) {
        if let Ok(hold) = self.hold.try_lock()
            && let Some(hold) = &*hold
        {
            hold::disown(hold.identity());
        }
    }

    #[cfg(not(unix))]
    pub(super) fn disown(&self) {}

    /// Notes which files the log is, once SQLite has it open.
    #[cfg(unix)]
    pub(super) fn note_log(&self) {
        let there = [("-wal", self.place.log()), ("-shm", self.place.index_of_log())]
            .map(|(suffix, status)| status.ok().map(|status| (suffix, status.identity)));
        *locked(&self.log) = there.into_iter().flatten().collect();
    }

    /// Whether the log is still the file that SQLite has open; `true` where that was not noted.
    #[cfg(unix)]
    pub(super) fn has_log(&self) -> bool {
        let noted =
            locked(&self.log).iter().find(|(suffix, _)| *suffix == "-wal").map(|&(_, identity)| identity);
        // Where this process may not look any more, it may still write to what it has open.
        let is_it = |status: io::Result<Status>| match status {
            Ok(status) => noted == Some(status.identity),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        noted.is_none() || is_it(self.place.log())
    }

    /// Whether the path, and not only the directory that was opened, still leads to the file. SQLite asks for the number of
    /// its inode, which on another file system may be another file's.
    #[cfg(unix)]
    pub(super) fn is_at_path(&self) -> bool {
        let held = self.lock_hold().as_ref().map(Hold::identity);
        held.is_some()
            && fs::symlink_metadata(&self.path).ok().map(|there| Status::of(&there).identity) == held
    }

    #[cfg(not(unix))]
    pub(super) fn has_log(&self) -> bool {
        true
    }

    #[cfg(not(unix))]
    pub(super) fn is_at_path(&self) -> bool {
        true
    }

    /// Gives the log, which is open, another name: another database is in the place of its own, and would take it for
    /// its log. Nothing that is not ours is touched.
    #[cfg(unix)]
    pub(super) fn set_log_aside(&self, stamp: &str) {
        let aside = free_name(&self.path, "replaced", stamp);
        for (suffix, identity) in std::mem::take(&mut *locked(&self.log)) {
            let path = beside(&self.path, suffix);
            if fs::symlink_metadata(&path).is_ok_and(|there| Status::of(&there).identity == identity) {
                let _ = fs::rename(path, beside(&aside, suffix));
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) fn note_log(&self) {}

    #[cfg(not(unix))]
    pub(super) fn set_log_aside(&self, _stamp: &str) {}

    /// Notes the mode of the journal that [`undo`](Self::undo) goes back to, if it is not the log.
    pub(super) fn note_journal_mode(&self, mode: String) {
        *locked(&self.journal_mode) = mode;
    }

    /// After an opening that has failed, and when the connection is closed: removes a file that we have made for it, and
    /// takes the switch to the log back in one that was there.
    pub(crate) fn undo(&self) {
        let mut hold = self.lock_hold();
        let mode = std::mem::take(&mut *locked(&self.journal_mode));
        if hold.as_ref().is_some_and(|hold| hold.is_new && self.place.is_there(hold)) {
            for suffix in companions::COMPANIONS.iter().map(|(suffix, _)| *suffix).chain([""]) {
                let _ = fs::remove_file(beside(&self.path, suffix));
            }
        } else if !mode.is_empty() && !mode.eq_ignore_ascii_case("wal") {
            // Without a log that others share, this also works on a file system that gives no memory to share.
            let sql = format!("PRAGMA main.locking_mode = EXCLUSIVE; PRAGMA main.journal_mode = {mode}");
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let _ = Connection::open_with_flags(&self.path, flags).and_then(|conn| conn.execute_batch(&sql));
        }
        *hold = None;
    }

    fn lock_hold(&self) -> MutexGuard<'_, Option<Hold>> {
        locked(&self.hold)
    }
}

/// What these mutexes guard is whole at every moment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The present in UTC, for the names of files.
pub(super) fn stamp(conn: &Connection) -> rusqlite::Result<String> {
    conn.query_row("SELECT strftime('%Y%m%dT%H%M%SZ', 'now')", [], |row| row.get(0))
}

/// A name that no file has, nor any that belongs to it: that of a database with what has become of it, and when.
pub(super) fn free_name(path: &Path, what: &str, stamp: &str) -> PathBuf {
    let is_free = |path: &PathBuf| {
        let suffixes = companions::COMPANIONS.iter().map(|(suffix, _)| *suffix).chain([""]);
        suffixes.into_iter().all(|suffix| beside(path, suffix).symlink_metadata().is_err())
    };
    let names = (1..).map(|n: u64| match n {
        1 => beside(path, &format!(".{what}-{stamp}")),
        n => beside(path, &format!(".{what}-{stamp}-{n}")),
    });
    names.into_iter().find(is_free).unwrap_or_else(|| beside(path, &format!(".{what}")))
}

/// Tries again and again, at most for `timeout`, to get what another manager has.
fn wait_for<T>(timeout: Duration, action: &str, try_once: impl Fn() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        match try_once()? {
            Some(it) => return Ok(it),
            None if began.elapsed() < timeout => std::thread::sleep(RETRY),
            None => return Err(Error::in_use(action)),
        }
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
