//! The table `peers`: how it is created, and how an existing one is recognised.

use rusqlite::{Connection, OptionalExtension as _};

use super::layout::{Layout, TIMESTAMP};
use crate::error::{ADVICE_CORRUPT, Error, Quoted, Result};

/// Whether a declared type, in upper case, is suitable.
type Rule = fn(&str) -> bool;

/// The columns, whether each is part of the primary key, and what its declared type must be.
const COLUMNS: [(&str, bool, Rule); 5] = [
    ("ip", true, is_text),
    ("port", true, is_integer),
    ("nextattempt", false, |declared| is_integer(declared) || declared == TIMESTAMP),
    ("numfailures", false, is_integer),
    ("type", false, is_integer),
];

/// Whether values in a column of this type are stored as integers. Of the two rules, this one takes precedence
/// (<https://www.sqlite.org/datatype3.html#determination_of_column_affinity>).
fn is_integer(declared: &str) -> bool {
    declared.contains("INT")
}

/// Whether values in a column of this type are stored as text.
fn is_text(declared: &str) -> bool {
    !is_integer(declared) && ["CHAR", "TEXT", "CLOB"].iter().any(|part| declared.contains(part))
}

const ANOTHER_PATH: &str = "; the file is left as it is: give another path";

/// Whether a database already has its table `peers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Present(Table),
    Absent,
}

impl Presence {
    /// How the table is laid out; a new one is the specification's.
    pub(super) fn layout(&self) -> Layout {
        match self {
            Self::Present(table) => table.layout,
            Self::Absent => Layout::Specification,
        }
    }
}

/// What a table `peers` is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) layout: Layout,
    /// The index of its primary key, quoted for SQL; a table WITHOUT ROWID is that index itself.
    pub(super) key_index: Option<String>,
    /// Whether its rows have numbers, and are in the order of those; else they are in the order of `key`.
    pub(super) has_rowid: bool,
    /// The name of the row number in SQL, if it has one: further columns may take all of its names.
    pub(super) row_number: Option<&'static str>,
    /// The columns of the primary key, in its order.
    pub(super) key: Vec<KeyColumn>,
}

/// A column of the primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyColumn {
    /// Its place among the columns as they are declared, from 0.
    pub(super) column: usize,
    pub(super) is_descending: bool,
    collation: String,
}

/// The names that SQL has for the number of a row.
const ROW_NUMBER: [&str; 3] = ["rowid", "_rowid_", "oid"];

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
            // A field of the header is wrong; this has no error code of its own.
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
    let refuse = |detail: String| Err(Error::corrupt(action(), detail, ANOTHER_PATH));
    if !has_our_columns(&columns) {
        let found: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, c.declared)).collect();
        return refuse(format!(
            "its table peers has the columns ({}) instead of ip, a text, and the integers port, nextattempt (or a \
             TIMESTAMP), numfailures and type with the primary key (ip, port)",
            found.join(", ")
        ));
    }
    if let Some(column) = columns.iter().find(|column| !column.is_ours() && column.must_be_named()) {
        return refuse(format!(
            "no peer can be added to its table peers, because the further column {} is NOT NULL and has no default",
            Quoted(&column.name)
        ));
    }
    let key = key(conn).map_err(failed)?;
    let other_order = key.columns.iter().find(|column| !column.collation.eq_ignore_ascii_case("BINARY"));
    if let Some(column) = other_order.filter(|_| !key.has_rowid) {
        return refuse(format!(
            "its table peers is WITHOUT ROWID, and the order of its rows cannot be checked, because a column of its \
             primary key has the collation {} instead of BINARY",
            Quoted(&column.collation)
        ));
    }
    let is_column = |name: &&str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let row_number = ROW_NUMBER.into_iter().find(|name| !is_column(name)).filter(|_| key.has_rowid);
    if key.has_rowid && row_number.is_none() {
        return refuse(
            "its table peers has columns by all the names that SQL has for the number of a row".to_owned(),
        );
    }
    Ok(Presence::Present(Table {
        layout: layout_of(&columns),
        key_index: key_index(conn).map_err(failed)?,
        has_rowid: key.has_rowid,
        row_number,
        key: key.columns,
    }))
}

/// Whether all our columns are there as required, and no further one is in the primary key.
fn has_our_columns(columns: &[Column]) -> bool {
    let has = |&(name, is_key, is_right): &(&str, bool, Rule)| {
        columns.iter().any(|column| {
            column.name.eq_ignore_ascii_case(name)
                && column.is_key == is_key
                && is_right(&column.declared)
                && column.storage == Storage::Given
        })
    };
    COLUMNS.iter().all(has) && columns.iter().all(|column| column.is_ours() || !column.is_key)
}

