//! Answering what a node asks for: which pools a query admits, and what it leaves out.

use std::collections::{HashMap, HashSet};

use rand::Rng;

use super::PeerTable;
use super::netgroups::Netgroup;
use super::pools::{Admission, Readiness};
use super::sample::Population;
use super::spread::Spread;
use crate::address::PeerAddress;
use crate::memory;
use crate::peer::StoredPeerType;
use crate::query::PeerQuery;

/// Sharing prefers the types in this order.
const SHARING_ORDER: [StoredPeerType; 3] =
    [StoredPeerType::Preferred, StoredPeerType::Outbound, StoredPeerType::Inbound];

impl PeerTable {
    /// Draws min(`size`, eligible) peers, spread over the network groups if the query asks for that. The table must be
    /// split at the query's time and grouped, if those count.
    pub(crate) fn choose(
        &self,
        query: &PeerQuery<'_>,
        size: usize,
        rng: &mut impl Rng,
    ) -> memory::Result<Vec<PeerAddress>> {
        let types = StoredPeerType::ALL.map(|peer_type| query.type_filter.admits(peer_type));
        let mut draw = self.begin(query, &self.slots_of(query.exclude)?)?;
        let slots = draw.next(&admission(query, types, false), size, rng)?;
        memory::collect(self.addresses(&slots))
    }

    /// Draws public peers: preferred before outbound before inbound, at random within each type, and at most `rooms` of
    /// each. What is unwanted is not among them, nor what is in the answer already, which counts for its network groups.
    pub(crate) fn choose_to_send<'a>(
        &self,
        query: &PeerQuery<'a>,
        unwanted: impl IntoIterator<Item = &'a PeerAddress>,
        already: &[PeerAddress],
        rooms: [usize; 3],
        size: usize,
        rng: &mut impl Rng,
    ) -> memory::Result<Vec<(PeerAddress, StoredPeerType)>> {
        let mut draw = self.begin(query, &self.slots_of(query.exclude.iter().chain(unwanted))?)?;
        self.slots_of(already)?.into_iter().try_for_each(|slot| draw.count(slot))?;
        let mut addresses = Vec::new();
        for peer_type in SHARING_ORDER.into_iter().filter(|&t| query.type_filter.admits(t)) {
            let types = StoredPeerType::ALL.map(|t| t == peer_type);
            let missing = (size - addresses.len()).min(rooms[peer_type as usize]);
            let slots = draw.next(&admission(query, types, true), missing, rng)?;
            memory::extend(&mut addresses, self.addresses(&slots).map(|address| (address, peer_type)))?;
        }
        Ok(addresses)
    }

    /// Those of some public peers that the query admits: preferred before outbound before inbound, else in the order
    /// given, and none beyond `size` or the bound on each network group. The peers are given as their slots and addresses.
    /// The table must be split at the query's time if that counts.
    pub(crate) fn admitted_of(
        &self,
        peers: &[(u32, &PeerAddress)],
        query: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
    ) -> Vec<PeerAddress> {
        let excluded: HashSet<u32> =
            query.exclude.iter().chain(exclude).filter_map(|address| self.find(address)).collect();
        let mut by_type = [(); 3].map(|()| Vec::new());
        for &(slot, address) in peers {
            let entry = &self.entries[slot as usize];
            if !excluded.contains(&slot)
                && query.type_filter.admits(entry.peer_type())
                && !(query.use_next_attempt && self.readiness(entry) == Readiness::Waiting)
                && query.max_num_failures.is_none_or(|max| entry.num_failures <= max)
            {
                by_type[entry.peer_type() as usize].push((address, entry.key().netgroup()));
            }
        }
        let mut given = HashMap::new();
        let mut has_room = |group: Netgroup| {
            let given = given.entry(group).or_insert(0);
            *given += 1;
            *given <= query.max_per_netgroup
        };
        let ordered = SHARING_ORDER.into_iter().flat_map(|peer_type| &by_type[peer_type as usize]);
        let admitted = ordered.filter(|(_, group)| query.max_per_netgroup == 0 || has_room(*group));
        admitted.take(size).map(|&(address, _)| address.clone()).collect()
    }

    /// How many peers of a type there are.
    pub(crate) fn count_of(&self, peer_type: StoredPeerType) -> usize {
        self.pools.of_type(peer_type)
    }

    /// The slots of those addresses that are in the table, in order.
    fn slots_of<'a>(&self, addresses: impl IntoIterator<Item = &'a PeerAddress>) -> memory::Result<Vec<u32>> {
        memory::collect(addresses.into_iter().filter_map(|address| self.find(address)))
    }

    fn begin(&self, query: &PeerQuery<'_>, excluded: &[u32]) -> memory::Result<Draw<'_>> {
        Ok(match &self.members {
            Some(members) if query.max_per_netgroup != 0 => {
                let spread = Spread::new(members, query.max_per_netgroup, excluded)?;
                Draw::Spread(self, Box::new(spread))
            }
            _ => {
                let mut slots = HashSet::new();
                slots.try_reserve(excluded.len())?;
                slots.extend(excluded);
                Draw::Uniform(self, slots)
            }
        })
    }

    /// The addresses of the peers in these slots.
    pub(crate) fn addresses(&self, slots: &[u32]) -> impl Iterator<Item = PeerAddress> {
        slots.iter().map(|&slot| self.entries[slot as usize].key().address(self.names.texts()))
    }
}

/// How the peers of one answer are drawn.
enum Draw<'a> {
    /// Each eligible peer is equally likely, except the excluded ones.
    Uniform(&'a PeerTable, HashSet<u32>),
    /// Each network group is.
    Spread(&'a PeerTable, Box<Spread<'a>>),
}

impl Draw<'_> {
    /// Counts a slot as drawn.
    fn count(&mut self, slot: u32) -> memory::Result {
        match self {
            Self::Uniform(_, excluded) => memory::insert(excluded, slot).map(drop),
            Self::Spread(_, spread) => spread.count(slot),
        }
    }

    /// Draws up to `size` of what is admitted; another admission has no peers in common with it.
    fn next(&mut self, admission: &Admission, size: usize, rng: &mut impl Rng) -> memory::Result<Vec<u32>> {
        let (Self::Uniform(table, _) | Self::Spread(table, _)) = self;
        let table = *table;
        let is_exact = admission.is_exact();
        let may_fail_as_often =
            |slot: u32| is_exact || table.entries[slot as usize].num_failures <= admission.max_failures;
        match self {
            Self::Uniform(_, excluded) => {
                let is_eligible =
                    |slot: u32| may_fail_as_often(slot) && (excluded.is_empty() || !excluded.contains(&slot));
                let population = Population::new(&table.pools, *admission);
                population.draw(size, excluded.len(), is_eligible, rng)
            }
            Self::Spread(_, spread) => spread.draw(size, *admission, may_fail_as_often, rng),
        }
    }
}

fn admission(query: &PeerQuery<'_>, types: [bool; 3], public_only: bool) -> Admission {
    Admission {
        types,
        ready_only: query.use_next_attempt,
        public_only,
        max_failures: query.max_num_failures.unwrap_or(u32::MAX),
    }
}
