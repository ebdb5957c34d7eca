//! The owner of the slab: the only place that changes it and passes the changes to the [indexes](super::index).
//!
//! A change is asked for in two steps. First the memory that it takes ([`room`]), which may be refused, with nothing done; then
//! comes the change itself, which cannot fail. Between the two, the manager writes to the database. The room is still there
//! then, because only changes use any up, and there is one at a time.
//!
//! Each function here does the same: it changes the slab and the indexes, and at the end makes everything fit the size of the
//! table. Work that only gives memory back, or keeps things fast, is left out when there is no memory for it.

pub(super) mod entry;
mod load;
pub(super) mod names;
mod room;
mod sip;
pub(super) mod slab;
pub(super) mod time;

use std::collections::HashSet;
use std::{fmt, iter};

pub(crate) use room::Inserts;

use super::bounds::Bounds;
use super::index::interface::{Cause, Index as _};
use super::index::{Grouping, Indexes};
use crate::address::{Host, PeerAddress};
use crate::bans::Bans;
use crate::changes::{Changes, Room};
use crate::history::{Noted, Times};
use crate::memory;
use crate::netgroup::GroupingPolicy;
use crate::peer::{PeerRecord, StoredPeerType};
use crate::sort::sort;
use entry::{Entry, Key};
use slab::{Peer, Place, Slab};

/// The peers: see the module [`table`](super).
pub(crate) struct PeerTable {
    slab: Slab,
    indexes: Indexes,
    bounds: Bounds,
    /// Not peers, but changed in the same moment as they: none in the table is banned.
    bans: Bans,
    /// The slots below this one may be in the wrong pool of their pair: [`time`].
    unsorted: u32,
    /// How many steps of work that can wait are done at a time: [`STEPS`].
    steps: u32,
}

/// Where many addresses are looked up, this many are asked for together: each leads to a bucket of the key index that is not in
/// the cache, and the processor waits for many of them in the time of one. As many as it can wait for at once, and some more.
pub(crate) const GROUP: usize = 32;

/// The hashes of the keys of some addresses; those of names mean nothing, because names may have no number yet.
pub(crate) type Hashes = [u64; GROUP];

/// Finding a peer's netgroup takes as many steps as looking at this many peers.
const STEPS_OF_GROUPING: u32 = 24;

/// This many steps of work that can wait are done while the table is locked once: a millisecond or two.
const STEPS: u32 = if cfg!(shuttle) { 2 } else { 16_384 };

/// Reading.
impl PeerTable {
    pub(super) fn slab(&self) -> &Slab {
        &self.slab
    }

    pub(super) fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(crate) fn bans(&self) -> &Bans {
        &self.bans
    }

