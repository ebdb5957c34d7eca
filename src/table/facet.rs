//! The properties that queries filter on, as numbers: facets, failure classes and pools.
//!
//! A *facet* is a type × due or waiting × public or private. A *failure class* is a range of failure counts. A *pool* is
//! a class of a facet, and every peer is in exactly one; which one follows from its entry and the as-of time.
//!
//! The classes end at the cut-offs that nodes use: 10 (tell others) and 120 (dial, purge). A query with one of those
//! bounds, or with none, admits whole classes; any other bound cuts at most one class in two.

use crate::peer::{MAX_FAILURES, StoredPeerType};

/// Counts below this each have a failure class of their own.
const EXACT: usize = 16;

/// The greatest failure count of each class.
const CLASS_ENDS: [u32; 20] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 31, 63, 120, u32::MAX];

/// How many failure classes there are.
pub(super) const CLASSES: usize = CLASS_ENDS.len();

/// How many facets there are.
pub(super) const FACETS: usize = 3 * 2 * 2;

/// How many pools there are. The pools of a facet have consecutive numbers, those with fewer failures first.
pub(super) const POOLS: usize = FACETS * CLASSES;

/// Whether a peer's next attempt has been reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It has.
    Due,
    /// It has not.
    Waiting,
}

/// The failure class of a count.
pub(super) fn class_of(num_failures: u32) -> usize {
    let count = num_failures as usize;
    if count < EXACT {
        return count;
    }
    // Without a branch, because large counts are as good as random.
    let ends = &CLASS_ENDS[EXACT..CLASSES - 1];
    EXACT + ends.iter().map(|&end| usize::from(num_failures > end)).sum::<usize>()
}

/// The greatest count of a class.
pub(super) fn class_end(class: usize) -> u32 {
    CLASS_ENDS[class]
}

/// The number of a facet.
pub(super) fn facet(peer_type: StoredPeerType, attempt: Attempt, is_private: bool) -> usize {
    (peer_type as usize * 2 + attempt as usize) * 2 + usize::from(is_private)
}

/// Which peers of the private facets a query admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrivatePeers {
    All,
    Preferred,
    None,
}

/// The facets of some types, given by number, of the due peers only if so asked, and of the private peers that are admitted; a
/// bit for each.
pub(super) fn facets(types: [bool; 3], due_only: bool, private: PrivatePeers) -> u16 {
    const DUE: u16 = 0b0011_0011_0011;
    const PUBLIC: u16 = 0b0101_0101_0101;
    const PREFERRED: u16 = 0b1111_0000_0000;
    let of_types = types.into_iter().rev().fold(0, |facets, is_in| (facets << 4) | (u16::from(is_in) * 0xf));
    let of_scope = match private {
        PrivatePeers::All => !0,
        PrivatePeers::Preferred => PUBLIC | PREFERRED,
        PrivatePeers::None => PUBLIC,
    };
    of_types & of_scope & if due_only { DUE } else { !0 }
}

/// The first classes of some facets, of each as many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classes {
    /// A bit for each facet.
    pub(super) facets: u16,
    pub(super) count: u8,
}

impl Classes {
    /// The facets, the first one first.
    pub(super) fn facets(self) -> impl Iterator<Item = u32> {
        let mut left = self.facets;
        std::iter::from_fn(move || {
            let facet = (left != 0).then(|| left.trailing_zeros());
            left &= left.wrapping_sub(1);
            facet
        })
    }

    /// How many classes of each facet there are.
    pub(super) fn of_each(self) -> [u8; FACETS] {
        std::array::from_fn(|facet| if self.facets >> facet & 1 == 1 { self.count } else { 0 })
    }
}

/// The pool of the peers of a facet that have failed this often.
pub(super) fn pool(facet: usize, num_failures: u32) -> usize {
    facet * CLASSES + class_of(num_failures)
}

/// The number of a pool in one byte, for where many are kept.
#[expect(clippy::cast_possible_truncation, reason = "POOLS fits")]
pub(super) fn pool_number(pool: usize) -> u8 {
    const { assert!(POOLS <= u8::MAX as usize, "the number of a pool takes one byte") };
    pool as u8
}

/// The facet of a pool.
pub(super) fn facet_of(pool: usize) -> usize {
    pool / CLASSES
}

/// The failure class of a pool.
pub(super) fn class_in(pool: usize) -> u8 {
    const { assert!(CLASSES < u8::MAX as usize, "a class takes one byte") };
    u8::try_from(pool % CLASSES).unwrap_or(u8::MAX)
}

/// The pools before this one are those of inbound peers.
const INBOUND: usize = POOLS / 3;

/// The pools of inbound peers that have failed at least once, most failures first.
pub(super) fn failed_inbound() -> impl Iterator<Item = usize> {
    (1..CLASSES).rev().flat_map(|class| (0..INBOUND).step_by(CLASSES).map(move |first| first + class))
}

/// Whether a pool is one of outbound peers that have failed at least [`MAX_FAILURES`] times.
pub(super) fn is_often_failed_outbound(pool: usize) -> bool {
    pools_of_type(StoredPeerType::Outbound).contains(&pool) && pool % CLASSES >= OFTEN
}

/// These pools, most failures first.
pub(super) fn often_failed_outbound() -> impl Iterator<Item = usize> {
    let firsts = || pools_of_type(StoredPeerType::Outbound).step_by(CLASSES);
    (OFTEN..CLASSES).rev().flat_map(move |class| firsts().map(move |first| first + class))
}

/// The class from which on a peer has failed at least [`MAX_FAILURES`] times.
const OFTEN: usize = MAX_FAILURES as usize;
const _: () = assert!(OFTEN < EXACT, "it is a class of its own");

