//! Sampling pools: dense arrays of slots, one for each combination of what queries filter on.
//!
//! Every peer is in exactly one pool, so the peers that a query admits are the concatenation of some pools: a
//! random peer is a random position in it. Failure counts below [`EXACT`] have a class each; above, a class is
//! a power of two, so that any bound on failures cuts at most one class in two.
//!
//! Two pools that differ in readiness only share one array, the ready peers from its front and the waiting ones from its
//! back. So peers that become due, or must wait again, change pools without any memory: it is asked for by changes alone.

use std::ops::Range;

use super::entry::Entry;
use super::sample::Lists;
use crate::memory::{self, MIN_CAPACITY};
use crate::peer::{PeerRecord, StoredPeerType};
use crate::system::prefetch::prefetch;

/// Failure counts below this have a class of their own.
const EXACT: u32 = 16;

/// The classes above: 16..=31, 32..=63, and so on to `u32::MAX`.
pub(super) const CLASSES: usize = EXACT as usize + (u32::BITS - EXACT.ilog2()) as usize;

/// type × (ready or waiting) × (public or private) × failure class
pub(super) const POOLS: usize = 3 * 2 * 2 * CLASSES;

/// How many facets there are.
pub(super) const FACETS: usize = POOLS / CLASSES;

/// The facet of a pool: type, readiness and privacy. The pools of a facet, one for each class, stand together.
pub(super) fn facet_of(pool: usize) -> usize {
    pool / CLASSES
}

/// Whether a peer's next attempt is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It is due.
    Ready,
    /// It is not.
    Waiting,
}

/// The failure class of a count.
fn class_of(num_failures: u32) -> usize {
    if num_failures < EXACT {
        num_failures as usize
    } else {
        (EXACT + num_failures.ilog2() - EXACT.ilog2()) as usize
    }
}

/// The greatest count of a class.
fn class_end(class: usize) -> u32 {
    match u32::try_from(class) {
        Ok(class) if class < EXACT => class,
        Ok(class) => u32::MAX >> (u32::BITS - 1).saturating_sub(class - EXACT + EXACT.ilog2()),
        Err(_) => u32::MAX,
    }
}

/// The class of the peers in a pool.
pub(super) fn class_in(pool: usize) -> u8 {
    u8::try_from(pool % CLASSES).unwrap_or(u8::MAX)
}

/// What a query admits, in the terms of the pools.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    /// Indexed by type.
    pub(super) types: [bool; 3],
    /// Only peers whose next attempt is due.
    pub(super) ready_only: bool,
    /// Only public addresses.
    pub(super) public_only: bool,
    /// Only peers with at most this many failures.
    pub(super) max_failures: u32,
}

impl Admission {
    /// Whether the pools alone decide: no admitted class has peers above the bound.
    pub(super) fn is_exact(&self) -> bool {
        class_end(class_of(self.max_failures)) == self.max_failures
    }

    /// The first pool of each admitted facet, in order.
    fn facets(self) -> impl Iterator<Item = usize> {
        let is_admitted = move |facet: &usize| {
            // As first_of numbers them.
            let (peer_type, readiness, private) = (facet / 4, facet / 2 % 2, facet % 2);
            self.types[peer_type]
                && (readiness == Readiness::Ready as usize || !self.ready_only)
                && (private == usize::from(false) || !self.public_only)
        };
        (0..FACETS).filter(is_admitted).map(|facet| facet * CLASSES)
    }

    /// The numbers of the pools that may hold admitted peers, in order.
    pub(super) fn pools(self) -> impl Iterator<Item = usize> {
        self.facet_pools().flatten()
    }

    /// The same, facet by facet.
    pub(super) fn facet_pools(self) -> impl Iterator<Item = Range<usize>> {
        let classes = class_of(self.max_failures) + 1;
        self.facets().map(move |first| first..first + classes)
    }

    /// How many classes of each facet may hold admitted peers.
    pub(super) fn classes(self) -> [u8; FACETS] {
        let mut classes = [0; FACETS];
        self.facets().for_each(|first| classes[facet_of(first)] = class_in(class_of(self.max_failures)) + 1);
        classes
    }

    /// Whether each pool may hold admitted peers.
    pub(super) fn table(self) -> [bool; POOLS] {
        let mut table = [false; POOLS];
        self.pools().for_each(|pool| table[pool] = true);
        table
    }
}

/// The pools before this one are those of inbound peers.
const INBOUND: usize = POOLS / 3;

