//! Reading and writing peers.

use rand::rngs::ChaCha12Rng;

use super::PeerManager;
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::peer::{
    BackOffUpdate, PeerRecord, StoredPeerType, apply_backoff_update, apply_type_update, get_type_update,
};
use crate::store::Store;

/// Reading and writing peers. Each call costs one transaction if a database is open (with
/// [`Durability::Deferred`](crate::Durability::Deferred) none, that comes later), and is constant in memory.
///
/// # Errors
/// Besides what is said for each: [`Error::Database`], [`Error::Busy`], [`Error::DiskFull`] or
/// [`Error::Corrupt`] when the database refuses the write, and [`Error::Internal`] after a panic.
impl PeerManager {
    /// Makes sure that an address is known: a new one is inbound, without failures, and ready now. Says whether
    /// it was new.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table is as large as it can be.
    pub fn ensure_exists(&self, address: &PeerAddress) -> Result<bool> {
        // What is known already, the most frequent case of gossip, waits for no writer.
        if self.read()?.contains(address) {
            return Ok(false);
        }
        self.ensure_exists_many(std::slice::from_ref(address)).map(|inserted| inserted == 1)
    }

    /// As [`ensure_exists`](Self::ensure_exists) for many addresses in one transaction; says how many were new.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table would grow larger than it can be.
    pub fn ensure_exists_many(&self, addresses: &[PeerAddress]) -> Result<usize> {
        let now = self.clock.now();
        let mut writer = self.lock_writer()?;
        let new = self.unknown_of(addresses, now)?;
        if new.is_empty() {
            return Ok(0);
        }
        self.check_room(&new)?;
        self.write(&mut writer, |store| store.insert(&new))?;
        let mut table = self.write_table()?;
        table.advance_forward(now);
        let before = table.len();
        for record in &new {
            table.put(record);
        }
        let added = table.len() - before;
        drop(table);
        self.note_change();
        Ok(added)
    }

    /// What is known of an address. Cost: constant.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn load(&self, address: &PeerAddress) -> Result<Option<PeerRecord>> {
        Ok(self.read()?.get(address))
    }

    /// Stores a record as it is, in place of what was known of its address.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table is as large as it can be.
    pub fn store(&self, record: &PeerRecord) -> Result<()> {
        self.store_many(std::slice::from_ref(record))
    }

    /// Stores records in one transaction, all or none; of two with the same address, the later one counts.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table would grow larger than it can be.
    pub fn store_many(&self, records: &[PeerRecord]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut writer = self.lock_writer()?;
        self.check_room(records)?;
        self.write(&mut writer, |store| store.replace(records))?;
        let mut table = self.write_table()?;
        for record in records {
            table.put(record);
        }
        drop(table);
        self.note_change();
        Ok(())
    }

    /// Notes what a peer was seen to be; an unknown one is added as new first.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_type(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
    ) -> Result<()> {
        self.update_record(address, |record, _, _| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
        })
    }

    /// Notes how an attempt to reach a peer went; an unknown one is added as new first.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_backoff(&self, address: &PeerAddress, backoff: BackOffUpdate) -> Result<()> {
        self.update_record(address, |record, now, rng| apply_backoff_update(record, backoff, now, rng))
    }

    /// [`update_type`](Self::update_type) and [`update_backoff`](Self::update_backoff) in one change.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
        backoff: BackOffUpdate,
    ) -> Result<()> {
        self.update_record(address, |record, now, rng| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
            apply_backoff_update(record, backoff, now, rng);
        })
    }

    /// Forgets a peer.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::NotFound`] when there is no such peer.
    pub fn remove(&self, address: &PeerAddress) -> Result<()> {
        let mut writer = self.lock_writer()?;
        if !self.read()?.contains(address) {
            return Err(Error::NotFound(address.clone()));
        }
        self.write(&mut writer, |store| store.delete(address))?;
        self.write_table()?.remove(address);
        self.note_change();
        Ok(())
    }

    /// Forgets the peers that have failed at least `min_num_failures` times; says how many there were.
    ///
    /// In the database, this is the specification's statement: rows that are not valid peers go too if their
    /// failures are as many. With [`Durability::Deferred`](crate::Durability::Deferred), only peers go.
    ///
    /// # Errors
    /// See [above](#errors).
    pub fn remove_peers_with_many_failures(&self, min_num_failures: u32) -> Result<usize> {
        let mut writer = self.lock_writer()?;
        self.write(&mut writer, |store| store.delete_with_failures(min_num_failures))?;
        let removed = self.write_table()?.remove_with_failures(min_num_failures);
        self.note_change();
        Ok(removed)
    }

    /// Forgets all peers. In the database, rows that are not valid peers go too.
    ///
    /// # Errors
    /// See [above](#errors).
    pub fn clear_all(&self) -> Result<()> {
        let mut writer = self.lock_writer()?;
        self.write(&mut writer, Store::delete_all)?;
        self.write_table()?.clear();
        self.note_change();
        Ok(())
    }

    /// Changes the peer that is known by an address, or a new one, by a rule that is given the present.
    fn update_record(
        &self,
        address: &PeerAddress,
        rule: impl FnOnce(&mut PeerRecord, i64, &mut ChaCha12Rng),
    ) -> Result<()> {
        let now = self.clock.now();
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let known = self.read()?.find_record(address);
        let (slot, mut record) = match known {
            Some((slot, record)) => (Some(slot), record),
            None => (None, PeerRecord::new(address.clone(), now)),
        };
        rule(&mut record, now, &mut writer.rng);
        if slot.is_none() {
            self.check_room(std::slice::from_ref(&record))?;
        }
        self.write(&mut writer, |store| store.replace(std::slice::from_ref(&record)))?;
        let mut table = self.write_table()?;
        table.advance_forward(now);
        table.put_at(slot, &record);
        drop(table);
        self.note_change();
        Ok(())
    }

    /// New records for those addresses that are not in the table; twice for one that is given twice.
    fn unknown_of(&self, addresses: &[PeerAddress], now: i64) -> Result<Vec<PeerRecord>> {
        let table = self.read()?;
        let unknown = addresses.iter().filter(|address| !table.contains(address));
        Ok(unknown.map(|address| PeerRecord::new(address.clone(), now)).collect())
    }
}
