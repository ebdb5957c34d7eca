//! What a query leaves out that pools say nothing of: networks, and with `apart` netgroups.

use std::collections::HashSet;

use super::Excluded;
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
    /// Leaves out nothing but networks.
    pub(super) fn of(query: &PeerQuery<'_>) -> Self {
        Self { networks: query.networks, closed: HashSet::new() }
    }

    /// Leaves out the netgroups of the excluded peers.
    pub(super) fn close(&mut self, table: &PeerTable, excluded: &Excluded) -> memory::Result {
        let netgroups = excluded.slots.iter().map(|&slot| table.slab().netgroup(slot));
        for netgroup in netgroups.chain(excluded.strangers.iter().copied()) {
            memory::insert(&mut self.closed, netgroup)?;
        }
        Ok(())
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
