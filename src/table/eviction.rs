//! Eviction: the peers that are removed to make room, planned on a table that stays as it is.
//!
//! A new peer that finds no room evicts an inbound peer that has failed, one of the highest failure class, of its own
//! netgroup before any other; if there is no such candidate it is refused. So a flood of gossip can push out only peers that
//! could not be reached: a peer that the node has made outbound or preferred, or that has not failed yet, stays.
//!
//! Where histories are kept, a dead outbound peer goes before a new one is refused. It is dead if it has failed at least
//! [`MAX_FAILURES`](crate::MAX_FAILURES) times and has not been reached for 30 days. Otherwise, a few peers that were once good
//! would keep out every new one for ever.
//!
//! The manager writes a plan to the database in one transaction, and then the [owner](super::owner) applies it.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::bounds::{Bounds, Full};
use super::facet::{
    class_in, failed_inbound, inbound_class, is_often_failed_outbound, often_failed_outbound,
};
use super::number_map::{NumberMap, SlotSet};
use super::owner::PeerTable;
use crate::address::PeerAddress;
use crate::memory::{self, Refused};
use crate::netgroup::Netgroup;
use crate::peer::PeerRecord;
use crate::sort::sort;

/// The plan for records that are to be inserted, or updated if their peers are known.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The records that the table takes, in order.
    pub(crate) taken: Cow<'a, [PeerRecord]>,
    /// The slots of the peers that are evicted for them.
    pub(crate) evicted: Vec<u32>,
    /// How many others are refused, and why the first of them is.
    pub(crate) refused: usize,
    pub(crate) first_refused: Option<Full>,
}

/// Slots that could be evicted, those of the highest failure class first.
type Candidates<'a> = Box<dyn Iterator<Item = u32> + 'a>;

/// Why a peer could be evicted; the first kind goes first.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It is inbound and has failed.
    Failed,
    /// It is outbound and dead.
    Dead,
}

/// The netgroup of a new peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Home {
    Known(Netgroup),
    /// That of a name which no peer has yet, and which is a netgroup of its own.
    NewName(Arc<str>, Netgroup),
}

