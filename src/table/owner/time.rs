//! The as-of time, by which the pools separate due from waiting peers.
//!
//! When it moves, the peers that become due or waiting must change pools. Where those are few, they are moved at once. Where
//! they are many, as when every peer becomes due in the same second, the table would be locked for long. So the table is then
//! gone through in parts, from the last slot to the first, and until that is over the slots that have not been reached are
//! [unsorted](PeerTable::unsorted). A query need not wait for that: it draws from both pools of each pair, and passes over the
//! peers that are not due ([`Due`]).
//!
//! Nor does a query need the exact time. Threads that have read their clocks a moment apart would move the same peers back
//! and forth; so a query whose time is a little earlier draws from what is due now, and passes over what was not due then.

use super::PeerTable;
use super::entry::Entry;
use crate::table::index::Wheel;
use crate::table::index::interface::Index as _;
use crate::table::slot::slot_number;

/// A query may be this many seconds behind the as-of time before that is moved back.
const LATE: i64 = 2;

/// A peer that changes pools takes as many steps as looking at this many that do not.
const STEPS_OF_MOVE: u32 = 8;

/// Which peers are due at a time.
#[derive(Clone, Copy, Debug)]
pub(in crate::table) struct Due {
    /// Whether all of them are in the pools of due peers.
    pub(in crate::table) are_in_due_pools: bool,
    /// Those whose next attempt is later are not due; `None` if the pools alone decide.
    pub(in crate::table) latest: Option<i64>,
}

impl Due {
    /// For a query to which it does not matter.
    pub(in crate::table) const ALL: Self = Self { are_in_due_pools: false, latest: None };
}

impl PeerTable {
    /// Which peers are due at `now`. Requires [`is_near`](Self::is_near), or a call of [`advance`](Self::advance) since the
    /// table was locked.
    pub(in crate::table) fn due(&self, now: i64) -> Due {
        let is_sorted = self.unsorted == 0;
        let is_exact = is_sorted && self.slab.as_of() == now;
        Due { are_in_due_pools: is_sorted, latest: (!is_exact).then_some(now) }
    }

    /// Whether a query at `now` can be answered from the table as it is.
    pub(crate) fn is_near(&self, now: i64) -> bool {
        self.unsorted == 0 && self.is_not_after(now)
    }

    /// Whether `now` is the as-of time, or a little earlier.
    fn is_not_after(&self, now: i64) -> bool {
        let as_of = self.slab.as_of();
        now <= as_of && as_of.saturating_sub(LATE) <= now
    }

    /// How many peers are due at `now`, with the requirement of [`due`](Self::due). Cost: constant, or one step for each peer
    /// that became due within the last seconds; linear as long as slots are unsorted.
    pub(in crate::table) fn count_due(&self, now: i64) -> usize {
        let is_later = |next_attempt: i64| next_attempt > now;
        if self.unsorted > 0 {
            return self.slab.entries().iter().filter(|entry| !is_later(entry.next_attempt())).count();
        }
        let (entries, wheel) = (self.slab.entries(), &self.indexes.wheel);
        let seconds = now.saturating_add(1)..=self.slab.as_of();
        let later = seconds.flat_map(|second| {
            let next_attempts =
                wheel.slots_at(entries, second).map(|slot| self.slab.entry(slot).next_attempt());
            next_attempts.filter(move |&next_attempt| next_attempt == second && is_later(next_attempt))
        });
        self.indexes.pools.due() - later.count()
    }

