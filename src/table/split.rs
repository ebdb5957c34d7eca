//! Moving the time at which the table is split into ready and waiting peers.

use std::ops::RangeInclusive;

use super::pools::{Pools, Readiness};
use super::wheel::Wheel;
use super::{PeerTable, slot_number};

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
        // No list of them is made, which might be as long as the table.
        if seconds.end().abs_diff(*seconds.start()) < self.wheel.turn() {
            for second in seconds.clone() {
                let mut next = self.wheel.first_at(second);
                while let Some(slot) = next {
                    next = Wheel::next_of(&self.entries, slot);
                    self.change_sides(slot, &seconds, from, to);
                }
            }
        } else {
            for slot in 0..slot_number(self.entries.len()) {
                self.change_sides(slot, &seconds, from, to);
            }
        }
    }

    /// Moves a peer to the other pool of its pair if its next attempt is in one of these seconds. It takes no memory.
    fn change_sides(&mut self, slot: u32, seconds: &RangeInclusive<i64>, from: Readiness, to: Readiness) {
        let entry = &self.entries[slot as usize];
        if seconds.contains(&entry.next_attempt()) {
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
}
