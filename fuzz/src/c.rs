//! The exported functions as a C program calls them. What must hold after every call is checked on the way: an
//! error says what failed in one line, no call finds a defect, and addresses that come back are canonical.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::ptr;

use peer_manager::ffi::address::{PEER_MANAGER_HOST_CAPACITY, peer_manager_address};
use peer_manager::ffi::dialling::peer_manager_next_to_dial;
use peer_manager::ffi::error::{PEER_MANAGER_ERROR_INTERNAL, PEER_MANAGER_OK, peer_manager_error};
use peer_manager::ffi::manager::{peer_manager as handle, peer_manager_free, peer_manager_open};
use peer_manager::ffi::options::peer_manager_options;
use peer_manager::ffi::query::{
    peer_manager_get_peers_to_send, peer_manager_load_random_peers, peer_manager_query,
};
use peer_manager::ffi::record::peer_manager_record;
use peer_manager::ffi::snapshot::{
    peer_manager_get_all_peers, peer_manager_snapshot, peer_manager_snapshot_count,
    peer_manager_snapshot_free, peer_manager_snapshot_get,
};
use peer_manager::ffi::stats::{peer_manager_get_stats, peer_manager_stats, peer_manager_stats_init};
use peer_manager::{PeerAddress, PeerRecord, StoredPeerType};

/// Makes a call that can fail; the error is its status.
pub(crate) fn call(function: impl FnOnce(*mut peer_manager_error) -> i32) -> Result<(), i32> {
    let mut error = peer_manager_error { status: -1, sqlite_code: -1, message: [0x5a; 248] };
    let status = function(&raw mut error);
    if status == PEER_MANAGER_OK {
        return Ok(());
    }
    assert_eq!(error.status, status, "the error has another status than the call");
    let message = error.message.map(c_char::cast_unsigned);
    let message = CStr::from_bytes_until_nul(&message).expect("a message ends in a NUL");
    let message = message.to_str().expect("a message is UTF-8");
    assert_ne!(status, PEER_MANAGER_ERROR_INTERNAL, "{message}");
    assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?} is not one line");
    Err(status)
}

/// An address as a caller fills it in.
pub(crate) fn address(host: &[u8], port: u16) -> peer_manager_address {
    let mut address = peer_manager_address { host: [0; _], port };
    for (place, byte) in address.host.iter_mut().zip(host) {
        *place = c_char::from_ne_bytes([*byte]);
    }
    address
}

/// An address that the library has written.
pub(crate) fn canonical(address: &peer_manager_address) -> PeerAddress {
    let host = address.host.map(c_char::cast_unsigned);
    let end = host.iter().position(|&byte| byte == 0).expect("a host ends in a NUL");
    assert!(host[end..].iter().all(|&byte| byte == 0), "there are bytes behind the host's NUL");
    let text = std::str::from_utf8(&host[..end]).expect("a host is UTF-8");
    let parsed = PeerAddress::new(text, address.port).expect("an address that was written is one");
    assert_eq!(parsed.host().to_string(), text, "an address that was written is canonical");
    parsed
}

/// A record that the library has written.
pub(crate) fn record(record: &peer_manager_record) -> PeerRecord {
    PeerRecord {
        address: canonical(&record.address),
        next_attempt: record.next_attempt,
        num_failures: record.num_failures,
        peer_type: StoredPeerType::from_number(record.peer_type.into())
            .expect("a type that was written is one"),
    }
}

/// Room for a result, every byte of it set, so that it shows whether something was written.
pub(crate) struct Room<T>(MaybeUninit<T>);

impl<T: Copy> Room<T> {
    const UNTOUCHED: u8 = 0xa5;

    pub(crate) fn new() -> Self {
        let mut room = MaybeUninit::uninit();
        // SAFETY: there is room for one `T`.
        unsafe { ptr::write_bytes(room.as_mut_ptr(), Self::UNTOUCHED, 1) };
        Self(room)
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.0.as_mut_ptr()
    }

    pub(crate) fn is_untouched(&self) -> bool {
        let first = self.0.as_ptr().cast::<u8>();
        // SAFETY: every byte was set, and the structs of C have no padding that a write would leave unset.
        (0..size_of::<T>()).all(|offset| unsafe { first.add(offset).read() } == Self::UNTOUCHED)
    }

    /// What was written.
    ///
    /// # Safety
    /// Any bytes are a `T`.
    pub(crate) unsafe fn get(&self) -> T {
        // SAFETY: every byte was set, and by contract any bytes are a `T`.
        unsafe { self.0.assume_init() }
    }
}

/// A peer manager, freed when dropped.
pub(crate) struct Node(*mut handle);

