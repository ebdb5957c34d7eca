//! Drawing by netgroup: first a netgroup, then a peer in it.
//!
//! Each draw takes a netgroup, uniformly among those that have an eligible peer left and have not given their share yet, and
//! then one of its eligible peers, uniformly. So an attacker's share of the answer is its share of the netgroups, however many
//! addresses it has there.
//!
//! A netgroup is listed once for each admitted facet in which it has peers ([`Grouping::lists`]). A random position in those
//! lists leads to a netgroup; it counts only if it is the first of the netgroup's positions, so each netgroup is as likely as
//! any other. A netgroup that has given its share, or is used up, is drawn again. After too many draws in vain, the netgroups
//! that are left are collected, once, and drawn from that collection; the same goes for the peers of one netgroup. As in
//! [`uniform`](super::uniform), giving up says nothing about *which* netgroup or peer would come next, so the result stays
//! exact.

use rand::{Rng, RngExt as _};
use smallvec::SmallVec;

use super::admission::Admission;
use super::population::Population;
use super::seniority::Seniority;
use super::{Excluded, Slots};
use crate::memory;
use crate::table::counts::Counts;
use crate::table::facet::{FACETS, class_in, facet_of};
use crate::table::index::{Grouping, NetgroupLists};
use crate::table::number_map::{NumberMap, SlotSet};

/// How many draws of a netgroup may be in vain before those that are left are collected. There are twelve facets, so each draw
/// has at least one chance in twelve, unless most netgroups are used up.
const NETGROUP_DRAWS: usize = 256;

/// At most this many draws are made together. In a large table each leads to memory that is not in the cache, and this way the
/// processor waits for several at once.
const BATCH: usize = 64;

/// How many draws of a peer in a netgroup may be in vain before its eligible peers are collected.
const PEER_DRAWS: usize = 16;

/// The peers that are drawn from, and how many of them an answer has.
pub(super) struct ByNetgroup<'a> {
    grouping: &'a Grouping,
    max_per_netgroup: u32,
    seniority: Seniority<'a>,
    /// How many peers each netgroup has given, except for the last one, …
    given: Counts,
    /// … which is counted when another is drawn: most often none is.
    last: Option<(u32, u32)>,
    /// Netgroups that give nothing.
    closed: SlotSet,
}

/// The draws among the peers that one admission admits.
struct Round<'s, 'a, E> {
    answer: &'s mut ByNetgroup<'a>,
    /// Slots that are excluded or were drawn.
    gone: &'s mut SlotSet,
    population: Population<'a, NetgroupLists>,
    /// How many classes of each facet are admitted.
    classes: [u8; FACETS],
    is_eligible: E,
    /// Netgroups that were drawn and a peer of each, to be taken from the end.
    drawn: SmallVec<[(u32, u32); BATCH]>,
    /// How many draws may still be in vain.
    draws: usize,
    /// The netgroups that may still give, once they are collected.
    netgroups: Option<Vec<u32>>,
    /// The eligible peers of some netgroups, once they are collected, without some that were taken since, …
    peers: Vec<Vec<u32>>,
    /// … and where they are among those, by netgroup.
    collected: NumberMap,
}

impl<'a> ByNetgroup<'a> {
    /// For an answer with at most `max_per_netgroup` peers of each netgroup.
    pub(super) fn new(grouping: &'a Grouping, max_per_netgroup: u32, seniority: Seniority<'a>) -> Self {
        let (given, closed) = (Counts::default(), SlotSet::default());
        Self { grouping, max_per_netgroup, seniority, given, last: None, closed }
    }

    /// Counts a slot that is in the answer already.
    pub(super) fn count(&mut self, slot: u32) -> memory::Result {
        self.given.add(self.grouping.netgroup_of(slot)).map(drop)
    }

    /// Takes nothing from the netgroups of the excluded peers.
    pub(super) fn close(&mut self, excluded: &Excluded) -> memory::Result {
        let grouping = self.grouping;
        let of_peers = excluded.slots.iter().map(|&slot| grouping.netgroup_of(slot));
        let of_strangers = excluded.strangers.iter().filter_map(|&netgroup| grouping.find(netgroup));
        self.closed.reserve(excluded.slots.len() + excluded.strangers.len())?;
        for number in of_peers.chain(of_strangers) {
            self.closed.insert(number);
        }
        Ok(())
    }

