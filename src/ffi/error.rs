//! Status and error.

use std::ffi::{CStr, c_char};

use super::catch::answer;
use super::handle;
use crate::error::Error;

/// The result of a function that can fail: PEER_MANAGER_OK, or the reason why it did nothing.
pub type peer_manager_status = i32;

/// The call succeeded.
pub const PEER_MANAGER_OK: i32 = 0;
/// An argument can never be right: NULL, an unknown enumerator, a bad size, text that is not UTF-8. The message names
/// it.
pub const PEER_MANAGER_ERROR_INVALID_ARGUMENT: i32 = 1;
/// A host or a port does not make an address, or a prefix is not one.
pub const PEER_MANAGER_ERROR_INVALID_ADDRESS: i32 = 2;
/// There is no such peer, or no such ban.
pub const PEER_MANAGER_ERROR_NOT_FOUND: i32 = 3;
/// SQLite failed for a reason without a status of its own, which sqlite_code gives.
pub const PEER_MANAGER_ERROR_DATABASE: i32 = 4;
/// The file is damaged or not a database, or its table "peers" is not a table of peers.
pub const PEER_MANAGER_ERROR_CORRUPT: i32 = 5;
/// The database stayed locked by another connection past busy_timeout_ms. The same call may succeed later.
pub const PEER_MANAGER_ERROR_BUSY: i32 = 6;
/// There is no space left for the database. The same call succeeds once there is.
pub const PEER_MANAGER_ERROR_DISK_FULL: i32 = 7;
/// A configured bound refuses the peer.
pub const PEER_MANAGER_ERROR_LIMIT: i32 = 8;
/// This version, or this build, cannot do that; or the call would write to the parent's file after a fork.
pub const PEER_MANAGER_ERROR_UNSUPPORTED: i32 = 9;
/// The library has a bug. Every later call on that peer manager returns this, too; free it.
pub const PEER_MANAGER_ERROR_INTERNAL: i32 = 10;
/// A policy refuses the address: it is banned (peer_manager_ban), one of the node's own (peer_manager_set_own_addresses),
/// or not admitted by peer_manager_options.reach. Since 0.2.0.
pub const PEER_MANAGER_ERROR_REFUSED: i32 = 11;
/// There is not enough memory, and nothing was done. This covers only memory that grows with the table or with a batch; a
/// small allocation that fails ends the process. Since 0.2.0.
pub const PEER_MANAGER_ERROR_NO_MEMORY: i32 = 12;

/// Every status, as the index of its name.
const NAMES: [&CStr; 13] = [
    c"OK",
    c"INVALID_ARGUMENT",
    c"INVALID_ADDRESS",
    c"NOT_FOUND",
    c"DATABASE",
    c"CORRUPT",
    c"BUSY",
    c"DISK_FULL",
    c"LIMIT",
    c"UNSUPPORTED",
    c"INTERNAL",
    c"REFUSED",
    c"NO_MEMORY",
];

const MESSAGE_CAPACITY: usize = 248;

/// The reason for a failure. The caller owns it, on the stack for example; it needs no initialisation and no freeing. 256
/// bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_error {
    /// The status that the function returned.
    pub status: i32,
    /// SQLite's extended result code, 0 if SQLite was not involved. On a borrowed connection it is the primary code, unless
    /// the application has turned extended codes on.
    pub sqlite_code: i32,
    /// One line of text: what failed, on what, and what to do. It is safe to print: text from strangers is escaped and cut
    /// short.
    pub message: [c_char; 248],
}

impl From<&Error> for peer_manager_error {
    fn from(error: &Error) -> Self {
        let mut report = Self {
            status: status_of(error),
            sqlite_code: error.sqlite_code(),
            message: [0; MESSAGE_CAPACITY],
        };
        let text: String = error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // The start of the text is a boundary.
        let fits = |&end: &usize| text.is_char_boundary(end);
        let end = (0..=text.len().min(MESSAGE_CAPACITY - 1)).rev().find(fits).unwrap_or(0);
        handle::bytes_mut(&mut report.message)[..end].copy_from_slice(&text.as_bytes()[..end]);
        report
    }
}

pub(super) fn status_of(error: &Error) -> peer_manager_status {
    match error {
        Error::InvalidArgument(_) => PEER_MANAGER_ERROR_INVALID_ARGUMENT,
        Error::InvalidAddress { .. } | Error::InvalidSubject { .. } => PEER_MANAGER_ERROR_INVALID_ADDRESS,
        Error::NotFound(_) | Error::NotBanned(_) | Error::NoneWaits => PEER_MANAGER_ERROR_NOT_FOUND,
        Error::Database(_) => PEER_MANAGER_ERROR_DATABASE,
        Error::Corrupt(_) => PEER_MANAGER_ERROR_CORRUPT,
        Error::Busy(_) => PEER_MANAGER_ERROR_BUSY,
        Error::DiskFull(_) => PEER_MANAGER_ERROR_DISK_FULL,
        Error::Limit(_) => PEER_MANAGER_ERROR_LIMIT,
        Error::Refused(_) => PEER_MANAGER_ERROR_REFUSED,
        Error::Unsupported(_) => PEER_MANAGER_ERROR_UNSUPPORTED,
        Error::Internal(_) => PEER_MANAGER_ERROR_INTERNAL,
        Error::NoMemory(_) => PEER_MANAGER_ERROR_NO_MEMORY,
    }
}

/// Returns the name of a status, for logs.
/// @param status  any number
/// @return static text, never NULL: "OK", "NOT_FOUND" and so on; "UNKNOWN" for any other number and after an internal
///         error
#[unsafe(no_mangle)]
pub extern "C" fn peer_manager_status_name(status: i32) -> *const c_char {
    answer("peer_manager_status_name", c"UNKNOWN".as_ptr(), || {
        let name = usize::try_from(status).ok().and_then(|index| NAMES.get(index));
        name.unwrap_or(&c"UNKNOWN").as_ptr()
    })
}
