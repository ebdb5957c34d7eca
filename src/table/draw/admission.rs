//! Which pools a query admits.

use crate::peer::StoredPeerType;
use crate::query::PeerQuery;
use crate::table::facet::{self, FACETS, PrivatePeers, class_end, class_in, class_of};
use crate::table::owner::entry::Entry;
use crate::table::owner::time::Due;

/// The pools that a query admits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    /// Indexed by type.
    types: [bool; 3],
    due: Due,
    private: PrivatePeers,
    max_failures: u32,
}

impl Admission {
    /// What a query admits, of the types that pass `is_admitted` instead of its own filter.
    pub(super) fn of(
        query: &PeerQuery<'_>,
        due: Due,
        is_admitted: impl Fn(StoredPeerType) -> bool,
        private: PrivatePeers,
    ) -> Self {
        Self {
            types: StoredPeerType::ALL.map(is_admitted),
            due,
            private,
            max_failures: query.max_num_failures.unwrap_or(u32::MAX),
        }
    }

    /// Whether the pools alone decide: every peer in an admitted pool is due, and within the bound on failures.
    pub(super) fn is_exact(&self) -> bool {
        self.due.latest.is_none() && class_end(class_of(self.max_failures)) == self.max_failures
    }

    /// Whether a peer in an admitted pool is admitted.
    pub(super) fn admits(&self, entry: &Entry) -> bool {
        entry.num_failures() <= self.max_failures
            && self.due.latest.is_none_or(|latest| entry.next_attempt() <= latest)
    }

    /// For each facet, how many of its classes may hold admitted peers: the first ones.
    pub(super) fn classes(self) -> [u8; FACETS] {
        let facets = facet::facets(self.types, self.due.are_in_due_pools, self.private);
        let count = class_in(class_of(self.max_failures)) + 1;
        std::array::from_fn(|facet| if facets >> facet & 1 == 1 { count } else { 0 })
    }
}
