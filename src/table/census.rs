//! Looking at all peers: counts, a copy, and the peers that a bulk change concerns. Read only.

use std::collections::HashMap;

use super::facet::pools_of_type;
use super::index::NetgroupCount;
use super::owner::PeerTable;
use super::owner::entry::Entry;
use super::snapshot::{Room, Snapshot, no_room};
use crate::address::{Host, PeerAddress};
use crate::bans::BanSubject;
use crate::error::{Error, Result as Fallible};
use crate::memory;
use crate::peer::{PeerRecord, StoredPeerType, is_promoted};

/// How many peers there are of each sort.
#[derive(Debug)]
pub(crate) struct Census {
    pub(crate) by_type: [u64; 3],
    pub(crate) due: u64,
    pub(crate) netgroups: NetgroupCount,
}

impl PeerTable {
    /// Counts the peers, as of `now`, for which the table must have been [advanced](Self::advance), and a first
    /// [part](Self::count_netgroups) of the netgroups. Cost: that of counting those that are due.
    pub(crate) fn census(&self, now: i64) -> memory::Result<Census> {
        let mut netgroups = NetgroupCount::of_table(self.len());
        self.count_netgroups(&mut netgroups)?;
        Ok(Census {
            by_type: StoredPeerType::ALL.map(|peer_type| self.count_of(peer_type) as u64),
            due: self.count_due(now) as u64,
            netgroups,
        })
    }

    /// Goes on counting the netgroups, by looking at a part of the peers, small enough for the table to be locked that long;
    /// all at once if the table is [grouped](Self::is_grouped). Peers that are added meanwhile are not counted, and a netgroup
    /// that is already counted stays so when its peers are removed.
    pub(crate) fn count_netgroups(&self, count: &mut NetgroupCount) -> memory::Result {
        self.indexes().netgroups.count_part(self.slab(), count, self.steps())
    }

    /// How many peers of a type there are. Cost: constant.
    pub(crate) fn count_of(&self, peer_type: StoredPeerType) -> usize {
        self.indexes().pools.of_type(peer_type)
    }

    /// Copies the whole table into this room, which is made larger if it does not suffice. Cost: linear, 32 bytes a peer, 52
    /// with histories, and the data.
    pub(crate) fn snapshot(&self, room: Room) -> Fallible<Snapshot> {
        let copy = || -> memory::Result<_> {
            let mut peers = room.0;
            peers.try_reserve_exact(self.len())?;
            peers.extend(self.slab().entries().iter().map(Entry::compact));
            let times = self.indexes().histories.all();
            let times = times.map(|times| memory::collect(times.iter().copied())).transpose()?;
            Ok(Snapshot::new(peers, self.slab().texts().try_clone()?, times, self.indexes().data.copy()?))
        };
        copy().map_err(|_| no_room(self.len()))
    }

    /// The slots of the peers with at least `min_num_failures`, until a peer is removed. Cost: linear in their number.
    pub(crate) fn with_failures(&self, min_num_failures: u32) -> memory::Result<Vec<u32>> {
        self.indexes().pools.with_failures(min_num_failures, self.slab())
    }

    /// The slots of the peers of a host, until a peer is removed. Cost: linear in the table.
    pub(crate) fn on_host(&self, host: &Host) -> memory::Result<Vec<u32>> {
        let slab = self.slab();
        memory::collect(slab.slots().filter(|&slot| slab.address(slot).host() == host))
    }

    /// The slots of the peers that a ban of this subject covers, until a peer is removed. Cost: linear in the table.
    pub(crate) fn within(&self, subject: &BanSubject) -> memory::Result<Vec<u32>> {
        let slab = self.slab();
        memory::collect(slab.slots().filter(|&slot| subject.contains(&slab.address(slot))))
    }

    /// The slots of the peers that are banned at `now`, until a peer is removed. Cost: that of a look-up for each peer, if
    /// there are bans.
    pub(crate) fn banned(&self, now: i64) -> memory::Result<Vec<u32>> {
        if self.bans().is_empty() {
            return Ok(Vec::new());
        }
        let slab = self.slab();
        memory::collect(slab.slots().filter(|&slot| self.bans().find(&slab.address(slot), now).is_some()))
    }

    /// The slots of the inbound peers that were never reached and were last heard of before `since`, until a peer is removed.
    /// Cost: linear in the inbound peers.
    pub(crate) fn not_heard_since(&self, since: i64) -> memory::Result<Vec<u32>> {
        let pools = pools_of_type(StoredPeerType::Inbound);
        let inbound = pools.flat_map(|pool| self.indexes().pools.slots(pool));
        let is_forgotten = |slot: u32| self.times(slot).is_some_and(|times| times.is_forgotten(since));
        memory::collect(inbound.filter(|&slot| is_forgotten(slot)))
    }

    /// The slots of the peers that wait beyond `latest`, until a peer is removed, and their records with `latest` as the next
    /// attempt. Cost: linear in the table.
    pub(crate) fn waiting_beyond(&self, latest: i64) -> Fallible<(Vec<u32>, Vec<PeerRecord>)> {
        let waits_longer = |&slot: &u32| self.slab().entry(slot).next_attempt() > latest;
        let count = self.slab().slots().filter(waits_longer).count();
        let (mut slots, mut records) = (Vec::new(), Vec::new());
        let reserved = slots.try_reserve_exact(count).and_then(|()| records.try_reserve_exact(count));
        reserved.map_err(|_| Error::no_memory("for a list of the peers that wait too long"))?;
        for slot in self.slab().slots().filter(waits_longer) {
            slots.push(slot);
            let record = self.slab().entry(slot).record(self.slab().texts());
            records.push(PeerRecord { next_attempt: latest, ..record });
        }
        Ok((slots, records))
    }

    /// The positions of those records whose peers take new rows if they are stored one after the other, although the file may
    /// have rows of them: they become outbound or preferred, or the file has rows of peers that are not in the table.
    ///
    /// Cost: linear in the records, if one of them is not inbound; else constant, if the file has no such rows.
    pub(crate) fn renewed(&self, records: &[PeerRecord]) -> memory::Result<Vec<usize>> {
        let leaves_rows = self.indexes().dirty.leaves_rows();
        let mut renewed = Vec::new();
        if !leaves_rows && records.iter().all(|record| record.peer_type == StoredPeerType::Inbound) {
            return Ok(renewed);
        }
        // What the peers are by then; a single record has none before it.
        let mut types: HashMap<&PeerAddress, StoredPeerType> = HashMap::new();
        for (position, record) in records.iter().enumerate() {
            let known = || self.find(&record.address).map(|slot| self.slab().entry(slot).peer_type());
            let before = types.get(&record.address).copied().or_else(known);
            if before.map_or(leaves_rows, |before| is_promoted(before, record.peer_type)) {
                memory::push(&mut renewed, position)?;
            }
            if records.len() > 1 {
                types.try_reserve(1)?;
                types.insert(&record.address, record.peer_type);
            }
        }
        Ok(renewed)
    }
}
