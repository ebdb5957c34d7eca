//! Each operation on an ordinary table.

use std::ffi::CStr;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode};
use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;

use crate::node::{self, ANSWER, NOW, Node};
use crate::reference::{Query, Record, Reference};

const PORT: u16 = 11_625;

/// What the default query admits, in the terms of the reference.
pub(crate) const DEFAULT_QUERY: Query =
    Query { use_next_attempt: true, max_num_failures: Some(10), types: [false, true, true] };

/// An address as text, as it comes from the wire.
pub(crate) type Text = [u8; 24];

/// The addresses of a table as texts: in random order, so that a walk through them jumps about in the table, but one
/// after the other in memory, so that reading them costs nothing worth mentioning.
pub(crate) fn texts_in_random_order(ips: &[String]) -> Vec<Text> {
    let mut texts: Vec<Text> = ips
        .iter()
        .map(|ip| {
            let mut text = Text::default();
            let written = format!("{ip}:{PORT}");
            text[..written.len()].copy_from_slice(written.as_bytes());
            text
        })
        .collect();
    texts.shuffle(&mut ChaCha12Rng::seed_from_u64(3));
    texts
}

fn text(text: Option<&Text>) -> &CStr {
    CStr::from_bytes_until_nul(text.expect("there are texts")).expect("there is room for a NUL")
}

/// The parts of a text, for operations that are measured without parsing.
pub(crate) fn ip_and_port(address: Option<&Text>) -> (&str, u16) {
    let text = text(address).to_str().expect("text");
    (&text[..text.len() - ":11625".len()], PORT)
}

pub(crate) fn measure(criterion: &mut Criterion, size: u32) {
    let ours = Node::open(None);
    ours.fill(node::records(size));
    let mut reference: Reference = node::records(size).collect();
    let ips: Vec<String> = (0..size).map(node::ipv4).collect();

    let mut group = criterion.benchmark_group("load_random_peers");
    let (query, mut answer) = (node::query(), node::answer());
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        b.iter(|| ours.load_random_peers(&query, &mut answer));
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        b.iter(|| reference.load_random_peers(DEFAULT_QUERY, NOW, ANSWER));
    });
    group.finish();

    let mut group = criterion.benchmark_group("get_peers_to_send");
    let asker = node::address(&ips[0], PORT);
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        b.iter(|| ours.get_peers_to_send(&asker, &mut answer));
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        b.iter(|| reference.get_peers_to_send(ANSWER, (&ips[0], PORT)));
    });
    group.finish();

    let mut group = criterion.benchmark_group("load");
    let texts = texts_in_random_order(&ips);
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        let (mut texts, mut record) = (texts.iter().cycle(), MaybeUninit::uninit());
        b.iter(|| ours.load(&node::parse(text(texts.next())), &mut record));
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| {
            let text = text(texts.next()).to_str().expect("text");
            let address: SocketAddr = text.parse().expect("an address");
            let record = reference.load(address.ip().to_string(), address.port()).expect("a hit");
            black_box((format!("{}:{}", record.ip, record.port), record.next_attempt))
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("update_backoff");
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| {
            let (ip, port) = ip_and_port(texts.next());
            ours.increase_backoff(&node::address(ip, port));
        });
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| {
            let (ip, port) = ip_and_port(texts.next());
            reference.increase_backoff(ip, port, NOW);
        });
    });
    group.finish();

    measure_changes(criterion, size, &texts, &ours, &mut reference);

    let mut group = criterion.benchmark_group("add_and_remove");
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        let mut n = 0;
        b.iter(|| {
            n += 1;
            ours.add_and_remove(&node::address(&node::ipv4(n), 1));
        });
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        let mut n = 0;
        b.iter(|| {
            n += 1;
            reference.add_and_remove(&node::ipv4(n), 1, NOW);
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("get_all_peers");
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("ours", size), |b| b.iter(|| ours.get_all_peers()));
    group.bench_function(BenchmarkId::new("reference", size), |b| b.iter(|| reference.get_all_peers()));
    group.finish();
}

