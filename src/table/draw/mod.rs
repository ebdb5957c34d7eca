//! Drawing peers: read only, at the cost of the answer.
//!
//! A query [admits](admission) some pools, and leaves some of their peers out. Each eligible peer is equally likely
//! ([`uniform`]), or each netgroup that has one ([`by_netgroup`]). Answers to other nodes come in an order of their own
//! ([`sharing_order`]).

mod admission;
mod by_netgroup;
mod filter;
mod population;
mod seen;
mod seniority;
mod sharing_order;
mod uniform;

use rand::Rng;
use smallvec::SmallVec;

use super::facet::PrivatePeers;
use super::number_map::SlotSet;
use super::owner::PeerTable;
use super::owner::time::Due;
use crate::address::PeerAddress;
use crate::memory;
use crate::netgroup::Netgroup;
use crate::query::{PeerQuery, TimedQuery};
use crate::reach::Reach;
use crate::system::prefetch::prefetch;
use admission::Admission;
use by_netgroup::ByNetgroup;
use filter::Filter;
use population::Population;
use seniority::Seniority;
pub(crate) use sharing_order::Listed;

/// The slots of an answer; those of a short one are on the stack.
type Slots = SmallVec<[u32; 64]>;

/// The addresses of an answer; those of a short one are on the stack.
pub(crate) type Addresses = SmallVec<[PeerAddress; 16]>;

impl PeerTable {
    /// Draws min(`size`, eligible) peers into an empty answer, by netgroup if the query asks for that.
    ///
    /// Requires that the table [is near](Self::is_near) the time of the query or was [advanced](Self::advance) to it, and
    /// [`is_grouped`](Self::is_grouped) for draws by netgroup.
    pub(crate) fn draw(
        &self,
        TimedQuery { query, now }: TimedQuery<'_>,
        size: usize,
        answer: &mut Addresses,
        rng: &mut impl Rng,
    ) -> memory::Result {
        let admission = self.admission(query, now);
        let mut slots = Slots::new();
        let mut draw = Draw::begin(self, query);
        if !query.exclude.is_empty() {
            draw.exclude(&Excluded::of(self, query.exclude, query.apart)?, query.apart)?;
        }
        draw.next(&admission, size, rng, &mut slots)?;
        self.tell(&slots, answer)
    }

    /// Draws up to `size` peers into an empty answer by queries that are asked in turn: each for the places that those before
    /// it have left, and leaving out what they have drawn. All exclude the same peers. Requires what [`draw`](Self::draw) does.
    pub(crate) fn draw_in_turn(
        &self,
        queries: &[PeerQuery<'_>],
        now: Option<i64>,
        size: usize,
        answer: &mut Addresses,
        rng: &mut impl Rng,
    ) -> memory::Result {
        let exclude = queries.first().map_or(&[][..], |query| query.exclude);
        let mut excluded = Excluded::of(self, exclude, queries.iter().any(|query| query.apart))?;
        let mut drawn = Slots::new();
        for query in queries {
            let missing = size - drawn.len();
            if missing == 0 {
                break;
            }
            let admission = self.admission(query, now);
            if Population::new(&self.indexes().pools, admission.classes).size() == 0 {
                continue;
            }
            let mut slots = Slots::new();
            let mut draw = Draw::begin(self, query);
            draw.exclude(&excluded, query.apart)?;
            draw.next(&admission, missing, rng, &mut slots)?;
            memory::extend(&mut excluded.slots, slots.iter().copied())?;
            drawn.try_reserve(slots.len())?;
            drawn.extend(slots);
        }
        self.tell(&drawn, answer)
    }

    fn admission(&self, query: &PeerQuery<'_>, now: Option<i64>) -> Admission {
        let types = |t| query.type_filter.admits(t);
        Admission::of(query, self.due_for(now), types, self.private_in_draws())
    }

    /// Adds the addresses of some slots to an answer.
    fn tell(&self, slots: &[u32], answer: &mut Addresses) -> memory::Result {
        answer.try_reserve_exact(slots.len())?;
        for &slot in slots {
            prefetch(self.slab().entries().get(slot as usize));
        }
        for address in self.addresses(slots) {
            answer.push(address);
        }
        Ok(())
    }

    /// Which private peers are drawn for the node itself.
    fn private_in_draws(&self) -> PrivatePeers {
        match self.slab().policy().reach() {
            Reach::Public => PrivatePeers::Preferred,
            Reach::Specification | Reach::Private => PrivatePeers::All,
        }
    }

    fn due_for(&self, now: Option<i64>) -> Due {
        now.map_or(Due::ALL, |now| self.due(now))
    }

    /// The slots of those addresses that are in the table, in order.
    fn slots_of<'a>(&self, addresses: impl IntoIterator<Item = &'a PeerAddress>) -> memory::Result<Vec<u32>> {
        memory::collect(addresses.into_iter().filter_map(|address| self.find(address)))
    }
}