    pub(crate) fn bans_mut(&mut self) -> &mut Bans {
        &mut self.bans
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.bounds != Bounds::NONE
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether the peers are grouped by netgroup.
    pub(crate) fn is_grouped(&self) -> bool {
        self.indexes.netgroups.grouping().is_some()
    }

    /// How many netgroups have peers, if the peers are grouped.
    pub(crate) fn netgroups(&self) -> usize {
        self.indexes.netgroups.grouping().map_or(0, Grouping::netgroups)
    }

    /// A number that two addresses, in the table or not, have in common exactly if they are of one netgroup.
    pub(crate) fn netgroup_number(&self, address: &PeerAddress) -> u64 {
        self.slab.policy().number_of(address)
    }

    /// How many changes the file does not have, for a manager that writes later.
    pub(crate) fn dirty_len(&self) -> usize {
        self.indexes.dirty.len() + self.bans.dirty_len()
    }

    /// The record of an address, or `None`. Cost: constant.
    pub(crate) fn get(&self, address: &PeerAddress) -> Option<PeerRecord> {
        self.find(address).map(|slot| self.record(slot, address))
    }

    /// Whether a history of each peer is kept.
    pub(crate) fn keeps_histories(&self) -> bool {
        self.indexes.histories.are_kept()
    }

    /// The history of the peer in a slot, if histories are kept. Cost: constant.
    pub(crate) fn times(&self, slot: u32) -> Option<Times> {
        self.indexes.histories.of(slot)
    }

    /// The application's data of the peer in a slot; empty if it has none. Cost: constant.
    pub(crate) fn data(&self, slot: u32) -> &[u8] {
        self.indexes.data.of(slot)
    }

    /// Whether the file may have rows of peers that are not in the table.
    pub(crate) fn leaves_rows(&self) -> bool {
        self.indexes.dirty.leaves_rows()
    }

    /// The slot of an address that is about to be changed, until a peer is removed.
    pub(crate) fn find_to_change(&self, address: &PeerAddress) -> Option<u32> {
        let slot = self.find(address)?;
        if self.is_large() {
            self.indexes.looked_up(&self.slab, slot);
        }
        Some(slot)
    }

    pub(crate) fn peer_type(&self, slot: u32) -> StoredPeerType {
        self.slab.entry(slot).peer_type()
    }

    /// Whether to prefetch: a smaller table is in the processor's cache, and prefetching costs more than it saves.
    fn is_large(&self) -> bool {
        const FROM: usize = 20_000;
        self.len() >= FROM
    }

    /// The hashes of some addresses, [`GROUP`] at most, of which the first may be `known` already. If the table is large, what
    /// looking them up reads first is prefetched.
    pub(crate) fn hashes<'a>(
        &self,
        addresses: impl Iterator<Item = &'a PeerAddress>,
        known: &[u64],
    ) -> Hashes {
        let (mut hashes, is_large) = ([0; GROUP], self.is_large());
        for (index, (hash, address)) in hashes.iter_mut().zip(addresses).enumerate() {
            let known = known.get(index).copied();
            *hash = known.unwrap_or_else(|| self.slab.place(Key::of(address, 0)).hash);
            if is_large {
                self.indexes.keys.prefetch_home(*hash);
            }
        }
        hashes
    }

    pub(crate) fn contains(&self, address: &PeerAddress) -> bool {
        self.find(address).is_some()
    }

    /// The slot of an address, until a peer is removed.
    pub(crate) fn find(&self, address: &PeerAddress) -> Option<u32> {
        self.locate(address).ok()
    }

    /// The same, if [its hash](Self::hashes) is known already.
    pub(crate) fn find_hashed(&self, address: &PeerAddress, hash: u64) -> Option<u32> {
        self.locate_hashed(address, Some(hash)).ok()
    }

    /// The same, with the hash, unless the address has a new name.
    pub(crate) fn find_and_hash(&self, address: &PeerAddress) -> (Option<u32>, Option<u64>) {
        let Ok(key) = self.slab.key(address) else { return (None, None) };
        let place = self.slab.place(key);
        (self.indexes.keys.find_place(&self.slab, &place), Some(place.hash))
    }

    /// The addresses of the peers in these slots.
    pub(crate) fn addresses(&self, slots: &[u32]) -> impl Iterator<Item = PeerAddress> {
        slots.iter().map(|&slot| self.slab.address(slot))
    }

    /// The slot of an address, or else its place, unless its name is new as well.
    fn locate(&self, address: &PeerAddress) -> Result<u32, Option<Place>> {
        self.locate_hashed(address, None)
    }

    fn locate_hashed(&self, address: &PeerAddress, hash: Option<u64>) -> Result<u32, Option<Place>> {
        let place = match (hash, address.host()) {
            (Some(hash), Host::V4(_) | Host::V6(_)) => Place { key: Key::of(address, 0), hash },
            _ => self.slab.place(self.slab.key(address).map_err(|_| None)?),
        };
        self.indexes.keys.find_place(&self.slab, &place).ok_or(Some(place))
    }

