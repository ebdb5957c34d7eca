//! What each operation costs, compared with the specification's own algorithm in the same run.
//!
//! `cargo bench` runs everything at 1,000 to 1,000,000 peers; `PEER_MANAGER_BENCH_10M=1` adds 10,000,000. Everything
//! of ours goes through the exported C functions. `cargo run --release --example bench_report` then prints a table.

mod heap;
mod hostile;
#[expect(dead_code, reason = "shared with the benchmark of durability, which uses the rest")]
mod node;
mod operations;
mod options;
mod reference;

use std::env;
use std::time::Duration;

use criterion::Criterion;

#[global_allocator]
static ALLOCATOR: heap::Counting = heap::Counting;

/// The table sizes that are measured.
fn sizes() -> Vec<u32> {
    let largest = if env::var_os("PEER_MANAGER_BENCH_10M").is_some() { 10_000_000 } else { 1_000_000 };
    [1_000, 10_000, 100_000, 1_000_000, 10_000_000].into_iter().filter(|&size| size <= largest).collect()
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    heap::report();
    for size in sizes() {
        operations::measure(&mut criterion, size);
    }
    operations::measure_addrman(&mut criterion);
    operations::measure_open(&mut criterion);
    hostile::measure(&mut criterion);
    options::measure(&mut criterion);
    criterion.final_summary();
}
