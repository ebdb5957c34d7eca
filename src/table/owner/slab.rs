//! The slab: the peers, 48 bytes each and without gaps, with the names of their hosts and the as-of time.
//!
//! Everything in the table may read it. Its contents are changed by the owner alone: the functions that do so are visible
//! only there.

use std::sync::Arc;

use super::entry::{Entry, Key};
use super::names::{Names, Texts};
use super::sip::SipHash;
use crate::address::{Host, PeerAddress};
use crate::memory::{self, MIN_CAPACITY};
use crate::netgroup::{GroupingPolicy, Netgroup};
use crate::peer::{PeerRecord, is_promoted};
use crate::sort::sort;
use crate::system::pages::is_large;
use crate::table::facet::Attempt;
use crate::table::slot::slot_number;

/// See the [module](self).
#[derive(Debug)]
pub(in crate::table) struct Slab {
    entries: Vec<Entry>,
    names: Names,
    /// Keyed, because the addresses come from strangers. The same as long as the table lives: callers keep hashes while the
    /// table is not locked.
    hasher: SipHash,
    /// The as-of time.
    as_of: i64,
    /// The rank of the next peer that becomes what it is; `u32::MAX` once ranks are used up.
    next_rank: u32,
    /// A different number after each change of an entry.
    version: u64,
    /// How often the names were renumbered.
    renumberings: u64,
    /// How addresses are counted as netgroups, and which of them are private.
    policy: GroupingPolicy,
}

/// A peer as it is passed to the indexes.
#[derive(Clone, Copy, Debug)]
pub(in crate::table) struct Peer {
    pub(in crate::table) slot: u32,
    /// The hash of its key.
    pub(in crate::table) hash: u64,
    /// The pool that it is in: [`facet`](crate::table::facet).
    pub(in crate::table) pool: usize,
}

/// The properties of a peer that an update may change and that indexes go by.
#[derive(Clone, Copy, Debug)]
pub(in crate::table) struct State {
    pub(in crate::table) next_attempt: i64,
    pub(in crate::table) pool: usize,
}

/// A larger array for the entries, with the first of them.
pub(crate) struct Larger {
    entries: Vec<Entry>,
    version: u64,
    /// How many more parts may be copied: the entries may change all the time.
    parts: usize,
}

impl Larger {
    /// Whether no more parts may be copied.
    pub(crate) fn is_given_up(&self) -> bool {
        self.parts == 0
    }
}

/// This many entries are copied while the table is locked once: less than a megabyte.
const PART: usize = 16_384;

/// A key and its hash.
pub(in crate::table) struct Place {
    pub(in crate::table) key: Key,
    pub(in crate::table) hash: u64,
}

/// Reading.
impl Slab {
    pub(in crate::table) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All slots, in order.
    pub(in crate::table) fn slots(&self) -> std::ops::Range<u32> {
        0..slot_number(self.entries.len())
    }

    pub(in crate::table) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(in crate::table) fn entry(&self, slot: u32) -> &Entry {
        &self.entries[slot as usize]
    }

    /// The texts of the names in use.
    pub(in crate::table) fn texts(&self) -> &Texts {
        self.names.texts()
    }

    /// How many names are in use.
    pub(in crate::table) fn names(&self) -> usize {
        self.names.len()
    }

    pub(in crate::table) fn as_of(&self) -> i64 {
        self.as_of
    }

    pub(in crate::table) fn address(&self, slot: u32) -> PeerAddress {
        self.entry(slot).key().address(self.texts())
    }

    /// Whether a next attempt has been reached at the as-of time.
    pub(in crate::table) fn attempt(&self, next_attempt: i64) -> Attempt {
        if next_attempt <= self.as_of { Attempt::Due } else { Attempt::Waiting }
    }

    /// The pool that a peer is in.
    pub(in crate::table) fn pool(&self, slot: u32) -> usize {
        self.entry(slot).pool()
    }

    pub(in crate::table) fn state(&self, slot: u32) -> State {
        State { next_attempt: self.entry(slot).next_attempt(), pool: self.pool(slot) }
    }

    pub(in crate::table) fn peer(&self, slot: u32) -> Peer {
        Peer { slot, hash: self.hash_of(slot), pool: self.pool(slot) }
    }

    /// The hash of the key in a slot.
    pub(in crate::table) fn hash_of(&self, slot: u32) -> u64 {
        self.entry(slot).key().hash(self.hasher)
    }

