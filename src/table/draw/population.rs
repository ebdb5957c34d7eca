//! What draws are made from: the admitted pools, one after the other, with a position for each member.

use rand::{Rng, RngExt as _};

use super::admission::Admission;
use crate::table::facet::POOLS;
use crate::table::index::Pools;
use crate::table::slot::slot_number;

/// A list of numbers for each pool: its slots, or else the netgroups that are listed there.
pub(super) trait Lists {
    /// How long the list of a pool is.
    fn len_of(&self, pool: usize) -> usize;

    /// The number at a position in the list of a pool.
    fn at(&self, pool: usize, position: usize) -> u32;
}

impl Lists for Pools {
    fn len_of(&self, pool: usize) -> usize {
        self.len_of(pool)
    }

    fn at(&self, pool: usize, position: usize) -> u32 {
        self.at(pool, position)
    }
}

impl Lists for [Vec<u32>] {
    fn len_of(&self, pool: usize) -> usize {
        self[pool].len()
    }

    fn at(&self, pool: usize, position: usize) -> u32 {
        self[pool][position]
    }
}

/// The members of the admitted pools, one pool after the other.
pub(super) struct Population<'a, L: ?Sized> {
    lists: &'a L,
    /// The admitted pools that are not empty …
    pools: [u16; POOLS],
    /// … and the position after the last member of each.
    ends: [u32; POOLS],
    /// How many those are.
    len: usize,
}

impl<'a, L: Lists + ?Sized> Population<'a, L> {
    /// Cost: constant, a look at the size of each admitted pool.
    pub(super) fn new(lists: &'a L, admission: Admission) -> Self {
        let mut population = Self { lists, pools: [0; POOLS], ends: [0; POOLS], len: 0 };
        let mut end = 0;
        for pools in admission.facet_pools() {
            for pool in pools {
                let len = lists.len_of(pool);
                if len > 0 {
                    end += slot_number(len);
                    population.pools[population.len] = u16::try_from(pool).unwrap_or(u16::MAX);
                    population.ends[population.len] = end;
                    population.len += 1;
                }
            }
        }
        population
    }

    pub(super) fn size(&self) -> u32 {
        self.ends[..self.len].last().copied().unwrap_or(0)
    }

    /// Draws a member, each equally likely, and returns it with its pool. Requires that there are some.
    pub(super) fn any(&self, rng: &mut impl Rng) -> (usize, u32) {
        let position = rng.random_range(0..self.size());
        let index = self.ends[..self.len].partition_point(|&end| end <= position);
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let pool = usize::from(self.pools[index]);
        (pool, self.lists.at(pool, (position - start) as usize))
    }

    /// All members, with their pools.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, u32)> {
        let (lists, pools) = (self.lists, self.pools[..self.len].iter().map(|&pool| usize::from(pool)));
        pools.flat_map(move |pool| {
            (0..lists.len_of(pool)).map(move |position| (pool, lists.at(pool, position)))
        })
    }
}
