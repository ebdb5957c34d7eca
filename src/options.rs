//! How a peer manager is opened.

use std::path::PathBuf;
use std::time::Duration;

use crate::asmap::AsMap;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::netgroup::{GroupingPolicy, NameGroups};
use crate::peer::BackOffScale;
use crate::reach::Reach;

/// How durable a change is when the call that made it returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Durability {
    /// The change is committed: it survives a crash of the process.
    ///
    /// If the call fails because the disk failed after everything had been written, and the process ends before the next
    /// change, the next start may still find the change.
    #[default]
    Commit,
    /// The change is committed and fsynced: it survives a loss of power. If the disk fails, the same applies as for
    /// [`Commit`](Self::Commit).
    Sync,
    /// The change is in memory, and is committed with others by a background thread at most
    /// [`flush_interval`](Options::flush_interval) later: a call never waits for the disk, and never fails because of it. What
    /// has not been committed yet is lost in a crash of the process; the file then holds the table as it was at an earlier
    /// point in time. [`flush`](crate::PeerManager::flush) waits until everything is in the file, and reports failure.
    ///
    /// In memory, and on a borrowed connection, it has no effect.
    Deferred,
}

/// How a damaged file is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OnCorrupt {
    /// Refuse to open it.
    #[default]
    Fail,
    /// Set it aside, with `.damaged-` and the time added to its name, and start with what can be read from it:
    /// [`PeerManager::quarantine`](crate::PeerManager::quarantine) returns what happened. Nothing is deleted, but the
    /// new file has no bans.
    ///
    /// This applies to every file that would be refused with [`Error::Corrupt`], including a sound database of another program
    /// with a different table `peers`.
    Quarantine,
}

/// How a [`PeerManager`](crate::PeerManager) is opened. The default is a table in memory only.
///
/// Name the options that are to differ from the default, and end with `..Options::default()`, because later versions may have
/// more.
///
/// ```
/// use peer_manager::{Durability, Options, PeerManager};
///
/// let options = Options { durability: Durability::Deferred, rng_seed: Some(7), ..Options::default() };
/// let manager = PeerManager::open(options)?;
/// # Ok::<(), peer_manager::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// The database file, created if there is none; `None` for a table in memory only.
    ///
    /// A stellar-core database (since 2019) is used in its own layout, so that either program can open it next, one at
    /// a time. stellar-core takes every host for an IPv4 address and crashes on any other, so there, peers with
    /// other hosts are held in memory only. Times before the year 1000 or after the year 9999 are written as the nearest
    /// time within those years.
    pub db_path: Option<PathBuf>,
    /// How durable a change is when the call that made it returns.
    pub durability: Durability,
    /// How long to wait for another connection's lock before a call fails with [`Error::Busy`].
    pub busy_timeout: Duration,
    /// With [`Durability::Deferred`], how long after the first change of a group the group is committed.
    pub flush_interval: Duration,
    /// How a damaged file is treated.
    pub on_corrupt: OnCorrupt,
    /// Makes every random choice follow this seed, for tests and simulations. After a fork, parent and child still choose
    /// differently.
    pub rng_seed: Option<u64>,
    /// Where the time comes from.
    pub clock: Clock,
    /// The most peers that the table holds; 0 for no bound.
    ///
    /// A new peer in a full table, whether from gossip ([`ensure_exists`](crate::PeerManager::ensure_exists)) or from the
    /// application itself, evicts the inbound peer with the most failures: of its own netgroup if one there has failed, else of
    /// the table. (From 16 failures on, only the ranges 16 to 31, 32 to 63, 64 to 120 and more are told apart.) If no inbound
    /// peer has failed, the new one is refused with [`Error::Limit`] or, in a batch, left out; it is counted either way.
    /// Outbound and preferred peers are not evicted, nor is any peer of the same batch, known or new. A change of a peer that
    /// is in the table is never refused.
    ///
    /// With [`keep_history`](Self::keep_history), a dead outbound peer is evicted before a new one is refused. It is dead if it
    /// has failed at least [`MAX_FAILURES`](crate::MAX_FAILURES) times and has not been reached for 30 days (counted from the
    /// beginning of its history if it is not known ever to have been reached). Preferred peers are never evicted.
    ///
    /// From a file with more peers, the best are loaded: preferred before outbound before inbound, then those with fewer
    /// failures, then those whose rows come first. The rows of the others stay in the file, and count as refused.
    pub max_peers: u64,
    /// The most peers of one netgroup; 0 for no bound.
    ///
    /// A netgroup is an IPv4 /16, also for an IPv6 address that wraps or tunnels an IPv4 address (6to4, Teredo's client, NAT64,
    /// IPv4-translated); for other IPv6 addresses a /32, but a /36 of `2001:470::/32`; for names,
    /// [`name_groups`](Self::name_groups) decides. With [`Reach::Private`], a private address with its port is a netgroup of
    /// its own. With [`asmap_path`](Self::asmap_path), all IP addresses of an autonomous system are one netgroup.
    ///
    /// Like [`max_peers`](Self::max_peers), but a new peer in a full netgroup evicts only a peer of that netgroup.
    pub max_peers_per_netgroup: u32,
    /// For how many seconds [`get_peers_to_send`](crate::PeerManager::get_peers_to_send) answers everyone from one shared
    /// list of drawn peers, so that no peer learns the table by asking often; 0 draws anew each time.
    ///
    /// Each list is used longer than this by a random time, up to half of it, so that no peer knows when the next one begins.
    pub share_cache_seconds: u32,
    /// How much of the table the shared list may hold at a time: for each type, this percentage of the peers that have that
    /// type when the first of them is drawn, rounded down but at least one; 0 and 100 mean no limit. A type that is not
    /// asked for takes nothing from the others. Peers that are no longer in the table are replaced by others.
    /// While a new node's table is small, so is a percentage of it.
    ///
    /// Without `share_cache_seconds` there is no shared list, and anything but 0 is refused.
    pub share_max_percent: u32,
    /// Where the peers of the node are: which addresses are refused, drawn and told to others.
    pub reach: Reach,
    /// How names are counted as netgroups.
    pub name_groups: NameGroups,
    /// Keeps a [`History`](crate::History) of each peer: when it was heard of, reached and tried.
    /// [`load_history`](crate::PeerManager::load_history) and the queries' [`heard_since`](crate::PeerQuery::heard_since) and
    /// [`reached_since`](crate::PeerQuery::reached_since) need it.
    ///
    /// It costs 20 bytes a peer in memory, and in the file a table of its own, `peer_manager_history`, which is written in the
    /// transaction of the change that a time belongs to. Gossip about a known peer writes at most once a day. In
    /// stellar-core's file there is no such table, nor on a borrowed connection: there, histories end with the manager. So
    /// do those of a damaged file that is [set aside](OnCorrupt::Quarantine).
    pub keep_history: bool,
    /// The unit of the back-off in seconds, at most 3600; 0 for the specification's 10
    /// ([`SECONDS_PER_BACKOFF`](crate::SECONDS_PER_BACKOFF)).
    pub backoff_seconds: u32,
    /// The back-off doubles with each failure until it has doubled this many times, at most 20; 0 for the specification's 10
    /// ([`MAX_BACKOFF_EXPONENT`](crate::MAX_BACKOFF_EXPONENT)).
    pub max_backoff_exponent: u32,
    /// A map of the Internet's autonomous systems (AS), in the format of Bitcoin Core's `asmap.dat`: an operator with many
    /// prefixes is then one netgroup. `None` for netgroups by prefix.
    ///
    /// An IP address whose AS the map knows is in one netgroup with all others of that AS, IPv4 and IPv6; the netgroups of
    /// other addresses, and of names, are the same as without a map. The file is read when the manager is opened, and not
    /// again. It is refused with [`Error::InvalidArgument`] if it is not a regular file, is larger than 16 MiB (a map of the
    /// whole Internet has about 1.5), is cut off, or is not a map by the rules that Bitcoin Core checks.
    ///
    /// Cost: the size of the file in memory, and about half a microsecond each time the netgroup of an IP address is asked for.
    pub asmap_path: Option<PathBuf>,
}

