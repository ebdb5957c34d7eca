//! Counts for the operator of a node.

use crate::options::Durability;

/// Counts of what is in the table and of what happened since it was opened.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// How the manager was opened.
    pub durability: Durability,
    /// All peers.
    pub peers: u64,
    /// Inbound peers.
    pub inbound: u64,
    /// Outbound peers.
    pub outbound: u64,
    /// Preferred peers.
    pub preferred: u64,
    /// Peers whose next attempt is due.
    pub ready: u64,
    /// Netgroups with at least one peer: see [`max_peers_per_netgroup`](crate::Options::max_peers_per_netgroup).
    pub netgroups: u64,
    /// With [`Durability::Deferred`], changes that are not in the file yet.
    pub pending_writes: u64,
    /// Writes to the database that failed since the manager was opened; with [`Durability::Deferred`] each attempt to write a
    /// group counts as one.
    pub failed_writes: u64,
    /// Rows of the database that were not valid peers when it was opened; after a quarantine, those that could not be
    /// saved.
    pub skipped_rows: u64,
    /// Peers that a bound or a policy refused since the manager was opened, including those that were kept out of the table
    /// then.
    pub refused_peers: u64,
    /// Bans that are in force now.
    pub bans: u64,
    /// The size in bytes of the write-ahead log, which is next to the file with `-wal` added to its name. SQLite reuses it
    /// from the beginning once all of it is in the file, so if it keeps growing, some reader never ends. 0 in memory and
    /// on a borrowed connection.
    pub log_bytes: u64,
    /// Failed attempts that did not count since the manager was opened, because the node was
    /// [offline](crate::PeerManager::set_online).
    pub forgiven_failures: u64,
    /// Changes that were left out of the file since the manager was opened, because the file's own constraints refuse
    /// them: memory has them until the manager is dropped.
    pub rejected_rows: u64,
}
