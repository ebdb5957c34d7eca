//! The interface of every index.

use crate::memory;
use crate::table::facet::{PAIRS, pair_of};
use crate::table::owner::slab::{Peer, Slab, State};

/// Something that is kept in step with the slab.
///
/// An index knows the slab, which it may read, and itself; never another index or the owner. It changes nothing in the slab
/// except what it keeps in the entries. Functions with a body are for the indexes that need them.
pub(in crate::table) trait Index {
    /// A peer was inserted, in the slab's last slot.
    fn inserted(&mut self, slab: &mut Slab, peer: Peer);

    /// What is known about the peer in `slot` was updated; its address is the same.
    fn updated(&mut self, _slab: &mut Slab, _slot: u32, _before: State, _after: State) {}

    /// As the as-of time advanced, the peer in `slot` became due or waiting: it belongs in the other pool of its pair. An
    /// index that the table cannot do without takes no memory here.
    fn advanced(&mut self, _slab: &mut Slab, _slot: u32, _from: usize, _to: usize) {}

    /// A peer is about to leave the slab. If its slot is not the last one, [`moved`](Self::moved) follows.
    fn removed(&mut self, slab: &mut Slab, peer: Peer);

    /// The peer in the slab's last slot, which was `from`, has moved to another.
    fn moved(&mut self, slab: &mut Slab, from: u32, peer: Peer);

    /// A peer is about to be dropped by a removal of many, after which the index is [rebuilt](Self::rebuild).
    fn dropped(&mut self, _slab: &Slab, _slot: u32) {}

    /// The slab was changed as a whole. An index that the table cannot do without takes no memory here: that was
    /// [reserved](Self::reserve), or was there before.
    fn rebuild(&mut self, slab: &mut Slab, cause: Cause);

    /// Names were given new numbers, so keys and their hashes have changed.
    fn renumbered(&mut self, _slab: &Slab, _numbers: &[u32]) {}

    /// The slab was emptied. Gives the memory back and asks for none.
    fn clear(&mut self);

    /// A change is over. Gives memory back where there is much more than is needed, or asks for more where too little makes the
    /// index slow; without memory for that, leaves it as it is. Cost: constant, amortised.
    fn fit(&mut self, _slab: &mut Slab) {}

    /// Whether there is room already for the inserts and arrivals of a change.
    fn has_room(&self, _slab: &Slab, _needs: &Needs<'_>) -> bool {
        true
    }

    /// Asks for the memory that a change takes. Cost: constant for each peer, amortised.
    fn reserve(&mut self, _slab: &Slab, _needs: &Needs<'_>) -> memory::Result {
        Ok(())
    }

    /// Prefetches where the index keeps the peer in `slot`, which was looked up to be changed.
    fn looked_up(&self, _slab: &Slab, _slot: u32) {}

    /// Prefetches what changing `slot` will touch.
    fn prefetch(&self, _slot: u32) {}

    /// Checks that the index agrees with the slab and with itself, for tests; returns what does not hold.
    fn check(&self, slab: &Slab) -> Result<(), String>;
}

/// Why an index is rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) enum Cause {
    /// The slab was filled from a file, and only the key index followed.
    Loaded,
    /// Many peers were dropped, and the others have moved.
    Dropped,
}

/// The extent of a change.
#[derive(Debug, Default)]
pub(in crate::table) struct Needs<'a> {
    /// How many peers it inserts.
    pub(in crate::table) inserts: usize,
    /// How many it inserts or updates.
    pub(in crate::table) changes: usize,
    /// How many it removes.
    pub(in crate::table) removals: usize,
    /// The pools that peers join.
    pub(in crate::table) arrivals: Arrivals<'a>,
}

/// The pools that peers join in a change. Of a pair, either pool stands for both.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::table) enum Arrivals<'a> {
    #[default]
    None,
    /// One peer, in this pool.
    One(usize),
    Many(&'a Demand),
}

/// How many peers join each pair of pools.
#[derive(Debug)]
pub(in crate::table) struct Demand([u32; PAIRS]);

impl Demand {
    pub(in crate::table) fn new() -> Self {
        Self([0; PAIRS])
    }

    pub(in crate::table) fn add(&mut self, pool: usize) {
        self.0[pair_of(pool).0] += 1;
    }

    /// The pairs that peers join, and how many join each.
    pub(in crate::table) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, peers)| **peers > 0)
            .map(|(pair, &peers)| (pair, peers as usize))
    }
}

/// `Ok` if something holds, else what does not.
pub(in crate::table) fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}
