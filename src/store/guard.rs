//! Limits on what a stranger's file can make SQLite do on a connection of our own: its schema can hold SQL that runs when
//! we write, and its pages can point to each other in a circle.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ffi};

use crate::error::{ADVICE_CORRUPT, Error};
use crate::sync::PlainAtomicU64;

/// After how many of its virtual machine's steps SQLite asks whether it should go on: one turn.
const STEPS_A_TURN: u16 = 10_000;

/// Enough turns to read the schema of any database: a table takes some ten steps. A schema without an end is detected in less
/// than a second.
const TURNS_FOR_SCHEMA: u64 = 500;

/// Enough turns to change one row, which takes less than a hundred steps.
const TURNS_FOR_CHANGE: u64 = 500;

/// The longest statement of a schema that is read.
const LONGEST_STATEMENT: i32 = 16_000_000;
/// The longest text, blob or row that SQLite handles when rows are read and written. Some functions that an expression of
/// the schema can call take time quadratic in that length.
const LONGEST_VALUE: i32 = 100_000;
/// A statement of ours takes less than two hundred instructions.
const MOST_INSTRUCTIONS: i32 = 100_000;
/// The time of LIKE and GLOB grows fast with the length of the pattern.
const LONGEST_PATTERN: i32 = 100;

/// How many turns SQLite has left on a connection.
#[derive(Clone, Debug)]
pub(super) struct Guard(Arc<PlainAtomicU64>);

impl Guard {
    /// Sets up a connection of our own for a file that may come from a stranger: triggers, views and foreign keys are off, so a
    /// statement does what it says and no more; the schema may not call functions with side effects; sizes of cells are
    /// checked; and SQLite gives up (`SQLITE_INTERRUPT`) after more steps than are allowed.
    ///
    /// Temporary tables are kept in memory, because there may be no directory for them. On macOS and iOS, where fsync leaves
    /// what it wrote in the drive's cache, SQLite asks the drive to write that out (`F_FULLFSYNC`), which its default there
    /// does not; elsewhere the two are the same.
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
        conn.execute_batch("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA fullfsync = ON")?;
        let guard = Self(Arc::new(PlainAtomicU64::new(u64::MAX)));
        let left = guard.clone();
        conn.progress_handler(i32::from(STEPS_A_TURN), Some(move || left.is_over()))?;
        Ok(guard)
    }

    /// Sets the budget for reading the schema.
    pub(super) fn begin_schema(&self) {
        self.0.store(TURNS_FOR_SCHEMA, Ordering::Relaxed);
    }

    /// Once the schema is read: values are limited to [`LONGEST_VALUE`] from here on.
    pub(super) fn end_schema(conn: &Connection) -> rusqlite::Result<()> {
        conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE).map(drop)
    }

    /// Lifts the limit for reading rows, each of which is checked.
    pub(super) fn begin_rows(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    /// Sets the budget for reading an index that should have this many entries.
    pub(super) fn begin_index(&self, entries: u64) {
        // An entry takes some eight steps.
        self.0.store(TURNS_FOR_SCHEMA.saturating_add(entries / 500), Ordering::Relaxed);
    }

    /// Sets the budget for writing or deleting this many rows.
    pub(super) fn begin_change(&self, rows: u64) {
        self.0.store(TURNS_FOR_CHANGE.saturating_add(rows), Ordering::Relaxed);
    }

    /// Counts a turn; returns whether the budget is used up.
    fn is_over(&self) -> bool {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(1);
        self.0.store(left, Ordering::Relaxed);
        left == 0
    }
}

/// Explains the error if SQLite gave up on a database because the budget was used up, or because of a value that is too long.
pub(super) fn explain_limit(error: Error, action: &str) -> Error {
    match error.sqlite_code() {
        ffi::SQLITE_INTERRUPT => {
            Error::corrupt(action, "its pages refer to more than the file has room for", ADVICE_CORRUPT)
        }
        // Such a row cannot be skipped: SQLite stops at it.
        ffi::SQLITE_TOOBIG => {
            Error::corrupt(action, "it holds a text or a blob that is too long for any peer", ADVICE_CORRUPT)
        }
        _ => error,
    }
}

/// Explains the error if a change used up the budget.
pub(super) fn explain_endless_change(error: Error, action: &str) -> Error {
    match error.sqlite_code() {
        ffi::SQLITE_INTERRUPT => Error::corrupt(
            action,
            "the expressions of its schema take more steps than a change may",
            ADVICE_CORRUPT,
        ),
        _ => error,
    }
}
