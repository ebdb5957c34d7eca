//! Drawing peers: read only, at the cost of the answer.
//!
//! Which pools a query [admits](admission), and what is left out of them. Each eligible peer is equally likely
//! ([`uniform`]), or each netgroup that has one ([`by_netgroup`]). What is told to others comes in an order of its own
//! ([`sharing_order`]).

mod admission;
mod by_netgroup;
mod filter;
mod population;
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
        let mut draw = Draw::begin(self, query, &self.slots_of(query.exclude)?)?;
        let types = |t| query.type_filter.admits(t);
        let admission = Admission::of(query, self.due_for(now), types, self.private_in_draws());
        draw.next(&admission, size, rng, answer)
    }

    /// The netgroups that a query leaves out. An excluded name that no peer has is in none that a peer is in.
    fn closed_by<'a>(&self, query: &PeerQuery<'a>) -> impl Iterator<Item = Netgroup> + use<'a, '_> {
        let excluded = if query.apart { query.exclude } else { &[] };
        excluded.iter().filter_map(|address| Some(self.slab().netgroup_of(&self.slab().key(address).ok()?)))
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

/// An answer in the making.
struct Draw<'a> {
    table: &'a PeerTable,
    /// Slots that are excluded or were drawn.
    gone: SlotSet,
    /// How netgroups are drawn; nothing if each eligible peer is equally likely.
    by_netgroup: Option<Box<ByNetgroup<'a>>>,
    filter: Filter,
    seniority: Seniority<'a>,
}

impl<'a> Draw<'a> {
    fn begin(table: &'a PeerTable, query: &PeerQuery<'_>, excluded: &[u32]) -> memory::Result<Self> {
        let grouping = table.indexes().netgroups.grouping().filter(|_| query.max_per_netgroup != 0);
        let seniority = Seniority::of(table.slab(), query.seniority);
        let mut by_netgroup =
            grouping.map(|grouping| Box::new(ByNetgroup::new(grouping, query.max_per_netgroup, seniority)));
        let filter = match &mut by_netgroup {
            // Those who are not drawn by netgroup need not be asked for theirs.
            Some(by_netgroup) => {
                for netgroup in table.closed_by(query) {
                    by_netgroup.close(netgroup)?;
                }
                Filter::of_networks(query)
            }
            None => Filter::of(table, query)?,
        };
        Ok(Self { table, gone: SlotSet::of(excluded)?, by_netgroup, filter, seniority })
    }

    /// Counts a slot that is in the answer already.
    fn count(&mut self, slot: u32) -> memory::Result {
        self.gone.add(slot)?;
        self.by_netgroup.as_mut().map_or(Ok(()), |by_netgroup| by_netgroup.count(slot))
    }

    /// Adds up to `size` of the admitted peers to the answer. No two admissions of one answer may have a peer in common.
    fn next(
        &mut self,
        admission: &Admission,
        size: usize,
        rng: &mut impl Rng,
        answer: &mut Addresses,
    ) -> memory::Result {
        let table = self.table;
        let (is_exact, passes_all) = (admission.is_exact(), self.filter.passes_all());
        let filter = &self.filter;
        let is_admitted = |slot: u32| {
            (is_exact || admission.admits(table.slab().entry(slot)))
                && (passes_all || filter.passes(table.slab(), slot))
        };
        let mut slots = Slots::new();
        if let Some(by_netgroup) = &mut self.by_netgroup {
            by_netgroup.draw(size, *admission, &mut self.gone, is_admitted, rng, &mut slots)?;
        } else {
            let population = Population::new(&table.indexes().pools, &admission.classes());
            population.draw(size, &self.gone, is_admitted, self.seniority, rng, &mut slots)?;
        }
        answer.try_reserve_exact(slots.len())?;
        for address in table.addresses(&slots) {
            answer.push(address);
        }
        Ok(())
    }
}
