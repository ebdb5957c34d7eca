//! Reading and writing peers.

use std::ffi::c_char;

use super::address::{self, peer_manager_address};
use super::error::{peer_manager_error, peer_manager_status};
use super::opaque::peer_manager;
use super::record::{self, peer_manager_record};
use super::{boundary, handle};
use crate::error::Error;
use crate::manager::PeerManager;

/// Makes sure that an address is known: a new one is inbound, without failures, and due now. A known one stays as it is.
/// Cost: one transaction for a new address. With peer_manager_options.keep_history also for a known one, at most once a
/// day.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_ensure_exists(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_ensure_exists", pm, error, |manager| {
            handle::input(address, "address")?.with(|address| manager.ensure_exists(address).map(drop))
        })
    }
}

/// Makes sure that many addresses are known, in one transaction: all or none. New peers that are refused are left out.
/// Cost: one transaction; constant in memory for each address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_ensure_exists_many(
    pm: *mut peer_manager,
    addresses: *const peer_manager_address,
    count: usize,
    out_inserted: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_ensure_exists_many", pm, error, |manager| {
            let addresses = address::addresses(addresses, count, "addresses")?;
            let out_inserted = handle::optional_output(out_inserted, "out_inserted")?;
            let inserted = manager.ensure_exists_many(&addresses)?;
            if let Some(out_inserted) = out_inserted {
                out_inserted.write(inserted);
            }
            Ok(())
        })
    }
}

/// Reads the record of a peer, or returns PEER_MANAGER_ERROR_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_load(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    out: *mut peer_manager_record,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_load", pm, error, |manager| {
            handle::input(address, "address")?.with(|address| {
                let out = handle::output(out, "out")?;
                let record = manager.load(address)?.ok_or_else(|| Error::NotFound(address.clone()))?;
                out.fill(|out| out.set(&record));
                Ok(())
            })
        })
    }
}

/// Stores a record as it is, replacing the next attempt, failures and type of its address; data and history of a known peer
/// stay. Cost: one transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_store(
    pm: *mut peer_manager,
    record: *const peer_manager_record,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_store", pm, error, |manager| {
            manager.store(&handle::input(record, "record")?.parse()?)
        })
    }
}

/// Stores records in one transaction, all or none. Of two with the same address, the later one wins. New peers that are
/// refused are left out. Cost: one transaction; constant in memory for each record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_store_many(
    pm: *mut peer_manager,
    records: *const peer_manager_record,
    count: usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_store_many", pm, error, |manager| {
            manager.store_many(&record::records(records, count, "records")?)
        })
    }
}

/// Updates a peer's type after a connection, by the type that was observed; an unknown peer is first inserted as an inbound
/// one. Cost: one transaction.
///
/// | observed  | stored as inbound | stored as outbound | stored as preferred                                        |
/// |-----------|-------------------|--------------------|------------------------------------------------------------|
/// | inbound   | inbound           | outbound           | outbound                                                   |
/// | outbound  | outbound          | outbound           | preferred; outbound if preferred_type_known is not 0       |
/// | preferred | preferred         | preferred          | preferred                                                  |
///
/// A preferred peer that is reported as inbound loses its status: do not report a connection that it has opened, or report
/// it as preferred.
/// @param observed_type         one of PEER_MANAGER_TYPE_*: how the peer was observed
/// @param preferred_type_known  0 after a plain dial; non-zero when the caller knows all preferred peers, and then a
///                              preferred peer seen as outbound becomes outbound
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_update_type(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    observed_type: u32,
    preferred_type_known: u8,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_update_type", pm, error, |manager| {
            handle::input(address, "address")?.with(|address| {
                let observed_type = record::peer_type(observed_type, "observed_type")?;
                manager.update_type(address, observed_type, preferred_type_known != 0)
            })
        })
    }
}

/// Updates a peer's back-off after an attempt to reach it; an unknown peer is first inserted as an inbound one. Cost: one
/// transaction.
///
/// PEER_MANAGER_BACKOFF_HARD_RESET makes it due at once. Otherwise the peer waits for a random number of seconds, from 1 to
/// 10 * 2^min(n, 10), where n is its failures after this attempt (options.backoff_seconds and max_backoff_exponent change
/// the 10 and the other 10):
///
/// | n       | 0  | 1  | 2  | 3  | 4   | 5   | 6   | 7    | 8    | 9    | 10 and more |
/// |---------|----|----|----|----|-----|-----|-----|------|------|------|-------------|
/// | longest | 10 | 20 | 40 | 80 | 160 | 320 | 640 | 1280 | 2560 | 5120 | 10240       |
/// @param backoff  one of PEER_MANAGER_BACKOFF_*
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_update_backoff(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    backoff: u32,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_update_backoff", pm, error, |manager| {
            handle::input(address, "address")?
                .with(|address| manager.update_backoff(address, record::backoff(backoff)?))
        })
    }
}

