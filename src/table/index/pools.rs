//! Sampling pools: dense arrays of slots, one for each combination of what queries filter on ([`facet`](crate::table::facet)).
//!
//! Every peer is in exactly one pool, so the peers that a query admits are the concatenation of some pools: a random peer
//! is a random position in it.
//!
//! Two pools that differ only in due or waiting share one array, the due peers from its front and the waiting ones from
//! its back. So moving the as-of time takes no memory, and only changes ask for some.

use super::interface::{Arrivals, Cause, Index, Needs, ensure};
use crate::memory::{self, MIN_CAPACITY};
use crate::peer::StoredPeerType;
use crate::system::prefetch::prefetch;
use crate::table::ends::Ends;
use crate::table::facet::{
    Attempt, PAIRS, POOLS, inbound_class, other_of, pair_of, pool_in, pools_of_type, pools_with_failures,
};
use crate::table::owner::entry::Entry;
use crate::table::owner::slab::{Peer, Slab, State};

/// The pools. `pool_position` of an entry is the slot's position in its pool.
#[derive(Debug)]
pub(in crate::table) struct Pools {
    /// For each pair of pools, the slots of due peers from the front, and those of waiting peers from the back. The space
    /// between them is room for more.
    pairs: Vec<Vec<u32>>,
    /// How many slots are in each pool: `ends` has that as well, but a change needs it several times.
    lens: Vec<u32>,
    /// Where each pool ends, for what queries draw.
    ends: Ends,
    /// How many inbound peers have failed.
    failed_inbound: usize,
    /// Whether an array may have become too long for what is in it.
    is_sparse: bool,
}

impl Index for Pools {
    fn inserted(&mut self, slab: &mut Slab, peer: Peer) {
        self.insert(slab.entries_mut(), peer.slot, peer.pool);
    }

    fn updated(&mut self, slab: &mut Slab, slot: u32, before: State, after: State) {
        if before.pool != after.pool {
            self.shift(slab.entries_mut(), slot, before.pool, after.pool);
        }
    }

    fn advanced(&mut self, slab: &mut Slab, slot: u32, from: usize, to: usize) {
        self.shift(slab.entries_mut(), slot, from, to);
    }

    fn removed(&mut self, slab: &mut Slab, peer: Peer) {
        self.remove(slab.entries_mut(), peer.slot, peer.pool);
    }

    fn moved(&mut self, slab: &mut Slab, _: u32, peer: Peer) {
        let position = slab.entry(peer.slot).pool_position;
        self.put(peer.pool, position, peer.slot);
    }

    fn rebuild(&mut self, slab: &mut Slab, _: Cause) {
        self.empty();
        let entries = slab.entries_mut();
        for (slot, index) in (0..).zip(0..entries.len()) {
            let pool = entries[index].pool();
            self.place(entries, slot, pool);
        }
        // Counted once for each pool and not for each slot.
        self.ends = Ends::of(&self.lens);
        let failed_pools = (0..POOLS).filter(|&pool| inbound_class(pool) > Some(0));
        self.failed_inbound = failed_pools.map(|pool| self.len_of(pool)).sum();
    }

    fn clear(&mut self) {
        self.empty();
        // Not with `fill`, which would keep the memory of each.
        for pair in &mut self.pairs {
            *pair = Vec::new();
        }
    }

    fn fit(&mut self, _: &mut Slab) {
        if std::mem::take(&mut self.is_sparse) {
            self.give_back();
        }
    }

    fn has_room(&self, _: &Slab, needs: &Needs<'_>) -> bool {
        match needs.arrivals {
            Arrivals::None => true,
            Arrivals::One(pool) => self.pair_has_room(pair_of(pool).0, 1),
            Arrivals::Many(demand) => demand.pairs().all(|(pair, slots)| self.pair_has_room(pair, slots)),
        }
    }

    fn reserve(&mut self, _: &Slab, needs: &Needs<'_>) -> memory::Result {
        match needs.arrivals {
            Arrivals::None => Ok(()),
            Arrivals::One(pool) => self.reserve_one(pool),
            Arrivals::Many(demand) => {
                demand.pairs().try_for_each(|(pair, slots)| self.reserve_in_pair(pair, slots))
            }
        }
    }

