//! The least class of failures with peers of a group, for each facet: what says in which lists the group is.
//!
//! Apart from the groups and small, so that those of all groups stay in the cache: most groups that are drawn are
//! looked at here only.

use crate::table::pools::{CLASSES, FACETS, class_in};

/// In place of a class, where a facet has no peers.
const NONE: u8 = u8::MAX;

/// Of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Least([u8; FACETS]);

impl Least {
    /// Of a group without peers.
    pub(super) const EMPTY: Self = Self([NONE; FACETS]);

    /// The first facet in which the group has peers of these classes; [`FACETS`] if there is none. Without a branch that
    /// could be mispredicted.
    pub(super) fn first_facet(&self, classes: &[u8; FACETS]) -> usize {
        let bits = (0..FACETS).map(|facet| u32::from(self.0[facet] < classes[facet]) << facet);
        bits.fold(1 << FACETS, |all, bit| all | bit).trailing_zeros() as usize
    }

    /// The least pool of a facet.
    pub(super) fn pool(&self, facet: usize) -> Option<usize> {
        let class = self.0[facet];
        (class != NONE).then(|| facet * CLASSES + usize::from(class))
    }

    pub(super) fn set(&mut self, facet: usize, pool: Option<usize>) {
        self.0[facet] = pool.map_or(NONE, class_in);
    }

    /// How many facets before this one have peers.
    pub(super) fn rank(&self, facet: usize) -> usize {
        self.0[..facet].iter().filter(|&&class| class != NONE).count()
    }

    /// How many facets have peers.
    pub(super) fn len(&self) -> usize {
        self.rank(FACETS)
    }
}
