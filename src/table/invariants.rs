//! The invariants that hold between two calls.

use std::collections::{HashMap, HashSet};

use super::index::interface::{Index as _, ensure};
use super::owner::PeerTable;

impl PeerTable {
    /// Checks everything that must hold between two calls, for tests; returns what does not.
    pub(crate) fn check_invariants(&self) -> Result<(), String> {
        let slab = self.slab();
        let names: HashSet<u32> =
            slab.entries().iter().filter_map(|entry| entry.key().name_number()).collect();
        ensure(slab.names() == names.len(), "exactly the names in use are held")?;
        ensure(self.is_sorted(), "the peers are due or waiting as they are at the as-of time")?;
        self.indexes().check(slab)?;
        self.bans().check()?;
        self.check_bounds()
    }

    fn check_bounds(&self) -> Result<(), String> {
        let mut peers = HashMap::new();
        for slot in self.slab().slots() {
            *peers.entry(self.slab().netgroup(slot)).or_insert(0) += 1;
        }
        let bounds = self.bounds();
        ensure(self.len() <= bounds.peers, "the table is within its bound")?;
        ensure(
            peers.values().all(|&count: &u32| count <= bounds.per_netgroup),
            "every netgroup is within its bound",
        )?;
        ensure(
            self.is_grouped() || !self.is_bounded() || self.indexes().netgroups.is_starved(),
            "a bounded table knows who is in each netgroup",
        )
    }
}