/// The peers that a query excludes.
struct Excluded {
    slots: Vec<u32>,
    /// The netgroups of those that are not in the table, if [`apart`](PeerQuery::apart) needs them.
    strangers: SmallVec<[Netgroup; 8]>,
}

impl Excluded {
    fn of(table: &PeerTable, addresses: &[PeerAddress], is_apart: bool) -> memory::Result<Self> {
        let mut excluded =
            Self { slots: memory::with_capacity(addresses.len())?, strangers: SmallVec::new() };
        for address in addresses {
            if let Some(slot) = table.find(address) {
                excluded.slots.push(slot);
            } else if is_apart {
                excluded.strangers.try_reserve(1)?;
                excluded.strangers.push(match table.slab().key(address) {
                    Ok(key) => table.slab().netgroup_of(&key),
                    // No peer has the name, but peers may be in its group.
                    Err(name) => table.slab().netgroup_of_new_name(name, address.port()),
                });
            }
        }
        Ok(excluded)
    }
}

/// An answer in the making.
struct Draw<'a> {
    table: &'a PeerTable,
    /// Slots that are excluded or were drawn.
    gone: SlotSet,
    /// How netgroups are drawn; `None` if each eligible peer is equally likely.
    by_netgroup: Option<ByNetgroup<'a>>,
    filter: Filter,
    seniority: Seniority<'a>,
}

impl<'a> Draw<'a> {
    /// Nothing is excluded yet.
    fn begin(table: &'a PeerTable, query: &PeerQuery<'_>) -> Self {
        let grouping = table.indexes().netgroups.grouping().filter(|_| query.max_per_netgroup != 0);
        let seniority = Seniority::of(table.slab(), query.seniority);
        Self {
            table,
            gone: SlotSet::default(),
            by_netgroup: grouping
                .map(|grouping| ByNetgroup::new(grouping, query.max_per_netgroup, seniority)),
            filter: Filter::of(query),
            seniority,
        }
    }

    /// Excludes these peers, and all of their netgroups if so asked.
    fn exclude(&mut self, excluded: &Excluded, is_apart: bool) -> memory::Result {
        self.gone = SlotSet::of(&excluded.slots)?;
        match &mut self.by_netgroup {
            _ if !is_apart => Ok(()),
            // Draws that are not by netgroup need no netgroups.
            Some(by_netgroup) => by_netgroup.close(excluded),
            None => self.filter.close(self.table, excluded),
        }
    }

    /// Leaves out some more slots.
    fn leave_out(&mut self, slots: &[u32]) -> memory::Result {
        slots.iter().try_for_each(|&slot| self.gone.add(slot).map(drop))
    }

    /// Counts a slot that is in the answer already.
    fn count(&mut self, slot: u32) -> memory::Result {
        self.gone.add(slot)?;
        self.by_netgroup.as_mut().map_or(Ok(()), |by_netgroup| by_netgroup.count(slot))
    }

    /// Draws up to `size` of the admitted peers into an empty list. No two admissions of one answer may have a peer in common.
    fn next(
        &mut self,
        admission: &Admission,
        size: usize,
        rng: &mut impl Rng,
        slots: &mut Slots,
    ) -> memory::Result {
        let table = self.table;
        let (is_exact, passes_all) = (admission.is_exact(), self.filter.passes_all());
        let filter = &self.filter;
        let is_admitted = |slot: u32| {
            (is_exact || admission.admits(table.slab().entry(slot)))
                && (passes_all || filter.passes(table, slot))
        };
        if let Some(by_netgroup) = &mut self.by_netgroup {
            by_netgroup.draw(size, *admission, &mut self.gone, is_admitted, rng, slots)
        } else {
            let population = Population::new(&table.indexes().pools, admission.classes);
            population.draw(size, &self.gone, is_admitted, self.seniority, rng, slots)
        }
    }
}