/// The greatest `backoff_seconds`.
const MAX_BACKOFF_SECONDS: u32 = 3600;

/// The greatest `max_backoff_exponent`.
const GREATEST_BACKOFF_EXPONENT: u32 = 20;

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
            reach: Reach::default(),
            name_groups: NameGroups::default(),
            keep_history: false,
            backoff_seconds: 0,
            max_backoff_exponent: 0,
            asmap_path: None,
        }
    }
}

impl Options {
    /// Refuses what makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        if self.share_max_percent > 100 {
            return Err(Error::InvalidArgument(format!(
                "share_max_percent is {}, which is not a percentage; use 0 to 100",
                self.share_max_percent
            )));
        }
        if self.share_max_percent != 0 && self.share_cache_seconds == 0 {
            return Err(Error::InvalidArgument(format!(
                "share_max_percent is {}, but without share_cache_seconds there is no shared list that it could bound; \
                 set that too",
                self.share_max_percent
            )));
        }
        check_at_most("backoff_seconds", self.backoff_seconds, MAX_BACKOFF_SECONDS)?;
        check_at_most("max_backoff_exponent", self.max_backoff_exponent, GREATEST_BACKOFF_EXPONENT)
    }

    /// How long peers wait.
    pub(crate) fn backoff_scale(&self) -> BackOffScale {
        let mut scale = BackOffScale::default();
        if self.backoff_seconds != 0 {
            scale.seconds = self.backoff_seconds.into();
        }
        if self.max_backoff_exponent != 0 {
            scale.max_exponent = self.max_backoff_exponent;
        }
        scale
    }

    /// How addresses are counted as netgroups, and which of them are private. Reads the map of autonomous systems, if there is
    /// to be one.
    pub(crate) fn grouping_policy(&self) -> Result<GroupingPolicy> {
        let asmap = self.asmap_path.as_deref().map(AsMap::read).transpose()?;
        Ok(GroupingPolicy::new(self.name_groups, self.reach).with_asmap(asmap))
    }
}

fn check_at_most(name: &str, number: u32, most: u32) -> Result<()> {
    if number <= most {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!("{name} is {number}, which is too much; use at most {most}")))
}
