//! What the integration tests share: a clock to turn, managers that follow it, addresses to fill them with, and
//! ways to look at what a manager and its file hold.
#![allow(dead_code, unused_imports, reason = "each of the test programs uses some of these")]

pub(crate) mod aside;
pub(crate) mod calls;
pub(crate) mod calls_beside;
pub(crate) mod cc;
pub(crate) mod chance;
pub(crate) mod circles;
pub(crate) mod contents;
pub(crate) mod damage;
pub(crate) mod example;
pub(crate) mod histories;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod judge;
#[cfg(unix)]
pub(crate) mod lists;
pub(crate) mod model;
pub(crate) mod pages;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod run;
pub(crate) mod stellar_core;
#[cfg(unix)]
pub(crate) mod sweep;
pub(crate) mod tables;
#[cfg(unix)]
pub(crate) mod users;
#[cfg(unix)]
pub(crate) mod vfs;
pub(crate) mod victim;

use std::cmp;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::netgroup::Policy;
use model::steps::{Peers, by_address};
use peer_manager::{
    Clock, MAX_SENIORITY, Options, PeerAddress, PeerManager, PeerQuery, PeerRecord, StoredPeerType,
};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) use model::rows::{Rows, rows, rows_of};
pub(crate) use model::{asmap, netgroup};

/// Where the tests' clocks start.
pub(crate) const START: i64 = 1_700_000_000;

/// The seed of random tests, unless `PEER_MANAGER_TEST_SEED` says otherwise.
const DEFAULT_SEED: u64 = 20_150_408;

/// A clock that moves only when a test moves it.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(now: i64) -> Self {
        Self(Arc::new(AtomicI64::new(now)))
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = Arc::clone(&self.0);
        Clock::from_fn(move || time.load(Ordering::SeqCst))
    }

    /// The options of a manager that follows this clock and a seed.
    pub(crate) fn options(&self, seed: u64) -> Options {
        Options { clock: self.clock(), rng_seed: Some(seed), ..Options::default() }
    }

    pub(crate) fn in_memory(&self, seed: u64) -> PeerManager {
        open(self.options(seed))
    }

    pub(crate) fn on_file(&self, path: &Path, seed: u64) -> PeerManager {
        let mut options = self.options(seed);
        options.db_path = Some(path.to_owned());
        open(options)
    }
}

/// Opens a manager. What a large table does in parts, this does as well, in parts whose size depends on the seed.
pub(crate) fn open(options: Options) -> PeerManager {
    let steps = [1, 20, 16_384][(options.rng_seed.unwrap_or(2) % 3) as usize];
    let manager = PeerManager::open(options).unwrap();
    manager.set_steps(steps);
    manager
}

/// Sets the options that say which peers a node has, and which of them belong together.
pub(crate) fn follow(policy: Policy, options: &mut Options) {
    (options.reach, options.name_groups) = (policy.reach, policy.names);
    options.asmap_path = policy.has_asmap.then(few_systems);
}

/// The file with the AS map [`asmap::few`].
pub(crate) fn few_systems() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/asmap/few.dat")
}

/// A place for a database that vanishes with everything in it.
#[derive(Debug)]
pub(crate) struct TempDb(TempDir);

impl TempDb {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One in memory, where the system has a directory there: for tests that make thousands.
    pub(crate) fn fast() -> Self {
        Self(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("peers.db")
    }

    /// A second connection, which sees what is committed and nothing else.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

/// The address with this text.
pub(crate) fn address(text: &str) -> PeerAddress {
    text.parse().unwrap()
}

/// Public IPv4 addresses, different for each `n` below 2^24.
pub(crate) fn ipv4(n: u32) -> PeerAddress {
    let [_, b, c, d] = n.to_be_bytes();
    PeerAddress::from_ip(Ipv4Addr::new(52, b, c, d).into(), 11_625).unwrap()
}

/// Public IPv6 addresses, different for each `n`.
pub(crate) fn ipv6(n: u32) -> PeerAddress {
    let (high, low) = ((n >> 16) as u16, (n & 0xffff) as u16);
    PeerAddress::from_ip(Ipv6Addr::new(0x2a01, low, high, 0, 0, 7, 0, 1).into(), 11_625).unwrap()
}

/// Names, different for each `n`.
pub(crate) fn name(n: u32) -> PeerAddress {
    address(&format!("node-{n}.example.org:11625"))
}

/// Private IPv4 addresses, different for each `n` below 2^24.
pub(crate) fn private(n: u32) -> PeerAddress {
    let [_, b, c, d] = n.to_be_bytes();
    PeerAddress::from_ip(Ipv4Addr::new(10, b, c, d).into(), 11_625).unwrap()
}

/// Public addresses of the three kinds in turn.
pub(crate) fn mixed(n: u32) -> PeerAddress {
    [ipv4, ipv6, name][n as usize % 3](n)
}

pub(crate) fn record(
    address: PeerAddress,
    next_attempt: i64,
    num_failures: u32,
    peer_type: StoredPeerType,
) -> PeerRecord {
    PeerRecord { address, next_attempt, num_failures, peer_type }
}

/// All that a manager knows, by address.
pub(crate) fn peers(manager: &PeerManager) -> Peers {
    by_address(manager.get_all_peers().unwrap().iter())
}

/// Peers, the most senior first, as the draws of a manager say: of two, the senior one wins all of 64 draws but one time in
/// 2^64.
pub(crate) fn by_seniority(manager: &PeerManager, mut peers: Vec<PeerAddress>) -> Vec<PeerAddress> {
    let all = peers.clone();
    peers.sort_by(|a, b| {
        if a == b {
            return cmp::Ordering::Equal;
        }
        let exclude: Vec<_> = all.iter().filter(|peer| ![a, b].contains(peer)).cloned().collect();
        let query = PeerQuery { seniority: MAX_SENIORITY, exclude: &exclude, ..PeerQuery::everything() };
        let senior = manager.load_random_peers(&query, 1).unwrap();
        if senior[0] == *a { cmp::Ordering::Less } else { cmp::Ordering::Greater }
    });
    peers
}

/// The seed for random tests. It is printed, and the harness shows what a test that fails has printed.
pub(crate) fn test_seed() -> u64 {
    let seed = match std::env::var("PEER_MANAGER_TEST_SEED") {
        Ok(text) => text.parse().expect("PEER_MANAGER_TEST_SEED is a whole number"),
        Err(_) => DEFAULT_SEED,
    };
    println!("repeat with PEER_MANAGER_TEST_SEED={seed}");
    seed
}

/// A proptest runner that follows [`test_seed`] and leaves no files behind.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&test_seed().to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}
