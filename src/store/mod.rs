//! The journal of the table: an SQLite database that holds what memory holds.
//!
//! No question is ever answered from here. A change is written first and applied to memory after it is
//! committed, so a write that fails leaves both as they were.
//!
//! A connection is either our own, set up as [`open`] says, or borrowed from a host that uses SQLite itself. On
//! a borrowed one nothing of the host's is touched: no PRAGMA, no hook, SAVEPOINT instead of BEGIN, and no
//! statement of ours lives between two calls.

mod file;
mod layout;
mod load;
mod lock;
mod open;
mod quarantine;
mod salvage;
mod schema;
mod source;
mod timestamp;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::system::process::Process;
use layout::Layout;
use schema::Presence;

pub(crate) use file::DatabaseFile;
pub use load::load_all_from_db;
pub use quarantine::Quarantine;
pub(crate) use quarantine::quarantine;
pub use schema::SCHEMA;
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
    /// Held for its lock, too, which keeps other managers away.
    file: Arc<DatabaseFile>,
    /// The process that opened it.
    process: Process,
}

/// A file beside another: its path with a suffix behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

impl Store {
    /// Whether this process is a fork of the one that opened the database. It must not touch it then, not even to
    /// close it (<https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_>).
    pub(crate) fn is_forked(&self) -> bool {
        self.owned.as_ref().is_some_and(|owned| !owned.process.is_current())
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

    fn check_process(&self, action: &str) -> Result<()> {
        if self.is_forked() { Err(Error::forked(format!("{action} {}", self.name))) } else { Ok(()) }
    }

    /// Makes all that was committed survive a loss of power. Cost: the pages changed since the last time.
    ///
    /// A borrowed connection is the host's to synchronise.
    pub(crate) fn flush(&self) -> Result<()> {
        if self.owned.is_none() {
            return Ok(());
        }
        self.check_process("cannot synchronise")?;
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
