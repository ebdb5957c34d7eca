//! Deleting peers, together with their rows in the side tables.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::layout::Layout;
use super::rows::Failure;
use super::side::{SideTables, address_from_row};
use super::{Store, shrink};
use crate::address::{HostText, PeerAddress};
use crate::error::Result;

const DELETE: &str = "DELETE FROM main.peers WHERE ip = ?1 AND port = ?2";
/// Scans the table itself, because an index that another program has made may be out of date.
const DELETE_FAILED: &str = "DELETE FROM main.peers NOT INDEXED WHERE numfailures >= ?1";
const DELETE_ALL: &str = "DELETE FROM main.peers";
/// Scans every row, because it may be the index that is wrong.
const KEYS: &str = "SELECT ip, port FROM main.peers NOT INDEXED";

/// A change with this many deletions checks whether the file should shrink.
pub(super) const MANY: usize = 1_000;

impl Store {
    /// Deletes one peer.
    pub(crate) fn delete(&mut self, address: &PeerAddress) -> Result<()> {
        let layout = self.layout();
        if !layout.holds(address) {
            return self.check_process("cannot write to");
        }
        let addresses = std::slice::from_ref(address);
        if self.side_tables()?.is_any() {
            return self.in_transaction(2, &mut |conn, side| {
                delete_each(conn, layout, addresses)?;
                side.delete_each(conn, addresses)
            });
        }
        self.change(1, &mut |conn| delete_each(conn, layout, addresses))
    }

    /// Deletes the peers with at least `min_num_failures`.
    pub(crate) fn delete_with_failures(&mut self, min_num_failures: u32) -> Result<()> {
        self.delete_many(&mut |conn, side| {
            side.delete_with_failures(conn, min_num_failures)?;
            conn.prepare_cached(DELETE_FAILED)?.execute([min_num_failures])?;
            Ok(())
        })
    }

    /// Deletes all peers.
    pub(crate) fn delete_all(&mut self) -> Result<()> {
        self.delete_many(&mut |conn, side| {
            side.delete_all(conn)?;
            delete_all_rows(conn)
        })
    }

    /// Runs a deletion that may be large, and gives back the pages that it frees.
    fn delete_many(
        &mut self,
        delete: &mut dyn FnMut(&Connection, SideTables) -> Result<(), Failure>,
    ) -> Result<()> {
        let is_owned = self.owned.is_some();
        let side = self.side_tables()?;
        if !is_owned && !side.is_any() {
            return self.change(self.rows(), &mut |conn| delete(conn, side));
        }
        self.in_transaction(self.rows(), &mut |conn, side| {
            delete(conn, side)?;
            if is_owned { shrink::give_back(conn).map_err(Failure::from) } else { Ok(()) }
        })
    }
}

/// Deletes the rows of peers. One that the layout cannot hold has none; a row with its key is not ours.
pub(super) fn delete_each(
    conn: &Connection,
    layout: Layout,
    addresses: &[PeerAddress],
) -> std::result::Result<(), Failure> {
    let mut missing = HashSet::new();
    for address in addresses.iter().filter(|address| layout.holds(address)) {
        if delete_row(conn, address)? == 0 {
            missing.insert(address.clone());
        }
    }
    // Another program may have deleted them. But rows that are missing only from the index would come back.
    if missing.is_empty() {
        return Ok(());
    }
    let mut statement = conn.prepare(KEYS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(address) = address_from_row(row, 0, 1)?.filter(|address| missing.contains(address)) {
            return Err(Failure::NotInIndex(address));
        }
    }
    Ok(())
}

/// Deletes the row with this key; returns how many there were.
pub(super) fn delete_row(conn: &Connection, address: &PeerAddress) -> rusqlite::Result<usize> {
    let host = HostText::of(address.host());
    conn.prepare_cached(DELETE)?.execute(params![host.as_str(), address.port()])
}

/// Deletes every row.
pub(super) fn delete_all_rows(conn: &Connection) -> std::result::Result<(), Failure> {
    conn.prepare_cached(DELETE_ALL)?.execute([])?;
    Ok(())
}
