//! Bounds on the table and on each network group, and who gives way when they are reached.
//!
//! A newcomer that finds no room displaces the worst inbound peer that has failed, of its own group before any other; if
//! there is none it is refused. So a flood of gossip can push out what nobody could reach, and nothing else: a peer that
//! the node has made outbound or preferred, or that has not failed yet, stays.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::entry::Key;
use super::netgroups::Netgroup;
use super::pools::{failed_inbound, inbound_failures};
use super::tally::Tally;
use super::{PeerTable, slot_number};
use crate::address::{Host, PeerAddress};
use crate::memory::{self, Refused};
use crate::peer::PeerRecord;
use crate::sort::sort;

/// The most peers of the table and of each network group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) peers: usize,
    pub(crate) per_netgroup: u32,
}

impl Bounds {
    /// As the options have them, in which 0 is none.
    pub(crate) fn new(max_peers: u64, max_peers_per_netgroup: u32) -> Self {
        let peers = match usize::try_from(max_peers) {
            Ok(0) | Err(_) => Self::NONE.peers,
            Ok(bound) => bound.min(Self::NONE.peers),
        };
        let per_netgroup = if max_peers_per_netgroup == 0 { u32::MAX } else { max_peers_per_netgroup };
        Self { peers, per_netgroup }
    }

    /// Those that slots set.
    pub(crate) const NONE: Self = Self { peers: PeerTable::MAX_PEERS - 1, per_netgroup: u32::MAX };
}

/// Which bound refuses a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Table,
    Netgroup,
}

/// What becomes of records that are to be put into the table.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Those that it takes, in order.
    pub(crate) taken: Cow<'a, [PeerRecord]>,
    /// The slots of peers that give way to them.
    pub(crate) displaced: Vec<u32>,
    /// How many others are refused, and why the first of them is.
    pub(crate) refused: usize,
    pub(crate) first_refused: Option<Full>,
}

/// Slots that could give way, the worst first.
type Worst<'a> = Box<dyn Iterator<Item = u32> + 'a>;

/// Where a newcomer belongs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Home {
    Netgroup(Netgroup),
    /// A name that no peer has yet.
    NewName(Arc<str>),
}

/// The table as it will be when the records so far are in.
struct Planner<'a> {
    table: &'a PeerTable,
    peers: usize,
    /// What each group has won and lost.
    gains: HashMap<Home, i64>,
    newcomers: HashSet<&'a PeerAddress>,
    /// Slots that do not give way: they did already, or the batch speaks of them.
    settled: Tally,
    worst: Option<Worst<'a>>,
    worst_of: HashMap<u32, Worst<'a>>,
}

