//! Deleting peers, with what the side tables have of them.

use rusqlite::{Connection, params};

use super::layout::Layout;
use super::rows::Failure;
use super::side::SideTables;
use super::{Store, shrink};
use crate::address::{HostText, PeerAddress};
use crate::error::Result;

const DELETE: &str = "DELETE FROM main.peers WHERE ip = ?1 AND port = ?2";
/// Scans the table itself, because an index that another program has made may be out of date.
const DELETE_FAILED: &str = "DELETE FROM main.peers NOT INDEXED WHERE numfailures >= ?1";
const DELETE_ALL: &str = "DELETE FROM main.peers";
/// Scans every row, because it may be the index that is wrong.
const FIND: &str = "SELECT 1 FROM main.peers NOT INDEXED WHERE ip = ?1 AND port = ?2 LIMIT 1";

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
        let side = self.side_tables()?;
        if side.is_any() {
            return self.in_transaction(2, &mut |conn| {
                delete_each(conn, layout, addresses)?;
                side.delete_each(conn, addresses)
            });
        }
        self.change(1, &mut |conn| delete_each(conn, layout, addresses))
    }

    /// Deletes the peers with at least `min_num_failures`.
    pub(crate) fn delete_with_failures(&mut self, min_num_failures: u32) -> Result<()> {
        let side = self.side_tables()?;
        self.delete_many(side, &mut |conn| {
            side.delete_with_failures(conn, min_num_failures)?;
            conn.prepare_cached(DELETE_FAILED)?.execute([min_num_failures])?;
            Ok(())
        })
    }

    /// Deletes all peers.
    pub(crate) fn delete_all(&mut self) -> Result<()> {
        let side = self.side_tables()?;
        self.delete_many(side, &mut |conn| {
            side.delete_all(conn)?;
            delete_all_rows(conn)
        })
    }

    /// Runs a deletion that may be large, and gives back the pages that it frees.
    fn delete_many(
        &mut self,
        side: SideTables,
        delete: &mut dyn FnMut(&Connection) -> Result<(), Failure>,
    ) -> Result<()> {
        let is_owned = self.owned.is_some();
        if !is_owned && !side.is_any() {
            return self.change(self.rows(), delete);
        }
        self.in_transaction(self.rows(), &mut |conn| {
            delete(conn)?;
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
    let mut delete = conn.prepare_cached(DELETE)?;
    for address in addresses.iter().filter(|address| layout.holds(address)) {
        let host = HostText::of(address.host());
        if delete.execute(params![host.as_str(), address.port()])? > 0 {
            continue;
        }
        // Another program may have deleted it. But if it is missing only in the index, it would come back.
        if conn.prepare(FIND)?.exists(params![host.as_str(), address.port()])? {
            return Err(Failure::NotInIndex(address.clone()));
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