    fn looked_up(&self, slab: &Slab, slot: u32) {
        let (pool, position) = (slab.pool(slot), slab.entry(slot).pool_position as usize);
        let (pair, side) = pair_of(pool);
        let array = &self.pairs[pair];
        prefetch(array.get(index_in(array.len(), side, position)));
        // The last slot of the pool, which fills the gap.
        let last = self.len_of(pool).saturating_sub(1);
        let moved = array.get(index_in(array.len(), side, last));
        prefetch(moved.and_then(|&moved| slab.entries().get(moved as usize)));
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        let is_in_place = |pool: usize| {
            self.slots(pool).zip(0..).all(|(slot, position)| {
                let entry = slab.entries().get(slot as usize);
                entry.is_some_and(|entry| entry.pool_position == position) && slab.pool(slot) == pool
            })
        };
        ensure(
            (0..POOLS).all(is_in_place),
            "every slot is at its position in the pool that its peer belongs in",
        )?;
        let pooled: usize = self.lens.iter().map(|&len| len as usize).sum();
        ensure(pooled == slab.len(), "every peer is in a pool")?;
        let mut ends = Ends::NONE;
        slab.slots().for_each(|slot| ends.add(slab.pool(slot)));
        ensure(self.ends == ends, "it is known where each pool ends")?;
        let is_failed =
            |entry: &&Entry| entry.peer_type() == StoredPeerType::Inbound && entry.num_failures() > 0;
        let failed = slab.entries().iter().filter(is_failed).count();
        ensure(failed == self.failed_inbound, "the inbound peers that have failed are counted")
    }
}

/// Where a position in a pool is in the array of its pair, `len` long: counted from the front for the due side, from the back
/// for the waiting one. Without a branch: see [`pair_of`].
fn index_in(len: usize, side: usize, position: usize) -> usize {
    let mask = 0_usize.wrapping_sub(side);
    (position ^ mask).wrapping_add(len & mask)
}

/// Makes the array of a pair longer; its last `waiting` slots stay at its end.
fn stretch(pair: &mut Vec<u32>, waiting: usize, len: usize) {
    let old_len = pair.len();
    pair.resize(len, 0);
    pair.copy_within(old_len - waiting..old_len, len - waiting);
}

/// An array longer than this grows by a quarter, because the table is locked while its slots are moved.
const LONG: usize = 1 << 16;

/// Whether an array of this length is too long for what is in it.
fn is_sparse(len: usize, used: usize) -> bool {
    len > MIN_CAPACITY && used < len / 4
}

/// The length that an array takes to have room for more slots.
fn len_with_room(len: usize, used: usize, slots: usize) -> usize {
    let more = if len > LONG { len / 4 } else { len };
    used.saturating_add(slots).max(len + more).max(4)
}

impl Pools {
    pub(super) fn new() -> Self {
        Self {
            pairs: vec![Vec::new(); PAIRS],
            lens: vec![0; POOLS],
            ends: Ends::NONE,
            failed_inbound: 0,
            is_sparse: false,
        }
    }

    /// Where each pool ends.
    pub(in crate::table) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// How many slots are in a pool.
    pub(in crate::table) fn len_of(&self, pool: usize) -> usize {
        self.lens[pool] as usize
    }

    /// The slot at a position in a pool.
    pub(in crate::table) fn at(&self, pool: usize, position: usize) -> u32 {
        let (pair, side) = pair_of(pool);
        let array = &self.pairs[pair];
        array[index_in(array.len(), side, position)]
    }

    /// Writes a slot at a position in a pool.
    fn put(&mut self, pool: usize, position: u32, slot: u32) {
        let (pair, side) = pair_of(pool);
        let array = &mut self.pairs[pair];
        let index = index_in(array.len(), side, position as usize);
        array[index] = slot;
    }

    /// How many slots are in the pools of a pair.
    fn used(&self, pair: usize) -> usize {
        [Attempt::Due, Attempt::Waiting].map(|attempt| self.len_of(pool_in(pair, attempt))).iter().sum()
    }

    fn pair_has_room(&self, pair: usize, slots: usize) -> bool {
        self.pairs[pair].len() - self.used(pair) >= slots
    }

    /// Asks for memory for more slots in a pair. Cost: constant for each, amortised.
    fn reserve_in_pair(&mut self, pair: usize, slots: usize) -> memory::Result {
        if !self.pair_has_room(pair, slots) {
            let (used, waiting) = (self.used(pair), self.len_of(pool_in(pair, Attempt::Waiting)));
            let array = &mut self.pairs[pair];
            let len = len_with_room(array.len(), used, slots);
            memory::reserve_exact(array, len - array.len())?;
            stretch(array, waiting, len);
        }
        Ok(())
    }

    /// Asks for memory for one more slot in a pool, or in the other one of its pair. Cost: constant, amortised.
    fn reserve_one(&mut self, pool: usize) -> memory::Result {
        let (pair, side) = pair_of(pool);
        let used = self.lens[pool] + self.lens[other_of(pool, side)];
        if self.pairs[pair].len() > used as usize {
            return Ok(());
        }
        self.reserve_in_pair(pair, 1)
    }

