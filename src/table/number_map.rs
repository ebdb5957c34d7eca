//! Maps from our own numbers, such as slots and those of netgroups, for one answer.
//!
//! A hash table with linear probing that needs no random key: the numbers are ours, and no stranger chooses them.

use crate::memory;

/// Marks a free place; none of our numbers is that great.
const FREE: u32 = u32::MAX;

/// A set of slots: those that were drawn or are excluded.
pub(super) type SlotSet = NumberMap<()>;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct NumberMap<V = u32> {
    /// Numbers and their values, and [`FREE`] places; a power of two of them and at most half full, or none.
    places: Vec<(u32, V)>,
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

    /// Inserts a slot; returns whether it is new. Cost: constant, amortised.
    pub(super) fn add(&mut self, slot: u32) -> memory::Result<bool> {
        self.reserve(1)?;
        Ok(self.insert(slot))
    }

    /// Like [`add`](Self::add). Requires [room](Self::reserve). Cost: constant, expected.
    pub(super) fn insert(&mut self, slot: u32) -> bool {
        self.place_for(slot, ()).0
    }
}

impl<V: Copy + Default> NumberMap<V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.get(number).is_some()
    }

    pub(super) fn get(&self, number: u32) -> Option<V> {
        if self.is_empty() {
            return None;
        }
        let (found, value) = self.places[self.place(number)];
        (found == number).then_some(value)
    }

    /// The value of a number, which is `value` if it is new. Cost: constant, amortised.
    pub(super) fn entry(&mut self, number: u32, value: V) -> memory::Result<&mut V> {
        self.reserve(1)?;
        Ok(self.place_for(number, value).1)
    }

    /// Makes room for this many more. Cost: linear in them and in those that are there, if there was none.
    pub(super) fn reserve(&mut self, more: usize) -> memory::Result {
        let least = self.len.saturating_add(more).saturating_mul(2);
        if least <= self.places.len() {
            return Ok(());
        }
        let len = least.checked_next_power_of_two().ok_or(memory::Refused)?;
        let places = memory::filled((FREE, V::default()), len)?;
        let old = std::mem::replace(&mut self.places, places);
        self.len = 0;
        for (number, value) in old.into_iter().filter(|&(number, _)| number != FREE) {
            self.place_for(number, value);
        }
        Ok(())
    }

    /// Whether a number is new, and its value, which is `value` if it is. Requires a free place.
    fn place_for(&mut self, number: u32, value: V) -> (bool, &mut V) {
        let place = self.place(number);
        let (found, kept) = &mut self.places[place];
        let is_new = *found != number;
        if is_new {
            (*found, *kept) = (number, value);
            self.len += 1;
        }
        (is_new, kept)
    }

    /// Where a number is, or else belongs. Requires that there are places.
    fn place(&self, number: u32) -> usize {
        // Fibonacci hashing: D. Knuth, The Art of Computer Programming, volume 3, section 6.4.
        let hash = number.wrapping_mul(0x9e37_79b9);
        let mask = self.places.len() - 1;
        let mut place = ((u64::from(hash) * self.places.len() as u64) >> 32) as usize;
        while self.places[place].0 != number && self.places[place].0 != FREE {
            place = (place + 1) & mask;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn a_set_has_what_was_inserted_and_nothing_else() {
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

    #[test]
    fn a_number_has_the_value_that_it_was_given() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        let (mut map, mut expected) = (NumberMap::default(), HashMap::new());
        assert_eq!(map.get(0), None);
        for step in 0..3_000u32 {
            let number = rng.random_range(0..2_000);
            let value = map.entry(number, step).expect("memory");
            assert_eq!(value, expected.entry(number).or_insert(step));
            *value += 1;
            *expected.entry(number).or_default() += 1;
        }
        for number in 0..4_000 {
            assert_eq!(map.get(number), expected.get(&number).copied(), "{number}");
        }
    }
}
