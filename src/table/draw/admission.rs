//! Which pools a query admits.

use crate::peer::StoredPeerType;
use crate::query::PeerQuery;
use crate::table::facet::{self, Classes, PrivatePeers, class_end, class_in, class_of};
use crate::table::owner::entry::Entry;
use crate::table::owner::time::Due;

/// The pools that a query admits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    /// The pools, by facet: those of the first classes.
    pub(super) classes: Classes,
    due: Due,
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
        let types = StoredPeerType::ALL.map(is_admitted);
        let max_failures = query.max_num_failures.unwrap_or(u32::MAX);
        let classes = Classes {
            facets: facet::facets(types, due.are_in_due_pools, private),
            count: class_in(class_of(max_failures)) + 1,
        };
        Self { classes, due, max_failures }
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
}
