//! What a stranger's file may have SQLite do on a connection of our own: its schema can hold SQL that runs when we write,
//! and pages that lead to each other without an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ffi};

use crate::error::{ADVICE_CORRUPT, Error};

/// After how many of its steps SQLite is asked whether it should go on.
const STEPS_A_TURN: u16 = 10_000;

/// Enough turns to read the schema of any database: a table takes some ten steps, and to find out what is wrong with a
/// schema without an end takes less than a second.
const TURNS_FOR_SCHEMA: u64 = 500;

/// Enough turns for a change of one row, which takes less than a hundred steps.
const TURNS_FOR_CHANGE: u64 = 500;

/// The longest statement of a schema that is read.
const LONGEST_STATEMENT: i32 = 16_000_000;
/// The longest text, blob or row that SQLite makes when rows are read and written. Some functions that an expression of the
/// schema can call take the square of that in time.
const LONGEST_VALUE: i32 = 100_000;
/// A statement of ours takes less than two hundred instructions.
const MOST_INSTRUCTIONS: i32 = 100_000;
/// The time that LIKE and GLOB take grows fast with the length of the pattern.
const LONGEST_PATTERN: i32 = 100;

/// How many turns SQLite has left on a connection.
#[derive(Clone, Debug)]
pub(super) struct Guard(Arc<AtomicU64>);

impl Guard {
    /// Sets a connection of our own up for a file that may be anybody's: triggers, views and foreign keys are off, so a
    /// statement does what it says and no more; the schema may not call functions with effects; sizes of cells are
    /// checked; and SQLite gives up (`SQLITE_INTERRUPT`) when it has taken more steps than it is allowed.
    ///
    /// What is temporary is kept in memory: there may be no directory for it.
    pub(super) fn set_up(conn: &Connection) -> rusqlite::Result<Self> {
        for (option, is_on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false),
        ] {
            conn.set_db_config(option, is_on)?;
        }
        for (limit, most) in [
            (Limit::SQLITE_LIMIT_LENGTH, LONGEST_STATEMENT),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, LONGEST_STATEMENT),
            (Limit::SQLITE_LIMIT_VDBE_OP, MOST_INSTRUCTIONS),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        ] {
            conn.set_limit(limit, most)?;
        }
        conn.execute_batch("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY")?;
        let guard = Self(Arc::new(AtomicU64::new(u64::MAX)));
        let left = guard.clone();
        conn.progress_handler(i32::from(STEPS_A_TURN), Some(move || left.is_over()))?;
        Ok(guard)
    }

    /// From here on, the schema is read.
    pub(super) fn begin_schema(&self) {
        self.0.store(TURNS_FOR_SCHEMA, Ordering::Relaxed);
    }

    /// When the schema is read: from here on, no value is long.
    pub(super) fn end_schema(conn: &Connection) -> rusqlite::Result<()> {
        conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE).map(drop)
    }

    /// From here on, rows are read, each of which is looked at.
    pub(super) fn begin_rows(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    /// From here on, an index is read that should have so many entries.
    pub(super) fn begin_index(&self, entries: u64) {
        // An entry takes some eight steps.
        self.0.store(TURNS_FOR_SCHEMA.saturating_add(entries / 500), Ordering::Relaxed);
    }

    /// From here on, so many rows may be written or deleted.
    pub(super) fn begin_change(&self, rows: u64) {
        self.0.store(TURNS_FOR_CHANGE.saturating_add(rows), Ordering::Relaxed);
    }

    /// Counts a turn.
    fn is_over(&self) -> bool {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(1);
        self.0.store(left, Ordering::Relaxed);
        left == 0
    }
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

/// What is wrong with a database in which a change has no end, if that is the error.
pub(super) fn explain_endless_change(error: Error, action: &str) -> Error {
    match error.sqlite_code() {
        ffi::SQLITE_INTERRUPT => Error::corrupt(
            action,
            "what its schema has SQLite do for the change takes more steps than it may",
            ADVICE_CORRUPT,
        ),
        _ => error,
    }
}
