//! A set of slots for one answer: those that were drawn or are excluded.
//!
//! A hash table with linear probing that needs no random key: slots are ours, and no stranger chooses them.

use super::slot::NO_SLOT;
use crate::memory;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct SlotSet {
    /// The slots and, in free places, [`NO_SLOT`]; a power of two of them and at most half full, or none.
    places: Vec<u32>,
    len: usize,
}

impl SlotSet {
    /// A set of these slots.
    pub(super) fn of(slots: &[u32]) -> memory::Result<Self> {
        let mut set = Self::default();
        set.reserve(slots.len())?;
        for &slot in slots {
            set.insert(slot);
        }
        Ok(set)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn contains(&self, slot: u32) -> bool {
        self.len > 0 && self.places[self.place(slot)] == slot
    }

    /// Makes room for so many more. Cost: linear in them and in those that are there, if there was none.
    pub(super) fn reserve(&mut self, more: usize) -> memory::Result {
        let least = self.len.saturating_add(more).saturating_mul(2);
        if least <= self.places.len() {
            return Ok(());
        }
        let places = memory::filled(NO_SLOT, least.checked_next_power_of_two().ok_or(memory::Refused)?)?;
        let old = std::mem::replace(&mut self.places, places);
        self.len = 0;
        for slot in old.into_iter().filter(|&slot| slot != NO_SLOT) {
            self.insert(slot);
        }
        Ok(())
    }

    /// Inserts a slot; returns whether it is new. Cost: constant, amortised.
    pub(super) fn add(&mut self, slot: u32) -> memory::Result<bool> {
        self.reserve(1)?;
        Ok(self.insert(slot))
    }

    /// As [`add`](Self::add). Requires [room](Self::reserve). Cost: constant, expected.
    pub(super) fn insert(&mut self, slot: u32) -> bool {
        let place = self.place(slot);
        let is_new = self.places[place] != slot;
        self.places[place] = slot;
        self.len += usize::from(is_new);
        is_new
    }

    /// Where a slot is, or else belongs. Requires that there are places.
    fn place(&self, slot: u32) -> usize {
        // Fibonacci hashing: D. Knuth, The Art of Computer Programming, volume 3, section 6.4.
        let hash = slot.wrapping_mul(0x9e37_79b9);
        let mask = self.places.len() - 1;
        let mut place = ((u64::from(hash) * self.places.len() as u64) >> 32) as usize;
        while self.places[place] != slot && self.places[place] != NO_SLOT {
            place = (place + 1) & mask;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn it_has_what_was_inserted_and_nothing_else() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        for count in [0, 1, 7, 64, 65, 3_000] {
            let (mut set, mut expected) = (SlotSet::default(), HashSet::new());
            assert!(!set.contains(0));
            set.reserve(count / 2).expect("memory");
            for done in 0..count {
                if done == count / 2 {
                    set.reserve(count - done).expect("memory");
                }
                let slot = rng.random_range(0..2 * u32::try_from(count).expect("few"));
                assert_eq!(set.insert(slot), expected.insert(slot));
            }
            assert_eq!(set.len(), expected.len());
            for slot in 0..4 * u32::try_from(count).expect("few") {
                assert_eq!(set.contains(slot), expected.contains(&slot), "{slot} of {count}");
            }
        }
    }
}