    /// Draws up to `size` more of the admitted and eligible slots, none of them `gone`, and adds them to it.
    ///
    /// Cost: expected constant for each draw and each slot that was excluded, whatever the size of the table and of the
    /// netgroups; linear in a netgroup, or in all, where `is_eligible` refuses most of it.
    pub(super) fn draw(
        &mut self,
        size: usize,
        admission: Admission,
        gone: &mut SlotSet,
        is_eligible: impl Fn(u32) -> bool,
        rng: &mut impl Rng,
        answer: &mut Slots,
    ) -> memory::Result {
        let (classes, seniority) = (admission.classes.of_each(), self.seniority);
        let mut round = Round {
            population: Population::new(self.grouping.lists(), admission.classes),
            answer: self,
            gone,
            classes,
            is_eligible,
            drawn: SmallVec::new(),
            draws: NETGROUP_DRAWS,
            netgroups: None,
            peers: Vec::new(),
            collected: NumberMap::default(),
        };
        if size > 1 {
            // Once, in place of growing step by step.
            round.gone.reserve(size.min(BATCH))?;
        }
        while answer.len() < size {
            if let Some((netgroup, slot)) = round.answer.last.take() {
                round.gone.add(slot)?;
                round.answer.given.add(netgroup)?;
            }
            let missing = (size - answer.len()).saturating_mul(seniority.draws());
            let drawn = seniority.choose(|| round.next(missing, rng), |&(_, slot)| slot)?;
            let Some((_, slot)) = drawn else { break };
            round.answer.last = drawn;
            answer.try_reserve(1)?;
            answer.push(slot);
        }
        Ok(())
    }
}

impl<E: Fn(u32) -> bool> Round<'_, '_, E> {
    /// Draws a peer that could be next, and returns it with its netgroup; nothing if no netgroup has any to give.
    fn next(&mut self, missing: usize, rng: &mut impl Rng) -> memory::Result<Option<(u32, u32)>> {
        while self.netgroups.is_none() {
            while let Some((netgroup, slot)) = self.drawn.pop() {
                if self.is_used_up(netgroup) {
                    continue;
                }
                let found = if self.is_left(slot) { Some(slot) } else { self.any_of(netgroup, rng)? };
                if let Some(slot) = found {
                    self.draws = NETGROUP_DRAWS;
                    return Ok(Some((netgroup, slot)));
                }
            }
            // A few are collected at once; there may be none.
            if self.draws == 0 || self.population.size() as usize <= NETGROUP_DRAWS / 4 {
                self.collect_netgroups()?;
            } else {
                self.draw_batch(missing, rng);
            }
        }
        while let Some(netgroup) = self.any_netgroup(rng) {
            if let Some(slot) = self.any_of(netgroup, rng)? {
                return Ok(Some((netgroup, slot)));
            }
        }
        Ok(None)
    }

    /// Draws some netgroups, each equally likely, whether they are used up or not, and a peer in each.
    fn draw_batch(&mut self, missing: usize, rng: &mut impl Rng) {
        // Most netgroups have peers in one admitted facet only, so most draws are of use; where no other is admitted, all are.
        let spare = if self.population.is_one_facet() { 0 } else { missing / 4 };
        let size = missing.saturating_add(spare).clamp(1, BATCH).min(self.draws);
        self.draws -= size;
        if size == 1 {
            // There is nothing to wait for together.
            let (pool, netgroup) = self.population.any(rng);
            if self.is_first(netgroup, pool) {
                let slot = self.answer.grouping.any_admitted(netgroup, &self.classes, rng);
                self.drawn.extend(slot.map(|slot| (netgroup, slot)));
            }
            return;
        }
        // One step for all of them, then the next: see BATCH.
        let drawn: SmallVec<[_; BATCH]> = (0..size).map(|_| self.population.any(rng)).collect();
        let firsts: SmallVec<[u32; BATCH]> = drawn
            .iter()
            .filter(|&&(pool, netgroup)| self.is_first(netgroup, pool))
            .map(|&(_, netgroup)| netgroup)
            .collect();
        firsts.iter().for_each(|&netgroup| self.answer.grouping.prefetch(netgroup));
        for &netgroup in &firsts {
            let slot = self.answer.grouping.any_admitted(netgroup, &self.classes, rng);
            self.drawn.extend(slot.map(|slot| (netgroup, slot)));
        }
    }

