//! Short byte strings in one array: blocks of 16 to 256 bytes, whose places stay the same until they are removed.
//!
//! A block that is removed is used again for the next string that needs one of its size, so setting and removing cost a
//! constant and no pass over the others. What a table that shrinks leaves unused is given back by moving the rest.

use std::iter::successors;

use crate::memory::{self, Refused};

/// The unit of a block.
type Unit = [u8; UNIT];
const UNIT: usize = 16;

/// A block has 1 to this many units: a string of 255 bytes and its length.
const LARGEST: usize = (1 + u8::MAX as usize).div_ceil(UNIT);

/// The place of a block: the position of its first unit, plus one, so that it is never 0. At most [`Place::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place(u32);

impl Place {
    pub(super) const MAX: u32 = (1 << 31) - 2;

    pub(super) fn from_number(number: u32) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    pub(super) fn number(self) -> u32 {
        self.0
    }

    fn first_unit(self) -> usize {
        self.0 as usize - 1
    }
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    units: Vec<Unit>,
    /// The removed blocks of each size, the last first. Each begins with the place of the next.
    removed: [u32; LARGEST],
    /// How many units are not in removed blocks.
    used: usize,
}

impl Blocks {
    /// Asks for memory for strings of these lengths. Cost: constant for each, amortised.
    pub(super) fn reserve(&mut self, lengths: impl Iterator<Item = usize>) -> memory::Result {
        let units: usize = lengths.map(units_for).sum();
        if self.units.len() + units > Place::MAX as usize {
            return Err(Refused);
        }
        memory::reserve(&mut self.units, units)
    }

    /// Adds a string of 1 to 255 bytes, for which memory was [reserved](Self::reserve). Cost: constant.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Place {
        let units = units_for(bytes.len());
        let place = if let Some(place) = Place::from_number(self.removed[units - 1]) {
            self.removed[units - 1] = self.next_removed(place);
            place
        } else {
            let first = self.units.len();
            self.units.resize(first + units, [0; UNIT]);
            Place(u32::try_from(first + 1).unwrap_or(u32::MAX))
        };
        self.used += units;
        let block = &mut self.units.as_flattened_mut()[place.first_unit() * UNIT..][..=bytes.len()];
        block[0] = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        block[1..].copy_from_slice(bytes);
        place
    }

    /// The string in a block. Cost: constant.
    pub(super) fn get(&self, place: Place) -> &[u8] {
        let block = &self.units.as_flattened()[place.first_unit() * UNIT..];
        &block[1..=usize::from(block[0])]
    }

    /// Removes a block. Cost: constant.
    pub(super) fn remove(&mut self, place: Place) {
        let units = units_for(self.get(place).len());
        self.used -= units;
        let next = std::mem::replace(&mut self.removed[units - 1], place.number());
        self.units[place.first_unit()][..4].copy_from_slice(&next.to_ne_bytes());
    }

    /// Moves all blocks, which are those in `places`, to an array of their size, if that is much smaller and there is memory
    /// for it. Cost: linear in the places, amortised over the blocks that were removed.
    pub(super) fn fit<'a>(&mut self, places: impl Iterator<Item = &'a mut u32>, place_of: fn(u32) -> u32) {
        /// Smaller arrays are left as they are.
        const MIN_UNITS: usize = 4096;
        if self.units.len() < MIN_UNITS || self.used >= self.units.len() / 4 {
            return;
        }
        let Ok(units) = memory::with_capacity(self.used * 2) else { return };
        let mut moved = Self { units, ..Self::default() };
        for number in places {
            if let Some(place) = Place::from_number(place_of(*number)) {
                *number = *number - place.number() + moved.add(self.get(place)).number();
            }
        }
        *self = moved;
    }

    /// A copy. Cost: that of copying the array.
    pub(super) fn try_clone(&self) -> memory::Result<Self> {
        Ok(Self { units: memory::collect(self.units.iter().copied())?, ..*self })
    }

    /// Checks that all units are in one of these places or in one removed block, for tests.
    pub(super) fn check(&self, places: impl Iterator<Item = Place>) -> Result<(), String> {
        let mut is_taken = vec![false; self.units.len()];
        let mut take = |place: Place, units: usize| {
            let block = is_taken.get_mut(place.first_unit()..place.first_unit() + units);
            block.is_some_and(|block| block.iter_mut().all(|unit| !std::mem::replace(unit, true)))
        };
        let mut used = 0;
        for place in places {
            let units = units_for(self.get(place).len());
            used += units;
            if !take(place, units) {
                return Err("no two blocks overlap".to_owned());
            }
        }
        for units in 1..=LARGEST {
            let first = Place::from_number(self.removed[units - 1]);
            let mut removed = successors(first, |&place| Place::from_number(self.next_removed(place)));
            if !removed.all(|place| take(place, units)) {
                return Err("no removed block overlaps another".to_owned());
            }
        }
        let is_complete = used == self.used && is_taken.into_iter().all(|unit| unit);
        if is_complete {
            Ok(())
        } else {
            Err("every unit is in a block, and those in use are counted".to_owned())
        }
    }

    fn next_removed(&self, place: Place) -> u32 {
        let [a, b, c, d, ..] = self.units[place.first_unit()];
        u32::from_ne_bytes([a, b, c, d])
    }
}

/// How many units a string and its length take.
fn units_for(len: usize) -> usize {
    (1 + len).div_ceil(UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(blocks: &mut Blocks, len: usize) -> Place {
        blocks.reserve(std::iter::once(len)).expect("memory");
        blocks.add(&vec![u8::try_from(len).expect("at most 255"); len])
    }

    #[test]
    fn strings_of_every_length_come_back_and_removed_blocks_are_used_again() {
        let mut blocks = Blocks::default();
        let places: Vec<Place> = (1..=255).map(|len| add(&mut blocks, len)).collect();
        for (len, &place) in (1..=255_u8).zip(&places) {
            assert_eq!(blocks.get(place), vec![len; len.into()]);
        }
        let units = blocks.units.len();
        places.iter().step_by(2).for_each(|&place| blocks.remove(place));
        blocks.check(places.iter().copied().skip(1).step_by(2)).expect("consistent");
        let again: Vec<Place> = (1..=255).step_by(2).map(|len| add(&mut blocks, len)).collect();
        assert_eq!(blocks.units.len(), units);
        blocks.check(places.iter().copied().skip(1).step_by(2).chain(again)).expect("consistent");
    }

    #[test]
    fn a_table_that_shrinks_gives_its_memory_back_and_keeps_what_is_left() {
        let mut blocks = Blocks::default();
        let mut places: Vec<u32> = (0..5000).map(|n| add(&mut blocks, 1 + n % 255).number()).collect();
        for place in places.drain(100..).filter_map(Place::from_number) {
            blocks.remove(place);
        }
        blocks.fit(places.iter_mut(), |number| number);
        assert!(blocks.units.capacity() < 4096);
        for (n, &place) in places.iter().enumerate() {
            assert_eq!(blocks.get(Place(place)).len(), 1 + n % 255);
        }
        blocks.check(places.into_iter().map(Place)).expect("consistent");
    }
}
