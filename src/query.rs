//! Which peers a query admits.

use crate::address::PeerAddress;
use crate::peer::{MAX_FAILURES, StoredPeerType};

/// The types of peer that a query admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum PeerTypeFilter {
    /// Inbound peers only.
    InboundOnly,
    /// Outbound peers only.
    OutboundOnly,
    /// Preferred peers only.
    PreferredOnly,
    /// Outbound and preferred peers.
    AnyOutbound,
    /// Every peer.
    Any,
}

impl PeerTypeFilter {
    /// Whether peers of this type are admitted.
    #[must_use]
    pub fn admits(self, peer_type: StoredPeerType) -> bool {
        match self {
            Self::InboundOnly => peer_type == StoredPeerType::Inbound,
            Self::OutboundOnly => peer_type == StoredPeerType::Outbound,
            Self::PreferredOnly => peer_type == StoredPeerType::Preferred,
            Self::AnyOutbound => peer_type != StoredPeerType::Inbound,
            Self::Any => true,
        }
    }
}

/// Which peers are eligible.
///
/// The default is for dialling: outbound and preferred peers whose next attempt is due and that have failed at most
/// [`MAX_FAILURES`] times.
///
/// ```
/// use peer_manager::{PeerQuery, PeerTypeFilter};
///
/// let query = PeerQuery { type_filter: PeerTypeFilter::Any, ..PeerQuery::default() };
/// assert!(query.use_next_attempt);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerQuery<'a> {
    /// Only peers whose next attempt is due.
    pub use_next_attempt: bool,
    /// Only peers with at most this many failures; `None` for all.
    pub max_num_failures: Option<u32>,
    /// Only peers of these types.
    pub type_filter: PeerTypeFilter,
    /// 0: every eligible peer is equally likely. Otherwise each draw first picks a netgroup (an IPv4 /16, an IPv6 /32,
    /// each name one of its own), uniformly among those with an eligible peer left, then a peer in it, uniformly, and takes
    /// at most this many from any one netgroup: an attacker's share is the share of netgroups it holds, not of addresses.
    pub max_per_netgroup: u32,
    /// Peers to leave out, for example those connected now.
    pub exclude: &'a [PeerAddress],
}

impl PeerQuery<'_> {
    /// Every peer, whatever its type, its failures and its next attempt.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            use_next_attempt: false,
            max_num_failures: None,
            type_filter: PeerTypeFilter::Any,
            max_per_netgroup: 0,
            exclude: &[],
        }
    }
}

/// A query, and the time if only peers that are due are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedQuery<'a> {
    pub(crate) query: &'a PeerQuery<'a>,
    pub(crate) now: Option<i64>,
}

impl<'a> TimedQuery<'a> {
    /// What is asked at the time that `clock` tells, which is not read if it does not matter.
    pub(crate) fn at(query: &'a PeerQuery<'_>, clock: impl FnOnce() -> i64) -> Self {
        Self { query, now: query.use_next_attempt.then(clock) }
    }
}

impl Default for PeerQuery<'_> {
    fn default() -> Self {
        Self {
            use_next_attempt: true,
            max_num_failures: Some(MAX_FAILURES),
            type_filter: PeerTypeFilter::AnyOutbound,
            max_per_netgroup: 0,
            exclude: &[],
        }
    }
}
