//! Drawing uniformly, without replacement, in random order, at the cost of the answer.
//!
//! Positions in the [population](super::population) are drawn one by one, and drawn again if they lead to a peer that was
//! drawn before or is not eligible. So each peer that is added to the answer is uniform among the eligible ones that are
//! left. That is the definition of a uniform sample in random order; no shuffle follows.
//!
//! When the answer is a large part of the population, or too many draws were in vain, the draw begins anew in another way:
//! it collects the eligible peers and shuffles them. Giving up does not depend on *which* eligible peers were drawn, only
//! on how many, so the result stays uniform.

use rand::Rng;
use rand::seq::SliceRandom as _;

use super::population::{Lists, Population};
use crate::memory;
use crate::table::counts::Counts;

impl<L: Lists + ?Sized> Population<'_, L> {
    /// Draws min(`size`, eligible) slots. `ineligible` is a guess at how many of the population `is_eligible` refuses; a
    /// wrong one costs time, never exactness.
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
            && let Some(drawn) = self.draw_by_rejection(wanted, &is_eligible, rng)?
        {
            return Ok(drawn);
        }
        let slots = self.all().map(|(_, slot)| slot);
        let mut slots = memory::collect(slots.filter(|&slot| is_eligible(slot)))?;
        let (drawn, _) = slots.partial_shuffle(rng, wanted);
        memory::collect(drawn.iter().copied())
    }

    /// The fast way; nothing after too many draws in vain.
    fn draw_by_rejection(
        &self,
        wanted: usize,
        is_eligible: impl Fn(u32) -> bool,
        rng: &mut impl Rng,
    ) -> memory::Result<Option<Vec<u32>>> {
        let (mut drawn, mut seen) = (memory::with_capacity(wanted)?, Counts::with_capacity(wanted)?);
        // At least every second draw is expected to succeed, unless the bound on failures cuts a class; so these are hardly
        // ever used up.
        let mut tries = 8 * wanted + 64;
        while drawn.len() < wanted {
            let Some(left) = tries.checked_sub(1) else { return Ok(None) };
            tries = left;
            let (_, slot) = self.any(rng);
            if is_eligible(slot) && seen.add(slot)? == 0 {
                drawn.push(slot);
            }
        }
        Ok(Some(drawn))
    }
}
