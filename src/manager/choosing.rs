//! Choosing peers, and looking at all of them.

use super::PeerManager;
use super::deferred::Deferred;
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::query::PeerQuery;
use crate::stats::Stats;
use crate::sync::Ordering;
use crate::table::Snapshot;

/// Choosing peers, and looking at all of them. Nothing here waits for the disk.
impl PeerManager {
    /// Draws min(`size`, eligible) of the peers that the query admits: uniformly, without replacement, in random
    /// order.
    ///
    /// Cost: set by `size` and the length of `query.exclude`, not by the table; peers that have become due since
    /// the last query are sorted in first, a few steps each.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a non-zero `max_per_netgroup`.
    pub fn load_random_peers(&self, query: &PeerQuery<'_>, size: usize) -> Result<Vec<PeerAddress>> {
        let mut rng = self.random.stream();
        self.ask(query, |table| table.choose(query, size, &mut rng))
    }

    /// Draws peers to tell another one about: never private addresses, never `exclude`; preferred before
    /// outbound before inbound, at random within each.
    ///
    /// [`PeerQuery::everything`] is the specification's form; another query leaves out more.
    ///
    /// Cost: as [`load_random_peers`](Self::load_random_peers).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a non-zero `max_per_netgroup`.
    pub fn get_peers_to_send(
        &self,
        filter: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
    ) -> Result<Vec<PeerAddress>> {
        let mut rng = self.random.stream();
        self.ask(filter, |table| table.choose_to_send(filter, exclude, size, &mut rng))
    }

    /// A copy of all peers at one consistent moment. Cost: linear, a copy of 44 bytes a peer.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn get_all_peers(&self) -> Result<Snapshot> {
        Ok(self.read()?.snapshot())
    }

    /// The number of peers. Cost: constant.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.read().map_or(0, |table| table.len())
    }

    /// Counts. Cost: linear in the table, for the network groups.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn get_stats(&self) -> Result<Stats> {
        let now = self.clock.now();
        let (census, pending_writes) = self.read_at(now, |table| {
            (table.census(), self.deferred.as_ref().map_or(0, |deferred| deferred.pending(table)))
        })?;
        let failed_in_background = self.deferred.as_ref().map_or(0, Deferred::failed);
        let [inbound, outbound, preferred] = census.by_type;
        Ok(Stats {
            durability: self.durability,
            peers: inbound + outbound + preferred,
            inbound,
            outbound,
            preferred,
            ready: census.ready,
            netgroups: census.netgroups,
            pending_writes,
            failed_writes: self.failed_writes.load(Ordering::Relaxed) + failed_in_background,
            skipped_rows: self.skipped_rows,
            refused_peers: 0,
        })
    }

    /// Checks everything that must hold between two calls, for tests; says what does not.
    ///
    /// # Errors
    /// [`Error::Internal`] with the invariant that is broken.
    #[doc(hidden)]
    pub fn check_invariants(&self) -> Result<()> {
        self.read()?.check_invariants().map_err(Error::Internal)
    }
}
