//! The netgroups and their peers: what it takes to draw a netgroup before a peer in it, and to find a netgroup's
//! candidates for eviction.
//!
//! Within a facet a netgroup is listed only under its lowest non-empty failure class. So the netgroups with an admitted peer
//! are the union of the lists of the admitted pools, in which a netgroup appears at most once per facet, however many peers it
//! has.
//!
//! After a change that found no memory, this must not be used any more.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use rand::Rng;

use super::chunks::Chunks;
use super::lists::NetgroupLists;
use super::lowest::LowestClasses;
use super::peers::NetgroupPeers;
use crate::memory::{self, MIN_CAPACITY, give_back};
use crate::netgroup::Netgroup;
use crate::system::prefetch::prefetch;
use crate::table::facet::{FACETS, facet_of};
use crate::table::hash_index::HashIndex;
use crate::table::slot::slot_number;

/// See the [module](self).
#[derive(Debug)]
pub(in crate::table) struct Grouping {
    /// The number of each netgroup that has peers.
    numbers: HashIndex,
    hasher: RandomState,
    /// The peers of each number. A number is free again once the last peer of its netgroup is removed.
    peers: Chunks<NetgroupPeers>,
    /// The lowest classes of each number.
    lowest: Chunks<LowestClasses>,
    free: Vec<u32>,
    /// The place of each slot of the slab.
    places: Vec<Place>,
    lists: NetgroupLists,
}

/// The netgroup of a slot, and the slot's position there.
#[derive(Clone, Copy, Debug)]
struct Place {
    netgroup: u32,
    position: u32,
}

impl Grouping {
    /// No slots and no netgroups yet, and room for the places of this many slots.
    pub(in crate::table) fn with_capacity(slots: usize) -> memory::Result<Self> {
        // Each slot may have a netgroup of its own. What is not needed is given back.
        let mut numbers = HashIndex::new();
        numbers.reserve(slots, 0, &|_| None)?;
        Ok(Self {
            numbers,
            hasher: RandomState::new(),
            peers: Chunks::new(),
            lowest: Chunks::new(),
            free: Vec::new(),
            places: memory::with_capacity(slots)?,
            lists: NetgroupLists::new()?,
        })
    }

    /// Removes all peers and gives the memory back.
    pub(super) fn clear(&mut self) {
        self.numbers = HashIndex::new();
        (self.peers, self.lowest) = (Chunks::new(), Chunks::new());
        (self.free, self.places) = (Vec::new(), Vec::new());
        self.lists.clear();
    }

    /// Replaces the number of each name with its new number, which `numbers` has at the old one. It takes no memory.
    pub(super) fn renumber(&mut self, numbers: &[u32]) {
        for peers in self.peers.iter_mut().filter(|peers| peers.len() > 0) {
            peers.netgroup = peers.netgroup.renumbered(numbers);
        }
        let (end, hash_of) = in_use(&self.peers, &self.hasher);
        self.numbers.fill(end, &hash_of);
    }

    /// The number of a netgroup, if it has peers. Cost: constant.
    pub(in crate::table) fn find(&self, netgroup: Netgroup) -> Option<u32> {
        let is_it = |number: u32| self.peers[number as usize].netgroup == netgroup;
        self.numbers.find(self.hasher.hash_one(netgroup), is_it)
    }

    /// How many peers a netgroup has. Prefetches them as well, because the caller is about to add one. Cost: constant.
    pub(in crate::table) fn peers_of(&self, netgroup: Netgroup) -> u32 {
        let Some(number) = self.find(netgroup) else { return 0 };
        self.prefetch(number);
        self.peers[number as usize].len()
    }

    /// How many netgroups have peers.
    pub(in crate::table) fn netgroups(&self) -> usize {
        self.peers.len() - self.free.len()
    }

    /// The number of a slot's netgroup. Cost: constant.
    pub(in crate::table) fn netgroup_of(&self, slot: u32) -> u32 {
        self.places[slot as usize].netgroup
    }

    /// The peers of a netgroup, in pieces that are each of one pool. Cost: at most a few hundred steps for all of them.
    pub(in crate::table) fn cells(&self, netgroup: u32) -> impl Iterator<Item = (usize, &[u32])> {
        self.peers[netgroup as usize].cells()
    }

    /// Draws one of the peers of a netgroup that are in the first classes of each facet, as many as are given: each equally
    /// likely. Cost: as for [`cells`](Self::cells), most often constant.
    pub(in crate::table) fn any_admitted(
        &self,
        netgroup: u32,
        classes: &[u8; FACETS],
        rng: &mut impl Rng,
    ) -> Option<u32> {
        self.peers[netgroup as usize].any_admitted(classes, rng)
    }

