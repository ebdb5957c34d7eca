//! Drawing uniformly, without replacement, in random order, at the cost of the answer.
//!
//! Positions in the [population](super::population) are drawn one by one, and drawn again if they lead to a peer that was
//! drawn before or is not eligible. So each peer that is added to the answer is uniform among the eligible ones that are
//! left. That is the definition of a uniform sample in random order; no shuffle follows.
//!
//! When the answer is a large part of the population, or too many draws were in vain, the draw begins anew in another way:
//! it collects the eligible peers and shuffles them. Giving up does not depend on *which* eligible peers were drawn, only
//! on how many, so the result stays uniform.

use rand::seq::SliceRandom as _;
use rand::{Rng, RngExt as _};

use super::Slots;
use super::population::{Lists, Population};
use super::seen::Seen;
use super::seniority::Seniority;
use crate::memory;
use crate::table::number_map::SlotSet;

impl<L: Lists> Population<'_, L> {
    /// Draws min(`size`, eligible) slots into an empty answer. Eligible are those that pass and are not in `gone`, the slots
    /// that are excluded or were drawn before.
    ///
    /// Cost: expected constant for each slot drawn and each that is gone; linear in the population where `passes` refuses
    /// most of it.
    pub(super) fn draw(
        &self,
        size: usize,
        gone: &SlotSet,
        passes: impl Fn(u32) -> bool,
        seniority: Seniority<'_>,
        rng: &mut impl Rng,
        answer: &mut Slots,
    ) -> memory::Result {
        let population = self.size();
        let wanted = size.min(population as usize);
        if wanted == 0 {
            return Ok(());
        }
        let is_eligible = |slot: u32| passes(slot) && !gone.contains(slot);
        // It is not known how many of those gone are in this population; a wrong guess costs time, never exactness.
        if wanted.saturating_add(gone.len()) <= population as usize / 2
            && self.draw_by_rejection(wanted, is_eligible, seniority, rng, answer)?
        {
            return Ok(());
        }
        answer.clear();
        let slots = self.all().map(|(_, slot)| slot);
        let mut slots = memory::collect(slots.filter(|&slot| is_eligible(slot)))?;
        answer.try_reserve_exact(wanted.min(slots.len()))?;
        if seniority.draws() == 1 {
            let (drawn, _) = slots.partial_shuffle(rng, wanted);
            answer.extend_from_slice(drawn);
            return Ok(());
        }
        while answer.len() < wanted && !slots.is_empty() {
            let draw = || Ok(Some(rng.random_range(0..slots.len())));
            let Some(position) = seniority.choose(draw, |&position| slots[position])? else { break };
            answer.push(slots.swap_remove(position));
        }
        Ok(())
    }

    /// The fast way. Returns whether it came to an end; it gives up after too many draws in vain.
    fn draw_by_rejection(
        &self,
        wanted: usize,
        is_eligible: impl Fn(u32) -> bool,
        seniority: Seniority<'_>,
        rng: &mut impl Rng,
        answer: &mut Slots,
    ) -> memory::Result<bool> {
        // An answer of one needs none.
        let mut seen = if wanted > 1 { Seen::with_room(wanted, seniority.slots())? } else { Seen::default() };
        answer.try_reserve_exact(wanted)?;
        // At least every second draw is expected to succeed, unless the pools do not cover everything that the query asks for;
        // so the tries are hardly ever used up. In a large population there are more, because collecting costs more than these.
        let mut tries = 8 * wanted.saturating_mul(seniority.draws()) + 64 + self.size() as usize / 16;
        if seniority.draws() == 1 {
            while answer.len() < wanted && tries > 0 {
                tries -= 1;
                let (_, slot) = self.any(rng);
                if is_eligible(slot) && (wanted == 1 || seen.insert(slot)) {
                    answer.push(slot);
                }
            }
            return Ok(answer.len() == wanted);
        }
        while answer.len() < wanted {
            let mut draw = || {
                while let Some(left) = tries.checked_sub(1) {
                    tries = left;
                    let (_, slot) = self.any(rng);
                    if is_eligible(slot) && (wanted == 1 || !seen.contains(slot)) {
                        return Ok(Some(slot));
                    }
                }
                Ok(None)
            };
            let drawn = seniority.choose(&mut draw, |&slot| slot)?;
            // Draws that are used up on the way to a place make all of it begin anew.
            let Some(slot) = drawn.filter(|_| tries > 0) else { return Ok(false) };
            if wanted > 1 {
                seen.insert(slot);
            }
            answer.push(slot);
        }
        Ok(true)
    }
}
