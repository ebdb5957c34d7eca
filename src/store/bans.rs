//! The table of bans, which is created when the first ban is written. Its key is the ban's subject as text, and its only tree
//! is in that order.
//!
//! A file with stellar-core's layout is stellar-core's own: it gets no table of ours, and bans live in memory there.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::delete::{MANY, delete_each};
use super::guard::Guard;
use super::layout::Layout;
use super::rows::Failure;
use super::{Store, guard, shrink};
use crate::address::PeerAddress;
use crate::bans::{Ban, BanChange, BanSubject};
use crate::error::{ADVICE_CORRUPT, Error, Result};

/// The table, word for word: no other is read or written. `until` is in seconds since the Unix epoch.
const SCHEMA: &str = "CREATE TABLE peer_manager_bans (subject TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID";

const FIND_TABLE: &str =
    "SELECT coalesce(sql, '') FROM main.sqlite_master WHERE lower(name) = 'peer_manager_bans'";
const READ: &str = "SELECT subject, until FROM main.peer_manager_bans NOT INDEXED";
const PUT: &str = "INSERT OR ABORT INTO main.peer_manager_bans (subject, until) VALUES (?1, ?2) \
     ON CONFLICT (subject) DO UPDATE SET until = excluded.until";
const DELETE: &str = "DELETE FROM main.peer_manager_bans WHERE subject = ?1";

/// What is wrong with another table of that name.
const ANOTHER_TABLE: &str = "its table peer_manager_bans is not the one that this library makes";

/// Why reading stopped early.
enum Stop {
    Sqlite(rusqlite::Error),
    Damage(&'static str),
    /// The receiver of the bans has no memory for more.
    Full(Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Store {
    /// Reads every valid ban. Rows that are not valid bans are left where they are.
    pub(crate) fn load_bans(&self, each: &mut dyn FnMut(&Ban) -> Result<()>) -> Result<()> {
        if self.layout() != Layout::Specification {
            return Ok(());
        }
        let guard = self.owned.as_ref().map(|owned| &owned.guard);
        let action = || format!("cannot read the table peer_manager_bans of {}", self.name);
        read(&self.conn, guard, each).map_err(|stop| match stop {
            Stop::Sqlite(error) => guard::explain_limit(Error::sqlite(action(), &error), &action()),
            Stop::Damage(damage) => Error::corrupt(action(), damage, ADVICE_CORRUPT),
            Stop::Full(error) => error,
        })
    }

    /// Deletes peers and writes changes of bans, in one transaction.
    pub(crate) fn write_bans(&mut self, removed: &[PeerAddress], changes: &[BanChange]) -> Result<()> {
        let (layout, is_owned) = (self.layout(), self.owned.is_some());
        if layout != Layout::Specification && !layout.holds_any(removed) {
            return self.check_process("cannot write to");
        }
        self.in_transaction(removed.len() + changes.len(), &mut |conn, side| {
            delete_each(conn, layout, removed)?;
            side.delete_each(conn, removed)?;
            write(conn, layout, changes)?;
            if is_owned && removed.len() > MANY {
                shrink::give_back(conn)?;
            }
            Ok(())
        })
    }
}

fn read(
    conn: &Connection,
    guard: Option<&Guard>,
    each: &mut dyn FnMut(&Ban) -> Result<()>,
) -> std::result::Result<(), Stop> {
    // For the schema, and for rows that are not ours.
    let set_budget = || guard.into_iter().for_each(Guard::begin_schema);
    set_budget();
    match find_table(conn)? {
        Table::Absent => return Ok(()),
        Table::Another => return Err(Stop::Damage(ANOTHER_TABLE)),
        Table::Ours => {}
    }
    let mut statement = conn.prepare(READ)?;
    let mut rows = statement.query([])?;
    let mut last: Option<String> = None;
    while let Some(row) = rows.next()? {
        // The order of such texts is the same in each of the encodings that a database may have.
        let Ok(text) = row.get_ref(0)?.as_str() else { continue };
        if !text.is_ascii() {
            continue;
        }
        if last.as_deref().is_some_and(|last| text <= last) {
            return Err(Stop::Damage(OUT_OF_ORDER));
        }
        text.clone_into(last.get_or_insert_default());
        set_budget();
        if let (Some(subject), Ok(until)) = (BanSubject::parse_canonical(text), row.get_ref(1)?.as_i64()) {
            each(&Ban { subject, until }).map_err(Stop::Full)?;
        }
    }
    Ok(())
}

/// What is wrong with a table whose pages point to each other in a circle.
const OUT_OF_ORDER: &str = "its rows are not in the order of their keys";

/// What a database has under the name of the table.
enum Table {
    Absent,
    Ours,
    Another,
}

fn find_table(conn: &Connection) -> rusqlite::Result<Table> {
    let sql: Option<String> = conn.query_row(FIND_TABLE, [], |row| row.get(0)).optional()?;
    Ok(match sql.as_deref() {
        None => Table::Absent,
        Some(SCHEMA) => Table::Ours,
        Some(_) => Table::Another,
    })
}

/// Writes changes of bans, and creates the table if it is needed for that.
pub(super) fn write(conn: &Connection, layout: Layout, changes: &[BanChange]) -> Result<(), Failure> {
    if changes.is_empty() || layout != Layout::Specification {
        return Ok(());
    }
    // Looked up each time: on a borrowed connection the application may have rolled back the change that created it.
    match find_table(conn)? {
        Table::Ours => {}
        Table::Another => return Err(Failure::Damage(ANOTHER_TABLE)),
        // There is nothing to delete.
        Table::Absent if changes.iter().all(|change| change.until.is_none()) => return Ok(()),
        Table::Absent => conn.execute_batch(SCHEMA)?,
    }
    let (mut put, mut delete) = (conn.prepare_cached(PUT)?, conn.prepare_cached(DELETE)?);
    for BanChange { subject, until, .. } in changes {
        let subject = subject.to_string();
        match until {
            Some(until) if put.execute(params![subject, until])? == 0 => {
                return Err(Failure::Damage(NOT_WRITTEN));
            }
            Some(_) => {}
            // Another program may have deleted it.
            None => drop(delete.execute([subject])?),
        }
    }
    Ok(())
}

/// What is wrong with a table into which a row cannot be written although no error says so.
const NOT_WRITTEN: &str = "no row was written to its table peer_manager_bans";
