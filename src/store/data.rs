//! The rows of the application's data.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::Store;
use super::guard::Guard;
use super::layout::Layout;
use super::rows::Failure;
use super::side::{DATA, Presence, ReadRows};
use crate::address::{HostText, PeerAddress};
use crate::data::DATA_CAPACITY;
use crate::error::{Error, Result};

impl Store {
    /// Reads the data of peers, if there is any. `each` returns whether there is such a peer.
    pub(crate) fn load_data(
        &mut self,
        each: &mut dyn FnMut(PeerAddress, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        if self.side.data == Presence::Present {
            let guard = self.owned.as_ref().map(|owned| &owned.guard);
            let read = read(&self.conn, &self.name, guard, each)?;
            self.has_strays.1 = read.strays > 0;
            self.count_rows(read);
        }
        Ok(())
    }

    /// Writes the data of a peer that has a row; with none, deletes what there was.
    pub(crate) fn write_data(&mut self, address: &PeerAddress, data: &[u8]) -> Result<()> {
        let presence = self.side_tables()?.data;
        if self.layout() != Layout::Specification
            || presence == Presence::Another
            || presence == Presence::Absent && data.is_empty()
        {
            return self.check_process("cannot write to");
        }
        let mut has_data = false;
        self.in_transaction(1, &mut |conn, side| {
            if side.data != Presence::Another {
                has_data = write(conn, side.data, [(address, data)])?;
            }
            Ok(())
        })?;
        self.note_data(has_data);
        Ok(())
    }
}

/// Writes data in place of what there is, and creates the table if it is needed for that and absent. Returns whether the table
/// exists afterwards.
pub(super) fn write<'a>(
    conn: &Connection,
    presence: Presence,
    data: impl IntoIterator<Item = (&'a PeerAddress, &'a [u8])>,
) -> std::result::Result<bool, Failure> {
    let mut is_there = presence == Presence::Present;
    for (address, data) in data {
        if data.is_empty() {
            if is_there {
                DATA.delete_each(conn, [address])?;
            }
            continue;
        }
        if !is_there {
            DATA.create(conn)?;
            is_there = true;
        }
        let host = HostText::of(address.host());
        DATA.put(conn)?.execute(params![address.port(), host.as_str(), data])?;
    }
    Ok(is_there)
}

/// Gives the data of each peer to `each`, which returns whether there is such a peer; returns how many rows there are.
pub(super) fn read(
    conn: &Connection,
    name: &str,
    guard: Option<&Guard>,
    each: &mut dyn FnMut(PeerAddress, &[u8]) -> Result<bool>,
) -> Result<ReadRows> {
    DATA.read(conn, name, guard, &mut |address, row| {
        let value = row
            .get_ref(2)
            .map_err(|error| Error::sqlite(format!("cannot read the data of the peers of {name}"), &error))?;
        match value {
            ValueRef::Blob(data) if (1..=DATA_CAPACITY).contains(&data.len()) => each(address, data),
            _ => Ok(false),
        }
    })
}
