//! The application's data about a peer.

use super::address::peer_manager_address;
use super::error::{peer_manager_error, peer_manager_status};
use super::handle::Outputs;
use super::opaque::peer_manager;
use super::snapshot::peer_manager_snapshot;
use super::{boundary, handle};
use crate::error::{Error, Result};

/// The most bytes of data that a peer can have. Since 0.2.0.
pub const PEER_MANAGER_DATA_CAPACITY: usize = 255;
const _: () = assert!(PEER_MANAGER_DATA_CAPACITY == crate::DATA_CAPACITY, "one capacity");

/// Writes data to a caller's buffer, if there is room for all of it.
fn write(data: &[u8], out: Outputs<u8>, capacity: usize, out_size: handle::Output<usize>) -> Result<()> {
    if data.len() > capacity {
        return Err(Error::InvalidArgument(format!(
            "out has {capacity} bytes, but the data has {}; PEER_MANAGER_DATA_CAPACITY is always enough",
            data.len()
        )));
    }
    out.write(data.iter().copied());
    out_size.write(data.len());
    Ok(())
}

/// Replaces the data of a peer: bytes of the application's, which mean nothing here, such as a node's id, its services or
/// its version. PEER_MANAGER_ERROR_NOT_FOUND if there is no such peer. Since 0.2.0.
///
/// Data goes with the peer: it ends when the peer is removed or evicted, peer_manager_import takes it over, and a snapshot
/// has it. It is in the database, in the table peer_manager_data, which is made when data is set for the first time. In a
/// file that stellar-core has made, which gets no further table, it lasts until peer_manager_free; and a quarantine
/// (peer_manager_get_quarantine) loses it.
///
/// Cost: one transaction, none if the peer has the same data already; linear in the table for the first data in it. In
/// memory, 16 to 256 bytes for a peer that has data and four for each other, once one has some.
/// @param data  the bytes
/// @param size  how many, at most PEER_MANAGER_DATA_CAPACITY; with 0 the peer has no data any more
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_set_data(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    data: *const core::ffi::c_void,
    size: usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_set_data", pm, error, |manager| {
            let address = handle::input(address, "address")?.parse()?;
            if size > PEER_MANAGER_DATA_CAPACITY {
                return Err(Error::too_much_data(&address, size));
            }
            manager.set_data(&address, handle::inputs(data.cast::<u8>(), size, "data")?)
        })
    }
}

/// Reads the data of a peer. PEER_MANAGER_ERROR_NOT_FOUND if there is no such peer; PEER_MANAGER_ERROR_INVALID_ARGUMENT
/// when the data does not fit, with nothing written. Since 0.2.0.
/// @param capacity  how many bytes out has room for; PEER_MANAGER_DATA_CAPACITY is always enough
/// @param out_size  receives how many were written; 0 for a peer without data
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_get_data(
    pm: *mut peer_manager,
    address: *const peer_manager_address,
    out: *mut core::ffi::c_void,
    capacity: usize,
    out_size: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call_on("peer_manager_get_data", pm, error, |manager| {
            let address = handle::input(address, "address")?.parse()?;
            let out = handle::outputs(out.cast::<u8>(), capacity, "out")?;
            let out_size = handle::output(out_size, "out_size")?;
            write(&manager.data(&address)?, out, capacity, out_size)
        })
    }
}

/// Reads the data of one peer of a snapshot, as it was when the snapshot was taken. PEER_MANAGER_ERROR_INVALID_ARGUMENT
/// also when the data does not fit, with nothing written. Since 0.2.0.
/// @param capacity  how many bytes out has room for; PEER_MANAGER_DATA_CAPACITY is always enough
/// @param out_size  receives how many were written; 0 for a peer without data
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_snapshot_get_data(
    snapshot: *const peer_manager_snapshot,
    index: usize,
    out: *mut core::ffi::c_void,
    capacity: usize,
    out_size: *mut usize,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_snapshot_get_data", error, || {
            let snapshot = handle::input(snapshot, "snapshot")?;
            let out = handle::outputs(out.cast::<u8>(), capacity, "out")?;
            let out_size = handle::output(out_size, "out_size")?;
            snapshot.check_index(index)?;
            write(snapshot.peers.data(index), out, capacity, out_size)
        })
    }
}
