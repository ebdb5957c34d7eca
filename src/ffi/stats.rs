//! Looking at everything: counts.

use std::ffi::c_char;

use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::sized::Growing;
use super::{boundary, handle, options, sized};
use crate::error::Error;
use crate::stats::Stats;

/// Counts of what is in the table and of what happened since it was opened.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct peer_manager_stats {
    /// sizeof(peer_manager_stats), set by the initialiser.
    pub struct_size: u32,
    /// How the peer manager was opened: one of PEER_MANAGER_DURABILITY_*.
    pub durability: u32,
    /// All peers.
    pub peers: u64,
    /// Peers of type PEER_MANAGER_TYPE_INBOUND.
    pub inbound: u64,
    /// Peers of type PEER_MANAGER_TYPE_OUTBOUND.
    pub outbound: u64,
    /// Peers of type PEER_MANAGER_TYPE_PREFERRED.
    pub preferred: u64,
    /// Peers with next_attempt <= now.
    pub ready: u64,
    /// Netgroups (peer_manager_options.max_peers_per_netgroup) with at least one peer.
    pub netgroups: u64,
    /// With DEFERRED: changes that are not in the file yet.
    pub pending_writes: u64,
    /// Writes to the database that failed since the peer manager was opened; with DEFERRED each try of a group is one.
    pub failed_writes: u64,
    /// Rows of the database that were not valid peers when it was opened, left where they are. After a quarantine, the rows
    /// that could not be saved.
    pub skipped_rows: u64,
    /// Peers that max_peers, max_peers_per_netgroup, reach, bans or the list of the node's own addresses refused since the
    /// peer manager was opened, including those that the bounds and bans kept out of the table then.
    pub refused_peers: u64,
    /// Bans that are in force now (peer_manager_ban). Since 0.2.0.
    pub bans: u64,
    /// The size in bytes of the write-ahead log, which is next to the file with -wal added to its name. SQLite reuses it from
    /// the beginning once all of it is in the file, so if it keeps growing, some reader never ends. 0 in memory and on a
    /// borrowed connection. Since 0.2.0.
    pub log_bytes: u64,
    /// Failed attempts that did not count, because the node was offline (peer_manager_set_online). Since 0.2.0.
    pub forgiven_failures: u64,
    /// Changes that were left out of the file since the peer manager was opened, because the file's own constraints refuse
    /// them: memory has them until the peer manager is freed. Since 0.2.0.
    pub rejected_rows: u64,
}

impl Growing for peer_manager_stats {
    const NAME: &'static str = "peer_manager_stats";
    /// The size in 0.1.0, where it ended with `refused_peers`.
    const FIRST_SIZE: usize = 88;
    const DEFAULT: Self = Self {
        struct_size: 0,
        durability: 0,
        peers: 0,
        inbound: 0,
        outbound: 0,
        preferred: 0,
        ready: 0,
        netgroups: 0,
        pending_writes: 0,
        failed_writes: 0,
        skipped_rows: 0,
        refused_peers: 0,
        bans: 0,
        log_bytes: 0,
        forgiven_failures: 0,
        rejected_rows: 0,
    };
}

impl From<&Stats> for peer_manager_stats {
    fn from(stats: &Stats) -> Self {
        Self {
            struct_size: 0,
            durability: options::durability_number(stats.durability),
            peers: stats.peers,
            inbound: stats.inbound,
            outbound: stats.outbound,
            preferred: stats.preferred,
            ready: stats.ready,
            netgroups: stats.netgroups,
            pending_writes: stats.pending_writes,
            failed_writes: stats.failed_writes,
            skipped_rows: stats.skipped_rows,
            refused_peers: stats.refused_peers,
            bans: stats.bans,
            log_bytes: stats.log_bytes,
            forgiven_failures: stats.forgiven_failures,
            rejected_rows: stats.rejected_rows,
        }
    }
}

/// Initialises stats: all zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_stats_init(stats: *mut peer_manager_stats, struct_size: usize) {
    boundary::answer("peer_manager_stats_init", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { sized::init(stats, struct_size) }
    });
}

/// Counts peers, writes and refusals. Cost: constant in a table with bounds, or once it has been queried with
/// max_per_netgroup; else linear in the table, to count the netgroups, in parts of less than a millisecond between which
/// other threads get in: in a table of more than 16,384 peers, what changes while they are counted may count or not.
/// @param out  an initialised struct, which receives the counts; no byte beyond its struct_size is written
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_get_stats(
    pm: *mut peer_manager,
    out: *mut peer_manager_stats,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_get_stats", pm, error, |manager| {
            let size = sized::check(out.cast_const(), "out")?;
            let stats = manager.get_stats()?;
            sized::write(out, size, &(&stats).into());
            Ok(())
        })
    }
}

/// Returns what happened to the file, if it was damaged when the peer manager was opened and
/// PEER_MANAGER_ON_CORRUPT_QUARANTINE was set. PEER_MANAGER_ERROR_INVALID_ARGUMENT also when path is too small.
/// @param path       receives where the damaged file is now; empty text when there was no damage; NULL with a capacity of 0
///                   when it is not wanted
/// @param capacity   the size of path in bytes; 4096 is enough for every path on Linux
/// @param out_saved  receives how many peers were read from it and are in the new file; may be NULL
/// @param out_lost   receives how many rows could not be read, of those that left any trace; may be NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_get_quarantine(
    pm: *mut peer_manager,
    path: *mut c_char,
    capacity: usize,
    out_saved: *mut u64,
    out_lost: *mut u64,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_get_quarantine", pm, error, |manager| {
            let path = handle::outputs(path, capacity, "path")?;
            let out_saved = handle::optional_output(out_saved, "out_saved")?;
            let out_lost = handle::optional_output(out_lost, "out_lost")?;
            let quarantine = manager.quarantine();
            let text =
                quarantine.map_or(String::new(), |quarantine| quarantine.path.to_string_lossy().into_owned());
            if capacity > 0 && text.len() >= capacity {
                let needed = text.len() + 1;
                return Err(Error::InvalidArgument(format!(
                    "path has {capacity} bytes, but the path of the damaged file needs {needed}; pass a larger buffer"
                )));
            }
            path.write(text.bytes().chain([0]).map(|byte| c_char::from_ne_bytes([byte])));
            if let Some(out_saved) = out_saved {
                out_saved.write(quarantine.map_or(0, |quarantine| quarantine.saved_peers));
            }
            if let Some(out_lost) = out_lost {
                out_lost.write(quarantine.map_or(0, |quarantine| quarantine.lost_rows));
            }
            Ok(())
        })
    }
}
