//! Where each pool ends, if the members of a facet are lined up, those with fewer failures first.
//!
//! A change adds to a few numbers at once. In return, counting the members that a query admits takes one look per facet, and
//! the member at a position is found by bisection.

use super::facet::{CLASSES, FACETS, class_in, facet_of};

/// For each facet and class, how many members the facet has in this class and those before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ends([[u32; CLASSES]; FACETS]);

impl Ends {
    /// No members.
    pub(super) const NONE: Self = Self([[0; CLASSES]; FACETS]);

    /// Of pools with this many members.
    pub(super) fn of(lens: &[u32]) -> Self {
        let mut ends = Self::NONE;
        for (ends, lens) in ends.0.iter_mut().zip(lens.chunks(CLASSES)) {
            let mut sum = 0;
            for (end, len) in ends.iter_mut().zip(lens) {
                sum += len;
                *end = sum;
            }
        }
        ends
    }

    /// Counts one more member of a pool.
    pub(super) fn add(&mut self, pool: usize) {
        let class = usize::from(class_in(pool));
        for (other, end) in self.0[facet_of(pool)].iter_mut().enumerate() {
            *end += u32::from(other >= class);
        }
    }

    /// Counts one member fewer.
    pub(super) fn subtract(&mut self, pool: usize) {
        let class = usize::from(class_in(pool));
        for (other, end) in self.0[facet_of(pool)].iter_mut().enumerate() {
            *end -= u32::from(other >= class);
        }
    }

    /// How many members a facet has in this many of its first classes, of which there is at least one.
    pub(super) fn members(&self, facet: usize, classes: u8) -> u32 {
        self.0[facet][usize::from(classes) - 1]
    }

    /// How many members a facet has in a class.
    pub(super) fn in_class(&self, facet: usize, class: usize) -> u32 {
        let ends = &self.0[facet];
        ends[class] - class.checked_sub(1).map_or(0, |before| ends[before])
    }

    /// The class of the member at a position in a facet, and the position in that class.
    pub(super) fn find(&self, facet: usize, position: u32) -> (usize, u32) {
        // A look at each, none of which waits for another one, as those of a bisection would.
        let ends = &self.0[facet];
        let class: u32 = ends.iter().map(|&end| u32::from(end <= position)).sum();
        in_part(class as usize, position, ends)
    }
}

/// Of some parts, one after the other, with these ends: which one a position is in, and where in that part.
pub(super) fn place_of(position: u32, ends: &[u32]) -> (usize, u32) {
    in_part(ends.partition_point(|&end| end <= position), position, ends)
}

/// A part, and where in it a position is.
fn in_part(part: usize, position: u32, ends: &[u32]) -> (usize, u32) {
    (part, position - part.checked_sub(1).map_or(0, |previous| ends[previous]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::facet::POOLS;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn every_member_has_its_position_and_every_position_its_member() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        let (mut ends, mut lens) = (Ends::NONE, [0_u32; POOLS]);
        for step in 0..2_000 {
            let pool = rng.random_range(0..POOLS);
            if lens[pool] > 0 && rng.random() {
                lens[pool] -= 1;
                ends.subtract(pool);
            } else {
                lens[pool] += 1;
                ends.add(pool);
            }
            let facet = step % FACETS;
            let mut position = 0;
            for class in 0..CLASSES {
                for in_class in 0..lens[facet * CLASSES + class] {
                    assert_eq!(ends.find(facet, position), (class, in_class));
                    position += 1;
                }
                assert_eq!(ends.members(facet, u8::try_from(class + 1).expect("few")), position);
            }
            assert_eq!(Ends::of(&lens), ends);
        }
    }
}
