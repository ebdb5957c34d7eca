//! What is measured: a line of `ROWS` for each, and the function that prepares one side of it.

use std::fs;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::time::Instant;

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::options::{
    PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED, PEER_MANAGER_DURABILITY_SYNC,
};
use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;

use crate::library::{Library, Node};
use crate::node;
use crate::reference::Record;

/// The port of the peers that every table has.
const PORT: u16 = 11_625;

/// What one side needs to get ready.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// The build that is measured.
    pub(crate) library: &'a Library,
    /// The build that makes a file for both sides to open, so that they open the same bytes.
    pub(crate) old: &'a Library,
    /// An empty directory of this side's own: two copies of SQLite in one process must never have the same file open,
    /// because the locks of POSIX belong to the process.
    pub(crate) directory: &'a Path,
    /// The peers of a table that is changed on disk.
    pub(crate) peers: u32,
    /// The peers of a table in memory, and the rows of a database that is opened.
    pub(crate) large: u32,
}

/// Does one chunk of calls and returns the seconds that one call took.
pub(crate) type Side<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// How many rounds there are.
#[derive(Clone, Copy)]
pub(crate) enum Rounds {
    Many,
    /// As many as `--slow-rounds` says, because a chunk takes a good part of a second.
    Few,
}

pub(crate) struct Row {
    /// What `--only` selects it by.
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) rounds: Rounds,
    pub(crate) prepare: for<'a> fn(Setting<'a>) -> Side<'a>,
}

const fn row(name: &'static str, what: &'static str, prepare: for<'a> fn(Setting<'a>) -> Side<'a>) -> Row {
    Row { name, what, rounds: Rounds::Many, prepare }
}

const fn slow(name: &'static str, what: &'static str, prepare: for<'a> fn(Setting<'a>) -> Side<'a>) -> Row {
    Row { name, what, rounds: Rounds::Few, prepare }
}

pub(crate) const ROWS: [Row; 12] = [
    row("commit", "`COMMIT`, one update", |setting| {
        single_updates(setting, PEER_MANAGER_DURABILITY_COMMIT, 2_000)
    }),
    row("commit-batch", "`COMMIT`, `ensure_exists_many` of 100 new peers", batch_of_new_peers),
    row("sync", "`SYNC`, one update", |setting| single_updates(setting, PEER_MANAGER_DURABILITY_SYNC, 50)),
    row("deferred-caller", "`DEFERRED`, one update, the caller's side", callers_side),
    slow("deferred-drained", "`DEFERRED`, one update of 100,000 until all are on disk", drained),
    slow("open-ipv4", "opening a database, IPv4", |setting| opening(setting, node::records(setting.large))),
    slow("open-ipv6", "opening a database, IPv6", |setting| {
        let mut rng = ChaCha12Rng::seed_from_u64(6);
        let records = node::records(setting.large);
        opening(setting, records.map(move |record| Record { ip: node::ipv6(&mut rng), ..record }))
    }),
    row("draw-8", "`load_random_peers(8)`", |setting| draws(setting, 8, 5_000)),
    row("draw-50", "`load_random_peers(50)`", |setting| draws(setting, 50, 1_000)),
    row("load", "`load`", |setting| in_memory(setting, Node::load)),
    row("update", "`update`, in memory", |setting| in_memory(setting, Node::update)),
    row("insert-remove", "`ensure_exists` and `remove`, in memory", inserted_and_removed),
];

/// The seconds that a call takes, of so many.
fn timed<T>(calls: &[T], mut call: impl FnMut(&T)) -> f64 {
    let began = Instant::now();
    for each in calls {
        call(each);
    }
    began.elapsed().as_secs_f64() / f64::from(u32::try_from(calls.len()).expect("a chunk is short"))
}

fn fill(node: &Node<'_>, mut records: impl Iterator<Item = Record>) {
    loop {
        let batch: Vec<_> = records.by_ref().take(10_000).map(|record| node::to_c(&record)).collect();
        if batch.is_empty() {
            return;
        }
        node.store_many(&batch);
    }
}

