//! What is known about a peer's past.

use super::address::peer_manager_address;
use super::error::{peer_manager_error, peer_manager_status};
use super::handle::Plain;
use super::opaque::peer_manager;
use super::snapshot::peer_manager_snapshot;
use super::{boundary, handle};
use crate::error::Error;
use crate::history::History;

/// When a peer was heard of, reached and tried; 0 for never, and for what is not known. A time before the epoch counts as
/// its first second, one after the year 2106 as the last of that range. 40 bytes; never changes. Since 0.2.0.
///
/// A peer that was there before its history was kept has zeros; the first that is recorded is then the first that is
/// known.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_history {
    /// When the peer was inserted; of one that was there before its history was kept, when something was recorded first.
    pub first_heard: i64,
    /// When it was last inserted or named by gossip (peer_manager_ensure_exists and _many), to the day: gossip moves it only
    /// if it differs by a day or more, so the true time may be up to a day later.
    pub last_heard: i64,
    /// When it was first reached: PEER_MANAGER_BACKOFF_RESET or PEER_MANAGER_BACKOFF_HARD_RESET of peer_manager_update or
    /// peer_manager_update_backoff.
    pub first_reached: i64,
    /// When it was last reached.
    pub last_reached: i64,
    /// When an attempt to reach it last failed: PEER_MANAGER_BACKOFF_INCREASE.
    pub last_attempt: i64,
}

// SAFETY: integers only.
unsafe impl Plain for peer_manager_history {}

impl peer_manager_history {
    fn set(&mut self, history: &History) {
        let History { first_heard, last_heard, first_reached, last_reached, last_attempt } = *history;
        *self = Self { first_heard, last_heard, first_reached, last_reached, last_attempt };
    }
}

/// Reads the history of a peer: when it was heard of, reached and tried. PEER_MANAGER_ERROR_NOT_FOUND if there is no such
/// peer, PEER_MANAGER_ERROR_UNSUPPORTED without peer_manager_options.keep_history. Since 0.2.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_load_history(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    out: *mut peer_manager_history,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_load_history", pm, error, |manager| {
            let address = handle::input(address, "address")?.parse()?;
            let out = handle::output(out, "out")?;
            let history = manager.load_history(&address)?.ok_or(Error::NotFound(address))?;
            out.fill(|out| out.set(&history));
            Ok(())
        })
    }
}

/// Reads the history of one peer of a snapshot, as it was when the snapshot was taken. PEER_MANAGER_ERROR_UNSUPPORTED if
/// the peer manager was without peer_manager_options.keep_history. Since 0.2.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_snapshot_get_history(
    snapshot: *const peer_manager_snapshot,
    index: usize,
    out: *mut peer_manager_history,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_snapshot_get_history", error, || {
            let snapshot = handle::input(snapshot, "snapshot")?;
            let out = handle::output(out, "out")?;
            snapshot.check_index(index)?;
            let history = snapshot.peers.history(index).ok_or_else(Error::no_histories)?;
            out.fill(|out| out.set(&history));
            Ok(())
        })
    }
}

/// Removes the inbound peers that were never reached and were last heard of before a time. Peers of whose past nothing is
/// known (they were there before histories were kept, and nothing was recorded since) stay, and so do outbound and
/// preferred ones. PEER_MANAGER_ERROR_UNSUPPORTED without peer_manager_options.keep_history. Cost: one transaction for all
/// that are removed, none if there are none; linear in the inbound peers. Since 0.2.0.
/// @param since  the time
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_remove_peers_not_heard_since(
    pm: *mut peer_manager,
    since: i64,
    out_removed: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_remove_peers_not_heard_since", pm, error, |manager| {
            let out_removed = handle::optional_output(out_removed, "out_removed")?;
            let removed = manager.remove_peers_not_heard_since(since)?;
            if let Some(out_removed) = out_removed {
                out_removed.write(removed);
            }
            Ok(())
        })
    }
}
