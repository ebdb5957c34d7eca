//! The rows of peers: one per statement, or many new ones at once. The order of rows is the order of seniority.

use rusqlite::{Connection, ErrorCode, Statement, ToSql};
use smallvec::SmallVec;

use super::layout::Layout;
use super::timestamp::Timestamp;
use crate::address::{HostText, PeerAddress};
use crate::peer::PeerRecord;

/// Does what the specification's INSERT OR REPLACE does, but the row of a known peer keeps its place, and its entry in the
/// index is not touched: that is one page to write instead of three. A row with the same key in another spelling, or as
/// another type, is deleted first. OR ABORT overrides how the file's own constraints resolve a conflict (by ignoring it, or
/// by rolling everything back).
pub(super) const PUT: &str = "INSERT OR ABORT INTO main.peers (ip, port, nextattempt, numfailures, type) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (ip, port) DO UPDATE SET \
       nextattempt = excluded.nextattempt, numfailures = excluded.numfailures, type = excluded.type \
     WHERE typeof(ip) = 'text' AND ip = excluded.ip COLLATE BINARY AND typeof(port) = 'integer'";
/// How many new rows are written by one statement: beginning and ending one takes as long as writing a row.
const ROWS: usize = 20;
/// Writes the new rows, and leaves out those that conflict with an existing row or with one of the file's own constraints.
/// IGNORE, because with ABORT SQLite copies every page that the statement changes.
const INSERT_NEW: &str =
    "INSERT OR IGNORE INTO main.peers (ip, port, nextattempt, numfailures, type) VALUES (?, ?, ?, ?, ?)";

/// Why a change was not written.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    /// A constraint refuses this peer's row.
    Refused(PeerAddress, rusqlite::Error),
    /// No row was found to delete, but only because the index does not have it.
    NotInIndex(PeerAddress),
    /// The statement succeeded but wrote nothing.
    Ignored(PeerAddress),
    /// The file is not as it should be.
    Damage(&'static str),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Writes the rows of new peers that the layout can hold, in their order. With `at_once`, many are written by one statement,
/// and `write` gets only the groups in which something is in the way, and the last few rows.
///
/// Not generic: a copy for each use would be most of the code that writes.
pub(super) fn write_new<'a>(
    conn: &Connection,
    layout: Layout,
    at_once: bool,
    records: &mut dyn Iterator<Item = &'a PeerRecord>,
    write: &mut dyn FnMut(&PeerRecord) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut rows: SmallVec<[&PeerRecord; ROWS]> = SmallVec::new();
    loop {
        let next = records.next();
        rows.extend(next.filter(|record| layout.holds(&record.address)));
        if rows.len() < ROWS && next.is_some() {
            continue;
        }
        if !at_once || rows.len() < ROWS || !write_at_once(conn, layout, &rows)? {
            rows.iter().try_for_each(|row| write(row))?;
        }
        rows.clear();
        if next.is_none() {
            return Ok(());
        }
    }
}

/// Writes [`ROWS`] rows, and returns whether all of them are written.
fn write_at_once(conn: &Connection, layout: Layout, rows: &[&PeerRecord]) -> Result<bool, Failure> {
    let sql = INSERT_NEW.to_owned() + &", (?, ?, ?, ?, ?)".repeat(ROWS - 1);
    let mut insert = conn.prepare_cached(&sql)?;
    match write_rows(conn, &mut insert, layout, rows) {
        Ok(written) => Ok(written == ROWS),
        Err(Failure::Refused(..)) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Writes as many rows as the statement has places for; returns how many were written.
#[inline(never)]
pub(super) fn write_rows(
    conn: &Connection,
    statement: &mut Statement<'_>,
    layout: Layout,
    records: &[&PeerRecord],
) -> Result<usize, Failure> {
    let mut place = 0;
    for record in records {
        let host = HostText::of(record.address.host());
        let timestamp = (layout == Layout::StellarCore).then(|| Timestamp::of(record.next_attempt));
        let text = timestamp.as_ref().map(Timestamp::as_str);
        let next_attempt: &dyn ToSql = if text.is_some() { &text } else { &record.next_attempt };
        let values: [&dyn ToSql; 5] = [
            &host.as_str(),
            &record.address.port(),
            next_attempt,
            &record.num_failures,
            &(record.peer_type as u8),
        ];
        for value in values {
            place += 1;
            statement.raw_bind_parameter(place, value)?;
        }
    }
    statement.raw_execute().map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Failure::Refused(records[0].address.clone(), error),
        // An expression of the schema cannot be computed for this row, unless the table itself is gone.
        Some(
            ErrorCode::Unknown | ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::ParameterOutOfRange,
        ) if conn.prepare(PUT).is_ok() => Failure::Refused(records[0].address.clone(), error),
        _ => Failure::Sqlite(error),
    })
}
