//! The strategies that are compared: this library with its defences on or off, driven as a node drives it, and two references.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use peer_manager::{
    BackOffUpdate, Options, PeerAddress, PeerManager, PeerQuery, PeerTypeFilter, StoredPeerType,
};

use crate::Failure;
use crate::chart::grouped;
use crate::reference::{Draw, Reference};
use crate::statistics::derived;
use crate::world::Time;

/// A strategy by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The specification's `load_random_peers`: collect, filter, shuffle, take.
    Specification,
    /// stellar-core's: a window of consecutive rows at a random offset.
    Window,
    /// This library.
    Library(Defences),
}

/// The options of this library that make an eclipse harder; 0 is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names of the options")]
pub(crate) struct Defences {
    pub(crate) max_per_netgroup: u32,
    pub(crate) max_peers: u64,
    pub(crate) max_peers_per_netgroup: u32,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Specification => f.write_str("the specification: a uniform draw"),
            Self::Window => f.write_str("stellar-core: a window of 1,000 rows"),
            Self::Library(defences) if *defences == Defences::default() => {
                f.write_str("this library, defences off")
            }
            Self::Library(defences) => {
                let Defences { max_per_netgroup, max_peers, max_peers_per_netgroup } = *defences;
                let mut text = String::new();
                for (name, value) in [
                    ("max_per_netgroup", u64::from(max_per_netgroup)),
                    ("max_peers_per_netgroup", u64::from(max_peers_per_netgroup)),
                    ("max_peers", max_peers),
                ] {
                    if value != 0 {
                        let comma = if text.is_empty() { "" } else { ", " };
                        write!(text, "{comma}`{name}` {}", grouped(value))?;
                    }
                }
                f.write_str(&text)
            }
        }
    }
}

/// What a node asks of its table.
pub(crate) trait Strategy {
    /// Gossip.
    fn hear_of(&mut self, addresses: &[PeerAddress]) -> Result<(), Failure>;

    /// Whom to dial: peers that are due and have not failed too often.
    fn draw(
        &mut self,
        types: PeerTypeFilter,
        exclude: &[PeerAddress],
        size: usize,
    ) -> Result<Vec<PeerAddress>, Failure>;

    /// A dial that ended with a connection.
    fn reached(&mut self, address: &PeerAddress) -> Result<(), Failure>;

    /// A dial that did not.
    fn failed(&mut self, address: &PeerAddress) -> Result<(), Failure>;

    /// All that is not in the file is lost, as in a restart of the node.
    fn restart(&mut self) -> Result<(), Failure>;

    /// All peers, in the order in which they were heard of where the strategy depends on it.
    fn peers(&self) -> Result<Vec<PeerAddress>, Failure>;
}

impl Kind {
    /// An empty table. With a path, the library keeps its table in a file there; the references' survive in any case.
    pub(crate) fn open(
        self,
        time: &Time,
        seed: u64,
        file: Option<PathBuf>,
    ) -> Result<Box<dyn Strategy>, Failure> {
        Ok(match self {
            Self::Specification => Box::new(Reference::new(Draw::Uniform, time, seed)),
            Self::Window => Box::new(Reference::new(Draw::Window, time, seed)),
            Self::Library(defences) => Box::new(Library::open(defences, time, seed, file)?),
        })
    }
}

/// The library as a node uses it.
#[derive(Debug)]
struct Library {
    /// `None` only while it is being opened again.
    manager: Option<PeerManager>,
    options: Options,
    max_per_netgroup: u32,
    seed: u64,
    restarts: u64,
}

impl Library {
    fn open(defences: Defences, time: &Time, seed: u64, file: Option<PathBuf>) -> Result<Self, Failure> {
        let options = Options {
            // COMMIT: with DEFERRED the order of the rows, and so what a seed draws after a restart, would depend on timing.
            db_path: file,
            clock: time.clock(),
            rng_seed: Some(seed),
            max_peers: defences.max_peers,
            max_peers_per_netgroup: defences.max_peers_per_netgroup,
            ..Options::default()
        };
        let manager = Some(PeerManager::open(options.clone())?);
        Ok(Self { manager, options, max_per_netgroup: defences.max_per_netgroup, seed, restarts: 0 })
    }

    fn manager(&self) -> Result<&PeerManager, Failure> {
        self.manager.as_ref().ok_or_else(|| "the table was not opened again".into())
    }
}

impl Strategy for Library {
    fn hear_of(&mut self, addresses: &[PeerAddress]) -> Result<(), Failure> {
        self.manager()?.ensure_exists_many(addresses)?;
        Ok(())
    }

    fn draw(
        &mut self,
        types: PeerTypeFilter,
        exclude: &[PeerAddress],
        size: usize,
    ) -> Result<Vec<PeerAddress>, Failure> {
        let query = PeerQuery {
            type_filter: types,
            max_per_netgroup: self.max_per_netgroup,
            exclude,
            ..PeerQuery::default()
        };
        Ok(self.manager()?.load_random_peers(&query, size)?)
    }

    fn reached(&mut self, address: &PeerAddress) -> Result<(), Failure> {
        let (seen, known) = (StoredPeerType::Outbound, false);
        Ok(self.manager()?.update(address, seen, known, BackOffUpdate::Reset)?)
    }

    fn failed(&mut self, address: &PeerAddress) -> Result<(), Failure> {
        Ok(self.manager()?.update_backoff(address, BackOffUpdate::Increase)?)
    }

    fn restart(&mut self) -> Result<(), Failure> {
        if self.options.db_path.is_none() {
            return Ok(());
        }
        self.restarts += 1;
        // The same seed again would draw the same again.
        self.options.rng_seed = Some(derived(self.seed, self.restarts));
        // Closed first: a file has one manager at a time.
        drop(self.manager.take());
        self.manager = Some(PeerManager::open(self.options.clone())?);
        Ok(())
    }

    fn peers(&self) -> Result<Vec<PeerAddress>, Failure> {
        Ok(self.manager()?.get_all_peers()?.iter().map(|record| record.address).collect())
    }
}