    /// Draws one of the netgroups that were collected and are not used up, each equally likely.
    fn any_netgroup(&mut self, rng: &mut impl Rng) -> Option<u32> {
        let mut netgroups = self.netgroups.take().unwrap_or_default();
        let mut found = None;
        while found.is_none() && !netgroups.is_empty() {
            let position = rng.random_range(0..netgroups.len());
            let netgroup = netgroups[position];
            if self.is_used_up(netgroup) {
                netgroups.swap_remove(position);
            } else {
                found = Some(netgroup);
            }
        }
        self.netgroups = Some(netgroups);
        found
    }

    fn collect_netgroups(&mut self) -> memory::Result {
        let firsts = self.population.all().filter(|&(pool, netgroup)| self.is_first(netgroup, pool));
        // Perhaps none of those has an eligible peer: when the clock has stepped back, hardly any peer is due.
        let has_left = |netgroup| self.cells(netgroup).flatten().any(|&slot| self.is_left(slot));
        let left = firsts
            .map(|(_, netgroup)| netgroup)
            .filter(|&netgroup| !self.is_used_up(netgroup) && has_left(netgroup));
        self.netgroups = Some(memory::collect(left)?);
        Ok(())
    }

    /// Whether no admitted list before that of this pool has the netgroup.
    fn is_first(&self, netgroup: u32, pool: usize) -> bool {
        self.population.is_one_facet()
            || self.answer.grouping.first_facet(netgroup, &self.classes) == facet_of(pool)
    }

    fn is_used_up(&self, netgroup: u32) -> bool {
        self.answer.given.of(netgroup) >= self.answer.max_per_netgroup
            || self.answer.closed.contains(netgroup)
            || self.peers_of(netgroup).is_some_and(|peers| self.peers[peers].is_empty())
    }

    /// Draws an eligible peer of a netgroup, each equally likely; nothing if it has none left, and then it is used up.
    fn any_of(&mut self, netgroup: u32, rng: &mut impl Rng) -> memory::Result<Option<u32>> {
        let peers = if let Some(peers) = self.peers_of(netgroup) {
            peers
        } else {
            for _ in 0..PEER_DRAWS {
                let slot = self.answer.grouping.any_admitted(netgroup, &self.classes, rng);
                if slot.is_some_and(|slot| self.is_left(slot)) {
                    return Ok(slot);
                }
            }
            let left = self.cells(netgroup).flatten().copied().filter(|&slot| self.is_left(slot));
            let left = memory::collect(left)?;
            let peers = self.peers.len();
            memory::push(&mut self.peers, left)?;
            self.collected.entry(netgroup, u32::try_from(peers).unwrap_or(u32::MAX))?;
            peers
        };
        let left = &mut self.peers[peers];
        while !left.is_empty() {
            let position = rng.random_range(0..left.len());
            if !self.gone.contains(left[position]) {
                return Ok(Some(left[position]));
            }
            left.swap_remove(position);
        }
        Ok(None)
    }

    /// Where the peers of a netgroup are, if they are collected.
    fn peers_of(&self, netgroup: u32) -> Option<usize> {
        self.collected.get(netgroup).map(|peers| peers as usize)
    }

    fn is_left(&self, slot: u32) -> bool {
        (self.is_eligible)(slot) && !self.gone.contains(slot)
    }

    /// The admitted peers of a netgroup, in pieces.
    fn cells(&self, netgroup: u32) -> impl Iterator<Item = &[u32]> {
        let cells = self.answer.grouping.cells(netgroup);
        cells.filter(|&(pool, _)| class_in(pool) < self.classes[facet_of(pool)]).map(|(_, slots)| slots)
    }
}
