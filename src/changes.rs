//! Changes that are to be written to the file later: the table hands them out, the store writes them.

use std::collections::{HashMap, HashSet};

use crate::address::PeerAddress;
use crate::bans::{self, BanChange};
use crate::history::Times;
use crate::memory;
use crate::peer::PeerRecord;
use crate::sort::sort;

/// The difference between the file and the table at one point in time: the last state of what changed, deletions included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Whether every row is deleted before anything else is written.
    pub(crate) clears: bool,
    /// Peers whose rows are deleted, with all that is kept about them.
    pub(crate) removed: Vec<PeerAddress>,
    /// Peers that are new although the file may have a row of them: anything else it has about them is deleted before anything
    /// is written.
    pub(crate) returned: Vec<PeerAddress>,
    /// Peers whose rows are written as they are now, in the order in which they take new rows. None of them is among the
    /// removed.
    pub(crate) put: Vec<Put>,
    /// Bans whose rows are written as they are now, or deleted.
    pub(crate) bans: Vec<BanChange>,
}

/// A peer to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) record: PeerRecord,
    /// Whether the file has no row of it: if it is removed before it is ever written, there is nothing to delete.
    pub(crate) is_new: bool,
    /// The peer's rank, if it takes a new row: it is new, or became outbound or preferred. Else its row stays in its place.
    pub(crate) takes_row: Option<u32>,
    /// Its history, if that is kept.
    pub(crate) times: Option<Times>,
    /// Its data if the file has other data, empty if it now has none.
    pub(crate) data: Option<Vec<u8>>,
}

