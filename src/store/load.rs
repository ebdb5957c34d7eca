//! Reading the database into memory, and checking whether it can be believed.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::functions::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction};

use super::agreement::{KeyHash, Sum, locked, see_rows};
use super::file;
use super::guard::{self, Guard};
use super::layout::Layout;
use super::numbers::Numbers;
use super::row::peer_from_row;
use super::schema::Table;
use crate::error::{ADVICE_CORRUPT, Error, Result};
use crate::memory;
use crate::peer::PeerRecord;

/// Reads every peer of the table `peers` and gives it to `each`; returns how many rows were not valid peers.
///
/// A row is a valid peer when its `ip` is a host in canonical form, its `port` is from 1 to 65535, its `numfailures` fits 32
/// bits, its `type` is 0, 1 or 2, and `nextattempt` is an integer. In a table of stellar-core's, which declares `nextattempt`
/// as TIMESTAMP, that is a UTC time as text, such as `2026-01-31 23:59:59` (or an integer, as elsewhere; a field of the text
/// may be beyond its range and carries over), and `ip` an IPv4 address. Other rows are skipped and left as they are.
///
/// Cost: one pass over the table; nothing is kept in memory.
///
/// # Errors
/// [`Error::Database`], [`Error::Busy`] or [`Error::Corrupt`] when SQLite cannot read the table; `each` may have
/// seen some peers by then.
///
/// ```
/// use peer_manager::{SCHEMA, load_all_from_db};
///
/// let conn = rusqlite::Connection::open_in_memory()?;
/// conn.execute_batch(SCHEMA)?;
/// conn.execute("INSERT INTO peers VALUES ('example.org', 11625, 0, 0, 1), ('?', 1, 0, 0, 0)", [])?;
/// let mut peers = Vec::new();
/// assert_eq!(load_all_from_db(&conn, |record| peers.push(record.clone()))?, 1);
/// assert_eq!(peers[0].address.to_string(), "example.org:11625");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "rusqlite")]
pub fn load_all_from_db(conn: &Connection, mut each: impl FnMut(&PeerRecord)) -> Result<u64> {
    let layout = super::schema::layout(conn).map_err(|error| failed("the database", &error))?;
    let mut each = |peer: &PeerRecord| {
        each(peer);
        Ok(())
    };
    read_borrowed(conn, layout, "the database", &mut each)
}

/// A row of a peer takes at least this many bytes of the file, in the table and in its index together.
const SHORTEST_ROW: i64 = 24;

/// How many rows were read.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) read: u64,
    /// Those that were not valid peers.
    pub(super) skipped: u64,
}

/// Why reading stopped early.
enum Stop {
    Sqlite(rusqlite::Error),
    Damage(String),
    /// The receiver of the rows has no memory for more.
    Full(Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Reads every valid peer of a borrowed connection's database, which the application vouches for.
pub(super) fn read_borrowed(
    conn: &Connection,
    layout: Layout,
    name: &str,
    each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
) -> Result<u64> {
    let sql = "SELECT ip, port, nextattempt, numfailures, type FROM main.peers NOT INDEXED";
    let rows = conn
        .prepare(sql)
        .map_err(Stop::from)
        .and_then(|mut statement| read_rows(statement.query([])?, layout, |_, _| Ok(()), each));
    rows.map(|rows| rows.skipped).map_err(|stop| explain(stop, name))
}

/// Reads every valid peer of a database file, and checks that it is sound: its rows must be in order, so that none is read
/// twice, and its index must have the same keys as the table.
pub(super) fn read_file(
    conn: &Connection,
    path: &Path,
    name: &str,
    table: &Table,
    guard: &Guard,
    reserve: &dyn Fn(usize),
    each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
) -> Result<Rows> {
    let mut read = || -> Result<Rows, Stop> {
        guard.begin_rows();
        // Everything is read in one snapshot, the caller's if there is one already.
        let transaction = if conn.is_autocommit() { Some(conn.unchecked_transaction()?) } else { None };
        let sql = "SELECT page_count * page_size FROM pragma_page_count('main'), pragma_page_size('main')";
        let bytes: i64 = conn.query_row(sql, [], |row| row.get(0))?;
        // Only a hint: row numbers may have gaps and a file may lie, so `reserve` does not rely on it.
        let last = table.row_number.map_or(Ok(None), |rowid| {
            let sql = format!("SELECT max({rowid}) FROM main.peers NOT INDEXED");
            conn.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0))
        })?;
        reserve(usize::try_from(last.unwrap_or(i64::MAX).min(bytes / SHORTEST_ROW)).unwrap_or(0));
        let rows = if let (Some(index), Some(rowid)) = (&table.key_index, table.row_number) {
            read_with_index(conn, table.layout, (index, rowid), guard, each)?
        } else {
            read_by_key(conn, table.layout, each)?
        };
        // SQLite reads what is missing of the last page as zeros.
        if !file::reaches(path, bytes) {
            return Err(Stop::Damage("the file ends within a page".to_owned()));
        }
        transaction.map_or(Ok(()), Transaction::finish)?;
        Ok(rows)
    };
    read().map_err(|stop| explain(stop, name))
}

fn read_with_index(
    conn: &Connection,
    layout: Layout,
    (index, rowid): (&str, &str),
    guard: &Guard,
    each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
) -> Result<Rows, Stop> {
    let keys = KeyHash::default();
    let (rows, sum) = Scan::run(conn, layout, &keys, rowid, each)?;
    guard.begin_index(rows.read);
    let found = keys.of_index(conn, index, rowid)?;
    if found.entries != rows.read {
        return Err(Stop::Damage(format!("it has {} rows, but its index has {}", rows.read, found.entries)));
    }
    if found != sum {
        return Err(Stop::Damage("its index has other rows than the table".to_owned()));
    }
    Ok(rows)
}

