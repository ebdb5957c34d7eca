//! How much a reader notices of a writer: a node asks whom to dial while 100,000 rows are being written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use peer_manager::ffi::options::PEER_MANAGER_DURABILITY_COMMIT;

use crate::node::{self, Node};
use crate::{PEERS, full, report};

/// How often the rows are written while the reader asks.
const WRITES: usize = 5;

pub(crate) fn measure() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ours = full(&directory.path().join("ours.db"), PEER_MANAGER_DURABILITY_COMMIT);
    let records: Vec<_> = node::records(PEERS).map(|record| node::to_c(&record)).collect();
    let quiet = ask_until(&ours, {
        let began = Instant::now();
        move || began.elapsed() > Duration::from_secs(2)
    });
    let is_done = AtomicBool::new(false);
    let busy = thread::scope(|scope| {
        scope.spawn(|| {
            (0..WRITES).for_each(|_| ours.store_many(&records));
            is_done.store(true, Ordering::Relaxed);
        });
        ask_until(&ours, || is_done.load(Ordering::Relaxed))
    });
    let what = |centile: &str, asked: &[Duration]| {
        format!("a query while 100,000 rows are written, {centile} of {} queries", asked.len())
    };
    report(&what("99th percentile", &busy), centile(&busy, 990), "while nothing is", centile(&quiet, 990));
    report(&what("99.9th percentile", &busy), centile(&busy, 999), "while nothing is", centile(&quiet, 999));
    report("the longest of them", centile(&busy, 1000), "while nothing is", centile(&quiet, 1000));
}

/// How long each query took, in ascending order.
fn ask_until(ours: &Node, is_over: impl Fn() -> bool) -> Vec<Duration> {
    let (query, mut answer) = (node::query(), node::answer());
    let mut times = Vec::new();
    while !is_over() {
        let began = Instant::now();
        ours.load_random_peers(&query, &mut answer);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times
}

/// The time that this many of a thousand queries did not exceed.
fn centile(times: &[Duration], of_a_thousand: usize) -> Duration {
    times[(times.len() * of_a_thousand / 1000).min(times.len() - 1)]
}
