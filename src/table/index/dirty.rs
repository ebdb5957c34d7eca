//! The dirty set: the changes that the file does not have yet, for a manager that writes later.
//!
//! Marking a peer costs a bit in its entry and, the first time, its slot in a list. A second bit says whether the file has
//! a row of the peer, so what is inserted and removed unwritten leaves nothing behind; of a peer that the file has, the
//! address is kept until its row is deleted.

use std::collections::HashSet;

use super::data::PeerData;
use super::interface::{Cause, Index, Needs, ensure};
use crate::address::PeerAddress;
use crate::changes::{Changes, Put, Room};
use crate::history::Times;
use crate::memory::{self, MIN_CAPACITY};
use crate::peer::StoredPeerType;
use crate::table::facet::pools_of_type;
use crate::table::owner::slab::{Peer, Slab, State};
use crate::table::slot::slot_number;

/// See the [module](self).
#[derive(Debug)]
pub(in crate::table) struct Dirty {
    /// The changes since they were last taken, for a manager that writes later.
    changes: Option<Unwritten>,
    /// Whether the file may have rows of peers that are not in the table.
    leaves_rows: bool,
}

/// The changes since the dirty set was last taken.
#[derive(Debug, Default)]
struct Unwritten {
    /// The slots of all dirty entries, and some that others have moved to, or none.
    slots: Vec<u32>,
    /// How many entries are dirty.
    dirty: usize,
    /// Peers that were removed and that the file has.
    removed: HashSet<PeerAddress>,
    /// Peers that were inserted although the file may have rows of them, or those of a removal that is not written yet.
    returned: HashSet<PeerAddress>,
    /// Whether all rows of the file are to be deleted first.
    clears: bool,
}

impl Index for Dirty {
    fn inserted(&mut self, slab: &mut Slab, peer: Peer) {
        let Some(changes) = &mut self.changes else { return };
        // A row that was to be deleted is overwritten instead, and so is one that the bounds left out.
        let is_on_file = if changes.removed.is_empty() && !self.leaves_rows {
            false
        } else {
            let address = slab.address(peer.slot);
            let is_on_file = changes.removed.remove(&address) || self.leaves_rows;
            if is_on_file {
                changes.returned.insert(address);
            }
            is_on_file
        };
        let entry = &mut slab.entries_mut()[peer.slot as usize];
        entry.set_on_file(is_on_file);
        entry.set_takes_row(true);
        changes.mark(slab, peer.slot);
    }

    fn updated(&mut self, slab: &mut Slab, slot: u32, before: State, after: State) {
        let Some(changes) = &mut self.changes else { return };
        let inbound = pools_of_type(StoredPeerType::Inbound);
        if inbound.contains(&before.pool) && !inbound.contains(&after.pool) {
            slab.entries_mut()[slot as usize].set_takes_row(true);
        }
        changes.mark(slab, slot);
    }

    fn removed(&mut self, slab: &mut Slab, peer: Peer) {
        self.dropped(slab, peer.slot);
    }

    fn moved(&mut self, slab: &mut Slab, _: u32, peer: Peer) {
        let Some(changes) = &mut self.changes else { return };
        if slab.entry(peer.slot).is_dirty() {
            changes.slots.push(peer.slot);
        }
    }

    fn dropped(&mut self, slab: &Slab, slot: u32) {
        let Some(changes) = &mut self.changes else { return };
        let entry = slab.entry(slot);
        changes.dirty -= usize::from(entry.is_dirty());
        if entry.is_on_file() {
            changes.removed.insert(slab.address(slot));
        }
    }

    fn rebuild(&mut self, slab: &mut Slab, cause: Cause) {
        // The file has all that was loaded.
        if let Some(changes) = self.changes.as_mut().filter(|_| cause == Cause::Dropped) {
            changes.list(slab);
        }
    }

    fn clear(&mut self) {
        self.leaves_rows = false;
        if let Some(changes) = &mut self.changes {
            *changes = Unwritten { clears: true, ..Unwritten::default() };
        }
    }

    /// Makes the list anew when most of its slots lead nowhere.
    fn fit(&mut self, slab: &mut Slab) {
        let is_long = |changes: &&mut Unwritten| changes.slots.len() > longest_list(slab);
        if let Some(changes) = self.changes.as_mut().filter(is_long) {
            changes.list(slab);
        }
    }

