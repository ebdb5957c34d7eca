//! When each peer becomes due: a timing wheel over the slab.
//!
//! A bucket holds the peers whose next attempt falls on one second, or on one that is a whole number of turns away; it is a
//! list that runs through the entries themselves. So recording a new next attempt costs the same whatever the size of the
//! table, and the peers that become due in a second, or that must wait again after the clock stepped back over it, are found by
//! looking through one bucket. Looking through a bucket passes over the peers of other turns in it, about one for every 32,768
//! peers of a large table.
//!
//! There are two sizes of wheel and no more, so that no growth of a large table links all of its peers anew.
//!
//! See G. Varghese, A. Lauck: Hashed and Hierarchical Timing Wheels (SOSP 1987), scheme 6.

use std::iter;

use super::interface::{Cause, Index, ensure};
use crate::memory;
use crate::system::prefetch::prefetch;
use crate::table::owner::entry::{Entry, Links};
use crate::table::owner::slab::{Peer, Slab, State};
use crate::table::slot::NO_SLOT;

/// The buckets of a small table.
const FEW: usize = 1024;

/// The buckets of a table with more peers than that: a turn of nine hours, which is as long as most back-offs.
const MANY: usize = 32 * FEW;

/// The buckets. `links` of an entry are the slot's neighbours in its bucket.
#[derive(Debug)]
pub(in crate::table) struct Wheel {
    /// The first slot of each bucket; a power of two of them.
    heads: Vec<u32>,
    /// Whether there once was no memory for a wheel of the right size.
    is_starved: bool,
}

fn or_end(slot: u32) -> Option<u32> {
    (slot != NO_SLOT).then_some(slot)
}

impl Index for Wheel {
    fn inserted(&mut self, slab: &mut Slab, peer: Peer) {
        self.link(slab.entries_mut(), peer.slot);
    }

    fn updated(&mut self, slab: &mut Slab, slot: u32, before: State, after: State) {
        if before.next_attempt != after.next_attempt {
            self.unlink(slab.entries_mut(), slot, before.next_attempt);
            self.link(slab.entries_mut(), slot);
        }
    }

    fn removed(&mut self, slab: &mut Slab, peer: Peer) {
        let next_attempt = slab.entry(peer.slot).next_attempt();
        self.unlink(slab.entries_mut(), peer.slot, next_attempt);
    }

    fn moved(&mut self, slab: &mut Slab, _: u32, peer: Peer) {
        let entry = slab.entry(peer.slot);
        let (Links { previous, next }, next_attempt) = (entry.links, entry.next_attempt());
        let entries = slab.entries_mut();
        self.set_next(entries, previous, next_attempt, peer.slot);
        if let Some(next) = entries.get_mut(next as usize) {
            next.links.previous = peer.slot;
        }
    }

    fn rebuild(&mut self, slab: &mut Slab, _: Cause) {
        if let Ok(heads) = buckets_for(slab.len()) {
            self.heads = heads;
        } else {
            self.is_starved = true;
            self.heads.fill(NO_SLOT);
        }
        self.link_all(slab);
    }

    fn clear(&mut self) {
        self.heads.fill(NO_SLOT);
    }

    fn fit(&mut self, slab: &mut Slab) {
        if !self.suits(slab.len()) {
            if let Ok(heads) = buckets_for(slab.len()) {
                self.heads = heads;
                self.link_all(slab);
            } else {
                self.is_starved = true;
            }
        }
    }

    fn looked_up(&self, slab: &Slab, slot: u32) {
        let Links { previous, next } = slab.entry(slot).links;
        for neighbour in [previous, next] {
            prefetch(slab.entries().get(neighbour as usize));
        }
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        let linked = self.linked(slab.entries());
        ensure(linked == Some(slab.len()), "every peer is in its bucket of the wheel")?;
        ensure(self.suits(slab.len()) || self.is_starved, "the wheel has the right size")
    }
}