/// The pools of inbound peers that have failed at least once, most failures first.
pub(super) fn failed_inbound() -> impl Iterator<Item = usize> {
    (1..CLASSES).rev().flat_map(|class| (0..INBOUND).step_by(CLASSES).map(move |first| first + class))
}

/// The class of failures in a pool of inbound peers.
pub(super) fn inbound_failures(pool: usize) -> Option<usize> {
    (pool < INBOUND).then_some(pool % CLASSES)
}

/// How many pairs of pools there are that differ in readiness only.
pub(super) const PAIRS: usize = POOLS / 2;

/// How many pools of a type have the same readiness.
const SIDE: usize = 2 * CLASSES;

/// The pair of a pool, and 0 if it is the ready one, 1 if it is the waiting one. Numbers instead of [`Readiness`], because a
/// branch on what is as good as random would be mispredicted.
fn pair_of(pool: usize) -> (usize, usize) {
    let (peer_type, rest) = (pool / (2 * SIDE), pool % (2 * SIDE));
    let side = usize::from(rest >= SIDE);
    (peer_type * SIDE + rest - side * SIDE, side)
}

/// The pool of a pair.
fn pool_in(pair: usize, readiness: Readiness) -> usize {
    let (peer_type, rest) = (pair / SIDE, pair % SIDE);
    (peer_type * 2 + readiness as usize) * SIDE + rest
}

/// The other pool of its pair.
fn other_of(pool: usize, side: usize) -> usize {
    pool + SIDE - side * (2 * SIDE)
}

/// The pools. `entries[slot].pool_position` is the slot's place in its pool.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    /// For each pair of pools the ready slots from the front on, the waiting ones from the back on. What is between is room.
    pairs: Vec<Vec<u32>>,
    /// How many slots are in each pool; apart, because a query looks at all that it admits.
    lens: Vec<u32>,
    /// How many inbound peers have failed.
    failed_inbound: usize,
    /// Whether a pair may have become too large for what is in it.
    is_sparse: bool,
}

/// Where in the array of a pair, which is so long, a position of a pool is: counted from the front, or else from the back.
fn index_in(len: usize, side: usize, position: usize) -> usize {
    let mask = 0_usize.wrapping_sub(side);
    (position ^ mask).wrapping_add(len & mask)
}

/// Makes the array of a pair longer, which leaves the last `waiting` slots at its end.
fn stretch(pair: &mut Vec<u32>, waiting: usize, len: usize) {
    let old_len = pair.len();
    pair.resize(len, 0);
    pair.copy_within(old_len - waiting..old_len, len - waiting);
}

/// Whether an array of this length is too long for what is in it.
fn is_sparse(len: usize, used: usize) -> bool {
    len > MIN_CAPACITY && used < len / 4
}

/// The length that makes room in an array.
fn len_with_room(len: usize, used: usize, slots: usize) -> usize {
    used.saturating_add(slots).max(2 * len).max(4)
}

/// How many more slots each pair must have room for.
#[derive(Debug)]
pub(super) struct Demand([u32; PAIRS]);

impl Demand {
    pub(super) fn new() -> Self {
        Self([0; PAIRS])
    }

    pub(super) fn add(&mut self, pool: usize) {
        self.0[pair_of(pool).0] += 1;
    }
}

impl Lists for Pools {
    fn len_of(&self, pool: usize) -> usize {
        self.lens[pool] as usize
    }

    fn at(&self, pool: usize, position: usize) -> u32 {
        let (pair, side) = pair_of(pool);
        let array = &self.pairs[pair];
        array[index_in(array.len(), side, position)]
    }
}

impl Pools {
    pub(super) fn new() -> Self {
        Self { pairs: vec![Vec::new(); PAIRS], lens: vec![0; POOLS], failed_inbound: 0, is_sparse: false }
    }

    fn first_of(peer_type: StoredPeerType, readiness: Readiness, private: bool) -> usize {
        ((peer_type as usize * 2 + readiness as usize) * 2 + usize::from(private)) * CLASSES
    }

    /// The number of the pool that an entry belongs in.
    pub(super) fn pool_of(entry: &Entry, readiness: Readiness) -> usize {
        Self::first_of(entry.peer_type(), readiness, entry.is_private()) + class_of(entry.num_failures)
    }

    /// One of the two pools that a peer with this record belongs in, for one that is private or not.
    pub(super) fn either_of(record: &PeerRecord, private: bool) -> usize {
        Self::first_of(record.peer_type, Readiness::Ready, private) + class_of(record.num_failures)
    }

