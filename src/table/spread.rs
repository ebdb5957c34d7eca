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

use std::collections::{HashMap, HashSet};

use rand::{Rng, RngExt as _};

use super::netgroups::{Cell, Members};
use super::pools::{Admission, POOLS};
use super::sample::Population;

/// Draws of a group before the groups that are left are listed. There are at most twelve facets, so each draw has a
/// chance of one in twelve, unless most groups are used up.
const GROUP_DRAWS: usize = 256;

/// Draws of a peer in a group before its eligible peers are listed.
const PEER_DRAWS: usize = 16;

/// An answer in the making.
pub(super) struct Spread<'a> {
    members: &'a Members,
    max_per_netgroup: u32,
    /// Slots that are not to be drawn, or not again.
    gone: HashSet<u32>,
    /// How many each group has given.
    given: HashMap<u32, u32>,
}

/// The draws among the peers that one admission admits.
struct Round<'s, 'a, E> {
    spread: &'s mut Spread<'a>,
    population: Population<'a>,
    /// Whether each pool is admitted.
    is_admitted: [bool; POOLS],
    is_eligible: E,
    /// The groups that may still give, once they are listed.
    groups: Option<Vec<u32>>,
    /// Of some groups, the eligible peers that are left.
    listed: HashMap<u32, Vec<u32>>,
}

impl<'a> Spread<'a> {
    /// An answer with at most `max_per_netgroup` from each group and none of the `excluded` slots.
    pub(super) fn new(members: &'a Members, max_per_netgroup: u32, excluded: &[u32]) -> Self {
        let gone = excluded.iter().copied().collect();
        Self { members, max_per_netgroup, gone, given: HashMap::new() }
    }

    /// Counts a slot that is in the answer already.
    pub(super) fn count(&mut self, slot: u32) {
        self.gone.insert(slot);
        *self.given.entry(self.members.group_of(slot)).or_insert(0) += 1;
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
    ) -> Vec<u32> {
        let population = Population::new(self.members.least(), admission);
        let has_few_groups = population.size() as usize <= GROUP_DRAWS / 4;
        let mut round = Round {
            spread: self,
            population,
            is_admitted: admission.table(),
            is_eligible,
            groups: None,
            listed: HashMap::new(),
        };
        if has_few_groups {
            round.list_groups();
        }
        let mut drawn = Vec::new();
        while drawn.len() < size {
            let Some(group) = round.any_group(rng) else { break };
            if let Some(slot) = round.any_of(group, rng) {
                round.spread.count(slot);
                drawn.push(slot);
            }
        }
        drawn
    }
}

impl<E: Fn(u32) -> bool> Round<'_, '_, E> {
    /// A group that may have something to give, each equally likely; nothing if there is none.
    fn any_group(&mut self, rng: &mut impl Rng) -> Option<u32> {
        if self.groups.is_none() {
            for _ in 0..GROUP_DRAWS {
                let (pool, group) = self.population.any(rng);
                if self.is_first(group, pool) && !self.is_used_up(group) {
                    return Some(group);
                }
            }
            self.list_groups();
        }
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

    fn list_groups(&mut self) {
        let firsts = self.population.all().filter(|&(pool, group)| self.is_first(group, pool));
        self.groups = Some(firsts.map(|(_, group)| group).filter(|&group| !self.is_used_up(group)).collect());
    }

    /// Whether a group stands in no admitted list before that of this pool.
    fn is_first(&self, group: u32, pool: usize) -> bool {
        let mut pools = self.spread.members.cells(group).iter().map(Cell::pool);
        pools.find(|&pool| self.is_admitted[pool]) == Some(pool)
    }

    fn is_used_up(&self, group: u32) -> bool {
        self.spread.given.get(&group).is_some_and(|&given| given >= self.spread.max_per_netgroup)
            || self.listed.get(&group).is_some_and(Vec::is_empty)
    }

    /// An eligible peer of a group, each equally likely; nothing if it has none left, and then it is used up.
    fn any_of(&mut self, group: u32, rng: &mut impl Rng) -> Option<u32> {
        if !self.listed.contains_key(&group) {
            let size: usize = self.cells(group).map(<[u32]>::len).sum();
            for _ in 0..PEER_DRAWS {
                let slot = self.slot_at(group, rng.random_range(0..size));
                if slot.is_some_and(|slot| self.is_left(slot)) {
                    return slot;
                }
            }
            let left = self.cells(group).flatten().copied().filter(|&slot| self.is_left(slot)).collect();
            self.listed.insert(group, left);
        }
        let left = self.listed.get_mut(&group).filter(|left| !left.is_empty())?;
        Some(left.swap_remove(rng.random_range(0..left.len())))
    }

    fn is_left(&self, slot: u32) -> bool {
        (self.is_eligible)(slot) && !self.spread.gone.contains(&slot)
    }

    /// The admitted cells of a group.
    fn cells(&self, group: u32) -> impl Iterator<Item = &[u32]> {
        let cells = self.spread.members.cells(group).iter();
        cells.filter(|cell| self.is_admitted[cell.pool()]).map(Cell::slots)
    }

    /// The slot at a position in the admitted cells of a group, one after the other.
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
