//! What durability costs, compared with the bare prepared statement on the same kind of database in the same run.
//!
//! `cargo bench --bench durability` prints a table. The two sides take turns, a chunk of calls each, so that a disk that
//! is busy for a while is busy for both; a figure is the median of the chunks. Everything of ours goes through the
//! exported C functions.

mod fresh;
#[path = "../peers/node.rs"]
#[expect(dead_code, reason = "shared with the benchmark of the table, which uses the rest")]
mod node;
mod reader;
#[path = "../peers/reference.rs"]
#[expect(dead_code, reason = "only its record is used here")]
mod reference;

use std::path::Path;
use std::time::{Duration, Instant};

use node::{NOW, Node};
use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::options::{
    PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED, PEER_MANAGER_DURABILITY_SYNC,
};
use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;
use rusqlite::Connection;

/// The peers of every table.
const PEERS: u32 = 100_000;

/// How many chunks each side does.
const CHUNKS: usize = 31;

/// The specification's statement.
const REPLACE: &str = "INSERT OR REPLACE INTO peers VALUES (?1, ?2, ?3, ?4, ?5)";

fn main() {
    // `cargo test` builds benchmarks and runs them without this; then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("| | ours | compared with | relative rate |\n|---|---:|---:|---:|");
    single_updates("`COMMIT`, one update a call", PEER_MANAGER_DURABILITY_COMMIT, "NORMAL", 200);
    single_updates("`SYNC`, one update a call", PEER_MANAGER_DURABILITY_SYNC, "FULL", 20);
    batch_of_new_peers();
    callers_side();
    drained();
    reader::measure();
    fresh::measure();
}

/// Prints a row: the time of ours, the time of what it is compared with, and how many times the rate of that ours has.
fn report(what: &str, ours: Duration, beside: &str, theirs: Duration) {
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!("| {what} | {ours:.1?} | {beside} {theirs:.1?} | {ratio:.2}× |");
}

/// The median time of each of two sides, which take turns.
fn take_turns(
    mut ours: impl FnMut() -> Duration,
    mut theirs: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    let (mut our_times, mut their_times): (Vec<_>, Vec<_>) = (0..CHUNKS).map(|_| (ours(), theirs())).unzip();
    (median(&mut our_times), median(&mut their_times))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The mean time of one of this many calls.
fn timed(calls: u32, mut call: impl FnMut()) -> Duration {
    let began = Instant::now();
    (0..calls).for_each(|_| call());
    began.elapsed() / calls
}

/// The addresses of a table in random order, over and over.
fn addresses() -> impl Iterator<Item = String> {
    let mut ips: Vec<String> = (0..PEERS).map(node::ipv4).collect();
    ips.shuffle(&mut ChaCha12Rng::seed_from_u64(5));
    ips.into_iter().cycle()
}

/// A database with a full table, set up and filled as ours is: so that the log of either has been written through once, and is
/// written over from then on, which costs less than letting it grow.
fn bare(path: &Path, synchronous: &str) -> Connection {
    drop(Node::open(Some(path)));
    let mut conn = Connection::open(path).expect("the database opens");
    conn.pragma_update(None, "journal_mode", "WAL").expect("the journal's mode");
    conn.pragma_update(None, "synchronous", synchronous).expect("synchronous");
    let mut records = node::records(PEERS).peekable();
    while records.peek().is_some() {
        let transaction = conn.transaction().expect("a transaction");
        let mut statement = transaction.prepare_cached(REPLACE).expect("the statement");
        for record in records.by_ref().take(10_000) {
            let values = (record.ip, record.port, record.next_attempt, record.num_failures, record.peer_type);
            statement.execute(values).expect("the row is written");
        }
        drop(statement);
        transaction.commit().expect("the commit");
    }
    checkpoint(&conn);
    conn
}

fn checkpoint(conn: &Connection) {
    conn.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).expect("the checkpoint");
}

