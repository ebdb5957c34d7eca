//! What must hold between two calls.

use std::collections::{HashMap, HashSet};

use super::{PeerTable, slot_number};
use crate::memory::MIN_CAPACITY;

impl PeerTable {
    /// Checks everything that must hold between two calls; for tests.
    pub(crate) fn check_invariants(&self) -> Result<(), String> {
        let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        let len = self.entries.len();
        for (slot, entry) in self.entries.iter().enumerate() {
            ensure(
                self.find_place(&self.place(entry.key())) == Some(slot_number(slot)),
                "the index leads to every entry",
            )?;
        }
        ensure(self.index.len() == len, "the index has one slot an entry")?;
        let pooled = self.pools.is_consistent(&self.entries, |entry| self.readiness(entry));
        ensure(pooled == Some(len), "every entry is in its pool")?;
        ensure(
            self.wheel.is_consistent(&self.entries) == Some(len),
            "every entry is in its bucket of the wheel",
        )?;
        ensure(self.wheel.suits(len) || self.is_starved, "the wheel has the right size")?;
        let names: HashSet<u32> = self.entries.iter().filter_map(|entry| entry.key().name_number()).collect();
        ensure(self.names.len() == names.len(), "exactly the names in use are held")?;
        self.check_netgroups()?;
        let Some(pending) = &self.pending else { return Ok(()) };
        let listed: HashSet<u32> = pending.slots().iter().copied().collect();
        let mut changed = 0;
        for (slot, entry) in self.entries.iter().enumerate() {
            changed += usize::from(entry.is_changed());
            ensure(
                !entry.is_changed() || listed.contains(&slot_number(slot)),
                "every changed entry is in the list of changes",
            )?;
            ensure(entry.is_changed() || entry.is_on_file(), "what has not changed is on file")?;
            let is_removed = pending.is_removed(&entry.key().address(self.names.texts()));
            ensure(!is_removed, "no peer is there and removed")?;
        }
        ensure(pending.changed() == changed, "the changes are counted")?;
        ensure(pending.slots().len() <= 2 * len + MIN_CAPACITY, "the list of changes is bounded by the table")
    }

    fn check_netgroups(&self) -> Result<(), String> {
        let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        let mut peers = HashMap::new();
        for entry in &self.entries {
            *peers.entry(entry.key().netgroup()).or_insert(0) += 1;
        }
        ensure(self.netgroups() == Ok(peers.len()), "exactly the network groups in use are counted")?;
        let bounds = self.bounds();
        ensure(self.len() <= bounds.peers, "the table is within its bound")?;
        ensure(
            peers.values().all(|&count| count <= bounds.per_netgroup),
            "every network group is within its bound",
        )?;
        let Some(members) = &self.members else {
            return ensure(
                !self.is_bounded() || self.is_starved,
                "a bounded table knows who is in each network group",
            );
        };
        let is_counted = |(&group, &count): (_, &u32)| members.peers_of(group) == count;
        ensure(peers.iter().all(is_counted), "the peers of every network group are counted")?;
        ensure(members.len() == self.len(), "every entry has its place in a network group")?;
        let of = |slot: u32| (self.entries[slot as usize].key().netgroup(), self.pool(slot));
        ensure(members.is_consistent(of), "every entry is in its cell of its network group")?;
        ensure(
            !members.is_sparse() || self.is_starved,
            "the memory of network groups that are gone is given back",
        )
    }
}
