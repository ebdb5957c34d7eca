//! The peers in memory: every question is answered here.
//!
//! - The **slab** `entries` holds the peers, 44 bytes each and without gaps; a *slot* is an index into it.
//! - The **index** finds the slot of an address. Its hash is keyed, because the addresses come from strangers.
//! - The **pools** are dense arrays of slots to draw from ([`pools`], [`sample`]).
//! - The **members** of each network group are noted ([`netgroups`]) where that is asked for: for the bounds ([`bounds`])
//!   and to draw by group ([`spread`]).
//! - The **wheel** says who becomes due in which second ([`wheel`]).
//! - **Pending** changes are noted for a manager that writes later ([`pending`]).
//!
//! The table is split at the time `as_of`: peers due by then are in the ready pools, the others in the waiting ones.
//! [`PeerTable::advance`] moves that time, in either direction, at a cost set by the number of peers that change sides.

mod arrange;
mod bounds;
mod choose;
mod entry;
mod index;
mod invariants;
mod load;
mod names;
mod netgroups;
mod pending;
mod pools;
mod room;
mod sample;
mod snapshot;
mod split;
mod spread;
mod tally;
mod wheel;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use crate::address::{Host, PeerAddress};
use crate::error::{Error, Result as Fallible};
use crate::memory;
use crate::peer::{PeerRecord, StoredPeerType};
use crate::sort::sort;
use entry::{Entry, Key};
use index::Index;
use names::Names;
use netgroups::Members;
use pending::Pending;
use pools::{Pools, Readiness};
use wheel::Wheel;

pub(crate) use bounds::{Bounds, Full};
pub use snapshot::Snapshot;

/// The peers, see the [module](self).
pub(crate) struct PeerTable {
    entries: Vec<Entry>,
    index: Index,
    hasher: RandomState,
    names: Names,
    pools: Pools,
    wheel: Wheel,
    /// For a table that is bounded, or was asked to draw by network group, who is in each.
    members: Option<Members>,
    bounds: Bounds,
    /// For a manager that writes later, what the file does not have yet.
    pending: Option<Pending>,
    /// Whether the file may have rows of peers that are not in the table.
    leaves_rows: bool,
    /// Whether there once was no memory for something that the table can do without.
    is_starved: bool,
    as_of: i64,
}

/// Where in the index an address is, or would be.
struct Place {
    key: Key,
    hash: u64,
}

/// How many peers of each sort there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) by_type: [u64; 3],
    pub(crate) ready: u64,
    pub(crate) netgroups: u64,
}

impl PeerTable {
    /// The most peers that slots can number.
    pub(crate) const MAX_PEERS: usize = Index::MAX_LEN;

