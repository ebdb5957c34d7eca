//! A peer manager as C sees it, filled like a node's table: what the benchmarks measure goes through the exported
//! functions, text to text.
#![expect(unsafe_code, reason = "the exported functions are called as C calls them")]

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::ffi::address::{
    PEER_MANAGER_HOST_CAPACITY, peer_manager_address, peer_manager_address_parse,
};
use peer_manager::ffi::bans::peer_manager_ban;
use peer_manager::ffi::error::PEER_MANAGER_ERROR_LIMIT;
use peer_manager::ffi::manager::{
    peer_manager as handle, peer_manager_flush, peer_manager_free, peer_manager_open,
};
use peer_manager::ffi::options::{
    PEER_MANAGER_DURABILITY_COMMIT, peer_manager_options, peer_manager_options_init,
};
use peer_manager::ffi::peers::{
    peer_manager_ensure_exists, peer_manager_ensure_exists_many, peer_manager_load, peer_manager_remove,
    peer_manager_remove_peers_with_many_failures, peer_manager_store, peer_manager_store_many,
    peer_manager_update, peer_manager_update_backoff, peer_manager_update_type,
};
use peer_manager::ffi::query::{
    peer_manager_get_peers_to_send, peer_manager_load_random_peers, peer_manager_query,
    peer_manager_query_init,
};
use peer_manager::ffi::record::{
    PEER_MANAGER_BACKOFF_INCREASE, PEER_MANAGER_TYPE_OUTBOUND, peer_manager_record,
};
use peer_manager::ffi::snapshot::{peer_manager_get_all_peers, peer_manager_snapshot_free};
use rand::rngs::ChaCha12Rng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use crate::reference::Record;

/// The time at which every table is filled.
pub(crate) const NOW: i64 = 1_700_000_000;

/// The largest answer that is asked for.
pub(crate) const ANSWER: usize = 50;

/// The time that the managers see.
static TIME: AtomicI64 = AtomicI64::new(NOW);

extern "C" fn clock(_context: *mut c_void) -> i64 {
    TIME.load(Ordering::Relaxed)
}

pub(crate) fn set_time(now: i64) {
    TIME.store(now, Ordering::Relaxed);
}

/// A peer manager, freed when dropped.
#[derive(Debug)]
pub(crate) struct Node(*mut handle);

impl Node {
    pub(crate) fn open(path: Option<&Path>) -> Self {
        Self::open_with(path, PEER_MANAGER_DURABILITY_COMMIT)
    }

    pub(crate) fn open_with(path: Option<&Path>, durability: u32) -> Self {
        let path = path.map(|path| std::ffi::CString::new(path.to_str().unwrap()).unwrap());
        Self::open_as(|options| {
            options.db_path = path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
            options.durability = durability;
        })
    }

    /// One in memory, with the options as `set` leaves them.
    pub(crate) fn open_as(set: impl FnOnce(&mut peer_manager_options)) -> Self {
        let mut options = MaybeUninit::<peer_manager_options>::uninit();
        let mut pm = ptr::null_mut();
        // SAFETY: the pointers are valid for the call.
        let status = unsafe {
            peer_manager_options_init(options.as_mut_ptr(), size_of::<peer_manager_options>());
            let options = options.assume_init_mut();
            options.clock = Some(clock);
            options.has_rng_seed = 1;
            set(options);
            peer_manager_open(options, &raw mut pm, ptr::null_mut())
        };
        assert_eq!(status, 0);
        Self(pm)
    }

    pub(crate) fn fill(&self, records: impl Iterator<Item = Record>) {
        let mut batch = Vec::with_capacity(10_000);
        let mut records = records.peekable();
        while records.peek().is_some() {
            batch.clear();
            batch.extend(records.by_ref().take(10_000).map(|record| to_c(&record)));
            self.store_many(&batch);
        }
    }

