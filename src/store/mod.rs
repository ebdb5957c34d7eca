//! The journal of the table: an SQLite database that holds what memory holds.
//!
//! No question is ever answered from here. A change is written first and applied to memory after it is
//! committed, so a write that fails leaves both as they were.
//!
//! A connection is either our own, set up as [`open`] says, or borrowed from a host that uses SQLite itself. On
//! a borrowed one nothing of the host's is touched: no PRAGMA, no hook, SAVEPOINT instead of BEGIN, and no
//! statement of ours lives between two calls.

mod agreement;
mod companions;
mod file;
mod guard;
#[cfg(unix)]
mod hold;
#[cfg(not(unix))]
#[path = "hold_elsewhere.rs"]
mod hold;
mod in_place;
mod layout;
mod load;
mod lock;
mod open;
mod quarantine;
mod row;
mod salvage;
mod schema;
mod shrink;
mod source;
mod timestamp;
mod write;

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::{Error, Result};
use crate::system::files::forget_last_error;
use crate::system::process::Process;
use guard::Guard;
use in_place::Whereabouts;
use layout::Layout;
use schema::Presence;

pub(crate) use file::DatabaseFile;
pub use layout::SCHEMA;
#[cfg(feature = "rusqlite")]
pub use load::load_all_from_db;
pub use quarantine::Quarantine;
pub(crate) use quarantine::quarantine;
pub(crate) use source::{is_same_file, read_peers};

/// A connection to the database, and how to speak of it.
#[derive(Debug)]
pub(crate) struct Store {
    conn: Connection,
    /// Whether the database has its table.
    presence: Presence,
    /// What messages call the database: its path in quotes, or the host's connection.
    name: String,
    /// For a database of our own. Dropped after the connection.
    owned: Option<Owned>,
}

/// What belongs to a database that is our own.
#[derive(Debug)]
struct Owned {
    /// Held for its locks, too, which keep other managers away.
    file: Arc<DatabaseFile>,
    guard: Guard,
    /// The process that opened it.
    process: Process,
    /// About how many rows the table has.
    rows: Cell<u64>,
    /// The bytes that the file had when it was last looked at.
    length: Cell<u64>,
    /// How often it was looked at.
    looks: Cell<u8>,
    /// What has become of it that cannot be undone.
    lost: Cell<Option<&'static str>>,
}

/// Once in so many changes, and at each flush, it is looked whether the log is there.
const LOOKS_AT_LOG: u8 = 32;

impl Store {
    /// Whether this process is a fork of the one that opened the database. It must not touch it then, not even to
    /// close it (<https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_>).
    pub(crate) fn is_forked(&self) -> bool {
        self.owned.as_ref().is_some_and(|owned| !owned.process.is_current())
    }

    /// In a fork of the process that opened the database: has SQLite forget it, with the file, the log and the locks, which
    /// are the parent's, left as they are. The store is then to be forgotten, too.
    ///
    /// SQLite's own advice is not to close a connection after a fork, because that may delete the log, and because another
    /// thread may have been in it. Neither can be here: the log is left, and the caller has the store's lock.
    pub(crate) fn abandon(&mut self) {
        let Some(owned) = &self.owned else { return };
        self.leave_the_log();
        if !self.conn.is_autocommit() {
            return;
        }
        if let Ok(empty) = Connection::open_in_memory() {
            drop(std::mem::replace(&mut self.conn, empty));
            owned.file.disown();
        }
    }

