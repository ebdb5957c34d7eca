//! How a file keeps its peers: the order of the columns in its records, and how its texts are encoded.
//!
//! SQLite itself interprets the schema: it runs the table's own statement in a database in memory. The statement may come
//! from a stranger, so it may do nothing there but create a table, and only a fixed number of steps is allowed.

use std::cmp::Ordering;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OpenFlags};

use super::cells::Cell;
use super::record::Shape;
use super::text::Encoding;
use crate::address::{HostText, PeerAddress};
use crate::peer::PeerRecord;
use crate::store::guard::Guard;
use crate::store::layout::Layout;
use crate::store::row::{key_from_row, peer_from_row};
use crate::store::schema::{self, Column, Storage};

/// How many columns a record may have when nothing is known of its table.
const MOST_COLUMNS: usize = 100;

/// What a cell means.
#[derive(Debug)]
pub(super) enum Meaning {
    /// A peer, and the number of its row; 0 where rows have none.
    Peer(i64, PeerRecord),
    /// A row of the table that is not a peer, or one that the index lists.
    Row(Identity),
    /// Nothing.
    Nothing,
}

/// What identifies a row.
#[derive(Debug, Hash)]
pub(super) enum Identity {
    Number(i64),
    Key(Vec<u8>, i64),
}

/// How a file keeps its peers.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) layout: Layout,
    encoding: Encoding,
    has_rowid: bool,
    /// Where in the record of a row our columns are, in the order of the specification.
    places: [usize; 5],
    /// Their values in a row that is older than the column.
    defaults: [Option<Value>; 5],
    most_columns: usize,
    /// Where in an entry of the primary key's index `ip` and `port` are.
    key: [usize; 2],
    /// Whether the rows of a table without numbers are in the order of `ip` first, and whether each of `ip` and `port`
    /// goes down.
    is_by_ip: bool,
    is_descending: [bool; 2],
}

impl Form {
    /// The usual form of a layout: the columns in the order of the specification.
    pub(super) fn usual(layout: Layout, encoding: Encoding, has_rowid: bool) -> Self {
        Self {
            layout,
            encoding,
            has_rowid,
            places: [0, 1, 2, 3, 4],
            defaults: [const { None }; 5],
            most_columns: MOST_COLUMNS,
            key: [0, 1],
            is_by_ip: true,
            is_descending: [false, false],
        }
    }

    /// The forms that a file may have whose schema is lost, perhaps apart from how its texts are encoded.
    pub(super) fn all(encoding: Option<Encoding>) -> Vec<Self> {
        let mut forms = Vec::new();
        for has_rowid in [true, false] {
            for encoding in encoding.map_or_else(|| Encoding::ALL.to_vec(), |known| vec![known]) {
                for layout in [Layout::Specification, Layout::StellarCore] {
                    forms.push(Self::usual(layout, encoding, has_rowid));
                }
            }
        }
        forms
    }

    /// The form of the table that this statement creates, and the name of its primary key's index, if it is a statement
    /// that creates a table `peers`.
    pub(super) fn of_table(sql: &str, encoding: Encoding) -> Option<(Self, Option<String>)> {
        let conn = table_in_memory(sql).ok()?;
        let columns = schema::columns(&conn).ok().filter(|columns| !columns.is_empty())?;
        let key = schema::key(&conn).ok()?;
        let index = "SELECT name FROM pragma_index_list('peers', 'main') WHERE origin = 'pk'";
        let index = conn.query_row(index, [], |row| row.get(0)).ok();
        // Before 2019, stellar-core had flags instead of the type, which would mean something else as types. So such a table
        // gets a form in which no row is a peer.
        let Some(ours) = schema::our_columns(&columns) else {
            return Some((Self::usual(Layout::Specification, encoding, true), index));
        };
        // A table without numbers is an index in which all its columns are.
        let has_rowid = key.has_rowid || key.columns.is_empty();
        let stored: Vec<usize> = if has_rowid {
            (0..columns.len()).filter(|&column| columns[column].storage != Storage::Virtual).collect()
        } else {
            key.stored.clone()
        };
        let mut places = [0; 5];
        for (place, column) in places.iter_mut().zip(ours) {
            *place = stored.iter().position(|&other| other == column)?;
        }
        let in_key = |column: usize| key.columns.iter().position(|part| part.column == column);
        let key_places = [in_key(ours[0]), in_key(ours[1])];
        let is_descending =
            key_places.map(|place| place.is_some_and(|place| key.columns[place].is_descending));
        Some((
            Self {
                layout: schema::layout_of(&columns),
                encoding,
                has_rowid,
                places,
                defaults: ours.map(|column| default_of(&conn, &columns[column])),
                most_columns: stored.len(),
                key: key_places.map(|place| place.unwrap_or(usize::MAX)),
                is_by_ip: key_places[0] < key_places[1],
                is_descending,
            },
            index,
        ))
    }

