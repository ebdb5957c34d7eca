//! What draws are made from: the admitted pools, facet by facet, with a position for each member.

use std::iter;

use rand::{Rng, RngExt as _};

use crate::table::ends::{Ends, place_of};
use crate::table::facet::{CLASSES, Classes, FACETS};
use crate::table::index::{NetgroupLists, Pools};

/// A list of numbers for each pool: its slots, or else the netgroups that are listed there.
pub(super) trait Lists {
    /// Where each pool ends.
    fn ends(&self) -> &Ends;

    /// The number at a position in the list of a pool.
    fn at(&self, pool: usize, position: usize) -> u32;
}

impl Lists for Pools {
    fn ends(&self) -> &Ends {
        self.ends()
    }

    fn at(&self, pool: usize, position: usize) -> u32 {
        self.at(pool, position)
    }
}

impl Lists for NetgroupLists {
    fn ends(&self) -> &Ends {
        self.ends()
    }

    fn at(&self, pool: usize, position: usize) -> u32 {
        self.of(pool)[position]
    }
}

/// The members of the admitted pools, one facet after the other.
pub(super) struct Population<'a, L> {
    lists: &'a L,
    /// The facets with admitted members …
    facets: [u32; FACETS],
    /// … and the position after the last admitted member of each.
    ends: [u32; FACETS],
    /// How many those are.
    len: usize,
}

impl<'a, L: Lists> Population<'a, L> {
    /// The members of these classes. Cost: constant, a look at each facet.
    pub(super) fn new(lists: &'a L, classes: Classes) -> Self {
        let mut population = Self { lists, facets: [0; FACETS], ends: [0; FACETS], len: 0 };
        let mut end = 0;
        for facet in classes.facets() {
            let members = lists.ends().members(facet as usize, classes.count);
            end += members;
            // Overwritten by the next one if there are none.
            population.facets[population.len] = facet;
            population.ends[population.len] = end;
            population.len += usize::from(members > 0);
        }
        population
    }

    pub(super) fn size(&self) -> u32 {
        self.ends().last().copied().unwrap_or(0)
    }

    /// Whether all members are of one facet.
    pub(super) fn is_one_facet(&self) -> bool {
        self.len == 1
    }

    fn ends(&self) -> &[u32] {
        &self.ends[..self.len]
    }

    /// Draws a member, each equally likely, and returns it with its pool. Requires that there are some.
    pub(super) fn any(&self, rng: &mut impl Rng) -> (usize, u32) {
        self.at(rng.random_range(0..self.size()))
    }

    /// The member at a position, with its pool.
    fn at(&self, position: u32) -> (usize, u32) {
        let (index, position) =
            if self.is_one_facet() { (0, position) } else { place_of(position, self.ends()) };
        let facet = self.facets[index] as usize;
        let (class, position) = self.lists.ends().find(facet, position);
        let pool = facet * CLASSES + class;
        (pool, self.lists.at(pool, position as usize))
    }

    /// All members, with their pools.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, u32)> {
        let starts = iter::once(&0).chain(self.ends());
        let members = self.ends().iter().zip(starts).map(|(end, start)| end - start);
        self.facets.iter().map(|&facet| facet as usize).zip(members).flat_map(move |(facet, members)| {
            let pools = (0..CLASSES).flat_map(move |class| {
                let pool = facet * CLASSES + class;
                (0..self.lists.ends().in_class(facet, class)).map(move |position| (pool, position as usize))
            });
            pools.take(members as usize).map(|(pool, position)| (pool, self.lists.at(pool, position)))
        })
    }
}
