//! The file of a database that we open ourselves: where it is, how messages refer to it, and what makes it ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::companions::{self, sibling};
use super::connect;
#[cfg(unix)]
use super::hold;
use super::hold::Hold;
use super::in_place::{Place, Whereabouts};
use super::lock::FileLock;
use crate::error::{Error, Quoted, Result};
#[cfg(unix)]
use crate::system::files::{Identity, Status};

/// How long to sleep between attempts where SQLite does not wait by itself.
pub(super) const RETRY: Duration = Duration::from_millis(2);

/// The longest busy timeout that SQLite can be given, some 24 days.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(u32::MAX as u64 / 2);

/// How many symbolic links an operating system follows.
const MOST_LINKS: usize = 40;

/// The longest absolute path, in bytes, that SQLite opens on Unix: `MAX_PATHNAME` less the longest suffix and its end.
const LONGEST_PATH: usize = 504;

/// A database file that no other manager has open.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    name: String,
    place: Place,
    /// The file itself, once it exists. Dropped before the lock.
    hold: Mutex<Option<Hold>>,
    /// Its write-ahead log and the log's index, once they are open.
    #[cfg(unix)]
    log: Mutex<Vec<(&'static str, Identity)>>,
    /// During the switch to WAL, the journal mode before it.
    journal_mode: Mutex<String>,
    _lock: FileLock,
}

