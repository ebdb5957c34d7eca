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

/// The columns, and whether each is part of the primary key.
const COLUMNS: [(&str, bool); 5] =
    [("ip", true), ("port", true), ("nextattempt", false), ("numfailures", false), ("type", false)];

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
        .query_row("SELECT type FROM main.sqlite_master WHERE lower(name) = 'peers'", [], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    match kind.as_deref() {
        None => return Ok(Presence::Absent),
        Some("table") => {}
        Some(kind) => return Err(Error::corrupt(action(), format!("its peers is a {kind}, not a table"))),
    }
    let columns = columns(conn).map_err(failed)?;
    let expected = |column: &Column| {
        COLUMNS.iter().any(|(name, key)| column.name.eq_ignore_ascii_case(name) && column.is_key == *key)
    };
    if columns.len() != COLUMNS.len() || !columns.iter().all(expected) {
        let found: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        return Err(Error::corrupt(
            action(),
            format!(
                "its table peers has the columns ({}) instead of ip, port, nextattempt, numfailures and type with the \
                 primary key (ip, port)",
                found.join(", ")
            ),
        ));
    }
    let is_text = |column: &Column| {
        column.name.eq_ignore_ascii_case("nextattempt")
            && !column.declared.to_ascii_uppercase().contains("INT")
    };
    if let Some(column) = columns.iter().find(|column| is_text(column)) {
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

/// The table-valued form, because a borrowed connection is to see no PRAGMA of ours.
fn columns(conn: &Connection) -> rusqlite::Result<Vec<Column>> {
    let mut statement = conn.prepare("SELECT name, type, pk FROM pragma_table_info('peers', 'main')")?;
    let rows = statement.query_map([], |row| {
        Ok(Column { name: row.get(0)?, declared: row.get(1)?, is_key: row.get::<_, i64>(2)? > 0 })
    })?;
    rows.collect()
}

/// Makes the table in a database that has none.
pub(super) fn init_db(conn: &Connection, name: &str) -> Result<()> {
    conn.execute_batch(SCHEMA)
        .map_err(|error| Error::sqlite(format!("cannot make the table peers in {name}"), &error))
}