    /// An empty table, split at `now`.
    pub(crate) fn new(now: i64, bounds: Bounds) -> Self {
        let members = (bounds != Bounds::NONE).then(|| Members::with_capacity(0).ok()).flatten();
        Self {
            entries: Vec::new(),
            index: Index::new(),
            hasher: RandomState::new(),
            names: Names::default(),
            pools: Pools::new(),
            wheel: Wheel::new(),
            is_starved: members.is_none() && bounds != Bounds::NONE,
            members,
            bounds,
            pending: None,
            leaves_rows: false,
            as_of: now,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What is known of an address. Cost: constant.
    pub(crate) fn get(&self, address: &PeerAddress) -> Option<PeerRecord> {
        self.find(address).map(|slot| self.record(slot, address))
    }

    /// What is known of an address that is about to be changed, and the slot it is known in until a peer is removed.
    pub(crate) fn find_record(&self, address: &PeerAddress) -> Option<(u32, PeerRecord)> {
        let slot = self.find(address)?;
        if let Some(members) = &self.members {
            members.warm_place(slot);
        }
        Wheel::prefetch(&self.entries, slot);
        self.pools.prefetch(&self.entries, slot, self.pool(slot));
        Some((slot, self.record(slot, address)))
    }

    fn record(&self, slot: u32, address: &PeerAddress) -> PeerRecord {
        let entry = &self.entries[slot as usize];
        PeerRecord {
            address: address.clone(),
            next_attempt: entry.next_attempt(),
            num_failures: entry.num_failures,
            peer_type: entry.peer_type(),
        }
    }

    /// Has brought into the cache, without waiting for it, what a change of this slot needs.
    fn warm(&self, slot: u32) {
        if let Some(members) = &self.members {
            members.warm(members.group_of(slot));
        }
    }

    pub(crate) fn contains(&self, address: &PeerAddress) -> bool {
        self.find(address).is_some()
    }

    /// Adds peers or replaces what is known of them, and removes those in the slots that are displaced; says how many were
    /// added. There must be [room](Self::reserve). Cost: constant for each, and that of sorting the displaced.
    pub(crate) fn exchange(&mut self, displaced: &mut [u32], records: &[PeerRecord]) -> usize {
        let before = self.len();
        for record in records {
            self.put(record);
        }
        let added = self.len() - before;
        self.remove_slots(displaced);
        added
    }

    fn put(&mut self, record: &PeerRecord) {
        match self.locate(&record.address) {
            Ok(slot) => self.assign(slot, record),
            Err(place) => self.add(record, place),
        }
    }

    /// Removes a peer, if it is there. Cost: constant.
    pub(crate) fn remove(&mut self, address: &PeerAddress) {
        if let Some(slot) = self.find(address) {
            self.take(slot);
            self.fit();
        }
    }

    /// The slots of the peers with at least `min_num_failures`. Cost: linear in their number.
    pub(crate) fn with_failures(&self, min_num_failures: u32) -> memory::Result<Vec<u32>> {
        self.pools.with_failures_from(min_num_failures, &self.entries)
    }

    /// Removes the peers with at least `min_num_failures`, which are in these slots. Cost: linear in their number as long
    /// as they are few, else linear in the table.
    pub(crate) fn remove_with_failures(&mut self, min_num_failures: u32, slots: &mut [u32]) {
        if slots.len() > self.entries.len() / 8 {
            let keeps = |_, entry: &Entry| entry.num_failures < min_num_failures;
            let members = if self.is_grouped() { self.members_of(keeps).ok() } else { None };
            self.is_starved |= self.is_grouped() && members.is_none();
            self.retain(keeps, members);
        } else {
            self.remove_slots(slots);
        }
    }

    /// Removes the peers in these slots. Cost: constant for each, and that of sorting them.
    fn remove_slots(&mut self, slots: &mut [u32]) {
        // From the back, so that filling a gap with the last entry moves none that is still to go.
        sort(slots, &mut |a, b| b.cmp(&a));
        for &slot in &*slots {
            self.take(slot);
        }
        self.fit();
    }

    /// Removes everything and gives the memory back. It takes none.
    pub(crate) fn clear(&mut self) {
        self.entries = Vec::new();
        self.index = Index::new();
        self.names = Names::default();
        self.pools.clear();
        self.wheel.empty();
        if let Some(members) = &mut self.members {
            members.clear();
        }
        if let Some(pending) = &mut self.pending {
            *pending = Pending::cleared();
        }
        self.leaves_rows = false;
        self.fit();
    }

    /// The slots of the peers that wait beyond `latest`, until a peer is removed, and their records as they are when they
    /// wait until then. Cost: linear.
    pub(crate) fn limited(&self, latest: i64) -> Fallible<(Vec<u32>, Vec<PeerRecord>)> {
        let waits_longer = |entry: &&Entry| entry.next_attempt() > latest;
        let count = self.entries.iter().filter(waits_longer).count();
        let (mut slots, mut records) = (Vec::new(), Vec::new());
        let reserved = slots.try_reserve_exact(count).and_then(|()| records.try_reserve_exact(count));
        reserved.map_err(|_| Error::no_memory("for a list of the peers that wait too long"))?;
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| waits_longer(entry)) {
            slots.push(slot_number(index));
            records.push(PeerRecord {
                address: entry.key().address(self.names.texts()),
                next_attempt: latest,
                num_failures: entry.num_failures,
                peer_type: entry.peer_type(),
            });
        }
        Ok((slots, records))
    }

    /// A copy of the whole table. Cost: linear, a copy of 44 bytes a peer.
    pub(crate) fn snapshot(&self) -> Fallible<Snapshot> {
        let copy = || -> memory::Result<_> {
            let mut entries = memory::with_capacity(self.entries.len())?;
            entries.extend_from_slice(&self.entries);
            Ok(Snapshot::new(entries, self.names.texts().try_clone()?))
        };
        copy().map_err(|_| Error::no_memory(&format!("to copy a table of {} peers", self.len())))
    }

    /// Counts the peers; the table must be split at the time in question. Cost: constant if it is noted who is in each
    /// network group, else linear for those.
    pub(crate) fn census(&self) -> memory::Result<Census> {
        Ok(Census {
            by_type: StoredPeerType::ALL.map(|peer_type| self.pools.of_type(peer_type) as u64),
            ready: self.pools.ready() as u64,
            netgroups: self.netgroups()? as u64,
        })
    }

    /// How many network groups have peers.
    fn netgroups(&self) -> memory::Result<usize> {
        match &self.members {
            Some(members) => Ok(members.groups()),
            None => netgroups::count(self.entries.iter().map(Entry::key)),
        }
    }

    /// The slot of an address, until a peer is removed.
    pub(crate) fn find(&self, address: &PeerAddress) -> Option<u32> {
        self.locate(address).ok()
    }

    /// The slot of an address, or else where in the index it would be, unless its name is new as well.
    fn locate(&self, address: &PeerAddress) -> Result<u32, Option<Place>> {
        let name_number = match address.host() {
            Host::Name(text) => self.names.find(text).ok_or(None)?,
            Host::V4(_) | Host::V6(_) => 0,
        };
        let place = self.place(Key::of(address, name_number));
        self.find_place(&place).ok_or(Some(place))
    }

    fn place(&self, key: Key) -> Place {
        Place { key, hash: self.hasher.hash_one(key) }
    }

    fn find_place(&self, place: &Place) -> Option<u32> {
        self.index.find(place.hash, |slot| self.entries[slot as usize].key() == place.key)
    }

    fn add(&mut self, record: &PeerRecord, place: Option<Place>) {
        let slot = self.append(record, place);
        self.enter(slot);
        self.wheel.link(&mut self.entries, slot);
        self.note_added(slot, &record.address);
    }

    /// Puts a new peer into the slab and the index, where there is room, not yet into a pool and the wheel.
    fn append(&mut self, record: &PeerRecord, place: Option<Place>) -> u32 {
        let name_number = match record.address.host() {
            Host::Name(text) => self.names.acquire(text),
            Host::V4(_) | Host::V6(_) => 0,
        };
        let place = place.unwrap_or_else(|| self.place(Key::of(&record.address, name_number)));
        let slot = slot_number(self.entries.len());
        self.entries.push(Entry::new(place.key, record));
        self.index.push(place.hash);
        slot
    }

    /// Replaces what is known of the peer in a slot. There must be [room](Self::reserve_to_replace). Cost: constant.
    pub(crate) fn replace(&mut self, slot: u32, record: &PeerRecord) {
        self.assign(slot, record);
        self.pools.give_back();
    }

    fn assign(&mut self, slot: u32, record: &PeerRecord) {
        self.warm(slot);
        let before = self.pool(slot);
        self.wheel.unlink(&mut self.entries, slot);
        self.entries[slot as usize].assign(record);
        self.wheel.link(&mut self.entries, slot);
        self.shift(slot, before, self.pool(slot));
        self.note_changed(slot);
    }

    fn take(&mut self, slot: u32) {
        self.warm(slot);
        self.note_removed(slot);
        let last = slot_number(self.entries.len() - 1);
        let (pool, pool_of_last) = (self.pool(slot), self.pool(last));
        self.pools.remove(&mut self.entries, slot, pool);
        self.change_members(|members| members.swap_remove(slot, pool, pool_of_last));
        self.wheel.unlink(&mut self.entries, slot);
        let key = self.entries[slot as usize].key();
        self.index.remove(self.hasher.hash_one(key), slot, hash_of(&self.entries, &self.hasher));
        self.forget(key);
        self.entries.swap_remove(slot as usize);
        if slot != last {
            self.relocate(last, slot);
        }
    }

    /// Counts one peer less with this key's name.
    fn forget(&mut self, key: Key) {
        if let Some(number) = key.name_number() {
            self.names.release(number);
        }
    }

    /// Tells everything that points to the entry now in slot `to` that it was in `from` before.
    fn relocate(&mut self, from: u32, to: u32) {
        let entry = self.entries[to as usize];
        let hash = self.hasher.hash_one(entry.key());
        self.index.relocate(hash, from, to);
        let pool = self.pool(to);
        self.pools.relocate(&entry, pool, to);
        self.wheel.relocate(&mut self.entries, to);
        self.note_moved(to);
    }

    fn readiness(&self, entry: &Entry) -> Readiness {
        if is_due(entry, self.as_of) { Readiness::Ready } else { Readiness::Waiting }
    }
}

impl fmt::Debug for PeerTable {
    /// Not the peers: there may be millions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTable").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The hash of the key in a slot.
fn hash_of(entries: &[Entry], hasher: &RandomState) -> impl Fn(u32) -> u64 {
    |slot| hasher.hash_one(entries[slot as usize].key())
}

fn is_due(entry: &Entry, now: i64) -> bool {
    entry.next_attempt() <= now
}

/// An index into the slab or into an array of slots, which are never longer than [`PeerTable::MAX_PEERS`].
#[expect(clippy::cast_possible_truncation, reason = "the manager bounds the table, see MAX_PEERS")]
fn slot_number(index: usize) -> u32 {
    debug_assert!(u32::try_from(index).is_ok(), "the manager bounds the table");
    index as u32
}
