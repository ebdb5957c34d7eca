//! Which pools a query admits.

use std::ops::Range;

use crate::peer::StoredPeerType;
use crate::query::PeerQuery;
use crate::table::facet::{
    Attempt, CLASSES, FACETS, POOLS, class_end, class_in, class_of, facet_of, facet_parts,
};

/// What a query admits, in terms of the pools.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    /// Indexed by type.
    types: [bool; 3],
    due_only: bool,
    public_only: bool,
    pub(super) max_failures: u32,
}

impl Admission {
    /// What a query admits, of the types that pass `is_admitted` instead of its own filter.
    pub(super) fn of(
        query: &PeerQuery<'_>,
        is_admitted: impl Fn(StoredPeerType) -> bool,
        public_only: bool,
    ) -> Self {
        Self {
            types: StoredPeerType::ALL.map(is_admitted),
            due_only: query.use_next_attempt,
            public_only,
            max_failures: query.max_num_failures.unwrap_or(u32::MAX),
        }
    }

    /// Whether the pools alone decide: every peer in an admitted pool is within the bound on failures.
    pub(super) fn is_exact(&self) -> bool {
        class_end(class_of(self.max_failures)) == self.max_failures
    }

    /// How many classes of each admitted facet may hold admitted peers.
    fn class_count(self) -> usize {
        class_of(self.max_failures) + 1
    }

    /// The admitted facets, in order.
    fn facets(self) -> impl Iterator<Item = usize> {
        let is_admitted = move |&facet: &usize| {
            let (peer_type, attempt, is_private) = facet_parts(facet);
            self.types[peer_type]
                && !(self.due_only && attempt == Attempt::Waiting)
                && !(self.public_only && is_private)
        };
        (0..FACETS).filter(is_admitted)
    }

    /// The pools that may hold admitted peers, facet by facet.
    pub(super) fn facet_pools(self) -> impl Iterator<Item = Range<usize>> {
        self.facets().map(move |facet| facet * CLASSES..facet * CLASSES + self.class_count())
    }

    /// For each facet, how many of its classes may hold admitted peers.
    pub(super) fn classes(self) -> [u8; FACETS] {
        let mut classes = [0; FACETS];
        self.facet_pools().for_each(|pools| classes[facet_of(pools.start)] = class_in(pools.end - 1) + 1);
        classes
    }

    /// For each pool, whether it may hold admitted peers.
    pub(super) fn pools(self) -> [bool; POOLS] {
        let mut is_admitted = [false; POOLS];
        self.facet_pools().for_each(|pools| is_admitted[pools].fill(true));
        is_admitted
    }
}
