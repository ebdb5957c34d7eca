//! Queries for C and for Rust, and whether an answer is a legal one.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::query::{peer_manager_query, peer_manager_query_init};
use peer_manager::{PeerAddress, PeerQuery, PeerTypeFilter};

use super::steps::{Peer, Query};

/// The filters by their numbers in C.
const FILTERS: [PeerTypeFilter; 5] = [
    PeerTypeFilter::InboundOnly,
    PeerTypeFilter::OutboundOnly,
    PeerTypeFilter::PreferredOnly,
    PeerTypeFilter::AnyOutbound,
    PeerTypeFilter::Any,
];

impl Query {
    pub(super) fn excluded(&self) -> Vec<PeerAddress> {
        self.exclude.iter().copied().map(Peer::address).collect()
    }

    pub(super) fn excluded_in_c(&self) -> Vec<peer_manager_address> {
        self.exclude.iter().copied().map(Peer::spelled).collect()
    }

    pub(super) fn in_rust<'a>(&self, exclude: &'a [PeerAddress]) -> PeerQuery<'a> {
        PeerQuery {
            use_next_attempt: self.use_next_attempt,
            max_num_failures: self.max_num_failures,
            type_filter: FILTERS[self.type_filter as usize],
            max_per_netgroup: 0,
            exclude,
        }
    }

    /// The pointer in it is that of `exclude`.
    pub(super) fn in_c(&self, exclude: &[peer_manager_address]) -> peer_manager_query {
        peer_manager_query {
            type_filter: self.type_filter,
            use_next_attempt: self.use_next_attempt.into(),
            has_max_num_failures: self.max_num_failures.is_some().into(),
            max_num_failures: self.max_num_failures.unwrap_or(7),
            exclude: exclude.as_ptr(),
            exclude_count: exclude.len(),
            ..default_query()
        }
    }
}

/// The query that the library initialises.
pub(super) fn default_query() -> peer_manager_query {
    let mut query = MaybeUninit::uninit();
    // SAFETY: the pointer is valid for the call, which initialises all of it.
    unsafe {
        peer_manager_query_init(query.as_mut_ptr(), size_of::<peer_manager_query>());
        query.assume_init()
    }
}

/// An answer is legal: distinct, eligible, and as many as were asked for and are there.
pub(super) fn check_choice(answer: &[PeerAddress], candidates: &BTreeSet<PeerAddress>, size: usize) {
    let distinct: BTreeSet<_> = answer.iter().cloned().collect();
    assert_eq!(distinct.len(), answer.len(), "a peer was chosen twice: {answer:?}");
    assert!(distinct.is_subset(candidates), "{answer:?} are not all among {candidates:?}");
    assert_eq!(answer.len(), size.min(candidates.len()), "not as many as there are");
}

/// Each class in turn gives as many as are still wanted.
pub(super) fn check_classes(answer: &[PeerAddress], classes: &[BTreeSet<PeerAddress>], size: usize) {
    let mut rest = answer;
    for candidates in classes {
        let wanted = size - (answer.len() - rest.len());
        let (from_class, others) = rest.split_at(wanted.min(candidates.len()).min(rest.len()));
        check_choice(from_class, candidates, wanted);
        rest = others;
    }
    assert!(rest.is_empty(), "peers that are not to be sent: {rest:?}");
}
