//! Records.

use super::address::{self, peer_manager_address};
use super::error::{peer_manager_error, peer_manager_status};
use super::handle::Plain;
use super::{boundary, handle};
use crate::error::Result;
use crate::peer::{BackOffUpdate, PeerRecord, StoredPeerType};

/// Known from an incoming connection or from gossip, and never dialled successfully yet.
pub const PEER_MANAGER_TYPE_INBOUND: u32 = 0;
/// Dialled successfully at least once.
pub const PEER_MANAGER_TYPE_OUTBOUND: u32 = 1;
/// Chosen by the operator.
pub const PEER_MANAGER_TYPE_PREFERRED: u32 = 2;

/// Resets the failures to 0 and makes the peer due now: for a peer that the operator wants dialled at once.
pub const PEER_MANAGER_BACKOFF_HARD_RESET: u32 = 0;
/// Resets the failures to 0 and has the peer wait for 1 to 10 seconds: after a successful dial.
pub const PEER_MANAGER_BACKOFF_RESET: u32 = 1;
/// Counts one more failure, which makes n, and has the peer wait for a random time from 1 to 10 * 2^min(n, 10) seconds:
/// after a failed dial.
pub const PEER_MANAGER_BACKOFF_INCREASE: u32 = 2;

/// The number of failures from which a node stops telling others about a peer, as stellar-core does. A query with it as
/// max_num_failures still admits peers with exactly that many; peer_manager_remove_peers_with_many_failures with it removes
/// them.
pub const PEER_MANAGER_MAX_FAILURES: u32 = 10;
const _: () = assert!(PEER_MANAGER_MAX_FAILURES == crate::peer::MAX_FAILURES, "C and Rust agree");

/// The state of one peer. 272 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_record {
    /// Where it listens.
    pub address: peer_manager_address,
    /// When it may be dialled next.
    pub next_attempt: i64,
    /// Failures since the last success.
    pub num_failures: u32,
    /// One of PEER_MANAGER_TYPE_*.
    pub peer_type: u32,
}

impl peer_manager_record {
    /// The record with a canonical address, if it is valid.
    pub(super) fn parse(&self) -> Result<PeerRecord> {
        Ok(PeerRecord {
            address: self.address.parse()?,
            next_attempt: self.next_attempt,
            num_failures: self.num_failures,
            peer_type: peer_type(self.peer_type, "peer_type")?,
        })
    }
}

// SAFETY: it is made of an address and numbers.
unsafe impl Plain for peer_manager_record {}

impl peer_manager_record {
    /// Copies a record into this struct, which must be all zeros.
    pub(super) fn set(&mut self, record: &PeerRecord) {
        self.address.set(&record.address);
        self.next_attempt = record.next_attempt;
        self.num_failures = record.num_failures;
        self.peer_type = record.peer_type as u32;
    }
}

/// The records of an array, or the error with the index of the first invalid one.
pub(super) unsafe fn records(
    pointer: *const peer_manager_record,
    count: usize,
    name: &str,
) -> Result<Vec<PeerRecord>> {
    // SAFETY: by contract the pointer is valid for `count` elements.
    let array = unsafe { handle::inputs(pointer, count, name) }?;
    address::parse_all(array, name, peer_manager_record::parse)
}

/// The type of this number.
pub(super) fn peer_type(number: u32, name: &str) -> Result<StoredPeerType> {
    StoredPeerType::from_number(number.into())
        .ok_or_else(|| handle::unknown(number, name, "PEER_MANAGER_TYPE_INBOUND, _OUTBOUND or _PREFERRED"))
}

/// The back-off update of this number.
pub(super) fn backoff(number: u32) -> Result<BackOffUpdate> {
    match number {
        PEER_MANAGER_BACKOFF_HARD_RESET => Ok(BackOffUpdate::HardReset),
        PEER_MANAGER_BACKOFF_RESET => Ok(BackOffUpdate::Reset),
        PEER_MANAGER_BACKOFF_INCREASE => Ok(BackOffUpdate::Increase),
        _ => Err(handle::unknown(number, "backoff", "PEER_MANAGER_BACKOFF_HARD_RESET, _RESET or _INCREASE")),
    }
}

/// Makes the record of a peer that was just heard of: inbound, no failures, due at now.
/// @param now  the time
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_record_init(
    address: *const peer_manager_address,
    now: i64,
    out: *mut peer_manager_record,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_record_init", error, || {
            let record = PeerRecord::new(handle::input(address, "address")?.parse()?, now);
            handle::output(out, "out")?.fill(|out| out.set(&record));
            Ok(())
        })
    }
}

/// Returns whether a peer's next attempt is due: next_attempt <= now.
/// @param now  the time
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_record_is_ready(record: *const peer_manager_record, now: i64) -> bool {
    boundary::answer("peer_manager_record_is_ready", false, || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { handle::any(record) }.is_some_and(|record| record.next_attempt <= now)
    })
}
