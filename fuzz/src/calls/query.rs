//! Queries for C and for Rust, and whether an answer is a legal one.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::query::{peer_manager_query, peer_manager_query_init};
use peer_manager::{PeerAddress, PeerQuery, PeerTypeFilter};

use super::netgroup;
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
            max_per_netgroup: self.max_per_netgroup,
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
            max_per_netgroup: self.max_per_netgroup,
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

/// An answer is legal: distinct, eligible, no more of a netgroup than it may give, and each class in turn gives as many as
/// are still wanted.
pub(super) fn check_answer(
    answer: &[PeerAddress],
    classes: &[BTreeSet<PeerAddress>],
    max_per_netgroup: u32,
    size: usize,
) {
    let distinct: BTreeSet<_> = answer.iter().collect();
    assert_eq!(distinct.len(), answer.len(), "a peer was chosen twice: {answer:?}");
    let most = if max_per_netgroup == 0 { usize::MAX } else { max_per_netgroup as usize };
    let mut given = BTreeMap::<String, usize>::new();
    let mut rest = answer;
    for candidates in classes {
        let mut possible = BTreeMap::<String, usize>::new();
        candidates.iter().for_each(|peer| *possible.entry(netgroup(peer)).or_default() += 1);
        let left = |of: &String| most.saturating_sub(given.get(of).copied().unwrap_or(0));
        let wanted = size - (answer.len() - rest.len());
        let there = possible.iter().map(|(netgroup, &count)| count.min(left(netgroup))).sum::<usize>();
        assert!(rest.len() >= wanted.min(there), "not as many as there are: {answer:?}");
        let (from_class, others) = rest.split_at(wanted.min(there));
        for peer in from_class {
            assert!(candidates.contains(peer), "{peer} is not among {candidates:?}");
            *given.entry(netgroup(peer)).or_default() += 1;
        }
        rest = others;
    }
    assert!(given.values().all(|&count| count <= most), "too many of a netgroup: {answer:?}");
    assert!(rest.is_empty(), "peers that are not to be chosen: {rest:?}");
}
