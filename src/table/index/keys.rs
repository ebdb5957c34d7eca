//! The key index: from an address to its slot.
//!
//! The hashes are keyed (by the slab), so strangers cannot choose addresses that collide.

use super::interface::{Cause, Index, Needs, ensure};
use crate::memory;
use crate::table::hash_index::{HashIndex, Table};
use crate::table::owner::slab::{Peer, Place, Slab};
use crate::table::slot::{MAX_SLOTS, slot_number};

const _: () = assert!(MAX_SLOTS <= 3 << 30, "buckets of four bytes tell no more slots apart");

/// The slots of the slab by the hash of their keys.
#[derive(Debug)]
pub(in crate::table) struct Keys(HashIndex);

impl Index for Keys {
    fn inserted(&mut self, slab: &mut Slab, peer: Peer) {
        self.0.insert(peer.hash, peer.slot);
        self.0.step(end(slab), &hash_in(slab));
    }

    fn removed(&mut self, slab: &mut Slab, peer: Peer) {
        self.0.remove(peer.hash, peer.slot, &hash_in(slab));
    }

    fn moved(&mut self, slab: &mut Slab, from: u32, peer: Peer) {
        self.0.replace(peer.hash, from, peer.slot, &hash_in(slab));
    }

    fn rebuild(&mut self, slab: &mut Slab, cause: Cause) {
        // While the slab was filled from a file, the index was given each peer, or there would be two with the same address.
        if cause == Cause::Dropped {
            self.renumbered(slab, &[]);
        }
    }

    fn renumbered(&mut self, slab: &Slab, _: &[u32]) {
        self.0.fill(end(slab), &hash_in(slab));
    }

    fn clear(&mut self) {
        *self = Self::new();
    }

    fn fit(&mut self, slab: &mut Slab) {
        self.0.fit(end(slab), &hash_in(slab));
    }

    fn has_room(&self, slab: &Slab, needs: &Needs<'_>) -> bool {
        self.0.has_room(slab.len() + needs.inserts)
    }

    fn reserve(&mut self, slab: &Slab, needs: &Needs<'_>) -> memory::Result {
        if needs.inserts == 0 {
            return Ok(());
        }
        self.0.reserve(slab.len() + needs.inserts, end(slab), &hash_in(slab))
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        ensure(
            self.0.is_consistent(end(slab), &hash_in(slab)),
            "the key index has exactly the slots in use",
        )?;
        let is_found = |slot: u32| self.find_place(slab, &slab.place(slab.entry(slot).key())) == Some(slot);
        ensure(slab.slots().all(is_found), "the key index leads to every entry")
    }
}

/// The slots of the slab are those below this.
fn end(slab: &Slab) -> u32 {
    slot_number(slab.len())
}

/// The hash of each slot.
fn hash_in(slab: &Slab) -> impl Fn(u32) -> Option<u64> {
    |slot| (slot < end(slab)).then(|| slab.hash_of(slot))
}

impl Keys {
    /// The smallest index, without slots.
    pub(super) fn new() -> Self {
        Self(HashIndex::new())
    }

    /// The slot of a key. Cost: constant, expected.
    pub(in crate::table) fn find_place(&self, slab: &Slab, place: &Place) -> Option<u32> {
        self.0.find(place.hash, |slot| slab.entry(slot).key() == place.key)
    }

    /// How many slots the next table is to have room for, if one is to be made before this many more peers are inserted.
    pub(in crate::table) fn wanted(&self, slab: &Slab, peers: usize) -> Option<usize> {
        self.0.wanted(slab.len() + peers)
    }

    /// Begins to fill the next table.
    pub(in crate::table) fn begin(&mut self, table: Table) {
        self.0.begin(table);
    }

    /// Prefetches the bucket at which a look-up of this hash begins.
    pub(in crate::table) fn prefetch_home(&self, hash: u64) {
        self.0.prefetch(hash);
    }
}