    /// Inserts a slot into a pool. Requires room.
    fn insert(&mut self, entries: &mut [Entry], slot: u32, pool: usize) {
        self.failed_inbound += usize::from(inbound_class(pool) > Some(0));
        self.ends.add(pool);
        self.place(entries, slot, pool);
    }

    /// Puts a slot at the end of a pool, without counting it elsewhere.
    fn place(&mut self, entries: &mut [Entry], slot: u32, pool: usize) {
        let (pair, side) = pair_of(pool);
        let used = self.lens[pool] + self.lens[other_of(pool, side)];
        if self.pairs[pair].len() <= used as usize {
            // Only where nothing was reserved, for a few slots.
            let waiting = self.len_of(pool_in(pair, Attempt::Waiting));
            let array = &mut self.pairs[pair];
            stretch(array, waiting, len_with_room(array.len(), used as usize, 1));
        }
        let position = self.lens[pool];
        self.lens[pool] += 1;
        let array = &mut self.pairs[pair];
        let index = index_in(array.len(), side, position as usize);
        array[index] = slot;
        entries[slot as usize].pool_position = position;
    }

    /// Removes a slot from its pool. The room stays until [`give_back`](Self::give_back).
    fn remove(&mut self, entries: &mut [Entry], slot: u32, pool: usize) {
        self.failed_inbound -= usize::from(inbound_class(pool) > Some(0));
        let (pair, side) = pair_of(pool);
        let (position, last) = (entries[slot as usize].pool_position, self.lens[pool] - 1);
        self.lens[pool] = last;
        self.ends.subtract(pool);
        let array = &mut self.pairs[pair];
        if position != last {
            let moved = array[index_in(array.len(), side, last as usize)];
            let index = index_in(array.len(), side, position as usize);
            array[index] = moved;
            entries[moved as usize].pool_position = position;
        }
        let (len, used) = (array.len(), last + self.lens[other_of(pool, side)]);
        self.is_sparse |= is_sparse(len, used as usize);
    }

    /// Moves a slot from one pool to another.
    fn shift(&mut self, entries: &mut [Entry], slot: u32, from: usize, to: usize) {
        self.remove(entries, slot, from);
        self.insert(entries, slot, to);
    }

    /// Gives back the memory of arrays that are much too long, as far as there is memory for shorter ones.
    fn give_back(&mut self) {
        for pair in 0..PAIRS {
            if is_sparse(self.pairs[pair].len(), self.used(pair)) {
                self.shrink(pair);
            }
        }
    }

    fn shrink(&mut self, pair: usize) {
        let [due, waiting] =
            [Attempt::Due, Attempt::Waiting].map(|attempt| self.len_of(pool_in(pair, attempt)));
        let array = &mut self.pairs[pair];
        let Ok(mut smaller) = memory::with_capacity(2 * (due + waiting)) else { return };
        smaller.extend_from_slice(&array[..due]);
        smaller.resize(2 * due + waiting, 0);
        smaller.extend_from_slice(&array[array.len() - waiting..]);
        *array = smaller;
    }

    /// Removes all slots. Their room stays.
    fn empty(&mut self) {
        self.lens.fill(0);
        self.ends = Ends::NONE;
        (self.failed_inbound, self.is_sparse) = (0, true);
    }

    /// The slots in a pool, by position.
    pub(in crate::table) fn slots(&self, pool: usize) -> impl Iterator<Item = u32> {
        let (pair, side) = pair_of(pool);
        let array = &self.pairs[pair];
        (0..self.len_of(pool)).map(move |position| array[index_in(array.len(), side, position)])
    }

    /// How many inbound peers have failed at least once.
    pub(in crate::table) fn failed_inbound(&self) -> usize {
        self.failed_inbound
    }

    /// How many peers of a type there are.
    pub(in crate::table) fn of_type(&self, peer_type: StoredPeerType) -> usize {
        self.lens[pools_of_type(peer_type)].iter().map(|&len| len as usize).sum()
    }

    /// How many peers are due.
    pub(in crate::table) fn due(&self) -> usize {
        (0..PAIRS).map(|pair| self.len_of(pool_in(pair, Attempt::Due))).sum()
    }

    /// The slots of the peers with at least `min_failures`. Cost: linear in their number, and in that of the peers with
    /// fewer failures of the same class.
    pub(in crate::table) fn with_failures(&self, min_failures: u32, slab: &Slab) -> memory::Result<Vec<u32>> {
        let slots = pools_with_failures(min_failures).flat_map(|pool| self.slots(pool));
        memory::collect(slots.filter(|&slot| slab.entry(slot).num_failures() >= min_failures))
    }
}