/// The table as it will be when the records so far are in.
struct Planner<'a> {
    table: &'a PeerTable,
    peers: usize,
    /// How many peers each netgroup has won, or lost.
    gains: HashMap<Home, i64>,
    new_peers: HashSet<&'a PeerAddress>,
    /// Slots that are not candidates: evicted already, or of peers in the batch.
    settled: SlotSet,
    /// By kind, as below.
    candidates: [Option<Candidates<'a>>; 2],
    /// The candidates of some netgroups, and where they are there, by netgroup.
    candidates_of: [Vec<Candidates<'a>>; 2],
    places: [NumberMap; 2],
    /// The time at which outbound peers are dead; nothing if none is known to be.
    dead_at: Option<u64>,
}

impl PeerTable {
    /// Plans how to insert these records, one after the other; none of them evicts another. If all of them are known to be
    /// new, there may be other slots to be `spared`. A table without bounds takes all or, if it cannot number them, refuses
    /// all. Outbound peers that are dead at `now` may be evicted, if that is given.
    ///
    /// Requires [`is_grouped`](Self::is_grouped) if the table is bounded. Cost: constant for each, amortised; where an outbound
    /// peer may have died since it was last looked for one, linear in the outbound peers that have failed often.
    pub(crate) fn plan_insert<'a>(
        &self,
        records: &'a [PeerRecord],
        spared: Option<&[u32]>,
        now: Option<i64>,
    ) -> memory::Result<Plan<'a>> {
        let mut plan =
            Plan { taken: Cow::Borrowed(records), evicted: Vec::new(), refused: 0, first_refused: None };
        if self.is_bounded() {
            self.plan_within_bounds(records, spared, now, &mut plan)?;
        } else if self.len().saturating_add(records.len()) > self.bounds().peers {
            let new = records.iter().filter(|record| !self.contains(&record.address)).count();
            if self.len().saturating_add(new) > self.bounds().peers {
                plan.taken = Cow::Borrowed(&[]);
                (plan.refused, plan.first_refused) = (new, Some(Full::Table));
            }
        }
        Ok(plan)
    }

    fn plan_within_bounds(
        &self,
        records: &[PeerRecord],
        spared: Option<&[u32]>,
        now: Option<i64>,
        plan: &mut Plan<'_>,
    ) -> memory::Result {
        if !self.is_grouped() {
            // There was no memory for it, and nothing can be planned without.
            return Err(Refused);
        }
        let mut planner = Planner {
            table: self,
            peers: self.len(),
            gains: HashMap::new(),
            new_peers: HashSet::new(),
            settled: SlotSet::default(),
            candidates: [None, None],
            candidates_of: [Vec::new(), Vec::new()],
            places: Default::default(),
            dead_at: now
                .filter(|&now| self.indexes().histories.may_have_dead(now))
                .and_then(|now| u64::try_from(now).ok()),
        };
        let mut is_known = Vec::new();
        if let Some(spared) = spared {
            planner.settled = SlotSet::of(spared)?;
        } else {
            is_known = memory::with_capacity(records.len())?;
            for record in records {
                let slot = self.find(&record.address);
                slot.map_or(Ok(false), |slot| planner.settled.add(slot))?;
                is_known.push(slot.is_some());
            }
        }
        for (index, record) in records.iter().enumerate() {
            let is_last = index + 1 == records.len();
            let is_known = is_known.get(index).is_some_and(|&is_known| is_known);
            let room = if is_known { Ok(None) } else { planner.find_room(&record.address, is_last)? };
            match room {
                Ok(evicted) => {
                    memory::extend(&mut plan.evicted, evicted)?;
                    if let Cow::Owned(taken) = &mut plan.taken {
                        memory::push(taken, record.clone())?;
                    }
                }
                Err(full) => {
                    if plan.refused == 0 {
                        plan.taken = Cow::Owned(memory::collect(records[..index].iter().cloned())?);
                        plan.first_refused = Some(full);
                    }
                    plan.refused += 1;
                }
            }
        }
        Ok(())
    }

    /// Which slots to keep so that the bounds hold: preferred before outbound before inbound, then fewer failures, then
    /// the order of the slots. Nothing if all can stay.
    pub(super) fn best_within_bounds(&self) -> memory::Result<Option<Vec<bool>>> {
        let Bounds { peers, per_netgroup } = self.bounds();
        if self.len() <= peers && (per_netgroup == u32::MAX || self.largest_netgroup()? <= per_netgroup) {
            return Ok(None);
        }
        let mut order = memory::collect(self.slab().slots())?;
        // The slot makes the order certain without the memory that a stable sort takes.
        let key = |slot: u32| {
            let entry = self.slab().entry(slot);
            (Reverse(entry.peer_type() as u8), entry.num_failures(), slot)
        };
        sort(&mut order, &mut |a, b| key(a).cmp(&key(b)));
        let mut is_kept = memory::filled(false, self.len())?;
        let (mut kept, mut kept_of) = (0, HashMap::new());
        for slot in order {
            kept_of.try_reserve(1)?;
            let kept_of_netgroup = kept_of.entry(self.slab().netgroup(slot)).or_insert(0);
            if kept < peers && *kept_of_netgroup < per_netgroup {
                is_kept[slot as usize] = true;
                kept += 1;
                *kept_of_netgroup += 1;
            }
        }
        Ok(Some(is_kept))
    }

    /// The most peers of one netgroup. Cost: linear.
    fn largest_netgroup(&self) -> memory::Result<u32> {
        let mut peers = HashMap::new();
        for slot in self.slab().slots() {
            peers.try_reserve(1)?;
            *peers.entry(self.slab().netgroup(slot)).or_insert(0) += 1;
        }
        Ok(peers.into_values().max().unwrap_or(0))
    }

    fn home(&self, address: &PeerAddress) -> Home {
        match self.slab().key(address) {
            Ok(key) => Home::Known(self.slab().netgroup_of(&key)),
            Err(name) => {
                let netgroup = self.slab().netgroup_of_new_name(name, address.port());
                match netgroup.name_number() {
                    Some(_) => Home::NewName(Arc::clone(name), netgroup),
                    None => Home::Known(netgroup),
                }
            }
        }
    }

    /// All candidates of a kind.
    fn candidates(&self, kind: Kind, dead_at: Option<u64>) -> Candidates<'_> {
        match kind {
            Kind::Failed => Box::new(failed_inbound().flat_map(|pool| self.indexes().pools.slots(pool))),
            Kind::Dead => {
                let slots = often_failed_outbound().flat_map(|pool| self.indexes().pools.slots(pool));
                Box::new(slots.filter(move |&slot| self.is_dead(slot, dead_at)))
            }
        }
    }

    /// Whether an outbound peer that has failed often is dead.
    fn is_dead(&self, slot: u32, dead_at: Option<u64>) -> bool {
        let dead_from = self.indexes().histories.dead_from(slot);
        dead_from.zip(dead_at).is_some_and(|(dead_from, now)| dead_from <= now)
    }

    /// When the first of the outbound peers that have failed often counts as dead. Cost: linear in these.
    fn first_dead_from(&self) -> u64 {
        let slots = often_failed_outbound().flat_map(|pool| self.indexes().pools.slots(pool));
        slots.filter_map(|slot| self.indexes().histories.dead_from(slot)).min().unwrap_or(u64::MAX)
    }

    /// The candidates of a kind in one netgroup, which is given by its number.
    fn candidates_of(&self, netgroup: u32, kind: Kind, dead_at: Option<u64>) -> Candidates<'_> {
        let cells = self.indexes().netgroups.grouping().into_iter();
        let cells = cells.flat_map(move |grouping| grouping.cells(netgroup));
        let class_of = |pool: usize| match kind {
            Kind::Failed => inbound_class(pool),
            Kind::Dead => is_often_failed_outbound(pool).then(|| class_in(pool).into()),
        };
        let mut failed: Vec<_> = cells.filter_map(|(pool, slots)| Some((class_of(pool)?, slots))).collect();
        failed.retain(|(class, _)| *class > 0);
        let mut order: Vec<u32> = (0..).take(failed.len()).collect();
        // The highest class first, otherwise in the order of the cells.
        let key = |cell: u32| (Reverse(failed[cell as usize].0), cell);
        sort(&mut order, &mut |a, b| key(a).cmp(&key(b)));
        let slots = order.into_iter().flat_map(move |cell| failed[cell as usize].1.iter().copied());
        match kind {
            Kind::Failed => Box::new(slots),
            Kind::Dead => Box::new(slots.filter(move |&slot| self.is_dead(slot, dead_at))),
        }
    }
}

