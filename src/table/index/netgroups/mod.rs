//! Who is in each netgroup: for the bounds, and to draw by netgroup.
//!
//! This costs memory and a few steps a change, so it is kept only for a table that is bounded or was asked to draw by
//! netgroup. It follows from the slab. So a change that finds no memory here does not fail: the grouping, which is no
//! longer true then, is let go, and built anew when somebody needs it.

mod count;
mod grouping;
mod lists;
mod lowest;
mod peers;

use std::collections::HashMap;

use super::interface::{Cause, Index, ensure};
use crate::memory;
use crate::table::owner::slab::{Peer, Slab, State};

pub(crate) use count::NetgroupCount;
pub(in crate::table) use grouping::Grouping;
pub(in crate::table) use lists::NetgroupLists;

/// See the [module](self).
#[derive(Debug)]
pub(in crate::table) struct Netgroups {
    grouping: Option<Grouping>,
    /// Whether there once was no memory for it.
    is_starved: bool,
}

impl Index for Netgroups {
    fn inserted(&mut self, slab: &mut Slab, peer: Peer) {
        let netgroup = slab.entry(peer.slot).key().netgroup();
        self.change(|grouping| grouping.push(netgroup, peer.pool));
    }

    fn updated(&mut self, slab: &mut Slab, slot: u32, before: State, after: State) {
        if before.pool != after.pool {
            self.advanced(slab, slot, before.pool, after.pool);
        }
    }

    fn advanced(&mut self, _: &mut Slab, slot: u32, from: usize, to: usize) {
        self.change(|grouping| grouping.shift(slot, from, to));
    }

    fn removed(&mut self, _: &mut Slab, peer: Peer) {
        self.change(|grouping| grouping.swap_remove(peer.slot, peer.pool));
    }

    fn moved(&mut self, _: &mut Slab, _: u32, peer: Peer) {
        if let Some(grouping) = &mut self.grouping {
            grouping.relocate(peer.slot, peer.pool);
        }
    }

    fn rebuild(&mut self, slab: &mut Slab, _: Cause) {
        // The old one goes first: there need not be memory for both.
        if self.grouping.take().is_some() && self.build(slab).is_err() {
            self.is_starved = true;
        }
    }

    fn renumbered(&mut self, _: &Slab, numbers: &[u32]) {
        if let Some(grouping) = &mut self.grouping {
            grouping.renumber(numbers);
        }
    }

    fn clear(&mut self) {
        if let Some(grouping) = &mut self.grouping {
            grouping.clear();
        }
    }

    fn fit(&mut self, slab: &mut Slab) {
        if self.grouping.as_ref().is_some_and(Grouping::is_sparse) && self.build(slab).is_err() {
            self.is_starved = true;
        }
    }

    fn looked_up(&self, _: &Slab, slot: u32) {
        if let Some(grouping) = &self.grouping {
            grouping.prefetch_place(slot);
        }
    }

    fn prefetch(&self, slot: u32) {
        if let Some(grouping) = &self.grouping {
            grouping.prefetch(grouping.netgroup_of(slot));
        }
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        let mut peers = HashMap::new();
        for entry in slab.entries() {
            *peers.entry(entry.key().netgroup()).or_insert(0) += 1;
        }
        let count = self.count(slab).map(NetgroupCount::finish);
        ensure(count == Ok(peers.len()), "exactly the netgroups in use are counted")?;
        let Some(grouping) = &self.grouping else { return Ok(()) };
        let is_counted = |(&netgroup, &count): (_, &u32)| grouping.peers_of(netgroup) == count;
        ensure(peers.iter().all(is_counted), "the peers of every netgroup are counted")?;
        ensure(grouping.len() == slab.len(), "every peer has its place in a netgroup")?;
        let of = |slot: u32| (slab.entry(slot).key().netgroup(), slab.pool(slot));
        ensure(grouping.is_consistent(of), "every peer is in its cell of its netgroup")?;
        ensure(
            !grouping.is_sparse() || self.is_starved,
            "the memory of netgroups without peers is given back",
        )
    }
}

impl Netgroups {
    /// No grouping until it is [built](Self::build).
    pub(super) fn new() -> Self {
        Self { grouping: None, is_starved: false }
    }

    /// Who is in each netgroup, if that is kept.
    pub(in crate::table) fn grouping(&self) -> Option<&Grouping> {
        self.grouping.as_ref()
    }

    /// Finds out who is in each netgroup, and keeps it from now on. Cost: linear.
    pub(in crate::table) fn build(&mut self, slab: &Slab) -> memory::Result {
        let mut grouping = Grouping::with_capacity(slab.len())?;
        for (slot, entry) in slab.slots().zip(slab.entries()) {
            grouping.push(entry.key().netgroup(), slab.pool(slot))?;
        }
        self.grouping = Some(grouping);
        Ok(())
    }

    /// Notes that there was no memory to [build](Self::build) it.
    pub(in crate::table) fn starve(&mut self) {
        self.is_starved = true;
    }

    pub(in crate::table) fn is_starved(&self) -> bool {
        self.is_starved
    }

    /// How many netgroups have peers, as far as it is known, or else what tells. Cost: constant if who is in each is kept,
    /// else linear: a look at each peer.
    pub(in crate::table) fn count(&self, slab: &Slab) -> memory::Result<NetgroupCount> {
        if let Some(grouping) = &self.grouping {
            return Ok(NetgroupCount::known(grouping.netgroups()));
        }
        // Each name is a netgroup of its own.
        let mut count = NetgroupCount::known(slab.names());
        slab.entries().iter().try_for_each(|entry| count.see(entry.key().netgroup()))?;
        Ok(count)
    }

    /// Changes the grouping, if there is one, and lets it go if there is no memory for that.
    fn change(&mut self, change: impl FnOnce(&mut Grouping) -> memory::Result) {
        if let Some(grouping) = &mut self.grouping
            && change(grouping).is_err()
        {
            (self.grouping, self.is_starved) = (None, true);
        }
    }
}