/// A primary key.
pub(super) struct Key {
    /// Its columns, in its order.
    pub(super) columns: Vec<KeyColumn>,
    /// Whether it is an index apart from the table; else it is the table itself.
    pub(super) has_rowid: bool,
    /// The columns that are stored in its index, in that order, as places among the declared columns.
    pub(super) stored: Vec<usize>,
}

/// The primary key of the table, which must exist.
pub(super) fn key(conn: &Connection) -> rusqlite::Result<Key> {
    let sql = "SELECT entry.cid, entry.\"desc\", entry.coll, entry.\"key\" \
         FROM pragma_index_list('peers', 'main') AS list, pragma_index_xinfo(list.name, 'main') AS entry \
         WHERE list.origin = 'pk' ORDER BY entry.seqno";
    let mut key = Key { columns: Vec::new(), has_rowid: false, stored: Vec::new() };
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // A negative number stands for the row number.
        let Ok(column) = usize::try_from(row.get::<_, i64>(0)?) else {
            key.has_rowid = true;
            continue;
        };
        key.stored.push(column);
        if row.get(3)? {
            key.columns.push(KeyColumn { column, is_descending: row.get(1)?, collation: row.get(2)? });
        }
    }
    Ok(key)
}

/// The index of the primary key, quoted for SQL, unless the table itself is that index.
fn key_index(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT name FROM pragma_index_list('peers', 'main') WHERE origin = 'pk' \
         AND EXISTS (SELECT 1 FROM main.sqlite_master AS m WHERE m.name = pragma_index_list.name)";
    let name: Option<String> = conn.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(name.map(|name| format!("\"{}\"", name.replace('"', "\"\""))))
}

/// The layout of the table, which must exist.
#[cfg(feature = "rusqlite")]
pub(super) fn layout(conn: &Connection) -> rusqlite::Result<Layout> {
    columns(conn).map(|columns| layout_of(&columns))
}

pub(super) fn layout_of(columns: &[Column]) -> Layout {
    let next_attempt = columns.iter().find(|column| column.name.eq_ignore_ascii_case("nextattempt"));
    next_attempt.map_or(Layout::Specification, |column| Layout::of(&column.declared))
}

/// A column of the table.
pub(super) struct Column {
    pub(super) name: String,
    /// In upper case.
    pub(super) declared: String,
    is_key: bool,
    is_not_null: bool,
    /// Its default, as SQL.
    pub(super) default: Option<String>,
    pub(super) storage: Storage,
}

/// Where the values of a column come from, and whether they are stored in the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// Given by the statement that writes the row.
    Given,
    /// Computed from others, and stored.
    Generated,
    /// Computed from others when the row is read.
    Virtual,
}

impl Column {
    fn is_ours(&self) -> bool {
        COLUMNS.iter().any(|(name, ..)| self.name.eq_ignore_ascii_case(name))
    }

    /// Whether a row cannot be written without a value for this column.
    fn must_be_named(&self) -> bool {
        let is_null = |default: &String| default.eq_ignore_ascii_case("NULL");
        self.is_not_null && self.storage == Storage::Given && self.default.as_ref().is_none_or(is_null)
    }
}

/// The columns of the table, in the order of their declaration.
///
/// By SELECT, because no PRAGMA is run on a borrowed connection; an application with an authorizer still sees
/// `SQLITE_PRAGMA`.
pub(super) fn columns(conn: &Connection) -> rusqlite::Result<Vec<Column>> {
    let sql =
        "SELECT name, type, pk, \"notnull\", dflt_value, hidden FROM pragma_table_xinfo('peers', 'main')";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Column {
            name: row.get(0)?,
            declared: row.get::<_, String>(1)?.to_ascii_uppercase(),
            is_key: row.get::<_, i64>(2)? > 0,
            is_not_null: row.get(3)?,
            default: row.get(4)?,
            storage: match row.get(5)? {
                0 => Storage::Given,
                3 => Storage::Generated,
                _ => Storage::Virtual,
            },
        })
    })?;
    rows.collect()
}

/// The place of each of our columns among these, in the order of the specification.
pub(super) fn our_columns(columns: &[Column]) -> Option<[usize; 5]> {
    let mut places = [0; 5];
    for (place, (name, ..)) in places.iter_mut().zip(COLUMNS) {
        *place = columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))?;
    }
    Some(places)
}
