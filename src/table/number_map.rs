//! A map from numbers of ours, such as those of netgroups, to others, for one answer.
//!
//! Like a [`SlotSet`](super::slot_set::SlotSet) it needs no random key, because no stranger chooses the numbers.

use crate::memory;

/// Marks a free place; no number of ours is so great.
const FREE: u32 = u32::MAX;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct NumberMap {
    /// Numbers and their values, and [`FREE`] places; a power of two of them and at most half full, or none.
    places: Vec<(u32, u32)>,
    len: usize,
}

impl NumberMap {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn get(&self, number: u32) -> Option<u32> {
        if self.is_empty() {
            return None;
        }
        let (found, value) = self.places[self.place(number)];
        (found == number).then_some(value)
    }

    /// The value of a number, which is `value` if it is new. Cost: constant, amortised.
    pub(super) fn entry(&mut self, number: u32, value: u32) -> memory::Result<&mut u32> {
        if 2 * self.len >= self.places.len() {
            self.grow()?;
        }
        let place = self.place(number);
        let (found, kept) = &mut self.places[place];
        if *found == FREE {
            (*found, *kept) = (number, value);
            self.len += 1;
        }
        Ok(kept)
    }

    #[inline(never)]
    fn grow(&mut self) -> memory::Result {
        let places = memory::filled((FREE, 0), (2 * self.places.len()).max(16))?;
        let old = std::mem::replace(&mut self.places, places);
        for (number, value) in old.into_iter().filter(|&(number, _)| number != FREE) {
            let place = self.place(number);
            self.places[place] = (number, value);
        }
        Ok(())
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
    use std::collections::HashMap;

    use super::*;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn a_number_has_the_value_that_it_was_given() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        let (mut map, mut expected) = (NumberMap::default(), HashMap::new());
        assert_eq!(map.get(0), None);
        for step in 0..3_000 {
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