/// Updates a peer's type and back-off in one change, as peer_manager_update_type and peer_manager_update_backoff do. Cost:
/// one transaction.
/// @param observed_type         as for peer_manager_update_type
/// @param preferred_type_known  as for peer_manager_update_type
/// @param backoff               one of PEER_MANAGER_BACKOFF_*
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_update(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    observed_type: u32,
    preferred_type_known: u8,
    backoff: u32,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on_inlined("peer_manager_update", pm, error, |manager| {
            handle::input(address, "address")?.with(|address| {
                let observed_type = record::peer_type(observed_type, "observed_type")?;
                let backoff = record::backoff(backoff)?;
                manager.update(address, observed_type, preferred_type_known != 0, backoff)
            })
        })
    }
}

/// Removes a peer, or returns PEER_MANAGER_ERROR_NOT_FOUND. Cost: one transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_remove(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_remove", pm, error, |manager| {
            handle::input(address, "address")?.with(|address| manager.remove(address))
        })
    }
}

/// Removes the peers that have failed at least min_num_failures times, preferred ones too. In the database, rows that are
/// not valid peers are deleted too if they have as many failures (with DEFERRED, they stay); out_removed counts the peers
/// in memory only. Cost: one transaction, linear in the rows of the database.
/// @param min_num_failures  failures; 0 removes all peers
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_remove_peers_with_many_failures(
    pm: *mut peer_manager,
    min_num_failures: u32,
    out_removed: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_remove_peers_with_many_failures", pm, error, |manager| {
            let out_removed = handle::optional_output(out_removed, "out_removed")?;
            let removed = manager.remove_peers_with_many_failures(min_num_failures)?;
            if let Some(out_removed) = out_removed {
                out_removed.write(removed);
            }
            Ok(())
        })
    }
}

/// Limits every peer's next attempt to latest, to repair a table after a clock that was wrong (peers that failed while it
/// was ahead would wait until that time comes), or after the caller changed its back-off. Peers whose next attempt is not
/// later stay as they are. Since 0.2.0.
///
/// Only peers in the table change. Rows that are not valid peers, and rows that max_peers or max_peers_per_netgroup left in
/// the file, keep their time; so a node with such rows calls this again after opening the file with larger bounds. Cost:
/// one transaction for all that change, none if there are none; linear in the table.
/// @param latest  a time
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_limit_next_attempt(
    pm: *mut peer_manager,
    latest: i64,
    out_changed: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_limit_next_attempt", pm, error, |manager| {
            let out_changed = handle::optional_output(out_changed, "out_changed")?;
            let changed = manager.limit_next_attempt(latest)?;
            if let Some(out_changed) = out_changed {
                out_changed.write(changed);
            }
            Ok(())
        })
    }
}

/// Removes all peers of a host, whatever their ports; it is no error if there are none. An IPv6 address that wraps an IPv4
/// address (6to4, Teredo's client, NAT64) is a host of its own here, unlike in peer_manager_ban. Cost: one transaction for
/// all that are removed, none if there are none; linear in the table. Since 0.2.0.
/// @param host  an IPv4 address, an IPv6 address without brackets, or a name, in any spelling
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_remove_host(
    pm: *mut peer_manager,
    host: *const c_char,
    out_removed: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_remove_host", pm, error, |manager| {
            let host = handle::text(host, "host")?.parse()?;
            let out_removed = handle::optional_output(out_removed, "out_removed")?;
            let removed = manager.remove_host(&host)?;
            if let Some(out_removed) = out_removed {
                out_removed.write(removed);
            }
            Ok(())
        })
    }
}

/// Removes all peers. In the database, rows that are not valid peers are deleted too. Cost: one transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_clear_all(
    pm: *mut peer_manager,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { boundary::call_on("peer_manager_clear_all", pm, error, PeerManager::clear_all) }
}
