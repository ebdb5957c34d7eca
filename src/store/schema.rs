//! The table `peers`: how it is made, and how one that is already there is recognised.

use rusqlite::{Connection, OptionalExtension as _};

use crate::error::{Error, Result};

/// The table as the specification has it, to the letter.
pub const SCHEMA: &str = "CREATE TABLE peers (
    ip VARCHAR(15) NOT NULL,
    port INT NOT NULL CHECK (port > 0 AND port <= 65535),
    nextattempt INTEGER NOT NULL,
    numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL,
    type INT NOT NULL,
    PRIMARY KEY (ip, port)
)";

/// The columns, whether each is part of the primary key, and what one of must occur in its declared type, so that
/// values are stored as what they are (<https://www.sqlite.org/datatype3.html#determination_of_column_affinity>).
const COLUMNS: [(&str, bool, &[&str]); 5] = [
    ("ip", true, &["CHAR", "TEXT", "CLOB"]),
    ("port", true, &["INT"]),
    ("nextattempt", false, &["INT", "TIMESTAMP"]),
    ("numfailures", false, &["INT"]),
    ("type", false, &["INT"]),
];

const ANOTHER_PATH: &str = "; the file is left as it is: give another path";

/// Whether a database has its table `peers` already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Present,
    Absent,
}

/// Looks for the table, and refuses one that is not the specification's. Writes nothing.
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
        .map_err(failed)?;
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
        let declared = column.declared.to_ascii_uppercase();
        COLUMNS.iter().any(|(name, is_key, types)| {
            column.name.eq_ignore_ascii_case(name)
                && column.is_key == *is_key
                && types.iter().any(|part| declared.contains(part))
        })
    };
    if columns.len() != COLUMNS.len() || !columns.iter().all(expected) {
        let found: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, c.declared)).collect();
        return Err(Error::corrupt(
            action(),
            format!(
                "its table peers has the columns ({}) instead of ip, a text, and the integers port, nextattempt, \
                 numfailures and type with the primary key (ip, port)",
                found.join(", ")
            ),
            ANOTHER_PATH,
        ));
    }
    let is_timestamp = |column: &Column| column.declared.eq_ignore_ascii_case("TIMESTAMP");
    if let Some(column) = columns.iter().find(|column| is_timestamp(column)) {
        return Err(Error::Unsupported(format!(
            "{}: its table peers declares nextattempt as {}, the layout of stellar-core, which version {} does not \
             read; give another path",
            action(),
            column.declared,
            env!("CARGO_PKG_VERSION")
        )));
    }
    Ok(Presence::Present)
}

struct Column {
    name: String,
    declared: String,
    is_key: bool,
}

/// By SELECT, as everything on a borrowed connection; a host with an authorizer sees `SQLITE_PRAGMA` all the same.
fn columns(conn: &Connection) -> rusqlite::Result<Vec<Column>> {
    let mut statement = conn.prepare("SELECT name, type, pk FROM pragma_table_info('peers', 'main')")?;
    let rows = statement.query_map([], |row| {
        Ok(Column { name: row.get(0)?, declared: row.get(1)?, is_key: row.get::<_, i64>(2)? > 0 })
    })?;
    rows.collect()
}
