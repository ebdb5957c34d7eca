//! A model of addrman, Bitcoin Core's table of addresses, written anew from its published behaviour (the design notes at the
//! head of Bitcoin Core's src/addrman.h; "Eclipse Attacks on Bitcoin's Peer-to-Peer Network", Heilman and others, 2015, whose
//! countermeasures it has). Times are minutes, so "within a minute" is "in this minute or the last one".
//!
//! An address is in the new table, in up to eight of its buckets, or in the tried table, in one. Which buckets these are, and
//! the place in them, is determined by a keyed hash: of the address's network and its source's for the new table, of the
//! address and its network for the tried one.

mod choose;
mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::people::{Heard, Id};
use place::{Places, Slot};

/// An address that has been silent for this long is useless: 30 days.
const HORIZON: i64 = 30 * 24 * 60;
/// Failures after which an address that never answered is useless.
const RETRIES: u32 = 3;
/// Failures after which an address that has not answered for some time is useless, and that time.
const MAX_FAILURES: u32 = 10;
const MIN_FAIL: i64 = 7 * 24 * 60;
/// A tried address that was reached, or tried in vain, within this time is judged by that.
const REPLACEMENT: i64 = 4 * 60;
/// How long the test of a tried address may take.
const TEST_WINDOW: i64 = 40;
/// How many addresses may wait for a place in the tried table.
const MAX_COLLISIONS: usize = 10;
/// In how many buckets of the new table an address may be.
const MAX_REFERENCES: u32 = 8;
/// How much older than stated gossip is taken to be.
pub(crate) const PENALTY: i64 = 2 * 60;
/// How often the time of an address is renewed: one that seems to be online, and another.
const RENEWAL_ONLINE: i64 = 60;
const RENEWAL: i64 = 24 * 60;
/// Never.
const NEVER: i64 = 0;

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    network: u32,
    /// The network of the source that first told of it.
    source: u32,
    seen: i64,
    pub(crate) last_try: i64,
    last_success: i64,
    last_counted: i64,
    attempts: u32,
    /// In how many buckets of the new table it is.
    references: u32,
    is_tried: bool,
}

/// The table.
#[derive(Debug)]
pub(crate) struct AddrMan {
    /// By the address's number.
    entries: Vec<Option<Entry>>,
    places: Places,
    /// Addresses that were reached, and whose place in the tried table another one holds.
    collisions: BTreeSet<Id>,
    last_good: i64,
    new_count: usize,
    tried_count: usize,
    rng: ChaCha12Rng,
}

impl AddrMan {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        Self {
            entries: Vec::new(),
            places: Places::new(rng.random()),
            collisions: BTreeSet::new(),
            last_good: 1,
            new_count: 0,
            tried_count: 0,
            rng,
        }
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Entry> {
        self.entries.get(id as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: Id) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    /// How many addresses are in the new table, and how many in the tried one.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.new_count, self.tried_count)
    }

    /// Hears of an address of a network from a source, itself of a network.
    pub(crate) fn add(&mut self, heard: Heard, network: u32, source: (Id, u32), penalty: i64, now: i64) {
        let Heard { id, seen } = heard;
        // A peer that speaks of itself knows.
        let penalty = if id == source.0 { 0 } else { penalty };
        let source = source.1;
        if id as usize >= self.entries.len() {
            self.entries.resize(id as usize + 1, None);
        }
        let fresh = Entry {
            network,
            source,
            seen: (seen - penalty).max(0),
            last_try: NEVER,
            last_success: NEVER,
            last_counted: NEVER,
            attempts: 0,
            references: 0,
            is_tried: false,
        };
        let references = match &mut self.entries[id as usize] {
            Some(known) => {
                let renewal = if now - seen < RENEWAL { RENEWAL_ONLINE } else { RENEWAL };
                if known.seen < seen - renewal - penalty {
                    known.seen = (seen - penalty).max(0);
                }
                if seen <= known.seen || known.is_tried || known.references == MAX_REFERENCES {
                    return;
                }
                known.references
            }
            none => {
                *none = Some(fresh);
                self.new_count += 1;
                0
            }
        };
        // Each reference makes the next one half as likely.
        if references > 0 && self.rng.random_range(0..1_u32 << references) != 0 {
            return;
        }
        self.refer(id, source, references, now);
    }

    /// Puts an address into the bucket that its source gives it, if that has room or holds something worse.
    fn refer(&mut self, id: Id, source: u32, references: u32, now: i64) {
        let network = self.network(id);
        let slot = self.places.new_slot(id, network, source);
        let there = self.places.new_at(slot);
        if there == Some(id) {
            return;
        }
        let has_room = there
            .and_then(|there| self.get(there))
            .is_none_or(|there| there.is_terrible(now) || there.references > 1 && references == 0);
        if has_room {
            self.clear_new(slot);
            self.places.set_new(slot, Some(id));
            if let Some(entry) = self.get_mut(id) {
                entry.references += 1;
            }
        } else if references == 0 {
            self.entries[id as usize] = None;
            self.new_count -= 1;
        }
    }

