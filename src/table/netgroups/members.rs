//! Who is in each network group: what it takes to draw a group before a peer in it, and to find the worst peer of a group.
//!
//! For each pool there is a list of the groups that have peers in it and none in a pool of the same facet with fewer
//! failures. So the groups that have an admitted peer are the union of the lists of the admitted pools, in which a group
//! stands at most once for each facet, whatever the number of its peers.
//!
//! All of this follows from the slab. So a change that finds no memory here does not fail: what is noted is no longer
//! true then, and is let go, until somebody needs it and it is noted anew.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use super::Netgroup;
use super::group::Group;
use super::least::Least;
use crate::memory::{self, MIN_CAPACITY, give_back};
use crate::table::entry::HostKind;
use crate::table::pools::{FACETS, POOLS, facet_of};
use crate::table::slot_number;

/// The groups and their peers.
#[derive(Debug)]
pub(in crate::table) struct Members {
    numbers: HashTable<u32>,
    hasher: RandomState,
    /// Numbered. A number is free again when the last peer of its group is gone.
    groups: Vec<Group>,
    /// The least pools of each.
    least_of: Vec<Least>,
    free: Vec<u32>,
    /// Where each slot of the slab is.
    places: Vec<Place>,
    /// The groups in each pool that is one of their least.
    least: Vec<Vec<u32>>,
}

/// The group of a slot, and where in it the slot is.
#[derive(Clone, Copy, Debug)]
struct Place {
    group: u32,
    position: u32,
}

impl Members {
    /// No groups yet, and room to note the places of this many slots.
    pub(in crate::table) fn with_capacity(slots: usize) -> memory::Result<Self> {
        Ok(Self {
            numbers: HashTable::new(),
            hasher: RandomState::new(),
            groups: Vec::new(),
            least_of: Vec::new(),
            free: Vec::new(),
            places: memory::with_capacity(slots)?,
            least: memory::filled(Vec::new(), POOLS)?,
        })
    }

    /// Forgets everything and gives the memory back.
    pub(in crate::table) fn clear(&mut self) {
        self.numbers = HashTable::new();
        (self.groups, self.least_of, self.free, self.places) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        // Not with `fill`, which would keep the memory of each.
        for list in &mut self.least {
            *list = Vec::new();
        }
    }

    /// Takes over the new numbers of names. It takes no memory.
    pub(in crate::table) fn renumber(&mut self, numbers: &[u32]) {
        self.numbers.clear();
        for (group, number) in self.groups.iter_mut().zip(0..) {
            if group.len() == 0 {
                continue;
            }
            if group.netgroup.kind == HostKind::Name {
                let old = u32::from_ne_bytes(group.netgroup.prefix);
                group.netgroup.prefix = numbers[old as usize].to_ne_bytes();
            }
            let hash = self.hasher.hash_one(group.netgroup);
            // They all were there before, so none of them makes it larger and has to be hashed again.
            self.numbers.insert_unique(hash, number, |_| 0);
        }
    }

    /// The number of a group that has peers. Cost: constant.
    pub(in crate::table) fn find(&self, netgroup: Netgroup) -> Option<u32> {
        let is_it = |&number: &u32| self.groups[number as usize].netgroup == netgroup;
        self.numbers.find(self.hasher.hash_one(netgroup), is_it).copied()
    }

    /// How many peers a group has. Who asks is about to add one, so they are brought into the cache. Cost: constant.
    pub(in crate::table) fn peers_of(&self, netgroup: Netgroup) -> u32 {
        let Some(group) = self.find(netgroup) else { return 0 };
        self.warm(group);
        self.groups[group as usize].len()
    }

    /// How many groups have peers.
    pub(in crate::table) fn groups(&self) -> usize {
        self.numbers.len()
    }

    /// The group of a slot. Cost: constant.
    pub(in crate::table) fn group_of(&self, slot: u32) -> u32 {
        self.places[slot as usize].group
    }

