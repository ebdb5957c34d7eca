//! How a peer manager is opened.

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, Result};

/// What a call that changed something has reached when it returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The change is committed: it survives a crash of the process.
    ///
    /// If the disk fails just then and the call with it, but not before all was written, and the process ends before
    /// the next change, then the next start may find the change all the same.
    #[default]
    Commit,
    /// The change is committed and synchronised to the disk: it survives a loss of power. If the disk fails, as above.
    Sync,
    /// The change is in memory, and is committed with others by a background thread at most
    /// [`flush_interval`](Options::flush_interval) later: a call never waits for the disk, and never fails because of
    /// it. What was not committed yet is lost in a crash of the process; the file then has the table as it was at one
    /// moment before. [`flush`](crate::PeerManager::flush) waits for all of it and reports failure.
    ///
    /// In memory, and on a borrowed connection, it means nothing.
    Deferred,
}

/// What to do with a file that is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCorrupt {
    /// Refuse to open it.
    #[default]
    Fail,
    /// Set it aside, under its name with `.damaged-` and the time behind it, and start with what can be read of it:
    /// [`PeerManager::quarantine`](crate::PeerManager::quarantine) tells what happened. Nothing is deleted.
    ///
    /// That goes for every file that would be refused with [`Error::Corrupt`], so also for a sound database of
    /// another program with another table `peers`.
    Quarantine,
}

/// How a [`PeerManager`](crate::PeerManager) is opened. The default is a table in memory only.
///
/// ```
/// use peer_manager::{Options, PeerManager};
///
/// let mut options = Options::default();
/// options.rng_seed = Some(7);
/// let manager = PeerManager::open(options)?;
/// # Ok::<(), peer_manager::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file, made when there is none; `None` for a table in memory only.
    pub db_path: Option<PathBuf>,
    /// What a call that changed something has reached when it returns.
    pub durability: Durability,
    /// How long to wait for another connection's lock before a call fails with [`Error::Busy`].
    pub busy_timeout: Duration,
    /// With [`Durability::Deferred`], how long after the first change of a group the group is committed.
    pub flush_interval: Duration,
    /// What to do with a file that is damaged.
    pub on_corrupt: OnCorrupt,
    /// Makes every random choice follow this seed, for tests and simulations.
    pub rng_seed: Option<u64>,
    /// Where the time comes from.
    pub clock: Clock,
    /// The most peers that the table holds; 0 for no bound. Other values are not supported yet.
    pub max_peers: u64,
    /// The most peers of one network group; 0 for no bound. Other values are not supported yet.
    pub max_peers_per_netgroup: u32,
    /// How long one random choice is shared with everyone who asks; 0 for a new one each time. Other values
    /// are not supported yet.
    pub share_cache_seconds: u32,
    /// How much of the table that choice may hold, in per cent; 0 for all of it.
    pub share_max_percent: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            db_path: None,
            durability: Durability::Commit,
            busy_timeout: Duration::from_secs(5),
            flush_interval: Duration::from_millis(100),
            on_corrupt: OnCorrupt::Fail,
            rng_seed: None,
            clock: Clock::system(),
            max_peers: 0,
            max_peers_per_netgroup: 0,
            share_cache_seconds: 0,
            share_max_percent: 0,
        }
    }
}

impl Options {
    /// Refuses what this version does not do, by name, rather than ignoring it.
    pub(crate) fn check(&self) -> Result<()> {
        let unsupported = [
            (self.max_peers != 0, "a non-zero max_peers", "use 0"),
            (self.max_peers_per_netgroup != 0, "a non-zero max_peers_per_netgroup", "use 0"),
            (self.share_cache_seconds != 0, "a non-zero share_cache_seconds", "use 0"),
        ];
        if let Some((_, what, instead)) = unsupported.iter().find(|(asked, ..)| *asked) {
            return Err(unsupported_here(what, instead));
        }
        if self.share_max_percent > 100 {
            return Err(Error::InvalidArgument(format!(
                "share_max_percent is {}, which is no percentage; use 0 to 100",
                self.share_max_percent
            )));
        }
        Ok(())
    }
}

/// The error for what a later version will do.
pub(crate) fn unsupported_here(what: &str, instead: &str) -> Error {
    Error::Unsupported(format!("{what} is not supported by version {}; {instead}", env!("CARGO_PKG_VERSION")))
}
