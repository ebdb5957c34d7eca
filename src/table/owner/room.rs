//! Room: the memory that a change takes, asked for before the database is written.
//!
//! Each index asks for what it needs of it ([`Needs`]); the slab's own is asked for here. Once a change has its room, making it
//! takes no memory worth speaking of. The parts that the table can do without, the wheel's size and the grouping, ask for
//! memory when the change is made, and are left as they are or let go if there is none.

use super::PeerTable;
use super::slab::{Larger, Slab};
use crate::address::Host;
use crate::error::{Error, Result as Fallible};
use crate::history::Noted;
use crate::memory;
use crate::peer::PeerRecord;
use crate::table::KeyTable;
use crate::table::facet::{self, Attempt, are_paired};
use crate::table::index::interface::{Arrivals, Demand, Index as _, Needs};

/// Loading begins with room for this many peers, if the file claims to have as many.
const FIRST_LOADED: usize = 1024;

/// Growing a large table without locking it for long: its entries are copied in parts, before the change that needs the
/// room.
impl PeerTable {
    /// Whether a larger table of the key index, or a larger array for the entries, is to be made before this many more peers
    /// are inserted.
    pub(crate) fn must_grow(&self, peers: usize) -> bool {
        self.wanted_keys(peers).is_some() || self.slab.wants_larger(peers)
    }

    /// How many slots the next table of the key index is to have room for, if one is to be made before this many more peers are
    /// inserted. A large one is made while the table is not locked.
    pub(crate) fn wanted_keys(&self, peers: usize) -> Option<usize> {
        self.indexes.keys.wanted(&self.slab, peers)
    }

    /// Begins to fill the next table of the key index.
    pub(crate) fn begin_keys(&mut self, table: KeyTable) {
        self.indexes.keys.begin(table);
    }

    /// A larger array for the entries, if this many more peers need one and the table is large.
    pub(crate) fn larger(&self, peers: usize) -> memory::Result<Option<Larger>> {
        self.slab.larger(peers)
    }

    /// Copies a part of the entries. Returns whether some are left to copy.
    pub(crate) fn copy_part(&self, larger: &mut Larger) -> bool {
        self.slab.copy_part(larger)
    }

    /// Takes the larger array, unless entries have changed since they were copied. Returns whether it did.
    pub(crate) fn exchange(&mut self, larger: &mut Larger) -> bool {
        self.slab.exchange(larger)
    }
}

impl PeerTable {
    /// Asks for memory to insert records, to evict this many peers, and for histories and data. Cost: constant, amortised; linear
    /// in the histories and data.
    pub(crate) fn reserve_insert(
        &mut self,
        inserts: Inserts<'_>,
        evictions: usize,
        noted: &[Noted],
    ) -> Fallible<()> {
        let records = match inserts {
            Inserts::One(_) => 1,
            Inserts::Many(batch) => batch.records,
        };
        self.try_reserve_insert(inserts, records, evictions, noted)
            .map_err(|_| Error::no_memory(&format!("for {records} more peers")))
    }

    fn try_reserve_insert(
        &mut self,
        inserts: Inserts<'_>,
        records: usize,
        evictions: usize,
        noted: &[Noted],
    ) -> memory::Result {
        let data = noted.iter().filter_map(|noted| Some(noted.data.as_ref()?.len()));
        self.indexes.data.reserve_data(&self.slab, records, data)?;
        let (names, needs) = match inserts {
            Inserts::One(record) => {
                let pool = either_pool(record, self.slab.hides(&record.address));
                let names = usize::from(self.slab.is_new_name(record.address.host()));
                (names, Needs { inserts: 1, arrivals: Arrivals::One(pool), ..Needs::default() })
            }
            Inserts::Many(batch) => (batch.names, batch.needs()),
        };
        self.slab.reserve(needs.inserts, names)?;
        let changes = records.saturating_add(noted.len());
        self.indexes.reserve(&self.slab, &Needs { changes, removals: evictions, ..needs })
    }

