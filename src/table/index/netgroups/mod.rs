//! The peers of each netgroup: for the bounds, and to draw by netgroup.
//!
//! This costs memory and a few steps a change, so it is kept only for a table that is bounded or was asked to draw by
//! netgroup. It follows from the slab. So a change that finds no memory here does not fail: the grouping, which is no
//! longer true then, is let go, and built anew when it is needed.
//!
//! Building it looks at every peer, and the table must not be locked for that long, so it is done in parts. Until the last one,
//! the grouping being built knows only the first slots, and is kept in step with them.

mod chunks;
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
    /// The grouping that is built to replace it: it knows the first slots, but never all.
    next: Option<Grouping>,
    /// Whether there once was no memory for it.
    is_starved: bool,
}

/// While the next grouping is built, each change also builds this many steps of it.
const STEPS_OF_CHANGE: u32 = if cfg!(test) { 1 } else { 16 };

impl Index for Netgroups {
    fn inserted(&mut self, slab: &mut Slab, peer: Peer) {
        let netgroup = slab.netgroup(peer.slot);
        self.change(|grouping| grouping.push(netgroup, peer.pool));
    }

    fn updated(&mut self, slab: &mut Slab, slot: u32, before: State, after: State) {
        if before.pool != after.pool {
            self.advanced(slab, slot, before.pool, after.pool);
        }
    }

    fn advanced(&mut self, _: &mut Slab, slot: u32, from: usize, to: usize) {
        self.change(|grouping| grouping.shift(slot, from, to));
        self.change_next(slot, |next| next.shift(slot, from, to));
    }

    fn removed(&mut self, slab: &mut Slab, peer: Peer) {
        self.change(|grouping| grouping.swap_remove(peer.slot, peer.pool));
        if self.next.as_ref().is_some_and(|next| peer.slot as usize >= next.len()) {
            // The only slot that it did not know may leave.
            self.finish(slab.len() - 1);
        } else {
            self.change_next(peer.slot, |next| next.vacate(peer.slot, peer.pool));
        }
    }

    fn moved(&mut self, slab: &mut Slab, _: u32, peer: Peer) {
        let Peer { slot, pool, .. } = peer;
        self.change(|grouping| {
            grouping.relocate(slot, pool);
            Ok(())
        });
        // It did not know the last slot, but knows the one that this has moved to.
        let netgroup = slab.netgroup(slot);
        self.change_next(slot, |next| next.fill(slot, netgroup, pool));
        self.finish(slab.len());
    }

    fn rebuild(&mut self, slab: &mut Slab, _: Cause) {
        // The old one goes first: there need not be memory for both.
        self.next = None;
        if self.grouping.take().is_some() && self.build(slab).is_err() {
            self.is_starved = true;
        }
    }

    fn renumbered(&mut self, _: &Slab, numbers: &[u32]) {
        for grouping in [&mut self.grouping, &mut self.next].into_iter().flatten() {
            grouping.renumber(numbers);
        }
    }

    fn clear(&mut self) {
        if let Some(grouping) = &mut self.grouping {
            grouping.clear();
        }
        self.next = None;
    }

    fn fit(&mut self, slab: &mut Slab) {
        if let Some(grouping) = &mut self.grouping {
            grouping.fit();
        }
        let is_wanted = self.next.is_some() || self.grouping.as_ref().is_some_and(Grouping::is_sparse);
        if is_wanted && self.build_in_part(slab, STEPS_OF_CHANGE).is_err() {
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
        for slot in slab.slots() {
            *peers.entry(slab.netgroup(slot)).or_insert(0) += 1;
        }
        let mut count = NetgroupCount::of_table(slab.len());
        let looked = self.count_part(slab, &mut count, u32::MAX);
        ensure(
            looked.map(|()| count.finish()) == Ok(peers.len()),
            "exactly the netgroups in use are counted",
        )?;
        let of = |slot: u32| (slab.netgroup(slot), slab.pool(slot));
        if let Some(next) = &self.next {
            ensure(next.len() < slab.len(), "what is built does not know all slots")?;
            ensure(next.is_consistent(of), "what is built knows the first slots")?;
        }
        let Some(grouping) = &self.grouping else { return Ok(()) };
        let is_counted = |(&netgroup, &count): (_, &u32)| grouping.peers_of(netgroup) == count;
        ensure(peers.iter().all(is_counted), "the peers of every netgroup are counted")?;
        ensure(grouping.len() == slab.len(), "every peer has its place in a netgroup")?;
        ensure(grouping.is_consistent(of), "every peer is in its cell of its netgroup")?;
        ensure(
            !grouping.is_sparse() || self.next.is_some() || self.is_starved,
            "the memory of netgroups without peers is given back",
        )
    }
}

impl Netgroups {
    /// No grouping until it is [built](Self::build).
    pub(super) fn new() -> Self {
        Self { grouping: None, next: None, is_starved: false }
    }

    /// The peers of each netgroup, if they are kept.
    pub(in crate::table) fn grouping(&self) -> Option<&Grouping> {
        self.grouping.as_ref()
    }

    /// Groups the peers by netgroup, and keeps that from now on. Cost: linear.
    pub(in crate::table) fn build(&mut self, slab: &Slab) -> memory::Result {
        self.build_in_part(slab, u32::MAX)
    }

    /// The same for this many more of the peers; the last part ends it. Without memory, begins anew the next time.
    pub(in crate::table) fn build_in_part(&mut self, slab: &Slab, peers: u32) -> memory::Result {
        let mut next = match self.next.take() {
            Some(next) => next,
            None => Grouping::with_capacity(slab.len())?,
        };
        for slot in slab.slots().skip(next.len()).take(peers as usize) {
            next.push(slab.netgroup(slot), slab.pool(slot))?;
        }
        self.next = Some(next);
        self.finish(slab.len());
        Ok(())
    }

