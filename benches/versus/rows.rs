//! What is measured: a line of `ROWS` for each, and the function that prepares one side of it. The rows
//! of waits are in `waits`.

use std::fs;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::time::Instant;

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::options::{
    PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED, PEER_MANAGER_DURABILITY_SYNC,
};
use peer_manager::ffi::query::peer_manager_query;

use crate::library::{Library, Node};
use crate::tables::{Known, Table, new_addresses};

/// What one side needs to get ready.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// The build that is measured.
    pub(crate) library: &'a Library,
    /// The build that makes a file for both sides to open, so that they open the same bytes.
    pub(crate) old: &'a Library,
    /// An empty directory of this side's own: two copies of SQLite in one process must never have the same file open, because
    /// POSIX locks belong to the process.
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

pub(crate) const fn slow(
    name: &'static str,
    what: &'static str,
    prepare: for<'a> fn(Setting<'a>) -> Side<'a>,
) -> Row {
    Row { name, what, rounds: Rounds::Few, prepare }
}

pub(crate) const ROWS: &[Row] = &[
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
    row("insert-remove", "`ensure_exists` and `remove`, in memory", |setting| {
        inserted_and_removed(setting, setting.large)
    }),
    row("insert-remove-1k", "… 1,000", |setting| inserted_and_removed(setting, 1_000)),
    row("insert-remove-100k", "… 100,000", |setting| inserted_and_removed(setting, 100_000)),
    row("known", "`ensure_exists` of a known peer", |setting| {
        in_memory(setting, Table::ipv4(setting.large), Node::ensure_exists)
    }),
    row("known-1k", "… of 1,000", |setting| in_memory(setting, Table::ipv4(1_000), Node::ensure_exists)),
    row("known-100k", "… of 100,000", |setting| {
        in_memory(setting, Table::ipv4(100_000), Node::ensure_exists)
    }),
    row("one-1k", "`load_random_peers(1)` of 1,000", |setting| draws(setting, Table::ipv4(1_000), 1)),
    row("one-10k", "`load_random_peers(1)` of 10,000", |setting| draws(setting, Table::ipv4(10_000), 1)),
    row("one-61k", "`load_random_peers(1)` of 61,000", |setting| draws(setting, Table::ipv4(61_000), 1)),
    row("one-1m", "… of `--large`", |setting| draws(setting, Table::ipv4(setting.large), 1)),
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
    row("share-61k", "… of 61,000", |setting| shares(setting, Table::ipv4(61_000), 50)),
    row("share-1m", "… of `--large`", |setting| shares(setting, Table::ipv4(setting.large), 50)),
    row("share-ipv6", "`get_peers_to_send(50)` of 10,000, IPv6", |setting| {
        shares(setting, Table::ipv6(10_000), 50)
    }),
    row("many-1k", "`get_peers_to_send(230)` of 1,000", |setting| shares(setting, Table::ipv4(1_000), 230)),
    row("many-10k", "`get_peers_to_send(2300)` of 10,000", |setting| {
        shares(setting, Table::ipv4(10_000), 2_300)
    }),
    row("thousand-10k", "`get_peers_to_send(1000)` of 10,000", |setting| {
        shares(setting, Table::ipv4(10_000), 1_000)
    }),
    row("thousand-61k", "… of 61,000", |setting| shares(setting, Table::ipv4(61_000), 1_000)),
    row("thousand-1m", "… of `--large`", |setting| shares(setting, Table::ipv4(setting.large), 1_000)),
    row("many-ipv6", "`get_peers_to_send(2300)` of 10,000, IPv6", |setting| {
        shares(setting, Table::ipv6(10_000), 2_300)
    }),
    row("failed-1k", "a failed attempt, 1,000 in memory", |setting| {
        in_memory(setting, Table::ipv4(1_000), Node::increase_backoff)
    }),
    row("failed-10k", "… 10,000", |setting| {
        in_memory(setting, Table::ipv4(10_000), Node::increase_backoff)
    }),
    row("failed-61k", "… 61,000", |setting| {
        in_memory(setting, Table::ipv4(61_000), Node::increase_backoff)
    }),
    row("failed", "… `--large`", |setting| {
        in_memory(setting, Table::ipv4(setting.large), Node::increase_backoff)
    }),
    row("failed-ipv6", "… 10,000, IPv6", |setting| {
        in_memory(setting, Table::ipv6(10_000), Node::increase_backoff)
    }),
    row("good-1k", "a successful attempt, 1,000 in memory", |setting| good(setting, 1_000)),
    row("good-10k", "… 10,000", |setting| good(setting, 10_000)),
    row("good-61k", "… 61,000", |setting| good(setting, 61_000)),
    row("good", "… `--large`", |setting| good(setting, setting.large)),
    row("load-1k", "`load` of 1,000", |setting| in_memory(setting, Table::ipv4(1_000), Node::load)),
    row("load-100k", "… of 100,000", |setting| in_memory(setting, Table::ipv4(100_000), Node::load)),
    row("load-ipv6", "`load` of 10,000, IPv6", |setting| in_memory(setting, Table::ipv6(10_000), Node::load)),
];

