//! What must hold between two calls.

use std::collections::HashSet;

use super::{MIN_CAPACITY, PeerTable, slot_number};

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
        ensure(self.wheel.suits(len), "the wheel has the right size")?;
        let names: HashSet<u32> = self.entries.iter().filter_map(|entry| entry.key().name_number()).collect();
        ensure(self.names.len() == names.len(), "exactly the names in use are held")?;
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
            let is_removed = pending.is_removed(&entry.key().address(&self.names));
            ensure(!is_removed, "no peer is there and removed")?;
        }
        ensure(pending.changed() == changed, "the changes are counted")?;
        ensure(pending.slots().len() <= 2 * len + MIN_CAPACITY, "the list of changes is bounded by the table")
    }
}