    pub(crate) fn store_many(&self, records: &[peer_manager_record]) {
        // SAFETY: the pointers are valid for the call.
        let status =
            unsafe { peer_manager_store_many(self.0, records.as_ptr(), records.len(), ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn flush(&self) {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_flush(self.0, ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn ensure_exists(&self, address: &peer_manager_address) {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_ensure_exists(self.0, address, ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn ensure_exists_many(&self, addresses: &[peer_manager_address]) {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe {
            let (first, count) = (addresses.as_ptr(), addresses.len());
            peer_manager_ensure_exists_many(self.0, first, count, ptr::null_mut(), ptr::null_mut())
        };
        assert_eq!(status, 0);
    }

    /// `ensure_exists` of an address that a bound refuses.
    pub(crate) fn is_refused(&self, address: &peer_manager_address) -> bool {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_ensure_exists(self.0, address, ptr::null_mut()) };
        status == PEER_MANAGER_ERROR_LIMIT
    }

    pub(crate) fn remove(&self, address: &peer_manager_address) {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_remove(self.0, address, ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn ban(&self, subject: &CStr) {
        // SAFETY: the pointers are valid for the call.
        let status =
            unsafe { peer_manager_ban(self.0, subject.as_ptr(), i64::MAX, ptr::null_mut(), ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    /// `ensure_exists` of an address that is new, and its removal.
    pub(crate) fn add_and_remove(&self, address: &peer_manager_address) {
        // SAFETY: the pointers are valid for the call.
        let added = unsafe { peer_manager_ensure_exists(self.0, address, ptr::null_mut()) };
        // SAFETY: as above.
        let removed = unsafe { peer_manager_remove(self.0, address, ptr::null_mut()) };
        assert_eq!((added, removed), (0, 0));
    }

    /// `get_all_peers`, and the snapshot's end.
    pub(crate) fn get_all_peers(&self) {
        let mut snapshot = ptr::null_mut();
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_get_all_peers(self.0, &raw mut snapshot, ptr::null_mut()) };
        assert_eq!(status, 0);
        // SAFETY: the snapshot came from the library.
        unsafe { peer_manager_snapshot_free(snapshot) };
    }

    pub(crate) fn load(&self, address: &peer_manager_address, out: &mut MaybeUninit<peer_manager_record>) {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_load(self.0, address, out.as_mut_ptr(), ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn increase_backoff(&self, address: &peer_manager_address) {
        let increase = PEER_MANAGER_BACKOFF_INCREASE;
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_update_backoff(self.0, address, increase, ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn update_type(&self, address: &peer_manager_address) {
        let outbound = PEER_MANAGER_TYPE_OUTBOUND;
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_update_type(self.0, address, outbound, 0, ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn update(&self, address: &peer_manager_address) {
        let (outbound, increase) = (PEER_MANAGER_TYPE_OUTBOUND, PEER_MANAGER_BACKOFF_INCREASE);
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_update(self.0, address, outbound, 0, increase, ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn store(&self, record: &peer_manager_record) {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe { peer_manager_store(self.0, record, ptr::null_mut()) };
        assert_eq!(status, 0);
    }

    pub(crate) fn remove_peers_with_many_failures(&self, min_num_failures: u32) {
        // SAFETY: the pointers are valid for the call.
        let status = unsafe {
            peer_manager_remove_peers_with_many_failures(
                self.0,
                min_num_failures,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        assert_eq!(status, 0);
    }

    pub(crate) fn load_random_peers(
        &self,
        query: &peer_manager_query,
        out: &mut [MaybeUninit<peer_manager_address>],
    ) -> usize {
        let mut count = 0;
        // SAFETY: the pointers are valid for the call.
        let status = unsafe {
            let (size, first) = (out.len(), out.as_mut_ptr().cast());
            peer_manager_load_random_peers(self.0, query, size, first, &raw mut count, ptr::null_mut())
        };
        assert_eq!(status, 0);
        count
    }

    pub(crate) fn get_peers_to_send(
        &self,
        exclude: &peer_manager_address,
        out: &mut [MaybeUninit<peer_manager_address>],
    ) -> usize {
        self.get_filtered_peers_to_send(None, exclude, out)
    }

    pub(crate) fn get_filtered_peers_to_send(
        &self,
        filter: Option<&peer_manager_query>,
        exclude: &peer_manager_address,
        out: &mut [MaybeUninit<peer_manager_address>],
    ) -> usize {
        let mut count = 0;
        // SAFETY: the pointers are valid for the call.
        let status = unsafe {
            let (size, first) = (out.len(), out.as_mut_ptr().cast());
            let out_count = &raw mut count;
            peer_manager_get_peers_to_send(
                self.0,
                filter.map_or(ptr::null(), ptr::from_ref),
                exclude,
                size,
                first,
                out_count,
                ptr::null_mut(),
            )
        };
        assert_eq!(status, 0);
        count
    }
}

// SAFETY: the header says that a manager may be used by any number of threads.
unsafe impl Sync for Node {}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: the handle came from the library and is not used any more.
        unsafe { peer_manager_free(self.0) };
    }
}

/// Room for an answer.
pub(crate) fn answer() -> Vec<MaybeUninit<peer_manager_address>> {
    vec![MaybeUninit::uninit(); ANSWER]
}

/// The default query.
pub(crate) fn query() -> peer_manager_query {
    let mut query = MaybeUninit::uninit();
    // SAFETY: the pointer is valid for the call, which initialises all of it.
    unsafe {
        peer_manager_query_init(query.as_mut_ptr(), size_of::<peer_manager_query>());
        query.assume_init()
    }
}

pub(crate) fn address(ip: &str, port: u16) -> peer_manager_address {
    let mut address = peer_manager_address { host: [0; PEER_MANAGER_HOST_CAPACITY], port };
    for (place, byte) in address.host.iter_mut().zip(ip.bytes()) {
        *place = c_char::from_ne_bytes([byte]);
    }
    address
}

pub(crate) fn to_c(record: &Record) -> peer_manager_record {
    peer_manager_record {
        address: address(&record.ip, record.port),
        next_attempt: record.next_attempt,
        num_failures: record.num_failures,
        peer_type: u32::from(record.peer_type),
    }
}

/// Parses text as a program that reads it from the wire does.
pub(crate) fn parse(text: &CStr) -> peer_manager_address {
    let mut address = MaybeUninit::uninit();
    // SAFETY: the pointers are valid for the call.
    let status =
        unsafe { peer_manager_address_parse(text.as_ptr(), 0, address.as_mut_ptr(), ptr::null_mut()) };
    assert_eq!(status, 0);
    // SAFETY: the call succeeded.
    unsafe { address.assume_init() }
}

/// The n-th address of a table: a permutation of 32 bits, so that none repeats; most of them are public.
pub(crate) fn ipv4(n: u32) -> String {
    std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761).wrapping_add(17)).to_string()
}

/// A random IPv6 address.
pub(crate) fn ipv6(rng: &mut ChaCha12Rng) -> String {
    std::net::Ipv6Addr::from(rng.random::<u128>()).to_string()
}

/// A table like a node's: 60 % inbound, 38 % outbound, 2 % preferred; half of them ready, failures from 0 to 12.
pub(crate) fn records(count: u32) -> impl Iterator<Item = Record> {
    let mut rng = ChaCha12Rng::seed_from_u64(u64::from(count));
    (0..count).map(move |n| {
        let peer_type = match rng.random_range(0..100) {
            0..60 => 0,
            60..98 => 1,
            _ => 2,
        };
        let wait = i64::from(rng.next_u32() % 20_000) - 10_000;
        Record {
            ip: ipv4(n),
            port: 11_625,
            next_attempt: NOW + wait,
            num_failures: rng.random_range(0..=12),
            peer_type,
        }
    })
}
