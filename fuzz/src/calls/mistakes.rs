//! Calls that are wrong. Each has the status that the header promises, writes nothing and changes nothing.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

use peer_manager::ffi::address::{
    peer_manager_address, peer_manager_address_equal, peer_manager_address_format, peer_manager_address_init,
    peer_manager_address_is_private, peer_manager_address_is_routable, peer_manager_address_netgroup,
    peer_manager_address_parse,
};
use peer_manager::ffi::error::{
    PEER_MANAGER_ERROR_DATABASE as DATABASE, PEER_MANAGER_ERROR_INVALID_ADDRESS as INVALID_ADDRESS,
    PEER_MANAGER_ERROR_INVALID_ARGUMENT as INVALID_ARGUMENT, PEER_MANAGER_ERROR_UNSUPPORTED as UNSUPPORTED,
};
use peer_manager::ffi::manager::{
    peer_manager_flush, peer_manager_free, peer_manager_from_connection, peer_manager_new_in_memory,
    peer_manager_new_with_db, peer_manager_open,
};
use peer_manager::ffi::options::{peer_manager_options, peer_manager_options_init};
use peer_manager::ffi::peers::{
    peer_manager_clear_all, peer_manager_ensure_exists, peer_manager_ensure_exists_many, peer_manager_load,
    peer_manager_remove, peer_manager_store, peer_manager_store_many, peer_manager_update,
    peer_manager_update_backoff, peer_manager_update_type,
};
use peer_manager::ffi::query::{
    peer_manager_get_peers_to_send, peer_manager_load_random_peers, peer_manager_query,
    peer_manager_query_init,
};
use peer_manager::ffi::record::{
    peer_manager_record, peer_manager_record_init, peer_manager_record_is_ready,
};
use peer_manager::ffi::snapshot::{
    peer_manager_get_all_peers, peer_manager_peer_count, peer_manager_snapshot_count,
    peer_manager_snapshot_free, peer_manager_snapshot_get,
};
use peer_manager::ffi::stats::{peer_manager_get_stats, peer_manager_stats, peer_manager_stats_init};

use super::options::default_options;
use super::query::default_query;
use crate::c::{self, Node, Room, TOO_LONG, call};

/// Text that is no host, and what C is to say of it.
const NO_HOSTS: [(&[u8], i32); 9] = [
    (b"", INVALID_ADDRESS),
    (b"1.2.3", INVALID_ADDRESS),
    (b"01.2.3.4", INVALID_ADDRESS),
    (b"[::1]", INVALID_ADDRESS),
    (b"fe80::1%1", INVALID_ADDRESS),
    (b"a..b", INVALID_ADDRESS),
    (&TOO_LONG, INVALID_ADDRESS),
    (b"\xff\xfe", INVALID_ARGUMENT),
    (b"\xc3\xa4.example", INVALID_ADDRESS),
];

/// Numbers beyond the enumerators.
const NO_ENUMERATORS: [u32; 4] = [3, 5, 256, u32::MAX];

/// Makes one of the mistakes.
pub(super) fn make(kind: u8, node: &Node) {
    match kind % 9 {
        0 => null_managers(),
        1 => null_arguments(node),
        2 => no_addresses(node, kind / 9),
        3 => unknown_enumerators(node, kind / 9),
        4 => counts_beyond_memory(node),
        5 => sizes_of_structs(node, kind / 9),
        6 => options_that_are_refused(kind / 9),
        7 => texts_that_are_refused(),
        _ => snapshots_beyond_the_end(node),
    }
}

fn refused(expected: i32, status: Result<(), i32>) {
    assert_eq!(status, Err(expected));
}

fn good() -> peer_manager_address {
    c::address(b"52.0.0.4", 11_629)
}

