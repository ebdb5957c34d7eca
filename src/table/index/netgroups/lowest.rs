//! The lowest failure class with peers of a netgroup, for each facet: it determines which lists the netgroup is in.
//!
//! Kept apart from the netgroups' peers, and small, so that those of all netgroups stay in the cache: of most netgroups that
//! are drawn, nothing else is read.

use crate::table::facet::{CLASSES, FACETS, class_in};

/// In place of a class, for a facet without peers.
const NONE: u8 = 0x7f;
const _: () = assert!(CLASSES < NONE as usize, "a class leaves the highest bit of its byte free");

/// The highest bit of each byte, and the lowest.
const HIGHEST: u128 = u128::from_ne_bytes([0x80; 16]);
const LOWEST: u128 = u128::from_ne_bytes([1; 16]);

/// A number with one byte for each facet, the first one lowest.
fn bytes(of_facets: &[u8; FACETS]) -> u128 {
    let mut bytes = [0; 16];
    bytes[..FACETS].copy_from_slice(of_facets);
    u128::from_le_bytes(bytes)
}

/// The lowest failure classes of one netgroup, by facet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LowestClasses([u8; FACETS]);

impl LowestClasses {
    /// For a netgroup without peers.
    pub(super) const EMPTY: Self = Self([NONE; FACETS]);

    /// The first facet with peers in one of its first classes, as many as are given; [`FACETS`] if there is none. Without a
    /// branch that could be mispredicted.
    pub(super) fn first_facet(&self, classes: &[u8; FACETS]) -> usize {
        // All facets at once: the highest bit of a byte stays where its class is below the number of admitted ones, and no byte
        // borrows from the next.
        let reached = (bytes(classes) | HIGHEST) - bytes(&self.0) - LOWEST;
        ((reached & HIGHEST).trailing_zeros() as usize / 8).min(FACETS)
    }

    /// The lowest pool of a facet that has peers.
    pub(super) fn pool(&self, facet: usize) -> Option<usize> {
        let class = self.0[facet];
        (class != NONE).then(|| facet * CLASSES + usize::from(class))
    }

    /// Sets the lowest pool of a facet.
    pub(super) fn set(&mut self, facet: usize, pool: Option<usize>) {
        self.0[facet] = pool.map_or(NONE, class_in);
    }

    /// How many of the facets before this one have peers.
    pub(super) fn rank(&self, facet: usize) -> usize {
        self.0[..facet].iter().filter(|&&class| class != NONE).count()
    }

    /// How many facets have peers.
    pub(super) fn len(&self) -> usize {
        self.rank(FACETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn the_first_facet_is_the_first_with_a_class_below_the_admitted_ones() {
        let mut rng = ChaCha12Rng::seed_from_u64(0);
        for _ in 0..10_000 {
            let most = u8::try_from(CLASSES).expect("few");
            let lowest: [u8; FACETS] = std::array::from_fn(|_| match rng.random_range(0..=most) {
                class if class == most => NONE,
                class => class,
            });
            let few = rng.random_range(0..=most);
            let classes: [u8; FACETS] = std::array::from_fn(|_| rng.random_range(0..=few));
            let expected = (0..FACETS).find(|&facet| lowest[facet] < classes[facet]).unwrap_or(FACETS);
            assert_eq!(LowestClasses(lowest).first_facet(&classes), expected, "{lowest:?} {classes:?}");
        }
    }
}
