//! What a query leaves out regardless of pools: by network, by netgroup (with `apart`), and by history.

use std::collections::HashSet;

use super::Excluded;
use crate::memory;
use crate::netgroup::Netgroup;
use crate::network::Networks;
use crate::query::PeerQuery;
use crate::table::owner::PeerTable;

/// Which peers pass, whatever pool they are in. Each peer that it leaves out costs a draw.
pub(super) struct Filter {
    networks: Networks,
    /// When the peers must have been heard of and reached.
    since: (i64, i64),
    /// Netgroups none of whose peers passes, if there are any.
    closed: Option<HashSet<Netgroup>>,
}

impl Filter {
    /// Leaves out no netgroups.
    pub(super) fn of(query: &PeerQuery<'_>) -> Self {
        let since = (query.heard_since, query.reached_since);
        Self { networks: query.networks, since, closed: None }
    }

    /// Leaves out the netgroups of the excluded peers.
    pub(super) fn close(&mut self, table: &PeerTable, excluded: &Excluded) -> memory::Result {
        let netgroups = excluded.slots.iter().map(|&slot| table.slab().netgroup(slot));
        for netgroup in netgroups.chain(excluded.strangers.iter().copied()) {
            memory::insert(self.closed.get_or_insert_default(), netgroup)?;
        }
        Ok(())
    }

    pub(super) fn passes_all(&self) -> bool {
        self.networks == Networks::ALL && self.since == (0, 0) && self.closed.is_none()
    }

    pub(super) fn passes(&self, table: &PeerTable, slot: u32) -> bool {
        let slab = table.slab();
        let key = slab.entry(slot).key();
        let (heard, reached) = self.since;
        (self.since == (0, 0) || table.times(slot).is_some_and(|times| times.is_since(heard, reached)))
            && (self.networks == Networks::ALL || self.networks.intersects(key.network(slab.texts())))
            && self.closed.as_ref().is_none_or(|closed| !closed.contains(&slab.netgroup_of(&key)))
    }
}
