//! What is measured: a line of `ROWS` for each, and the function that prepares one side of it.

use std::fs;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::options::{
    PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED, PEER_MANAGER_DURABILITY_SYNC,
};
use peer_manager::ffi::query::peer_manager_query;
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

pub(crate) const ROWS: [Row; 34] = [
    row("commit", "`COMMIT`, one update", |setting| {
        single_updates(setting, PEER_MANAGER_DURABILITY_COMMIT, 2_000)
    }),
    row("commit-batch", "`COMMIT`, `ensure_exists_many` of 100 new peers", batch_of_new_peers),
    row("sync", "`SYNC`, one update", |setting| single_updates(setting, PEER_MANAGER_DURABILITY_SYNC, 50)),
    row("deferred-caller", "`DEFERRED`, one update, the caller's side", callers_side),
    slow("deferred-drained", "`DEFERRED`, one update of 100,000 until all are on disk", drained),
    slow("open-ipv4", "opening a database, IPv4", |setting| opening(setting, Table::ipv4(setting.large))),
    slow("open-ipv6", "opening a database, IPv6", |setting| opening(setting, Table::ipv6(setting.large))),
    row("draw-8", "`load_random_peers(8)`", |setting| draws(setting, Table::ipv4(setting.large), 8)),
    row("draw-50", "`load_random_peers(50)`", |setting| draws(setting, Table::ipv4(setting.large), 50)),
    row("load", "`load`", |setting| in_memory(setting, Table::ipv4(setting.large), Node::load)),
    row("update", "`update`, in memory", |setting| {
        in_memory(setting, Table::ipv4(setting.large), Node::update)
    }),
    row("insert-remove", "`ensure_exists` and `remove`, in memory", inserted_and_removed),
    row("one-1k", "`load_random_peers(1)` of 1,000", |setting| draws(setting, Table::ipv4(1_000), 1)),
    row("one-10k", "`load_random_peers(1)` of 10,000", |setting| draws(setting, Table::ipv4(10_000), 1)),
    row("one-61k", "`load_random_peers(1)` of 61,000", |setting| draws(setting, Table::ipv4(61_000), 1)),
    row("one-ipv6", "`load_random_peers(1)` of 16,384, IPv6", |setting| {
        draws(setting, Table::ipv6(16_384), 1)
    }),
    row("flood-1k", "the same of 1,000 with the options against floods", |setting| {
        draws_under_flood(setting, Table::ipv4(1_000))
    }),
    row("flood-10k", "… of 10,000", |setting| draws_under_flood(setting, Table::ipv4(10_000))),
    row("flood-61k", "… of 61,000", |setting| draws_under_flood(setting, Table::ipv4(61_000))),
    row("fifty-1k", "`load_random_peers(50)` of 1,000", |setting| draws(setting, Table::ipv4(1_000), 50)),
    row("share-1k", "`get_peers_to_send(50)` of 1,000", |setting| shares(setting, Table::ipv4(1_000), 50)),
    row("share-10k", "`get_peers_to_send(50)` of 10,000", |setting| shares(setting, Table::ipv4(10_000), 50)),
    row("share-ipv6", "`get_peers_to_send(50)` of 10,000, IPv6", |setting| {
        shares(setting, Table::ipv6(10_000), 50)
    }),
    row("many-1k", "`get_peers_to_send(230)` of 1,000", |setting| shares(setting, Table::ipv4(1_000), 230)),
    row("many-10k", "`get_peers_to_send(2300)` of 10,000", |setting| {
        shares(setting, Table::ipv4(10_000), 2_300)
    }),
    row("many-ipv6", "`get_peers_to_send(2300)` of 10,000, IPv6", |setting| {
        shares(setting, Table::ipv6(10_000), 2_300)
    }),
    row("failed-1k", "a failed attempt, 1,000 in memory", |setting| {
        in_memory(setting, Table::ipv4(1_000), Node::increase_backoff)
    }),
    row("failed-10k", "… 10,000", |setting| {
        in_memory(setting, Table::ipv4(10_000), Node::increase_backoff)
    }),
    row("failed-ipv6", "… 10,000, IPv6", |setting| {
        in_memory(setting, Table::ipv6(10_000), Node::increase_backoff)
    }),
    row("load-1k", "`load` of 1,000", |setting| in_memory(setting, Table::ipv4(1_000), Node::load)),
    slow("wait-quiet", "longest wait of `load_random_peers(8)` during 50 ms", |setting| {
        longest_wait(setting, |_| thread::sleep(Duration::from_millis(50)))
    }),
    slow("wait-stats", "… during `get_stats`", |setting| longest_wait(setting, Node::get_stats)),
    slow("wait-snapshot", "… during `get_all_peers`", |setting| longest_wait(setting, Node::snapshot)),
    row("load-ipv6", "`load` of 10,000, IPv6", |setting| in_memory(setting, Table::ipv6(10_000), Node::load)),
];

/// The peers of a table in memory, the same for both sides.
#[derive(Clone, Copy)]
struct Table {
    peers: u32,
    is_ipv6: bool,
}

impl Table {
    fn ipv4(peers: u32) -> Self {
        Self { peers, is_ipv6: false }
    }

    fn ipv6(peers: u32) -> Self {
        Self { peers, is_ipv6: true }
    }

    fn records(self) -> impl Iterator<Item = Record> {
        let mut rng = ChaCha12Rng::seed_from_u64(6);
        node::records(self.peers).map(move |record| {
            if self.is_ipv6 { Record { ip: node::ipv6(&mut rng), ..record } } else { record }
        })
    }

    fn fill(self, node: &Node<'_>) {
        fill(node, self.records());
    }
}

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
    Table::ipv4(setting.peers).fill(&node);
    node.flush();
    node
}

