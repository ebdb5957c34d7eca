//! Reading and writing peers.

use std::collections::HashSet;

use rand::Rng as _;
use rand::rngs::ChaCha12Rng;

use super::admission::{Admitted, Incoming};
use super::dialling::forgive;
use super::history::{Notes, event_of};
use super::{PeerManager, Writer};
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::history::{Event, Noted, Times};
use crate::memory;
use crate::peer::{
    BackOffUpdate, PeerRecord, StoredPeerType, apply_type_update, get_type_update, is_promoted,
};
use crate::store::Store;
use crate::sync::{Ordering, RwLockWriteGuard};
use crate::table::PeerTable;

/// Reading and writing peers. Each change costs one transaction if a database is open (with
/// [`Durability::Deferred`](crate::Durability::Deferred) none: the write comes later). For one peer, the work in memory is
/// constant.
///
/// # Errors
/// In addition to what each method lists: [`Error::Database`], [`Error::Busy`], [`Error::DiskFull`] or [`Error::Corrupt`] when
/// the database refuses the write, and [`Error::Internal`] after a panic.
impl PeerManager {
    /// Makes sure that an address is known: a new one is inbound, without failures, and due now. Returns whether it was
    /// new.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when it is new and a bound [refuses](crate::Options::max_peers) it;
    /// [`Error::Refused`] when it is [banned](Self::ban) or one of the node's [own](Self::set_own_addresses), or new and its
    /// [`reach`](crate::Options::reach) refuses it.
    pub fn ensure_exists(&self, address: &PeerAddress) -> Result<bool> {
        let now = self.now_for_history();
        // Most gossip is known already, and need not wait for the writer lock.
        let table = self.read()?;
        let (known, hash) = table.find_and_hash(address);
        let is_stale =
            |slot| now.is_some_and(|now| table.times(slot).is_some_and(|times| times.is_stale(now)));
        if known.is_some_and(|slot| !is_stale(slot)) {
            return Ok(false);
        }
        drop(table);
        if known.is_none() && self.reach.refuses_gossip_of(address) {
            self.refused_peers.fetch_add(1, Ordering::Relaxed);
            return Err(Error::not_routable(address));
        }
        match self.add_unknown(std::slice::from_ref(address), hash)? {
            Admitted { refused: Some(refusal), .. } => Err(refusal.error(address)),
            Admitted { added, .. } => Ok(added == 1),
        }
    }

    /// As [`ensure_exists`](Self::ensure_exists) for many addresses in one transaction; returns how many were new. Those
    /// that a bound or a policy refuses are left out, and counted in the [stats](Self::get_stats).
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table would grow larger than a table can be.
    pub fn ensure_exists_many(&self, addresses: &[PeerAddress]) -> Result<usize> {
        self.add_unknown(addresses, None).map(|admitted| admitted.added)
    }

