//! A manager of the Rust API as the [`Subject`] of a history.

use peer_manager::{
    BackOffUpdate, Error, PeerAddress, PeerManager, PeerQuery, PeerRecord, Purpose, Result, StoredPeerType,
};

use super::steps::{Called, Counts, Peer, Peers, Query, Refusal, Subject, Values, by_address, record};

/// What an error says, which must be one that is an answer.
pub(super) fn called<T>(result: Result<T>, address: Option<&PeerAddress>) -> Called<T> {
    result.map_err(|error| {
        assert!(!error.to_string().contains('\n'), "{error}");
        match error {
            Error::NotFound(not_found) => {
                assert_eq!(Some(&not_found), address);
                Refusal::NotFound
            }
            Error::NotBanned(_) => Refusal::NotFound,
            Error::InvalidArgument(_) => Refusal::Argument,
            Error::Limit(_) => Refusal::Limit,
            Error::Refused(_) => Refusal::Refused,
            error => panic!("{error}"),
        }
    })
}

impl<P: Peer> Subject<P> for PeerManager {
    fn ensure_exists(&self, peer: P) -> Called<Option<bool>> {
        let address = peer.address();
        called(self.ensure_exists(&address), Some(&address)).map(Some)
    }

    fn ensure_exists_many(&self, peers: &[P]) -> usize {
        let addresses: Vec<_> = peers.iter().map(|peer| peer.address()).collect();
        self.ensure_exists_many(&addresses).unwrap()
    }

    fn load(&self, peer: P) -> Option<PeerRecord> {
        self.load(&peer.address()).unwrap()
    }

    fn store(&self, peer: P, values: Values) -> Called {
        called(self.store(&record(peer, values)), Some(&peer.address()))
    }

    fn store_many(&self, peers: &[(P, Values)]) {
        let records: Vec<_> = peers.iter().map(|&(peer, values)| record(peer, values)).collect();
        self.store_many(&records).unwrap();
    }

    fn update_type(&self, peer: P, observed: StoredPeerType, is_known: u8) -> Called {
        let address = peer.address();
        called(self.update_type(&address, observed, is_known != 0), Some(&address))
    }

    fn update_backoff(&self, peer: P, backoff: BackOffUpdate) -> Called {
        let address = peer.address();
        called(self.update_backoff(&address, backoff), Some(&address))
    }

    fn update(&self, peer: P, observed: StoredPeerType, is_known: u8, backoff: BackOffUpdate) -> Called {
        let address = peer.address();
        called(self.update(&address, observed, is_known != 0, backoff), Some(&address))
    }

    fn remove(&self, peer: P) -> Called {
        let address = peer.address();
        called(self.remove(&address), Some(&address))
    }

    fn remove_peers_with_many_failures(&self, min: u32) -> usize {
        self.remove_peers_with_many_failures(min).unwrap()
    }

    fn limit_next_attempt(&self, latest: i64) -> usize {
        self.limit_next_attempt(latest).unwrap()
    }

    fn clear_all(&self) {
        self.clear_all().unwrap();
    }

    fn load_random_peers(&self, query: &Query<P>, size: usize) -> Vec<PeerAddress> {
        self.load_random_peers(&query.in_rust(&query.excluded()), size).unwrap()
    }

    fn get_peers_to_send(
        &self,
        query: Option<&Query<P>>,
        asking: Option<P>,
        size: usize,
    ) -> Vec<PeerAddress> {
        let exclude = query.map_or(Vec::new(), Query::excluded);
        let query = query.map_or(PeerQuery::everything(), |query| query.in_rust(&exclude));
        self.get_peers_to_send(&query, asking.map(Peer::address).as_ref(), size).unwrap()
    }

    fn next_to_dial(&self, purpose: Purpose, busy: &[P], size: usize) -> Vec<PeerAddress> {
        let busy: Vec<_> = busy.iter().map(|peer| peer.address()).collect();
        self.next_to_dial(purpose, &busy, size).unwrap()
    }

    fn next_due(&self) -> Option<i64> {
        self.next_due().unwrap()
    }

    fn set_online(&self, is_online: bool) {
        self.set_online(is_online).unwrap();
    }

    fn set_own_addresses(&self, own: &[P]) {
        self.set_own_addresses(own.iter().map(|peer| peer.address())).unwrap();
    }

    fn counts(&self) -> Counts {
        let stats = self.get_stats().unwrap();
        Counts {
            peers: stats.peers,
            inbound: stats.inbound,
            outbound: stats.outbound,
            preferred: stats.preferred,
            ready: stats.ready,
            netgroups: stats.netgroups,
            failed_writes: stats.failed_writes,
            skipped_rows: stats.skipped_rows,
            refused_peers: stats.refused_peers,
            bans: stats.bans,
            forgiven_failures: stats.forgiven_failures,
        }
    }

    fn flush(&self) {
        self.flush().unwrap();
    }

    fn table(&self) -> Peers {
        by_address(self.get_all_peers().unwrap().iter())
    }
}
