//! The bounds on a table, line by line and with nothing clever: who is let in, and who goes instead.
//!
//! Of several equally bad peers any may go. So the model does not choose: it is shown the table after a call, and says
//! whether there is a way to get there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::netgroup::Policy;
use peer_manager::{PeerAddress, PeerRecord, StoredPeerType};

pub(crate) type Peers = BTreeMap<PeerAddress, PeerRecord>;

/// The two options; 0 is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) max_peers: u64,
    pub(crate) max_peers_per_netgroup: u32,
}

/// A table with bounds, and the rows of its file that they leave out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounded {
    bounds: Bounds,
    policy: Policy,
    table: Peers,
    left_out: Peers,
    refused: u64,
}

/// What became of the new peers of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) new: usize,
    pub(crate) refused: usize,
}

/// What is done with an address that is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Stays,
    IsReplaced,
}

/// Whether there is room for a new peer.
enum Room {
    Free,
    /// One of these has to go.
    InsteadOf(Vec<PeerAddress>),
    None,
}

impl Bounded {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Opens a file with these rows, in their order: the best are kept.
    pub(crate) fn open(bounds: Bounds, rows: impl IntoIterator<Item = PeerRecord>) -> Self {
        Self::open_under(Policy::default(), bounds, rows)
    }

    /// The same with another policy.
    pub(crate) fn open_under(
        policy: Policy,
        bounds: Bounds,
        rows: impl IntoIterator<Item = PeerRecord>,
    ) -> Self {
        let mut model = Self { policy, ..Self::new(bounds) };
        let mut rows: Vec<PeerRecord> = rows.into_iter().collect();
        rows.sort_by_key(|row| (Reverse(row.peer_type), row.num_failures));
        for row in rows {
            if model.is_full(&model.table) || model.is_netgroup_full(&model.table, &row.address) {
                model.left_out.insert(row.address.clone(), row);
                model.refused += 1;
            } else {
                model.table.insert(row.address.clone(), row);
            }
        }
        model
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    /// Whether gossip of this address is refused now; if so, it is counted.
    pub(crate) fn refuses(&mut self, address: &PeerAddress) -> bool {
        let is_refused = !self.table.contains_key(address) && self.policy.refuses(address);
        self.refused += u64::from(is_refused);
        is_refused
    }

    pub(crate) fn table(&self) -> &Peers {
        &self.table
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// What the file has.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &PeerRecord> {
        self.table.values().chain(self.left_out.values())
    }

    /// Takes these records in, one after the other, so that the table is `after`.
    ///
    /// # Panics
    /// If there is no way to get there.
    pub(crate) fn take_in(&mut self, batch: &[PeerRecord], known: Known, after: &Peers) -> Admitted {
        let own: BTreeSet<_> = batch.iter().map(|record| record.address.clone()).collect();
        let gone: BTreeSet<_> = self.table.keys().filter(|a| !after.contains_key(a)).cloned().collect();
        let call = Call { own: &own, gone: &gone, known, after };
        let Some(admitted) = self.find_way(self.table.clone(), batch, &call) else {
            panic!(
                "with {:?}, {batch:?} cannot make of\n{:?}\nthe table\n{:?}",
                self.bounds,
                self.table.values().collect::<Vec<_>>(),
                after.values().collect::<Vec<_>>()
            );
        };
        self.table.clone_from(after);
        self.refused += admitted.refused as u64;
        self.left_out.retain(|address, _| !(own.contains(address) && after.contains_key(address)));
        admitted
    }

    pub(crate) fn remove(&mut self, address: &PeerAddress) -> bool {
        self.table.remove(address).is_some()
    }

    /// Says how many were removed from the table. In the file, all rows are meant, unless they are written later.
    pub(crate) fn remove_peers_with_many_failures(&mut self, min: u32, is_deferred: bool) -> usize {
        let before = self.table.len();
        self.table.retain(|_, record| record.num_failures < min);
        if !is_deferred {
            self.left_out.retain(|_, record| record.num_failures < min);
        }
        before - self.table.len()
    }

    /// Returns how many of the table waited longer. What was left in the file keeps its time.
    pub(crate) fn limit_next_attempt(&mut self, latest: i64) -> usize {
        let waits_longer = |record: &&mut PeerRecord| record.next_attempt > latest;
        self.table.values_mut().filter(waits_longer).map(|record| record.next_attempt = latest).count()
    }

    pub(crate) fn clear_all(&mut self) {
        self.table.clear();
        self.left_out.clear();
    }

    /// Tries every peer that may go, wherever there is a choice.
    fn find_way(&self, mut table: Peers, batch: &[PeerRecord], call: &Call<'_>) -> Option<Admitted> {
        let Some((record, rest)) = batch.split_first() else {
            return (table == *call.after).then(Admitted::default);
        };
        if table.contains_key(&record.address) {
            if call.known == Known::IsReplaced {
                table.insert(record.address.clone(), record.clone());
            }
            return self.find_way(table, rest, call);
        }
        let go_on = |instead_of: Option<&PeerAddress>| {
            let mut table = table.clone();
            instead_of.map(|address| table.remove(address));
            table.insert(record.address.clone(), record.clone());
            let admitted = self.find_way(table, rest, call)?;
            Some(Admitted { new: admitted.new + 1, ..admitted })
        };
        match self.room_for(&table, &record.address, call.own) {
            Room::Free => go_on(None),
            Room::InsteadOf(worst) => {
                // Of one netgroup, it does not matter who goes first.
                let mut tried = BTreeSet::new();
                let gone = worst.iter().filter(|address| call.gone.contains(address));
                gone.filter(|address| tried.insert(self.policy.netgroup(address)))
                    .find_map(|one| go_on(Some(one)))
            }
            Room::None => {
                let admitted = self.find_way(table, rest, call)?;
                Some(Admitted { refused: admitted.refused + 1, ..admitted })
            }
        }
    }

    fn room_for(&self, table: &Peers, new_peer: &PeerAddress, own: &BTreeSet<PeerAddress>) -> Room {
        let is_netgroup_full = self.is_netgroup_full(table, new_peer);
        if !is_netgroup_full && !self.is_full(table) {
            return Room::Free;
        }
        let may_go: Vec<&PeerRecord> = table
            .values()
            .filter(|peer| peer.peer_type == StoredPeerType::Inbound && peer.num_failures >= 1)
            .filter(|peer| !own.contains(&peer.address))
            .collect();
        let netgroup = |address| self.policy.netgroup(address);
        let of_netgroup =
            may_go.iter().copied().filter(|peer| netgroup(&peer.address) == netgroup(new_peer)).collect();
        let mut worst = worst_of(of_netgroup);
        if worst.is_empty() && !is_netgroup_full {
            worst = worst_of(may_go);
        }
        if worst.is_empty() { Room::None } else { Room::InsteadOf(worst) }
    }

    fn is_full(&self, table: &Peers) -> bool {
        self.bounds.max_peers != 0 && table.len() as u64 >= self.bounds.max_peers
    }

    fn is_netgroup_full(&self, table: &Peers, address: &PeerAddress) -> bool {
        let netgroup = self.policy.netgroup(address);
        let known = table.keys().filter(|known| self.policy.netgroup(known) == netgroup).count();
        let bound = self.bounds.max_peers_per_netgroup;
        bound != 0 && known >= bound as usize
    }
}

/// One call, seen from its end.
struct Call<'a> {
    /// The addresses of the call itself never go.
    own: &'a BTreeSet<PeerAddress>,
    /// Those that were there before it and are not afterwards.
    gone: &'a BTreeSet<PeerAddress>,
    known: Known,
    after: &'a Peers,
}

/// All that are as bad as the worst.
fn worst_of(peers: Vec<&PeerRecord>) -> Vec<PeerAddress> {
    let Some(worst) = peers.iter().map(|peer| badness(peer.num_failures)).max() else { return Vec::new() };
    let as_bad = peers.into_iter().filter(|peer| badness(peer.num_failures) == worst);
    as_bad.map(|peer| peer.address.clone()).collect()
}

/// How bad so many failures are: from 16 on, only ranges are told apart.
fn badness(num_failures: u32) -> u32 {
    match num_failures {
        0..=15 => num_failures,
        16..=31 => 16,
        32..=63 => 17,
        64..=120 => 18,
        121.. => 19,
    }
}