fn full(path: &Path, durability: u32) -> Node {
    let node = Node::open_with(Some(path), durability);
    node.fill(node::records(PEERS));
    node.flush();
    node
}

fn single_updates(what: &str, durability: u32, synchronous: &str, calls: u32) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ours = full(&directory.path().join("ours.db"), durability);
    let conn = bare(&directory.path().join("bare.db"), synchronous);
    let mut statement = conn.prepare(REPLACE).expect("the statement");
    let (mut our_ips, mut their_ips) = (addresses(), addresses());
    let mut next_attempt = NOW;
    let (ours, theirs) = take_turns(
        || {
            timed(calls, || {
                ours.increase_backoff(&node::address(&our_ips.next().expect("an endless list"), 11_625));
            })
        },
        || {
            timed(calls, || {
                next_attempt += 1;
                let ip = their_ips.next().expect("an endless list");
                statement.execute((ip, 11_625, next_attempt, 1, 1)).expect("the row is written");
            })
        },
    );
    report(what, ours, "the bare statement", theirs);
}

fn new_peers(from: u32, count: u32) -> Vec<peer_manager_address> {
    (from..from + count).map(|n| node::address(&node::ipv4(n), 11_625)).collect()
}

fn batch_of_new_peers() {
    const BATCH: u32 = 100;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ours = full(&directory.path().join("ours.db"), PEER_MANAGER_DURABILITY_SYNC);
    let mut next = PEERS;
    let mut some = || {
        next += BATCH;
        new_peers(next, BATCH)
    };
    let (mut batches, mut singles) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        let batch = some();
        batches.push(timed(1, || ours.ensure_exists_many(&batch)));
        let batch = some();
        singles.push(timed(1, || batch.iter().for_each(|address| ours.ensure_exists(address))));
    }
    report(
        "`SYNC`, `ensure_exists_many` of 100 new peers",
        median(&mut batches),
        "100 calls of `ensure_exists`",
        median(&mut singles),
    );
}

fn callers_side() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ours = full(&directory.path().join("ours.db"), PEER_MANAGER_DURABILITY_DEFERRED);
    let memory = Node::open(None);
    memory.fill(node::records(PEERS));
    let texts: Vec<peer_manager_address> =
        addresses().take(PEERS as usize).map(|ip| node::address(&ip, 11_625)).collect();
    let (mut our_texts, mut their_texts) = (texts.iter().cycle(), texts.iter().cycle());
    let (ours, theirs) = take_turns(
        || timed(20_000, || ours.increase_backoff(our_texts.next().expect("an endless list"))),
        || timed(20_000, || memory.increase_backoff(their_texts.next().expect("an endless list"))),
    );
    report("`DEFERRED`, one update, the caller's side", ours, "in memory", theirs);
}

fn drained() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ours = full(&directory.path().join("ours.db"), PEER_MANAGER_DURABILITY_DEFERRED);
    let mut conn = bare(&directory.path().join("bare.db"), "NORMAL");
    let texts: Vec<String> = addresses().take(PEERS as usize).collect();
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    let mut next_attempt = NOW;
    for _ in 0..7 {
        // From the first change to the last on disk. What the thread has written by then is part of it.
        our_times.push(timed(1, || {
            for ip in &texts {
                ours.increase_backoff(&node::address(ip, 11_625));
            }
            ours.flush();
        }));
        their_times.push(timed(1, || {
            for thousand in texts.chunks(1_000) {
                let transaction = conn.transaction().expect("a transaction");
                let mut statement = transaction.prepare_cached(REPLACE).expect("the statement");
                for ip in thousand {
                    next_attempt += 1;
                    statement.execute((ip, 11_625, next_attempt, 1, 1)).expect("the row is written");
                }
                drop(statement);
                transaction.commit().expect("the commit");
            }
            checkpoint(&conn);
        }));
    }
    report(
        "`DEFERRED`, 100,000 updates until they are on disk",
        median(&mut our_times),
        "the bare statement, 1,000 a transaction",
        median(&mut their_times),
    );
}