    /// The record of a slot whose address is at hand, which saves making another.
    pub(crate) fn record(&self, slot: u32, address: &PeerAddress) -> PeerRecord {
        let entry = self.slab.entry(slot);
        PeerRecord {
            address: address.clone(),
            next_attempt: entry.next_attempt(),
            num_failures: entry.num_failures(),
            peer_type: entry.peer_type(),
        }
    }
}

/// Changing. Each function requires what it needs to have been [reserved](room).
impl PeerTable {
    /// An empty table as of `now`.
    pub(crate) fn new(now: i64, bounds: Bounds) -> Self {
        let mut table = Self {
            slab: Slab::new(now),
            indexes: Indexes::new(),
            bounds,
            bans: Bans::default(),
            unsorted: 0,
            steps: STEPS,
        };
        if table.is_bounded() && table.group().is_err() {
            table.indexes.netgroups.starve();
        }
        table
    }

    /// Sets the policy; the table must be empty.
    pub(crate) fn set_policy(&mut self, policy: GroupingPolicy) {
        self.slab.set_policy(policy);
    }

    /// Inserts peers, or updates those that are known, and then removes the evicted ones, given by their slots. The
    /// [hashes](Self::hashes) of the first records may be known already. Returns how many were inserted. Cost: constant for each,
    /// and that of sorting the evicted.
    pub(crate) fn insert(&mut self, records: &[PeerRecord], hashes: &[u64], evicted: &mut [u32]) -> usize {
        let before = self.len();
        let known = hashes.chunks(GROUP).chain(iter::repeat(&[][..]));
        for (group, known) in records.chunks(GROUP).zip(known) {
            let hashes = self.hashes(group.iter().map(|record| &record.address), known);
            for (record, &hash) in group.iter().zip(&hashes) {
                match self.locate_hashed(&record.address, Some(hash)) {
                    Ok(slot) => self.assign(slot, record),
                    Err(place) => self.push(record, place),
                }
            }
        }
        let inserted = self.len() - before;
        self.remove_slots(evicted);
        inserted
    }

    /// Updates the peer in a slot. Cost: constant.
    pub(crate) fn update(&mut self, slot: u32, record: &PeerRecord) {
        self.assign(slot, record);
        // The slab has the same size as before.
        self.indexes.fit(&mut self.slab);
    }

    /// Updates the peers in these slots, each to the record in the same position. Cost: constant for each.
    pub(crate) fn update_many(&mut self, slots: &[u32], records: &[PeerRecord]) {
        for (slots, records) in slots.chunks(GROUP).zip(records.chunks(GROUP)) {
            if self.is_large() {
                for &slot in slots {
                    self.indexes.looked_up(&self.slab, slot);
                }
            }
            slots.iter().zip(records).for_each(|(&slot, record)| self.assign(slot, record));
        }
        self.indexes.fit(&mut self.slab);
    }

    /// Keeps a history of each peer from now on; the table must be empty.
    pub(crate) fn keep_histories(&mut self) {
        self.indexes.histories.keep();
    }

    /// Replaces the histories and data of these peers, as far as they are in the table. Cost: constant for each.
    pub(crate) fn note_all(&mut self, noted: &[Noted]) {
        for Noted { address, times, data } in noted {
            let Some(slot) = self.find(address) else { continue };
            if let Some(times) = times {
                self.set_times(slot, *times);
            }
            if let Some(data) = data {
                self.put_data(slot, data);
            }
        }
        self.indexes.fit(&mut self.slab);
    }

    /// Takes in a history that was read from a file; returns whether there is such a peer.
    pub(crate) fn note_loaded(&mut self, address: &PeerAddress, times: Times) -> bool {
        let slot = self.find(address);
        if let Some(slot) = slot {
            self.set_times(slot, times);
        }
        slot.is_some()
    }

    /// Replaces the history of the peer in a slot. Cost: constant.
    pub(crate) fn note(&mut self, slot: u32, times: Times) {
        self.set_times(slot, times);
        self.indexes.fit(&mut self.slab);
    }

