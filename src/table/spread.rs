//! Drawing peers spread over the network groups: first a group, then a peer in it.
//!
//! Each draw takes a group, uniformly among those that have an eligible peer left and have not given their share yet,
//! and then one of its eligible peers, uniformly. So an attacker's part of the answer is the part of the groups that it
//! holds, however many addresses it has there.
//!
//! A group stands once for each admitted facet in which it has peers, in lists that are the pools of groups
//! ([`Members::least`]). A random position in them leads to a group; it counts only if it is the first of the group's
//! positions, so each group is as likely as any other. What has given its share or is used up is drawn again. After too
//! many draws in vain the groups that are left are listed, once, and taken from there; in a group likewise. As in
//! [`sample`](super::sample), giving up says nothing about *which* group or peer would come next, so the result stays
//! exact.

use std::collections::HashMap;

use rand::{Rng, RngExt as _};
use smallvec::SmallVec;

use super::netgroups::Members;
use super::pools::{Admission, FACETS, POOLS, facet_of};
use super::sample::Population;
use super::tally::Tally;
use crate::memory;

/// Draws of a group in vain before the groups that are left are listed. There are at most twelve facets, so each draw has
/// a chance of one in twelve, unless most groups are used up.
const GROUP_DRAWS: usize = 256;

/// Draws are made together, but no more than this. In a large table each leads to memory that is not in the cache, and so
/// the processor waits for several of them at once.
const BATCH: usize = 64;

/// Draws of a peer in a group before its eligible peers are listed.
const PEER_DRAWS: usize = 16;

/// An answer in the making.
pub(super) struct Spread<'a> {
    members: &'a Members,
    max_per_netgroup: u32,
    /// Slots that are not to be drawn, or not again.
    gone: Tally,
    /// How many each group has given.
    given: Tally,
}

/// The draws among the peers that one admission admits.
struct Round<'s, 'a, E> {
    spread: &'s mut Spread<'a>,
    population: Population<'a, [Vec<u32>]>,
    /// Whether each pool is admitted, and how many classes of each facet are.
    is_admitted: [bool; POOLS],
    classes: [u8; FACETS],
    is_eligible: E,
    /// Groups that were drawn and a peer of each, to be looked at from the end.
    drawn: Vec<(u32, u32)>,
    /// How many draws may still be in vain.
    draws: usize,
    /// The groups that may still give, once they are listed.
    groups: Option<Vec<u32>>,
    /// Of some groups, the eligible peers that are left.
    listed: HashMap<u32, Vec<u32>>,
}

impl<'a> Spread<'a> {
    /// An answer with at most `max_per_netgroup` from each group and none of the `excluded` slots.
    pub(super) fn new(members: &'a Members, max_per_netgroup: u32, excluded: &[u32]) -> memory::Result<Self> {
        Ok(Self { members, max_per_netgroup, gone: Tally::of_all(excluded)?, given: Tally::default() })
    }

    /// Counts a slot that is in the answer already.
    pub(super) fn count(&mut self, slot: u32) -> memory::Result {
        self.note(self.members.group_of(slot), slot)
    }

    fn note(&mut self, group: u32, slot: u32) -> memory::Result {
        self.gone.add(slot)?;
        self.given.add(group).map(drop)
    }

    /// Draws up to `size` more of the admitted and eligible slots.
    ///
    /// Cost: expected constant for each slot drawn and each that was excluded, whatever the size of the table and of the
    /// groups; linear in a group, or in all, where `is_eligible` refuses most of it.
    pub(super) fn draw(
        &mut self,
        size: usize,
        admission: Admission,
        is_eligible: impl Fn(u32) -> bool,
        rng: &mut impl Rng,
    ) -> memory::Result<Vec<u32>> {
        let mut round = Round {
            population: Population::new(self.members.least(), admission),
            spread: self,
            is_admitted: admission.table(),
            classes: admission.classes(),
            is_eligible,
            drawn: Vec::new(),
            draws: GROUP_DRAWS,
            groups: None,
            listed: HashMap::new(),
        };
        let mut answer = Vec::new();
        while answer.len() < size {
            let Some((group, slot)) = round.next(size - answer.len(), rng)? else { break };
            round.spread.note(group, slot)?;
            memory::push(&mut answer, slot)?;
        }
        Ok(answer)
    }
}

