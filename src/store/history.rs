//! The table of histories, which is there only if they were ever kept. Its rows belong to those of `peers`, and are written
//! and deleted in the same transactions. A row without a peer (left by an older version, or by another program) is ignored,
//! and deleted at the next opening that keeps histories.
//!
//! The key begins with the port, so that no page of this table looks like one of peers or of their index: what reads a
//! damaged file page by page must not take a history for a peer.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::guard::Guard;
use super::row::key_from_row;
use super::rows::Failure;
use crate::address::{HostText, PeerAddress};
use crate::error::{ADVICE_CORRUPT, Error, Result};
use crate::history::{Noted, Times};

const SCHEMA: &str = "CREATE TABLE peer_manager_history (
    port INT NOT NULL,
    ip TEXT NOT NULL,
    firstheard INTEGER NOT NULL,
    lastheard INTEGER NOT NULL,
    firstreached INTEGER NOT NULL,
    lastreached INTEGER NOT NULL,
    lastattempt INTEGER NOT NULL,
    PRIMARY KEY (port, ip)
) WITHOUT ROWID";

const PUT: &str = "INSERT OR REPLACE INTO main.peer_manager_history \
     (port, ip, firstheard, lastheard, firstreached, lastreached, lastattempt) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const DELETE: &str = "DELETE FROM main.peer_manager_history WHERE port = ?1 AND ip = ?2";
const DELETE_ALL: &str = "DELETE FROM main.peer_manager_history";
/// To be run before the peers are deleted.
const DELETE_FAILED: &str = "DELETE FROM main.peer_manager_history WHERE (port, ip) IN \
     (SELECT port, ip FROM main.peers NOT INDEXED WHERE numfailures >= ?1)";
const DELETE_STRAYS: &str = "DELETE FROM main.peer_manager_history WHERE NOT EXISTS \
     (SELECT 1 FROM main.peers AS peer WHERE peer.ip = peer_manager_history.ip AND peer.port = peer_manager_history.port)";

/// A row takes at least this many bytes of the file.
const SHORTEST_ROW: i64 = 12;

/// Whether a database has the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Absent,
    Present,
    /// Something else has its name, and is left alone: histories are held in memory only.
    Another,
}

/// Looks for the table. Writes nothing.
pub(super) fn inspect(conn: &Connection) -> rusqlite::Result<Presence> {
    let sql = "SELECT sql FROM main.sqlite_master WHERE lower(name) = 'peer_manager_history'";
    let found: Option<Option<String>> = conn.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(match found {
        None => Presence::Absent,
        Some(Some(sql)) if sql == SCHEMA => Presence::Present,
        Some(_) => Presence::Another,
    })
}

/// Creates the table.
pub(super) fn create(conn: &Connection) -> Result<(), Failure> {
    Ok(conn.execute_batch(SCHEMA)?)
}

/// Writes histories, in place of those that there are.
pub(super) fn write<'a>(
    conn: &Connection,
    histories: impl IntoIterator<Item = (&'a PeerAddress, Times)>,
) -> Result<(), Failure> {
    let mut put = conn.prepare_cached(PUT)?;
    for (address, times) in histories {
        let host = HostText::of(address.host());
        let [first_heard, last_heard, first_reached, last_reached, last_attempt] = times.to_array();
        put.execute(params![
            address.port(),
            host.as_str(),
            first_heard,
            last_heard,
            first_reached,
            last_reached,
            last_attempt
        ])?;
    }
    Ok(())
}

/// As [`write`], of what was noted.
pub(super) fn write_noted(conn: &Connection, noted: &[Noted]) -> Result<(), Failure> {
    if noted.is_empty() {
        return Ok(());
    }
    write(conn, noted.iter().map(|noted| (&noted.address, noted.times)))
}

/// Deletes the histories of these peers, as far as they have some.
pub(super) fn delete_each(conn: &Connection, addresses: &[PeerAddress]) -> Result<(), Failure> {
    let mut delete = conn.prepare_cached(DELETE)?;
    for address in addresses {
        delete.execute(params![address.port(), HostText::of(address.host()).as_str()])?;
    }
    Ok(())
}

/// Deletes the histories of the peers that have failed so often; these must still be there.
pub(super) fn delete_with_failures(conn: &Connection, min_num_failures: u32) -> Result<(), Failure> {
    conn.prepare_cached(DELETE_FAILED)?.execute([min_num_failures])?;
    Ok(())
}

pub(super) fn delete_all(conn: &Connection) -> Result<(), Failure> {
    conn.prepare_cached(DELETE_ALL)?.execute([])?;
    Ok(())
}

/// Deletes the histories that have no peer.
pub(super) fn delete_strays(conn: &Connection) -> Result<(), Failure> {
    conn.prepare(DELETE_STRAYS)?.execute([])?;
    Ok(())
}

/// Gives each valid history to `each`; returns how many rows were not valid, or else had something wrong according to
/// `each`.
///
/// Cost: one pass over the table, which is limited by the size of the file: its pages may point to each other in a circle.
pub(super) fn read(
    conn: &Connection,
    name: &str,
    guard: Option<&Guard>,
    each: &mut dyn FnMut(PeerAddress, Times) -> Result<bool>,
) -> Result<u64> {
    let action = || format!("cannot read the table peer_manager_history of {name}");
    if let Some(guard) = guard {
        guard.begin_rows();
    }
    let failed = |error: rusqlite::Error| Error::sqlite(action(), &error);
    let bytes = "SELECT page_count * page_size FROM pragma_page_count('main'), pragma_page_size('main')";
    let bytes: i64 = conn.query_row(bytes, [], |row| row.get(0)).map_err(failed)?;
    let sql = "SELECT port, ip, firstheard, lastheard, firstreached, lastreached, lastattempt \
         FROM main.peer_manager_history";
    let mut statement = conn.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let (mut left, mut strays) = (bytes / SHORTEST_ROW, 0);
    while let Some(row) = rows.next().map_err(failed)? {
        left -= 1;
        if left < 0 {
            let detail = "its pages lead to more than there is room for in it";
            return Err(Error::corrupt(action(), detail, ADVICE_CORRUPT));
        }
        let is_known = match history_from_row(row).map_err(failed)? {
            Some((address, times)) => each(address, times)?,
            None => false,
        };
        strays += u64::from(!is_known);
    }
    Ok(strays)
}

/// The history in a row, if it is one.
fn history_from_row(row: &Row<'_>) -> rusqlite::Result<Option<(PeerAddress, Times)>> {
    let (ValueRef::Integer(port), ValueRef::Text(ip)) = (row.get_ref(0)?, row.get_ref(1)?) else {
        return Ok(None);
    };
    let mut times = [0; 5];
    for (column, time) in (2..).zip(&mut times) {
        let ValueRef::Integer(number) = row.get_ref(column)? else { return Ok(None) };
        *time = number;
    }
    Ok(key_from_row(ip, port).zip(Times::from_array(times)))
}