    /// Each change takes a place in the list, and so does a dirty entry that fills the gap of a peer that was removed.
    fn reserve(&mut self, _: &Slab, needs: &Needs<'_>) -> memory::Result {
        let Some(changes) = &mut self.changes else { return Ok(()) };
        changes.slots.try_reserve(needs.changes + needs.removals)?;
        let on_file = if self.leaves_rows { needs.inserts } else { needs.inserts.min(changes.removed.len()) };
        changes.returned.try_reserve(on_file)?;
        Ok(changes.removed.try_reserve(needs.removals)?)
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        let Some(changes) = &self.changes else { return Ok(()) };
        let listed: HashSet<u32> = changes.slots.iter().copied().collect();
        let mut dirty = 0;
        for (slot, entry) in slab.slots().zip(slab.entries()) {
            dirty += usize::from(entry.is_dirty());
            ensure(!entry.is_dirty() || listed.contains(&slot), "every dirty entry is in the list")?;
            ensure(entry.is_dirty() || entry.is_on_file(), "what is not dirty is on file")?;
            ensure(entry.is_dirty() || !entry.takes_row(), "what is not dirty takes no row")?;
            ensure(entry.is_on_file() || entry.takes_row(), "what is not on file takes a row")?;
            ensure(!changes.removed.contains(&slab.address(slot)), "no peer is there and removed")?;
        }
        ensure(changes.dirty == dirty, "the dirty entries are counted")?;
        ensure(changes.slots.len() <= longest_list(slab), "the list of dirty slots is bounded by the table")
    }
}

impl Dirty {
    /// For a manager that does not write later.
    pub(super) fn new() -> Self {
        Self { changes: None, leaves_rows: false }
    }

    /// From now on, tracks what changes: the file has all that is in the slab.
    pub(in crate::table) fn track(&mut self, slab: &mut Slab) {
        for entry in slab.entries_mut() {
            entry.set_on_file(true);
        }
        self.changes = Some(Unwritten::default());
    }

    /// Records that the file has rows of peers that are not in the table.
    pub(in crate::table) fn leave_rows(&mut self) {
        self.leaves_rows = true;
    }

    /// Whether the file may have rows of peers that are not in the table.
    pub(in crate::table) fn leaves_rows(&self) -> bool {
        self.leaves_rows
    }

    /// Marks that the history or the data of the peer in a slot has changed.
    pub(in crate::table) fn touch(&mut self, slab: &mut Slab, slot: u32) {
        if let Some(changes) = &mut self.changes {
            changes.mark(slab, slot);
        }
    }

    /// How many changes the file does not have.
    pub(in crate::table) fn len(&self) -> usize {
        let Some(changes) = &self.changes else { return 0 };
        changes.dirty + changes.removed.len() + usize::from(changes.clears)
    }

    /// Whether changes are tracked.
    pub(in crate::table) fn is_tracking(&self) -> bool {
        self.changes.is_some()
    }

    /// Takes all changes, to be written, with the room to put them and changes of this many `bans` together with those that are
    /// `unwritten` from before. `times` are the histories by slot, if they are kept. Without memory for that, everything stays
    /// as it is. Cost: linear in their number.
    pub(in crate::table) fn take(
        &mut self,
        slab: &mut Slab,
        times: Option<&[Times]>,
        data: &mut PeerData,
        unwritten: &Changes,
        bans: usize,
    ) -> memory::Result<(Changes, Room)> {
        let Some(changes) = &mut self.changes else { return Ok(Default::default()) };
        let room = unwritten.room_for(changes.dirty, changes.removed.len(), changes.returned.len(), bans)?;
        let mut put = memory::with_capacity(changes.dirty)?;
        let bans = memory::with_capacity(bans)?;
        let mut all_removed = memory::with_capacity(changes.removed.len())?;
        let mut copies = memory::with_capacity(changes.slots.len())?;
        for &slot in &changes.slots {
            copies.push(data.unwritten(slot)?);
        }
        let mut all_returned = memory::with_capacity(changes.returned.len())?;
        let Unwritten { slots, removed, returned, clears, .. } = std::mem::take(changes);
        for (slot, data_of_slot) in slots.into_iter().zip(copies) {
            let Some(entry) = slab.entries().get(slot as usize).filter(|entry| entry.is_dirty()) else {
                continue;
            };
            put.push(Put {
                record: entry.record(slab.texts()),
                is_new: !entry.is_on_file(),
                takes_row: entry.takes_row().then(|| entry.rank()),
                times: times.and_then(|times| times.get(slot as usize).copied()),
                data: data_of_slot,
            });
            data.take(slot);
            let entry = &mut slab.entries_mut()[slot as usize];
            entry.set_dirty(false);
            entry.set_on_file(true);
            entry.set_takes_row(false);
        }
        all_removed.extend(removed);
        all_returned.extend(returned);
        Ok((Changes { clears, removed: all_removed, returned: all_returned, put, bans }, room))
    }
}

impl Unwritten {
    /// Marks the entry in a slot as dirty.
    fn mark(&mut self, slab: &mut Slab, slot: u32) {
        let entry = &mut slab.entries_mut()[slot as usize];
        if !entry.is_dirty() {
            entry.set_dirty(true);
            self.dirty += 1;
            self.slots.push(slot);
        }
    }

    /// Lists the dirty slots anew. It takes no memory, because the old list has all of them.
    fn list(&mut self, slab: &Slab) {
        self.slots.clear();
        let dirty = slab.entries().iter().enumerate().filter(|(_, entry)| entry.is_dirty());
        self.slots.extend(dirty.map(|(slot, _)| slot_number(slot)));
        memory::give_back(&mut self.slots);
    }
}

/// How many slots the list may have, so that making it anew costs a constant for each.
fn longest_list(slab: &Slab) -> usize {
    2 * slab.len() + MIN_CAPACITY
}