    /// The peers of a group, in pieces that are each of one pool. Cost: of all of them, some hundreds of steps.
    pub(in crate::table) fn cells(&self, group: u32) -> impl Iterator<Item = (usize, &[u32])> {
        self.groups[group as usize].cells()
    }

    /// Has the peers of a group brought into the cache, without waiting for them.
    pub(in crate::table) fn warm(&self, group: u32) {
        std::hint::black_box(self.cells(group).next());
    }

    /// Has the place of a slot brought into the cache, without waiting for it.
    pub(in crate::table) fn warm_place(&self, slot: u32) {
        std::hint::black_box(self.places[slot as usize]);
    }

    /// The first facet in which a group has peers of these classes.
    pub(in crate::table) fn first_facet(&self, group: u32, classes: &[u8; FACETS]) -> usize {
        self.least_of[group as usize].first_facet(classes)
    }

    /// For each pool the groups that have peers in it and none in a pool of the same facet with fewer failures.
    pub(in crate::table) fn least(&self) -> &[Vec<u32>] {
        &self.least
    }

    /// Adds the next slot of the slab. Cost: constant, amortised.
    pub(in crate::table) fn push(&mut self, netgroup: Netgroup, pool: usize) -> memory::Result {
        let slot = slot_number(self.places.len());
        let group = self.acquire(netgroup)?;
        memory::push(&mut self.places, Place { group, position: 0 })?;
        let places = &mut self.places;
        self.groups[group as usize].add(slot, pool, &mut set_position(places))?;
        self.has_gained(group, pool)
    }

    /// Notes that a slot has changed pools. Cost: constant.
    pub(in crate::table) fn shift(&mut self, slot: u32, from: usize, to: usize) -> memory::Result {
        let Place { group, position } = self.places[slot as usize];
        let places = &mut self.places;
        self.groups[group as usize].shift(slot, position, (from, to), &mut set_position(places))?;
        self.has_lost(group, from)?;
        self.has_gained(group, to)
    }

    /// Takes a slot out, and fills the gap with the last one, which is in the pool `pool_of_last`, as the slab does. Cost:
    /// constant, amortised.
    pub(in crate::table) fn swap_remove(
        &mut self,
        slot: u32,
        pool: usize,
        pool_of_last: usize,
    ) -> memory::Result {
        let Place { group, position } = self.places[slot as usize];
        let places = &mut self.places;
        self.groups[group as usize].take(position, pool, &mut set_position(places))?;
        self.has_lost(group, pool)?;
        self.release(group)?;
        self.places.swap_remove(slot as usize);
        if let Some(&Place { group, position }) = self.places.get(slot as usize) {
            self.groups[group as usize].relocate(position, pool_of_last, slot);
        }
        give_back(&mut self.places);
        Ok(())
    }

    /// Whether so many numbers are free that the groups should be noted anew: many for so many slots, because that looks at
    /// each of them.
    pub(in crate::table) fn is_sparse(&self) -> bool {
        self.free.len() > self.places.len() / 4 + MIN_CAPACITY
    }

    fn acquire(&mut self, netgroup: Netgroup) -> memory::Result<u32> {
        if let Some(number) = self.find(netgroup) {
            return Ok(number);
        }
        let group = Group::new(netgroup);
        let number = if let Some(number) = self.free.pop() {
            self.groups[number as usize] = group;
            number
        } else {
            memory::push(&mut self.groups, group)?;
            memory::push(&mut self.least_of, Least::EMPTY)?;
            slot_number(self.groups.len() - 1)
        };
        let (groups, hasher) = (&self.groups, &self.hasher);
        let hash_of = |&number: &u32| hasher.hash_one(groups[number as usize].netgroup);
        self.numbers.try_reserve(1, hash_of)?;
        self.numbers.insert_unique(hasher.hash_one(netgroup), number, hash_of);
        Ok(number)
    }

    /// Forgets a group if it has no peers left.
    fn release(&mut self, number: u32) -> memory::Result {
        let group = &self.groups[number as usize];
        if group.len() > 0 {
            return Ok(());
        }
        let hash = self.hasher.hash_one(group.netgroup);
        if let Ok(occupied) = self.numbers.find_entry(hash, |&other| other == number) {
            occupied.remove();
        }
        memory::push(&mut self.free, number)
    }

