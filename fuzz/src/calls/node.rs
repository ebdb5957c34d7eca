//! A manager of the C API as the subject of a history.

use std::ptr;

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::dialling::{
    peer_manager_next_due, peer_manager_set_online, peer_manager_set_own_addresses,
};
use peer_manager::ffi::error::{
    PEER_MANAGER_ERROR_INVALID_ARGUMENT as ARGUMENT, PEER_MANAGER_ERROR_LIMIT as LIMIT,
    PEER_MANAGER_ERROR_NOT_FOUND as NOT_FOUND, PEER_MANAGER_ERROR_REFUSED as REFUSED,
};
use peer_manager::ffi::manager::peer_manager_flush;
use peer_manager::ffi::peers::{
    peer_manager_clear_all, peer_manager_ensure_exists, peer_manager_ensure_exists_many,
    peer_manager_limit_next_attempt, peer_manager_load, peer_manager_remove,
    peer_manager_remove_peers_with_many_failures, peer_manager_store, peer_manager_store_many,
    peer_manager_update, peer_manager_update_backoff, peer_manager_update_type,
};
use peer_manager::ffi::record::peer_manager_record;
use peer_manager::{BackOffUpdate, PeerAddress, PeerRecord, Purpose, StoredPeerType};

use super::model::steps::{Called, Counts, Peers, Query, Refusal, Subject, Values, by_address};
use super::query::{excluded_in_c, in_c};
use super::steps::Spelled;
use crate::c::{self, Node, Room, call};

/// What a status says, which must be one that is an answer.
pub(super) fn called<T>(status: Result<T, i32>) -> Called<T> {
    status.map_err(|status| match status {
        NOT_FOUND => Refusal::NotFound,
        LIMIT => Refusal::Limit,
        REFUSED => Refusal::Refused,
        ARGUMENT => Refusal::Argument,
        status => panic!("the call says {status}"),
    })
}

/// A call that cannot be refused.
pub(super) fn done(status: Result<(), i32>) {
    assert_eq!(status, Ok(()));
}

fn to_c(peer: Spelled, (next_attempt, num_failures, peer_type): Values) -> peer_manager_record {
    peer_manager_record { address: peer.spelled(), next_attempt, num_failures, peer_type: peer_type as u32 }
}

