//! Where addresses are: the buckets of the two tables.

use std::hash::{BuildHasher as _, Hash};

use foldhash::quality::FixedState;

use super::Id;

/// How many addresses a bucket holds.
pub(super) const SIZE: usize = 64;
pub(super) const NEW_BUCKETS: usize = 1_024;
pub(super) const TRIED_BUCKETS: usize = 256;
/// Over how many buckets of the new table one network of sources can spread addresses.
const NEW_BUCKETS_A_SOURCE: u64 = 64;
/// Over how many buckets of the tried table one network can spread.
const TRIED_BUCKETS_A_NETWORK: u64 = 8;

const EMPTY: Id = Id::MAX;

/// A place in either table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

/// What a hash is for, so that no two are alike.
#[derive(Clone, Copy, Hash)]
enum Purpose {
    NewBucket,
    NewPlace,
    TriedBucket,
    TriedPlace,
}

#[derive(Debug)]
pub(super) struct Places {
    key: FixedState,
    new: Vec<Id>,
    tried: Vec<Id>,
    /// The places in the new table of each address.
    of: Vec<Vec<Slot>>,
}

impl Places {
    pub(super) fn new(key: u64) -> Self {
        Self {
            key: FixedState::with_seed(key),
            new: vec![EMPTY; NEW_BUCKETS * SIZE],
            tried: vec![EMPTY; TRIED_BUCKETS * SIZE],
            of: Vec::new(),
        }
    }

    /// A number below `below` that follows the key.
    fn hash(&self, value: impl Hash, below: u64) -> u64 {
        self.key.hash_one(value) % below
    }

    /// The place that an address has in the new table when a source of a network tells of it.
    pub(super) fn new_slot(&self, id: Id, network: u32, source: u32) -> Slot {
        let of_source = self.hash((Purpose::NewBucket, network, source), NEW_BUCKETS_A_SOURCE);
        let bucket = self.hash((Purpose::NewBucket, source, of_source), NEW_BUCKETS as u64);
        let place = self.hash((Purpose::NewPlace, bucket, id), SIZE as u64);
        slot(bucket, place)
    }

    /// The only place that an address has in the tried table.
    pub(super) fn tried_slot(&self, id: Id, network: u32) -> Slot {
        let of_network = self.hash((Purpose::TriedBucket, id), TRIED_BUCKETS_A_NETWORK);
        let bucket = self.hash((Purpose::TriedBucket, network, of_network), TRIED_BUCKETS as u64);
        let place = self.hash((Purpose::TriedPlace, bucket, id), SIZE as u64);
        slot(bucket, place)
    }

    /// In how many places of the new table an address is.
    #[cfg(test)]
    pub(super) fn references(&self, id: Id) -> usize {
        self.of.get(id as usize).map_or(0, |slots| slots.iter().filter(|slot| self.new[slot.0] == id).count())
    }

    pub(super) fn new_at(&self, Slot(slot): Slot) -> Option<Id> {
        Some(self.new[slot]).filter(|&id| id != EMPTY)
    }

    pub(super) fn tried_at(&self, Slot(slot): Slot) -> Option<Id> {
        Some(self.tried[slot]).filter(|&id| id != EMPTY)
    }

    pub(super) fn set_tried(&mut self, Slot(slot): Slot, id: Option<Id>) {
        self.tried[slot] = id.unwrap_or(EMPTY);
    }

    pub(super) fn set_new(&mut self, slot: Slot, id: Option<Id>) {
        let before = std::mem::replace(&mut self.new[slot.0], id.unwrap_or(EMPTY));
        if before != EMPTY {
            self.of[before as usize].retain(|&other| other != slot);
        }
        if let Some(id) = id {
            if id as usize >= self.of.len() {
                self.of.resize_with(id as usize + 1, Vec::new);
            }
            self.of[id as usize].push(slot);
        }
    }

    /// Takes an address out of all its places in the new table.
    pub(super) fn leave_new(&mut self, id: Id) {
        let slots = self.of.get_mut(id as usize).map(std::mem::take);
        for Slot(slot) in slots.unwrap_or_default() {
            self.new[slot] = EMPTY;
        }
    }

    /// The first address of a bucket from a place on, all around.
    pub(super) fn first_of(&self, is_tried: bool, bucket: usize, from: usize) -> Option<Id> {
        let table = if is_tried { &self.tried } else { &self.new };
        let bucket = &table[bucket * SIZE..][..SIZE];
        let (before, behind) = bucket.split_at(from);
        behind.iter().chain(before).copied().find(|&id| id != EMPTY)
    }
}

/// Both are below the sizes of the tables.
fn slot(bucket: u64, place: u64) -> Slot {
    #[expect(clippy::cast_possible_truncation, reason = "below 65,536")]
    Slot(bucket as usize * SIZE + place as usize)
}
