//! Answering what a node asks for: which pools a query admits, and what it leaves out.

use std::collections::HashSet;

use rand::Rng;

use super::PeerTable;
use super::pools::Admission;
use super::sample::Population;
use crate::address::PeerAddress;
use crate::peer::StoredPeerType;
use crate::query::PeerQuery;

/// Sharing prefers the types in this order.
const SHARING_ORDER: [StoredPeerType; 3] =
    [StoredPeerType::Preferred, StoredPeerType::Outbound, StoredPeerType::Inbound];

impl PeerTable {
    /// Draws min(`size`, eligible) peers; the table must be split at the query's time if that counts.
    pub(crate) fn choose(&self, query: &PeerQuery<'_>, size: usize, rng: &mut impl Rng) -> Vec<PeerAddress> {
        let types = StoredPeerType::ALL.map(|peer_type| query.type_filter.admits(peer_type));
        let excluded = self.slots_of(query.exclude);
        let slots = self.draw(&admission(query, types, false), &excluded, size, rng);
        self.addresses(&slots).collect()
    }

    /// Draws public peers: preferred before outbound before inbound, at random within each type.
    pub(crate) fn choose_to_send(
        &self,
        query: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
        rng: &mut impl Rng,
    ) -> Vec<PeerAddress> {
        let mut excluded = self.slots_of(query.exclude);
        excluded.extend(exclude.and_then(|address| self.find(address)));
        let mut addresses = Vec::new();
        for peer_type in SHARING_ORDER.into_iter().filter(|&t| query.type_filter.admits(t)) {
            let types = StoredPeerType::ALL.map(|t| t == peer_type);
            let missing = size - addresses.len();
            let slots = self.draw(&admission(query, types, true), &excluded, missing, rng);
            addresses.extend(self.addresses(&slots));
        }
        addresses
    }

    /// The slots of those addresses that are in the table, in order.
    fn slots_of(&self, addresses: &[PeerAddress]) -> Vec<u32> {
        addresses.iter().filter_map(|address| self.find(address)).collect()
    }

    fn draw(&self, admission: &Admission, excluded: &[u32], size: usize, rng: &mut impl Rng) -> Vec<u32> {
        let excluded: HashSet<u32> = excluded.iter().copied().collect();
        let is_exact = admission.is_exact();
        let is_eligible = |slot: u32| {
            (is_exact || self.entries[slot as usize].num_failures <= admission.max_failures)
                && (excluded.is_empty() || !excluded.contains(&slot))
        };
        Population::new(&self.pools, *admission).draw(size, excluded.len(), is_eligible, rng)
    }

    fn addresses(&self, slots: &[u32]) -> impl Iterator<Item = PeerAddress> {
        slots.iter().map(|&slot| self.entries[slot as usize].key().address(&self.names))
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