impl Subject<Spelled> for Node {
    fn ensure_exists(&self, peer: Spelled) -> Called<Option<bool>> {
        let address = peer.spelled();
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe { peer_manager_ensure_exists(self.as_ptr(), &address, error) }))
            .map(|()| None)
    }

    fn ensure_exists_many(&self, peers: &[Spelled]) -> usize {
        let addresses: Vec<_> = peers.iter().copied().map(Spelled::spelled).collect();
        let mut inserted = usize::MAX;
        let (first, count, out) = (addresses.as_ptr(), addresses.len(), &raw mut inserted);
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe {
            peer_manager_ensure_exists_many(self.as_ptr(), first, count, out, error)
        }));
        inserted
    }

    fn load(&self, peer: Spelled) -> Option<PeerRecord> {
        let mut out = Room::<peer_manager_record>::new();
        let address = peer.spelled();
        // SAFETY: the pointers are valid for the call.
        match call(|error| unsafe { peer_manager_load(self.as_ptr(), &address, out.as_mut_ptr(), error) }) {
            // SAFETY: any bytes are a record.
            Ok(()) => Some(c::record(&unsafe { out.get() })),
            Err(status) => {
                assert_eq!(status, NOT_FOUND);
                assert!(out.is_untouched());
                None
            }
        }
    }

    fn store(&self, peer: Spelled, values: Values) -> Called {
        let record = to_c(peer, values);
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe { peer_manager_store(self.as_ptr(), &record, error) }))
    }

    fn store_many(&self, peers: &[(Spelled, Values)]) {
        let records: Vec<_> = peers.iter().map(|&(peer, values)| to_c(peer, values)).collect();
        let (first, count) = (records.as_ptr(), records.len());
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe { peer_manager_store_many(self.as_ptr(), first, count, error) }));
    }

    fn update_type(&self, peer: Spelled, observed: StoredPeerType, is_known: u8) -> Called {
        let (address, observed) = (peer.spelled(), observed as u32);
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe {
            peer_manager_update_type(self.as_ptr(), &address, observed, is_known, error)
        }))
    }

    fn update_backoff(&self, peer: Spelled, backoff: BackOffUpdate) -> Called {
        let (address, backoff) = (peer.spelled(), backoff as u32);
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe { peer_manager_update_backoff(self.as_ptr(), &address, backoff, error) }))
    }

    fn update(
        &self,
        peer: Spelled,
        observed: StoredPeerType,
        is_known: u8,
        backoff: BackOffUpdate,
    ) -> Called {
        let (address, observed, backoff) = (peer.spelled(), observed as u32, backoff as u32);
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe {
            peer_manager_update(self.as_ptr(), &address, observed, is_known, backoff, error)
        }))
    }

    fn remove(&self, peer: Spelled) -> Called {
        let address = peer.spelled();
        // SAFETY: the pointers are valid for the call.
        called(call(|error| unsafe { peer_manager_remove(self.as_ptr(), &address, error) }))
    }

    fn remove_peers_with_many_failures(&self, min: u32) -> usize {
        let mut removed = usize::MAX;
        let out = &raw mut removed;
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe {
            peer_manager_remove_peers_with_many_failures(self.as_ptr(), min, out, error)
        }));
        removed
    }

    fn limit_next_attempt(&self, latest: i64) -> usize {
        let mut changed = usize::MAX;
        let out = &raw mut changed;
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe { peer_manager_limit_next_attempt(self.as_ptr(), latest, out, error) }));
        changed
    }

    fn clear_all(&self) {
        // SAFETY: the manager is open.
        done(call(|error| unsafe { peer_manager_clear_all(self.as_ptr(), error) }));
    }

    fn load_random_peers(&self, query: &Query<Spelled>, size: usize) -> Vec<PeerAddress> {
        let exclude = excluded_in_c(query);
        self.load_random_peers(&in_c(query, &exclude), size).expect("the query is right")
    }

    fn get_peers_to_send(
        &self,
        query: Option<&Query<Spelled>>,
        asking: Option<Spelled>,
        size: usize,
    ) -> Vec<PeerAddress> {
        let exclude = query.map_or(Vec::new(), excluded_in_c);
        let filter = query.map(|query| in_c(query, &exclude));
        let filter = filter.as_ref().map_or(ptr::null(), ptr::from_ref);
        let asking = asking.map(Spelled::spelled);
        let asking = asking.as_ref().map_or(ptr::null(), ptr::from_ref::<peer_manager_address>);
        self.get_peers_to_send(filter, asking, size).expect("the filter is right")
    }

    fn next_to_dial(&self, purpose: Purpose, busy: &[Spelled], size: usize) -> Vec<PeerAddress> {
        let busy: Vec<_> = busy.iter().copied().map(Spelled::spelled).collect();
        self.next_to_dial(purpose as u32, &busy, size).expect("the purpose is right")
    }

    fn next_due(&self) -> Option<i64> {
        let mut due = 0;
        let out = &raw mut due;
        // SAFETY: the pointers are valid for the call.
        match call(|error| unsafe { peer_manager_next_due(self.as_ptr(), out, error) }) {
            Ok(()) => Some(due),
            Err(status) => {
                assert_eq!((status, due), (NOT_FOUND, 0));
                None
            }
        }
    }

    fn set_online(&self, is_online: bool) {
        // SAFETY: the manager is open.
        done(call(|error| unsafe { peer_manager_set_online(self.as_ptr(), is_online.into(), error) }));
    }

    fn set_own_addresses(&self, own: &[Spelled]) {
        let addresses: Vec<_> = own.iter().copied().map(Spelled::spelled).collect();
        let (first, count) = (addresses.as_ptr(), addresses.len());
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe { peer_manager_set_own_addresses(self.as_ptr(), first, count, error) }));
    }

    fn counts(&self) -> Counts {
        let stats = self.get_stats();
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
        // SAFETY: the manager is open.
        done(call(|error| unsafe { peer_manager_flush(self.as_ptr(), error) }));
    }

    fn table(&self) -> Peers {
        by_address(self.get_all_peers().records())
    }
}
