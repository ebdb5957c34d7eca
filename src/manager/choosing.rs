//! Choosing peers, and looking at all of them.

use super::PeerManager;
use super::deferred::Deferred;
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::query::{PeerQuery, TimedQuery};
use crate::stats::Stats;
use crate::sync::{Ordering, let_others_in};
use crate::table::{Addresses, Room, Snapshot};

/// Choosing peers, and looking at all of them. Nothing here waits for the disk.
impl PeerManager {
    /// Draws min(`size`, eligible) of the peers that the query admits: uniformly, without replacement, in random
    /// order. With [`max_per_netgroup`](PeerQuery::max_per_netgroup), each draw picks a netgroup first, and at most
    /// that many come from each.
    ///
    /// Cost: depends on `size` and the length of `query.exclude`, not on the table; peers that have become due since the last
    /// query are moved first, a few steps each, and for at most a millisecond or two in one call. A bound on failures above 15
    /// other than 31, 63, 120 and `u32::MAX` costs more where it leaves out most of the peers. The first query by netgroup of a
    /// table without bounds is linear in the table, which it locks only for moments at a time; from then on the netgroups are
    /// kept up to date.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a [`seniority`](PeerQuery::seniority) that is too large, and for
    /// [`heard_since`](PeerQuery::heard_since) or [`reached_since`](PeerQuery::reached_since) without
    /// [`keep_history`](crate::Options::keep_history); [`Error::Internal`] after a panic.
    pub fn load_random_peers(&self, query: &PeerQuery<'_>, size: usize) -> Result<Vec<PeerAddress>> {
        let mut answer = Addresses::new();
        self.draw(query, size, &mut answer)?;
        Ok(answer.into_vec())
    }

    /// As [`load_random_peers`](Self::load_random_peers), into an empty answer.
    pub(crate) fn draw(&self, query: &PeerQuery<'_>, size: usize, answer: &mut Addresses) -> Result<()> {
        query.check(self.keeps_histories)?;
        let timed = TimedQuery::at(query, || self.clock.now());
        let mut generator = self.random.generator();
        self.ask(timed, |table| Ok(table.draw(timed, size, answer, generator.rng())?))
    }

    /// Draws peers to tell another peer about: never private addresses, never `exclude`; preferred before
    /// outbound before inbound, at random within each.
    ///
    /// [`PeerQuery::everything`] is the specification's form; another query leaves out more. With
    /// [`share_cache_seconds`](crate::Options::share_cache_seconds) everyone is answered from the same shared list for a
    /// while.
    ///
    /// Cost: as [`load_random_peers`](Self::load_random_peers); with `share_cache_seconds`, linear in the shared list, which
    /// is about as long as the longest answer, and longer if queries differ or peers are removed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a [`seniority`](PeerQuery::seniority) or [`share_key`](PeerQuery::share_key) that is too
    /// large, and as [`load_random_peers`](Self::load_random_peers); [`Error::Internal`] after a panic.
    pub fn get_peers_to_send(
        &self,
        filter: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
    ) -> Result<Vec<PeerAddress>> {
        self.draw_to_send(filter, exclude, size).map(Addresses::into_vec)
    }

    /// As [`get_peers_to_send`](Self::get_peers_to_send), without an allocation for a short answer.
    pub(crate) fn draw_to_send(
        &self,
        filter: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
    ) -> Result<Addresses> {
        filter.check(self.keeps_histories)?;
        let Some(sharing) = &self.sharing else {
            let timed = TimedQuery::at(filter, || self.clock.now());
            let mut generator = self.random.generator();
            return self.ask(timed, |table| {
                let rng = generator.rng();
                Ok(table.draw_to_send(timed, exclude, &[], [size; 3], size, rng)?.0)
            });
        };
        let now = self.clock.now();
        let mut generator = self.random.generator();
        let mut choice = sharing.at(filter.share_key, now, generator.rng())?;
        let timed = TimedQuery::at(filter, || now);
        self.ask(timed, |table| sharing.answer(&mut choice, table, timed, exclude, size, generator.rng()))
    }

