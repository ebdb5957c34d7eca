//! The application's data about a peer, and operations on all peers of a host.

use super::PeerManager;
use crate::address::{Host, PeerAddress};
use crate::data::DATA_CAPACITY;
use crate::error::{Error, Result};
use crate::memory;

/// Data and hosts.
///
/// # Errors
/// In addition to what each method lists: [`Error::Database`], [`Error::Busy`], [`Error::DiskFull`] or [`Error::Corrupt`] when
/// the database refuses a change, which leaves everything as it was; [`Error::NoMemory`]; [`Error::Internal`] after a panic.
impl PeerManager {
    /// Replaces the data of a peer: at most 255 bytes that belong to the application and mean nothing here, such as a node's
    /// id, its services or its version. Empty data removes what there was.
    ///
    /// Data belongs to the peer: it is gone when the peer is removed or evicted, an [import](Self::import) takes it over, and a
    /// [snapshot](crate::Snapshot::data) contains it. It is in the database, in the table `peer_manager_data`, which is created
    /// when data is set for the first time; in a file with stellar-core's layout, which gets no further table, it lasts until
    /// the manager is dropped. A quarantine loses it.
    ///
    /// One transaction; none if the peer has the same data already. Cost: constant; linear in the table for the first data in
    /// it. Memory: 16 to 256 bytes for a peer that has data, and four for every other peer once any peer has some.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such peer; [`Error::InvalidArgument`] for more than 255 bytes.
    ///
    /// ```
    /// use peer_manager::{PeerAddress, PeerManager};
    ///
    /// let manager = PeerManager::new_in_memory()?;
    /// let address: PeerAddress = "example.org:26656".parse()?;
    /// manager.ensure_exists(&address)?;
    /// manager.set_data(&address, b"its id")?;
    /// assert_eq!(manager.data(&address)?, b"its id");
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    pub fn set_data(&self, address: &PeerAddress, data: &[u8]) -> Result<()> {
        if data.len() > DATA_CAPACITY {
            return Err(Error::too_much_data(address, data.len()));
        }
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let table = self.write_table()?;
        let slot = table.find(address).ok_or_else(|| Error::NotFound(address.clone()))?;
        // Memory still has changes that the application has rolled back on its own connection.
        let is_in_file = writer.store.as_ref().is_none_or(|store| !store.is_borrowed());
        if is_in_file && table.data(slot) == data {
            return Ok(());
        }
        self.change(
            table,
            &mut writer,
            &|table| table.reserve_data(data.len()),
            &|store| store.write_data(address, data),
            &mut |table| table.set_data(slot, data),
        )
    }

    /// The data of a peer; empty if it has none. Cost: constant; never waits for the disk.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such peer; [`Error::NoMemory`]; [`Error::Internal`] after a panic.
    pub fn data(&self, address: &PeerAddress) -> Result<Vec<u8>> {
        let table = self.read()?;
        let slot = table.find(address).ok_or_else(|| Error::NotFound(address.clone()))?;
        Ok(memory::collect(table.data(slot).iter().copied())?)
    }

    /// Removes all peers of a host, whatever their ports; returns how many there were.
    ///
    /// One transaction, and none if there are none. Cost: linear in the table.
    ///
    /// # Errors
    /// See [above](#errors).
    ///
    /// ```
    /// use peer_manager::PeerManager;
    ///
    /// let manager = PeerManager::new_in_memory()?;
    /// manager.ensure_exists(&"203.0.113.7:80".parse()?)?;
    /// manager.ensure_exists(&"203.0.113.7:11625".parse()?)?;
    /// assert_eq!(manager.remove_host(&"203.0.113.7".parse()?)?, 2);
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    pub fn remove_host(&self, host: &Host) -> Result<usize> {
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let slots = self.read_table()?.on_host(host)?;
        self.remove_slots(&mut writer, slots)
    }
}