    /// Whether two pools share their room.
    pub(super) fn are_paired(a: usize, b: usize) -> bool {
        pair_of(a).0 == pair_of(b).0
    }

    /// How many slots are in the pools of a pair.
    fn used(&self, pair: usize) -> usize {
        [Readiness::Ready, Readiness::Waiting]
            .map(|readiness| self.len_of(pool_in(pair, readiness)))
            .iter()
            .sum()
    }

    fn pair_has_room(&self, pair: usize, slots: usize) -> bool {
        self.pairs[pair].len() - self.used(pair) >= slots
    }

    /// Makes room for more slots in a pair. Cost: constant for each, amortised.
    fn reserve_in_pair(&mut self, pair: usize, slots: usize) -> memory::Result {
        if !self.pair_has_room(pair, slots) {
            let (used, waiting) = (self.used(pair), self.len_of(pool_in(pair, Readiness::Waiting)));
            let array = &mut self.pairs[pair];
            let len = len_with_room(array.len(), used, slots);
            array.try_reserve_exact(len - array.len())?;
            stretch(array, waiting, len);
        }
        Ok(())
    }

    /// Makes room for one more slot in a pool, and in the other one of its pair. Cost: constant, amortised.
    pub(super) fn reserve_one(&mut self, pool: usize) -> memory::Result {
        let (pair, side) = pair_of(pool);
        let used = self.lens[pool] + self.lens[other_of(pool, side)];
        if self.pairs[pair].len() > used as usize {
            return Ok(());
        }
        self.reserve_in_pair(pair, 1)
    }

    pub(super) fn has_room(&self, demand: &Demand) -> bool {
        demand
            .0
            .iter()
            .enumerate()
            .all(|(pair, &slots)| slots == 0 || self.pair_has_room(pair, slots as usize))
    }

    /// Makes room for more slots in many pools.
    pub(super) fn reserve(&mut self, demand: &Demand) -> memory::Result {
        let mut demand = demand.0.iter().enumerate().filter(|(_, slots)| **slots > 0);
        demand.try_for_each(|(pair, &slots)| self.reserve_in_pair(pair, slots as usize))
    }

    /// Puts a slot into a pool, which has room.
    pub(super) fn insert(&mut self, entries: &mut [Entry], slot: u32, pool: usize) {
        self.failed_inbound += usize::from(inbound_failures(pool) > Some(0));
        let (pair, side) = pair_of(pool);
        let used = self.lens[pool] + self.lens[other_of(pool, side)];
        if self.pairs[pair].len() <= used as usize {
            // Only where nobody has reserved: a few slots.
            let waiting = self.len_of(pool_in(pair, Readiness::Waiting));
            let array = &mut self.pairs[pair];
            stretch(array, waiting, len_with_room(array.len(), used as usize, 1));
        }
        let position = self.lens[pool];
        self.lens[pool] += 1;
        let array = &mut self.pairs[pair];
        let index = index_in(array.len(), side, position as usize);
        array[index] = slot;
        entries[slot as usize].pool_position = position;
    }

    /// Prefetches what taking a slot out of the pool that it is in will touch.
    pub(super) fn prefetch(&self, entries: &[Entry], slot: u32, pool: usize) {
        let (pair, side) = pair_of(pool);
        let array = &self.pairs[pair];
        let position = entries[slot as usize].pool_position as usize;
        prefetch(array.get(index_in(array.len(), side, position)));
        let last = (self.lens[pool] as usize).saturating_sub(1);
        let moved = array.get(index_in(array.len(), side, last));
        prefetch(moved.and_then(|&moved| entries.get(moved as usize)));
    }

    /// Takes a slot out of the pool that it is in. Its room stays until [`give_back`](Self::give_back).
    pub(super) fn remove(&mut self, entries: &mut [Entry], slot: u32, pool: usize) {
        self.failed_inbound -= usize::from(inbound_failures(pool) > Some(0));
        let (pair, side) = pair_of(pool);
        let (position, last) = (entries[slot as usize].pool_position, self.lens[pool] - 1);
        self.lens[pool] = last;
        let array = &mut self.pairs[pair];
        if position != last {
            let moved = array[index_in(array.len(), side, last as usize)];
            let index = index_in(array.len(), side, position as usize);
            array[index] = moved;
            entries[moved as usize].pool_position = position;
        }
        let (len, used) = (array.len(), last + self.lens[other_of(pool, side)]);
        self.is_sparse |= is_sparse(len, used as usize);
    }

