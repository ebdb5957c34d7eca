//! The peers in memory: every question is answered here.
//!
//! - The **slab** `entries` holds the peers, 40 bytes each and without gaps; a *slot* is an index into it.
//! - The **index** finds the slot of an address. Its hash is keyed, because the addresses come from strangers.
//! - The **pools** are dense arrays of slots to draw from ([`pools`], [`sample`]).
//! - The **schedules** say who becomes due next, and who became due last ([`schedule`]).
//!
//! The table is split at the time `as_of`: peers due by then are in the ready pools and the ready schedule, the
//! others in the waiting ones. [`PeerTable::advance`] moves that time, in either direction, at a cost set by the
//! number of peers that change sides.

mod choose;
mod entry;
mod invariants;
mod names;
mod pools;
mod sample;
mod schedule;
mod snapshot;
mod split;

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use crate::address::{Host, PeerAddress};
use crate::peer::PeerRecord;
use entry::{Entry, Key};
use names::Names;
use pools::{Pools, Readiness};
use schedule::{Order, Schedule};

pub use snapshot::Snapshot;

/// The peers, see the [module](self).
#[derive(Debug)]
pub(crate) struct PeerTable {
    entries: Vec<Entry>,
    index: HashTable<u32>,
    hasher: RandomState,
    names: Names,
    pools: Pools,
    waiting: Schedule,
    ready: Schedule,
    as_of: i64,
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
    pub(crate) const MAX_PEERS: usize = u32::MAX as usize;

    /// An empty table, split at `now`.
    pub(crate) fn new(now: i64) -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::new(),
            names: Names::default(),
            pools: Pools::new(),
            waiting: Schedule::new(Order::Soonest),
            ready: Schedule::new(Order::Latest),
            as_of: now,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What is known of an address. Cost: constant.
    pub(crate) fn get(&self, address: &PeerAddress) -> Option<PeerRecord> {
        self.find_record(address).map(|(_, record)| record)
    }

    /// What is known of an address, and the slot it is known in until a peer is removed.
    pub(crate) fn find_record(&self, address: &PeerAddress) -> Option<(u32, PeerRecord)> {
        let slot = self.find(address)?;
        let entry = &self.entries[slot as usize];
        let record = PeerRecord {
            address: address.clone(),
            next_attempt: entry.next_attempt,
            num_failures: entry.num_failures,
            peer_type: entry.peer_type(),
        };
        Some((slot, record))
    }

    pub(crate) fn contains(&self, address: &PeerAddress) -> bool {
        self.find(address).is_some()
    }

    /// Adds a peer, or replaces what is known of it. Cost: logarithmic.
    pub(crate) fn put(&mut self, record: &PeerRecord) {
        self.put_at(self.find(&record.address), record);
    }

    /// As [`put`](Self::put), where the peer's slot is known, or that it has none.
    pub(crate) fn put_at(&mut self, slot: Option<u32>, record: &PeerRecord) {
        if let Some(slot) = slot {
            self.replace(slot, record);
        } else {
            let slot = self.append(record);
            let readiness = self.readiness(&self.entries[slot as usize]);
            self.pools.insert(&mut self.entries, slot, readiness);
            self.schedule(readiness).push(slot);
        }
    }

    /// Adds peers to an empty table. Cost: linear, without the logarithm of adding them one by one.
    pub(crate) fn load(&mut self, records: impl FnOnce(&mut dyn FnMut(&PeerRecord))) {
        records(&mut |record| {
            if let Some(slot) = self.find(&record.address) {
                self.entries[slot as usize].assign(record);
            } else {
                self.append(record);
            }
        });
        self.sort_all_into_pools();
    }

    /// Forgets a peer; says whether it was there. Cost: logarithmic.
    pub(crate) fn remove(&mut self, address: &PeerAddress) -> bool {
        let found = self.find(address);
        if let Some(slot) = found {
            self.remove_slot(slot);
        }
        found.is_some()
    }