/// The addresses of a table in random order, over and over; the same for both sides. A chunk's are made before its time is
/// taken, because to write an address costs as much as some of the calls.
struct Known {
    hosts: Vec<IpAddr>,
    next: usize,
}

impl Known {
    fn of(table: Table) -> Self {
        let mut hosts: Vec<IpAddr> =
            table.records().map(|record| record.ip.parse().expect("it is an IP address")).collect();
        hosts.shuffle(&mut ChaCha12Rng::seed_from_u64(5));
        Self { hosts, next: 0 }
    }

    fn take(&mut self, count: usize) -> Vec<peer_manager_address> {
        let hosts = self.hosts.iter().cycle().skip(self.next).take(count);
        let addresses = hosts.map(|host| node::address(&host.to_string(), PORT)).collect();
        self.next = (self.next + count) % self.hosts.len();
        addresses
    }
}

/// The addresses from the given number on, none of which any table has.
fn new_addresses(from: u32, count: u32) -> Vec<peer_manager_address> {
    (from..from + count).map(|n| node::address(&node::ipv4(n), 1)).collect()
}

fn single_updates(setting: Setting<'_>, durability: u32, calls: usize) -> Side<'_> {
    let node = on_file(setting, durability);
    let mut known = Known::of(Table::ipv4(setting.peers));
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
    let mut known = Known::of(Table::ipv4(setting.peers));
    Box::new(move || {
        let time = timed(&known.take(50_000), |address| node.increase_backoff(address));
        // So that the background thread of this side does not take time from the other side.
        node.flush();
        time
    })
}

fn drained(setting: Setting<'_>) -> Side<'_> {
    let node = on_file(setting, PEER_MANAGER_DURABILITY_DEFERRED);
    let mut known = Known::of(Table::ipv4(setting.peers));
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
fn opening(setting: Setting<'_>, table: Table) -> Side<'_> {
    let path: PathBuf = setting.directory.join("peers.db");
    table.fill(&setting.old.on_file(&path, PEER_MANAGER_DURABILITY_COMMIT));
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

fn filled(setting: Setting<'_>, table: Table) -> Node<'_> {
    let node = setting.library.in_memory();
    table.fill(&node);
    node
}

/// So many calls that a chunk returns some ten thousand addresses.
fn calls_of(size: usize) -> Vec<()> {
    vec![(); (20_000 / size).clamp(20, 5_000)]
}

fn draws(setting: Setting<'_>, table: Table, size: usize) -> Side<'_> {
    let node = filled(setting, table);
    let query = query(setting);
    let (mut out, calls) = (vec![MaybeUninit::uninit(); size], calls_of(size));
    Box::new(move || timed(&calls, |()| node.load_random_peers(&query, &mut out)))
}

/// One peer at a time, with both bounds and selection by netgroup.
fn draws_under_flood(setting: Setting<'_>, table: Table) -> Side<'_> {
    let node = setting.library.open_as(|options| {
        (options.max_peers, options.max_peers_per_netgroup) = (u64::from(table.peers), 32);
    });
    table.fill(&node);
    let mut query = query(setting);
    query.max_per_netgroup = 1;
    let (mut out, calls) = ([MaybeUninit::uninit()], calls_of(1));
    Box::new(move || timed(&calls, |()| node.load_random_peers(&query, &mut out)))
}

/// The peers to dial.
fn query(setting: Setting<'_>) -> peer_manager_query {
    let mut query = setting.library.query();
    // The default is not the same in all versions.
    (query.has_max_num_failures, query.max_num_failures) = (1, 10);
    query
}

fn shares(setting: Setting<'_>, table: Table, size: usize) -> Side<'_> {
    let node = filled(setting, table);
    let (mut out, calls) = (vec![MaybeUninit::uninit(); size], calls_of(size));
    Box::new(move || timed(&calls, |()| node.get_peers_to_send(&mut out)))
}

fn in_memory<'a>(setting: Setting<'a>, table: Table, call: fn(&Node<'a>, &peer_manager_address)) -> Side<'a> {
    let node = filled(setting, table);
    let mut known = Known::of(table);
    Box::new(move || timed(&known.take(20_000), |address| call(&node, address)))
}

/// The longest that one thread waits for an answer while another makes a call; a third changes a peer each half
/// millisecond. IPv6, where each peer has a netgroup of its own.
fn longest_wait<'a>(setting: Setting<'a>, call: fn(&Node<'a>)) -> Side<'a> {
    let table = Table::ipv6(setting.large);
    let node = filled(setting, table);
    let mut known = Known::of(table);
    Box::new(move || {
        let (addresses, is_over, longest) = (known.take(1_000), AtomicBool::new(false), AtomicU64::new(0));
        let goes_on = || !is_over.load(Ordering::Relaxed);
        thread::scope(|threads| {
            threads.spawn(|| {
                let (query, mut out) = (query(setting), [MaybeUninit::uninit(); 8]);
                while goes_on() {
                    let began = Instant::now();
                    node.load_random_peers(&query, &mut out);
                    let waited = u64::try_from(began.elapsed().as_nanos()).expect("it ends");
                    longest.fetch_max(waited, Ordering::Relaxed);
                }
            });
            threads.spawn(|| {
                for address in addresses.iter().cycle().take_while(|_| goes_on()) {
                    node.increase_backoff(address);
                    thread::sleep(Duration::from_micros(500));
                }
            });
            thread::sleep(Duration::from_millis(5));
            call(&node);
            is_over.store(true, Ordering::Relaxed);
        });
        Duration::from_nanos(longest.into_inner()).as_secs_f64()
    })
}

fn inserted_and_removed(setting: Setting<'_>) -> Side<'_> {
    const CALLS: u32 = 10_000;
    let node = filled(setting, Table::ipv4(setting.large));
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