    /// What messages call the database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the database is, if it is in a file.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match &self.owned {
            Some(owned) => Some(owned.file.path().to_owned()),
            None => self.conn.path().filter(|path| !path.is_empty()).map(PathBuf::from),
        }
    }

    /// How the table is laid out; a new one is the specification's.
    fn layout(&self) -> Layout {
        match &self.presence {
            Presence::Present(table) => table.layout,
            Presence::Absent => Layout::Specification,
        }
    }

    /// The file of a database that is our own.
    pub(crate) fn file(&self) -> Option<Arc<DatabaseFile>> {
        self.owned.as_ref().map(|owned| Arc::clone(&owned.file))
    }

    fn check_process(&self, action: &str) -> Result<()> {
        if self.is_forked() { Err(Error::forked(format!("{action} {}", self.name))) } else { Ok(()) }
    }

    /// Before a change, and before a checkpoint: refuses in a fork, and if the file is not what was opened any more.
    ///
    /// Cost: one question to the system.
    fn check(&self, action: &str) -> Result<()> {
        self.look(action, false)
    }

    fn look(&self, action: &str, is_flush: bool) -> Result<()> {
        self.check_process(action)?;
        forget_last_error();
        let Some(owned) = &self.owned else { return Ok(()) };
        let gone = |what| Err(Error::gone(format!("{action} {}", self.name), what));
        if let Some(what) = owned.lost.get() {
            return gone(what);
        }
        match owned.file.whereabouts() {
            Whereabouts::InPlace(length) => {
                if length < owned.length.get() && !self.is_whole(length)? {
                    owned.lost.set(Some("the file was cut off while it was open"));
                    // To move the log into what is left would make it no better, and the log may have all there is.
                    self.leave_the_log();
                    return self.check(action);
                }
                owned.length.set(length);
                // The log less often: what is in one that was deleted is not lost as long as this process lives.
                owned.looks.set(owned.looks.get().wrapping_add(1));
                if !owned.looks.get().is_multiple_of(LOOKS_AT_LOG) && !is_flush || owned.file.has_log() {
                    return Ok(());
                }
                owned.lost.set(Some("its write-ahead log was deleted or replaced while it was open"));
                // SQLite still has it, with all that was committed.
                let _ = self.conn.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()));
                self.leave_the_log();
                self.check(action)
            }
            Whereabouts::Deleted => gone("the file was deleted while it was open"),
            Whereabouts::Moved => gone("the file was moved away while it was open"),
            Whereabouts::Replaced => {
                owned.lost.set(Some("another file was put in its place while it was open"));
                // To the file that is there now, the log of the other one would be damage.
                owned.file.set_log_aside(&file::stamp(&self.conn).unwrap_or_default());
                self.check(action)
            }
        }
    }

    /// Whether a file that has become shorter has all its pages: another program may have vacuumed it.
    ///
    /// Cost: linear, in the rare case that it has.
    fn is_whole(&self, length: u64) -> Result<bool> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count('main'), pragma_page_size('main')";
        let bytes: i64 = self
            .conn
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| Error::sqlite(format!("cannot read {}", self.name), &error))?;
        if i64::try_from(length).is_ok_and(|length| length == bytes) {
            return Ok(true);
        }
        // What it lacks may be in the log, if that program has written more since. A connection that has no page in memory
        // yet finds out; but one to an empty file would delete the log.
        Ok(length > 1 && self.path().is_some_and(|path| source::is_readable(&path, &self.name)))
    }

    /// When the connection is closed, SQLite shall neither move the log into the database nor delete it.
    fn leave_the_log(&self) {
        let _ = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    /// Makes all that was committed survive a loss of power. Cost: the pages changed since the last time.
    ///
    /// A borrowed connection is the application's to synchronise.
    pub(crate) fn flush(&self) -> Result<()> {
        if self.owned.is_none() {
            return Ok(());
        }
        self.look("cannot synchronise", true)?;
        let action = format!("cannot synchronise {}", self.name);
        let busy: bool = self
            .conn
            .query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))
            .map_err(|error| Error::sqlite(&*action, &error))?;
        if busy {
            let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(Error::sqlite(action, &rusqlite::Error::SqliteFailure(failure, None)));
        }
        Ok(())
    }
}

impl Drop for Store {
    /// SQLite deletes the log by its name when the last connection is closed: not if the name leads elsewhere by now.
    fn drop(&mut self) {
        if self.owned.as_ref().is_some_and(|owned| !owned.file.is_at_path()) {
            self.leave_the_log();
        }
    }
}
