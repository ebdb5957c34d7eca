//! Moving the time at which the table is split into ready and waiting peers.

use super::entry::Entry;
use super::pools::Readiness;
use super::{PeerTable, is_due};

impl PeerTable {
    /// Whether the split is right for `now`, so that queries need not move anybody.
    pub(crate) fn is_split_at(&self, now: i64) -> bool {
        let next_attempt = |slot: u32| self.entries[slot as usize].next_attempt;
        self.waiting.peek().is_none_or(|slot| next_attempt(slot) > now)
            && self.ready.peek().is_none_or(|slot| next_attempt(slot) <= now)
    }

    /// Splits the table at `now`. Cost: logarithmic for each peer that changes sides, at most linear in the
    /// table when many do.
    pub(crate) fn advance(&mut self, now: i64) {
        let from = if now >= self.as_of { Readiness::Waiting } else { Readiness::Ready };
        // Beyond this many, sorting a whole heap anew is cheaper than taking them off its top.
        let few = 64 + self.entries.len() / 16;
        for _ in 0..few {
            let Some(slot) = self.next_to_change(from, now) else {
                self.as_of = now;
                return;
            };
            self.schedule(from).remove(slot);
            self.schedule(opposite(from)).push(slot);
            self.change_pool(slot, from);
        }
        let leaves = |entry: &Entry| is_due(entry, now) == (from == Readiness::Waiting);
        let moved = self.schedule(from).exchange(leaves, &[]);
        self.schedule(opposite(from)).exchange(|_| false, &moved);
        for &slot in &moved {
            self.change_pool(slot, from);
        }
        self.as_of = now;
    }

    /// Like [`advance`](Self::advance), but never back in time: what a change does, for which the split need
    /// not be exact.
    pub(crate) fn advance_forward(&mut self, now: i64) {
        if now > self.as_of {
            self.advance(now);
        }
    }

    /// The next peer on the side `from` that must change sides at `now`.
    fn next_to_change(&self, from: Readiness, now: i64) -> Option<u32> {
        let schedule = match from {
            Readiness::Ready => &self.ready,
            Readiness::Waiting => &self.waiting,
        };
        let stays_when_due = from == Readiness::Ready;
        schedule.peek().filter(|&slot| is_due(&self.entries[slot as usize], now) != stays_when_due)
    }

    fn change_pool(&mut self, slot: u32, from: Readiness) {
        self.pools.remove(&mut self.entries, slot, from);
        self.pools.insert(&mut self.entries, slot, opposite(from));
    }
}

fn opposite(readiness: Readiness) -> Readiness {
    match readiness {
        Readiness::Ready => Readiness::Waiting,
        Readiness::Waiting => Readiness::Ready,
    }
}