impl Wheel {
    /// The smallest wheel, empty.
    pub(super) fn new() -> Self {
        Self { heads: vec![NO_SLOT; FEW], is_starved: false }
    }

    /// Whether the wheel is neither too small nor too large for this many peers.
    fn suits(&self, peers: usize) -> bool {
        if self.heads.len() == FEW { peers <= MANY } else { peers >= MANY / 4 }
    }

    /// The seconds of one turn.
    pub(in crate::table) fn turn(&self) -> u64 {
        self.heads.len() as u64
    }

    /// Links all entries in empty buckets: the slot before each one in a first pass, and the slot after it in a second, so that
    /// none leads to an entry elsewhere, which in a large table would be one cache miss for each peer.
    fn link_all(&mut self, slab: &mut Slab) {
        let (slots, entries) = (slab.slots(), slab.entries_mut());
        for (slot, entry) in slots.clone().zip(&mut *entries).rev() {
            let bucket = self.bucket(entry.next_attempt());
            entry.links.previous = std::mem::replace(&mut self.heads[bucket], slot);
        }
        self.heads.fill(NO_SLOT);
        for (slot, entry) in slots.zip(entries) {
            let bucket = self.bucket(entry.next_attempt());
            entry.links.next = std::mem::replace(&mut self.heads[bucket], slot);
        }
    }

    /// Adds a slot to the bucket of its entry. Cost: constant.
    fn link(&mut self, entries: &mut [Entry], slot: u32) {
        let bucket = self.bucket(entries[slot as usize].next_attempt());
        let next = std::mem::replace(&mut self.heads[bucket], slot);
        entries[slot as usize].links = Links { previous: NO_SLOT, next };
        if let Some(next) = entries.get_mut(next as usize) {
            next.links.previous = slot;
        }
    }

    /// Removes a slot from the bucket of a next attempt. Cost: constant.
    fn unlink(&mut self, entries: &mut [Entry], slot: u32, next_attempt: i64) {
        let Links { previous, next } = entries[slot as usize].links;
        self.set_next(entries, previous, next_attempt, next);
        if let Some(next) = entries.get_mut(next as usize) {
            next.links.previous = previous;
        }
    }

    /// The first of the slots whose next attempt may be this second; the others [follow](Self::next_of).
    pub(in crate::table) fn first_at(&self, second: i64) -> Option<u32> {
        or_end(self.heads[self.bucket(second)])
    }

    /// The slot after this one in its bucket.
    pub(in crate::table) fn next_of(entries: &[Entry], slot: u32) -> Option<u32> {
        or_end(entries[slot as usize].links.next)
    }

    /// The slots in the bucket of a second, whether their next attempt is this second or another.
    pub(in crate::table) fn slots_at(&self, entries: &[Entry], second: i64) -> impl Iterator<Item = u32> {
        iter::successors(self.first_at(second), |&slot| Self::next_of(entries, slot))
    }

    /// How many entries are in the buckets, if each bucket is a proper list of entries that belong in it.
    fn linked(&self, entries: &[Entry]) -> Option<usize> {
        let mut count = 0;
        for (bucket, &head) in self.heads.iter().enumerate() {
            let (mut previous, mut slot) = (NO_SLOT, head);
            while slot != NO_SLOT {
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

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only the low bits count")]
    fn bucket(&self, next_attempt: i64) -> usize {
        next_attempt as usize & (self.heads.len() - 1)
    }

    /// Makes what comes before a slot in the bucket of its next attempt, an entry or the bucket's head, point to `next`.
    fn set_next(&mut self, entries: &mut [Entry], previous: u32, next_attempt: i64, next: u32) {
        if let Some(previous) = entries.get_mut(previous as usize) {
            previous.links.next = next;
        } else {
            let bucket = self.bucket(next_attempt);
            self.heads[bucket] = next;
        }
    }
}

/// Empty buckets, of the number that suits this many peers.
fn buckets_for(peers: usize) -> memory::Result<Vec<u32>> {
    memory::filled(NO_SLOT, if peers <= MANY { FEW } else { MANY })
}
