//! Taking over the peers of another file.

use std::ffi::c_char;

use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::{boundary, handle};

/// Copies the valid peers of another database file into this peer manager, in one transaction: all that are new or none.
/// The file may be one of this library's or of stellar-core's. New peers come with their type, failures, next attempt and
/// data, and, if this peer manager keeps histories (peer_manager_options.keep_history), with their history; one of which the file
/// has none is heard of now. Peers that are already known stay as they are, their data and history, too. Rows that are not
/// valid peers are skipped. New peers that a configured bound refuses, or that are banned or the node's own, are not an error
/// here; they are missing from out_inserted and counted in the stats. Bans of the file are not taken over.
///
/// The file is only read, in one consistent snapshot, so another program or peer manager may have it open; but, as with
/// every database file, this process must not have it open through another copy of SQLite. Nothing is created next to it,
/// except that SQLite creates the index of a write-ahead log (-shm) that has none. Importing the peer manager's own file
/// adds nothing.
///
/// Cost: linear in the file; memory for its peers until the call returns, and one transaction.
///
/// @param pm            the peer manager
/// @param path          the file's path as NUL-terminated UTF-8; never a URI
/// @param out_inserted  receives how many peers were new; may be NULL
/// @param error         receives what failed; may be NULL
/// @return PEER_MANAGER_OK; PEER_MANAGER_ERROR_INVALID_ARGUMENT for NULL and a path that is empty or not UTF-8;
///         PEER_MANAGER_ERROR_CORRUPT when the file is damaged or not a database of peers; PEER_MANAGER_ERROR_DATABASE
///         when it is missing or cannot be read; PEER_MANAGER_ERROR_BUSY when it stays locked past busy_timeout_ms;
///         PEER_MANAGER_ERROR_LIMIT when the table would have more than some three thousand million peers;
///         PEER_MANAGER_ERROR_DATABASE, PEER_MANAGER_ERROR_BUSY, PEER_MANAGER_ERROR_DISK_FULL or PEER_MANAGER_ERROR_CORRUPT
///         when the peer manager's own database refuses the write; PEER_MANAGER_ERROR_INTERNAL
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_import(
    pm: *mut peer_manager,
    path: *const c_char,
    out_inserted: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_import", pm, error, |manager| {
            let path = handle::text(path, "path")?;
            let out_inserted = handle::optional_output(out_inserted, "out_inserted")?;
            let inserted = manager.import(path)?;
            if let Some(out_inserted) = out_inserted {
                out_inserted.write(inserted);
            }
            Ok(())
        })
    }
}