impl PeerTable {
    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.bounds != Bounds::NONE
    }

    /// Plans how to put these records into the table, one after the other; none of them displaces another. If all of them
    /// are known to be new, there may be other slots to be `spared`. A table without bounds takes all or, if it cannot
    /// number them, refuses all.
    ///
    /// Cost: constant for each, amortised.
    pub(crate) fn plan<'a>(
        &self,
        records: &'a [PeerRecord],
        spared: Option<&[u32]>,
    ) -> memory::Result<Plan<'a>> {
        let mut plan =
            Plan { taken: Cow::Borrowed(records), displaced: Vec::new(), refused: 0, first_refused: None };
        if self.is_bounded() {
            self.plan_within_bounds(records, spared, &mut plan)?;
        } else if self.len().saturating_add(records.len()) > self.bounds.peers {
            let new = records.iter().filter(|record| !self.contains(&record.address)).count();
            if self.len().saturating_add(new) > self.bounds.peers {
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
        plan: &mut Plan<'_>,
    ) -> memory::Result {
        if !self.is_grouped() {
            // There was no memory to note it, and nothing can be said without.
            return Err(Refused);
        }
        let mut planner = Planner {
            table: self,
            peers: self.len(),
            gains: HashMap::new(),
            newcomers: HashSet::new(),
            settled: Tally::default(),
            worst: None,
            worst_of: HashMap::new(),
        };
        let mut is_known = Vec::new();
        if let Some(spared) = spared {
            planner.settled = Tally::of_all(spared)?;
        } else {
            is_known = memory::with_capacity(records.len())?;
            for record in records {
                let slot = self.find(&record.address);
                slot.map_or(Ok(0), |slot| planner.settled.add(slot))?;
                is_known.push(slot.is_some());
            }
        }
        for (index, record) in records.iter().enumerate() {
            let is_last = index + 1 == records.len();
            let is_known = is_known.get(index).is_some_and(|&is_known| is_known);
            let room = if is_known { Ok(None) } else { planner.find_room(&record.address, is_last)? };
            match room {
                Ok(victim) => {
                    memory::extend(&mut plan.displaced, victim)?;
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
    pub(super) fn best(&self) -> memory::Result<Option<Vec<bool>>> {
        let Bounds { peers, per_netgroup } = self.bounds;
        if self.len() <= peers && (per_netgroup == u32::MAX || self.largest_netgroup()? <= per_netgroup) {
            return Ok(None);
        }
        let mut order = memory::collect(0..slot_number(self.len()))?;
        // With the slot in the key, so that the order is certain without the memory that a stable sort takes.
        let key = |slot: u32| {
            let entry = &self.entries[slot as usize];
            (Reverse(entry.peer_type() as u8), entry.num_failures, slot)
        };
        sort(&mut order, &mut |a, b| key(a).cmp(&key(b)));
        let mut is_kept = memory::filled(false, self.len())?;
        let (mut kept, mut kept_of) = (0, HashMap::new());
        for slot in order {
            kept_of.try_reserve(1)?;
            let kept_of_group = kept_of.entry(self.entries[slot as usize].key().netgroup()).or_insert(0);
            if kept < peers && *kept_of_group < per_netgroup {
                is_kept[slot as usize] = true;
                kept += 1;
                *kept_of_group += 1;
            }
        }
        Ok(Some(is_kept))
    }

    /// The most peers of one network group. Cost: linear.
    fn largest_netgroup(&self) -> memory::Result<u32> {
        let mut peers = HashMap::new();
        for entry in &self.entries {
            peers.try_reserve(1)?;
            *peers.entry(entry.key().netgroup()).or_insert(0) += 1;
        }
        Ok(peers.into_values().max().unwrap_or(0))
    }

    fn home(&self, address: &PeerAddress) -> Home {
        let number = match address.host() {
            Host::Name(text) => match self.names.find(text) {
                Some(number) => number,
                None => return Home::NewName(text.clone()),
            },
            Host::V4(_) | Host::V6(_) => 0,
        };
        Home::Netgroup(Key::of(address, number).netgroup())
    }

    /// All that could give way.
    fn worst(&self) -> Worst<'_> {
        Box::new(failed_inbound().flat_map(|pool| self.pools.slots(pool)))
    }

    /// Those of one group that could.
    fn worst_of(&self, group: u32) -> Worst<'_> {
        let cells = self.members.iter().flat_map(move |members| members.cells(group));
        let mut failed: Vec<_> =
            cells.filter_map(|(pool, slots)| Some((inbound_failures(pool)?, slots))).collect();
        failed.retain(|(class, _)| *class > 0);
        failed.sort_by_key(|(class, _)| Reverse(*class));
        Box::new(failed.into_iter().flat_map(|(_, slots)| slots.iter().copied()))
    }
}

impl<'a> Planner<'a> {
    /// Finds room for a peer that is not in the table, or says who gives way to it. After the last one, nothing need be
    /// noted.
    fn find_room(
        &mut self,
        address: &'a PeerAddress,
        is_last: bool,
    ) -> memory::Result<Result<Option<u32>, Full>> {
        if self.newcomers.contains(address) {
            return Ok(Ok(None));
        }
        let Bounds { peers, per_netgroup } = self.table.bounds;
        // A flood need not be looked at any closer.
        if self.peers >= peers && self.table.pools.failed_inbound() == 0 {
            return Ok(Err(Full::Table));
        }
        let home = self.table.home(address);
        let is_netgroup_full = self.peers_of(&home) >= i64::from(per_netgroup);
        let has_room = !is_netgroup_full && self.peers < peers;
        let (victim, full) = if has_room {
            (None, None)
        } else if is_netgroup_full {
            (self.next_of(&home)?, Some(Full::Netgroup))
        } else {
            (self.next_of(&home)?.or_else(|| self.next()), Some(Full::Table))
        };
        if let (None, Some(full)) = (victim, full) {
            return Ok(Err(full));
        }
        if !is_last {
            self.note(address, home, victim)?;
        }
        Ok(Ok(victim))
    }

    fn note(&mut self, newcomer: &'a PeerAddress, home: Home, victim: Option<u32>) -> memory::Result {
        memory::insert(&mut self.newcomers, newcomer)?;
        self.gains.try_reserve(2)?;
        *self.gains.entry(home).or_insert(0) += 1;
        self.peers += 1;
        if let Some(slot) = victim {
            self.settled.add(slot)?;
            self.peers -= 1;
            let netgroup = self.table.entries[slot as usize].key().netgroup();
            *self.gains.entry(Home::Netgroup(netgroup)).or_insert(0) -= 1;
        }
        Ok(())
    }

    fn peers_of(&self, home: &Home) -> i64 {
        let before = match home {
            Home::Netgroup(netgroup) => {
                self.table.members.as_ref().map_or(0, |members| members.peers_of(*netgroup))
            }
            Home::NewName(_) => 0,
        };
        i64::from(before) + self.gains.get(home).copied().unwrap_or(0)
    }

    /// The worst peer of the table.
    fn next(&mut self) -> Option<u32> {
        let table = self.table;
        let worst = self.worst.get_or_insert_with(|| table.worst());
        worst.find(|&slot| self.settled.of(slot) == 0)
    }

    /// The worst peer of a group.
    fn next_of(&mut self, home: &Home) -> memory::Result<Option<u32>> {
        let Home::Netgroup(netgroup) = home else { return Ok(None) };
        let table = self.table;
        let Some(group) = table.members.as_ref().and_then(|members| members.find(*netgroup)) else {
            return Ok(None);
        };
        self.worst_of.try_reserve(1)?;
        let worst = self.worst_of.entry(group).or_insert_with(|| table.worst_of(group));
        Ok(worst.find(|&slot| self.settled.of(slot) == 0))
    }
}
