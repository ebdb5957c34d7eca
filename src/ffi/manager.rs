//! Opening and closing.

use std::ffi::c_char;
use std::ptr;

use rusqlite::ffi::sqlite3;

use super::error::{peer_manager_error, peer_manager_status};
pub use super::opaque::peer_manager;
use super::options::peer_manager_options;
use super::{boundary, handle, options};
use crate::error::{Error, Result};
use crate::manager::PeerManager;

/// Opens a peer manager with options.
///
/// A stellar-core database (since 2019; its table peers declares nextattempt as TIMESTAMP) is used in its own layout, so
/// that either program can open it next, one at a time. Two things are different then. stellar-core takes every host for an
/// IPv4 address and crashes on any other, so peers with other hosts are held in memory only, and rows of such hosts are not
/// valid peers. And a next attempt before the year 1000 or after the year 9999 is, after the next start, the nearest time
/// within those years.
///
/// When this returns, every file that will ever be needed is open and something has been written: changing the user or the
/// root directory, renaming the directory, or a limit on open files stops no later write. Triggers, views and foreign keys
/// of the file never run on the library's own connection.
///
/// Cost: linear in the rows of the database.
/// @return PEER_MANAGER_ERROR_INVALID_ARGUMENT also for a path that is empty or ":memory:", and an asmap_path that is not a
///         map; PEER_MANAGER_ERROR_UNSUPPORTED for options that this version does not know, and when the system has no
///         random numbers; PEER_MANAGER_ERROR_DATABASE or PEER_MANAGER_ERROR_DISK_FULL when the file cannot be opened or
///         created; PEER_MANAGER_ERROR_BUSY when it stays locked, or another peer manager (of this process or another) has
///         it open, past busy_timeout_ms; PEER_MANAGER_ERROR_CORRUPT when it is not a sound database of peers, and then it
///         is left as it is
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_open(
    options: *const peer_manager_options,
    out: *mut *mut peer_manager,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_open", error, || {
            let options = options::read(options)?;
            let out = handle::output(out, "out")?;
            let manager = PeerManager::open(options)?;
            out.write(handle::into_handle(peer_manager::new(manager)));
            Ok(())
        })
    }
}

/// Creates a peer manager that lives in memory only, with the default options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_new_in_memory(
    out: *mut *mut peer_manager,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_new_in_memory", error, || {
            let out = handle::output(out, "out")?;
            let manager = PeerManager::new_in_memory()?;
            out.write(handle::into_handle(peer_manager::new(manager)));
            Ok(())
        })
    }
}

/// Opens a peer manager on a database file with the default options, as peer_manager_open does.
/// @param db_path  the path of the file, never a URI; it is created if there is none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_new_with_db(
    db_path: *const c_char,
    out: *mut *mut peer_manager,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_new_with_db", error, || {
            let db_path = handle::text(db_path, "db_path")?;
            let out = handle::output(out, "out")?;
            let manager = PeerManager::new_with_db(db_path)?;
            out.write(handle::into_handle(peer_manager::new(manager)));
            Ok(())
        })
    }
}

/// Opens a peer manager in the "main" database of a connection that the caller already has open, with the default options.
///
/// The connection is borrowed: it must outlive the peer manager, its settings stay as they are, and no statement stays
/// alive on it between calls. A change is a single statement or a SAVEPOINT, so inside a transaction of the caller's it
/// becomes part of that; if the transaction is rolled back, memory keeps the change until the record is stored again. When
/// the disk fails or is full, SQLite usually rolls back the whole transaction by itself: call sqlite3_get_autocommit after
/// PEER_MANAGER_ERROR_DATABASE and PEER_MANAGER_ERROR_DISK_FULL to find out. No other thread may use the connection while a
/// call that changes peers is under way.
///
/// This works only if the library and the caller share one copy of SQLite, which they do not where SQLite is bundled into
/// the library (see peer_manager_build_info).
/// @param db                 the connection
/// @param sqlite_libversion  the result of the caller's own sqlite3_libversion(), compared as a pointer
/// @return as peer_manager_open; PEER_MANAGER_ERROR_UNSUPPORTED when the caller runs another copy of SQLite, and then db
///         was not touched
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_from_connection(
    db: *mut sqlite3,
    sqlite_libversion: *const c_char,
    out: *mut *mut peer_manager,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe {
        boundary::call("peer_manager_from_connection", error, || {
            let out = handle::output(out, "out")?;
            let manager = PeerManager::borrow(connection(db, sqlite_libversion)?)?;
            out.write(handle::into_handle(peer_manager::new(manager)));
            Ok(())
        })
    }
}

/// The caller's connection, which is not closed when this is dropped.
unsafe fn connection(db: *mut sqlite3, sqlite_libversion: *const c_char) -> Result<rusqlite::Connection> {
    for (pointer, name) in
        [(db.cast::<c_char>().cast_const(), "db"), (sqlite_libversion, "sqlite_libversion")]
    {
        if pointer.is_null() {
            return Err(handle::is_null(name));
        }
    }
    // SAFETY: this function of SQLite has no conditions.
    let ours = unsafe { rusqlite::ffi::sqlite3_libversion() };
    if !ptr::eq(sqlite_libversion, ours) {
        return Err(Error::Unsupported(
            "the caller runs another copy of SQLite than the library, so its connection cannot be shared; build the \
             library with the feature system-sqlite, or pass a path to peer_manager_new_with_db"
                .to_owned(),
        ));
    }
    // SAFETY: by contract `db` is an open connection that outlives the manager, and it belongs to this copy of SQLite.
    unsafe { rusqlite::Connection::from_handle(db) }
        .map_err(|error| Error::sqlite("cannot use the application's database", &error))
}

/// Returns once everything that earlier calls changed is on disk, where it survives a loss of power. With DEFERRED it
/// writes, on the calling thread, all changes that are not in the file yet, including those that an earlier background
/// write could not write; if that fails, they stay dirty in memory and are tried again later. On a borrowed connection, and
/// in memory, there is nothing to do. Cost: a transaction if changes are dirty, and an fsync.
///
/// A file that was deleted, moved away, replaced or truncated while it was open is noticed here and by every change:
/// PEER_MANAGER_ERROR_DATABASE with sqlite_code 1032 (SQLITE_READONLY_DBMOVED). Nothing is written then, neither to that
/// file nor to the one in its place. Memory has all peers: take a snapshot, free the peer manager, open a new file, and
/// store them.
///
/// With DEFERRED, a change that one of the file's own constraints refused (an additional CHECK, for example) is reported
/// once: PEER_MANAGER_ERROR_DATABASE with its sqlite_code, after everything else is on disk. It is not tried again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_flush(
    pm: *mut peer_manager,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { boundary::call_on("peer_manager_flush", pm, error, PeerManager::flush) }
}

/// Flushes, closes the database unless it is borrowed, and frees the peer manager. Not thread-safe: no other call on this
/// peer manager may be under way or follow. Snapshots stay valid. It waits for another connection that uses the file, at
/// most busy_timeout_ms for each write that is still to be made; what is committed stays committed in any case. Changes
/// that DEFERRED could not write are lost: call peer_manager_flush first to find out. In a forked child it frees what
/// memory it can and leaves the file alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_free(pm: *mut peer_manager) {
    boundary::answer("peer_manager_free", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { handle::free(pm) }
    });
}