    /// Asks for memory to give this many peers another next attempt. Cost: constant for each, amortised.
    pub(crate) fn reserve_next_attempts(&mut self, peers: usize) -> Fallible<()> {
        let needs = Needs { changes: peers, ..Needs::default() };
        let reserved = self.indexes.reserve(&self.slab, &needs);
        reserved.map_err(|_| Error::no_memory(&format!("to change {peers} peers")))
    }

    /// Asks for memory to update the peer in a slot. Cost: constant, amortised.
    pub(crate) fn reserve_update(&mut self, slot: u32, record: &PeerRecord) -> Fallible<()> {
        let entry = self.slab.entry(slot);
        let mut needs = Needs { changes: 1, ..Needs::default() };
        if entry.num_failures() != record.num_failures || entry.peer_type() != record.peer_type {
            needs.arrivals = Arrivals::One(either_pool(record, entry.is_private()));
        }
        self.indexes.reserve(&self.slab, &needs).map_err(|_| Error::no_memory("to change a peer"))
    }

    /// Asks for memory to give a peer data of this length. Cost: constant, amortised; linear for the first in a table.
    pub(crate) fn reserve_data(&mut self, length: usize) -> Fallible<()> {
        let needs = Needs { changes: 1, ..Needs::default() };
        self.indexes
            .data
            .reserve_data(&self.slab, 0, std::iter::once(length))
            .and_then(|()| self.indexes.reserve(&self.slab, &needs))
            .map_err(|_| Error::no_memory("for the data of a peer"))
    }

    /// Asks for memory to remove this many peers. Cost: constant for each, amortised.
    pub(crate) fn reserve_remove(&mut self, peers: usize) -> Fallible<()> {
        let needs = Needs { removals: peers, ..Needs::default() };
        let reserved = self.indexes.reserve(&self.slab, &needs);
        reserved.map_err(|_| Error::no_memory(&format!("to remove {peers} peers")))
    }

    /// Asks for memory for one more peer that is read from a file, which claims to have `expected` of them. That is not
    /// believed beyond what is proportionate to what was read; if it is right, the room is as large as it says.
    pub(super) fn reserve_load(&mut self, record: &PeerRecord, expected: usize) -> memory::Result {
        let len = self.len();
        let one = Needs { inserts: 1, ..Needs::default() };
        if len == self.slab.capacity() || !self.indexes.has_room(&self.slab, &one) {
            let believed = expected.min(len.saturating_mul(4).max(FIRST_LOADED));
            let inserts = if believed > len {
                self.slab.reserve_exact(believed - len)?;
                believed - len
            } else {
                self.slab.reserve(1, 0)?;
                1
            };
            self.indexes.reserve(&self.slab, &Needs { inserts, ..Needs::default() })?;
        }
        self.slab.reserve(0, usize::from(matches!(record.address.host(), Host::Name(_))))
    }

    /// Asks for memory to rebuild the indexes of a table that was loaded.
    pub(super) fn reserve_rebuild(&mut self) -> memory::Result {
        let mut demand = Demand::new();
        self.slab.slots().for_each(|slot| demand.add(self.slab.pool(slot)));
        let needs = Needs { arrivals: Arrivals::Many(&demand), ..Needs::default() };
        self.indexes.reserve(&self.slab, &needs)
    }

    /// What it takes to insert records, all of which may be known to be new; more, if one that is new is there twice. It holds
    /// until peers are inserted or removed. Cost: linear in the records.
    pub(crate) fn batch(&self, records: &[PeerRecord], are_new: bool) -> Batch {
        let batch = Batch::of_new(records, &self.slab);
        let has_room = self.slab.has_room(batch.inserts, batch.names)
            && self.indexes.has_room(&self.slab, &batch.needs());
        // Only where there is no room for all of them does it matter how many are known.
        if has_room { batch } else { self.exact_batch(records, are_new) }
    }