    /// Replaces the data of the peer in a slot. Cost: constant.
    pub(crate) fn set_data(&mut self, slot: u32, data: &[u8]) {
        self.put_data(slot, data);
        self.indexes.fit(&mut self.slab);
    }

    /// Records that the file has no data for these peers, whose rows it refused: when one is written after all, its data is,
    /// too.
    pub(crate) fn keep_data_unwritten(&mut self, peers: &HashSet<PeerAddress>) {
        for slot in peers.iter().filter_map(|address| self.find(address)).collect::<Vec<_>>() {
            self.indexes.data.give_back(slot);
        }
    }

    /// Takes in data that was read from a file; returns whether there is such a peer.
    pub(crate) fn data_loaded(&mut self, address: &PeerAddress, data: &[u8]) -> memory::Result<bool> {
        let Some(slot) = self.find(address) else { return Ok(false) };
        self.indexes.data.reserve_data(&self.slab, 0, iter::once(data.len()))?;
        self.indexes.data.set(slot, data, true);
        Ok(true)
    }

    /// Removes the peer in a slot, whose key has this hash. Cost: constant.
    pub(crate) fn remove(&mut self, slot: u32, hash: u64) {
        self.take(slot, hash);
        self.fit();
    }

    /// Removes the peers in these slots. Cost: that of sorting them, and constant for each as long as they are few, else linear
    /// in the table.
    pub(crate) fn remove_many(&mut self, slots: &mut [u32]) {
        if slots.len() <= self.len() / 8 {
            return self.remove_slots(slots);
        }
        sort(slots, &mut |a, b| a.cmp(&b));
        self.drop_slots(slots, |slot, _| slots.binary_search(&slot).is_err());
    }

    /// Removes the peers with at least `min_num_failures`, which are in these slots. Cost: linear in their number as long
    /// as they are few, else linear in the table.
    pub(crate) fn remove_with_failures(&mut self, min_num_failures: u32, slots: &mut [u32]) {
        if slots.len() <= self.len() / 8 {
            return self.remove_slots(slots);
        }
        self.drop_slots(slots, |_, entry| entry.num_failures() < min_num_failures);
    }

    /// Removes the peers in these slots, which do not pass, in one pass over all.
    fn drop_slots(&mut self, slots: &[u32], passes: impl Fn(u32, &Entry) -> bool) {
        for &slot in slots {
            self.indexes.dropped(&self.slab, slot);
        }
        self.slab.retain(passes);
        self.unsorted_moved();
        self.indexes.rebuild(&mut self.slab, Cause::Dropped);
        self.fit();
    }

    /// Removes all peers and gives the memory back. It takes none.
    pub(crate) fn clear(&mut self) {
        self.slab.clear();
        self.indexes.clear();
        self.unsorted = 0;
        self.fit();
    }

    /// Groups the peers by netgroup, and keeps that from now on. Cost: linear.
    pub(crate) fn group(&mut self) -> memory::Result {
        self.indexes.netgroups.build(&self.slab)
    }

    /// How many peers may be looked at while the table is locked once.
    pub(in crate::table) fn steps(&self) -> u32 {
        self.steps
    }

    /// The same for a part of the peers, small enough for the table to be locked that long; the last part ends it.
    pub(crate) fn group_in_part(&mut self) -> memory::Result {
        self.indexes.netgroups.build_in_part(&self.slab, self.steps.div_ceil(STEPS_OF_GROUPING))
    }

    /// From now on, tracks what changes, for a manager that writes later: the file has all that is in the table.
    pub(crate) fn track(&mut self) {
        self.indexes.dirty.track(&mut self.slab);
        self.bans.track();
    }

    /// Takes all changes since the last time, to be written, with the room to put them together with those that are `unwritten`
    /// from before. Without memory for that, everything stays as it is. Cost: linear in their number.
    pub(crate) fn take_dirty(&mut self, unwritten: &Changes) -> memory::Result<(Changes, Room)> {
        let bans = self.bans.dirty_len();
        let times = self.indexes.histories.all();
        let (mut changes, room) =
            self.indexes.dirty.take(&mut self.slab, times, &mut self.indexes.data, unwritten, bans)?;
        self.bans.take(&mut changes.bans);
        Ok((changes, room))
    }

