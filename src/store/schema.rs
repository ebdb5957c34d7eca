//! The table `peers`: how it is made, and how one that is already there is recognised.

use rusqlite::{Connection, OptionalExtension as _};

use super::layout::{Layout, TIMESTAMP};
use crate::error::{ADVICE_CORRUPT, Error, Result};

/// The table as the specification has it, to the letter.
pub const SCHEMA: &str = "CREATE TABLE peers (
    ip VARCHAR(15) NOT NULL,
    port INT NOT NULL CHECK (port > 0 AND port <= 65535),
    nextattempt INTEGER NOT NULL,
    numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL,
    type INT NOT NULL,
    PRIMARY KEY (ip, port)
)";

/// Whether a declared type, in upper case, will do.
type Rule = fn(&str) -> bool;

/// The columns, whether each is part of the primary key, and what its declared type must be.
const COLUMNS: [(&str, bool, Rule); 5] = [
    ("ip", true, is_text),
    ("port", true, is_integer),
    ("nextattempt", false, |declared| is_integer(declared) || declared == TIMESTAMP),
    ("numfailures", false, is_integer),
    ("type", false, is_integer),
];

/// Whether values in a column of this type are stored as integers. Of both rules, this one goes first
/// (<https://www.sqlite.org/datatype3.html#determination_of_column_affinity>).
fn is_integer(declared: &str) -> bool {
    declared.contains("INT")
}

/// Whether values in a column of this type are stored as text.
fn is_text(declared: &str) -> bool {
    !is_integer(declared) && ["CHAR", "TEXT", "CLOB"].iter().any(|part| declared.contains(part))
}

const ANOTHER_PATH: &str = "; the file is left as it is: give another path";

/// Whether a database has its table `peers` already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Present(Table),
    Absent,
}

/// What a table `peers` is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) layout: Layout,
    /// The index of its primary key, quoted for SQL; a table WITHOUT ROWID is that index itself.
    pub(super) key_index: Option<String>,
    /// A name of the row number that no column has.
    pub(super) rowid: &'static str,
}

/// Looks for the table, and refuses one that is neither the specification's nor stellar-core's. Writes nothing.
pub(super) fn inspect(conn: &Connection, name: &str) -> Result<Presence> {
    let action = || format!("cannot use {name}");
    let failed = |error: rusqlite::Error| Error::sqlite(action(), &error);
    let kind: Option<String> = conn
        .query_row(
            "SELECT type FROM main.sqlite_master WHERE lower(name) = 'peers' AND type IN ('table', 'view')",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(|error| match error {
            // A number of the header that has no error code of its own.
            rusqlite::Error::SqliteFailure(_, Some(detail)) if detail == "unsupported file format" => {
                Error::corrupt(action(), detail, ADVICE_CORRUPT)
            }
            error => failed(error),
        })?;
    match kind.as_deref() {
        None => return Ok(Presence::Absent),
        Some("table") => {}
        Some(kind) => {
            return Err(Error::corrupt(
                action(),
                format!("its peers is a {kind}, not a table"),
                ANOTHER_PATH,
            ));
        }
    }
    let columns = columns(conn).map_err(failed)?;
    let expected = |column: &Column| {
        COLUMNS.iter().any(|(name, is_key, is_right)| {
            column.name.eq_ignore_ascii_case(name) && column.is_key == *is_key && is_right(&column.declared)
        })
    };
    if columns.len() != COLUMNS.len() || !columns.iter().all(expected) {
        let found: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, c.declared)).collect();
        return Err(Error::corrupt(
            action(),
            format!(
                "its table peers has the columns ({}) instead of ip, a text, and the integers port, nextattempt (or a \
                 TIMESTAMP), numfailures and type with the primary key (ip, port)",
                found.join(", ")
            ),
            ANOTHER_PATH,
        ));
    }
    let key_index = key_index(conn).map_err(failed)?;
    let is_free = |name: &&&str| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let Some(&rowid) = ["rowid", "_rowid_", "oid"].iter().find(is_free) else {
        let detail = "its table peers has columns by all the names of a row's number";
        return Err(Error::corrupt(action(), detail, ANOTHER_PATH));
    };
    Ok(Presence::Present(Table { layout: layout_of(&columns), key_index, rowid }))
}

/// The index of the primary key, quoted for SQL, if the table is not that index itself.
fn key_index(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT name FROM pragma_index_list('peers', 'main') WHERE origin = 'pk' \
         AND EXISTS (SELECT 1 FROM main.sqlite_master AS m WHERE m.name = pragma_index_list.name)";
    let name: Option<String> = conn.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(name.map(|name| format!("\"{}\"", name.replace('"', "\"\""))))
}

/// The layout of the table, which is there.
pub(super) fn layout(conn: &Connection) -> rusqlite::Result<Layout> {
    columns(conn).map(|columns| layout_of(&columns))
}

fn layout_of(columns: &[Column]) -> Layout {
    let next_attempt = columns.iter().find(|column| column.name.eq_ignore_ascii_case("nextattempt"));
    next_attempt.map_or(Layout::Specification, |column| Layout::of(&column.declared))
}

struct Column {
    name: String,
    /// In upper case.
    declared: String,
    is_key: bool,
}

/// By SELECT, as everything on a borrowed connection; a host with an authorizer sees `SQLITE_PRAGMA` all the same.
fn columns(conn: &Connection) -> rusqlite::Result<Vec<Column>> {
    let mut statement = conn.prepare("SELECT name, type, pk FROM pragma_table_info('peers', 'main')")?;
    let rows = statement.query_map([], |row| {
        let declared = row.get::<_, String>(1)?.to_ascii_uppercase();
        Ok(Column { name: row.get(0)?, declared, is_key: row.get::<_, i64>(2)? > 0 })
    })?;
    rows.collect()
}
