//! Keeping the pools, the wheel and the network groups in step with the slab, and at the size that suits it.

use super::entry::Entry;
use super::index::Index;
use super::netgroups::Members;
use super::pools::Pools;
use super::wheel::Wheel;
use super::{MIN_CAPACITY, PeerTable, give_back, hash_of, slot_number};

impl PeerTable {
    /// Keeps the entries that pass and builds all else anew.
    pub(super) fn retain(&mut self, keeps: impl Fn(u32, &Entry) -> bool) {
        for slot in 0..slot_number(self.entries.len()) {
            let entry = self.entries[slot as usize];
            if !keeps(slot, &entry) {
                self.note_removed(slot);
                self.forget(entry.key());
            }
        }
        let mut slots = 0..;
        self.entries.retain(|entry| slots.next().is_some_and(|slot| keeps(slot, entry)));
        give_back(&mut self.entries);
        let len = self.entries.len();
        self.index = Index::of(len, len, hash_of(&self.entries, &self.hasher));
        self.fit_names();
        self.sort_all();
        self.list_changed();
    }

    /// Builds the pools, the wheel and the network groups from the slab.
    pub(super) fn sort_all(&mut self) {
        self.pools = Pools::new();
        self.wheel = Wheel::new(self.entries.len());
        for slot in 0..slot_number(self.entries.len()) {
            let pool = self.pool(slot);
            self.pools.insert(&mut self.entries, slot, pool);
            self.wheel.link(&mut self.entries, slot);
        }
        if self.is_grouped() {
            self.group();
        }
    }

    /// The pool that an entry belongs in.
    pub(super) fn pool(&self, slot: u32) -> usize {
        let entry = &self.entries[slot as usize];
        Pools::pool_of(entry, self.readiness(entry))
    }

    /// Puts the newest entry into its pool and its network group.
    pub(super) fn enter(&mut self, slot: u32) {
        let pool = self.pool(slot);
        self.pools.insert(&mut self.entries, slot, pool);
        if let Some(members) = &mut self.members {
            members.push(self.entries[slot as usize].key().netgroup(), pool);
        }
    }

    /// Moves an entry from one pool to another.
    pub(super) fn shift(&mut self, slot: u32, from: usize, to: usize) {
        if from == to {
            return;
        }
        self.pools.remove(&mut self.entries, slot, from);
        self.pools.insert(&mut self.entries, slot, to);
        if let Some(members) = &mut self.members {
            members.shift(slot, from, to);
        }
    }

    /// Whether it is noted who is in each network group.
    pub(crate) fn is_grouped(&self) -> bool {
        self.members.is_some()
    }

    /// Notes who is in each network group, from now on. Cost: linear.
    pub(crate) fn group(&mut self) {
        let mut members = Members::with_capacity(self.entries.len());
        for slot in 0..slot_number(self.entries.len()) {
            members.push(self.entries[slot as usize].key().netgroup(), self.pool(slot));
        }
        self.members = Some(members);
    }

    /// Gives the wheel the size that suits the table. Cost: constant, amortised.
    pub(super) fn fit_wheel(&mut self) {
        if !self.wheel.suits(self.entries.len()) {
            self.wheel = Wheel::new(self.entries.len());
            for slot in 0..slot_number(self.entries.len()) {
                self.wheel.link(&mut self.entries, slot);
            }
        }
    }

    /// Gives the memory of names that are gone back, when there are many for a table of this size. Cost: constant,
    /// amortised.
    pub(super) fn fit_names(&mut self) {
        let len = self.entries.len();
        if self.names.unused() > len / 4 + MIN_CAPACITY {
            let numbers = self.names.renumber();
            for entry in &mut self.entries {
                entry.renumber(&numbers);
            }
            self.index = Index::of(len, len, hash_of(&self.entries, &self.hasher));
            if self.is_grouped() {
                self.group();
            }
        }
    }

    /// Gives the memory of network groups that are gone back, when they are many. Cost: constant, amortised.
    pub(super) fn fit_members(&mut self) {
        if self.members.as_ref().is_some_and(Members::is_sparse) {
            self.group();
        }
    }
}
