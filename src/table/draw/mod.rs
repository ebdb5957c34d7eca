//! Drawing peers: read only, at the cost of the answer.
//!
//! Which pools a query [admits](admission), and what is left out of them. Each eligible peer is equally likely
//! ([`uniform`]), or each netgroup that has one ([`by_netgroup`]). What is told to others comes in an order of its own
//! ([`sharing_order`]).

mod admission;
mod by_netgroup;
mod population;
mod sharing_order;
mod uniform;

use std::collections::HashSet;

use rand::Rng;

use super::owner::PeerTable;
use crate::address::PeerAddress;
use crate::memory;
use crate::query::PeerQuery;
use admission::Admission;
use by_netgroup::ByNetgroup;
use population::Population;

impl PeerTable {
    /// Draws min(`size`, eligible) peers, by netgroup if the query asks for that.
    ///
    /// Requires `as_of == now` for time-dependent queries, and [`is_grouped`](Self::is_grouped) for draws by netgroup.
    pub(crate) fn draw(
        &self,
        query: &PeerQuery<'_>,
        size: usize,
        rng: &mut impl Rng,
    ) -> memory::Result<Vec<PeerAddress>> {
        let mut draw = Draw::begin(self, query, &self.slots_of(query.exclude)?)?;
        let admission = Admission::of(query, |peer_type| query.type_filter.admits(peer_type), false);
        let slots = draw.next(&admission, size, rng)?;
        memory::collect(self.addresses(&slots))
    }

    /// The slots of those addresses that are in the table, in order.
    fn slots_of<'a>(&self, addresses: impl IntoIterator<Item = &'a PeerAddress>) -> memory::Result<Vec<u32>> {
        memory::collect(addresses.into_iter().filter_map(|address| self.find(address)))
    }
}

/// How the peers of one answer are drawn.
enum Draw<'a> {
    /// Each eligible peer is equally likely, except those in the excluded slots.
    Uniform(&'a PeerTable, HashSet<u32>),
    /// Each netgroup is.
    ByNetgroup(&'a PeerTable, Box<ByNetgroup<'a>>),
}

impl<'a> Draw<'a> {
    fn begin(table: &'a PeerTable, query: &PeerQuery<'_>, excluded: &[u32]) -> memory::Result<Self> {
        Ok(match table.indexes().netgroups.grouping() {
            Some(grouping) if query.max_per_netgroup != 0 => {
                let draw = ByNetgroup::new(grouping, query.max_per_netgroup, excluded)?;
                Self::ByNetgroup(table, Box::new(draw))
            }
            _ => {
                let mut slots = HashSet::new();
                slots.try_reserve(excluded.len())?;
                slots.extend(excluded);
                Self::Uniform(table, slots)
            }
        })
    }

    /// Counts a slot as drawn.
    fn count(&mut self, slot: u32) -> memory::Result {
        match self {
            Self::Uniform(_, excluded) => memory::insert(excluded, slot).map(drop),
            Self::ByNetgroup(_, draw) => draw.count(slot),
        }
    }

    /// Draws up to `size` of the admitted peers. No two admissions of one answer may have a peer in common.
    fn next(&mut self, admission: &Admission, size: usize, rng: &mut impl Rng) -> memory::Result<Vec<u32>> {
        let (Self::Uniform(table, _) | Self::ByNetgroup(table, _)) = self;
        let table = *table;
        let is_exact = admission.is_exact();
        let is_within_bound =
            |slot: u32| is_exact || table.slab().entry(slot).num_failures() <= admission.max_failures;
        match self {
            Self::Uniform(_, excluded) => {
                let is_eligible =
                    |slot: u32| is_within_bound(slot) && (excluded.is_empty() || !excluded.contains(&slot));
                let population = Population::new(&table.indexes().pools, *admission);
                population.draw(size, excluded.len(), is_eligible, rng)
            }
            Self::ByNetgroup(_, draw) => draw.draw(size, *admission, is_within_bound, rng),
        }
    }
}