impl Node {
    pub(crate) fn open(options: &peer_manager_options) -> Result<Self, i32> {
        let mut pm = ptr::null_mut();
        // SAFETY: the pointers are valid for the call.
        let opened = call(|error| unsafe { peer_manager_open(options, &raw mut pm, error) });
        assert_eq!(opened.is_ok(), !pm.is_null(), "a peer manager comes from success only");
        opened.map(|()| Self(pm))
    }

    pub(crate) fn as_ptr(&self) -> *mut handle {
        self.0
    }

    pub(crate) fn load_random_peers(
        &self,
        query: &peer_manager_query,
        size: usize,
    ) -> Result<Vec<PeerAddress>, i32> {
        // SAFETY: the pointers are valid for the call.
        answer(size, |out, out_count| unsafe {
            call(|error| peer_manager_load_random_peers(self.0, query, size, out, out_count, error))
        })
    }

    pub(crate) fn get_peers_to_send(
        &self,
        filter: *const peer_manager_query,
        exclude: *const peer_manager_address,
        size: usize,
    ) -> Result<Vec<PeerAddress>, i32> {
        // SAFETY: the pointers are valid for the call.
        answer(size, |out, out_count| unsafe {
            call(|error| peer_manager_get_peers_to_send(self.0, filter, exclude, size, out, out_count, error))
        })
    }

    pub(crate) fn next_to_dial(
        &self,
        purpose: u32,
        busy: &[peer_manager_address],
        size: usize,
    ) -> Result<Vec<PeerAddress>, i32> {
        let (first, count) = (busy.as_ptr(), busy.len());
        // SAFETY: the pointers are valid for the call.
        answer(size, |out, out_count| unsafe {
            call(|error| {
                peer_manager_next_to_dial(self.0, purpose, first, count, size, out, out_count, error)
            })
        })
    }

    pub(crate) fn get_stats(&self) -> peer_manager_stats {
        let mut stats = Room::<peer_manager_stats>::new();
        // SAFETY: the pointers are valid for the calls, and any bytes are stats.
        unsafe {
            peer_manager_stats_init(stats.as_mut_ptr(), size_of::<peer_manager_stats>());
            call(|error| peer_manager_get_stats(self.0, stats.as_mut_ptr(), error)).expect("counting works");
            stats.get()
        }
    }

    pub(crate) fn get_all_peers(&self) -> Snapshot {
        let mut snapshot = ptr::null_mut();
        // SAFETY: the pointers are valid for the call.
        call(|error| unsafe { peer_manager_get_all_peers(self.0, &raw mut snapshot, error) })
            .expect("a snapshot can be taken");
        Snapshot(snapshot)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: the handle came from the library and is not used any more.
        unsafe { peer_manager_free(self.0) };
    }
}

/// Asks for peers, with one more place than the library is told of.
fn answer(
    size: usize,
    ask: impl FnOnce(*mut peer_manager_address, *mut usize) -> Result<(), i32>,
) -> Result<Vec<PeerAddress>, i32> {
    let mut out: Vec<_> = (0..=size).map(|_| Room::<peer_manager_address>::new()).collect();
    let mut count = usize::MAX;
    // A `Room` is its content and nothing else.
    const { assert!(size_of::<Room<peer_manager_address>>() == size_of::<peer_manager_address>()) };
    let asked = ask(out.as_mut_ptr().cast(), &raw mut count);
    let written = if asked.is_ok() { count } else { 0 };
    assert!(written <= size, "{written} peers are more than {size}");
    assert!(out[written..].iter().all(Room::is_untouched), "more than the answer was written");
    asked?;
    // SAFETY: any bytes are an address.
    Ok(out[..written].iter().map(|address| canonical(&unsafe { address.get() })).collect())
}

/// A snapshot, freed when dropped.
pub(crate) struct Snapshot(*mut peer_manager_snapshot);

impl Snapshot {
    pub(crate) fn as_ptr(&self) -> *mut peer_manager_snapshot {
        self.0
    }

    pub(crate) fn records(&self) -> Vec<PeerRecord> {
        // SAFETY: the snapshot is valid.
        let count = unsafe { peer_manager_snapshot_count(self.0) };
        let get = |index| {
            let mut out = Room::<peer_manager_record>::new();
            // SAFETY: the pointers are valid for the call.
            call(|error| unsafe { peer_manager_snapshot_get(self.0, index, out.as_mut_ptr(), error) })
                .expect("the index is less than the count");
            // SAFETY: any bytes are a record.
            record(&unsafe { out.get() })
        };
        (0..count).map(get).collect()
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // SAFETY: the snapshot came from the library and is not used any more.
        unsafe { peer_manager_snapshot_free(self.0) };
    }
}

/// Text that is too long for an address, so that its host has no NUL.
pub(crate) const TOO_LONG: [u8; PEER_MANAGER_HOST_CAPACITY] = [b'a'; PEER_MANAGER_HOST_CAPACITY];
