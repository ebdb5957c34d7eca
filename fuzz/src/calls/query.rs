//! Queries for C.

use std::mem::MaybeUninit;

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::query::{peer_manager_query, peer_manager_query_init};

use super::model::steps::Query;
use super::steps::Spelled;

pub(super) fn excluded_in_c(query: &Query<Spelled>) -> Vec<peer_manager_address> {
    query.exclude.iter().copied().map(Spelled::spelled).collect()
}

/// The pointer in it is that of `exclude`.
pub(super) fn in_c(query: &Query<Spelled>, exclude: &[peer_manager_address]) -> peer_manager_query {
    peer_manager_query {
        type_filter: query.type_filter as u32,
        use_next_attempt: query.use_next_attempt.into(),
        has_max_num_failures: query.max_num_failures.is_some().into(),
        max_num_failures: query.max_num_failures.unwrap_or(7),
        max_per_netgroup: query.max_per_netgroup,
        exclude: exclude.as_ptr(),
        exclude_count: exclude.len(),
        seniority: query.seniority,
        apart: query.apart.into(),
        networks: query.networks,
        share_key: query.share_key,
        heard_since: query.heard_since,
        reached_since: query.reached_since,
        ..default_query()
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