impl<E: Fn(u32) -> bool> Round<'_, '_, E> {
    /// One more peer and its group; nothing if no group has any to give.
    fn next(&mut self, missing: usize, rng: &mut impl Rng) -> memory::Result<Option<(u32, u32)>> {
        while self.groups.is_none() {
            while let Some((group, slot)) = self.drawn.pop() {
                if self.is_used_up(group) {
                    continue;
                }
                // Of a group whose peers are listed, they are taken from the list, so that none is taken twice.
                let is_taken = !self.listed.contains_key(&group) && self.is_left(slot);
                let found = if is_taken { Some(slot) } else { self.any_of(group, rng)? };
                if let Some(slot) = found {
                    self.draws = GROUP_DRAWS;
                    return Ok(Some((group, slot)));
                }
            }
            // A few groups are listed at once; there may be none.
            if self.draws == 0 || self.population.size() as usize <= GROUP_DRAWS / 4 {
                self.list_groups()?;
            } else {
                self.draw_batch(missing, rng);
            }
        }
        while let Some(group) = self.any_group(rng) {
            if let Some(slot) = self.any_of(group, rng)? {
                return Ok(Some((group, slot)));
            }
        }
        Ok(None)
    }

    /// Draws some groups, each equally likely, whether they are used up or not, and a peer in each.
    fn draw_batch(&mut self, missing: usize, rng: &mut impl Rng) {
        // Most groups have peers in one admitted facet only, so most draws are of use.
        let size = (missing.min(BATCH) * 5).div_ceil(4).clamp(2, BATCH).min(self.draws);
        self.draws -= size;
        // One step for all of them, then the next: see BATCH.
        let drawn: SmallVec<[_; BATCH]> = (0..size).map(|_| self.population.any(rng)).collect();
        let firsts: SmallVec<[_; BATCH]> =
            drawn.into_iter().filter(|&(pool, group)| self.is_first(group, pool)).collect();
        firsts.iter().for_each(|&(_, group)| self.spread.members.warm(group));
        for (_, group) in firsts {
            let size = self.cells(group).map(<[u32]>::len).sum();
            let slot = self.slot_at(group, rng.random_range(0..size));
            self.drawn.extend(slot.map(|slot| (group, slot)));
        }
    }

    /// One of the groups that were listed and are not used up, each equally likely.
    fn any_group(&mut self, rng: &mut impl Rng) -> Option<u32> {
        let mut groups = self.groups.take().unwrap_or_default();
        let mut found = None;
        while found.is_none() && !groups.is_empty() {
            let position = rng.random_range(0..groups.len());
            let group = groups[position];
            if self.is_used_up(group) {
                groups.swap_remove(position);
            } else {
                found = Some(group);
            }
        }
        self.groups = Some(groups);
        found
    }

    fn list_groups(&mut self) -> memory::Result {
        let firsts = self.population.all().filter(|&(pool, group)| self.is_first(group, pool));
        let left = firsts.map(|(_, group)| group).filter(|&group| !self.is_used_up(group));
        self.groups = Some(memory::collect(left)?);
        Ok(())
    }

    /// Whether a group stands in no admitted list before that of this pool.
    fn is_first(&self, group: u32, pool: usize) -> bool {
        self.spread.members.first_facet(group, &self.classes) == facet_of(pool)
    }

    fn is_used_up(&self, group: u32) -> bool {
        self.spread.given.of(group) >= self.spread.max_per_netgroup
            || self.listed.get(&group).is_some_and(Vec::is_empty)
    }

    /// An eligible peer of a group, each equally likely; nothing if it has none left, and then it is used up.
    fn any_of(&mut self, group: u32, rng: &mut impl Rng) -> memory::Result<Option<u32>> {
        if !self.listed.contains_key(&group) {
            let size = self.cells(group).map(<[u32]>::len).sum();
            for _ in 0..PEER_DRAWS {
                let slot = self.slot_at(group, rng.random_range(0..size));
                if slot.is_some_and(|slot| self.is_left(slot)) {
                    return Ok(slot);
                }
            }
            let left = self.cells(group).flatten().copied().filter(|&slot| self.is_left(slot));
            let left = memory::collect(left)?;
            self.listed.try_reserve(1)?;
            self.listed.insert(group, left);
        }
        let left = self.listed.get_mut(&group).filter(|left| !left.is_empty());
        Ok(left.map(|left| left.swap_remove(rng.random_range(0..left.len()))))
    }

    fn is_left(&self, slot: u32) -> bool {
        (self.is_eligible)(slot) && self.spread.gone.of(slot) == 0
    }

    /// The admitted peers of a group, in pieces.
    fn cells(&self, group: u32) -> impl Iterator<Item = &[u32]> {
        let cells = self.spread.members.cells(group);
        cells.filter(|&(pool, _)| self.is_admitted[pool]).map(|(_, slots)| slots)
    }

    /// The slot at a position in the admitted peers of a group.
    fn slot_at(&self, group: u32, mut position: usize) -> Option<u32> {
        for slots in self.cells(group) {
            match slots.get(position) {
                Some(&slot) => return Some(slot),
                None => position -= slots.len(),
            }
        }
        None
    }
}
