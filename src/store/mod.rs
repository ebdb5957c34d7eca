//! The journal of the table: an SQLite database that holds what memory holds.
//!
//! No question is ever answered from here. A change is written first and applied to memory after it is
//! committed, so a write that fails leaves both as they were.
//!
//! A connection is either our own, set up as [`open`] says, or borrowed from a host that uses SQLite itself. On
//! a borrowed one nothing of the host's is touched: no PRAGMA, no hook, SAVEPOINT instead of BEGIN, and no
//! statement of ours lives between two calls.

mod load;
mod open;
mod schema;
mod write;

use rusqlite::Connection;

use crate::error::{Error, Result};

pub use load::load_all_from_db;
pub use schema::SCHEMA;

/// A connection to the database, and how to speak of it.
#[derive(Debug)]
pub(crate) struct Store {
    conn: Connection,
    ownership: Ownership,
    /// What messages call the database: its path in quotes, or the host's connection.
    name: String,
}

/// A row takes at least this many bytes of the file, in the table and in its index together.
const SHORTEST_ROW: i64 = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    Own,
    Borrowed,
}

impl Store {
    /// About how many peers there are to be read, never more than the file can hold: in a damaged one, SQLite may
    /// count rows that are not there. Cost: linear, but only in the pages of the smallest index.
    pub(crate) fn expected_rows(&self) -> Result<usize> {
        if self.ownership == Ownership::Borrowed {
            return Ok(0);
        }
        let sql = "SELECT min((SELECT count(*) FROM main.peers), page_count * page_size / ?1) \
                   FROM pragma_page_count('main'), pragma_page_size('main')";
        let rows = self.conn.query_row(sql, [SHORTEST_ROW], |row| row.get::<_, i64>(0));
        let rows = rows.map_err(|error| load::failed(&self.name, &error))?;
        Ok(usize::try_from(rows).unwrap_or(0))
    }

    /// Reads every valid peer; says how many rows were none.
    pub(crate) fn load_all(&self, each: impl FnMut(&crate::peer::PeerRecord)) -> Result<u64> {
        load::load_all(&self.conn, &self.name, each)
    }

    /// Makes all that was committed survive a loss of power. Cost: the pages changed since the last time.
    ///
    /// A borrowed connection is the host's to synchronise.
    pub(crate) fn flush(&self) -> Result<()> {
        if self.ownership == Ownership::Borrowed {
            return Ok(());
        }
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