    /// Forgets the peers with at least `min_num_failures`; says how many. Cost: linear in their number as long
    /// as they are few, else linear in the table.
    pub(crate) fn remove_with_failures(&mut self, min_num_failures: u32) -> usize {
        let mut slots = self.pools.with_failures_from(min_num_failures, &self.entries);
        if slots.len() > self.entries.len() / 8 {
            self.retain(|entry| entry.num_failures < min_num_failures);
        } else {
            // From the back, so that filling a gap with the last entry moves none that is still to go.
            slots.sort_unstable_by(|a, b| b.cmp(a));
            for &slot in &slots {
                self.remove_slot(slot);
            }
        }
        slots.len()
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.as_of);
    }

    /// A copy of the whole table. Cost: linear, a copy of 40 bytes a peer.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.entries.clone(), self.names.clone())
    }

    /// Counts the peers; the table must be split at the time in question. Cost: linear, for the netgroups.
    pub(crate) fn census(&self) -> Census {
        let mut census = Census { ready: self.ready.len() as u64, ..Census::default() };
        let mut netgroups = HashSet::new();
        for entry in &self.entries {
            census.by_type[entry.peer_type() as usize] += 1;
            netgroups.insert(entry.key().netgroup());
        }
        census.netgroups = netgroups.len() as u64;
        census
    }

    fn find(&self, address: &PeerAddress) -> Option<u32> {
        let name_number = match address.host() {
            Host::Name(text) => self.names.find(text)?,
            Host::V4(_) | Host::V6(_) => 0,
        };
        self.find_key(&Key::of(address, name_number))
    }

    fn find_key(&self, key: &Key) -> Option<u32> {
        let is_it = |&slot: &u32| self.entries[slot as usize].key() == *key;
        self.index.find(self.hasher.hash_one(key), is_it).copied()
    }

    /// Puts a newcomer into the slab and the index, not yet into a pool and a schedule.
    fn append(&mut self, record: &PeerRecord) -> u32 {
        let name_number = match record.address.host() {
            Host::Name(text) => self.names.acquire(text),
            Host::V4(_) | Host::V6(_) => 0,
        };
        let key = Key::of(&record.address, name_number);
        let slot = slot_number(self.entries.len());
        self.entries.push(Entry::new(key, record));
        let (entries, hasher) = (&self.entries, &self.hasher);
        let rehash = |&slot: &u32| hasher.hash_one(entries[slot as usize].key());
        self.index.insert_unique(hasher.hash_one(key), slot, rehash);
        slot
    }

    fn replace(&mut self, slot: u32, record: &PeerRecord) {
        let before = self.readiness(&self.entries[slot as usize]);
        self.pools.remove(&mut self.entries, slot, before);
        let entry = &mut self.entries[slot as usize];
        entry.assign(record);
        let after = if is_due(entry, self.as_of) { Readiness::Ready } else { Readiness::Waiting };
        self.pools.insert(&mut self.entries, slot, after);
        if before == after {
            self.schedule(after).update(slot);
        } else {
            self.schedule(before).remove(slot);
            self.schedule(after).push(slot);
        }
    }

    fn remove_slot(&mut self, slot: u32) {
        let entry = self.entries[slot as usize];
        let readiness = self.readiness(&entry);
        self.pools.remove(&mut self.entries, slot, readiness);
        self.schedule(readiness).remove(slot);
        let key = entry.key();
        if let Ok(found) = self.index.find_entry(self.hasher.hash_one(key), |&other| other == slot) {
            found.remove();
        }
        if let Some(number) = key.name_number() {
            self.names.release(number);
        }
        let last = slot_number(self.entries.len() - 1);
        self.entries.swap_remove(slot as usize);
        if slot != last {
            self.relocate(last, slot);
        }
        give_back(&mut self.entries);
        self.give_back_index();
    }

    /// Tells everything that points to the entry now in slot `to` that it was in `from` before.
    fn relocate(&mut self, from: u32, to: u32) {
        let entry = self.entries[to as usize];
        let hash = self.hasher.hash_one(entry.key());
        if let Some(slot) = self.index.find_mut(hash, |&slot| slot == from) {
            *slot = to;
        }
        let readiness = self.readiness(&entry);
        self.pools.relocate(&entry, readiness, to);
        match readiness {
            Readiness::Ready => self.ready.relocate(entry.schedule_position, to),
            Readiness::Waiting => self.waiting.relocate(entry.schedule_position, to),
        }
    }

    /// Keeps the entries that pass and builds all else anew.
    fn retain(&mut self, keeps: impl Fn(&Entry) -> bool) {
        for entry in self.entries.iter().filter(|entry| !keeps(entry)) {
            if let Some(number) = entry.key().name_number() {
                self.names.release(number);
            }
        }
        self.entries.retain(keeps);
        give_back(&mut self.entries);
        self.index = HashTable::with_capacity(self.entries.len());
        for (slot, entry) in self.entries.iter().enumerate() {
            let hash = self.hasher.hash_one(entry.key());
            self.index.insert_unique(hash, slot_number(slot), |_| unreachable!("there is room for all"));
        }
        self.sort_all_into_pools();
    }

    /// Builds the pools and the schedules from the slab.
    fn sort_all_into_pools(&mut self) {
        // What the old ones point to may be gone.
        self.pools = Pools::new();
        self.waiting = Schedule::new(Order::Soonest);
        self.ready = Schedule::new(Order::Latest);
        let mut sides = [Vec::new(), Vec::new()];
        for slot in 0..slot_number(self.entries.len()) {
            let readiness = self.readiness(&self.entries[slot as usize]);
            self.pools.insert(&mut self.entries, slot, readiness);
            sides[readiness as usize].push(slot);
        }
        for (readiness, slots) in [Readiness::Ready, Readiness::Waiting].into_iter().zip(&sides) {
            self.schedule(readiness).exchange(|_| false, slots);
        }
    }

    fn give_back_index(&mut self) {
        if self.index.capacity() > MIN_CAPACITY && self.index.len() < self.index.capacity() / 4 {
            let (entries, hasher) = (&self.entries, &self.hasher);
            let rehash = |&slot: &u32| hasher.hash_one(entries[slot as usize].key());
            self.index.shrink_to(self.index.len() * 2, rehash);
        }
    }

    fn readiness(&self, entry: &Entry) -> Readiness {
        if is_due(entry, self.as_of) { Readiness::Ready } else { Readiness::Waiting }
    }

    /// The schedule of one side, with the slab that it writes places into.
    fn schedule(&mut self, readiness: Readiness) -> ScheduleOf<'_> {
        let schedule = match readiness {
            Readiness::Ready => &mut self.ready,
            Readiness::Waiting => &mut self.waiting,
        };
        ScheduleOf { schedule, entries: &mut self.entries }
    }
}

