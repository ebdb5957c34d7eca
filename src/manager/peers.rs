//! Reading and writing peers.

use rand::Rng as _;
use rand::rngs::ChaCha12Rng;

use super::{PeerManager, Writer};
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::memory;
use crate::peer::{
    BackOffUpdate, PeerRecord, StoredPeerType, apply_backoff_update, apply_type_update, get_type_update,
};
use crate::store::Store;
use crate::sync::{Ordering, let_others_in};
use crate::table::{Bounds, Full, KeyTable, PeerTable};

/// Reading and writing peers. Each change costs one transaction if a database is open (with
/// [`Durability::Deferred`](crate::Durability::Deferred) none: that comes later). For one peer, the work in memory is
/// constant.
///
/// # Errors
/// Besides what is said for each: [`Error::Database`], [`Error::Busy`], [`Error::DiskFull`] or
/// [`Error::Corrupt`] when the database refuses the write, and [`Error::Internal`] after a panic.
impl PeerManager {
    /// Makes sure that an address is known: a new one is inbound, without failures, and due now. Returns whether it was
    /// new.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when it is new and a bound [refuses](crate::Options::max_peers) it.
    pub fn ensure_exists(&self, address: &PeerAddress) -> Result<bool> {
        // Most gossip is known already, and need not wait for the writer lock.
        if self.read()?.contains(address) {
            return Ok(false);
        }
        match self.add_unknown(std::slice::from_ref(address))? {
            Admitted { refused: Some(full), .. } => Err(limit(address, full)),
            Admitted { added, .. } => Ok(added == 1),
        }
    }

    /// As [`ensure_exists`](Self::ensure_exists) for many addresses in one transaction; returns how many were new. Those
    /// that a bound refuses are left out, and counted in the [stats](Self::get_stats).
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table would grow larger than a table can be.
    pub fn ensure_exists_many(&self, addresses: &[PeerAddress]) -> Result<usize> {
        self.add_unknown(addresses).map(|admitted| admitted.added)
    }