/// The other changes of one peer, and the purge.
fn measure_changes(
    criterion: &mut Criterion,
    size: u32,
    texts: &[Text],
    ours: &Node,
    reference: &mut Reference,
) {
    let mut group = criterion.benchmark_group("update_type");
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| {
            let (ip, port) = ip_and_port(texts.next());
            ours.update_type(&node::address(ip, port));
        });
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| {
            let (ip, port) = ip_and_port(texts.next());
            reference.update_type(ip, port);
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("update");
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| {
            let (ip, port) = ip_and_port(texts.next());
            ours.update(&node::address(ip, port));
        });
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| {
            let (ip, port) = ip_and_port(texts.next());
            reference.update(ip, port, NOW);
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("store");
    let record = |address: Option<&Text>| {
        let (ip, port) = ip_and_port(address);
        Record { ip: ip.to_owned(), port, next_attempt: NOW, num_failures: 3, peer_type: 1 }
    };
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| ours.store(&node::to_c(&record(texts.next()))));
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        let mut texts = texts.iter().cycle();
        b.iter(|| reference.store(record(texts.next())));
    });
    group.finish();

    // Three of thirteen peers are removed.
    let mut group = criterion.benchmark_group("remove_peers_with_many_failures");
    // Each purge needs a new table, which takes longer than the purge.
    group.sample_size(10).sampling_mode(SamplingMode::Flat).measurement_time(Duration::from_millis(300));
    group.warm_up_time(Duration::from_millis(1));
    group.bench_function(BenchmarkId::new("ours", size), |b| {
        let full = || {
            let ours = Node::open(None);
            ours.fill(node::records(size));
            ours
        };
        let purge = |ours: Node| {
            ours.remove_peers_with_many_failures(10);
            ours
        };
        b.iter_batched(full, purge, BatchSize::PerIteration);
    });
    group.bench_function(BenchmarkId::new("reference", size), |b| {
        let purge = |mut reference: Reference| {
            reference.remove_peers_with_many_failures(10);
            reference
        };
        b.iter_batched(|| node::records(size).collect(), purge, BatchSize::PerIteration);
    });
    group.finish();
}

/// The workload of Bitcoin Core's addrman benchmark: 16,384 random IPv6 addresses added, selected and shared.
pub(crate) fn measure_addrman(criterion: &mut Criterion) {
    const PEERS: u32 = 16_384;
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    let records: Vec<Record> = (0..PEERS)
        .map(|_| Record {
            ip: node::ipv6(&mut rng),
            port: PORT,
            next_attempt: NOW,
            num_failures: 0,
            peer_type: 0,
        })
        .collect();
    let addresses: Vec<_> = records.iter().map(|record| node::address(&record.ip, PORT)).collect();

    let mut group = criterion.benchmark_group("addrman_add");
    group.bench_function(BenchmarkId::new("ours", PEERS), |b| {
        b.iter_batched(
            || Node::open(None),
            |ours| {
                ours.ensure_exists_many(&addresses);
                ours
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function(BenchmarkId::new("reference", PEERS), |b| {
        b.iter_batched(
            || records.clone(),
            // Like ours, it accepts text in any spelling.
            |records| {
                let canonical = |ip: String| ip.parse::<IpAddr>().expect("an address").to_string();
                let records = records.into_iter().map(|record| Record { ip: canonical(record.ip), ..record });
                records.collect::<Reference>()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();

    let ours = Node::open(None);
    ours.ensure_exists_many(&addresses);
    let mut reference: Reference = records.iter().cloned().collect();
    let mut query = node::query();
    query.type_filter = peer_manager::ffi::query::PEER_MANAGER_FILTER_ANY;
    let mut answer = node::answer();
    let mut group = criterion.benchmark_group("addrman_select");
    group.bench_function(BenchmarkId::new("ours", PEERS), |b| {
        b.iter(|| ours.load_random_peers(&query, &mut answer[..1]));
    });
    group.bench_function(BenchmarkId::new("reference", PEERS), |b| {
        let query = Query { types: [true; 3], ..DEFAULT_QUERY };
        b.iter(|| reference.load_random_peers(query, NOW, 1));
    });
    group.finish();

    // A node answers with at most 1,000 addresses (Bitcoin's MAX_ADDR_TO_SEND).
    let mut answer = vec![MaybeUninit::uninit(); 1_000];
    let mut group = criterion.benchmark_group("addrman_share");
    group.bench_function(BenchmarkId::new("ours", PEERS), |b| {
        b.iter(|| ours.get_peers_to_send(&addresses[0], &mut answer));
    });
    group.bench_function(BenchmarkId::new("reference", PEERS), |b| {
        b.iter(|| reference.get_peers_to_send(1_000, (&records[0].ip, PORT)));
    });
    group.finish();
}

/// Opening a database of 1,000,000 peers.
pub(crate) fn measure_open(criterion: &mut Criterion) {
    const PEERS: u32 = 1_000_000;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("peers.db");
    Node::open(Some(&path)).fill(node::records(PEERS));
    let mut group = criterion.benchmark_group("open");
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("ours", PEERS), |b| {
        // Closed before the next is opened: a file has one manager at a time.
        b.iter_batched(|| (), |()| Node::open(Some(&path)), BatchSize::PerIteration);
    });
    group.bench_function(BenchmarkId::new("reference", PEERS), |b| {
        let load = |()| Reference::load_all_from_db(&path).expect("the table is there");
        b.iter_batched(|| (), load, BatchSize::PerIteration);
    });
    group.finish();
}
