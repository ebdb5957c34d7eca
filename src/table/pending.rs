//! What the file does not have yet, for a manager that writes later: the slots that changed, and who is gone.
//!
//! Noting a change costs a bit in the entry and, the first time, a slot in a list. A peer that is removed is
//! remembered by its address if the file has a row of it, or will have one when what was taken last is written.

use std::collections::HashSet;

use super::{PeerTable, slot_number};
use crate::address::PeerAddress;
use crate::changes::{Changes, Put, Room};
use crate::memory::{self, MIN_CAPACITY};

/// The changes since they were taken last.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The slots of all entries that are marked as changed, and some of entries that have gone or moved since.
    slots: Vec<u32>,
    /// How many entries are marked as changed.
    changed: usize,
    /// Peers that are gone and that the file knows.
    removed: HashSet<PeerAddress>,
    /// Whether everything that the file has is gone.
    clears: bool,
}

impl Pending {
    /// The changes of a table that was just emptied.
    pub(super) fn cleared() -> Self {
        Self { clears: true, ..Self::default() }
    }

    /// Makes room to note that so many entries have changed or moved, and so many have gone. Cost: constant for each,
    /// amortised.
    pub(super) fn reserve(&mut self, slots: usize, removed: usize) -> memory::Result {
        self.slots.try_reserve(slots)?;
        Ok(self.removed.try_reserve(removed)?)
    }

    fn len(&self) -> usize {
        self.changed + self.removed.len() + usize::from(self.clears)
    }

    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }

    pub(super) fn changed(&self) -> usize {
        self.changed
    }

    pub(super) fn is_removed(&self, address: &PeerAddress) -> bool {
        self.removed.contains(address)
    }
}

impl PeerTable {
    /// From now on, notes what changes; the file has all that is in the table.
    pub(crate) fn track(&mut self) {
        for entry in &mut self.entries {
            entry.set_on_file(true);
        }
        self.pending = Some(Pending::default());
    }

    /// How many changes the file does not have.
    pub(crate) fn pending(&self) -> usize {
        self.pending.as_ref().map_or(0, Pending::len)
    }

    /// Takes the changes since the last time, to be written, with the room to put them together with what is `unwritten`
    /// from before. Without memory for that, all stays as it is. Cost: linear in their number.
    pub(crate) fn take_pending(&mut self, unwritten: &Changes) -> memory::Result<(Changes, Room)> {
        let Some(pending) = self.pending.as_mut() else { return Ok(Default::default()) };
        let room = unwritten.room_for(pending.changed, pending.removed.len())?;
        let (mut put, mut all_removed) =
            (memory::with_capacity(pending.changed)?, memory::with_capacity(pending.removed.len())?);
        let Pending { slots, removed, clears, .. } = std::mem::take(pending);
        for slot in slots {
            let Some(entry) = self.entries.get_mut(slot as usize).filter(|entry| entry.is_changed()) else {
                continue;
            };
            put.push(Put { record: entry.record(self.names.texts()), is_new: !entry.is_on_file() });
            entry.set_changed(false);
            entry.set_on_file(true);
        }
        all_removed.extend(removed);
        Ok((Changes { clears, removed: all_removed, put }, room))
    }

    /// Notes that the entry in this slot is another than the file has.
    pub(super) fn note_changed(&mut self, slot: u32) {
        let Some(pending) = &mut self.pending else { return };
        let entry = &mut self.entries[slot as usize];
        if !entry.is_changed() {
            entry.set_changed(true);
            pending.changed += 1;
            pending.slots.push(slot);
            self.fit_pending();
        }
    }

    /// Notes that a peer was added.
    pub(super) fn note_added(&mut self, slot: u32, address: &PeerAddress) {
        let Some(pending) = &mut self.pending else { return };
        // A row that was to be deleted is overwritten instead, and so is one that the bounds left out.
        if !pending.removed.is_empty() && pending.removed.remove(address) || self.leaves_rows {
            self.entries[slot as usize].set_on_file(true);
        }
        self.note_changed(slot);
    }

    /// Notes that the entry in this slot is about to go.
    pub(super) fn note_removed(&mut self, slot: u32) {
        let Some(pending) = &mut self.pending else { return };
        let entry = &self.entries[slot as usize];
        pending.changed -= usize::from(entry.is_changed());
        if entry.is_on_file() {
            pending.removed.insert(entry.key().address(self.names.texts()));
        }
    }

    /// Notes that an entry is now in this slot.
    pub(super) fn note_moved(&mut self, slot: u32) {
        let Some(pending) = &mut self.pending else { return };
        if self.entries[slot as usize].is_changed() {
            pending.slots.push(slot);
        }
    }

    /// Drops slots from the list that lead nowhere, when there are many. Cost: constant, amortised.
    pub(super) fn fit_pending(&mut self) {
        let Some(pending) = &mut self.pending else { return };
        if pending.slots.len() > 2 * self.entries.len() + MIN_CAPACITY {
            self.list_changed();
        }
    }

    /// Makes the list of changed slots anew. It takes no memory, because they all are in the old one.
    pub(super) fn list_changed(&mut self) {
        let Some(pending) = &mut self.pending else { return };
        pending.slots.clear();
        let changed = self.entries.iter().enumerate().filter(|(_, entry)| entry.is_changed());
        pending.slots.extend(changed.map(|(slot, _)| slot_number(slot)));
        memory::give_back(&mut pending.slots);
    }
}
