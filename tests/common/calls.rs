//! Every kind of call that changes peers, and peers for them to change.

use std::collections::BTreeMap;

use crate::common::{self, START, TestClock, ipv4, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, PeerAddress, PeerManager, PeerRecord, Result};

pub(crate) type Peers = BTreeMap<PeerAddress, PeerRecord>;

/// A call of a method that writes, with something to write as long as the [`standing`] peers are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&PeerManager) -> Result<()>,
}

/// Peers of all kinds, peer `n` with `n` failures.
pub(crate) fn standing() -> Vec<PeerRecord> {
    (0..20).map(|n| record(mixed(n), START - 1, n, Outbound)).collect()
}

pub(crate) const ENSURE_EXISTS: Call =
    Call { name: "ensure_exists", run: |m| m.ensure_exists(&ipv4(1_000)).map(drop) };
pub(crate) const ENSURE_EXISTS_MANY: Call = Call {
    name: "ensure_exists_many",
    run: |m| {
        let addresses: Vec<_> = (0..2).chain(2_000..2_050).map(mixed).collect();
        m.ensure_exists_many(&addresses).map(drop)
    },
};
pub(crate) const STORE: Call =
    Call { name: "store", run: |m| m.store(&record(mixed(1), START - 7, 7, Preferred)) };
pub(crate) const STORE_NEW: Call =
    Call { name: "store of a new peer", run: |m| m.store(&record(ipv4(1_001), START - 7, 7, Inbound)) };
pub(crate) const STORE_MANY: Call = Call {
    name: "store_many",
    run: |m| {
        let records: Vec<_> =
            [2, 3, 4, 1_002, 1_003].iter().map(|&n| record(mixed(n), START - 9, 40, Inbound)).collect();
        m.store_many(&records)
    },
};
pub(crate) const UPDATE_TYPE: Call =
    Call { name: "update_type", run: |m| m.update_type(&mixed(5), Preferred, false) };
pub(crate) const UPDATE_BACKOFF: Call =
    Call { name: "update_backoff", run: |m| m.update_backoff(&mixed(6), BackOffUpdate::Increase) };
pub(crate) const UPDATE: Call = Call {
    name: "update of a new peer",
    run: |m| m.update(&ipv4(1_004), Preferred, false, BackOffUpdate::HardReset),
};
pub(crate) const LIMIT_NEXT_ATTEMPT: Call =
    Call { name: "limit_next_attempt", run: |m| m.limit_next_attempt(START - 5).map(drop) };
pub(crate) const REMOVE: Call = Call { name: "remove", run: |m| m.remove(&mixed(8)) };
pub(crate) const REMOVE_FAILED: Call = Call {
    name: "remove_peers_with_many_failures",
    run: |m| m.remove_peers_with_many_failures(10).map(drop),
};
pub(crate) const CLEAR_ALL: Call = Call { name: "clear_all", run: PeerManager::clear_all };
pub(crate) const FLUSH: Call = Call { name: "flush", run: PeerManager::flush };

/// All of them, each of which can follow the ones before.
pub(crate) const CALLS: [Call; 13] = [
    ENSURE_EXISTS,
    ENSURE_EXISTS_MANY,
    STORE,
    STORE_NEW,
    STORE_MANY,
    UPDATE_TYPE,
    UPDATE_BACKOFF,
    UPDATE,
    LIMIT_NEXT_ATTEMPT,
    REMOVE,
    REMOVE_FAILED,
    CLEAR_ALL,
    FLUSH,
];

/// What the peers are after a call: what it makes of them in memory, where nothing can fail.
pub(crate) fn after(before: &Peers, call: Call) -> Peers {
    let manager = TestClock::at(START).in_memory(1);
    manager.store_many(&before.values().cloned().collect::<Vec<_>>()).unwrap();
    (call.run)(&manager).unwrap();
    common::peers(&manager)
}

/// The peers with what is drawn at random made the same.
pub(crate) fn without_chance(mut peers: Peers) -> Peers {
    for record in peers.values_mut() {
        record.next_attempt = record.next_attempt.min(START);
    }
    peers
}
