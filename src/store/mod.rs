//! The journal of the table: an SQLite database that holds what memory holds.
//!
//! No query is ever answered from here. A change is written first and applied to memory after it is
//! committed, so a write that fails leaves both as they were; with the durability DEFERRED it is the other way round,
//! and the file holds what memory held a little earlier.
//!
//! A connection is either our own, set up as [`open`] says, or borrowed from an application that uses SQLite itself. On
//! a borrowed one nothing of the application's is touched: no PRAGMA, no hook, SAVEPOINT instead of BEGIN, and no
//! statement of ours is kept between calls.

mod agreement;
mod bans;
mod companions;
mod connect;
mod data;
mod delete;
mod file;
mod guard;
mod history;
#[cfg(unix)]
mod hold;
#[cfg(not(unix))]
#[path = "hold_elsewhere.rs"]
mod hold;
mod in_place;
mod layout;
mod load;
mod lock;
mod numbers;
mod open;
mod quarantine;
mod row;
mod rows;
mod salvage;
mod schema;
mod shrink;
mod side;
mod source;
mod timestamp;
#[cfg(windows)]
mod windows_path;
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
use side::SideTables;

pub(crate) use file::DatabaseFile;
pub use layout::SCHEMA;
#[cfg(feature = "rusqlite")]
pub use load::load_all_from_db;
pub use quarantine::Quarantine;
pub(crate) use quarantine::quarantine;
pub(crate) use source::{Import, is_same_file, read_peers};

/// A connection to the database, and what is known about it.
#[derive(Debug)]
pub(crate) struct Store {
    conn: Connection,
    /// Whether the database has its table.
    presence: Presence,
    /// Which side tables it has.
    side: SideTables,
    /// Whether these have rows that belong to no peer: the table of histories, and that of data.
    has_strays: (bool, bool),
    /// How messages refer to the database: its path in quotes, or the application's connection.
    name: String,
    /// Present for a database of our own. Dropped after the connection.
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
    /// The length of the file in bytes when it was last checked.
    length: Cell<u64>,
    /// How often it was checked.
    looks: Cell<u8>,
    /// What happened to it that cannot be undone.
    lost: Cell<Option<&'static str>>,
}

/// One change in this many, and each flush, checks whether the log is there.
const LOOKS_AT_LOG: u8 = 32;

impl Store {
    /// Whether this process is a fork of the one that opened the database. It must not touch it then, not even to
    /// close it (<https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_>).
    pub(crate) fn is_forked(&self) -> bool {
        self.owned.as_ref().is_some_and(|owned| !owned.process.is_current())
    }

    /// In a fork of the process that opened the database: closes the connection and leaves the file, the log and the
    /// locks, which are the parent's, as they are. The caller must then leak the store, too.
    ///
    /// SQLite advises against closing a connection after a fork, because that may delete the log, and because another
    /// thread may have been using it. Neither can happen here: the log is left, and the caller holds the store's lock.
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

    /// Whether the connection is the application's.
    pub(crate) fn is_borrowed(&self) -> bool {
        self.owned.is_none()
    }

    /// How messages refer to the database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The path of the database, if it is in a file.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match &self.owned {
            Some(owned) => Some(owned.file.path().to_owned()),
            None => self.conn.path().filter(|path| !path.is_empty()).map(PathBuf::from),
        }
    }

    /// Which side tables there are. On a borrowed connection they are looked for each time: the application may have rolled
    /// back the change that created one.
    fn side_tables(&self) -> Result<SideTables> {
        if self.owned.is_some() {
            return Ok(self.side);
        }
        SideTables::inspect(&self.conn, self.layout())
            .map_err(|error| Error::sqlite(format!("cannot write to {}", self.name), &error))
    }

    /// How the table is laid out; a new one is the specification's.
    fn layout(&self) -> Layout {
        self.presence.layout()
    }

    /// The file of a database that is our own.
    pub(crate) fn file(&self) -> Option<Arc<DatabaseFile>> {
        self.owned.as_ref().map(|owned| Arc::clone(&owned.file))
    }

    fn check_process(&self, action: &str) -> Result<()> {
        if self.is_forked() { Err(Error::forked(format!("{action} {}", self.name))) } else { Ok(()) }
    }

    /// Before a change, and before a checkpoint: refuses in a fork, and if the file is no longer the one that was opened.
    ///
    /// Cost: one system call as long as it is.
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
                    // Moving the log into what is left would not repair it, and the log may hold all that survives.
                    self.leave_the_log();
                    return self.check(action);
                }
                owned.length.set(length);
                // The log is checked less often: what a deleted log holds is not lost as long as this process lives.
                owned.looks.set(owned.looks.get().wrapping_add(1));
                if owned.looks.get() % LOOKS_AT_LOG != 0 && !is_flush || owned.file.has_log() {
                    return Ok(());
                }
                owned.lost.set(Some("its write-ahead log was deleted or replaced while it was open"));
                // SQLite still has it open, with everything that was committed.
                let _ = self.conn.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()));
                self.leave_the_log();
                self.check(action)
            }
            Whereabouts::Deleted => gone("the file was deleted while it was open"),
            Whereabouts::Moved => gone("the file was moved away while it was open"),
            Whereabouts::Replaced => {
                owned.lost.set(Some("another file was put in its place while it was open"));
                // The log belongs to the other file, and would damage the one that is there now.
                owned.file.set_log_aside(&file::stamp(&self.conn).unwrap_or_default());
                self.check(action)
            }
        }
    }

    /// Whether a file that has become shorter still has all its pages: another program may have vacuumed it.
    ///
    /// Cost: linear in the file if its length is not what SQLite expects, which is rare.
    fn is_whole(&self, length: u64) -> Result<bool> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count('main'), pragma_page_size('main')";
        let bytes: i64 = self
            .conn
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| Error::sqlite(format!("cannot read {}", self.name), &error))?;
        if i64::try_from(length).is_ok_and(|length| length == bytes) {
            return Ok(true);
        }
        // What it lacks may be in the log, if that program has written more since. A new connection, which has no page in
        // memory, finds out; but not on an empty file, because it would delete the log.
        Ok(length > 1 && self.path().is_some_and(|path| source::is_readable(&path, &self.name)))
    }

    /// Keeps SQLite from moving the log into the database, and from deleting it, when the connection is closed.
    fn leave_the_log(&self) {
        let _ = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    /// Runs a checkpoint, so that everything committed survives a loss of power. Cost: the pages changed since the last one.
    ///
    /// Does nothing on a borrowed connection, where checkpoints are the application's business.
    pub(crate) fn flush(&self) -> Result<()> {
        if self.owned.is_none() {
            return Ok(());
        }
        self.look("cannot fsync", true)?;
        let action = format!("cannot fsync {}", self.name);
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
    /// SQLite deletes the log by name when the last connection is closed, so it must not if the name leads elsewhere now.
    fn drop(&mut self) {
        if self.owned.as_ref().is_some_and(|owned| !owned.file.is_at_path()) {
            self.leave_the_log();
        }
    }
}