fn null_managers() {
    let (address, query) = (good(), default_query());
    let (pm, mut count) = (ptr::null_mut(), 0);
    let mut out = Room::<peer_manager_address>::new();
    let (to, n) = (out.as_mut_ptr(), &raw mut count);
    let mut stats = Room::<peer_manager_stats>::new();
    // SAFETY: the manager is NULL, which is checked, and the other pointers are valid for the calls.
    unsafe {
        refused(INVALID_ARGUMENT, call(|e| peer_manager_ensure_exists(pm, &address, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_remove(pm, &address, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update_backoff(pm, &address, 0, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_clear_all(pm, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_flush(pm, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_load_random_peers(pm, &query, 1, to, n, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_get_stats(pm, stats.as_mut_ptr(), e)));
        assert_eq!(peer_manager_peer_count(pm), 0);
        peer_manager_free(pm);
        peer_manager_snapshot_free(ptr::null_mut());
        assert_eq!(peer_manager_snapshot_count(ptr::null()), 0);
        // Without an error to fill in, the status is the same.
        assert_eq!(peer_manager_flush(pm, ptr::null_mut()), INVALID_ARGUMENT);
        peer_manager_query_init(ptr::null_mut(), 48);
        peer_manager_options_init(ptr::null_mut(), 96);
        peer_manager_stats_init(ptr::null_mut(), 88);
    }
    assert!(out.is_untouched() && stats.is_untouched() && count == 0);
}

fn null_arguments(node: &Node) {
    let (pm, address, query) = (node.as_ptr(), good(), default_query());
    let (no_address, no_record, no_count) = (ptr::null(), ptr::null(), ptr::null_mut());
    let mut out = Room::<peer_manager_address>::new();
    let to = out.as_mut_ptr();
    // SAFETY: the pointers are valid for the calls or NULL, which is checked.
    unsafe {
        refused(INVALID_ARGUMENT, call(|e| peer_manager_ensure_exists(pm, no_address, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_ensure_exists_many(pm, no_address, 1, no_count, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_load(pm, &address, ptr::null_mut(), e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_store(pm, no_record, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_store_many(pm, no_record, 1, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update(pm, no_address, 0, 0, 0, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update_type(pm, no_address, 0, 0, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update_backoff(pm, no_address, 0, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_remove(pm, no_address, e)));
        let mut n = 0;
        let n = &raw mut n;
        refused(INVALID_ARGUMENT, call(|e| peer_manager_load_random_peers(pm, ptr::null(), 1, to, n, e)));
        refused(
            INVALID_ARGUMENT,
            call(|e| peer_manager_load_random_peers(pm, &query, 1, ptr::null_mut(), n, e)),
        );
        refused(INVALID_ARGUMENT, call(|e| peer_manager_load_random_peers(pm, &query, 1, to, no_count, e)));
        let no_query = ptr::null();
        refused(
            INVALID_ARGUMENT,
            call(|e| peer_manager_get_peers_to_send(pm, no_query, no_address, 1, to, no_count, e)),
        );
        let mut lacking = query;
        lacking.exclude_count = 2;
        refused(INVALID_ARGUMENT, call(|e| peer_manager_load_random_peers(pm, &lacking, 1, to, n, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_get_stats(pm, ptr::null_mut(), e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_get_all_peers(pm, ptr::null_mut(), e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_open(ptr::null(), ptr::null_mut(), e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_open(&default_options(), ptr::null_mut(), e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_new_in_memory(ptr::null_mut(), e)));
        // What may be NULL, may be.
        assert_eq!(call(|e| peer_manager_ensure_exists_many(pm, no_address, 0, no_count, e)), Ok(()));
        assert_eq!(call(|e| peer_manager_store_many(pm, no_record, 0, e)), Ok(()));
    }
    assert!(out.is_untouched());
}

/// Single, in the middle of a batch, excluded, and asked about.
fn no_addresses(node: &Node, which: u8) {
    let pm = node.as_ptr();
    let port_is_zero = c::address(b"9.9.9.9", 0);
    let which = usize::from(which) % (NO_HOSTS.len() + 1);
    let (bad, status) =
        NO_HOSTS.get(which).map_or((port_is_zero, INVALID_ADDRESS), |&(host, s)| (c::address(host, 1), s));
    let batch = [c::address(b"52.99.0.1", 1), bad, c::address(b"52.99.0.2", 1)];
    let records =
        batch.map(|address| peer_manager_record { address, next_attempt: 0, num_failures: 0, peer_type: 0 });
    let (mut count, mut out) = (usize::MAX, Room::<peer_manager_record>::new());
    let n = &raw mut count;
    // SAFETY: the pointers are valid for the calls.
    unsafe {
        refused(status, call(|e| peer_manager_ensure_exists(pm, &bad, e)));
        refused(status, call(|e| peer_manager_ensure_exists_many(pm, batch.as_ptr(), 3, n, e)));
        refused(status, call(|e| peer_manager_load(pm, &bad, out.as_mut_ptr(), e)));
        refused(status, call(|e| peer_manager_store(pm, &records[1], e)));
        refused(status, call(|e| peer_manager_store_many(pm, records.as_ptr(), 3, e)));
        refused(status, call(|e| peer_manager_update(pm, &bad, 0, 0, 0, e)));
        refused(status, call(|e| peer_manager_remove(pm, &bad, e)));
        refused(status, call(|e| peer_manager_record_init(&bad, 0, out.as_mut_ptr(), e)));
        let mut netgroup = 0;
        refused(status, call(|e| peer_manager_address_netgroup(pm, &bad, &raw mut netgroup, e)));
        assert!(!peer_manager_address_equal(&bad, &bad) && !peer_manager_address_is_private(&bad));
        assert!(!peer_manager_address_is_routable(&bad));
    }
    let query = peer_manager_query { exclude: batch.as_ptr(), exclude_count: 3, ..default_query() };
    assert_eq!(node.load_random_peers(&query, 2), Err(status));
    assert_eq!(node.get_peers_to_send(&query, ptr::null(), 2), Err(status));
    assert_eq!(node.get_peers_to_send(ptr::null(), &bad, 2), Err(status));
    assert!(out.is_untouched() && count == usize::MAX);
}

fn unknown_enumerators(node: &Node, which: u8) {
    let (pm, address) = (node.as_ptr(), good());
    let number = NO_ENUMERATORS[usize::from(which) % NO_ENUMERATORS.len()];
    let record = peer_manager_record { address, next_attempt: 0, num_failures: 0, peer_type: number };
    // SAFETY: the pointers are valid for the calls.
    unsafe {
        refused(INVALID_ARGUMENT, call(|e| peer_manager_store(pm, &record, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_store_many(pm, &record, 1, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update_type(pm, &address, number, 0, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update_backoff(pm, &address, number, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update(pm, &address, number, 0, 0, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_update(pm, &address, 0, 0, number, e)));
    }
    // There are more filters than types.
    let query = peer_manager_query { type_filter: number.max(6), ..default_query() };
    assert_eq!(node.load_random_peers(&query, 2), Err(INVALID_ARGUMENT));
    assert_eq!(node.get_peers_to_send(&query, ptr::null(), 2), Err(INVALID_ARGUMENT));
    for (durability, on_corrupt) in [(number, 0), (0, number)] {
        let options = peer_manager_options { durability, on_corrupt, ..default_options() };
        assert_eq!(Node::open(&options).err(), Some(INVALID_ARGUMENT));
    }
}

fn counts_beyond_memory(node: &Node) {
    let (pm, query, address) = (node.as_ptr(), default_query(), good());
    let record = peer_manager_record { address, next_attempt: 0, num_failures: 0, peer_type: 0 };
    let mut out = Room::<peer_manager_address>::new();
    let (to, mut count) = (out.as_mut_ptr(), usize::MAX);
    for size in [usize::MAX, usize::MAX / 256, isize::MAX as usize / 256 + 1] {
        let n = &raw mut count;
        let excluding = peer_manager_query { exclude: &address, exclude_count: size, ..query };
        // SAFETY: the counts are more than memory can hold, which is checked before anything is read.
        unsafe {
            refused(INVALID_ARGUMENT, call(|e| peer_manager_ensure_exists_many(pm, &address, size, n, e)));
            refused(INVALID_ARGUMENT, call(|e| peer_manager_store_many(pm, &record, size, e)));
            refused(INVALID_ARGUMENT, call(|e| peer_manager_load_random_peers(pm, &query, size, to, n, e)));
            refused(INVALID_ARGUMENT, call(|e| peer_manager_load_random_peers(pm, &excluding, 1, to, n, e)));
            let (filter, asking) = (ptr::null(), ptr::null());
            refused(
                INVALID_ARGUMENT,
                call(|e| peer_manager_get_peers_to_send(pm, filter, asking, size, to, n, e)),
            );
        }
    }
    assert!(out.is_untouched() && count == usize::MAX);
}

/// A struct in a caller's memory that is larger than this version's.
#[repr(C, align(8))]
struct Larger([u8; 8192]);

impl Larger {
    fn new<T: Copy>(value: &T, struct_size: u32) -> Self {
        let mut larger = Self([0; 8192]);
        let place = larger.0.as_mut_ptr();
        // SAFETY: there is room for the struct, and it begins with its size.
        unsafe {
            ptr::copy_nonoverlapping(ptr::from_ref(value).cast(), place, size_of::<T>());
            place.cast::<u32>().write(struct_size);
        }
        larger
    }
}

/// A struct that is too small, one from the future that asks for nothing new, and one that does.
fn sizes_of_structs(node: &Node, which: u8) {
    let known = size_of::<peer_manager_query>() as u32;
    let larger = known + 1 + u32::from(which) * 7;
    let (mut out, mut count) = (MaybeUninit::<peer_manager_address>::uninit(), 0);
    let (to, n, pm) = (out.as_mut_ptr(), &raw mut count, node.as_ptr());
    // All of these are refused before anything is drawn.
    let asking = |query: &Larger| {
        let query = query.0.as_ptr().cast();
        // SAFETY: the query is valid for any size that is read, and `out` for one address.
        call(|e| unsafe { peer_manager_load_random_peers(pm, query, 1, to, n, e) })
    };
    let first_size = std::mem::offset_of!(peer_manager_query, seniority) as u32;
    for too_small in [0, 4, first_size - 1] {
        refused(INVALID_ARGUMENT, asking(&Larger::new(&default_query(), too_small)));
    }
    let mut unknown = Larger::new(&default_query(), larger);
    unknown.0[larger as usize - 1] = 1;
    refused(UNSUPPORTED, asking(&unknown));
    refused(UNSUPPORTED, asking(&Larger::new(&default_query(), 4097)));
    refused(UNSUPPORTED, asking(&Larger::new(&default_query(), u32::MAX)));
    let first_size = std::mem::offset_of!(peer_manager_options, reach) as u32;
    for struct_size in [0, 1, first_size - 1] {
        let options = peer_manager_options { struct_size, ..default_options() };
        assert_eq!(Node::open(&options).err(), Some(INVALID_ARGUMENT));
    }
    let options = Larger::new(&default_options(), size_of::<peer_manager_options>() as u32 + larger);
    // SAFETY: it is valid for the size that it says.
    drop(Node::open(unsafe { &*options.0.as_ptr().cast() }).expect("its tail is zero"));
    let mut small = Larger([0; 8192]);
    // SAFETY: the pointers are valid for the calls.
    unsafe {
        let out = small.0.as_mut_ptr().cast();
        peer_manager_stats_init(out, 12);
        refused(INVALID_ARGUMENT, call(|e| peer_manager_get_stats(pm, out, e)));
        // An initialiser keeps within the size that it is given.
        let mut bytes = [0x5a_u8; 256];
        let size = usize::from(which) * 7;
        peer_manager_query_init(bytes.as_mut_ptr().cast(), size.min(200));
        assert!(bytes[size.min(200)..].iter().all(|&byte| byte == 0x5a));
    }
}

fn options_that_are_refused(which: u8) {
    let defaults = default_options();
    let path = |path: &'static std::ffi::CStr| peer_manager_options { db_path: path.as_ptr(), ..defaults };
    let (options, status) = match which % 14 {
        0 => (path(c""), INVALID_ARGUMENT),
        1 => (path(c":memory:"), INVALID_ARGUMENT),
        2 => (path(c"/dev/shm/\xff\xfe"), INVALID_ARGUMENT),
        3 => (path(c"/there/is/no/such/directory/peers.db"), DATABASE),
        4 => (peer_manager_options { reserved: 1, ..defaults }, UNSUPPORTED),
        5 => (peer_manager_options { share_max_percent: 1, ..defaults }, INVALID_ARGUMENT),
        6 => (peer_manager_options { reach: 3, ..defaults }, INVALID_ARGUMENT),
        7 => (peer_manager_options { name_groups: 2, ..defaults }, INVALID_ARGUMENT),
        8 => (peer_manager_options { backoff_seconds: 3601, ..defaults }, INVALID_ARGUMENT),
        9 => (peer_manager_options { max_backoff_exponent: 21, ..defaults }, INVALID_ARGUMENT),
        10 => (peer_manager_options { keep_history: 1, reserved: 1, ..defaults }, UNSUPPORTED),
        11 => (peer_manager_options { reserved2: 1, ..defaults }, UNSUPPORTED),
        12 => (
            peer_manager_options { asmap_path: c"/there/is/no/asmap.dat".as_ptr(), ..defaults },
            INVALID_ARGUMENT,
        ),
        _ => (peer_manager_options { share_max_percent: 101, ..defaults }, INVALID_ARGUMENT),
    };
    assert_eq!(Node::open(&options).err(), Some(status));
    let mut out = ptr::null_mut();
    // SAFETY: the pointers are valid for the calls or NULL, which is checked.
    unsafe {
        refused(INVALID_ARGUMENT, call(|e| peer_manager_new_with_db(ptr::null(), &raw mut out, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_new_with_db(c":memory:".as_ptr(), &raw mut out, e)));
        let (db, version) = (ptr::null_mut(), c"3".as_ptr());
        refused(INVALID_ARGUMENT, call(|e| peer_manager_from_connection(db, version, &raw mut out, e)));
    }
    assert!(out.is_null());
}

fn texts_that_are_refused() {
    let mut out = Room::<peer_manager_address>::new();
    let to = out.as_mut_ptr();
    let mut buffer = [0x5a; 4];
    let into: *mut c_char = buffer.as_mut_ptr();
    let (host, address) = (c"9.9.9.9".as_ptr(), good());
    // SAFETY: the pointers are valid for the calls or NULL, which is checked.
    unsafe {
        refused(INVALID_ARGUMENT, call(|e| peer_manager_address_parse(ptr::null(), 1, to, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_address_parse(c"\xff:1".as_ptr(), 1, to, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_address_init(ptr::null(), 1, to, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_address_init(host, 1, ptr::null_mut(), e)));
        refused(INVALID_ADDRESS, call(|e| peer_manager_address_init(host, 0, to, e)));
        refused(INVALID_ADDRESS, call(|e| peer_manager_address_parse(host, 0, to, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_address_format(ptr::null(), into, 4, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_address_format(&address, into, 4, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_address_format(&address, ptr::null_mut(), 4, e)));
        refused(INVALID_ARGUMENT, call(|e| peer_manager_record_init(ptr::null(), 0, ptr::null_mut(), e)));
        assert!(!peer_manager_address_equal(&address, ptr::null()));
        assert!(!peer_manager_address_is_private(ptr::null()));
        assert!(!peer_manager_address_is_routable(ptr::null()));
        assert!(!peer_manager_record_is_ready(ptr::null(), i64::MAX));
    }
    assert!(out.is_untouched() && buffer == [0x5a; 4]);
}

fn snapshots_beyond_the_end(node: &Node) {
    let snapshot = node.get_all_peers();
    let count = snapshot.records().len();
    let mut out = Room::<peer_manager_record>::new();
    let to = out.as_mut_ptr();
    for index in [count, usize::MAX] {
        // SAFETY: the pointers are valid for the call.
        let got = call(|e| unsafe { peer_manager_snapshot_get(snapshot.as_ptr(), index, to, e) });
        refused(INVALID_ARGUMENT, got);
    }
    // SAFETY: NULL is checked.
    refused(INVALID_ARGUMENT, call(|e| unsafe { peer_manager_snapshot_get(ptr::null(), 0, to, e) }));
    assert!(out.is_untouched());
}
