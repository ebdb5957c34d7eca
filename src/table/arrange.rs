//! Keeping the pools, the wheel and the network groups in step with the slab, and at the size that suits it.
//!
//! What only gives memory back, or keeps things fast, is left out when there is no memory for it: that fails no call.

use super::entry::Entry;
use super::netgroups::Members;
use super::pools::{Demand, Pools};
use super::wheel::Wheel;
use super::{PeerTable, hash_of, slot_number};
use crate::memory::{self, MIN_CAPACITY, give_back};

impl PeerTable {
    /// Keeps the entries that pass and arranges all else anew. `members` says who of them is in each network group. It
    /// takes no memory.
    pub(super) fn retain(&mut self, keeps: impl Fn(u32, &Entry) -> bool, members: Option<Members>) {
        for slot in 0..slot_number(self.entries.len()) {
            let entry = self.entries[slot as usize];
            if !keeps(slot, &entry) {
                self.note_removed(slot);
                self.forget(entry.key());
            }
        }
        let mut slots = 0..;
        self.entries.retain(|entry| slots.next().is_some_and(|slot| keeps(slot, entry)));
        self.index.fill(self.entries.len(), hash_of(&self.entries, &self.hasher));
        self.members = members;
        self.sort();
        self.list_changed();
        self.fit();
    }

    /// Makes room for all entries in the pools.
    pub(super) fn reserve_pools(&mut self) -> memory::Result {
        let mut demand = Demand::new();
        (0..slot_number(self.entries.len())).for_each(|slot| demand.add(self.pool(slot)));
        self.pools.reserve(&demand)
    }

    /// Puts all entries into the pools, which have room for them, and into the wheel.
    pub(super) fn sort(&mut self) {
        self.pools.empty();
        for slot in 0..slot_number(self.entries.len()) {
            let pool = self.pool(slot);
            self.pools.insert(&mut self.entries, slot, pool);
        }
        self.turn_anew();
    }

    /// Links all entries in a wheel that suits them, or else in the one that is there.
    fn turn_anew(&mut self) {
        if let Ok(wheel) = Wheel::sized(self.entries.len()) {
            self.wheel = wheel;
        } else {
            self.is_starved = true;
            self.wheel.empty();
        }
        for slot in 0..slot_number(self.entries.len()) {
            self.wheel.link(&mut self.entries, slot);
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
        let netgroup = self.entries[slot as usize].key().netgroup();
        self.change_members(|members| members.push(netgroup, pool));
    }

    /// Moves an entry from one pool to another.
    pub(super) fn shift(&mut self, slot: u32, from: usize, to: usize) {
        if from == to {
            return;
        }
        self.pools.remove(&mut self.entries, slot, from);
        self.pools.insert(&mut self.entries, slot, to);
        self.change_members(|members| members.shift(slot, from, to));
    }

    /// Changes what is noted of the network groups, if that is noted. If there is no memory for the change it is noted no
    /// longer: who needs it calls [`group`](Self::group).
    pub(super) fn change_members(&mut self, change: impl FnOnce(&mut Members) -> memory::Result) {
        if let Some(members) = &mut self.members
            && change(members).is_err()
        {
            self.is_starved = true;
            self.members = None;
        }
    }

    /// Whether it is noted who is in each network group.
    pub(crate) fn is_grouped(&self) -> bool {
        self.members.is_some()
    }

    /// Notes who is in each network group, from now on. Cost: linear.
    pub(crate) fn group(&mut self) -> memory::Result {
        self.members = Some(self.members_of(|_, _| true)?);
        Ok(())
    }

    /// Who is in each network group when these entries are kept, in order. Cost: linear.
    pub(super) fn members_of(&self, keeps: impl Fn(u32, &Entry) -> bool) -> memory::Result<Members> {
        let kept = || self.entries.iter().zip(0..).filter(|(entry, slot)| keeps(*slot, entry));
        let mut members = Members::with_capacity(kept().count())?;
        kept().try_for_each(|(entry, slot)| members.push(entry.key().netgroup(), self.pool(slot)))?;
        Ok(members)
    }

    /// Gives everything the size that suits the table, as far as there is memory for that. Cost: constant, amortised.
    pub(super) fn fit(&mut self) {
        give_back(&mut self.entries);
        self.index.give_back(hash_of(&self.entries, &self.hasher));
        self.pools.give_back();
        self.fit_wheel();
        self.fit_names();
        self.fit_members();
        self.fit_pending();
    }

    fn fit_wheel(&mut self) {
        if !self.wheel.suits(self.entries.len())
            && let Ok(wheel) = Wheel::sized(self.entries.len()).inspect_err(|_| self.is_starved = true)
        {
            self.wheel = wheel;
            for slot in 0..slot_number(self.entries.len()) {
                self.wheel.link(&mut self.entries, slot);
            }
        }
    }

    /// Gives the memory of names that are gone back, when there are many for a table of this size.
    fn fit_names(&mut self) {
        let len = self.entries.len();
        if self.names.unused() > len / 4 + MIN_CAPACITY
            && let Some(numbers) = self.names.renumber()
        {
            for entry in &mut self.entries {
                entry.renumber(&numbers);
            }
            self.index.fill(len, hash_of(&self.entries, &self.hasher));
            if let Some(members) = &mut self.members {
                members.renumber(&numbers);
            }
        }
    }

    /// Gives the memory of network groups that are gone back, when they are many.
    fn fit_members(&mut self) {
        if self.members.as_ref().is_some_and(Members::is_sparse) && self.group().is_err() {
            self.is_starved = true;
        }
    }
}
