//! Reading the database into memory.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::address::{PeerAddress, parse_canonical_host};
use crate::error::{Error, Result};
use crate::peer::{PeerRecord, StoredPeerType};

/// Reads every peer of the table `peers` and gives it to `each`; returns how many rows were not valid peers.
///
/// A row is a valid peer when its `ip` is a host in canonical form, its `port` is from 1 to 65535, its
/// `numfailures` fits 32 bits, its `type` is 0, 1 or 2, and `nextattempt` is an integer. Other rows are passed
/// over and left as they are.
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
    load_all(conn, "the database", each)
}

pub(super) fn load_all(conn: &Connection, name: &str, mut each: impl FnMut(&PeerRecord)) -> Result<u64> {
    let mut read = || {
        let mut statement =
            conn.prepare("SELECT ip, port, nextattempt, numfailures, type FROM main.peers")?;
        let mut rows = statement.query([])?;
        let mut skipped = 0;
        while let Some(row) = rows.next()? {
            let columns =
                [row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?, row.get_ref(4)?];
            match peer_from_row(columns) {
                Some(record) => each(&record),
                None => skipped += 1,
            }
        }
        Ok(skipped)
    };
    read().map_err(|error| failed(name, &error))
}

pub(super) fn failed(name: &str, error: &rusqlite::Error) -> Error {
    Error::sqlite(format!("cannot read the table peers of {name}"), error)
}

fn peer_from_row(columns: [ValueRef<'_>; 5]) -> Option<PeerRecord> {
    let [
        ValueRef::Text(ip),
        ValueRef::Integer(port),
        ValueRef::Integer(next_attempt),
        ValueRef::Integer(num_failures),
        ValueRef::Integer(peer_type),
    ] = columns
    else {
        return None;
    };
    let ip = std::str::from_utf8(ip).ok()?;
    // A host that is written in another way would get a second row at its first change.
    let host = parse_canonical_host(ip)?;
    let port = u16::try_from(port).ok().filter(|&port| port != 0)?;
    Some(PeerRecord {
        address: PeerAddress::from_canonical(host, port),
        next_attempt,
        num_failures: u32::try_from(num_failures).ok()?,
        peer_type: StoredPeerType::from_number(peer_type)?,
    })
}