/// A schedule together with the slab.
struct ScheduleOf<'a> {
    schedule: &'a mut Schedule,
    entries: &'a mut [Entry],
}

impl ScheduleOf<'_> {
    fn push(&mut self, slot: u32) {
        self.schedule.push(self.entries, slot);
    }

    fn remove(&mut self, slot: u32) {
        self.schedule.remove(self.entries, slot);
    }

    fn update(&mut self, slot: u32) {
        self.schedule.update(self.entries, slot);
    }

    fn exchange(&mut self, leaves: impl FnMut(&Entry) -> bool, others: &[u32]) -> Vec<u32> {
        self.schedule.exchange(self.entries, leaves, others)
    }
}

fn is_due(entry: &Entry, now: i64) -> bool {
    entry.next_attempt <= now
}

/// An index into the slab or into an array of slots, which are never longer than [`PeerTable::MAX_PEERS`].
#[expect(clippy::cast_possible_truncation, reason = "the manager bounds the table, see MAX_PEERS")]
fn slot_number(index: usize) -> u32 {
    debug_assert!(u32::try_from(index).is_ok(), "the manager bounds the table");
    index as u32
}

/// Arrays up to this capacity are left as they are.
const MIN_CAPACITY: usize = 64;

/// Gives memory back when an array uses less than a quarter of it. Cost: constant, amortised.
fn give_back<T>(array: &mut Vec<T>) {
    if array.capacity() > MIN_CAPACITY && array.len() < array.capacity() / 4 {
        array.shrink_to(array.len() * 2);
    }
}