    /// The key of an address, or else its name, which is not in use.
    pub(in crate::table) fn key<'a>(&self, address: &'a PeerAddress) -> Result<Key, &'a Arc<str>> {
        let name_number = match address.host() {
            Host::Name(text) => self.names.find(text).ok_or(text)?,
            Host::V4(_) | Host::V6(_) => 0,
        };
        Ok(Key::of(address, name_number))
    }

    pub(in crate::table) fn policy(&self) -> &GroupingPolicy {
        &self.policy
    }

    /// The network that the peer in a slot counts as.
    pub(in crate::table) fn netgroup(&self, slot: u32) -> Netgroup {
        self.netgroup_of(&self.entry(slot).key())
    }

    /// The network that an address counts as.
    pub(in crate::table) fn netgroup_of(&self, key: &Key) -> Netgroup {
        key.netgroup(&self.policy, self.texts())
    }

    /// The network that a name which is not in use counts as. The name has no number: where each name is a netgroup, the
    /// answer is the same for all of those, but for the port where that matters.
    pub(in crate::table) fn netgroup_of_new_name(&self, name: &str, port: u16) -> Netgroup {
        self.policy.of_name(u32::MAX, || name, port)
    }

    /// Whether the peer of an address belongs in the private facets.
    pub(in crate::table) fn hides(&self, address: &PeerAddress) -> bool {
        self.policy.reach().hides(address)
    }

    pub(in crate::table) fn place(&self, key: Key) -> Place {
        Place { key, hash: key.hash(self.hasher) }
    }

    /// How often the names were renumbered, and with them the netgroups that are names.
    pub(in crate::table) fn renumberings(&self) -> u64 {
        self.renumberings
    }

    /// Whether a host is a name that is not in use.
    pub(in crate::table) fn is_new_name(&self, host: &Host) -> bool {
        matches!(host, Host::Name(text) if self.names.find(text).is_none())
    }

    /// The entries, for an index to change what it keeps in them.
    pub(in crate::table) fn entries_mut(&mut self) -> &mut [Entry] {
        self.array()
    }

    fn array(&mut self) -> &mut Vec<Entry> {
        self.version += 1;
        &mut self.entries
    }
}

/// Changing, by the owner.
impl Slab {
    pub(super) fn new(as_of: i64) -> Self {
        Self {
            entries: Vec::new(),
            names: Names::default(),
            hasher: SipHash::random(),
            as_of,
            next_rank: 0,
            version: 0,
            renumberings: 0,
            policy: GroupingPolicy::default(),
        }
    }

    /// Replaces the policy of an empty slab.
    pub(super) fn set_policy(&mut self, policy: GroupingPolicy) {
        self.policy = policy;
    }

    pub(super) fn set_as_of(&mut self, now: i64) {
        self.as_of = now;
    }

    /// Appends a peer. Requires room; `place` is that of its key, unless its name is new. Returns its slot and the hash of
    /// its key.
    pub(super) fn push(&mut self, record: &PeerRecord, place: Option<Place>) -> (u32, u64) {
        let name_number = match record.address.host() {
            Host::Name(text) => self.names.acquire(text),
            Host::V4(_) | Host::V6(_) => 0,
        };
        let place = place.unwrap_or_else(|| self.place(Key::of(&record.address, name_number)));
        let slot = slot_number(self.entries.len());
        let rank = self.take_rank();
        let mut entry = Entry::new(place.key, record, rank);
        entry.set_attempt(self.attempt(record.next_attempt));
        entry.set_private(self.hides(&record.address));
        self.array().push(entry);
        (slot, place.hash)
    }

    /// Replaces what is known about the peer in a slot. A peer that becomes outbound or preferred is the most junior of its
    /// kind.
    pub(super) fn assign(&mut self, slot: u32, record: &PeerRecord) {
        let attempt = self.attempt(record.next_attempt);
        let rank = is_promoted(self.entry(slot).peer_type(), record.peer_type).then(|| self.take_rank());
        let entry = &mut self.entries_mut()[slot as usize];
        entry.assign(record);
        entry.set_attempt(attempt);
        if let Some(rank) = rank {
            entry.set_rank(rank);
        }
    }

    /// A rank that is higher than all others. Cost: constant; once in four billion ranks, that of sorting all peers.
    fn take_rank(&mut self) -> u32 {
        if self.next_rank == u32::MAX {
            self.rank_anew();
        }
        let rank = self.next_rank;
        // Without memory to rank the peers anew, the later ones are equal until there is some.
        self.next_rank = rank.saturating_add(1);
        rank
    }

    /// Gives the peers the lowest ranks, in the same order.
    #[cold]
    fn rank_anew(&mut self) {
        let Ok(mut slots) = memory::collect(self.slots()) else { return };
        let rank = |slot: u32| self.entry(slot).rank();
        sort(&mut slots, &mut |a, b| rank(a).cmp(&rank(b)));
        let entries = self.entries_mut();
        for (rank, &slot) in (0..).zip(&slots) {
            entries[slot as usize].set_rank(rank);
        }
        self.next_rank = slot_number(slots.len());
    }

