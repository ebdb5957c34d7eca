//! The key index: from an address to its slot.
//!
//! A hash table with linear probing whose buckets are four bytes: the slot, and in the bits that a slot does not need as
//! many bits of the hash as fit. So a look-up touches one line of the index and, almost always, no entry but the one it
//! looks for. A general hash table keeps its control bytes and its buckets apart, which is one line more; in a large table
//! each is a cache miss, and those are what a look-up costs.
//!
//! The hashes are keyed (by the slab), so strangers cannot choose addresses that collide.

use super::interface::{Cause, Index, Needs, ensure};
use crate::memory::{self, Refused};
use crate::system::prefetch::prefetch;
use crate::table::owner::slab::{Peer, Place, Slab};
use crate::table::slot::{MAX_SLOTS, slot_number};

/// An empty bucket. No other has all bits set, because slots stay below three quarters of the buckets.
const EMPTY: u32 = u32::MAX;

const MIN_BUCKETS: usize = 16;

const _: () = assert!(MAX_SLOTS <= 3 << 30, "buckets of four bytes tell no more slots apart");

/// The slots of the slab by the hash of their keys.
#[derive(Debug)]
pub(in crate::table) struct Keys {
    /// A power of two of them.
    buckets: Vec<u32>,
    /// How many slots there are: as many as the slab has entries.
    len: usize,
}

impl Index for Keys {
    fn inserted(&mut self, _: &mut Slab, peer: Peer) {
        debug_assert_eq!(peer.slot as usize, self.len, "peers are inserted in the last slot");
        self.push(peer.hash);
    }

    fn removed(&mut self, slab: &mut Slab, peer: Peer) {
        self.remove(peer.hash, peer.slot, |slot| slab.hash_of(slot));
    }

    fn moved(&mut self, _: &mut Slab, from: u32, peer: Peer) {
        self.relocate(peer.hash, from, peer.slot);
    }

    fn rebuild(&mut self, slab: &mut Slab, cause: Cause) {
        // While the slab was filled from a file, the index was told of each peer, or two of one address would be there.
        if cause == Cause::Dropped {
            self.fill(slab.len(), |slot| slab.hash_of(slot));
        }
    }

    fn renumbered(&mut self, slab: &Slab, _: &[u32]) {
        self.fill(slab.len(), |slot| slab.hash_of(slot));
    }

    fn clear(&mut self) {
        *self = Self::new();
    }

    fn fit(&mut self, slab: &mut Slab) {
        self.give_back(|slot| slab.hash_of(slot));
    }

    fn has_room(&self, _: &Slab, needs: &Needs<'_>) -> bool {
        self.len + needs.inserts <= self.capacity()
    }

    fn reserve(&mut self, slab: &Slab, needs: &Needs<'_>) -> memory::Result {
        self.grow(self.len + needs.inserts, |slot| slab.hash_of(slot))
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        ensure(self.len == slab.len(), "the key index has one slot an entry")?;
        let is_found = |slot: u32| self.find_place(slab, &slab.place(slab.entry(slot).key())) == Some(slot);
        ensure(slab.slots().all(is_found), "the key index leads to every entry")
    }
}

impl Keys {
    /// The smallest index, without slots.
    pub(super) fn new() -> Self {
        Self { buckets: vec![EMPTY; MIN_BUCKETS], len: 0 }
    }

    /// An index without slots that has room for this many.
    fn with_capacity(slots: usize) -> memory::Result<Self> {
        let buckets = slots.saturating_add(slots.div_ceil(3)).checked_next_power_of_two().ok_or(Refused)?;
        Ok(Self { buckets: memory::filled(EMPTY, buckets.max(MIN_BUCKETS))?, len: 0 })
    }

    /// The slot of a key. Cost: constant, expected.
    pub(in crate::table) fn find_place(&self, slab: &Slab, place: &Place) -> Option<u32> {
        self.find(place.hash, |slot| slab.entry(slot).key() == place.key)
    }