    /// Takes whatever is there out of a place of the new table.
    fn clear_new(&mut self, slot: Slot) {
        let Some(id) = self.places.new_at(slot) else { return };
        self.places.set_new(slot, None);
        let Some(entry) = self.get_mut(id) else { return };
        entry.references -= 1;
        if entry.references == 0 && !entry.is_tried {
            self.entries[id as usize] = None;
            self.new_count -= 1;
        }
    }

    /// An address was reached.
    pub(crate) fn good(&mut self, id: Id, now: i64) {
        self.reach(id, true, now);
    }

    fn reach(&mut self, id: Id, tests_before_eviction: bool, now: i64) {
        self.last_good = now;
        let Some(entry) = self.get_mut(id) else { return };
        entry.last_success = now;
        entry.last_try = now;
        entry.attempts = 0;
        if entry.is_tried {
            return;
        }
        let network = entry.network;
        let slot = self.places.tried_slot(id, network);
        if tests_before_eviction && self.places.tried_at(slot).is_some() {
            if self.collisions.len() < MAX_COLLISIONS {
                self.collisions.insert(id);
            }
        } else {
            self.make_tried(id, slot);
        }
    }

    /// Moves an address from the new to the tried table; what was in its place goes back.
    fn make_tried(&mut self, id: Id, slot: Slot) {
        self.places.leave_new(id);
        let evicted = self.places.tried_at(slot);
        self.places.set_tried(slot, Some(id));
        if let Some(entry) = self.get_mut(id) {
            entry.references = 0;
            entry.is_tried = true;
        }
        self.new_count -= 1;
        self.tried_count += 1;
        let Some(evicted) = evicted else { return };
        let Some(entry) = self.get_mut(evicted) else { return };
        entry.is_tried = false;
        let (network, source) = (entry.network, entry.source);
        let slot = self.places.new_slot(evicted, network, source);
        self.clear_new(slot);
        self.places.set_new(slot, Some(evicted));
        if let Some(entry) = self.get_mut(evicted) {
            entry.references = 1;
        }
        self.new_count += 1;
        self.tried_count -= 1;
    }

    /// An address was dialled. A failure counts once between two successes of any address: when the node is offline, it is
    /// not the addresses' fault.
    pub(crate) fn attempt(&mut self, id: Id, counts: bool, now: i64) {
        let last_good = self.last_good;
        let Some(entry) = self.get_mut(id) else { return };
        entry.last_try = now;
        if counts && entry.last_counted < last_good {
            entry.last_counted = now;
            entry.attempts += 1;
        }
    }

    /// A connection to an address ended.
    pub(crate) fn hung_up(&mut self, id: Id, now: i64) {
        if let Some(entry) = self.get_mut(id).filter(|entry| now - entry.seen > 20) {
            entry.seen = now;
        }
    }

    /// Decides which addresses get the places in the tried table that two of them want, where that can be decided.
    pub(crate) fn resolve_collisions(&mut self, now: i64) {
        for id in self.collisions.clone() {
            let Some(&waiting) = self.get(id) else {
                self.collisions.remove(&id);
                continue;
            };
            let slot = self.places.tried_slot(id, waiting.network);
            let holder = self.places.tried_at(slot).and_then(|holder| self.get(holder)).copied();
            let is_decided = match holder {
                Some(holder) if now - holder.last_success < REPLACEMENT => true,
                Some(holder) if now - holder.last_try < REPLACEMENT => {
                    // A dial takes up to a minute.
                    let has_failed = now - holder.last_try > 1;
                    if has_failed {
                        self.reach(id, false, now);
                    }
                    has_failed
                }
                _ => {
                    let is_late = now - waiting.last_success > TEST_WINDOW;
                    if is_late {
                        self.reach(id, false, now);
                    }
                    is_late
                }
            };
            if is_decided {
                self.collisions.remove(&id);
            }
        }
    }

    fn network(&self, id: Id) -> u32 {
        self.get(id).map_or(0, |entry| entry.network)
    }
}

impl Entry {
    /// Whether an address may give way to any other.
    fn is_terrible(&self, now: i64) -> bool {
        if now - self.last_try <= 1 {
            return false;
        }
        self.seen > now + 10
            || now - self.seen > HORIZON
            || self.last_success == NEVER && self.attempts >= RETRIES
            || now - self.last_success > MIN_FAIL && self.attempts >= MAX_FAILURES
    }
}
