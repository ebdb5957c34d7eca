//! Drawing peers: uniformly, without replacement, in random order, at the cost of the answer.
//!
//! The admitted pools, one after the other, are a population with a position for each peer. Positions are
//! drawn one by one, and those that lead to a peer which was drawn before or is not eligible are drawn again,
//! so each newcomer is uniform among the eligible peers that are left. That is the definition of a uniform
//! sample in random order; no shuffle follows.
//!
//! When the answer is a large part of the population, or too many draws were in vain, the draw begins anew on
//! the other path: collect the eligible peers and shuffle. Giving up does not depend on *which* eligible peers
//! were drawn, only on how many, so the result stays uniform.

use rand::seq::SliceRandom as _;
use rand::{Rng, RngExt as _};

use super::pools::{Admission, POOLS};
use super::tally::Tally;
use crate::memory;

/// For each pool a list of numbers: of slots, or else of network groups.
pub(super) trait Lists {
    /// How long the list of a pool is.
    fn len_of(&self, pool: usize) -> usize;

    /// The number at a position in the list of a pool.
    fn at(&self, pool: usize, position: usize) -> u32;
}

impl Lists for [Vec<u32>] {
    fn len_of(&self, pool: usize) -> usize {
        self[pool].len()
    }

    fn at(&self, pool: usize, position: usize) -> u32 {
        self[pool][position]
    }
}

/// What the admitted pools hold, one after the other: peers, or else their network groups.
pub(super) struct Population<'a, L: ?Sized> {
    lists: &'a L,
    /// The admitted pools that are not empty …
    ids: [u16; POOLS],
    /// … and the position behind the last member of each.
    ends: [u32; POOLS],
    len: usize,
}

impl<'a, L: Lists + ?Sized> Population<'a, L> {
    /// Cost: constant, a look at the size of each admitted pool.
    pub(super) fn new(lists: &'a L, admission: Admission) -> Self {
        let mut population = Self { lists, ids: [0; POOLS], ends: [0; POOLS], len: 0 };
        let mut end = 0;
        for facet in admission.facet_pools() {
            for id in facet {
                let len = lists.len_of(id);
                if len > 0 {
                    end += super::slot_number(len);
                    population.ids[population.len] = u16::try_from(id).unwrap_or(u16::MAX);
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

    /// One of them, each equally likely, with its pool. There must be some.
    pub(super) fn any(&self, rng: &mut impl Rng) -> (usize, u32) {
        let position = rng.random_range(0..self.size());
        let index = self.ends[..self.len].partition_point(|&end| end <= position);
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let pool = usize::from(self.ids[index]);
        (pool, self.lists.at(pool, (position - start) as usize))
    }

    /// All of them, with their pools.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, u32)> {
        let (lists, pools) = (self.lists, self.ids[..self.len].iter().map(|&id| usize::from(id)));
        pools.flat_map(move |pool| {
            (0..lists.len_of(pool)).map(move |position| (pool, lists.at(pool, position)))
        })
    }

    /// Draws min(`size`, eligible) slots. `ineligible` bounds how many of the population `is_eligible` refuses,
    /// as far as that is known; a wrong bound costs time, never exactness.
    ///
    /// Cost: expected constant for each slot drawn and each ineligible one; linear in the population where
    /// `is_eligible` refuses most of it.
    pub(super) fn draw(
        &self,
        size: usize,
        ineligible: usize,
        is_eligible: impl Fn(u32) -> bool,
        rng: &mut impl Rng,
    ) -> memory::Result<Vec<u32>> {
        let population = self.size();
        let wanted = size.min(population as usize);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        if wanted.saturating_add(ineligible) <= population as usize / 2
            && let Some(chosen) = self.draw_by_rejection(wanted, &is_eligible, rng)?
        {
            return Ok(chosen);
        }
        let slots = self.all().map(|(_, slot)| slot);
        let mut slots = memory::collect(slots.filter(|&slot| is_eligible(slot)))?;
        let (drawn, _) = slots.partial_shuffle(rng, wanted);
        memory::collect(drawn.iter().copied())
    }

    /// The fast path, or nothing after too many draws in vain.
    fn draw_by_rejection(
        &self,
        wanted: usize,
        is_eligible: impl Fn(u32) -> bool,
        rng: &mut impl Rng,
    ) -> memory::Result<Option<Vec<u32>>> {
        let (mut chosen, mut seen) = (memory::with_capacity(wanted)?, Tally::with_capacity(wanted)?);
        // Unless the bound on failures cuts a class, at least every second draw is expected to succeed, so this many
        // are hardly ever used up.
        let mut draws = 8 * wanted + 64;
        while chosen.len() < wanted {
            let Some(left) = draws.checked_sub(1) else { return Ok(None) };
            draws = left;
            let (_, slot) = self.any(rng);
            if is_eligible(slot) && seen.add(slot)? == 0 {
                chosen.push(slot);
            }
        }
        Ok(Some(chosen))
    }
}
