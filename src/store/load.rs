//! Reading the database into memory.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use std::path::Path;

use super::layout::Layout;
use super::schema::Presence;
use super::{Store, file, schema};
use crate::address::{PeerAddress, parse_canonical_host};
use crate::error::{ADVICE_CORRUPT, Error, Result};
use crate::peer::{PeerRecord, StoredPeerType};

/// Reads every peer of the table `peers` and gives it to `each`; returns how many rows were not valid peers.
///
/// A row is a valid peer when its `ip` is a host in canonical form, its `port` is from 1 to 65535, its
/// `numfailures` fits 32 bits, its `type` is 0, 1 or 2, and `nextattempt` is an integer. In a table of stellar-core's,
/// which declares `nextattempt` as TIMESTAMP, that is a UTC time as text, such as `2026-01-31 23:59:59` (or an integer
/// as elsewhere), and `ip` an IPv4 address. Other rows are passed over and left as they are.
///
/// Cost: linear in the table, one pass, nothing kept.
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
pub fn load_all_from_db(conn: &Connection, each: impl FnMut(&PeerRecord)) -> Result<u64> {
    let mut each = each;
    let mut read = || {
        read_rows(conn, schema::layout(conn)?, i64::MAX, |peer| {
            each(peer);
            Ok(())
        })
    };
    read().map_err(|error| failed("the database", &error))?.map(|rows| rows.skipped)
}

/// The row of a peer takes at least this many bytes of the file, in the table and in its index together.
const SHORTEST_ROW: i64 = 24;

/// Anything on a page takes at least this many bytes of it: four, and two that say where they are.
const SHORTEST_CELL: i64 = 6;

impl Store {
    /// Reads every valid peer; says how many rows were none. `reserve` is first told about how many there will be.
    pub(crate) fn load_all(
        &self,
        reserve: impl Fn(usize),
        each: impl FnMut(&PeerRecord) -> Result<()>,
    ) -> Result<u64> {
        if self.presence == Presence::Absent {
            return Ok(0);
        }
        let Some(owned) = &self.owned else {
            let read = read_rows(&self.conn, self.layout(), i64::MAX, each);
            return read.map_err(|error| failed(&self.name, &error))?.map(|rows| rows.skipped);
        };
        read_file(&self.conn, owned.file.path(), &self.name, self.layout(), reserve, each)
    }
}

/// Reads every valid peer of a database file, which must be whole; says how many rows were none.
pub(super) fn read_file(
    conn: &Connection,
    path: &Path,
    name: &str,
    layout: Layout,
    reserve: impl Fn(usize),
    each: impl FnMut(&PeerRecord) -> Result<()>,
) -> Result<u64> {
    let read = || -> rusqlite::Result<_> {
        // The count and the rows are of one moment.
        let transaction = conn.unchecked_transaction()?;
        let sql = "SELECT page_count * page_size FROM pragma_page_count('main'), pragma_page_size('main')";
        let bytes: i64 = transaction.query_row(sql, [], |row| row.get(0))?;
        // The pages of a file that lies may lead to each other again and again, to more rows than anybody can read.
        let most = bytes / SHORTEST_CELL;
        // SQLite counts in the smallest index, so this is the number of rows according to that.
        let sql = "SELECT count(*) FROM (SELECT 1 FROM main.peers LIMIT ?1)";
        let indexed: i64 = transaction.query_row(sql, [most + 1], |row| row.get(0))?;
        if indexed > most {
            return Ok(Ok(Err(TOO_MANY_ROWS.to_owned())));
        }
        // Of a file that lies, SQLite may count more rows than there are peers.
        reserve(usize::try_from(indexed.min(bytes / SHORTEST_ROW)).unwrap_or(0));
        let rows = match read_rows(&transaction, layout, most, each)? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        // SQLite takes what is missing of the last page for zeros.
        let is_whole = file::reaches(path, bytes);
        transaction.finish()?;
        Ok(Ok(match rows.read {
            read if read > most => Err(TOO_MANY_ROWS.to_owned()),
            read if read != indexed => Err(format!("it has {read} rows, but its index has {indexed}")),
            _ if !is_whole => Err("the file ends within a page".to_owned()),
            _ => Ok(rows.skipped),
        }))
    };
    read().map_err(|error| failed(name, &error))??.map_err(|damage| {
        Error::corrupt(format!("cannot read the table peers of {name}"), damage, ADVICE_CORRUPT)
    })
}

/// What is wrong with a file whose pages lead to one another.
const TOO_MANY_ROWS: &str = "its pages lead to more than there is room for in it";

/// How many rows there were.
struct Rows {
    read: i64,
    /// Those that were not valid peers.
    skipped: u64,
}

/// Reads the rows, at most one more than `most`; stops where `each` fails.
fn read_rows(
    conn: &Connection,
    layout: Layout,
    most: i64,
    mut each: impl FnMut(&PeerRecord) -> Result<()>,
) -> rusqlite::Result<Result<Rows>> {
    // In the order of the table itself; an index may be damaged on its own.
    let mut statement =
        conn.prepare("SELECT ip, port, nextattempt, numfailures, type FROM main.peers NOT INDEXED")?;
    let mut cursor = statement.query([])?;
    let mut rows = Rows { read: 0, skipped: 0 };
    while let Some(row) = cursor.next()? {
        let columns = [row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?, row.get_ref(4)?];
        rows.read += 1;
        if rows.read > most {
            break;
        }
        match peer_from_row(layout, columns) {
            Some(record) => {
                if let Err(error) = each(&record) {
                    return Ok(Err(error));
                }
            }
            None => rows.skipped += 1,
        }
    }
    Ok(Ok(rows))
}

fn failed(name: &str, error: &rusqlite::Error) -> Error {
    Error::sqlite(format!("cannot read the table peers of {name}"), error)
}

/// The peer in a row, if it is one.
pub(super) fn peer_from_row(layout: Layout, columns: [ValueRef<'_>; 5]) -> Option<PeerRecord> {
    let [
        ValueRef::Text(ip),
        ValueRef::Integer(port),
        next_attempt,
        ValueRef::Integer(num_failures),
        ValueRef::Integer(peer_type),
    ] = columns
    else {
        return None;
    };
    Some(PeerRecord {
        address: key_from_row(ip, port).filter(|address| layout.holds(address))?,
        next_attempt: layout.next_attempt(next_attempt)?,
        num_failures: u32::try_from(num_failures).ok()?,
        peer_type: StoredPeerType::from_number(peer_type)?,
    })
}

/// The address that is the key of a row, if it is one.
pub(super) fn key_from_row(ip: &[u8], port: i64) -> Option<PeerAddress> {
    // A host that is written in another way would get a second row at its first change.
    let host = parse_canonical_host(std::str::from_utf8(ip).ok()?)?;
    let port = u16::try_from(port).ok().filter(|&port| port != 0)?;
    Some(PeerAddress::from_canonical(host, port))
}