    /// What is known of an address, or `None`. Cost: constant.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn load(&self, address: &PeerAddress) -> Result<Option<PeerRecord>> {
        Ok(self.read()?.get(address))
    }

    /// Stores a record as it is, replacing what was known of its address.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the address is new and a bound [refuses](crate::Options::max_peers) it.
    pub fn store(&self, record: &PeerRecord) -> Result<()> {
        match self.store_all(std::slice::from_ref(record))?.refused {
            Some(full) => Err(limit(&record.address, full)),
            None => Ok(()),
        }
    }

    /// Stores records in one transaction, all or none; of two with the same address, the later one wins. New ones that
    /// a bound refuses are left out, and counted in the [stats](Self::get_stats).
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table would grow larger than a table can be.
    pub fn store_many(&self, records: &[PeerRecord]) -> Result<()> {
        self.store_all(records).map(drop)
    }

    /// Updates a peer's type by what it was observed to be; an unknown one is added as new first.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_type(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
    ) -> Result<()> {
        self.update_record(address, &|record, _, _| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
        })
    }

    /// Updates a peer's back-off by how an attempt to reach it went; an unknown one is added as new first.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_backoff(&self, address: &PeerAddress, backoff: BackOffUpdate) -> Result<()> {
        self.update_record(address, &|record, now, rng| {
            apply_backoff_update(record, backoff, now, || rng.next_u64());
        })
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
        self.update_record(address, &|record, now, rng| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
            apply_backoff_update(record, backoff, now, || rng.next_u64());
        })
    }

    /// Removes a peer.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::NotFound`] when there is no such peer.
    pub fn remove(&self, address: &PeerAddress) -> Result<()> {
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let table = self.write_table()?;
        let slot = table.find(address).ok_or_else(|| Error::NotFound(address.clone()))?;
        self.change(
            table,
            &mut writer,
            &|table| table.reserve_remove(1),
            &|store| store.delete(address),
            &mut |table| table.remove(slot),
        )
    }

    /// Removes the peers that have failed at least `min_num_failures` times; returns how many there were.
    ///
    /// In the database, this is the specification's statement: rows that are not valid peers are deleted too if they have
    /// as many failures. With [`Durability::Deferred`](crate::Durability::Deferred), only valid peers are deleted.
    ///
    /// # Errors
    /// See [above](#errors).
    pub fn remove_peers_with_many_failures(&self, min_num_failures: u32) -> Result<usize> {
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let mut slots = self.read_table()?.with_failures(min_num_failures)?;
        let removed = slots.len();
        self.change(
            self.write_table()?,
            &mut writer,
            &|table| table.reserve_remove(removed),
            &|store| store.delete_with_failures(min_num_failures),
            &mut |table| table.remove_with_failures(min_num_failures, &mut slots),
        )?;
        Ok(removed)
    }

    /// Limits every peer's next attempt to `latest`, in seconds since the Unix epoch; returns how many were later and are
    /// now due then. This repairs a table after a clock that was wrong, or after a change of the back-off.
    ///
    /// One transaction, and none if no peer changes. Cost: linear in the table. Only peers in the table change: rows
    /// that a [bound](crate::Options::max_peers) left in the file keep their time, as do rows that are not valid peers.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::NoMemory`] when there is none for a list of the peers that change.
    pub fn limit_next_attempt(&self, latest: i64) -> Result<usize> {
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let (slots, records) = self.read_table()?.waiting_beyond(latest)?;
        if records.is_empty() {
            return Ok(0);
        }
        self.change(
            self.write_table()?,
            &mut writer,
            &|table| table.reserve_insert(&records, false, 0),
            &|store| store.replace(&records),
            &mut |table| table.update(&slots, &records),
        )?;
        Ok(records.len())
    }

    /// Removes all peers. In the database, rows that are not valid peers are deleted too.
    ///
    /// # Errors
    /// See [above](#errors).
    pub fn clear_all(&self) -> Result<()> {
        let mut writer = self.lock_writer()?;
        self.change(self.write_table()?, &mut writer, &|_| Ok(()), &Store::delete_all, &mut PeerTable::clear)
    }

    /// Applies a rule to the peer with this address, or to a new one; the rule is given the current time.
    fn update_record(
        &self,
        address: &PeerAddress,
        rule: &dyn Fn(&mut PeerRecord, i64, &mut ChaCha12Rng),
    ) -> Result<()> {
        let now = self.clock.now();
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let table = self.write_table()?;
        let (slot, mut record) = match table.find_record(address) {
            Some((slot, record)) => (Some(slot), record),
            None => (None, PeerRecord::new(address.clone(), now)),
        };
        rule(&mut record, now, &mut writer.rng);
        let records = std::slice::from_ref(&record);
        let Some(slot) = slot else {
            drop(table);
            return match self.admit(&mut writer, records, Some(&[]), Some(now), Store::replace)?.refused {
                Some(full) => Err(limit(address, full)),
                None => Ok(()),
            };
        };
        self.change(
            table,
            &mut writer,
            &|table| table.reserve_update(slot, &record),
            &|store| store.replace(records),
            &mut |table| {
                table.advance_forward(now);
                table.update(&[slot], records);
            },
        )
    }

    /// Moves the entries of a large table to a larger array, if so many more peers need one, in parts between which other
    /// threads get in. If the entries change all the time, the change itself moves them.
    fn grow(&self, peers: usize) -> Result<()> {
        let wanted = self.read_table()?.wanted_keys(peers);
        if let Some(slots) = wanted {
            let table = KeyTable::with_capacity(slots)?;
            self.write_table()?.begin_keys(table);
        }
        let Some(mut larger) = self.read_table()?.larger(peers)? else { return Ok(()) };
        loop {
            while self.read_table()?.copy_part(&mut larger) {}
            if self.write_table()?.exchange(&mut larger) || larger.is_given_up() {
                return Ok(());
            }
        }
    }

    /// Adds those of the addresses that are new.
    fn add_unknown(&self, addresses: &[PeerAddress]) -> Result<Admitted> {
        let now = self.clock.now();
        self.admit_unknown(
            addresses,
            |address| address,
            Some(now),
            |address| PeerRecord::new(address.clone(), now),
        )
    }

    /// Adds those of the peers whose addresses are new, advancing the table to `now` first if that is given. Never evicts
    /// a peer named in the same batch.
    pub(super) fn admit_unknown<T>(
        &self,
        peers: &[T],
        address: impl Fn(&T) -> &PeerAddress,
        now: Option<i64>,
        record: impl Fn(&T) -> PeerRecord,
    ) -> Result<Admitted> {
        let mut writer = self.lock_writer()?;
        let (mut new, mut known) = (Vec::new(), Vec::new());
        let table = self.read_table()?;
        for peer in peers {
            match table.find(address(peer)) {
                Some(slot) => memory::push(&mut known, slot)?,
                None => memory::push(&mut new, record(peer))?,
            }
        }
        // With bounds, the file may have rows of peers that are not in the table, and they are replaced. Without, only
        // another program can have written such a row meanwhile, and it stays.
        let write = if table.is_bounded() { Store::replace } else { Store::insert };
        drop(table);
        self.admit(&mut writer, &new, Some(&known), now, write)
    }

    fn store_all(&self, records: &[PeerRecord]) -> Result<Admitted> {
        let mut writer = self.lock_writer()?;
        self.admit(&mut writer, records, None, None, Store::replace)
    }

    /// Puts records into the table as far as its bounds admit them, advancing it to `now` first if that is given. Evicts
    /// others where it must, except those that are spared: see [`PeerTable::plan`].
    fn admit(
        &self,
        writer: &mut Writer,
        records: &[PeerRecord],
        spared: Option<&[u32]>,
        now: Option<i64>,
        write: fn(&mut Store, &[PeerRecord]) -> Result<()>,
    ) -> Result<Admitted> {
        if records.is_empty() {
            return Ok(Admitted { added: 0, refused: None });
        }
        let (mut plan, evicted, is_bounded) = {
            let mut table = self.read_table()?;
            while table.is_bounded() && !table.is_grouped() {
                // The netgroups were dropped when there was no memory for them.
                drop(table);
                self.write_table()?.group_in_part()?;
                let_others_in();
                table = self.read_table()?;
            }
            let plan = table.plan_insert(records, spared)?;
            // Slots stay as they are until the writer is unlocked; the database knows addresses.
            let evicted = if writer.store.is_some() { &plan.evicted[..] } else { &[] };
            let evicted = memory::collect(table.addresses(evicted))?;
            (plan, evicted, table.is_bounded())
        };
        if !is_bounded && plan.refused > 0 {
            return Err(Error::Limit(format!(
                "cannot add {} peers: a table holds at most {}; remove some first",
                plan.refused,
                Bounds::NONE.peers
            )));
        }
        let mut added = 0;
        if !plan.taken.is_empty() {
            let (taken, slots) = (&plan.taken, &mut plan.evicted);
            let evictions = slots.len();
            if spared.is_some() {
                self.grow(taken.len())?;
            }
            self.change(
                self.write_table()?,
                writer,
                &|table| table.reserve_insert(taken, spared.is_some(), evictions),
                &|store| match &evicted[..] {
                    [] => write(store, taken),
                    evicted => store.evict(evicted, taken),
                },
                &mut |table| {
                    if let Some(now) = now {
                        table.advance_forward(now);
                    }
                    added = table.insert(taken, slots);
                },
            )?;
        }
        self.refused_peers.fetch_add(plan.refused as u64, Ordering::Relaxed);
        Ok(Admitted { added, refused: plan.first_refused })
    }
}

/// The outcome of putting records into the table.
pub(super) struct Admitted {
    /// How many of them are new in the table.
    pub(super) added: usize,
    /// Why the first refused one was refused.
    refused: Option<Full>,
}

/// The error for a new peer that no room could be made for.
fn limit(address: &PeerAddress, full: Full) -> Error {
    let what = match full {
        Full::Table => "the table has as many peers as max_peers allows",
        Full::Netgroup => "its network group has as many peers as max_peers_per_netgroup allows",
    };
    Error::Limit(format!(
        "cannot add {address}: {what}, and no inbound one that has failed; remove peers, or raise the bound"
    ))
}
