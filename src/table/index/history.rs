//! The histories of the peers, if they are kept: twenty bytes for each slot, next to the slab, so that a table without them
//! pays nothing.

use super::interface::{Cause, Index, Needs, ensure};
use crate::history::Times;
use crate::memory;
use crate::sync::{AtomicU64, Ordering};
use crate::table::facet::is_often_failed_outbound;
use crate::table::owner::slab::{Peer, Slab, State};

/// See the [module](self).
#[derive(Debug)]
pub(in crate::table) struct Histories {
    /// One for each slot, unless none are kept.
    times: Option<Vec<Times>>,
    /// No outbound peer is dead before this time: it is their earliest, or earlier. So a full table need not look for one each
    /// time that it refuses a new peer. Changed by eviction as well, which only reads the table.
    none_dead_before: AtomicU64,
}

impl Index for Histories {
    /// Nothing is known about the peer until the owner [notes](Histories::set) something.
    fn inserted(&mut self, _: &mut Slab, _: Peer) {
        if let Some(times) = &mut self.times {
            times.push(Times::default());
        }
    }

    fn updated(&mut self, slab: &mut Slab, slot: u32, before: State, after: State) {
        if before.pool != after.pool {
            self.expect_death(slab, slot);
        }
    }

    fn removed(&mut self, _: &mut Slab, peer: Peer) {
        if let Some(times) = &mut self.times {
            // The last one fills the gap, as in the slab.
            times.swap_remove(peer.slot as usize);
        }
    }

    fn moved(&mut self, _: &mut Slab, _: u32, _: Peer) {}

    fn dropped(&mut self, _: &Slab, slot: u32) {
        if let Some(times) = &mut self.times {
            times[slot as usize] = Times::GONE;
        }
    }

    fn rebuild(&mut self, slab: &mut Slab, cause: Cause) {
        let Some(times) = &mut self.times else { return };
        match cause {
            Cause::Loaded => times.resize(slab.len(), Times::default()),
            // The gaps are closed in order, as in the slab.
            Cause::Dropped => times.retain(|&times| times != Times::GONE),
        }
    }

    fn clear(&mut self) {
        if let Some(times) = &mut self.times {
            *times = Vec::new();
        }
    }

    fn fit(&mut self, _: &mut Slab) {
        if let Some(times) = &mut self.times {
            memory::give_back(times);
        }
    }

    /// While a file is loaded, the slab is ahead.
    fn has_room(&self, slab: &Slab, needs: &Needs<'_>) -> bool {
        self.times.as_ref().is_none_or(|times| times.capacity() >= slab.len().saturating_add(needs.inserts))
    }

    fn reserve(&mut self, slab: &Slab, needs: &Needs<'_>) -> memory::Result {
        if self.has_room(slab, needs) {
            return Ok(());
        }
        let Some(times) = &mut self.times else { return Ok(()) };
        let more = slab.len().saturating_sub(times.len()).saturating_add(needs.inserts);
        if times.is_empty() { memory::reserve_exact(times, more) } else { memory::reserve(times, more) }
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        let Some(times) = &self.times else { return Ok(()) };
        ensure(times.len() == slab.len(), "every peer has a history")?;
        ensure(!times.contains(&Times::GONE), "no history is that of a peer that is gone")?;
        let mut often_failed = slab.slots().filter(|&slot| is_often_failed_outbound(slab.pool(slot)));
        let is_expected = |slot: u32| self.dead_from(slot).is_none_or(|time| time >= self.none_dead_before());
        ensure(often_failed.all(is_expected), "no outbound peer is dead before one is expected to be")
    }
}

impl Histories {
    /// None are kept.
    pub(super) fn new() -> Self {
        Self { times: None, none_dead_before: AtomicU64::new(u64::MAX) }
    }

    /// Keeps them from now on. The slab must be empty.
    pub(in crate::table) fn keep(&mut self) {
        self.times.get_or_insert_default();
    }

    pub(in crate::table) fn are_kept(&self) -> bool {
        self.times.is_some()
    }

    /// All of them, by slot, if they are kept.
    pub(in crate::table) fn all(&self) -> Option<&[Times]> {
        self.times.as_deref()
    }

    /// The history of the peer in a slot, if histories are kept.
    pub(in crate::table) fn of(&self, slot: u32) -> Option<Times> {
        self.times.as_ref().map(|times| times[slot as usize])
    }

    /// Replaces the history of the peer in a slot; returns whether it has changed.
    pub(in crate::table) fn set(&mut self, slab: &Slab, slot: u32, new: Times) -> bool {
        let Some(times) = &mut self.times else { return false };
        let is_another = std::mem::replace(&mut times[slot as usize], new) != new;
        self.expect_death(slab, slot);
        is_another
    }

    /// From when on the peer in a slot counts as dead, if it is an outbound one that has failed often.
    pub(in crate::table) fn dead_from(&self, slot: u32) -> Option<u64> {
        self.of(slot)?.dead_from()
    }

    /// Whether an outbound peer may be dead; if not, there is none.
    pub(in crate::table) fn may_have_dead(&self, now: i64) -> bool {
        u64::try_from(now).is_ok_and(|now| self.none_dead_before() <= now)
    }

    /// Records that no outbound peer is dead before this time.
    pub(in crate::table) fn expect_none_before(&self, time: u64) {
        self.none_dead_before.store(time, Ordering::Relaxed);
    }

    fn none_dead_before(&self) -> u64 {
        self.none_dead_before.load(Ordering::Relaxed)
    }

    /// Records when the peer in a slot will be dead, if it has failed often.
    fn expect_death(&mut self, slab: &Slab, slot: u32) {
        if !is_often_failed_outbound(slab.pool(slot)) {
            return;
        }
        if let Some(time) = self.dead_from(slot).filter(|&time| time < self.none_dead_before()) {
            self.expect_none_before(time);
        }
    }
}
