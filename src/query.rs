//! Which peers a query admits.

use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::network::Networks;
use crate::peer::{REALLY_DEAD, StoredPeerType};

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
    /// Inbound and outbound peers: to tell strangers nothing about the operator's own peers.
    NotPreferred,
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
            Self::NotPreferred => peer_type != StoredPeerType::Preferred,
        }
    }
}

/// Which peers are eligible.
///
/// The default is for dialling: outbound and preferred peers whose next attempt is due and that have failed at most
/// [`REALLY_DEAD`] times.
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
    /// 0: every eligible peer is equally likely. Otherwise each draw first picks a
    /// [netgroup](crate::Options::max_peers_per_netgroup), uniformly among those with an eligible peer left, then a peer in it,
    /// also uniformly, and takes at most this many from any one netgroup: an attacker's share is the share of netgroups it
    /// holds, not of addresses.
    pub max_per_netgroup: u32,
    /// Peers to leave out, for example those connected now.
    pub exclude: &'a [PeerAddress],
    /// 0 or 1: off. Otherwise each place in the answer goes to the most senior of this many draws, at most [`MAX_SENIORITY`],
    /// each made as if it were for that place alone.
    ///
    /// Among inbound peers, the first to be heard of is the most senior; among outbound and preferred peers, the first to
    /// become outbound or preferred. A peer that is stored or imported is new at that time. Seniority lasts through restarts,
    /// failures and changes between outbound and preferred, and ends with removal. The peers of a flood cannot be old, so they
    /// win few places. (The principle is Kademlia's preference for old contacts: P. Maymounkov and D. Mazières, 2002.)
    ///
    /// It costs the file nothing: the order of its rows is the order of seniority. A file whose table `peers` is WITHOUT
    /// ROWID keeps none: there, peers are in the order of their keys after a restart.
    pub seniority: u32,
    /// Leaves out every peer of a netgroup that an address in `exclude` is in.
    pub apart: bool,
    /// Only peers whose addresses are of these networks.
    pub networks: Networks,
    /// For [`get_peers_to_send`](crate::PeerManager::get_peers_to_send) with
    /// [`share_cache_seconds`](crate::Options::share_cache_seconds): which of the shared lists answers, from 0 to
    /// [`MAX_SHARE_KEY`]. With one for each network and each local address, a peer that asks over two of them cannot tell by the
    /// answers that it is one node.
    pub share_key: u32,
    /// Only peers heard of, or reached, at or after this time, in seconds since the Unix epoch; 0 for any. Needs
    /// [`keep_history`](crate::Options::keep_history). The time at which a peer was last heard of is recorded to the day: see
    /// [`History::last_heard`](crate::History::last_heard).
    ///
    /// Cost: another draw for each peer that is drawn and left out; where that is most of the admitted peers, the query is
    /// linear in the admitted peers.
    pub heard_since: i64,
    /// Only peers reached at or after this time; 0 for any. Otherwise like `heard_since`.
    pub reached_since: i64,
}

/// The largest [`share_key`](PeerQuery::share_key).
pub const MAX_SHARE_KEY: u32 = 15;

/// The largest [`seniority`](PeerQuery::seniority).
pub const MAX_SENIORITY: u32 = 64;

impl PeerQuery<'_> {
    /// Refuses what makes no sense, or asks for histories where none are kept.
    pub(crate) fn check(&self, are_histories_kept: bool) -> Result<()> {
        for (name, since) in [("heard_since", self.heard_since), ("reached_since", self.reached_since)] {
            if since != 0 && !are_histories_kept {
                return Err(Error::InvalidArgument(format!(
                    "{name} is {since}, but no history of the peers is kept; open with keep_history, or leave it 0"
                )));
            }
        }
        if self.seniority > MAX_SENIORITY {
            return Err(Error::InvalidArgument(format!(
                "seniority is {}; use at most {MAX_SENIORITY} draws",
                self.seniority
            )));
        }
        if self.share_key > MAX_SHARE_KEY {
            return Err(Error::InvalidArgument(format!(
                "share_key is {}; use 0 to {MAX_SHARE_KEY}",
                self.share_key
            )));
        }
        Ok(())
    }

    /// Every peer, whatever its type, its failures and its next attempt.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            use_next_attempt: false,
            max_num_failures: None,
            type_filter: PeerTypeFilter::Any,
            max_per_netgroup: 0,
            exclude: &[],
            seniority: 0,
            apart: false,
            networks: Networks::ALL,
            share_key: 0,
            heard_since: 0,
            reached_since: 0,
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
    /// The query at the time of `clock`, which is not read if it does not matter.
    pub(crate) fn at(query: &'a PeerQuery<'_>, clock: impl FnOnce() -> i64) -> Self {
        Self { query, now: query.use_next_attempt.then(clock) }
    }
}

impl Default for PeerQuery<'_> {
    fn default() -> Self {
        Self {
            use_next_attempt: true,
            max_num_failures: Some(REALLY_DEAD),
            type_filter: PeerTypeFilter::AnyOutbound,
            max_per_netgroup: 0,
            exclude: &[],
            seniority: 0,
            apart: false,
            networks: Networks::ALL,
            share_key: 0,
            heard_since: 0,
            reached_since: 0,
        }
    }
}