    /// Sees to it that a group that has one peer more in a pool is in the right list.
    fn has_gained(&mut self, group: u32, pool: usize) -> memory::Result {
        if self.least_of[group as usize].pool(facet_of(pool)).is_none_or(|least| pool < least) {
            return self.list(group, facet_of(pool));
        }
        Ok(())
    }

    /// Sees to it that a group that has one peer less in a pool is in the right list.
    fn has_lost(&mut self, group: u32, pool: usize) -> memory::Result {
        if self.least_of[group as usize].pool(facet_of(pool)) == Some(pool) {
            return self.list(group, facet_of(pool));
        }
        Ok(())
    }

    /// Sees to it that a group is in the right list for a facet.
    fn list(&mut self, group: u32, facet: usize) -> memory::Result {
        let least = self.least_of[group as usize];
        let (before, now) = (least.pool(facet), self.groups[group as usize].least_pool(facet));
        if before == now {
            return Ok(());
        }
        let rank = least.rank(facet);
        if let Some(pool) = before {
            let place = self.groups[group as usize].listed_at.remove(rank);
            let list = &mut self.least[pool];
            list.swap_remove(place as usize);
            give_back(list);
            if let Some(&moved) = list.get(place as usize) {
                let rank = self.least_of[moved as usize].rank(facet);
                self.groups[moved as usize].listed_at[rank] = place;
            }
        }
        if let Some(pool) = now {
            let listed_at = &mut self.groups[group as usize].listed_at;
            listed_at.try_reserve(1)?;
            listed_at.insert(rank, slot_number(self.least[pool].len()));
            memory::push(&mut self.least[pool], group)?;
        }
        self.least_of[group as usize].set(facet, now);
        Ok(())
    }

    /// Whether all of this agrees with itself and with what the table says of each slot.
    pub(in crate::table) fn is_consistent(&self, of: impl Fn(u32) -> (Netgroup, usize)) -> bool {
        let free: HashSet<u32> = self.free.iter().copied().collect();
        let used = || (0..slot_number(self.groups.len())).filter(|number| !free.contains(number));
        let mut places = HashSet::new();
        for group in used() {
            for (pool, slots) in self.cells(group) {
                for &slot in slots {
                    let is_there = self.places.get(slot as usize).is_some_and(|place| place.group == group);
                    if !is_there || of(slot) != (self.groups[group as usize].netgroup, pool) {
                        return false;
                    }
                    places.insert(slot);
                }
            }
        }
        let is_in_position = |(slot, place): (usize, &Place)| {
            let (_, pool) = of(slot_number(slot));
            self.groups[place.group as usize].slot_at(place.position, pool) == Some(slot_number(slot))
        };
        let is_listed = |(pool, groups): (usize, &Vec<u32>)| {
            groups.iter().enumerate().all(|(place, &group)| {
                let (least, group) = (self.least_of[group as usize], &self.groups[group as usize]);
                least.pool(facet_of(pool)) == Some(pool)
                    && group.listed_at.get(least.rank(facet_of(pool))) == Some(&slot_number(place))
            })
        };
        let has_least = |group: u32| {
            let (least, group) = (self.least_of[group as usize], &self.groups[group as usize]);
            (0..FACETS).all(|facet| least.pool(facet) == group.least_pool(facet))
                && least.len() == group.listed_at.len()
        };
        let in_lists: usize = used().map(|group| self.least_of[group as usize].len()).sum();
        places.len() == self.places.len()
            && self.places.iter().enumerate().all(is_in_position)
            && self.numbers.len() == used().count()
            && used().all(|group| self.find(self.groups[group as usize].netgroup) == Some(group))
            && used().all(|group| self.has_right_len(group))
            && used().all(has_least)
            && self.least.iter().enumerate().all(is_listed)
            && in_lists == self.least.iter().map(Vec::len).sum::<usize>()
    }