/// What a scan of the table has found since it last stopped, and in total.
struct Scan {
    layout: Layout,
    keys: KeyHash,
    sum: Sum,
    rows: Rows,
    peers: Vec<PeerRecord>,
    /// The number of the last row.
    last: Option<i64>,
    is_in_circle: bool,
}

impl Scan {
    /// After this many peers SQLite stops, so that they can be passed on.
    const STRIDE: usize = 256;

    /// Reads the rows of a table in the order of their numbers, and adds up the hashes of their keys.
    fn run(
        conn: &Connection,
        layout: Layout,
        keys: &KeyHash,
        rowid: &str,
        each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
    ) -> Result<(Rows, Sum), Stop> {
        let peers = memory::with_capacity(Self::STRIDE)
            .map_err(|_| Stop::Full(Error::no_memory("to read the database")))?;
        let scan = Arc::new(Mutex::new(Self {
            layout,
            keys: keys.clone(),
            sum: Sum::default(),
            rows: Rows { read: 0, skipped: 0 },
            peers,
            last: None,
            is_in_circle: false,
        }));
        let shared = Arc::clone(&scan);
        let see = move |row: &Context<'_>| locked(&shared).see(row);
        let mut pass_on = || -> Result<(), Stop> {
            let mut scan = locked(&scan);
            scan.peers.drain(..).try_for_each(|peer| each(&peer)).map_err(Stop::Full)?;
            if scan.is_in_circle { Err(Stop::Damage(IN_A_CIRCLE.to_owned())) } else { Ok(()) }
        };
        let mut passed = Ok(());
        let columns = format!("ip, port, nextattempt, numfailures, type, {rowid}");
        // In the order of the table itself, because an index may be damaged on its own.
        see_rows(conn, "NOT INDEXED", &columns, Box::new(see), &mut || {
            passed = pass_on();
            passed.is_ok()
        })?;
        passed?;
        pass_on()?;
        let mut scan = locked(&scan);
        Ok((std::mem::take(&mut scan.rows), scan.sum))
    }

    /// Looks at a row; returns whether SQLite should stop at it.
    fn see(&mut self, row: &Context<'_>) -> bool {
        let columns = [0, 1, 2, 3, 4].map(|column| row.get_raw(column));
        let ValueRef::Integer(rowid) = row.get_raw(5) else { return false };
        self.rows.read += 1;
        self.is_in_circle |= self.last.replace(rowid).is_some_and(|last| last >= rowid);
        self.sum.add(self.keys.of(columns[0], columns[1], rowid));
        match peer_from_row(self.layout, columns) {
            Some(peer) => self.peers.push(peer),
            None => self.rows.skipped += 1,
        }
        self.is_in_circle || self.peers.len() == Self::STRIDE
    }
}

/// Reads a table whose row numbers cannot be queried, such as one WITHOUT ROWID, which is its own index. So that no row is
/// read twice, the hashes of the keys are remembered.
fn read_by_key(
    conn: &Connection,
    layout: Layout,
    each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
) -> Result<Rows, Stop> {
    let keys = KeyHash::default();
    let mut seen = Numbers::default();
    let mut statement =
        conn.prepare("SELECT ip, port, nextattempt, numfailures, type FROM main.peers NOT INDEXED")?;
    let check = |columns: &[ValueRef<'_>; 5], _: &rusqlite::Row<'_>| {
        let is_new = seen.add(keys.of(columns[0], columns[1], 0));
        let is_new = is_new.map_err(|_| Stop::Full(Error::no_memory("to read the database")))?;
        if is_new { Ok(()) } else { Err(Stop::Damage(IN_A_CIRCLE.to_owned())) }
    };
    read_rows(statement.query([])?, layout, check, each)
}

/// What is wrong with a file whose pages point to each other in a circle.
const IN_A_CIRCLE: &str = "its pages refer to more than the file has room for";

/// Reads the rows; `check` is called for each, and `each` for those that are peers.
fn read_rows(
    mut cursor: rusqlite::Rows<'_>,
    layout: Layout,
    mut check: impl FnMut(&[ValueRef<'_>; 5], &rusqlite::Row<'_>) -> Result<(), Stop>,
    each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
) -> Result<Rows, Stop> {
    let mut rows = Rows { read: 0, skipped: 0 };
    while let Some(row) = cursor.next()? {
        let columns = [row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?, row.get_ref(4)?];
        rows.read += 1;
        check(&columns, row)?;
        match peer_from_row(layout, columns) {
            Some(record) => each(&record).map_err(Stop::Full)?,
            None => rows.skipped += 1,
        }
    }
    Ok(rows)
}

fn explain(stop: Stop, name: &str) -> Error {
    match stop {
        Stop::Sqlite(error) => {
            guard::explain_limit(failed(name, &error), &format!("cannot read the table peers of {name}"))
        }
        Stop::Damage(damage) => {
            Error::corrupt(format!("cannot read the table peers of {name}"), damage, ADVICE_CORRUPT)
        }
        Stop::Full(error) => error,
    }
}

fn failed(name: &str, error: &rusqlite::Error) -> Error {
    Error::sqlite(format!("cannot read the table peers of {name}"), error)
}