    /// Puts a peer among the due ones or the waiting ones, as it is at the as-of time. Returns the pool that it was in before,
    /// if that was a different one.
    pub(super) fn sort_by_time(&mut self, slot: u32) -> Option<usize> {
        let attempt = self.attempt(self.entry(slot).next_attempt());
        if self.entry(slot).attempt() == attempt {
            return None;
        }
        let entry = &mut self.entries_mut()[slot as usize];
        let pool = entry.pool();
        entry.set_attempt(attempt);
        Some(pool)
    }

    /// Removes the peer in a slot; the last one fills the gap. Returns the slot that the last one was in, if that was a
    /// different one.
    pub(super) fn swap_remove(&mut self, slot: u32) -> Option<u32> {
        let last = slot_number(self.entries.len() - 1);
        self.release_name(slot);
        self.array().swap_remove(slot as usize);
        (slot != last).then_some(last)
    }

    /// Removes the peers that do not pass, and closes the gaps in order.
    pub(super) fn retain(&mut self, keeps: impl Fn(u32, &Entry) -> bool) {
        for slot in self.slots() {
            if !keeps(slot, self.entry(slot)) {
                self.release_name(slot);
            }
        }
        let mut slots = 0..;
        self.array().retain(|entry| slots.next().is_some_and(|slot| keeps(slot, entry)));
    }

    /// Counts one peer fewer with this peer's name.
    fn release_name(&mut self, slot: u32) {
        if let Some(number) = self.entry(slot).key().name_number() {
            self.names.release(number);
        }
    }

    /// Removes all peers and gives the memory back.
    pub(super) fn clear(&mut self) {
        (self.entries, self.names) = (Vec::new(), Names::default());
    }

    /// Gives memory back where there is much more than is needed, as far as there is memory for smaller arrays. If that gives
    /// the names new numbers, keys and their hashes change, and the new number of each old one is returned. Cost: constant,
    /// amortised.
    pub(super) fn fit(&mut self) -> Option<Vec<u32>> {
        memory::give_back(&mut self.entries);
        if self.names.unused() <= self.entries.len() / 4 + MIN_CAPACITY {
            return None;
        }
        let numbers = self.names.renumber()?;
        self.renumberings += 1;
        self.entries_mut().iter_mut().for_each(|entry| entry.renumber(&numbers));
        Some(numbers)
    }

    /// Whether this many more peers, with this many new names, fit without memory.
    pub(super) fn has_room(&self, peers: usize, names: usize) -> bool {
        self.entries.capacity() - self.entries.len() >= peers && self.names.has_room(names)
    }

    /// Whether this many more peers need a larger array for the entries, and moving all entries there takes long.
    pub(super) fn wants_larger(&self, peers: usize) -> bool {
        let (len, capacity) = (self.entries.len(), self.entries.capacity());
        capacity - len < peers && is_large(len * size_of::<Entry>())
    }

    /// That array, if it is wanted.
    pub(super) fn larger(&self, peers: usize) -> memory::Result<Option<Larger>> {
        if !self.wants_larger(peers) {
            return Ok(None);
        }
        let (len, capacity) = (self.entries.len(), self.entries.capacity());
        let capacity = len.saturating_add(peers).max(capacity.saturating_mul(2));
        let (entries, parts) = (memory::with_capacity(capacity)?, 4 * len.div_ceil(PART));
        Ok(Some(Larger { entries, version: self.version, parts }))
    }

    /// Copies a part of the entries; all of them again, if any has changed since the first part. Returns whether some are left
    /// to copy.
    pub(super) fn copy_part(&self, larger: &mut Larger) -> bool {
        if larger.version != self.version {
            larger.entries.clear();
            larger.version = self.version;
        }
        let begin = larger.entries.len();
        larger.entries.extend(self.entries.iter().skip(begin).take(PART));
        larger.parts = larger.parts.saturating_sub(1);
        larger.entries.len() < self.entries.len() && larger.parts > 0
    }

    /// Exchanges the arrays, if the larger one has all entries as they are; the other one is to be freed once the table is
    /// unlocked.
    pub(super) fn exchange(&mut self, larger: &mut Larger) -> bool {
        let has_all = larger.version == self.version && larger.entries.len() == self.entries.len();
        if has_all {
            std::mem::swap(&mut self.entries, &mut larger.entries);
        }
        has_all
    }

    /// Asks for memory for this many more peers, with this many new names. Cost: constant for each, amortised.
    pub(super) fn reserve(&mut self, peers: usize, names: usize) -> memory::Result {
        memory::reserve(&mut self.entries, peers)?;
        if names > 0 {
            self.names.reserve(names)?;
        }
        Ok(())
    }

    /// The same for exactly this many peers, without new names.
    pub(super) fn reserve_exact(&mut self, peers: usize) -> memory::Result {
        memory::reserve_exact(&mut self.entries, peers)
    }

    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Gives back the memory of all peers that were expected and did not come.
    pub(super) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
    }
}