    /// The record of an address, or `None`. Cost: constant.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn load(&self, address: &PeerAddress) -> Result<Option<PeerRecord>> {
        Ok(self.read()?.get(address))
    }

    /// Stores a record as it is, replacing that of its address.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the address is new and a bound [refuses](crate::Options::max_peers) it;
    /// [`Error::Refused`] when it is [banned](Self::ban) or one of the node's [own](Self::set_own_addresses).
    pub fn store(&self, record: &PeerRecord) -> Result<()> {
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let table = self.write_table()?;
        // A known peer may be banned: a ban that has ended is in force again if the clock steps back.
        let known = table.bans().is_empty().then(|| table.find_to_change(&record.address)).flatten();
        if let Some(slot) = known {
            return self.change_record(table, &mut writer, slot, record, None, None);
        }
        drop((table, writer));
        match self.store_all(std::slice::from_ref(record))?.refused {
            Some(refusal) => Err(refusal.error(&record.address)),
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

    /// Updates a peer's type by the type that was observed; an unknown peer is first inserted as an inbound one.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_type(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
    ) -> Result<()> {
        self.update_record(address, None, &|record, _, _| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
            false
        })
    }

    /// Updates a peer's back-off by how an attempt to reach it went; an unknown one is first added as new.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_backoff(&self, address: &PeerAddress, backoff: BackOffUpdate) -> Result<()> {
        self.update_record(address, Some(backoff), &|record, now, rng| {
            self.apply_backoff(record, backoff, now, rng)
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
        self.update_record(address, Some(backoff), &|record, now, rng| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
            self.apply_backoff(record, backoff, now, rng)
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
        let (Some(slot), Some(hash)) = table.find_and_hash(address) else {
            return Err(Error::NotFound(address.clone()));
        };
        self.change(
            table,
            &mut writer,
            &|table| table.reserve_remove(1),
            &|store| store.delete(address),
            &mut |table| table.remove(slot, hash),
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

    /// Limits every peer's next attempt to `latest`, in seconds since the Unix epoch; returns how many had a later one, which
    /// is now `latest`. This repairs a table after a clock that was wrong, or after a change of the back-off.
    ///
    /// One transaction, and none if no peer changes. Cost: linear in the table. Only peers in the table change: rows
    /// that a [bound](crate::Options::max_peers) left in the file keep their time, as do rows that are not valid peers.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::NoMemory`] when there is no memory for a list of the peers that change.
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
            &|table| table.reserve_next_attempts(records.len()),
            &|store| store.replace(&records, &[], &[]),
            &mut |table| table.update_many(&slots, &records),
        )?;
        Ok(records.len())
    }

    /// Replaces the list of the node's own addresses: the node hears of them from others, and would otherwise dial itself.
    /// Those that are in the table are removed, in one transaction. From then on they are refused with [`Error::Refused`]; in a
    /// batch and in an import they are left out and counted in the [stats](Self::get_stats). So they are never drawn and never
    /// sent to others.
    ///
    /// The list lives in memory only: a node sets it after each opening, and whenever it learns an address of its own.
    ///
    /// # Errors
    /// See [above](#errors); the list is then as it was.
    pub fn set_own_addresses(&self, addresses: impl IntoIterator<Item = PeerAddress>) -> Result<()> {
        let mut own_addresses = HashSet::new();
        for address in addresses {
            memory::insert(&mut own_addresses, address)?;
        }
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let table = self.read_table()?;
        let slots = memory::collect(own_addresses.iter().filter_map(|address| table.find(address)))?;
        drop(table);
        self.remove_slots(&mut writer, slots)?;
        writer.own_addresses = own_addresses;
        Ok(())
    }

    /// Removes the peers in these slots, in one transaction; returns how many there were.
    pub(super) fn remove_slots(&self, writer: &mut Writer, mut slots: Vec<u32>) -> Result<usize> {
        if slots.is_empty() {
            return Ok(0);
        }
        let table = self.write_table()?;
        let removed = memory::collect(table.addresses(&slots))?;
        self.change(
            table,
            writer,
            &|table| table.reserve_remove(removed.len()),
            &|store| store.evict(&removed, &[], &[], &[]),
            &mut |table| table.remove_many(&mut slots),
        )?;
        Ok(removed.len())
    }

    /// Removes all peers. In the database, rows that are not valid peers are deleted too.
    ///
    /// # Errors
    /// See [above](#errors).
    pub fn clear_all(&self) -> Result<()> {
        let mut writer = self.lock_writer()?;
        self.change(self.write_table()?, &mut writer, &|_| Ok(()), &Store::delete_all, &mut PeerTable::clear)
    }

    /// Applies a back-off update; returns whether a failure is [forgiven](Self::set_online).
    fn apply_backoff(
        &self,
        record: &mut PeerRecord,
        backoff: BackOffUpdate,
        now: i64,
        rng: &mut ChaCha12Rng,
    ) -> bool {
        let num_failures = record.num_failures;
        self.backoff.apply_backoff_update(record, backoff, now, || rng.next_u64());
        let is_forgiven = backoff == BackOffUpdate::Increase && !self.is_online.load(Ordering::Relaxed);
        if is_forgiven {
            forgive(record, num_failures, now);
        }
        is_forgiven
    }

    /// Applies a rule to the peer with this address, or to a new one; the rule is given the current time, and returns whether
    /// it forgave a failure. What the update of the back-off reports goes into the history.
    fn update_record(
        &self,
        address: &PeerAddress,
        backoff: Option<BackOffUpdate>,
        rule: &dyn Fn(&mut PeerRecord, i64, &mut ChaCha12Rng) -> bool,
    ) -> Result<()> {
        let now = self.clock.now();
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let table = self.write_table()?;
        let slot = table.find_to_change(address);
        let mut record = match slot {
            Some(slot) => table.record(slot, address),
            None => PeerRecord::new(address.clone(), now),
        };
        let is_forgiven = rule(&mut record, now, &mut writer.rng);
        let records = std::slice::from_ref(&record);
        let event = backoff.map(event_of);
        if let Some(slot) = slot {
            self.change_record(table, &mut writer, slot, &record, event, Some(now))?;
        } else {
            drop(table);
            let table = self.read_table()?;
            let of_new = |record: &PeerRecord| {
                let times = Times::of_new_peer(now);
                let times = event.map_or(times, |event| times.noted(event, now));
                Some(Noted::history(&record.address, times))
            };
            let notes = self.keeps_histories.then(|| Notes::of_new_peers(Some(now), &of_new));
            let incoming = Incoming { records, hashes: &[], spared: Some(&[]) };
            let admitted =
                self.admit(&mut writer, table, incoming, (Some(now), Some(now)), notes, Store::replace)?;
            if let Some(refusal) = admitted.refused {
                return Err(refusal.error(address));
            }
        }
        if is_forgiven {
            self.forgiven_failures.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Changes the peer in a slot to what a record says, and adds an event to its history, which needs the time.
    fn change_record<'a>(
        &'a self,
        table: RwLockWriteGuard<'a, PeerTable>,
        writer: &mut Writer,
        slot: u32,
        record: &PeerRecord,
        event: Option<Event>,
        now: Option<i64>,
    ) -> Result<()> {
        let records = std::slice::from_ref(record);
        let times = event.and_then(|event| Some(table.times(slot)?.noted(event, now?)));
        let noted = times.map(|times| Noted::history(&record.address, times));
        let is_promoted = is_promoted(table.peer_type(slot), record.peer_type);
        let renewed: &[usize] = if is_promoted { &[0] } else { &[] };
        self.change(
            table,
            writer,
            &|table| table.reserve_update(slot, record),
            &|store| store.replace(records, renewed, noted.as_slice()),
            &mut |table| {
                if let Some(now) = now {
                    table.advance_forward(now);
                }
                table.update(slot, record);
                if let Some(times) = times {
                    table.note(slot, times);
                }
            },
        )
    }
}
