//! The lowest failure class with peers of a netgroup, for each facet: what says in which lists the netgroup is.
//!
//! Apart from the netgroups' peers and small, so that those of all netgroups stay in the cache: of most netgroups that are
//! drawn, nothing else is read.

use crate::table::facet::{CLASSES, FACETS, class_in};

/// In place of a class, for a facet without peers.
const NONE: u8 = u8::MAX;

/// The lowest failure classes of one netgroup, by facet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LowestClasses([u8; FACETS]);

impl LowestClasses {
    /// Of a netgroup without peers.
    pub(super) const EMPTY: Self = Self([NONE; FACETS]);

    /// The first facet with peers in one of its first so many classes; [`FACETS`] if there is none.
    /// Without a branch that could be mispredicted.
    pub(super) fn first_facet(&self, classes: &[u8; FACETS]) -> usize {
        let bits = (0..FACETS).map(|facet| u32::from(self.0[facet] < classes[facet]) << facet);
        bits.fold(1 << FACETS, |all, bit| all | bit).trailing_zeros() as usize
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