    fn exact_batch(&self, records: &[PeerRecord], are_new: bool) -> Batch {
        let mut batch = Batch { records: records.len(), inserts: 0, names: 0, demand: Demand::new() };
        for record in records {
            let known = if are_new { None } else { self.find(&record.address) };
            if let Some(slot) = known {
                let pool = either_pool(record, self.slab.entry(slot).is_private());
                if !are_paired(self.slab.pool(slot), pool) {
                    batch.demand.add(pool);
                }
            } else {
                batch.inserts += 1;
                batch.names += usize::from(self.slab.is_new_name(record.address.host()));
                batch.demand.add(either_pool(record, self.slab.hides(&record.address)));
            }
        }
        batch
    }
}

/// What is to be inserted: one record, or a batch that has been [counted](PeerTable::batch).
#[derive(Clone, Copy)]
pub(crate) enum Inserts<'a> {
    One(&'a PeerRecord),
    Many(&'a Batch),
}

/// What it takes to insert a batch of records.
pub(crate) struct Batch {
    records: usize,
    inserts: usize,
    /// How many names are new.
    names: usize,
    demand: Demand,
}

impl Batch {
    /// What it takes if all records are new, and all of their names.
    fn of_new(records: &[PeerRecord], slab: &Slab) -> Self {
        let mut batch =
            Self { records: records.len(), inserts: records.len(), names: 0, demand: Demand::new() };
        for record in records {
            batch.names += usize::from(matches!(record.address.host(), Host::Name(_)));
            batch.demand.add(either_pool(record, slab.hides(&record.address)));
        }
        batch
    }

    fn needs(&self) -> Needs<'_> {
        Needs { inserts: self.inserts, arrivals: Arrivals::Many(&self.demand), ..Needs::default() }
    }
}

/// One of the two pools that a peer with this record may belong in.
fn either_pool(record: &PeerRecord, is_private: bool) -> usize {
    facet::pool(facet::facet(record.peer_type, Attempt::Due, is_private), record.num_failures)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::address::PeerAddress;
    use crate::table::Bounds;

    /// A table of this many peers from a file that claims to have a different number.
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
            assert_eq!(loaded(peers, peers as usize).slab.capacity(), peers as usize);
        }
    }

    #[test]
    fn a_large_table_grows_in_parts_and_begins_anew_when_entries_change() {
        let mut table = loaded(150_000, 150_000);
        assert!(
            loaded(1_000, 1_000).larger(1).is_ok_and(|larger| larger.is_none()),
            "a small one is moved at once"
        );
        let mut larger = table.larger(1).expect("memory").expect("there is no room for one more");
        assert!(!table.exchange(&mut larger), "nothing is copied yet");
        for part in 0..15 {
            assert_eq!(table.copy_part(&mut larger), part != 14, "part {part}");
            if part == 4 {
                // The first five were for nothing.
                let record = PeerRecord { num_failures: 7, ..table.slab.entry(3).record(table.slab.texts()) };
                table.reserve_update(3, &record).expect("memory");
                table.update(3, &record);
            }
        }
        assert!(table.exchange(&mut larger));
        assert_eq!((table.slab.capacity(), table.slab.entry(3).num_failures()), (300_000, 7));
        assert!(table.larger(150_000).is_ok_and(|larger| larger.is_none()));
        let mut larger = table.larger(150_001).expect("memory").expect("there is no room for so many");
        for _ in 0..100 {
            table.copy_part(&mut larger);
            table.slab.entries_mut();
        }
        assert!(!table.exchange(&mut larger) && larger.is_given_up());
        assert_eq!(table.check_invariants(), Ok(()));
    }

    #[test]
    fn a_file_that_lies_gets_no_more_than_four_times_what_was_read() {
        for peers in [10, 5_000, 50_000] {
            let room = loaded(peers, usize::MAX).slab.capacity();
            assert!(room <= (4 * peers as usize).max(FIRST_LOADED), "{room} for {peers}");
        }
        assert!(loaded(5_000, 7).slab.capacity() <= 10_000);
    }
}
