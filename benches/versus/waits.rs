//! How long other threads wait while one makes a call that is linear in the table.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::query::peer_manager_query;

use crate::library::Node;
use crate::rows::{Row, Setting, Side, query, slow};
use crate::tables::{Known, Table};

pub(crate) const ROWS: &[Row] = &[
    slow("wait-quiet", "longest wait of `load_random_peers(8)` during 50 ms", |setting| {
        during(setting, |_| thread::sleep(Duration::from_millis(50)))
    }),
    slow("wait-stats", "… during `get_stats`", |setting| during(setting, Node::get_stats)),
    slow("wait-snapshot", "… during `get_all_peers`", |setting| during(setting, Node::snapshot)),
];

/// Of IPv6, where each peer has a netgroup of its own.
fn during<'a>(setting: Setting<'a>, call: fn(&Node<'a>)) -> Side<'a> {
    let table = Table::ipv6(setting.large);
    let node = table.in_memory(setting.library);
    let mut known = Known::of(table);
    Box::new(move || longest_wait(&node, &known.take(1_000), || query(setting), || call(&node)))
}

/// The longest that one thread waits for the answer to a query while this one makes a call; a third changes one of these
/// peers each half millisecond.
fn longest_wait(
    node: &Node<'_>,
    changed: &[peer_manager_address],
    query: impl Fn() -> peer_manager_query + Sync,
    call: impl FnOnce(),
) -> f64 {
    let (is_over, longest) = (AtomicBool::new(false), AtomicU64::new(0));
    let goes_on = || !is_over.load(Ordering::Relaxed);
    thread::scope(|threads| {
        threads.spawn(|| {
            let (query, mut out) = (query(), [MaybeUninit::uninit(); 8]);
            while goes_on() {
                let began = Instant::now();
                node.load_random_peers(&query, &mut out);
                let waited = u64::try_from(began.elapsed().as_nanos()).expect("it ends");
                longest.fetch_max(waited, Ordering::Relaxed);
            }
        });
        threads.spawn(|| {
            for address in changed.iter().cycle().take_while(|_| goes_on()) {
                node.increase_backoff(address);
                thread::sleep(Duration::from_micros(500));
            }
        });
        thread::sleep(Duration::from_millis(5));
        call();
        is_over.store(true, Ordering::Relaxed);
    });
    Duration::from_nanos(longest.into_inner()).as_secs_f64()
}