impl<'a> Planner<'a> {
    /// Finds room for a peer that is not in the table: returns the slot to evict for it, if one must be, or the bound that
    /// refuses it. After the last peer, nothing need be counted.
    fn find_room(
        &mut self,
        address: &'a PeerAddress,
        is_last: bool,
    ) -> memory::Result<Result<Option<u32>, Full>> {
        if self.new_peers.contains(address) {
            return Ok(Ok(None));
        }
        let Bounds { peers, per_netgroup } = self.table.bounds();
        // A flood of new peers is refused without a closer look.
        let has_failed = self.table.indexes().pools.failed_inbound() > 0;
        if self.peers >= peers && !has_failed && self.dead_at.is_none() {
            return Ok(Err(Full::Table));
        }
        let home = self.table.home(address);
        let is_netgroup_full = self.peers_of(&home) >= i64::from(per_netgroup);
        let has_room = !is_netgroup_full && self.peers < peers;
        let (evicted, full) = if has_room {
            (None, None)
        } else {
            let evicted = match self.next_of_kind(&home, is_netgroup_full, Kind::Failed)? {
                None if self.dead_at.is_some() => self.next_of_kind(&home, is_netgroup_full, Kind::Dead)?,
                failed => failed,
            };
            (evicted, Some(if is_netgroup_full { Full::Netgroup } else { Full::Table }))
        };
        if let (None, Some(full)) = (evicted, full) {
            return Ok(Err(full));
        }
        if !is_last {
            self.count(address, home, evicted)?;
        }
        Ok(Ok(evicted))
    }

    /// Counts a new peer, and the one that is evicted for it.
    fn count(&mut self, new_peer: &'a PeerAddress, home: Home, evicted: Option<u32>) -> memory::Result {
        memory::insert(&mut self.new_peers, new_peer)?;
        self.gains.try_reserve(2)?;
        *self.gains.entry(home).or_insert(0) += 1;
        self.peers += 1;
        if let Some(slot) = evicted {
            self.settled.add(slot)?;
            self.peers -= 1;
            let netgroup = self.table.slab().netgroup(slot);
            *self.gains.entry(Home::Known(netgroup)).or_insert(0) -= 1;
        }
        Ok(())
    }

    fn peers_of(&self, home: &Home) -> i64 {
        let before = match home {
            Home::Known(netgroup) => {
                let grouping = self.table.indexes().netgroups.grouping();
                grouping.map_or(0, |grouping| grouping.peers_of(*netgroup))
            }
            Home::NewName(..) => 0,
        };
        i64::from(before) + self.gains.get(home).copied().unwrap_or(0)
    }

    /// The next candidate of a kind: one of the new peer's netgroup or else, if the netgroup is not full, any.
    fn next_of_kind(
        &mut self,
        home: &Home,
        is_netgroup_full: bool,
        kind: Kind,
    ) -> memory::Result<Option<u32>> {
        match self.next_of(home, kind)? {
            None if !is_netgroup_full => Ok(self.next(kind)),
            of_netgroup => Ok(of_netgroup),
        }
    }

    /// The next candidate of the table.
    fn next(&mut self, kind: Kind) -> Option<u32> {
        let (table, dead_at) = (self.table, self.dead_at);
        let candidates = &mut self.candidates[kind as usize];
        let candidates = candidates.get_or_insert_with(|| table.candidates(kind, dead_at));
        let found = candidates.find(|&slot| !self.settled.contains(slot));
        if found.is_none() && matches!(kind, Kind::Dead) {
            // The next new peers need not look as well.
            table.indexes().histories.expect_none_before(table.first_dead_from());
            self.dead_at = None;
        }
        found
    }

    /// The next candidate of a netgroup.
    fn next_of(&mut self, home: &Home, kind: Kind) -> memory::Result<Option<u32>> {
        let Home::Known(netgroup) = home else { return Ok(None) };
        let table = self.table;
        let grouping = table.indexes().netgroups.grouping();
        let Some(number) = grouping.and_then(|grouping| grouping.find(*netgroup)) else {
            return Ok(None);
        };
        let (candidates_of, places) =
            (&mut self.candidates_of[kind as usize], &mut self.places[kind as usize]);
        let new = candidates_of.len();
        let place = *places.entry(number, u32::try_from(new).unwrap_or(u32::MAX))? as usize;
        if place == new {
            memory::push(candidates_of, table.candidates_of(number, kind, self.dead_at))?;
        }
        let candidates = &mut candidates_of[place];
        Ok(candidates.find(|&slot| !self.settled.contains(slot)))
    }
}
