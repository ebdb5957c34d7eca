//! Tables and clocks that tempt a fast path to cheat. Ours only: the reference walks the table whatever is in it. The
//! tests show that the answers are exact.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};

use crate::node::{self, NOW, Node};
use crate::reference::Record;

const PEERS: u32 = 1_000_000;

fn table(records: impl Iterator<Item = Record>) -> Node {
    let ours = Node::open(None);
    ours.fill(records);
    ours
}

/// Times a query after each call of `prepare`, which is not timed.
fn timed(node: &Node, query: &Query, iterations: u64, mut prepare: impl FnMut(u64)) -> Duration {
    let mut answer = node::answer();
    let mut total = Duration::ZERO;
    for iteration in 0..iterations {
        prepare(iteration);
        let began = Instant::now();
        node.load_random_peers(query, &mut answer);
        total += began.elapsed();
    }
    total
}

type Query = peer_manager::ffi::query::peer_manager_query;

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hostile");
    let query = node::query();
    let id = |name: &str| BenchmarkId::new(name, PEERS);
    let mut answer = node::answer();

    let ours = table(node::records(PEERS).enumerate().map(|(n, record)| {
        let next_attempt = if n % 100_000 == 0 { NOW } else { NOW + 100_000 };
        Record { next_attempt, num_failures: 0, peer_type: 1, ..record }
    }));
    group.bench_function(id("ten_eligible"), |b| b.iter(|| ours.load_random_peers(&query, &mut answer)));
    drop(ours);

    let ours = table(node::records(PEERS).map(|record| Record { next_attempt: NOW + 1, ..record }));
    group.sample_size(10);
    group.bench_function(id("all_due_in_the_same_second"), |b| {
        b.iter_custom(|iterations| {
            timed(&ours, &query, iterations, |_| {
                node::set_time(NOW);
                ours.load_random_peers(&query, &mut node::answer());
                node::set_time(NOW + 1);
            })
        });
    });
    node::set_time(NOW);
    drop(ours);

    group.sample_size(20);
    let ours = table(node::records(PEERS));
    group.bench_function(id("clock_steps_a_minute_back_or_forward"), |b| {
        b.iter_custom(|iterations| {
            timed(&ours, &query, iterations, |iteration| {
                node::set_time(if iteration % 2 == 0 { NOW } else { NOW + 60 });
            })
        });
    });
    node::set_time(NOW);

    let excluded: Vec<_> = (0..500).map(|n| node::address(&node::ipv4(n * 1_999), 11_625)).collect();
    let mut excluding = query;
    excluding.exclude = excluded.as_ptr();
    excluding.exclude_count = excluded.len();
    group.bench_function(id("500_excluded"), |b| b.iter(|| ours.load_random_peers(&excluding, &mut answer)));

    group.sample_size(10);
    let addresses: Vec<_> = (0..100_000).map(|n| node::address(&node::ipv4(n), 11_625)).collect();
    group.bench_function(id("100000_updates_between_queries"), |b| {
        b.iter_custom(|iterations| {
            timed(&ours, &query, iterations, |_| {
                for address in &addresses {
                    ours.increase_backoff(address);
                }
            })
        });
    });
    drop(ours);

    group.sample_size(20);
    let ours = table((0..).zip(node::records(PEERS)).map(|(n, record)| Record {
        num_failures: n,
        next_attempt: NOW,
        peer_type: 1,
        ..record
    }));
    for (name, max) in [
        ("every_failure_count_differs_half_eligible", 500_000),
        ("every_failure_count_differs_20_eligible", 19),
    ] {
        let mut bounded = query;
        bounded.max_num_failures = max;
        group.bench_function(id(name), |b| b.iter(|| ours.load_random_peers(&bounded, &mut answer)));
    }
    drop(ours);

    let ours = table(node::records(PEERS).enumerate().map(|(n, record)| Record {
        ip: if n % 2 == 0 { format!("node{n}.example.org") } else { record.ip },
        ..record
    }));
    group.bench_function(id("names_beside_addresses"), |b| {
        b.iter(|| ours.load_random_peers(&query, &mut answer));
    });
    group.finish();
}