    fn has_right_len(&self, group: u32) -> bool {
        let len: usize = self.cells(group).map(|(_, slots)| slots.len()).sum();
        len > 0 && self.groups[group as usize].len() as usize == len
    }

    /// How many slots there are.
    pub(in crate::table) fn len(&self) -> usize {
        self.places.len()
    }
}

/// What tells a slot its new position.
fn set_position(places: &mut [Place]) -> impl FnMut(u32, u32) {
    |slot, position| places[slot as usize].position = position
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::pools::CLASSES;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    /// What the slab would say of each slot.
    type Slab = Vec<(Netgroup, usize)>;

    fn empty() -> Members {
        Members::with_capacity(0).expect("memory")
    }

    fn netgroup(number: u8) -> Netgroup {
        Netgroup { kind: HostKind::V4, prefix: [10, number, 0, 0] }
    }

    fn change(members: &mut Members, slab: &mut Slab, wanted: usize, rng: &mut ChaCha12Rng) {
        let pool = rng.random_range(0..POOLS);
        if slab.is_empty() || rng.random_range(0..2 * wanted) >= slab.len() {
            // One group has most of the peers.
            let group = netgroup(if rng.random() { 0 } else { rng.random_range(0..40) });
            members.push(group, pool).expect("memory");
            slab.push((group, pool));
            return;
        }
        let slot = rng.random_range(0..slab.len());
        if rng.random() {
            members.shift(slot_number(slot), slab[slot].1, pool).expect("memory");
            slab[slot].1 = pool;
        } else {
            let last = slab[slab.len() - 1].1;
            members.swap_remove(slot_number(slot), slab[slot].1, last).expect("memory");
            slab.swap_remove(slot);
        }
    }

    #[test]
    fn groups_that_grow_and_shrink_keep_track_of_every_slot() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        let (mut members, mut slab) = (empty(), Slab::new());
        // Around the size at which a group is kept in another way, and far from it.
        for wanted in [40, 60, 80, 400, 50, 1, 70] {
            for step in 0..600 {
                change(&mut members, &mut slab, wanted, &mut rng);
                let is_consistent = members.is_consistent(|slot| slab[slot as usize]);
                assert!(is_consistent, "{wanted} wanted, step {step}, {} there", slab.len());
            }
        }
    }

    #[test]
    fn groups_that_are_gone_are_many_only_for_a_table_that_is_small() {
        let mut members = empty();
        (0..1000).try_for_each(|_| members.push(netgroup(0), 0)).expect("memory");
        (1..=200).try_for_each(|number| members.push(netgroup(number), 0)).expect("memory");
        (1000..1200).rev().try_for_each(|slot| members.swap_remove(slot, 0, 0)).expect("memory");
        assert_eq!(members.free.len(), 200);
        assert!(!members.is_sparse(), "noting 1000 peers anew for each 200 that go is not constant");
        (300..1000).rev().try_for_each(|slot| members.swap_remove(slot, 0, 0)).expect("memory");
        assert!(members.is_sparse());
    }

    #[test]
    fn a_group_is_in_the_lists_of_its_least_pools_alone() {
        let mut members = empty();
        let second = CLASSES;
        for pool in [5, 3, second + 12, second + 13] {
            members.push(netgroup(1), pool).expect("memory");
        }
        let lists = |members: &Members| -> Vec<usize> {
            (0..POOLS).filter(|&pool| !members.least()[pool].is_empty()).collect()
        };
        assert_eq!(lists(&members), [3, second + 12], "one a facet");
        members.shift(1, 3, 7).expect("memory");
        assert_eq!(lists(&members), [5, second + 12]);
        let mut classes = [0; FACETS];
        assert_eq!(members.first_facet(0, &classes), FACETS);
        classes[1] = 13;
        assert_eq!(members.first_facet(0, &classes), 1, "class 12 is the least of the second facet");
        classes[1] = 12;
        assert_eq!(members.first_facet(0, &classes), FACETS);
    }
}