impl DatabaseFile {
    /// Takes the lock of the database at `path`, whether or not there is a file yet. Waits at most `timeout` for another
    /// manager.
    pub(crate) fn acquire(path: &Path, timeout: Duration) -> Result<Self> {
        let name = Quoted(&path.to_string_lossy()).to_string();
        let action = format!("cannot open {name}");
        if path.as_os_str().as_encoded_bytes().ends_with(b"/")
            || cfg!(windows) && path.as_os_str().as_encoded_bytes().ends_with(b"\\")
        {
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
            #[cfg(unix)]
            log: Mutex::default(),
            journal_mode: Mutex::default(),
            _lock: lock,
        })
    }

    /// The path of the file: absolute, and not a symbolic link, so that what belongs to the file is next to it.
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

    /// Takes the file at the path, or creates it if there is none, and checks what is next to it. Waits at most `timeout`
    /// for another manager.
    pub(super) fn hold(&self, timeout: Duration) -> Result<()> {
        let action = format!("cannot open {}", self.name);
        let mut place = self.lock_hold();
        // After a quarantine there is another file.
        *place = None;
        let hold = place.insert(wait_for(timeout, &action, || Hold::try_acquire(&self.path, &action))?);
        companions::check(&self.path, || hold.is_in_use(), &action)
    }

    /// Whether the file is still in its place, and what happened to it if not.
    pub(super) fn whereabouts(&self) -> Whereabouts {
        self.place.whereabouts(self.lock_hold().as_ref())
    }

    /// The bytes of the write-ahead log; 0 where there is none.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.place.log_bytes()
    }

    /// In a fork, once SQLite has given the file up: it may be opened again.
    #[cfg(unix)]
    pub(super) fn disown(&self) {
        let hold = self.hold.try_lock();
        if let Some(hold) = hold.ok().as_ref().and_then(|hold| hold.as_ref()) {
            hold::disown(hold.identity());
        }
    }

    #[cfg(not(unix))]
    pub(super) fn disown(&self) {}

    /// Remembers which files the log and its index are, once SQLite has them open.
    #[cfg(unix)]
    pub(super) fn note_log(&self) {
        let there = [("-wal", self.place.log()), ("-shm", self.place.index_of_log())]
            .map(|(suffix, status)| status.ok().map(|status| (suffix, status.identity)));
        *locked(&self.log) = there.into_iter().flatten().collect();
    }

    /// Whether the log is still the file that SQLite has open; `true` where that is not known.
    #[cfg(unix)]
    pub(super) fn has_log(&self) -> bool {
        let noted =
            locked(&self.log).iter().find(|(suffix, _)| *suffix == "-wal").map(|&(_, identity)| identity);
        // A process that may no longer look may still write to what it has open.
        let is_it = |status: io::Result<Status>| match status {
            Ok(status) => noted == Some(status.identity),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        noted.is_none() || is_it(self.place.log())
    }

    /// Whether the path, and not only the name in the directory that was opened, still leads to the file. SQLite compares
    /// only inode numbers, which another file system may use for another file.
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

    /// Renames the open log, because another database has taken the place of its own and would use it as its log. Touches
    /// only files that are ours.
    #[cfg(unix)]
    pub(super) fn set_log_aside(&self, stamp: &str) {
        let aside = free_name(&self.path, "replaced", stamp);
        for (suffix, identity) in std::mem::take(&mut *locked(&self.log)) {
            let path = sibling(&self.path, suffix);
            if fs::symlink_metadata(&path).is_ok_and(|there| Status::of(&there).identity == identity) {
                let _ = fs::rename(path, sibling(&aside, suffix));
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) fn note_log(&self) {}

    #[cfg(not(unix))]
    pub(super) fn set_log_aside(&self, _stamp: &str) {}

    /// Remembers the journal mode that [`undo`](Self::undo) goes back to, if it is not WAL.
    pub(super) fn note_journal_mode(&self, mode: String) {
        *locked(&self.journal_mode) = mode;
    }

    /// After opening has failed, and the connection is closed: removes the file if we created it, and undoes the switch to
    /// WAL in one that was there before.
    pub(crate) fn undo(&self) {
        let mut hold = self.lock_hold();
        let mode = std::mem::take(&mut *locked(&self.journal_mode));
        if hold.as_ref().is_some_and(|hold| hold.is_new && self.place.is_there(hold)) {
            for suffix in companions::COMPANIONS.iter().map(|(suffix, _)| *suffix).chain([""]) {
                let _ = fs::remove_file(sibling(&self.path, suffix));
            }
        } else if !mode.is_empty() && !mode.eq_ignore_ascii_case("wal") {
            // With exclusive locking, this also works on a file system without shared memory.
            let sql = format!("PRAGMA main.locking_mode = EXCLUSIVE; PRAGMA main.journal_mode = {mode}");
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let _ = connect::open(&self.path, flags).and_then(|conn| conn.execute_batch(&sql));
        }
        *hold = None;
    }

    fn lock_hold(&self) -> MutexGuard<'_, Option<Hold>> {
        locked(&self.hold)
    }
}

/// A panic does not matter: what these mutexes guard is always consistent.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The current time in UTC, for file names.
pub(super) fn stamp(conn: &Connection) -> rusqlite::Result<String> {
    conn.query_row("SELECT strftime('%Y%m%dT%H%M%SZ', 'now')", [], |row| row.get(0))
}

/// A free name, for which the names of everything that belongs to such a file are free, too: the database's name, with what
/// happened to it and when.
pub(super) fn free_name(path: &Path, what: &str, stamp: &str) -> PathBuf {
    let is_free = |path: &PathBuf| {
        let suffixes = companions::COMPANIONS.iter().map(|(suffix, _)| *suffix).chain([""]);
        suffixes.into_iter().all(|suffix| sibling(path, suffix).symlink_metadata().is_err())
    };
    let names = (1..).map(|n: u64| match n {
        1 => sibling(path, &format!(".{what}-{stamp}")),
        n => sibling(path, &format!(".{what}-{stamp}-{n}")),
    });
    names.into_iter().find(is_free).unwrap_or_else(|| sibling(path, &format!(".{what}")))
}

/// Retries for at most `timeout` while another manager has what is wanted.
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

/// Refuses a write-ahead log whose database is gone, because SQLite would create a new database and delete the log; and a
/// journal that is not a regular file, because SQLite would wait for the writer of a pipe. Returns whether the log holds
/// anything.
pub(super) fn check_log(path: &Path, action: &str) -> Result<bool> {
    let journal = sibling(path, "-journal");
    if fs::metadata(&journal).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::cannot_open(
            action,
            "in the place of its journal is something that is not a file; move it away",
        ));
    }
    let has_log = length(&sibling(path, "-wal")) > 0;
    // SQLite treats a file of one byte as empty, too.
    if has_log && length(path) <= 1 {
        return Err(Error::corrupt(
            action,
            "its write-ahead log is there, but the database is not",
            "; put the database back, or move the log away",
        ));
    }
    Ok(has_log)
}

/// Whether the database at `path` has at least this many bytes, or a log that may supply those that it lacks.
pub(super) fn reaches(path: &Path, bytes: i64) -> bool {
    length(&sibling(path, "-wal")) > 0 || i64::try_from(length(path)).is_ok_and(|there| there >= bytes)
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The path with all symbolic links resolved; the file itself need not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    #[cfg(not(windows))]
    let mut path = path.to_owned();
    #[cfg(windows)]
    let mut path = super::windows_path::absolute(path)?;
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    connect::canonical_directory(&path)
}
