//! The bounds on a table.

use super::slot::MAX_SLOTS;

/// The most peers of the table and of each netgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) peers: usize,
    pub(crate) per_netgroup: u32,
}

/// Which bound refuses a new peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Table,
    Netgroup,
}

impl Bounds {
    /// From the options, where 0 means no bound.
    pub(crate) fn new(max_peers: u64, max_peers_per_netgroup: u32) -> Self {
        let peers = match usize::try_from(max_peers) {
            Ok(0) | Err(_) => Self::NONE.peers,
            Ok(bound) => bound.min(Self::NONE.peers),
        };
        let per_netgroup = if max_peers_per_netgroup == 0 { u32::MAX } else { max_peers_per_netgroup };
        Self { peers, per_netgroup }
    }

    /// No bounds except those that slots set.
    pub(crate) const NONE: Self = Self { peers: MAX_SLOTS - 1, per_netgroup: u32::MAX };
}
