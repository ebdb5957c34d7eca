//! What others are told: public peers, in an order of types.

use std::collections::{HashMap, HashSet};

use rand::Rng;

use super::Draw;
use super::admission::Admission;
use crate::address::PeerAddress;
use crate::memory;
use crate::netgroup::Netgroup;
use crate::peer::StoredPeerType;
use crate::query::PeerQuery;
use crate::table::facet::Attempt;
use crate::table::owner::PeerTable;

/// Preferred before outbound before inbound.
const SHARING_ORDER: [StoredPeerType; 3] =
    [StoredPeerType::Preferred, StoredPeerType::Outbound, StoredPeerType::Inbound];

impl PeerTable {
    /// Draws public peers in the sharing order, at random within each type, at most `rooms` of each. None of the `unwanted`
    /// is drawn, nor of the peers in the answer already, which count for their netgroups. Requires what
    /// [`draw`](Self::draw) does.
    pub(crate) fn draw_to_send<'a>(
        &self,
        query: &PeerQuery<'a>,
        unwanted: impl IntoIterator<Item = &'a PeerAddress>,
        already: &[PeerAddress],
        rooms: [usize; 3],
        size: usize,
        rng: &mut impl Rng,
    ) -> memory::Result<Vec<(PeerAddress, StoredPeerType)>> {
        let excluded = self.slots_of(query.exclude.iter().chain(unwanted))?;
        let mut draw = Draw::begin(self, query, &excluded)?;
        self.slots_of(already)?.into_iter().try_for_each(|slot| draw.count(slot))?;
        let mut addresses = Vec::new();
        for peer_type in SHARING_ORDER.into_iter().filter(|&t| query.type_filter.admits(t)) {
            let missing = (size - addresses.len()).min(rooms[peer_type as usize]);
            let slots = draw.next(&Admission::of(query, |t| t == peer_type, true), missing, rng)?;
            memory::extend(&mut addresses, self.addresses(&slots).map(|address| (address, peer_type)))?;
        }
        Ok(addresses)
    }

    /// Those of some public peers, given as slots and addresses, that the query admits: in the sharing order, within a type
    /// in the order given, and at most `size` and the query's bound on each netgroup.
    ///
    /// Requires `as_of == now` for time-dependent queries.
    pub(crate) fn admitted(
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
            let entry = self.slab().entry(slot);
            if !excluded.contains(&slot)
                && query.type_filter.admits(entry.peer_type())
                && !(query.use_next_attempt && self.slab().attempt(entry) == Attempt::Waiting)
                && query.max_num_failures.is_none_or(|max| entry.num_failures() <= max)
            {
                by_type[entry.peer_type() as usize].push((address, entry.key().netgroup()));
            }
        }
        let mut given = HashMap::new();
        let mut has_room = |netgroup: Netgroup| {
            let given = given.entry(netgroup).or_insert(0);
            *given += 1;
            *given <= query.max_per_netgroup
        };
        let ordered = SHARING_ORDER.into_iter().flat_map(|peer_type| &by_type[peer_type as usize]);
        let admitted = ordered.filter(|(_, netgroup)| query.max_per_netgroup == 0 || has_room(*netgroup));
        admitted.take(size).map(|&(address, _)| address.clone()).collect()
    }
}
