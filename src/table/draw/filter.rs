//! What a query leaves out that pools say nothing of: networks, and with `apart` netgroups.

use std::collections::HashSet;

use crate::memory;
use crate::netgroup::Netgroup;
use crate::network::Networks;
use crate::query::PeerQuery;
use crate::table::owner::PeerTable;
use crate::table::owner::slab::Slab;

/// Which peers pass, whatever pool they are in. What it leaves out costs a draw each.
pub(super) struct Filter {
    networks: Networks,
    /// Netgroups none of whose peers passes.
    closed: HashSet<Netgroup>,
}

impl Filter {
    pub(super) fn of(table: &PeerTable, query: &PeerQuery<'_>) -> memory::Result<Self> {
        let mut filter = Self::of_networks(query);
        for netgroup in table.closed_by(query) {
            memory::insert(&mut filter.closed, netgroup)?;
        }
        Ok(filter)
    }

    /// Leaves out nothing but networks.
    pub(super) fn of_networks(query: &PeerQuery<'_>) -> Self {
        Self { networks: query.networks, closed: HashSet::new() }
    }

    pub(super) fn passes_all(&self) -> bool {
        self.networks == Networks::ALL && self.closed.is_empty()
    }

    pub(super) fn passes(&self, slab: &Slab, slot: u32) -> bool {
        let key = slab.entry(slot).key();
        (self.networks == Networks::ALL || self.networks.intersects(key.network(slab.texts())))
            && (self.closed.is_empty() || !self.closed.contains(&slab.netgroup_of(&key)))
    }
}
