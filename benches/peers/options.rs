//! What each option costs when it is on, beside the same call with it off: bounds, bans, histories, selection by netgroup, the
//! shared list.

use std::ffi::CString;
use std::iter::Cycle;
use std::mem::MaybeUninit;
use std::slice::Iter;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::query::{PEER_MANAGER_FILTER_ANY, peer_manager_query};

use crate::node::{self, NOW, Node};
use crate::operations::{Text, ip_and_port, texts_in_random_order};
use crate::reference::Record;

const PEERS: u32 = 1_000_000;
const PORT: u16 = 11_625;

/// More than any netgroup has, and no more than the table may have.
const PER_NETGROUP: u32 = 100_000;

/// New peers that are added between two looks at the clock.
const NEW_PEERS: u64 = 1_000;

/// A new peer, and a peer that is known.
type Pair = [peer_manager_address; 2];

pub(crate) fn measure(criterion: &mut Criterion) {
    let ips: Vec<String> = (0..PEERS).map(node::ipv4).collect();
    let texts = texts_in_random_order(&ips);
    drop(ips);
    measure_changes(criterion, &texts);
    measure_full_tables(criterion, &texts);
    measure_bans(criterion, &texts);
    measure_histories(criterion, &texts);
    measure_sharing(criterion);
    for size in [10_000, PEERS] {
        measure_selection(criterion, size);
    }
}

fn unbounded() -> Node {
    filled(Node::open(None), node::records(PEERS))
}

fn bounded(max_peers: u64, records: impl Iterator<Item = Record>) -> Node {
    let node = Node::open_as(|options| {
        options.max_peers = max_peers;
        options.max_peers_per_netgroup = PER_NETGROUP;
    });
    filled(node, records)
}

fn filled(node: Node, records: impl Iterator<Item = Record>) -> Node {
    node.fill(records);
    node
}

/// New peers come in batches, each paired with a random peer of the table. They are prepared and discarded while the clock is
/// stopped.
struct NewPeers<'a> {
    number: u32,
    known: Cycle<Iter<'a, Text>>,
}

impl<'a> NewPeers<'a> {
    fn beside(texts: &'a [Text]) -> Self {
        Self { number: 0, known: texts.iter().cycle() }
    }

    fn next(&mut self) -> Pair {
        self.number = self.number.wrapping_add(1);
        // No peer of the table has this port.
        [node::address(&node::ipv4(self.number), 1), parsed(self.known.next())]
    }

    fn time(
        &mut self,
        iterations: u64,
        mut comes: impl FnMut(&Pair),
        mut is_over: impl FnMut(&Pair),
    ) -> Duration {
        let (mut left, mut total) = (iterations, Duration::ZERO);
        while left > 0 {
            let batch: Vec<_> = (0..left.min(NEW_PEERS)).map(|_| self.next()).collect();
            let began = Instant::now();
            batch.iter().for_each(&mut comes);
            total += began.elapsed();
            batch.iter().for_each(&mut is_over);
            left -= batch.len() as u64;
        }
        total
    }
}

/// Bounds that leave room, so that only their bookkeeping adds cost.
fn measure_changes(criterion: &mut Criterion, texts: &[Text]) {
    for (side, node) in [("off", unbounded()), ("on", bounded(2 * u64::from(PEERS), node::records(PEERS)))] {
        let id = || BenchmarkId::new(side, PEERS);
        let change = |criterion: &mut Criterion, name: &str, change: fn(&Node, &peer_manager_address)| {
            let mut group = criterion.benchmark_group(name);
            group.bench_function(id(), |b| {
                let mut texts = texts.iter().cycle();
                b.iter(|| change(&node, &parsed(texts.next())));
            });
            group.finish();
        };
        change(criterion, "bounds_update_backoff", Node::increase_backoff);
        change(criterion, "bounds_update", Node::update);
        let mut group = criterion.benchmark_group("bounds_new_peer");
        let mut new_peers = NewPeers::beside(texts);
        group.bench_function(id(), |b| {
            b.iter_custom(|iterations| {
                new_peers.time(iterations, |[new, _]| node.ensure_exists(new), |[new, _]| node.remove(new))
            });
        });
        if side == "off" {
            // What an eviction does, in two calls.
            let change_places = |[comes, goes]: &Pair| {
                node.ensure_exists(comes);
                node.remove(goes);
            };
            group.bench_function(BenchmarkId::new("replacing", PEERS), |b| {
                b.iter_custom(|iterations| {
                    new_peers.time(iterations, change_places, |[new, old]| change_places(&[*old, *new]))
                });
            });
        }
        group.finish();
    }
}

fn parsed(text: Option<&Text>) -> peer_manager_address {
    let (ip, port) = ip_and_port(text);
    node::address(ip, port)
}

/// Tables that have as many peers as they may.
fn measure_full_tables(criterion: &mut Criterion, texts: &[Text]) {
    let mut group = criterion.benchmark_group("bounds_new_peer");
    let mut new_peers = NewPeers::beside(texts);
    let outbound = node::records(PEERS).map(|record| Record { peer_type: 1, ..record });
    let node = bounded(PEERS.into(), outbound);
    group.bench_function(BenchmarkId::new("refused", PEERS), |b| {
        b.iter_custom(|iterations| {
            new_peers.time(iterations, |[new, _]| assert!(node.is_refused(new)), |_| {})
        });
    });
    drop(node);
    let node = bounded(PEERS.into(), node::records(PEERS));
    group.bench_function(BenchmarkId::new("evicting", PEERS), |b| {
        b.iter_custom(|iterations| {
            // Each fails afterwards, so that there is always one to evict.
            new_peers.time(
                iterations,
                |[new, _]| node.ensure_exists(new),
                |[new, _]| node.increase_backoff(new),
            )
        });
    });
    group.finish();
}