    /// The earliest next attempt after `now`, if there is one, whatever the as-of time: the wheel has all peers. Cost: a look
    /// at each second until then, a turn of the wheel at most, and at the peers in their buckets; linear where that does not
    /// suffice.
    pub(crate) fn next_due(&self, now: i64) -> Option<i64> {
        let (entries, wheel) = (self.slab.entries(), &self.indexes.wheel);
        let are_all_due = self.unsorted == 0 && self.indexes.pools.due() == entries.len();
        if are_all_due && now == self.slab.as_of() {
            return None;
        }
        let turn = i64::try_from(wheel.turn()).unwrap_or(i64::MAX);
        let mut seconds = now.checked_add(1)?..=now.saturating_add(turn);
        let is_at = |second: i64| {
            wheel.slots_at(entries, second).any(|slot| entries[slot as usize].next_attempt() == second)
        };
        seconds.find(|&second| is_at(second)).or_else(|| {
            entries.iter().map(Entry::next_attempt).filter(|&next_attempt| next_attempt > now).min()
        })
    }

    /// Moves the as-of time to `now`, forward or back, unless `now` is only a little earlier.
    ///
    /// Cost: one step for each peer that becomes due or waiting, and those of a bucket of the wheel for each second in between;
    /// at most a constant. If that is not enough, later calls do the rest.
    pub(crate) fn advance(&mut self, now: i64) {
        let mut steps = self.steps;
        if !self.is_not_after(now) {
            let as_of = self.slab.as_of();
            self.slab.set_as_of(now);
            // The seconds after the earlier time, up to the later one: those in which peers become due.
            let seconds = as_of.min(now).saturating_add(1)..=as_of.max(now);
            if self.sort_seconds(seconds, &mut steps).is_none() {
                self.unsorted = slot_number(self.slab.len());
            }
        }
        self.sort_rest(&mut steps);
    }

    /// Like [`advance`](Self::advance), but never back: for changes, which need not have the exact time.
    pub(crate) fn advance_forward(&mut self, now: i64) {
        if now > self.slab.as_of() || self.unsorted > 0 {
            self.advance(now.max(self.slab.as_of()));
        }
    }

    /// Sorts the peers whose next attempt is in these seconds. Returns nothing if the steps did not suffice.
    fn sort_seconds(&mut self, mut seconds: std::ops::RangeInclusive<i64>, steps: &mut u32) -> Option<()> {
        if seconds.end().abs_diff(*seconds.start()) >= self.indexes.wheel.turn() {
            return None;
        }
        seconds.try_for_each(|second| {
            *steps = steps.checked_sub(1)?;
            let mut next = self.indexes.wheel.first_at(second);
            while let Some(slot) = next {
                next = Wheel::next_of(self.slab.entries(), slot);
                *steps = steps.checked_sub(self.sort(slot))?;
            }
            Some(())
        })
    }

    /// Sorts the slots that are left, as far as the steps suffice.
    fn sort_rest(&mut self, steps: &mut u32) {
        self.unsorted = self.unsorted.min(slot_number(self.slab.len()));
        while self.unsorted > 0 && *steps > 0 {
            self.unsorted -= 1;
            *steps = steps.saturating_sub(self.sort(self.unsorted));
        }
    }

    /// Moves the peer in a slot to the pool that it belongs in at the as-of time. Returns how many steps that took.
    fn sort(&mut self, slot: u32) -> u32 {
        let Some(from) = self.slab.sort_by_time(slot) else { return 1 };
        let to = self.slab.pool(slot);
        self.indexes.advanced(&mut self.slab, slot, from, to);
        STEPS_OF_MOVE
    }

    /// Records that the peers have moved to other slots: where some are unsorted, any may be.
    pub(super) fn unsorted_moved(&mut self) {
        if self.unsorted > 0 {
            self.unsorted = slot_number(self.slab.len());
        }
    }

    /// Whether each peer is in the pool that it belongs in, as far as the slots are not unsorted.
    pub(in crate::table) fn is_sorted(&self) -> bool {
        let entries = self.slab.entries().iter().skip(self.unsorted as usize);
        entries.clone().all(|entry| entry.attempt() == self.slab.attempt(entry.next_attempt()))
    }

    /// Sets how many steps of work that can wait are done at a time, for tests.
    pub(crate) fn set_steps(&mut self, steps: u32) {
        self.steps = steps;
    }
}