    /// Prefetches the peers of a netgroup.
    pub(in crate::table) fn prefetch(&self, netgroup: u32) {
        self.peers[netgroup as usize].prefetch();
    }

    /// Prefetches the place of a slot.
    pub(super) fn prefetch_place(&self, slot: u32) {
        prefetch(self.places.get(slot as usize));
    }

    /// The first facet in which a netgroup has peers in one of its first classes, as many as are given; [`FACETS`] if there is
    /// none.
    pub(in crate::table) fn first_facet(&self, netgroup: u32, classes: &[u8; FACETS]) -> usize {
        self.lowest[netgroup as usize].first_facet(classes)
    }

    /// The lists from which a netgroup is drawn.
    pub(in crate::table) fn lists(&self) -> &NetgroupLists {
        &self.lists
    }

    /// Adds the next slot. Cost: constant, amortised.
    pub(super) fn push(&mut self, netgroup: Netgroup, pool: usize) -> memory::Result {
        memory::push(&mut self.places, Place { netgroup: 0, position: 0 })?;
        self.fill(slot_number(self.places.len() - 1), netgroup, pool)
    }

    /// Adds a slot whose place is there already.
    pub(super) fn fill(&mut self, slot: u32, netgroup: Netgroup, pool: usize) -> memory::Result {
        let netgroup = self.acquire(netgroup)?;
        let places = &mut self.places;
        places[slot as usize].netgroup = netgroup;
        self.peers[netgroup as usize].add(slot, pool, &mut set_position(places))?;
        self.relist_joined(netgroup, pool)?;
        let (end, hash_of) = in_use(&self.peers, &self.hasher);
        self.numbers.step(end, &hash_of);
        Ok(())
    }

    /// Moves a slot from one pool to another. Cost: constant.
    pub(super) fn shift(&mut self, slot: u32, from: usize, to: usize) -> memory::Result {
        let Place { netgroup, position } = self.places[slot as usize];
        let places = &mut self.places;
        self.peers[netgroup as usize].shift(slot, position, (from, to), &mut set_position(places))?;
        self.relist_left(netgroup, from)?;
        self.relist_joined(netgroup, to)
    }

    /// Removes a slot. Its place is filled by that of the last slot, as in the slab; [`relocate`](Self::relocate) must follow
    /// if that is a different slot. Cost: constant, amortised.
    pub(super) fn swap_remove(&mut self, slot: u32, pool: usize) -> memory::Result {
        self.vacate(slot, pool)?;
        self.places.swap_remove(slot as usize);
        give_back(&mut self.places);
        Ok(())
    }

    /// Removes a slot, but leaves its place, for which a call of [`fill`](Self::fill) must follow.
    pub(super) fn vacate(&mut self, slot: u32, pool: usize) -> memory::Result {
        let Place { netgroup, position } = self.places[slot as usize];
        let places = &mut self.places;
        self.peers[netgroup as usize].remove(position, pool, &mut set_position(places))?;
        self.relist_left(netgroup, pool)?;
        self.release(netgroup)
    }

    /// Makes the peers of a netgroup lead to a slot that its place has moved to; the slot is in `pool`. Cost: constant.
    pub(super) fn relocate(&mut self, slot: u32, pool: usize) {
        let Place { netgroup, position } = self.places[slot as usize];
        self.peers[netgroup as usize].relocate(position, pool, slot);
    }

    /// Gives memory back where there is much more than is needed. Cost: constant.
    pub(super) fn fit(&mut self) {
        let (end, hash_of) = in_use(&self.peers, &self.hasher);
        self.numbers.fit(end, &hash_of);
    }

    /// Whether so many numbers are free that the grouping should be built anew: many for so many slots, because building it
    /// looks at each of them.
    pub(super) fn is_sparse(&self) -> bool {
        self.free.len() > self.places.len() / 4 + MIN_CAPACITY
    }

    /// The number of a netgroup, which is given one if it has none.
    fn acquire(&mut self, netgroup: Netgroup) -> memory::Result<u32> {
        if let Some(number) = self.find(netgroup) {
            return Ok(number);
        }
        let peers = NetgroupPeers::new(netgroup);
        let number = if let Some(number) = self.free.pop() {
            self.peers[number as usize] = peers;
            number
        } else {
            self.peers.push(peers)?;
            self.lowest.push(LowestClasses::EMPTY)?;
            slot_number(self.peers.len() - 1)
        };
        let (end, hash_of) = in_use(&self.peers, &self.hasher);
        self.numbers.reserve(end as usize, end, &hash_of)?;
        self.numbers.insert(self.hasher.hash_one(netgroup), number);
        Ok(number)
    }

