//! Heap bytes per peer, counted by the allocator.
#![expect(unsafe_code, reason = "an allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;

use crate::node::{self, Node};
use crate::reference::{Record, Reference};

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, and a count of what is in use.
pub(crate) struct Counting;

// SAFETY: every call is the system allocator's, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        IN_USE.fetch_add(new_size, Ordering::Relaxed);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Peers with random IPv6 addresses.
fn ipv6_records(count: u32) -> impl Iterator<Item = Record> {
    let mut rng = ChaCha12Rng::seed_from_u64(6);
    node::records(count).map(move |record| Record { ip: node::ipv6(&mut rng), ..record })
}

/// Bytes per peer of what `make` makes from this many peers.
#[expect(clippy::cast_precision_loss, reason = "it is printed with one digit")]
fn bytes_a_peer<T>(count: u32, make: impl FnOnce() -> T) -> f64 {
    let before = IN_USE.load(Ordering::Relaxed);
    let table = make();
    let bytes = IN_USE.load(Ordering::Relaxed) - before;
    drop(table);
    bytes as f64 / f64::from(count)
}

/// Measures a table of each size, and writes the figures next to criterion's for the report.
pub(crate) fn report() {
    let mut lines = String::from("peers,ours,reference\n");
    for size in crate::sizes() {
        let ours = bytes_a_peer(size, || {
            let node = Node::open(None);
            node.fill(ipv6_records(size));
            node
        });
        let reference = bytes_a_peer(size, || ipv6_records(size).collect::<Reference>());
        println!("heap bytes a peer (IPv6), {size} peers: ours {ours:.1}, reference {reference:.1}");
        let _ = writeln!(lines, "{size},{ours:.1},{reference:.1}");
    }
    let node = Node::open(None);
    node.fill(node::records(1000));
    let (query, mut answer) = (node::query(), node::answer());
    // The first call also looks at the environment, for the tests' sake.
    node.load_random_peers(&query, &mut answer);
    let before = CALLS.load(Ordering::Relaxed);
    node.load_random_peers(&query, &mut answer);
    println!("allocations of load_random_peers(50): {}", CALLS.load(Ordering::Relaxed) - before);
    // target/release/deps/<this program>
    let target =
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.parent()?.to_owned()));
    if let Some(directory) = target.map(|target| target.join("criterion")) {
        let written = std::fs::create_dir_all(&directory)
            .and_then(|()| std::fs::write(directory.join("heap.csv"), lines));
        written.expect("target may be written");
    }
}
