//! How long other threads wait while one makes a call that is linear in the table.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::query::peer_manager_query;

use crate::library::{Node, set_time};
use crate::node::NOW;
use crate::rows::{Row, Setting, Side, query, slow};
use crate::tables::{Known, Table, new_ipv6};

pub(crate) const ROWS: &[Row] = &[
    slow("wait-quiet", "longest wait of `load_random_peers(8)` during 50 ms", |setting| {
        during(setting, |_| thread::sleep(Duration::from_millis(50)))
    }),
    slow("wait-stats", "… during `get_stats`", |setting| during(setting, Node::get_stats)),
    slow("wait-snapshot", "… during `get_all_peers`", |setting| during(setting, Node::snapshot)),
    slow("wait-growth", "… while the table grows by 0.7 of its peers, one at a time", growth_by_one),
    slow("wait-growth-many", "… in one `ensure_exists_many`", growth_at_once),
    slow("wait-netgroups", "… during the first query with `max_per_netgroup`", netgroups),
    slow("wait-due", "… with `use_next_attempt` 0, when all peers become due", |setting| due(setting).0),
    slow("wait-due-asker", "longest of the queries that find all peers due", |setting| due(setting).1),
    slow("wait-clocks", "`load_random_peers(8)` by two clocks, 1/20 of the peers due between them", clocks),
];

/// The table of these rows: IPv6, where each peer has a netgroup of its own.
fn table(setting: Setting<'_>) -> Table {
    Table::ipv6(setting.large)
}

fn during<'a>(setting: Setting<'a>, call: fn(&Node<'a>)) -> Side<'a> {
    let node = table(setting).in_memory(setting.library);
    let mut known = Known::of(table(setting));
    Box::new(move || longest_wait(&node, &known.take(1_000), || query(setting), || call(&node)))
}

/// The peers that are changed in a table that is used only once.
fn changed(setting: Setting<'_>) -> Vec<peer_manager_address> {
    Known::of(table(setting)).take(1_000)
}

/// A call that can do its work only once: each time on a new table.
fn once<'a>(setting: Setting<'a>, call: impl Fn(&Node<'a>) + 'a) -> Side<'a> {
    let changed = changed(setting);
    Box::new(move || {
        let node = table(setting).in_memory(setting.library);
        longest_wait(&node, &changed, || query(setting), || call(&node))
    })
}

fn new_peers(setting: Setting<'_>) -> u32 {
    setting.large / 10 * 7
}

fn growth_by_one(setting: Setting<'_>) -> Side<'_> {
    once(setting, move |node| {
        for address in new_ipv6(new_peers(setting)) {
            node.ensure_exists(&address);
        }
    })
}

fn growth_at_once(setting: Setting<'_>) -> Side<'_> {
    let addresses: Vec<_> = new_ipv6(new_peers(setting)).collect();
    once(setting, move |node| node.ensure_exists_many(&addresses))
}

fn netgroups(setting: Setting<'_>) -> Side<'_> {
    once(setting, move |node| {
        let (mut query, mut out) = (query(setting), [MaybeUninit::uninit(); 8]);
        query.max_per_netgroup = 1;
        node.load_random_peers(&query, &mut out);
    })
}

/// The next attempt of all peers is now, and the clock steps on to it. Returns the side that measures the waits of another
/// thread, whose queries ignore the time, and the side that measures the queries that depend on it. There are many of the
/// latter, because the first need not do all the work.
fn due(setting: Setting<'_>) -> (Side<'_>, Side<'_>) {
    const QUERIES: u32 = 1_000;
    let measure = move |changed: &[peer_manager_address]| {
        set_time(NOW - 1);
        let node = table(setting).in_memory_due(setting.library, |_| NOW);
        let whatever_the_time = || peer_manager_query { use_next_attempt: 0, ..query(setting) };
        let mut longest = Duration::ZERO;
        let other = longest_wait(&node, changed, whatever_the_time, || {
            let (query, mut out) = (query(setting), [MaybeUninit::uninit(); 8]);
            set_time(NOW);
            for _ in 0..QUERIES {
                let began = Instant::now();
                node.load_random_peers(&query, &mut out);
                longest = longest.max(began.elapsed());
            }
        });
        (other, longest.as_secs_f64())
    };
    let changed = changed(setting);
    let same = changed.clone();
    (Box::new(move || measure(&changed).0), Box::new(move || measure(&same).1))
}

/// Two threads whose clocks are a second apart ask in turns. The library sees only their times, so one thread stands for both
/// here, and switching threads is not part of the result.
fn clocks(setting: Setting<'_>) -> Side<'_> {
    const PAIRS: u32 = 10;
    let next_attempt = |i: usize| if i % 20 == 0 { NOW } else { NOW - 1_000 };
    let node = table(setting).in_memory_due(setting.library, next_attempt);
    let (query, mut out) = (query(setting), [MaybeUninit::uninit(); 8]);
    Box::new(move || {
        let began = Instant::now();
        for _ in 0..PAIRS {
            for time in [NOW - 1, NOW] {
                set_time(time);
                node.load_random_peers(&query, &mut out);
            }
        }
        began.elapsed().as_secs_f64() / f64::from(2 * PAIRS)
    })
}

/// The longest that one thread waits for the answer to a query while this one makes a call; a third changes one of these peers
/// every half millisecond.
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