    /// Frees the number of a netgroup without peers.
    fn release(&mut self, number: u32) -> memory::Result {
        let peers = &self.peers[number as usize];
        if peers.len() > 0 {
            return Ok(());
        }
        let hash = self.hasher.hash_one(peers.netgroup);
        let (_, hash_of) = in_use(&self.peers, &self.hasher);
        self.numbers.remove(hash, number, &hash_of);
        memory::push(&mut self.free, number)
    }

    /// Re-lists a netgroup after a peer joined `pool`.
    fn relist_joined(&mut self, netgroup: u32, pool: usize) -> memory::Result {
        if self.lowest[netgroup as usize].pool(facet_of(pool)).is_none_or(|lowest| pool < lowest) {
            return self.relist(netgroup, facet_of(pool));
        }
        Ok(())
    }

    /// Re-lists a netgroup after a peer left `pool`.
    fn relist_left(&mut self, netgroup: u32, pool: usize) -> memory::Result {
        if self.lowest[netgroup as usize].pool(facet_of(pool)) == Some(pool) {
            return self.relist(netgroup, facet_of(pool));
        }
        Ok(())
    }

    /// Moves a netgroup to the list of its lowest pool of a facet.
    fn relist(&mut self, netgroup: u32, facet: usize) -> memory::Result {
        let lowest = self.lowest[netgroup as usize];
        let (before, now) = (lowest.pool(facet), self.peers[netgroup as usize].lowest_pool(facet));
        if before == now {
            return Ok(());
        }
        let rank = lowest.rank(facet);
        if let Some(pool) = before {
            let position = self.peers[netgroup as usize].listed_at.remove(rank);
            if let Some(moved) = self.lists.swap_remove(pool, position) {
                let rank = self.lowest[moved as usize].rank(facet);
                self.peers[moved as usize].listed_at[rank] = position;
            }
        }
        if let Some(pool) = now {
            let listed_at = &mut self.peers[netgroup as usize].listed_at;
            listed_at.try_reserve(1)?;
            listed_at.insert(rank, self.lists.push(pool, netgroup)?);
        }
        self.lowest[netgroup as usize].set(facet, now);
        Ok(())
    }

    /// Whether all of this agrees with itself and with each slot's netgroup and pool, which `of` returns.
    pub(super) fn is_consistent(&self, of: impl Fn(u32) -> (Netgroup, usize)) -> bool {
        let free: HashSet<u32> = self.free.iter().copied().collect();
        let used = || (0..slot_number(self.peers.len())).filter(|number| !free.contains(number));
        let mut places = HashSet::new();
        for netgroup in used() {
            for (pool, slots) in self.cells(netgroup) {
                for &slot in slots {
                    let is_there =
                        self.places.get(slot as usize).is_some_and(|place| place.netgroup == netgroup);
                    if !is_there || of(slot) != (self.peers[netgroup as usize].netgroup, pool) {
                        return false;
                    }
                    places.insert(slot);
                }
            }
        }
        let is_in_position = |(slot, place): (usize, &Place)| {
            let (_, pool) = of(slot_number(slot));
            self.peers[place.netgroup as usize].slot_at(place.position, pool) == Some(slot_number(slot))
        };
        let is_listed = |(pool, netgroups): (usize, &[u32])| {
            netgroups.iter().enumerate().all(|(position, &netgroup)| {
                let (lowest, peers) = (self.lowest[netgroup as usize], &self.peers[netgroup as usize]);
                lowest.pool(facet_of(pool)) == Some(pool)
                    && peers.listed_at.get(lowest.rank(facet_of(pool))) == Some(&slot_number(position))
            })
        };
        let has_lowest = |netgroup: u32| {
            let (lowest, peers) = (self.lowest[netgroup as usize], &self.peers[netgroup as usize]);
            (0..FACETS).all(|facet| lowest.pool(facet) == peers.lowest_pool(facet))
                && lowest.len() == peers.listed_at.len()
        };
        let in_lists: usize = used().map(|netgroup| self.lowest[netgroup as usize].len()).sum();
        places.len() == self.places.len()
            && self.places.iter().enumerate().all(is_in_position)
            && self.numbers.is_consistent(slot_number(self.peers.len()), &in_use(&self.peers, &self.hasher).1)
            && used().all(|netgroup| self.find(self.peers[netgroup as usize].netgroup) == Some(netgroup))
            && used().all(|netgroup| self.has_right_len(netgroup))
            && used().all(has_lowest)
            && self.lists.is_consistent()
            && self.lists.iter().all(is_listed)
            && in_lists == self.lists.iter().map(|(_, list)| list.len()).sum::<usize>()
    }

