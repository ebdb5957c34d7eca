//! Who becomes due when: a timing wheel over the slab.
//!
//! A bucket holds the peers whose next attempt falls on one second, or on one that is a whole turn of the wheel
//! away; it is a list that runs through the entries themselves. So noting a new next attempt costs the same
//! whatever the size of the table, and the peers that become due in a second, or that must wait again after the
//! clock stepped back over it, are found by looking through one bucket. A turn has about one bucket for every
//! sixteen peers, so a bucket has about sixteen peers more to look through than those that are sought.
//!
//! See G. Varghese, A. Lauck: Hashed and Hierarchical Timing Wheels (SOSP 1987), scheme 6.

use super::entry::Entry;
use crate::memory;
use crate::system::prefetch::prefetch;

/// The end of a list.
const NONE: u32 = u32::MAX;

/// The shortest turn, in buckets.
const MIN_BUCKETS: usize = 1024;

/// The buckets. `entries[slot].links` are the slot's neighbours in its bucket.
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    /// The first slot of each bucket; a power of two of them.
    heads: Vec<u32>,
}

/// The neighbours of a slot in its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Links {
    previous: u32,
    next: u32,
}

impl Links {
    /// Of a slot that is in no bucket yet.
    pub(super) const NONE: Self = Self { previous: NONE, next: NONE };
}

fn or_end(slot: u32) -> Option<u32> {
    (slot != NONE).then_some(slot)
}

impl Wheel {
    /// The smallest wheel, empty.
    pub(super) fn new() -> Self {
        Self { heads: vec![NONE; MIN_BUCKETS] }
    }

    /// An empty wheel that suits this many peers.
    pub(super) fn sized(peers: usize) -> memory::Result<Self> {
        let buckets = (peers / 16).next_power_of_two().max(MIN_BUCKETS);
        Ok(Self { heads: memory::filled(NONE, buckets)? })
    }

    /// Empties the buckets.
    pub(super) fn empty(&mut self) {
        self.heads.fill(NONE);
    }

    /// Whether the wheel has become too small or too large for this many peers.
    pub(super) fn suits(&self, peers: usize) -> bool {
        let buckets = self.heads.len();
        peers <= 32 * buckets && (buckets == MIN_BUCKETS || peers >= 4 * buckets)
    }

    /// The seconds of one turn.
    pub(super) fn turn(&self) -> u64 {
        self.heads.len() as u64
    }

    /// Prefetches what taking a slot out of its bucket will touch.
    pub(super) fn prefetch(entries: &[Entry], slot: u32) {
        let Links { previous, next } = entries[slot as usize].links;
        for neighbour in [previous, next] {
            prefetch(entries.get(neighbour as usize));
        }
    }

    /// Puts a slot into the bucket of its entry. Cost: constant.
    pub(super) fn link(&mut self, entries: &mut [Entry], slot: u32) {
        let bucket = self.bucket(entries[slot as usize].next_attempt());
        let next = std::mem::replace(&mut self.heads[bucket], slot);
        entries[slot as usize].links = Links { previous: NONE, next };
        if let Some(next) = entries.get_mut(next as usize) {
            next.links.previous = slot;
        }
    }

    /// Takes a slot out of the bucket that its entry, unchanged since, is in. Cost: constant.
    pub(super) fn unlink(&mut self, entries: &mut [Entry], slot: u32) {
        let Links { previous, next } = entries[slot as usize].links;
        self.set_next(entries, slot, previous, next);
        if let Some(next) = entries.get_mut(next as usize) {
            next.links.previous = previous;
        }
    }

    /// Notes that an entry has moved to another slot.
    pub(super) fn relocate(&mut self, entries: &mut [Entry], slot: u32) {
        let Links { previous, next } = entries[slot as usize].links;
        self.set_next(entries, slot, previous, slot);
        if let Some(next) = entries.get_mut(next as usize) {
            next.links.previous = slot;
        }
    }

    /// The first of the slots whose next attempt may be this second; the others [follow](Self::next_of).
    pub(super) fn first_at(&self, second: i64) -> Option<u32> {
        or_end(self.heads[self.bucket(second)])
    }

    /// The slot behind this one in its bucket.
    pub(super) fn next_of(entries: &[Entry], slot: u32) -> Option<u32> {
        or_end(entries[slot as usize].links.next)
    }

    /// Whether every bucket is a proper list of entries that belong in it, and how many there are.
    pub(super) fn is_consistent(&self, entries: &[Entry]) -> Option<usize> {
        let mut count = 0;
        for (bucket, &head) in self.heads.iter().enumerate() {
            let (mut previous, mut slot) = (NONE, head);
            while slot != NONE {
                let entry = entries.get(slot as usize)?;
                count += 1;
                if entry.links.previous != previous
                    || self.bucket(entry.next_attempt()) != bucket
                    || count > entries.len()
                {
                    return None;
                }
                (previous, slot) = (slot, entry.links.next);
            }
        }
        Some(count)
    }

    #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
    fn bucket(&self, next_attempt: i64) -> usize {
        next_attempt.cast_unsigned() as usize & (self.heads.len() - 1)
    }

    /// Makes what points to `slot` from before, a neighbour or the head of its bucket, point to `next`.
    fn set_next(&mut self, entries: &mut [Entry], slot: u32, previous: u32, next: u32) {
        if let Some(previous) = entries.get_mut(previous as usize) {
            previous.links.next = next;
        } else {
            let bucket = self.bucket(entries[slot as usize].next_attempt());
            self.heads[bucket] = next;
        }
    }
}
