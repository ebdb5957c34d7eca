//! Moving the time at which the table is split into ready and waiting peers.

use std::ops::RangeInclusive;

use super::PeerTable;
use super::pools::{Pools, Readiness};

impl PeerTable {
    /// Whether the table is split at `now`.
    pub(crate) fn is_split_at(&self, now: i64) -> bool {
        self.as_of == now
    }

    /// Splits the table at `now`.
    ///
    /// Cost: one step for each peer that changes sides and about sixteen for each second between, at most linear
    /// in the table.
    pub(crate) fn advance(&mut self, now: i64) {
        let (from, to) = if now > self.as_of {
            (Readiness::Waiting, Readiness::Ready)
        } else {
            (Readiness::Ready, Readiness::Waiting)
        };
        // The seconds after the earlier time, up to the later one: those in which peers become due.
        let (earlier, later) = (self.as_of.min(now), self.as_of.max(now));
        let seconds = earlier.saturating_add(1)..=later;
        self.as_of = now;
        if earlier == later {
            return;
        }
        for slot in self.slots_due(&seconds) {
            let entry = &self.entries[slot as usize];
            let (from, to) = (Pools::pool_of(entry, from), Pools::pool_of(entry, to));
            self.shift(slot, from, to);
        }
    }

    /// Like [`advance`](Self::advance), but never back in time: what a change does, for which the split need
    /// not be exact.
    pub(crate) fn advance_forward(&mut self, now: i64) {
        if now > self.as_of {
            self.advance(now);
        }
    }

    /// The peers whose next attempt is in one of these seconds.
    fn slots_due(&self, seconds: &RangeInclusive<i64>) -> Vec<u32> {
        let is_due = |&slot: &u32| seconds.contains(&self.entries[slot as usize].next_attempt());
        if seconds.end().abs_diff(*seconds.start()) < self.wheel.turn() {
            let slots = seconds.clone().flat_map(|second| self.wheel.slots_at(&self.entries, second));
            slots.filter(is_due).collect()
        } else {
            (0..super::slot_number(self.entries.len())).filter(is_due).collect()
        }
    }
}