    /// How much of a cell must be read to see what it means.
    pub(super) fn shape(&self) -> Shape {
        let wanted = self.places.iter().max().map_or(0, |last| last + 1);
        Shape { wanted: wanted.max(3), most: self.most_columns.max(3) }
    }

    /// Whether row numbers say which of two rows is the later.
    pub(super) fn has_rowid(&self) -> bool {
        self.has_rowid
    }

    /// What a cell means, if it is a row or an entry of the index of the table.
    pub(super) fn meaning(&self, cell: &Cell<'_>) -> Meaning {
        match (cell.number, self.has_rowid) {
            (Some(number), true) => self.row(cell, number),
            (None, false) => self.row(cell, 0),
            (None, true) | (Some(_), false) => Meaning::Nothing,
        }
    }

    fn row(&self, cell: &Cell<'_>, number: i64) -> Meaning {
        let mut texts = [const { None }; 5];
        let mut columns = [ValueRef::Null; 5];
        for ((column, text), (&place, default)) in
            columns.iter_mut().zip(&mut texts).zip(self.places.iter().zip(&self.defaults))
        {
            let value = match (cell.values.get(place), default) {
                (Some(&value), _) => value,
                (None, Some(default)) if place >= cell.columns => {
                    // Its text is UTF-8.
                    *column = default.into();
                    continue;
                }
                // The record is too short for this table, or continues where nothing can be read.
                (None, _) => ValueRef::Null,
            };
            *column = value;
            match value {
                ValueRef::Text(bytes) if self.encoding != Encoding::Utf8 => {
                    *text = self.encoding.decode(bytes);
                }
                _ => {}
            }
        }
        let identity = match columns {
            _ if cell.columns > self.most_columns => return Meaning::Nothing,
            [ValueRef::Text(_), ValueRef::Integer(_), ..] if self.has_rowid => Identity::Number(number),
            [ValueRef::Text(ip), ValueRef::Integer(port), ..] => Identity::Key(ip.to_vec(), port),
            _ => return Meaning::Nothing,
        };
        for (column, text) in columns.iter_mut().zip(&texts) {
            if let Some(text) = text {
                *column = ValueRef::Text(text.as_bytes());
            }
        }
        peer_from_row(self.layout, columns).map_or(Meaning::Row(identity), |peer| Meaning::Peer(number, peer))
    }

    /// The address and the number of the row that an entry of the primary key's index leads to, where there is such an
    /// index. The address is `None` if it is not valid.
    pub(super) fn entry(&self, cell: &Cell<'_>) -> Option<(Option<PeerAddress>, i64)> {
        if cell.number.is_some() || !self.has_rowid || cell.columns != 3 {
            return None;
        }
        let [ip, port] = self.key.map(|place| cell.values.get(place).copied());
        let (Some(ValueRef::Text(ip)), Some(ValueRef::Integer(port)), Some(&ValueRef::Integer(number))) =
            (ip, port, cell.values.get(2))
        else {
            return None;
        };
        let address = self.encoding.decode(ip).and_then(|ip| key_from_row(ip.as_bytes(), port));
        Some((address, number))
    }

    /// The order of two rows in the table.
    pub(super) fn order(&self, a: (i64, &PeerAddress), b: (i64, &PeerAddress)) -> Ordering {
        let text = |address: &PeerAddress| HostText::of(address.host());
        let turned = |order: Ordering, goes_down| if goes_down { order.reverse() } else { order };
        let by_ip = || turned(text(a.1).as_str().cmp(text(b.1).as_str()), self.is_descending[0]);
        let by_port = || turned(a.1.port().cmp(&b.1.port()), self.is_descending[1]);
        let by_number = a.0.cmp(&b.0);
        if self.is_by_ip {
            by_number.then_with(by_ip).then_with(by_port)
        } else {
            by_number.then_with(by_port).then_with(by_ip)
        }
    }
}

/// A database in memory with the table that this statement creates.
fn table_in_memory(sql: &str) -> rusqlite::Result<Connection> {
    let refused = || rusqlite::Error::InvalidQuery;
    // SQLite stores the statement with these words, however it was written.
    if !sql.starts_with("CREATE TABLE ") {
        return Err(refused());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_in_memory_with_flags(flags)?;
    let guard = Guard::set_up(&conn)?;
    guard.begin_schema();
    let mut statement = conn.prepare(sql)?;
    if statement.parameter_count() > 0 || statement.column_count() > 0 {
        return Err(refused());
    }
    statement.execute([])?;
    drop(statement);
    Ok(conn)
}

/// The value of a column in rows that are older than it: a constant, as SQLite requires of a column that is added.
fn default_of(conn: &Connection, column: &Column) -> Option<Value> {
    let default = column.default.as_ref()?;
    let value: Value = conn.query_row(&format!("SELECT ({default})"), [], |row| row.get(0)).ok()?;
    match value {
        Value::Text(text) if column.declared.contains("INT") => text.parse().ok().map(Value::Integer),
        value => Some(value),
    }
}