    fn has_right_len(&self, netgroup: u32) -> bool {
        let len: usize = self.cells(netgroup).map(|(_, slots)| slots.len()).sum();
        len > 0 && self.peers[netgroup as usize].len() as usize == len
    }

    /// How many slots it knows: the first ones.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

/// The numbers are those below this, and each of those that are in use has a hash.
fn in_use(peers: &Chunks<NetgroupPeers>, hasher: &RandomState) -> (u32, impl Fn(u32) -> Option<u64>) {
    let hash_of = |number| {
        let peers: &NetgroupPeers = &peers[number as usize];
        (peers.len() > 0).then(|| hasher.hash_one(peers.netgroup))
    };
    (slot_number(peers.len()), hash_of)
}

/// Writes the new position of a slot into its place.
fn set_position(places: &mut [Place]) -> impl FnMut(u32, u32) {
    |slot, position| places[slot as usize].position = position
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netgroup::GroupingPolicy;
    use crate::table::facet::{CLASSES, POOLS};
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    /// The netgroup and pool of each slot.
    type Slab = Vec<(Netgroup, usize)>;

    fn empty() -> Grouping {
        Grouping::with_capacity(0).expect("memory")
    }

    fn netgroup(number: u8) -> Netgroup {
        GroupingPolicy::default().of_v4([10, number, 0, 0], 1)
    }

    fn change(grouping: &mut Grouping, slab: &mut Slab, wanted: usize, rng: &mut ChaCha12Rng) {
        let pool = rng.random_range(0..POOLS);
        if slab.is_empty() || rng.random_range(0..2 * wanted) >= slab.len() {
            // One netgroup has most of the peers.
            let netgroup = netgroup(if rng.random() { 0 } else { rng.random_range(0..40) });
            grouping.push(netgroup, pool).expect("memory");
            slab.push((netgroup, pool));
            return;
        }
        let slot = rng.random_range(0..slab.len());
        if rng.random() {
            grouping.shift(slot_number(slot), slab[slot].1, pool).expect("memory");
            slab[slot].1 = pool;
        } else {
            grouping.swap_remove(slot_number(slot), slab[slot].1).expect("memory");
            slab.swap_remove(slot);
            if let Some(&(_, pool)) = slab.get(slot) {
                grouping.relocate(slot_number(slot), pool);
            }
        }
    }

    #[test]
    fn netgroups_that_grow_and_shrink_keep_track_of_every_slot() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        let (mut grouping, mut slab) = (empty(), Slab::new());
        // Around the size at which a netgroup is kept in another way, and far from it.
        for wanted in [40, 60, 80, 400, 50, 1, 70] {
            for step in 0..600 {
                change(&mut grouping, &mut slab, wanted, &mut rng);
                let is_consistent = grouping.is_consistent(|slot| slab[slot as usize]);
                assert!(is_consistent, "{wanted} wanted, step {step}, {} there", slab.len());
            }
        }
    }

    #[test]
    fn netgroups_that_are_gone_are_many_only_for_a_table_that_is_small() {
        let mut grouping = empty();
        (0..1000).try_for_each(|_| grouping.push(netgroup(0), 0)).expect("memory");
        (1..=200).try_for_each(|number| grouping.push(netgroup(number), 0)).expect("memory");
        (1000..1200).rev().try_for_each(|slot| grouping.swap_remove(slot, 0)).expect("memory");
        assert_eq!(grouping.free.len(), 200);
        assert!(!grouping.is_sparse(), "grouping 1000 peers anew for each 200 that go is not constant");
        (300..1000).rev().try_for_each(|slot| grouping.swap_remove(slot, 0)).expect("memory");
        assert!(grouping.is_sparse());
    }

    #[test]
    fn a_netgroup_is_in_the_lists_of_its_lowest_pools_alone() {
        let mut grouping = empty();
        let second = CLASSES;
        for pool in [5, 3, second + 12, second + 13] {
            grouping.push(netgroup(1), pool).expect("memory");
        }
        let lists = |grouping: &Grouping| -> Vec<usize> {
            (0..POOLS).filter(|&pool| !grouping.lists().of(pool).is_empty()).collect()
        };
        assert_eq!(lists(&grouping), [3, second + 12], "one a facet");
        grouping.shift(1, 3, 7).expect("memory");
        assert_eq!(lists(&grouping), [5, second + 12]);
        let mut classes = [0; FACETS];
        assert_eq!(grouping.first_facet(0, &classes), FACETS);
        classes[1] = 13;
        assert_eq!(grouping.first_facet(0, &classes), 1, "class 12 is the lowest of the second facet");
        classes[1] = 12;
        assert_eq!(grouping.first_facet(0, &classes), FACETS);
    }
}