/// The code that admits new peers looks for a ban of each. None of these hosts is in the table or becomes new.
fn measure_bans(criterion: &mut Criterion, texts: &[Text]) {
    const FIRST: u32 = 50_000_000;
    let mut group = criterion.benchmark_group("bans_new_peer");
    for (side, bans) in [("off", 0), ("on", 100_000)] {
        let node = Node::open(None);
        // Before the table is filled, because a ban looks through it.
        for n in FIRST..FIRST + bans {
            node.ban(&CString::new(node::ipv4(n)).expect("digits and dots"));
        }
        let (node, mut new_peers) = (filled(node, node::records(PEERS)), NewPeers::beside(texts));
        group.bench_function(BenchmarkId::new(side, PEERS), |b| {
            b.iter_custom(|iterations| {
                new_peers.time(iterations, |[new, _]| node.ensure_exists(new), |[new, _]| node.remove(new))
            });
        });
    }
    group.finish();
}

/// An attempt that failed, with and without a history of it, in memory and in a file that other rows do not outweigh.
fn measure_histories(criterion: &mut Criterion, texts: &[Text]) {
    const IN_FILE: u32 = 100_000;
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (side, keep_history) in [("off", 0), ("on", 1)] {
        let path = directory.path().join(side);
        let path = CString::new(path.to_str().expect("a plain path")).expect("no NUL");
        let in_memory = Node::open_as(|options| options.keep_history = keep_history);
        let in_file = Node::open_as(|options| {
            options.keep_history = keep_history;
            options.db_path = path.as_ptr();
        });
        for (name, node, peers) in
            [("history_update", in_memory, PEERS), ("history_update_commit", in_file, IN_FILE)]
        {
            let node = filled(node, node::records(peers));
            let mut group = criterion.benchmark_group(name);
            group.bench_function(BenchmarkId::new(side, peers), |b| {
                let mut texts = texts.iter().cycle();
                let known = node::records(peers).map(|record| node::address(&record.ip, record.port));
                let known: Vec<_> = known.step_by(peers as usize / 10_000).collect();
                let mut in_turn = known.iter().cycle();
                b.iter(|| {
                    // In memory, every peer, as in the other rows; in the file, some that lie far apart.
                    let address =
                        if peers == PEERS { parsed(texts.next()) } else { *in_turn.next().expect("one") };
                    node.update(&address);
                });
            });
            group.finish();
        }
    }
}

/// Every peer, whatever it is like, at most one of each netgroup if `max_per_netgroup` is 1.
fn anyone(max_per_netgroup: u32) -> peer_manager_query {
    let mut query = node::query();
    query.type_filter = PEER_MANAGER_FILTER_ANY;
    query.use_next_attempt = 0;
    query.has_max_num_failures = 0;
    query.max_per_netgroup = max_per_netgroup;
    query
}

fn measure_sharing(criterion: &mut Criterion) {
    let sharing = Node::open_as(|options| {
        options.share_cache_seconds = 86_400;
        options.share_max_percent = 23;
    });
    for (side, node) in [("off", unbounded()), ("on", filled(sharing, node::records(PEERS)))] {
        let asker = node::address("9.9.9.9", PORT);
        for (name, query) in [("sharing", anyone(0)), ("sharing_by_netgroup", anyone(1))] {
            let (mut group, mut answer) = (criterion.benchmark_group(name), node::answer());
            group.bench_function(BenchmarkId::new(side, PEERS), |b| {
                b.iter(|| node.get_filtered_peers_to_send(Some(&query), &asker, &mut answer));
            });
            group.finish();
        }
    }
}

/// One netgroup with 99 % of the peers, and all of them ready.
fn flooded(size: u32) -> impl Iterator<Item = Record> {
    let flood = |n: u32| format!("52.0.{}.{}", n >> 8 & 0xff, n & 0xff);
    let ready = |record: Record| Record { next_attempt: NOW, num_failures: 0, peer_type: 1, ..record };
    node::records(size).zip(0..).map(move |(record, n): (_, u32)| {
        let record = ready(record);
        // More ports than one, because there are not enough addresses.
        let port = PORT + u16::try_from(n >> 16).unwrap_or(0);
        if n % 100 == 0 { record } else { Record { ip: flood(n), port, ..record } }
    })
}

fn measure_selection(criterion: &mut Criterion, size: u32) {
    let ordinary = filled(Node::open(None), node::records(size));
    let tables = [("by_netgroup", ordinary), ("flooded", filled(Node::open(None), flooded(size)))];
    let mut answer = node::answer();
    for wanted in [8, 50] {
        let mut group = criterion.benchmark_group(format!("selection_{wanted}"));
        let answer: &mut [MaybeUninit<_>] = &mut answer[..wanted];
        let uniform = node::query();
        group.bench_function(BenchmarkId::new("uniform", size), |b| {
            b.iter(|| tables[0].1.load_random_peers(&uniform, answer));
        });
        let mut query = uniform;
        query.max_per_netgroup = 1;
        for (side, node) in &tables {
            // The first query finds out which peers are in which netgroup.
            assert_eq!(node.load_random_peers(&query, answer), wanted);
            group.bench_function(BenchmarkId::new(*side, size), |b| {
                b.iter(|| node.load_random_peers(&query, answer));
            });
        }
        group.finish();
    }
}
