//! Looking at everything: snapshots.

use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::record::peer_manager_record;
use super::{boundary, handle};
use crate::error::{Error, Result};
use crate::manager::PeerManager;
use crate::table::Snapshot;

/// All peers as they were at one point in time. Opaque: made by peer_manager_get_all_peers, freed by
/// peer_manager_snapshot_free. It is used by one thread at a time and may outlive its peer manager. Since 0.1.0.
pub struct peer_manager_snapshot {
    pub(super) peers: Snapshot,
}

impl peer_manager_snapshot {
    /// Refuses an index past the end.
    pub(super) fn check_index(&self, index: usize) -> Result<()> {
        if index < self.peers.len() { Ok(()) } else { Err(self.past_the_end(index)) }
    }

    #[cold]
    fn past_the_end(&self, index: usize) -> Error {
        let count = self.peers.len();
        Error::InvalidArgument(format!("index is {index}, but the snapshot has {count} peers"))
    }
}

/// Returns the number of peers. Cost: constant.
///
/// @param pm  the peer manager; may be NULL
/// @return the number; 0 for NULL and after an internal error
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_peer_count(pm: *mut peer_manager) -> usize {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { boundary::answer_on("peer_manager_peer_count", pm, 0, PeerManager::peer_count) }
}

/// Copies all peers as they are at one point in time, in no particular order. Cost: linear, about 32 bytes a peer, 52 with
/// peer_manager_options.keep_history.
///
/// @param pm     the peer manager
/// @param out    receives the snapshot, to be freed with peer_manager_snapshot_free
/// @param error  receives what failed; may be NULL
/// @return PEER_MANAGER_OK; PEER_MANAGER_ERROR_INVALID_ARGUMENT for NULL; PEER_MANAGER_ERROR_NO_MEMORY when there is not
///         enough for the copy; PEER_MANAGER_ERROR_INTERNAL
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_get_all_peers(
    pm: *mut peer_manager,
    out: *mut *mut peer_manager_snapshot,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_get_all_peers", pm, error, |manager| {
            let out = handle::output(out, "out")?;
            let peers = manager.get_all_peers()?;
            out.write(handle::into_handle(peer_manager_snapshot { peers }));
            Ok(())
        })
    }
}

/// Returns the number of peers in a snapshot. Cost: constant.
///
/// @param snapshot  the snapshot; may be NULL
/// @return the number; 0 for NULL and after an internal error
///
/// One thread at a time for each snapshot. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_snapshot_count(snapshot: *const peer_manager_snapshot) -> usize {
    boundary::answer("peer_manager_snapshot_count", 0, || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { handle::any(snapshot) }.map_or(0, |snapshot| snapshot.peers.len())
    })
}

/// Reads one peer of a snapshot. Cost: constant.
///
/// @param snapshot  the snapshot
/// @param index     less than peer_manager_snapshot_count
/// @param out       receives the record
/// @param error     receives what failed; may be NULL
/// @return PEER_MANAGER_OK; PEER_MANAGER_ERROR_INVALID_ARGUMENT for NULL and an index past the end;
///         PEER_MANAGER_ERROR_INTERNAL
///
/// One thread at a time for each snapshot. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_snapshot_get(
    snapshot: *const peer_manager_snapshot,
    index: usize,
    out: *mut peer_manager_record,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_snapshot_get", error, || {
            let snapshot = handle::input(snapshot, "snapshot")?;
            let out = handle::output(out, "out")?;
            let record = snapshot.peers.get(index).ok_or_else(|| snapshot.past_the_end(index))?;
            out.fill(|out| out.set(&record));
            Ok(())
        })
    }
}

/// Frees a snapshot.
///
/// @param snapshot  the snapshot; NULL does nothing. It must not be used afterwards.
///
/// One thread at a time for each snapshot. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_snapshot_free(snapshot: *mut peer_manager_snapshot) {
    boundary::answer("peer_manager_snapshot_free", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { handle::free(snapshot) }
    });
}