/// A table on disk, filled and flushed.
fn on_file(setting: Setting<'_>, durability: u32) -> Node<'_> {
    let node = setting.library.on_file(&setting.directory.join("peers.db"), durability);
    fill(&node, node::records(setting.peers));
    node.flush();
    node
}

/// The addresses of a table in random order, over and over; the same for both sides. A chunk's are made before its time is
/// taken, because to write an address costs as much as some of the calls.
struct Known {
    numbers: Vec<u32>,
    next: usize,
}

impl Known {
    fn of(peers: u32) -> Self {
        let mut numbers: Vec<u32> = (0..peers).collect();
        numbers.shuffle(&mut ChaCha12Rng::seed_from_u64(5));
        Self { numbers, next: 0 }
    }

    fn take(&mut self, count: usize) -> Vec<peer_manager_address> {
        let numbers = self.numbers.iter().cycle().skip(self.next).take(count);
        let addresses = numbers.map(|&n| node::address(&node::ipv4(n), PORT)).collect();
        self.next = (self.next + count) % self.numbers.len();
        addresses
    }
}

/// The addresses from the given number on, none of which any table has.
fn new_addresses(from: u32, count: u32) -> Vec<peer_manager_address> {
    (from..from + count).map(|n| node::address(&node::ipv4(n), 1)).collect()
}

fn single_updates(setting: Setting<'_>, durability: u32, calls: usize) -> Side<'_> {
    let node = on_file(setting, durability);
    let mut known = Known::of(setting.peers);
    Box::new(move || timed(&known.take(calls), |address| node.increase_backoff(address)))
}

fn batch_of_new_peers(setting: Setting<'_>) -> Side<'_> {
    const BATCH: u32 = 100;
    const BATCHES: u32 = 20;
    let node = on_file(setting, PEER_MANAGER_DURABILITY_COMMIT);
    let mut next = 0;
    Box::new(move || {
        let addresses = new_addresses(next, BATCH * BATCHES);
        next += BATCH * BATCHES;
        let batches: Vec<_> = addresses.chunks(BATCH as usize).collect();
        timed(&batches, |batch| node.ensure_exists_many(batch))
    })
}

fn callers_side(setting: Setting<'_>) -> Side<'_> {
    let node = on_file(setting, PEER_MANAGER_DURABILITY_DEFERRED);
    let mut known = Known::of(setting.peers);
    Box::new(move || {
        let time = timed(&known.take(50_000), |address| node.increase_backoff(address));
        // So that the background thread of this side does not take time from the other side.
        node.flush();
        time
    })
}

fn drained(setting: Setting<'_>) -> Side<'_> {
    let node = on_file(setting, PEER_MANAGER_DURABILITY_DEFERRED);
    let mut known = Known::of(setting.peers);
    Box::new(move || {
        let addresses = known.take(100_000);
        // From the first change to the last on disk. What the thread has written by then is part of it.
        let began = Instant::now();
        for address in &addresses {
            node.increase_backoff(address);
        }
        node.flush();
        began.elapsed().as_secs_f64() / 100_000.0
    })
}

/// Both sides open a file that the old build has written.
fn opening(setting: Setting<'_>, records: impl Iterator<Item = Record>) -> Side<'_> {
    let path: PathBuf = setting.directory.join("peers.db");
    fill(&setting.old.on_file(&path, PEER_MANAGER_DURABILITY_COMMIT), records);
    // What this has not written back would be written back by the system while the other side is measured.
    fs::File::open(&path).and_then(|file| file.sync_all()).expect("the file can be synchronised");
    Box::new(move || {
        let began = Instant::now();
        let node = setting.library.on_file(&path, PEER_MANAGER_DURABILITY_COMMIT);
        let time = began.elapsed().as_secs_f64();
        drop(node);
        time
    })
}

/// A large table in memory.
fn large(setting: Setting<'_>) -> Node<'_> {
    let node = setting.library.in_memory();
    fill(&node, node::records(setting.large));
    node
}

fn draws(setting: Setting<'_>, size: usize, calls: usize) -> Side<'_> {
    let node = large(setting);
    let mut query = setting.library.query();
    // The default is not the same in all versions.
    (query.has_max_num_failures, query.max_num_failures) = (1, 10);
    let mut out = vec![MaybeUninit::uninit(); size];
    let calls = vec![(); calls];
    Box::new(move || timed(&calls, |()| node.load_random_peers(&query, &mut out)))
}

fn in_memory<'a>(setting: Setting<'a>, call: fn(&Node<'a>, &peer_manager_address)) -> Side<'a> {
    let node = large(setting);
    let mut known = Known::of(setting.large);
    Box::new(move || timed(&known.take(20_000), |address| call(&node, address)))
}

fn inserted_and_removed(setting: Setting<'_>) -> Side<'_> {
    const CALLS: u32 = 10_000;
    let node = large(setting);
    let mut next = 0;
    Box::new(move || {
        let addresses = new_addresses(next, CALLS);
        next += CALLS;
        timed(&addresses, |address| {
            node.ensure_exists(address);
            node.remove(address);
        })
    })
}
