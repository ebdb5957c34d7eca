//! The order of answers to other nodes: public peers, by type.

use std::collections::HashMap;

use rand::Rng;

use super::admission::Admission;
use super::filter::Filter;
use super::{Addresses, Draw, Excluded, Slots};
use crate::address::PeerAddress;
use crate::memory;
use crate::netgroup::Netgroup;
use crate::peer::StoredPeerType;
use crate::query::TimedQuery;
use crate::table::facet::PrivatePeers;
use crate::table::number_map::SlotSet;
use crate::table::owner::PeerTable;

/// Preferred before outbound before inbound.
const SHARING_ORDER: [StoredPeerType; 3] =
    [StoredPeerType::Preferred, StoredPeerType::Outbound, StoredPeerType::Inbound];

/// A peer of a shared list.
pub(crate) struct Listed<'a> {
    pub(crate) slot: u32,
    pub(crate) address: &'a PeerAddress,
    /// The type that it had when it was drawn.
    pub(crate) drawn_as: StoredPeerType,
}

impl PeerTable {
    /// Draws public peers in the sharing order, at random within each type, at most `rooms` of each. None of the `unwanted`
    /// peers is drawn, nor any peer that is already in the answer; the latter count for their netgroups. With the addresses
    /// comes how many there are of each type, in the sharing order. Requires what [`draw`](Self::draw) does.
    pub(crate) fn draw_to_send<'a>(
        &self,
        TimedQuery { query, now }: TimedQuery<'a>,
        unwanted: impl IntoIterator<Item = &'a PeerAddress>,
        already: &[PeerAddress],
        rooms: [usize; 3],
        size: usize,
        rng: &mut impl Rng,
    ) -> memory::Result<(Addresses, [(StoredPeerType, usize); 3])> {
        let (mut draw, due) = (Draw::begin(self, query), self.due_for(now));
        draw.exclude(&Excluded::of(self, query.exclude, query.apart)?, query.apart)?;
        draw.leave_out(&self.slots_of(unwanted)?)?;
        self.slots_of(already)?.into_iter().try_for_each(|slot| draw.count(slot))?;
        let (mut addresses, mut counts) = (Addresses::new(), SHARING_ORDER.map(|peer_type| (peer_type, 0)));
        for (peer_type, count) in
            counts.iter_mut().filter(|(peer_type, _)| query.type_filter.admits(*peer_type))
        {
            let missing = (size - addresses.len()).min(rooms[*peer_type as usize]);
            let admission = Admission::of(query, due, |t| t == *peer_type, PrivatePeers::None);
            let mut slots = Slots::new();
            draw.next(&admission, missing, rng, &mut slots)?;
            self.tell(&slots, &mut addresses)?;
            *count = slots.len();
        }
        Ok((addresses, counts))
    }

    /// Those of some listed public peers that the query admits: in the sharing order of the types that they are listed as,
    /// within a type in the order given, and at most `size` and the query's bound on each netgroup.
    pub(crate) fn admitted(
        &self,
        peers: &[Listed<'_>],
        TimedQuery { query, now }: TimedQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
    ) -> memory::Result<Addresses> {
        let by_query = Excluded::of(self, query.exclude, query.apart)?;
        let mut filter = Filter::of(query);
        if query.apart {
            filter.close(self, &by_query)?;
        }
        let mut excluded = SlotSet::of(&by_query.slots)?;
        if let Some(slot) = exclude.and_then(|exclude| self.find(exclude)) {
            excluded.add(slot)?;
        }
        let mut by_type = [(); 3].map(|()| Vec::new());
        for &Listed { slot, address, drawn_as } in peers {
            let entry = self.slab().entry(slot);
            if !excluded.contains(slot)
                && query.type_filter.admits(entry.peer_type())
                && now.is_none_or(|now| entry.next_attempt() <= now)
                && query.max_num_failures.is_none_or(|max| entry.num_failures() <= max)
                && filter.passes(self, slot)
            {
                memory::push(&mut by_type[drawn_as as usize], (address, self.slab().netgroup(slot)))?;
            }
        }
        let mut given: HashMap<Netgroup, u32> = HashMap::new();
        let mut answer = Addresses::new();
        for &(address, netgroup) in
            SHARING_ORDER.into_iter().flat_map(|peer_type| &by_type[peer_type as usize])
        {
            if answer.len() == size {
                break;
            }
            if query.max_per_netgroup != 0 {
                given.try_reserve(1)?;
                let given = given.entry(netgroup).or_insert(0);
                *given += 1;
                if *given > query.max_per_netgroup {
                    continue;
                }
            }
            answer.try_reserve(1)?;
            answer.push(address.clone());
        }
        Ok(answer)
    }
}
