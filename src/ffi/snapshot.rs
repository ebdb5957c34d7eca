//! Looking at everything: snapshots.

use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::record::peer_manager_record;
use super::{boundary, handle};
use crate::error::{Error, Result};
use crate::manager::PeerManager;
use crate::table::Snapshot;

/// All peers as they were at one point in time, opaque: made by peer_manager_get_all_peers, freed by
/// peer_manager_snapshot_free. It may outlive its peer manager.
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

/// Returns the number of peers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_peer_count(pm: *mut peer_manager) -> usize {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { boundary::answer_on("peer_manager_peer_count", pm, 0, PeerManager::peer_count) }
}

/// Copies all peers as they are at one point in time, in no particular order. Cost: linear, about 32 bytes a peer, 52 with
/// peer_manager_options.keep_history.
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

/// Returns the number of peers in a snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_snapshot_count(snapshot: *const peer_manager_snapshot) -> usize {
    boundary::answer("peer_manager_snapshot_count", 0, || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { handle::any(snapshot) }.map_or(0, |snapshot| snapshot.peers.len())
    })
}

/// Reads the record of one peer of a snapshot.
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

/// Frees a snapshot, which must not be used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_snapshot_free(snapshot: *mut peer_manager_snapshot) {
    boundary::answer("peer_manager_snapshot_free", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { handle::free(snapshot) }
    });
}
