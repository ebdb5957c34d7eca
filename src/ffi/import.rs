//! Taking over the peers of another file.

use std::ffi::c_char;

use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::{boundary, handle};

/// Copies the valid peers of another database file, this library's or stellar-core's, into this peer manager, in one
/// transaction: all that are new or none.
///
/// New peers come with their type, failures, next attempt and data, and, if this peer manager keeps histories, with their
/// history; one without a history in the file is heard of now. Peers that are already known stay as they are, their data
/// and history, too. Rows that are not valid peers are skipped, and new peers that are refused are left out; reach refuses
/// none here. Bans of the file are not taken over.
///
/// The file is only read, in one consistent snapshot, so another program or peer manager may have it open; but, as with
/// every database file, this process must not have it open through another copy of SQLite. Nothing is created next to it,
/// except that SQLite creates the index of a write-ahead log (-shm) that has none. Importing the peer manager's own file
/// adds nothing. Cost: one transaction; linear in the file, in memory too, until the call returns.
/// @param path  the path of the file, never a URI
/// @return PEER_MANAGER_ERROR_CORRUPT also when the file is damaged or not a database of peers; PEER_MANAGER_ERROR_DATABASE
///         when it is missing or cannot be read; PEER_MANAGER_ERROR_BUSY when it stays locked past busy_timeout_ms
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