    /// A copy of all peers at one point in time. Cost: linear, a copy of 32 bytes a peer.
    ///
    /// # Errors
    /// [`Error::NoMemory`] when there is no memory for the copy; [`Error::Internal`] after a panic.
    pub fn get_all_peers(&self) -> Result<Snapshot> {
        let room = Room::for_peers(self.read()?.len())?;
        self.read()?.snapshot(room)
    }

    /// An opaque number that two addresses, in the table or not, have in common if and only if this manager counts them as one
    /// [netgroup](crate::Options::max_peers_per_netgroup). It means nothing to another manager. Cost: constant.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    ///
    /// ```
    /// use peer_manager::PeerManager;
    ///
    /// let manager = PeerManager::new_in_memory()?;
    /// let netgroup = |text: &str| manager.address_netgroup(&text.parse()?);
    /// assert_eq!(netgroup("8.8.8.8:1")?, netgroup("[64:ff9b::808:101]:2")?);
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    pub fn address_netgroup(&self, address: &PeerAddress) -> Result<u64> {
        Ok(self.read()?.netgroup_number(address))
    }

    /// The number of peers. Cost: constant.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.read().map_or(0, |table| table.len())
    }

    /// Counts peers, writes and refusals. Cost: constant in a table with bounds, or once it has been queried by netgroup; else
    /// linear in the table, to count the netgroups, in parts between which other threads get the lock: in a table of more than
    /// 16,384 peers, a change that is made during the count may be included or not.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn get_stats(&self) -> Result<Stats> {
        let now = self.clock.now();
        let (mut census, pending_writes, bans) = self.ask_arranged(Some(now), false, |table| {
            let pending = self.deferred.as_ref().map_or(0, |deferred| deferred.pending(table));
            Ok((table.census(now)?, pending, table.bans().lasting(now)))
        })?;
        while !census.netgroups.is_complete() {
            let_others_in();
            self.read()?.count_netgroups(&mut census.netgroups)?;
        }
        let failed_in_background = self.deferred.as_ref().map_or(0, Deferred::failed);
        let [inbound, outbound, preferred] = census.by_type;
        Ok(Stats {
            durability: self.durability,
            peers: inbound + outbound + preferred,
            inbound,
            outbound,
            preferred,
            ready: census.due,
            // The table is unlocked by now, because putting them in order takes time.
            netgroups: census.netgroups.finish() as u64,
            pending_writes,
            failed_writes: self.failed_writes.load(Ordering::Relaxed) + failed_in_background,
            skipped_rows: self.skipped_rows,
            refused_peers: self.refused_peers.load(Ordering::Relaxed),
            bans: bans as u64,
            log_bytes: self.log_bytes(),
            forgiven_failures: self.forgiven_failures.load(Ordering::Relaxed),
            rejected_rows: self.rejected_rows(),
        })
    }

    /// The size of the write-ahead log in bytes, for a file that the manager opened itself; else 0.
    fn log_bytes(&self) -> u64 {
        self.own_file.as_ref().map_or(0, |own| own.file.log_bytes())
    }

    /// Changes that the file's own constraints refused since it was opened.
    fn rejected_rows(&self) -> u64 {
        self.deferred.as_ref().map_or(0, Deferred::rejected)
    }

    /// Checks everything that must hold between two calls, for tests.
    ///
    /// # Errors
    /// [`Error::Internal`] with the invariant that is broken.
    #[doc(hidden)]
    pub fn check_invariants(&self) -> Result<()> {
        self.read()?.check_invariants().map_err(Error::Internal)
    }

    /// Sets how many steps of work that can wait are done at a time, for tests: with few, a small table goes through what
    /// otherwise only a large one does.
    #[doc(hidden)]
    pub fn set_steps(&self, steps: u32) {
        if let Ok(mut table) = self.write_table() {
            table.set_steps(steps);
        }
    }
}