    /// The slot with this hash that `is_it` accepts. Cost: constant, expected.
    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = self.bucket(hash, 0);
        self.probe(hash)
            .map(|position| self.buckets[position])
            .take_while(|&bucket| bucket != EMPTY)
            .filter(|&bucket| self.tag(bucket) == tag)
            .map(|bucket| self.slot(bucket))
            .find(|&slot| is_it(slot))
    }

    /// Prefetches the bucket at which a probe for this hash begins.
    pub(in crate::table) fn prefetch_home(&self, hash: u64) {
        prefetch(self.buckets.get(self.home(hash)));
    }

    /// Adds the slab's last slot. Requires [room](Self::grow). Cost: constant, expected.
    fn push(&mut self, hash: u64) {
        let slot = slot_number(self.len);
        let free = self.probe(hash).find(|&position| self.buckets[position] == EMPTY);
        // There is one, because a quarter of the buckets is empty.
        if let Some(position) = free {
            self.buckets[position] = self.bucket(hash, slot);
            self.len += 1;
        }
    }

    /// Removes a slot. Cost: constant, expected.
    fn remove(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut gap) = self.position(hash, slot) else { return };
        // The slots behind it move up, unless that would put them before their home.
        let mask = self.buckets.len() - 1;
        let mut position = gap;
        loop {
            position = (position + 1) & mask;
            let bucket = self.buckets[position];
            if bucket == EMPTY {
                break;
            }
            let distance = position.wrapping_sub(self.home(hash_of(self.slot(bucket)))) & mask;
            if distance >= position.wrapping_sub(gap) & mask {
                self.buckets[gap] = bucket;
                gap = position;
            }
        }
        self.buckets[gap] = EMPTY;
        self.len -= 1;
    }

    /// Replaces the slot that has this hash by another. Cost: constant, expected.
    fn relocate(&mut self, hash: u64, from: u32, to: u32) {
        if let Some(position) = self.position(hash, from) {
            self.buckets[position] = self.bucket(hash, to);
        }
    }

    /// Asks for memory for this many slots altogether. Cost: constant for each, amortised.
    fn grow(&mut self, slots: usize, hash_of: impl Fn(u32) -> u64) -> memory::Result {
        if slots > self.capacity() {
            let mut keys = Self::with_capacity(slots)?;
            keys.fill(self.len, hash_of);
            *self = keys;
        }
        Ok(())
    }

    /// Gives memory back when an eighth of the room would do, if there is memory for a smaller index. Cost: constant,
    /// amortised.
    fn give_back(&mut self, hash_of: impl Fn(u32) -> u64) {
        if self.buckets.len() > MIN_BUCKETS
            && self.len < self.capacity() / 8
            && let Ok(mut keys) = Self::with_capacity((self.len * 2).max(self.len + 1))
        {
            keys.fill(self.len, hash_of);
            *self = keys;
        }
    }

    /// Makes the index lead to the first `len` slots and to no other. Requires room for them.
    fn fill(&mut self, len: usize, hash_of: impl Fn(u32) -> u64) {
        self.buckets.fill(EMPTY);
        self.len = 0;
        for slot in 0..slot_number(len) {
            self.push(hash_of(slot));
        }
    }

    fn capacity(&self) -> usize {
        self.buckets.len() / 4 * 3
    }

    /// Where a probe for this hash begins.
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    /// The positions at which a slot with this hash may be, its home first.
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let (home, mask) = (self.home(hash), self.buckets.len() - 1);
        (0..=mask).map(move |step| (home + step) & mask)
    }

    /// Where a slot is.
    fn position(&self, hash: u64, slot: u32) -> Option<usize> {
        let bucket = self.bucket(hash, slot);
        self.probe(hash)
            .take_while(|&position| self.buckets[position] != EMPTY)
            .find(|&position| self.buckets[position] == bucket)
    }

    /// A slot and, above it, the upper bits of the hash.
    #[expect(clippy::cast_possible_truncation, reason = "the bits of the tag and those of the slot are 32")]
    fn bucket(&self, hash: u64, slot: u32) -> u32 {
        let bits = self.buckets.len().trailing_zeros();
        (hash >> 32 >> bits << bits) as u32 | slot
    }

    fn slot(&self, bucket: u32) -> u32 {
        bucket & self.slot_mask()
    }

    fn tag(&self, bucket: u32) -> u32 {
        bucket & !self.slot_mask()
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are at most 2^32 buckets")]
    fn slot_mask(&self) -> u32 {
        (self.buckets.len() - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
    use std::net::Ipv4Addr;

    use super::*;
    use crate::address::{Host, PeerAddress};
    use crate::table::owner::entry::Key;

    /// Many slots share a home, and homes at the end of the buckets go on at their beginning.
    fn hash_of(slot: u32) -> u64 {
        (u64::from(slot % 7) * 0x1234_5678_0000_0005) | (u64::from(slot) << 40)
    }

    fn of(len: usize, hash_of: impl Fn(u32) -> u64) -> Keys {
        let mut keys = Keys::with_capacity(len).expect("memory");
        keys.fill(len, hash_of);
        keys
    }

    fn finds_exactly(keys: &Keys, slots: &[u32], names: impl Fn(u32) -> u32) {
        assert_eq!(keys.len, slots.len());
        for &slot in slots {
            assert_eq!(keys.find(hash_of(names(slot)), |found| found == slot), Some(slot));
        }
    }

    #[test]
    fn what_was_added_is_found_whatever_the_size() {
        let mut keys = Keys::new();
        for slot in 0..1000 {
            keys.grow(slot as usize + 1, hash_of).expect("memory");
            keys.push(hash_of(slot));
            let slots: Vec<u32> = (0..=slot).collect();
            if slot % 37 == 0 {
                finds_exactly(&keys, &slots, |slot| slot);
            }
        }
        assert_eq!(keys.find(hash_of(1000), |slot| hash_of(slot) == hash_of(1000)), None);
    }

    #[test]
    fn removing_closes_gaps_in_every_order() {
        for step in [1, 3, 7, 11] {
            let mut keys = of(200, hash_of);
            let mut left: Vec<u32> = (0..200).collect();
            while !left.is_empty() {
                let slot = left.remove(step * 31 % left.len());
                keys.remove(hash_of(slot), slot, hash_of);
                finds_exactly(&keys, &left, |slot| slot);
                assert_eq!(keys.find(hash_of(slot), |found| found == slot), None);
            }
        }
    }

    #[test]
    fn an_entry_that_moved_is_found_in_its_new_slot() {
        let mut keys = of(100, hash_of);
        keys.remove(hash_of(3), 3, hash_of);
        keys.relocate(hash_of(99), 99, 3);
        let slots: Vec<u32> = (0..99).collect();
        finds_exactly(&keys, &slots, |slot| if slot == 3 { 99 } else { slot });
    }

    /// The most buckets that a look-up goes through.
    fn longest_probe(keys: &Keys, hashes: &[u64]) -> usize {
        let probes = (0_u32..).zip(hashes).map(|(slot, &hash)| {
            let position = keys.position(hash, slot).expect("it was added");
            position.wrapping_sub(keys.home(hash)) & (keys.buckets.len() - 1)
        });
        probes.max().unwrap_or(0)
    }

    fn probe_of(addresses: &[PeerAddress], keys: &impl BuildHasher) -> usize {
        let hashes: Vec<u64> = addresses.iter().map(|address| keys.hash_one(Key::of(address, 0))).collect();
        let keys = of(hashes.len(), |slot| hashes[slot as usize]);
        longest_probe(&keys, &hashes)
    }

    #[test]
    fn addresses_chosen_to_collide_do_not_collide_under_a_keyed_hash() {
        // A stranger who knew the keys, here those that are all zero, would send addresses with the same home.
        let known = BuildHasherDefault::<DefaultHasher>::default();
        let all = (0..).map(|n| PeerAddress::from_canonical(Host::V4(Ipv4Addr::from_bits(n)), 1));
        let collides = |address: &PeerAddress| known.hash_one(Key::of(address, 0)).trailing_zeros() >= 9;
        let chosen: Vec<PeerAddress> = all.filter(collides).take(1000).collect();
        assert!(probe_of(&chosen, &known) > 200, "the attack works where the keys are known");
        let probe = probe_of(&chosen, &RandomState::new());
        assert!(probe < 100, "a look-up goes through {probe} buckets");
    }

    #[test]
    fn room_that_is_not_needed_is_given_back() {
        let mut keys = of(10_000, hash_of);
        let before = keys.buckets.len();
        for slot in (100..10_000).rev() {
            keys.remove(hash_of(slot), slot, hash_of);
            keys.give_back(hash_of);
        }
        assert!(keys.buckets.len() <= before / 16, "{} of {before}", keys.buckets.len());
        finds_exactly(&keys, &(0..100).collect::<Vec<_>>(), |slot| slot);
    }
}