    /// Takes in a peer that was read from a file, which was found in a slot or else has a place. Of the indexes only that of
    /// the keys follows; the others are rebuilt when [all are there](Self::keep_loaded).
    fn put_loaded(&mut self, record: &PeerRecord, found: Result<u32, Option<Place>>) {
        match found {
            Ok(slot) => self.slab.assign(slot, record),
            Err(place) => {
                let (slot, hash) = self.slab.push(record, place);
                let peer = Peer { slot, hash, pool: self.slab.pool(slot) };
                self.indexes.keys.inserted(&mut self.slab, peer);
            }
        }
    }

    /// Keeps the loaded peers in these slots, or else all, and rebuilds the indexes.
    fn keep_loaded(&mut self, is_kept: Option<&[bool]>) -> memory::Result {
        if let Some(is_kept) = is_kept {
            self.slab.retain(|slot, _| is_kept[slot as usize]);
            self.indexes.keys.rebuild(&mut self.slab, Cause::Dropped);
            self.indexes.dirty.leave_rows();
        }
        self.reserve_rebuild()?;
        self.indexes.rebuild(&mut self.slab, Cause::Loaded);
        self.fit();
        if self.is_bounded() && !self.is_grouped() {
            // A file is not opened without what its bounds need.
            self.group()?;
        }
        Ok(())
    }

    fn push(&mut self, record: &PeerRecord, place: Option<Place>) {
        let (slot, hash) = self.slab.push(record, place);
        let peer = Peer { slot, hash, pool: self.slab.pool(slot) };
        self.indexes.inserted(&mut self.slab, peer);
    }

    fn assign(&mut self, slot: u32, record: &PeerRecord) {
        if self.is_large() {
            self.indexes.prefetch(slot);
        }
        let before = self.slab.state(slot);
        self.slab.assign(slot, record);
        let after = self.slab.state(slot);
        self.indexes.updated(&mut self.slab, slot, before, after);
    }

    fn set_times(&mut self, slot: u32, times: Times) {
        if self.indexes.histories.set(&self.slab, slot, times) {
            self.indexes.dirty.touch(&mut self.slab, slot);
        }
    }

    fn put_data(&mut self, slot: u32, data: &[u8]) {
        let is_tracking = self.indexes.dirty.is_tracking();
        self.indexes.data.set(slot, data, !is_tracking);
        self.indexes.dirty.touch(&mut self.slab, slot);
    }

    fn take(&mut self, slot: u32, hash: u64) {
        if self.is_large() {
            self.indexes.prefetch(slot);
        }
        let peer = Peer { slot, hash, pool: self.slab.pool(slot) };
        self.indexes.removed(&mut self.slab, peer);
        if let Some(last) = self.slab.swap_remove(slot) {
            let moved = self.slab.peer(slot);
            self.indexes.moved(&mut self.slab, last, moved);
        }
    }

    fn remove_slots(&mut self, slots: &mut [u32]) {
        // From the back, so that filling a gap with the last peer moves none that is still to go.
        sort(slots, &mut |a, b| b.cmp(&a));
        for &slot in &*slots {
            self.take(slot, self.slab.hash_of(slot));
        }
        self.fit();
    }

    /// Gives everything the size that suits the table, as far as there is memory for that. Cost: constant, amortised.
    fn fit(&mut self) {
        if let Some(numbers) = self.slab.fit() {
            self.indexes.renumbered(&self.slab, &numbers);
        }
        self.indexes.fit(&mut self.slab);
    }
}

impl fmt::Debug for PeerTable {
    /// Not the peers: there may be millions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTable").field("len", &self.len()).finish_non_exhaustive()
    }
}