    /// Takes what is built for the grouping if it knows all slots.
    fn finish(&mut self, slots: usize) {
        if self.next.as_ref().is_some_and(|next| next.len() == slots) {
            self.grouping = self.next.take();
        }
    }

    /// Records that there was no memory to [build](Self::build) it.
    pub(in crate::table) fn starve(&mut self) {
        self.is_starved = true;
    }

    pub(in crate::table) fn is_starved(&self) -> bool {
        self.is_starved
    }

    /// Goes on counting the netgroups that have peers: by looking at this many more peers, unless the peers of each are kept.
    pub(in crate::table) fn count_part(
        &self,
        slab: &Slab,
        count: &mut NetgroupCount,
        peers: u32,
    ) -> memory::Result {
        if let Some(grouping) = &self.grouping {
            *count = NetgroupCount::known(grouping.netgroups());
            return Ok(());
        }
        count.begin_anew_if_renumbered(slab.renumberings(), slab.len());
        let are_names_counted = slab.policy().is_each_name_one();
        count.set_known(if are_names_counted { slab.names() } else { 0 });
        for slot in count.next_slots(slab.len(), peers) {
            count.see(slab.netgroup(slot), are_names_counted)?;
        }
        Ok(())
    }

    /// Changes the grouping, if there is one, and lets it go if there is no memory for that.
    fn change(&mut self, change: impl FnOnce(&mut Grouping) -> memory::Result) {
        if self.grouping.as_mut().is_some_and(|grouping| change(grouping).is_err()) {
            (self.grouping, self.is_starved) = (None, true);
        }
    }

    /// Changes what is built, if it knows the slot, and lets it go if there is no memory for that.
    fn change_next(&mut self, slot: u32, change: impl FnOnce(&mut Grouping) -> memory::Result) {
        let next = self.next.as_mut().filter(|next| (slot as usize) < next.len());
        if next.is_some_and(|next| change(next).is_err()) {
            (self.next, self.is_starved) = (None, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    use crate::address::{Host, PeerAddress};
    use crate::netgroup::{GroupingPolicy, NameGroups};
    use crate::peer::PeerRecord;
    use crate::reach::Reach;
    use crate::table::{Bounds, Inserts, PeerTable};

    /// A record of a random peer out of four hundred, in fifty netgroups; it may be due at 0 or not.
    fn record(rng: &mut ChaCha12Rng) -> PeerRecord {
        let n = rng.random_range(0..400_u32);
        let address = PeerAddress::from_canonical(Host::V4(Ipv4Addr::from_bits((n % 50) << 16 | n)), 1);
        let mut record = PeerRecord::new(address, rng.random_range(-1..2));
        record.num_failures = rng.random_range(0..40);
        record
    }

    #[test]
    fn what_is_built_in_parts_is_kept_in_step_with_every_change_and_comes_to_an_end() {
        for seed in 0..10 {
            let mut rng = ChaCha12Rng::seed_from_u64(seed);
            let mut table = PeerTable::new(0, Bounds::NONE);
            table.set_steps(1);
            let mut parts = 0;
            for step in 0..2_000 {
                let record = record(&mut rng);
                let found = table.find(&record.address);
                match (found, rng.random_range(0..6)) {
                    (Some(slot), 0..3) => {
                        table.reserve_remove(1).expect("memory");
                        let hash = table.slab().hash_of(slot);
                        table.remove(slot, hash);
                    }
                    (Some(slot), _) => {
                        table.reserve_update(slot, &record).expect("memory");
                        table.update(slot, &record);
                    }
                    (None, _) => {
                        table.reserve_insert(Inserts::One(&record), 0, &[]).expect("memory");
                        table.insert(&[record], &[], &mut []);
                    }
                }
                table.advance(step / 50 % 2);
                if step > 300 && rng.random_range(0..4) == 0 && !table.is_grouped() {
                    table.group_in_part().expect("memory");
                    parts += 1;
                }
                if step % 7 == 0 {
                    assert_eq!(table.check_invariants(), Ok(()), "seed {seed}, step {step}");
                }
            }
            assert!(table.is_grouped() && parts > 1, "{parts} parts, seed {seed}");
        }
    }

    #[test]
    fn names_that_are_renumbered_while_netgroups_are_counted_count_once() {
        let policy = GroupingPolicy::new(NameGroups::Each, Reach::Private);
        let mut table = PeerTable::new(0, Bounds::NONE);
        table.set_policy(policy);
        let peers: Vec<_> = (0..4_000_u32)
            .map(|n| PeerRecord::new(format!("name{n}.org:1").parse().expect("an address"), 0))
            .collect();
        let batch = table.batch(&peers, true);
        table.reserve_insert(Inserts::Many(&batch), 0, &[]).expect("memory");
        table.insert(&peers, &[], &mut []);
        // The last ones are seen, and the first ones go.
        table.set_steps(300);
        let mut netgroups = table.census(0).expect("memory").netgroups;
        for peer in &peers[..2_000] {
            let slot = table.find(&peer.address).expect("a peer");
            table.reserve_remove(1).expect("memory");
            let hash = table.slab().hash_of(slot);
            table.remove(slot, hash);
        }
        assert!(table.slab().renumberings() > 0, "names were renumbered");
        while !netgroups.is_complete() {
            table.count_netgroups(&mut netgroups).expect("memory");
        }
        assert_eq!(netgroups.finish(), 2_000);
    }
}