/// The failure class of a pool, if that is one of inbound peers.
pub(super) fn inbound_class(pool: usize) -> Option<usize> {
    (pool < INBOUND).then_some(pool % CLASSES)
}

/// How many pairs there are of pools that differ only in due or waiting.
pub(super) const PAIRS: usize = POOLS / 2;

/// How many pools of a type are due, and how many waiting.
const SIDE: usize = 2 * CLASSES;

/// The pair of a pool, and its side there: 0 for due, 1 for waiting. The side is a number instead of an [`Attempt`], because a
/// branch on a value that is as good as random would be mispredicted.
pub(super) fn pair_of(pool: usize) -> (usize, usize) {
    /// One for each pool, because the divisions cost more than the rest of many a change.
    #[expect(clippy::cast_possible_truncation, reason = "PAIRS fits")]
    static PAIRS_OF: [(u8, u8); POOLS] = {
        let mut pairs = [(0, 0); POOLS];
        let mut pool = 0;
        while pool < POOLS {
            let (peer_type, rest) = (pool / (2 * SIDE), pool % (2 * SIDE));
            let side = rest / SIDE;
            pairs[pool] = ((peer_type * SIDE + rest - side * SIDE) as u8, side as u8);
            pool += 1;
        }
        pairs
    };
    const { assert!(PAIRS <= u8::MAX as usize, "the number of a pair takes one byte") };
    let (pair, side) = PAIRS_OF[pool];
    (usize::from(pair), usize::from(side))
}

/// The pool of a pair.
pub(super) fn pool_in(pair: usize, attempt: Attempt) -> usize {
    let (peer_type, rest) = (pair / SIDE, pair % SIDE);
    (peer_type * 2 + attempt as usize) * SIDE + rest
}

/// The other pool of the pair, for a pool on this side.
pub(super) fn other_of(pool: usize, side: usize) -> usize {
    pool + SIDE - side * (2 * SIDE)
}

/// Whether two pools are the same or differ only in due or waiting.
pub(super) fn are_paired(a: usize, b: usize) -> bool {
    pair_of(a).0 == pair_of(b).0
}

/// The pools of a type.
pub(super) fn pools_of_type(peer_type: StoredPeerType) -> std::ops::Range<usize> {
    let first = peer_type as usize * 2 * SIDE;
    first..first + 2 * SIDE
}

/// The pools of peers that have failed at least this often, and some of those that have failed less often but are of the same
/// class.
pub(super) fn pools_with_failures(min_failures: u32) -> impl Iterator<Item = usize> {
    let first_class = class_of(min_failures);
    (0..FACETS).flat_map(move |facet| facet * CLASSES + first_class..(facet + 1) * CLASSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_contiguous_and_each_ends_where_it_says() {
        for class in 0..CLASSES {
            let end = class_end(class);
            assert_eq!(class_of(end), class);
            match end.checked_add(1) {
                Some(next) => assert_eq!(class_of(next), class + 1),
                None => assert_eq!(class, CLASSES - 1),
            }
        }
    }

    #[test]
    fn the_bounds_that_nodes_use_admit_whole_classes() {
        for bound in [0, 1, 10, 15, 120, u32::MAX] {
            assert_eq!(class_end(class_of(bound)), bound);
        }
        for bound in [16, 100, 121] {
            assert_ne!(class_end(class_of(bound)), bound);
        }
    }

    #[test]
    fn the_pools_of_outbound_peers_that_failed_often_come_with_most_failures_first() {
        let pools: Vec<usize> = often_failed_outbound().collect();
        assert_eq!(pools.len(), 4 * (CLASSES - class_of(MAX_FAILURES)));
        assert!(pools.is_sorted_by_key(|pool| CLASSES - pool % CLASSES));
        for pool in 0..POOLS {
            let is_often = pools_of_type(StoredPeerType::Outbound).contains(&pool)
                && class_end(usize::from(class_in(pool))) >= MAX_FAILURES;
            assert_eq!(is_often_failed_outbound(pool), is_often);
            assert_eq!(pools.contains(&pool), is_often);
        }
    }

    #[test]
    fn there_are_240_pools_in_120_pairs() {
        assert_eq!((FACETS, CLASSES, POOLS, PAIRS), (12, 20, 240, 120));
    }

    #[test]
    fn a_facet_is_made_of_its_parts() {
        for (number, peer_type) in StoredPeerType::ALL.into_iter().enumerate() {
            for attempt in [Attempt::Due, Attempt::Waiting] {
                for is_private in [false, true] {
                    let facet = facet(peer_type, attempt, is_private);
                    for mask in 0..8 {
                        let types = [0, 1, 2].map(|other| mask >> other & 1 == 1);
                        for due_only in [false, true] {
                            for private in [PrivatePeers::All, PrivatePeers::Preferred, PrivatePeers::None] {
                                let is_in_scope = !is_private
                                    || private == PrivatePeers::All
                                    || private == PrivatePeers::Preferred
                                        && peer_type == StoredPeerType::Preferred;
                                let is_in = types[number]
                                    && !(due_only && attempt == Attempt::Waiting)
                                    && is_in_scope;
                                assert_eq!(facets(types, due_only, private) >> facet & 1 == 1, is_in);
                            }
                        }
                    }
                    assert!(pools_of_type(peer_type).contains(&pool(facet, 200)));
                    let (pair, side) = pair_of(pool(facet, 20));
                    assert_eq!(side, attempt as usize);
                    assert_eq!(pool_in(pair, attempt), pool(facet, 20));
                }
            }
        }
    }
}
