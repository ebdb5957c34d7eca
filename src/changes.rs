//! Changes that are to be written to the file later: the table hands them out, the store writes them.

use std::collections::{HashMap, HashSet};

use crate::address::PeerAddress;
use crate::memory;
use crate::peer::PeerRecord;

/// The difference between the file and the table at one point in time: the last state of what changed, deletions included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Whether every row is deleted before anything else is written.
    pub(crate) clears: bool,
    /// Peers whose rows are deleted.
    pub(crate) removed: Vec<PeerAddress>,
    /// Peers whose rows are written as they are now. None of them is among the removed.
    pub(crate) put: Vec<Put>,
}

/// A peer to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) record: PeerRecord,
    /// Whether the file has no row of it: if it is removed before it is ever written, there is nothing to delete.
    pub(crate) is_new: bool,
}

/// The memory for merging two groups of changes, allocated before the later one is taken from the table.
#[derive(Debug, Default)]
pub(crate) struct Room {
    put: HashMap<PeerAddress, Put>,
    removed: HashSet<PeerAddress>,
    all_put: Vec<Put>,
    all_removed: Vec<PeerAddress>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of changes; the deletion of everything is one.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.clears) + self.removed.len() + self.put.len()
    }

    /// Allocates room to be [followed](Self::followed_by) by at most this many peers written and removed.
    pub(crate) fn room_for(&self, put: usize, removed: usize) -> memory::Result<Room> {
        let mut room = Room::default();
        if !self.is_empty() {
            let put = self.put.len() + put;
            let removed = self.removed.len() + removed;
            room.put.try_reserve(put)?;
            room.removed.try_reserve(removed)?;
            room.all_put = memory::with_capacity(put)?;
            room.all_removed = memory::with_capacity(removed)?;
        }
        Ok(room)
    }

    /// Merges these changes, which could not be written, with later ones into the difference between the file as it still
    /// is and the table as it is now. So the result never holds more than the table and the file together.
    ///
    /// Cost: linear in both; no memory but the room.
    pub(crate) fn followed_by(self, later: Self, room: Room) -> Self {
        if later.clears || self.is_empty() {
            return later;
        }
        let Room { mut put, mut removed, mut all_put, mut all_removed } = room;
        put.extend(self.put.into_iter().map(|put| (put.record.address.clone(), put)));
        removed.extend(self.removed);
        for address in later.removed {
            // What the file never had need not be deleted from it.
            if put.remove(&address).is_none_or(|put| !put.is_new) {
                removed.insert(address);
            }
        }
        for Put { record, is_new } in later.put {
            let was_removed = removed.remove(&record.address);
            let was_new = put.get(&record.address).map(|put| put.is_new);
            let is_new = was_new.unwrap_or(is_new && !was_removed);
            put.insert(record.address.clone(), Put { record, is_new });
        }
        all_put.extend(put.into_values());
        all_removed.extend(removed);
        Self { clears: self.clears, removed: all_removed, put: all_put }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> PeerAddress {
        PeerAddress::from_ip([1, 2, 3, n].into(), 1).expect("an address")
    }

    fn put(n: u8, num_failures: u32, is_new: bool) -> Put {
        Put { record: PeerRecord { num_failures, ..PeerRecord::new(address(n), 0) }, is_new }
    }

    fn changes(removed: &[u8], put: &[Put]) -> Changes {
        Changes { clears: false, removed: removed.iter().map(|&n| address(n)).collect(), put: put.to_vec() }
    }

    /// In one order, so that they can be compared.
    fn sorted(mut changes: Changes) -> Changes {
        changes.removed.sort();
        changes.put.sort_by(|a, b| a.record.address.cmp(&b.record.address));
        changes
    }

    fn assert_merged(earlier: Changes, later: Changes, expected: Changes) {
        let room = earlier.room_for(later.put.len(), later.removed.len()).expect("memory");
        assert_eq!(sorted(earlier.followed_by(later, room)), sorted(expected));
    }

    #[test]
    fn the_last_state_of_a_peer_wins() {
        assert_merged(
            changes(&[], &[put(1, 1, true), put(2, 1, false), put(3, 1, false)]),
            changes(&[], &[put(1, 2, false), put(2, 2, false)]),
            changes(&[], &[put(1, 2, true), put(2, 2, false), put(3, 1, false)]),
        );
    }

    #[test]
    fn a_peer_that_the_file_never_had_leaves_nothing_to_delete() {
        assert_merged(
            changes(&[], &[put(1, 1, true), put(2, 1, false)]),
            changes(&[1, 2], &[]),
            changes(&[2], &[]),
        );
    }

    #[test]
    fn a_peer_that_came_back_is_written_and_its_row_is_still_known_of() {
        assert_merged(
            changes(&[1], &[]),
            changes(&[], &[put(1, 5, true)]),
            changes(&[], &[put(1, 5, false)]),
        );
    }

    #[test]
    fn a_deletion_of_everything_leaves_nothing_of_what_came_before() {
        let cleared = Changes { clears: true, removed: vec![], put: vec![put(9, 1, true)] };
        assert_merged(changes(&[1], &[put(2, 1, false)]), cleared.clone(), cleared.clone());
        assert_merged(
            cleared,
            changes(&[9], &[put(3, 1, true)]),
            Changes { clears: true, removed: vec![], put: vec![put(3, 1, true)] },
        );
    }
}