/// The mean of the seconds that these calls take.
fn timed<T>(calls: &[T], mut call: impl FnMut(&T)) -> f64 {
    let began = Instant::now();
    for each in calls {
        call(each);
    }
    began.elapsed().as_secs_f64() / f64::from(u32::try_from(calls.len()).expect("a chunk is short"))
}

/// A table on disk, filled and flushed.
fn on_file(setting: Setting<'_>, durability: u32) -> Node<'_> {
    let node = setting.library.on_file(&setting.directory.join("peers.db"), durability);
    Table::ipv4(setting.peers).fill(&node);
    node.flush();
    node
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

/// As many calls as make a chunk return some ten thousand addresses.
fn calls_of(size: usize) -> Vec<()> {
    vec![(); (20_000 / size).clamp(20, 5_000)]
}

fn draws(setting: Setting<'_>, table: Table, size: usize) -> Side<'_> {
    let node = table.in_memory(setting.library);
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
pub(crate) fn query(setting: Setting<'_>) -> peer_manager_query {
    let mut query = setting.library.query();
    // The default is not the same in all versions.
    (query.has_max_num_failures, query.max_num_failures) = (1, 10);
    query
}

fn shares(setting: Setting<'_>, table: Table, size: usize) -> Side<'_> {
    let node = table.in_memory(setting.library);
    let (mut out, calls) = (vec![MaybeUninit::uninit(); size], calls_of(size));
    Box::new(move || timed(&calls, |()| node.get_peers_to_send(&mut out)))
}

fn in_memory<'a>(setting: Setting<'a>, table: Table, call: fn(&Node<'a>, &peer_manager_address)) -> Side<'a> {
    let node = table.in_memory(setting.library);
    let mut known = Known::of(table);
    Box::new(move || timed(&known.take(20_000), |address| call(&node, address)))
}

/// Each call finds a peer that has failed since the last success.
fn good(setting: Setting<'_>, peers: u32) -> Side<'_> {
    let table = Table::ipv4(peers);
    let (node, mut known) = (table.in_memory(setting.library), Known::of(table));
    // No address twice between two failures; a small table goes round more than once, for a chunk that can be timed.
    let (chunk, chunks) = (peers.min(20_000), 20_000_u32.div_ceil(peers));
    Box::new(move || {
        let times = (0..chunks).map(|_| {
            let addresses = known.take(chunk as usize);
            for address in &addresses {
                node.increase_backoff(address);
            }
            timed(&addresses, |address| node.good(address))
        });
        times.sum::<f64>() / f64::from(chunks)
    })
}

fn inserted_and_removed(setting: Setting<'_>, peers: u32) -> Side<'_> {
    const CALLS: u32 = 10_000;
    let node = Table::ipv4(peers).in_memory(setting.library);
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
