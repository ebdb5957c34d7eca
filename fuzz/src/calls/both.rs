//! Two managers with the same calls, one of the C API and one of the Rust API, which must give the same answers.

use std::fmt::Debug;

use peer_manager::{BackOffUpdate, PeerAddress, PeerManager, PeerRecord, Purpose, StoredPeerType};

use super::model::steps::{Called, Counts, Peers, Query, Subject, Values};
use super::steps::Spelled;
use crate::c::Node;

pub(super) struct Both<'a> {
    pub(super) node: &'a Node,
    pub(super) twin: &'a PeerManager,
    /// Whether both draw the same. Otherwise they only draw as many.
    pub(super) draw_alike: bool,
}

/// The twin, called as a subject and not by its own methods.
fn subject(twin: &PeerManager) -> &impl Subject<Spelled> {
    twin
}

pub(super) fn same<T: Debug + PartialEq>(by_node: T, by_twin: &T) -> T {
    assert_eq!(by_node, *by_twin, "the same calls have another answer in C");
    by_node
}

impl Both<'_> {
    fn drawn(&self, by_node: Vec<PeerAddress>, by_twin: &Vec<PeerAddress>) -> Vec<PeerAddress> {
        assert_eq!(by_node.len(), by_twin.len());
        if self.draw_alike { same(by_node, by_twin) } else { by_node }
    }
}

impl Subject<Spelled> for Both<'_> {
    fn ensure_exists(&self, peer: Spelled) -> Called<Option<bool>> {
        let by_twin = subject(self.twin).ensure_exists(peer);
        // C is not told whether the peer is new.
        same(self.node.ensure_exists(peer).map(drop), &by_twin.map(drop))?;
        by_twin
    }

    fn ensure_exists_many(&self, peers: &[Spelled]) -> usize {
        same(self.node.ensure_exists_many(peers), &subject(self.twin).ensure_exists_many(peers))
    }

    fn load(&self, peer: Spelled) -> Option<PeerRecord> {
        same(self.node.load(peer), &subject(self.twin).load(peer))
    }

    fn store(&self, peer: Spelled, values: Values) -> Called {
        same(self.node.store(peer, values), &subject(self.twin).store(peer, values))
    }

    fn store_many(&self, peers: &[(Spelled, Values)]) {
        self.node.store_many(peers);
        subject(self.twin).store_many(peers);
    }

    fn update_type(&self, peer: Spelled, observed: StoredPeerType, is_known: u8) -> Called {
        let by_twin = subject(self.twin).update_type(peer, observed, is_known);
        same(self.node.update_type(peer, observed, is_known), &by_twin)
    }

    fn update_backoff(&self, peer: Spelled, backoff: BackOffUpdate) -> Called {
        let by_twin = subject(self.twin).update_backoff(peer, backoff);
        same(self.node.update_backoff(peer, backoff), &by_twin)
    }

    fn update(
        &self,
        peer: Spelled,
        observed: StoredPeerType,
        is_known: u8,
        backoff: BackOffUpdate,
    ) -> Called {
        let by_twin = subject(self.twin).update(peer, observed, is_known, backoff);
        same(self.node.update(peer, observed, is_known, backoff), &by_twin)
    }

    fn remove(&self, peer: Spelled) -> Called {
        same(self.node.remove(peer), &subject(self.twin).remove(peer))
    }

    fn remove_peers_with_many_failures(&self, min: u32) -> usize {
        let by_twin = subject(self.twin).remove_peers_with_many_failures(min);
        same(self.node.remove_peers_with_many_failures(min), &by_twin)
    }

    fn limit_next_attempt(&self, latest: i64) -> usize {
        same(self.node.limit_next_attempt(latest), &subject(self.twin).limit_next_attempt(latest))
    }

    fn clear_all(&self) {
        self.node.clear_all();
        subject(self.twin).clear_all();
    }

    fn load_random_peers(&self, query: &Query<Spelled>, size: usize) -> Vec<PeerAddress> {
        let by_node = Subject::load_random_peers(self.node, query, size);
        self.drawn(by_node, &subject(self.twin).load_random_peers(query, size))
    }

    fn get_peers_to_send(
        &self,
        query: Option<&Query<Spelled>>,
        asking: Option<Spelled>,
        size: usize,
    ) -> Vec<PeerAddress> {
        let by_node = Subject::get_peers_to_send(self.node, query, asking, size);
        self.drawn(by_node, &subject(self.twin).get_peers_to_send(query, asking, size))
    }

    fn next_to_dial(&self, purpose: Purpose, busy: &[Spelled], size: usize) -> Vec<PeerAddress> {
        let by_node = Subject::next_to_dial(self.node, purpose, busy, size);
        self.drawn(by_node, &subject(self.twin).next_to_dial(purpose, busy, size))
    }

    fn next_due(&self) -> Option<i64> {
        same(self.node.next_due(), &subject(self.twin).next_due())
    }

    fn set_online(&self, is_online: bool) {
        self.node.set_online(is_online);
        subject(self.twin).set_online(is_online);
    }

    fn set_own_addresses(&self, own: &[Spelled]) {
        self.node.set_own_addresses(own);
        subject(self.twin).set_own_addresses(own);
    }

    fn counts(&self) -> Counts {
        let by_twin = subject(self.twin).counts();
        same(self.node.counts(), &by_twin)
    }

    /// Only one of them has a file.
    fn flush(&self) {
        self.node.flush();
    }

    fn table(&self) -> Peers {
        same(self.node.table(), &subject(self.twin).table())
    }
}
