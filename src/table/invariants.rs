//! What must hold between two calls.

use std::collections::HashSet;

use super::{PeerTable, is_due, slot_number};

impl PeerTable {
    /// Checks everything that must hold between two calls; for tests.
    pub(crate) fn check_invariants(&self) -> Result<(), String> {
        let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        let len = self.entries.len();
        for (slot, entry) in self.entries.iter().enumerate() {
            ensure(self.find_key(&entry.key()) == Some(slot_number(slot)), "the index leads to every entry")?;
        }
        ensure(self.index.len() == len, "the index has one slot an entry")?;
        let pooled = self.pools.is_consistent(&self.entries, |entry| self.readiness(entry));
        ensure(pooled == Some(len), "every entry is in its pool")?;
        ensure(self.waiting.len() + self.ready.len() == len, "every entry is in one schedule")?;
        for (schedule, due) in [(&self.waiting, false), (&self.ready, true)] {
            ensure(schedule.is_consistent(&self.entries), "the schedules are in order")?;
            let on_side = |&slot: &u32| is_due(&self.entries[slot as usize], self.as_of) == due;
            ensure(schedule.slots().iter().all(on_side), "the table is split at its time")?;
        }
        let names: HashSet<u32> = self.entries.iter().filter_map(|entry| entry.key().name_number()).collect();
        ensure(self.names.len() == names.len(), "exactly the names in use are held")
    }
}
