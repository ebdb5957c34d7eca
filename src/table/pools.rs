//! Sampling pools: dense arrays of slots, one for each combination of what queries filter on.
//!
//! Every peer is in exactly one pool, so the peers that a query admits are the concatenation of some pools: a
//! random peer is a random position in it. Failure counts below [`EXACT`] have a class each; above, a class is
//! a power of two, so that any bound on failures cuts at most one class in two.

use super::entry::Entry;
use crate::peer::StoredPeerType;

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
        let last_class = class_of(self.max_failures);
        self.facets().flat_map(move |first| first..=first + last_class)
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

/// The pools. `entries[slot].pool_position` is the slot's place in its pool.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    pools: Vec<Vec<u32>>,
    /// How many inbound peers have failed.
    failed_inbound: usize,
}

impl Pools {
    pub(super) fn new() -> Self {
        Self { pools: vec![Vec::new(); POOLS], failed_inbound: 0 }
    }

    fn first_of(peer_type: StoredPeerType, readiness: Readiness, private: bool) -> usize {
        ((peer_type as usize * 2 + readiness as usize) * 2 + usize::from(private)) * CLASSES
    }

    /// The number of the pool that an entry belongs in.
    pub(super) fn pool_of(entry: &Entry, readiness: Readiness) -> usize {
        Self::first_of(entry.peer_type(), readiness, entry.is_private()) + class_of(entry.num_failures)
    }

    /// Puts a slot into a pool.
    pub(super) fn insert(&mut self, entries: &mut [Entry], slot: u32, pool: usize) {
        self.failed_inbound += usize::from(inbound_failures(pool) > Some(0));
        let pool = &mut self.pools[pool];
        entries[slot as usize].pool_position = super::slot_number(pool.len());
        pool.push(slot);
    }

    /// Takes a slot out of the pool that it is in.
    pub(super) fn remove(&mut self, entries: &mut [Entry], slot: u32, pool: usize) {
        self.failed_inbound -= usize::from(inbound_failures(pool) > Some(0));
        let pool = &mut self.pools[pool];
        let position = entries[slot as usize].pool_position;
        pool.swap_remove(position as usize);
        if let Some(&moved) = pool.get(position as usize) {
            entries[moved as usize].pool_position = position;
        }
        super::give_back(pool);
    }

    /// Notes that an entry, which is in this pool, has moved to another slot.
    pub(super) fn relocate(&mut self, entry: &Entry, pool: usize, slot: u32) {
        self.pools[pool][entry.pool_position as usize] = slot;
    }

    /// The slots in each pool.
    pub(super) fn slots(&self) -> &[Vec<u32>] {
        &self.pools
    }

    /// How many inbound peers have failed at least once.
    pub(super) fn failed_inbound(&self) -> usize {
        self.failed_inbound
    }

    /// How many peers of a type there are.
    pub(super) fn of_type(&self, peer_type: StoredPeerType) -> usize {
        let first = Self::first_of(peer_type, Readiness::Ready, false);
        self.pools[first..first + 4 * CLASSES].iter().map(Vec::len).sum()
    }

    /// How many slots are in the ready pools.
    pub(super) fn ready(&self) -> usize {
        let all =
            Admission { types: [true; 3], ready_only: true, public_only: false, max_failures: u32::MAX };
        all.pools().map(|pool| self.pools[pool].len()).sum()
    }

    /// The slots with at least `min_failures`.
    pub(super) fn with_failures_from(&self, min_failures: u32, entries: &[Entry]) -> Vec<u32> {
        let first_class = class_of(min_failures);
        self.pools
            .chunks(CLASSES)
            .flat_map(|classes| classes[first_class..].iter().flatten().copied())
            .filter(|&slot| entries[slot as usize].num_failures >= min_failures)
            .collect()
    }

    /// Whether every slot knows its place in the pool that its entry belongs in, and how many slots there are.
    pub(super) fn is_consistent(
        &self,
        entries: &[Entry],
        readiness: impl Fn(&Entry) -> Readiness,
    ) -> Option<usize> {
        for (number, pool) in self.pools.iter().enumerate() {
            for (position, &slot) in pool.iter().enumerate() {
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
        is_counted.then(|| self.pools.iter().map(Vec::len).sum())
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