    /// Gives memory back where it is much for what is there, as far as there is memory for smaller arrays. Cost: constant,
    /// amortised.
    pub(super) fn give_back(&mut self) {
        if std::mem::take(&mut self.is_sparse) {
            for pair in 0..PAIRS {
                if is_sparse(self.pairs[pair].len(), self.used(pair)) {
                    self.shrink(pair);
                }
            }
        }
    }

    fn shrink(&mut self, pair: usize) {
        let [ready, waiting] =
            [Readiness::Ready, Readiness::Waiting].map(|readiness| self.len_of(pool_in(pair, readiness)));
        let array = &mut self.pairs[pair];
        let Ok(mut smaller) = memory::with_capacity(2 * (ready + waiting)) else { return };
        smaller.extend_from_slice(&array[..ready]);
        smaller.resize(2 * ready + waiting, 0);
        smaller.extend_from_slice(&array[array.len() - waiting..]);
        *array = smaller;
    }

    /// Takes all slots out. Their room stays.
    pub(super) fn empty(&mut self) {
        self.lens.fill(0);
        (self.failed_inbound, self.is_sparse) = (0, true);
    }

    /// Takes all slots out, and gives their room back.
    pub(super) fn clear(&mut self) {
        self.empty();
        // Not with `fill`, which would keep the memory of each.
        for pair in &mut self.pairs {
            *pair = Vec::new();
        }
    }

    /// Notes that an entry, which is in this pool, has moved to another slot.
    pub(super) fn relocate(&mut self, entry: &Entry, pool: usize, slot: u32) {
        let (pair, side) = pair_of(pool);
        let array = &mut self.pairs[pair];
        let index = index_in(array.len(), side, entry.pool_position as usize);
        array[index] = slot;
    }

    /// The slots in a pool, by position.
    pub(super) fn slots(&self, pool: usize) -> impl Iterator<Item = u32> {
        let (pair, side) = pair_of(pool);
        let array = &self.pairs[pair];
        (0..self.len_of(pool)).map(move |position| array[index_in(array.len(), side, position)])
    }

    /// How many inbound peers have failed at least once.
    pub(super) fn failed_inbound(&self) -> usize {
        self.failed_inbound
    }

    /// How many peers of a type there are.
    pub(super) fn of_type(&self, peer_type: StoredPeerType) -> usize {
        let first = Self::first_of(peer_type, Readiness::Ready, false);
        self.lens[first..first + 2 * SIDE].iter().map(|&len| len as usize).sum()
    }

    /// How many slots are in the ready pools.
    pub(super) fn ready(&self) -> usize {
        (0..PAIRS).map(|pair| self.len_of(pool_in(pair, Readiness::Ready))).sum()
    }

    /// The slots with at least `min_failures`.
    pub(super) fn with_failures_from(
        &self,
        min_failures: u32,
        entries: &[Entry],
    ) -> memory::Result<Vec<u32>> {
        let first_class = class_of(min_failures);
        let pools = (0..FACETS).flat_map(|facet| facet * CLASSES + first_class..(facet + 1) * CLASSES);
        let slots = pools.flat_map(|pool| self.slots(pool));
        memory::collect(slots.filter(|&slot| entries[slot as usize].num_failures >= min_failures))
    }

    /// Whether every slot knows its place in the pool that its entry belongs in, and how many slots there are.
    pub(super) fn is_consistent(
        &self,
        entries: &[Entry],
        readiness: impl Fn(&Entry) -> Readiness,
    ) -> Option<usize> {
        for number in 0..POOLS {
            for (position, slot) in self.slots(number).enumerate() {
                let entry = entries.get(slot as usize)?;
                if entry.pool_position as usize != position
                    || Self::pool_of(entry, readiness(entry)) != number
                {
                    return None;
                }
            }
        }
        let is_failed =
            |entry: &&Entry| entry.peer_type() == StoredPeerType::Inbound && entry.num_failures > 0;
        let is_counted = entries.iter().filter(is_failed).count() == self.failed_inbound;
        is_counted.then(|| self.lens.iter().map(|&len| len as usize).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_contiguous_and_each_ends_where_it_says() {
        for class in 0..CLASSES {
            let end = class_end(class);
            assert_eq!(class_of(end), class);
            match end.checked_add(1) {
                Some(next) => assert_eq!(class_of(next), class + 1),
                None => assert_eq!(class, CLASSES - 1),
            }
        }
    }
}
