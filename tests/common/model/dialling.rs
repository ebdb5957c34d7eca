//! Whom to dial, by looking at every peer.

use std::collections::BTreeSet;

use super::answer::{Given, Rules, assert_distinct};
use super::reference::Reference;
use peer_manager::{PeerAddress, Purpose, StoredPeerType};

/// A peer that has failed more often is not dialled.
const REALLY_DEAD: u32 = 120;

/// How many draws compete for a place of a known peer, and for that of one that was only heard of.
const SENIORITY: [u32; 2] = [8, 16];

impl Reference {
    /// An answer is one that the policy allows: distinct peers of each kind in turn that are due, not dead and not busy, of
    /// netgroups that are neither busy nor chosen already unless the network is small, and as many as there are.
    pub(crate) fn check_dialled(
        &self,
        answer: &[PeerAddress],
        purpose: Purpose,
        busy: &[PeerAddress],
        size: usize,
        now: i64,
    ) {
        assert_distinct(answer);
        let may_be_dialled = |kind| self.may_be_dialled(kind, busy, now);
        if purpose == Purpose::Feeler {
            // Any number of a netgroup, but netgroups are drawn first.
            let rules = self.rules(u32::MAX, SENIORITY[1]);
            return rules.check(answer, &[may_be_dialled(StoredPeerType::Inbound)], size);
        }
        let is_small = self.netgroups().len() < busy.len().saturating_add(size).saturating_mul(2);
        let mut chosen = 0;
        for (kind, seniority) in [
            (StoredPeerType::Preferred, 0),
            (StoredPeerType::Outbound, SENIORITY[0]),
            (StoredPeerType::Inbound, SENIORITY[1]),
        ] {
            let mut candidates = may_be_dialled(kind);
            let mut max_per_netgroup = 0;
            if kind != StoredPeerType::Preferred && !is_small {
                max_per_netgroup = 1;
                let netgroup = |peer: &PeerAddress| self.policy().netgroup(peer);
                let taken: BTreeSet<_> = busy.iter().chain(&answer[..chosen]).map(netgroup).collect();
                candidates.retain(|peer| !taken.contains(&netgroup(peer)));
            }
            let rules = self.rules(max_per_netgroup, seniority);
            chosen += rules.check_class(&answer[chosen..], &candidates, size - chosen, &mut Given::new());
        }
        assert_eq!(chosen, answer.len(), "peers that are not to be dialled: {:?}", &answer[chosen..]);
    }

    /// The peers of a kind that are due, not dead, not busy, and in reach.
    fn may_be_dialled(&self, kind: StoredPeerType, busy: &[PeerAddress], now: i64) -> BTreeSet<PeerAddress> {
        let mut peers = BTreeSet::new();
        for record in self.get_all_peers() {
            let is_in_reach = kind == StoredPeerType::Preferred || !self.policy().refuses(&record.address);
            let is_alive = record.next_attempt <= now && record.num_failures <= REALLY_DEAD;
            if record.peer_type == kind && is_in_reach && is_alive && !busy.contains(&record.address) {
                peers.insert(record.address.clone());
            }
        }
        peers
    }

    /// The netgroups of all peers.
    fn netgroups(&self) -> BTreeSet<String> {
        self.get_all_peers().map(|record| self.policy().netgroup(&record.address)).collect()
    }

    /// How draws are made from this table.
    pub(crate) fn rules(&self, max_per_netgroup: u32, seniority: u32) -> Rules<'_> {
        Rules { policy: self.policy(), max_per_netgroup, seniority, order: self.order() }
    }
}