/// The memory for merging two groups of changes, allocated before the later one is taken from the table.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Where a peer is among all that are put.
    positions: HashMap<PeerAddress, usize>,
    removed: HashSet<PeerAddress>,
    all_put: Vec<Put>,
    all_removed: Vec<PeerAddress>,
    all_returned: Vec<PeerAddress>,
    order: Vec<u32>,
    order_of_bans: Vec<u32>,
    all_bans: Vec<BanChange>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of changes; the deletion of everything is one.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.clears) + self.removed.len() + self.put.len() + self.bans.len()
    }

    /// Allocates room to be [followed](Self::followed_by) by at most this many peers written, removed and returned, and bans
    /// changed.
    pub(crate) fn room_for(
        &self,
        put: usize,
        removed: usize,
        returned: usize,
        bans: usize,
    ) -> memory::Result<Room> {
        let mut room = Room { order: memory::with_capacity(put)?, ..Room::default() };
        if !self.is_empty() {
            let put = self.put.len() + put;
            let removed = self.removed.len() + removed;
            room.positions.try_reserve(put)?;
            room.removed.try_reserve(removed)?;
            room.all_put = memory::with_capacity(put)?;
            room.all_removed = memory::with_capacity(removed)?;
            let came_back = self.removed.len().min(put);
            room.all_returned = memory::with_capacity(self.returned.len() + returned + came_back)?;
            room.order_of_bans = memory::with_capacity(self.bans.len())?;
            room.all_bans = memory::with_capacity(self.bans.len() + bans)?;
        }
        Ok(room)
    }

    /// Puts the peers that take new rows in the order of their ranks, and the others after them. The order takes memory for one
    /// number per peer. Cost: that of sorting, if they are not in order yet.
    fn sort(&mut self, order: &mut Vec<u32>) {
        let key = |put: &Put| (put.takes_row.is_none(), put.takes_row);
        if self.put.is_sorted_by_key(key) {
            return;
        }
        order.clear();
        order.extend((0..).take(self.put.len()));
        let key_at = |number: u32| key(&self.put[number as usize]);
        sort(order, &mut |a, b| key_at(a).cmp(&key_at(b)));
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        // Each cycle of the permutation is followed until it is closed.
        for start in 0..order.len() {
            let mut to = start;
            loop {
                let from = std::mem::replace(&mut order[to], number(to)) as usize;
                if from == start {
                    break;
                }
                self.put.swap(to, from);
                to = from;
            }
        }
    }

    /// Merges these changes, which could not be written, with later ones into the difference between the file as it still
    /// is and the table as it is now. So the result never holds more than the table and the file together.
    ///
    /// Cost: linear in both, and that of sorting the later ones by rank; no memory except the room.
    pub(crate) fn followed_by(self, mut later: Self, mut room: Room) -> Self {
        later.sort(&mut room.order);
        if self.is_empty() {
            return later;
        }
        let Room {
            mut positions,
            mut removed,
            all_put: mut put,
            mut all_removed,
            all_returned: mut returned,
            ..
        } = room;
        let bans = bans::merge(self.bans, later.bans, room.order_of_bans, room.all_bans);
        if later.clears {
            return Self { bans, ..later };
        }
        put.extend(self.put);
        positions.extend(put.iter().enumerate().map(|(at, put)| (put.record.address.clone(), at)));
        removed.extend(self.removed);
        for address in later.removed {
            // A row that the file never had need not be deleted from it.
            if positions.remove(&address).is_none_or(|at| !put[at].is_new) {
                removed.insert(address);
            }
        }
        for address in &later.returned {
            // It was removed in between.
            if let Some(&at) = positions.get(address) {
                put[at].data = None;
            }
        }
        returned.extend(self.returned);
        returned.extend(later.returned);
        for mut last in later.put {
            let was_removed = removed.remove(&last.record.address);
            if let Some(&at) = positions.get(&last.record.address) {
                let earlier = &mut put[at];
                last.data = last.data.or_else(|| earlier.data.take());
                if last.takes_row.is_none() {
                    (earlier.record, earlier.times, earlier.data) = (last.record, last.times, last.data);
                    continue;
                }
                last.is_new = earlier.is_new;
            } else if was_removed {
                last.is_new = false;
                returned.push(last.record.address.clone());
            }
            positions.insert(last.record.address.clone(), put.len());
            put.push(last);
        }
        let mut at = 0..;
        put.retain(|put| at.next() == positions.get(&put.record.address).copied());
        all_removed.extend(removed);
        Self { clears: self.clears, removed: all_removed, returned, put, bans }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bans::BanSubject;

    fn address(n: u8) -> PeerAddress {
        PeerAddress::from_ip([1, 2, 3, n].into(), 1).expect("an address")
    }

    fn put(n: u8, num_failures: u32, is_new: bool) -> Put {
        Put {
            record: PeerRecord { num_failures, ..PeerRecord::new(address(n), 0) },
            is_new,
            takes_row: is_new.then_some(u32::from(n)),
            times: Some(Times::of_new_peer(i64::from(num_failures))),
            data: None,
        }
    }

    fn with_data(put: Put, data: &[u8]) -> Put {
        Put { data: Some(data.to_vec()), ..put }
    }

    fn promoted(n: u8, rank: u32) -> Put {
        Put { takes_row: Some(rank), ..put(n, 0, false) }
    }

    fn changes(removed: &[u8], put: &[Put]) -> Changes {
        let removed = removed.iter().map(|&n| address(n)).collect();
        Changes { removed, put: put.to_vec(), ..Changes::default() }
    }

    /// The removed in one order, so that they can be compared.
    fn sorted(mut changes: Changes) -> Changes {
        changes.removed.sort();
        changes
    }

    fn assert_merged(earlier: Changes, later: Changes, expected: Changes) {
        let room = earlier
            .room_for(later.put.len(), later.removed.len(), later.returned.len(), later.bans.len())
            .expect("memory");
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
    fn a_peer_that_came_back_is_written_and_its_row_is_still_known_of_but_it_begins_with_nothing() {
        let returned =
            |put: &Put| Changes { returned: vec![address(1)], ..changes(&[], std::slice::from_ref(put)) };
        let back = Put { is_new: false, ..put(1, 5, true) };
        assert_merged(changes(&[1], &[]), changes(&[], &[put(1, 5, true)]), returned(&back));
        assert_merged(changes(&[], &[with_data(put(1, 4, false), b"old")]), returned(&back), returned(&back));
        let new = with_data(back, b"new");
        assert_merged(changes(&[], &[with_data(put(1, 4, false), b"old")]), returned(&new), returned(&new));
    }

    #[test]
    fn data_is_written_as_it_was_set_last_and_an_update_of_the_peer_does_not_lose_it() {
        assert_merged(
            changes(
                &[],
                &[with_data(put(1, 1, true), b"a"), with_data(put(2, 1, true), b"b"), put(3, 1, false)],
            ),
            changes(
                &[],
                &[put(1, 2, false), with_data(put(2, 2, false), b""), with_data(put(3, 1, false), b"c")],
            ),
            changes(
                &[],
                &[
                    with_data(put(1, 2, true), b"a"),
                    with_data(put(2, 2, true), b""),
                    with_data(put(3, 1, false), b"c"),
                ],
            ),
        );
        assert_merged(
            changes(&[], &[with_data(put(1, 1, false), b"a")]),
            changes(&[], &[promoted(1, 7)]),
            changes(&[], &[with_data(promoted(1, 7), b"a")]),
        );
    }

    #[test]
    fn new_rows_are_taken_in_the_order_of_ranks_and_others_keep_their_place() {
        let unordered = changes(
            &[],
            &[put(9, 0, false), put(7, 0, true), promoted(4, 6), put(3, 0, false), put(5, 0, true)],
        );
        let ordered = changes(
            &[],
            &[put(5, 0, true), promoted(4, 6), put(7, 0, true), put(9, 0, false), put(3, 0, false)],
        );
        assert_merged(changes(&[], &[]), unordered, ordered.clone());
        assert_merged(
            ordered,
            changes(&[], &[promoted(5, 2), put(8, 0, true), put(7, 3, false)]),
            changes(
                &[],
                &[
                    promoted(4, 6),
                    put(7, 3, true),
                    put(9, 0, false),
                    put(3, 0, false),
                    Put { is_new: true, ..promoted(5, 2) },
                    put(8, 0, true),
                ],
            ),
        );
    }

    #[test]
    fn a_deletion_of_everything_leaves_nothing_of_what_came_before() {
        let cleared = Changes { clears: true, ..changes(&[], &[put(9, 1, true)]) };
        assert_merged(changes(&[1], &[put(2, 1, false)]), cleared.clone(), cleared.clone());
        assert_merged(
            cleared,
            changes(&[9], &[put(3, 1, true)]),
            Changes { clears: true, ..changes(&[], &[put(3, 1, true)]) },
        );
    }

    #[test]
    fn a_deletion_of_all_peers_leaves_the_bans() {
        let ban = |n: u8, until| BanChange {
            subject: BanSubject::from(address(n).host()),
            until,
            is_new: until.is_some(),
        };
        assert_merged(
            Changes { bans: vec![ban(1, Some(5)), ban(2, Some(5))], ..changes(&[], &[put(1, 1, true)]) },
            Changes { clears: true, bans: vec![ban(2, None), ban(3, Some(7))], ..Changes::default() },
            Changes { clears: true, bans: vec![ban(1, Some(5)), ban(3, Some(7))], ..Changes::default() },
        );
    }
}
