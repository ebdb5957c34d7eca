//! Room for what is about to change, asked for before the database is written.
//!
//! Once a change has its room, applying it takes no memory worth speaking of. The room stays until then, because only
//! changes use any up, and there is one at a time: peers that become due, or must wait again, stay within the
//! [pair of pools](super::pools) they are in. What the table can do without, the [wheel's size](super::wheel) and
//! [who is in each network group](super::netgroups), asks for memory when it is applied, and is left as it is or let go if
//! there is none.

use super::pools::{Demand, Pools};
use super::{PeerTable, hash_of};
use crate::address::Host;
use crate::error::{Error, Result as Fallible};
use crate::memory;
use crate::peer::PeerRecord;

/// With so many peers the loading begins, if the file claims to have as many.
const FIRST_LOADED: usize = 1024;

/// What a batch takes.
struct Needs {
    peers: usize,
    names: usize,
    pools: Demand,
}

impl PeerTable {
    /// Makes room for records, of which it may be known that they `are_new`, and to remove `displaced` others.
    ///
    /// Cost: constant for each, amortised.
    pub(crate) fn reserve(
        &mut self,
        records: &[PeerRecord],
        are_new: bool,
        displaced: usize,
    ) -> Fallible<()> {
        self.try_reserve(records, are_new, displaced)
            .map_err(|_| Error::no_memory(&format!("for {} more peers", records.len())))
    }

    fn try_reserve(&mut self, records: &[PeerRecord], are_new: bool, displaced: usize) -> memory::Result {
        if let [record] = records {
            self.reserve_entries(1, usize::from(self.has_new_name(record)))?;
            self.pools.reserve_one(Pools::either_of(record, record.address.is_private()))?;
        } else {
            let mut needs = Needs::of_new(records);
            if !self.has_room(&needs) {
                // Only then it matters how many of them are known.
                needs = self.needs(records, are_new);
                self.reserve_entries(needs.peers, needs.names)?;
                self.pools.reserve(&needs.pools)?;
            }
        }
        self.reserve_pending(records.len(), displaced)
    }

    /// Makes room to replace what is known of the peer in a slot. Cost: constant, amortised.
    pub(crate) fn reserve_to_replace(&mut self, slot: u32, record: &PeerRecord) -> Fallible<()> {
        let entry = &self.entries[slot as usize];
        if entry.num_failures != record.num_failures || entry.peer_type() != record.peer_type {
            let pool = Pools::either_of(record, entry.is_private());
            self.pools.reserve_one(pool).map_err(|_| Error::no_memory("to change a peer"))?;
        }
        self.reserve_pending(1, 0).map_err(|_| Error::no_memory("to change a peer"))
    }

    /// Makes room to remove so many peers. Cost: constant for each, amortised.
    pub(crate) fn reserve_to_remove(&mut self, peers: usize) -> Fallible<()> {
        self.reserve_pending(0, peers).map_err(|_| Error::no_memory(&format!("to remove {peers} peers")))
    }

    /// Makes room for one more peer that is read from a file, which claims to have `expected` of them. It is not believed
    /// more than is proportionate to what was read, but if it is right the room is as large as it says.
    pub(super) fn reserve_to_load(&mut self, record: &PeerRecord, expected: usize) -> memory::Result {
        let len = self.len();
        if len == self.entries.capacity() || !self.index.has_room(len + 1) {
            let believed = expected.min(len.saturating_mul(4).max(FIRST_LOADED));
            if believed > len {
                self.entries.try_reserve_exact(believed - len)?;
                self.index.reserve(believed, hash_of(&self.entries, &self.hasher))?;
            } else {
                self.reserve_entries(1, 0)?;
            }
        }
        if matches!(record.address.host(), Host::Name(_)) {
            self.names.reserve(1)?;
        }
        Ok(())
    }

    fn reserve_entries(&mut self, peers: usize, names: usize) -> memory::Result {
        self.entries.try_reserve(peers)?;
        let len = self.len() + peers;
        self.index.reserve(len, hash_of(&self.entries, &self.hasher))?;
        if names > 0 {
            self.names.reserve(names)?;
        }
        Ok(())
    }

    /// Each change is noted by a slot, and so is each entry that fills the gap of one removed.
    fn reserve_pending(&mut self, changed: usize, removed: usize) -> memory::Result {
        self.pending.as_mut().map_or(Ok(()), |pending| pending.reserve(changed + removed, removed))
    }

    fn has_room(&self, needs: &Needs) -> bool {
        self.entries.capacity() - self.len() >= needs.peers
            && self.index.has_room(self.len() + needs.peers)
            && self.names.has_room(needs.names)
            && self.pools.has_room(&needs.pools)
    }

    /// What these records take, if none of those that are new is there twice.
    fn needs(&self, records: &[PeerRecord], are_new: bool) -> Needs {
        let mut needs = Needs { peers: 0, names: 0, pools: Demand::new() };
        for record in records {
            let known = if are_new { None } else { self.find(&record.address) };
            if let Some(slot) = known {
                let (now, then) = (self.pool(slot), self.pool_after(slot, record));
                if !Pools::are_paired(now, then) {
                    needs.pools.add(then);
                }
            } else {
                needs.peers += 1;
                needs.names += usize::from(self.has_new_name(record));
                needs.pools.add(Pools::either_of(record, record.address.is_private()));
            }
        }
        needs
    }

    /// A pool of the pair that the peer in a slot is in when it has this record.
    fn pool_after(&self, slot: u32, record: &PeerRecord) -> usize {
        Pools::either_of(record, self.entries[slot as usize].is_private())
    }

    fn has_new_name(&self, record: &PeerRecord) -> bool {
        matches!(record.address.host(), Host::Name(text) if self.names.find(text).is_none())
    }
}

impl Needs {
    /// What these records take if all of them are new.
    fn of_new(records: &[PeerRecord]) -> Self {
        let mut needs = Self { peers: records.len(), names: 0, pools: Demand::new() };
        for record in records {
            needs.names += usize::from(matches!(record.address.host(), Host::Name(_)));
            needs.pools.add(Pools::either_of(record, record.address.is_private()));
        }
        needs
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::address::PeerAddress;
    use crate::table::Bounds;

    /// A table of so many peers from a file that claims to have others.
    fn loaded(peers: u32, claimed: usize) -> PeerTable {
        let mut table = PeerTable::new(0, Bounds::NONE);
        let loaded = table.load(|expect, put| {
            expect(claimed);
            (0..peers).try_for_each(|n| {
                let address = PeerAddress::from_canonical(Host::V4(Ipv4Addr::from_bits(n)), 1);
                put(&PeerRecord::new(address, 0))
            })
        });
        assert_eq!(loaded.expect("memory"), ((), 0));
        table
    }

    #[test]
    fn a_file_that_tells_the_truth_ends_with_exactly_the_room_that_it_takes() {
        for peers in [1, 1024, 1025, 50_000] {
            assert_eq!(loaded(peers, peers as usize).entries.capacity(), peers as usize);
        }
    }

    #[test]
    fn a_file_that_lies_gets_no_more_than_four_times_what_was_read() {
        for peers in [10, 5_000, 50_000] {
            let room = loaded(peers, usize::MAX).entries.capacity();
            assert!(room <= (4 * peers as usize).max(FIRST_LOADED), "{room} for {peers}");
        }
        assert!(loaded(5_000, 7).entries.capacity() <= 10_000);
    }
}
