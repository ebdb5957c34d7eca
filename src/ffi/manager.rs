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

/// Opens a peer manager as the options say. Cost: linear in the rows of the database.
///
/// A database of stellar-core's (since 2019; its table peers declares nextattempt as TIMESTAMP) is used in its own layout,
/// so that either program can open it next, one at a time. Two things are different then. stellar-core takes every host for
/// an IPv4 address and ends when it meets another one, so peers with other hosts are held in memory only, and rows of such
/// are no valid peers. And a next attempt before the year 1000 or after the year 9999 is the nearest time between after the
/// next start.
///
/// When it has returned, every file that is ever needed is open and something has been written: another user, another root
/// directory, a renamed directory or a limit on open files stops no later write. In a new or old file no trigger, view or
/// foreign key runs on the library's connection.
///
/// @param options  initialised options; read during the call only
/// @param out      receives the peer manager, to be freed with peer_manager_free; untouched on failure
/// @param error    receives what failed; may be NULL
/// @return PEER_MANAGER_OK; PEER_MANAGER_ERROR_INVALID_ARGUMENT for NULL, unknown enumerators, a bad struct_size and a
///         path that is empty, ":memory:" or not UTF-8; PEER_MANAGER_ERROR_UNSUPPORTED for options that this version does not
///         know; PEER_MANAGER_ERROR_DATABASE or PEER_MANAGER_ERROR_DISK_FULL when the file cannot be opened or made;
///         PEER_MANAGER_ERROR_BUSY when it stays locked, or another peer manager (of this process or another) has it
///         open, past busy_timeout_ms; PEER_MANAGER_ERROR_CORRUPT when it is not a sound database of peers, and then it is
///         left as it is; PEER_MANAGER_ERROR_INTERNAL
///
/// Thread-safe. Since 0.1.0.
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

/// Makes a peer manager that lives in memory only, with the default options.
///
/// @param out    receives the peer manager, to be freed with peer_manager_free; untouched on failure
/// @param error  receives what failed; may be NULL
/// @return PEER_MANAGER_OK; PEER_MANAGER_ERROR_INVALID_ARGUMENT for NULL; PEER_MANAGER_ERROR_UNSUPPORTED when the
///         system has no random numbers; PEER_MANAGER_ERROR_INTERNAL
///
/// Thread-safe. Since 0.1.0.
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

/// Opens a peer manager on a database file, made if there is none, with the default options.
///
/// @param db_path  the file's path as NUL-terminated UTF-8; never a URI
/// @param out      receives the peer manager, to be freed with peer_manager_free; untouched on failure
/// @param error    receives what failed; may be NULL
/// @return as peer_manager_open
///
/// Thread-safe. Since 0.1.0.
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

/// Opens a peer manager in the "main" database of a connection that the caller has open already.
///
/// The connection is borrowed: it must outlive the peer manager, its settings stay as they are, and no statement
/// stays alive on it between two calls. A change is a single statement or a SAVEPOINT, so inside a transaction of
/// the caller's it becomes part of that; if the transaction is rolled back, memory keeps the change until the
/// record is stored again. When the disk fails or is full, SQLite usually rolls the whole transaction back by itself:
/// sqlite3_get_autocommit tells after PEER_MANAGER_ERROR_DATABASE and PEER_MANAGER_ERROR_DISK_FULL. No other thread may use the connection while a call that changes peers is under way.
///
/// It works only if the library and the caller share one copy of SQLite, which is not so where SQLite is bundled
/// into the library (peer_manager_build_info tells).
///
/// @param db                  the connection
/// @param sqlite_libversion   the result of the caller's own sqlite3_libversion(), compared as a pointer
/// @param out                 receives the peer manager, to be freed with peer_manager_free; untouched on failure
/// @param error               receives what failed; may be NULL
/// @return as peer_manager_open; PEER_MANAGER_ERROR_UNSUPPORTED when the caller runs another copy of SQLite, and then
///         db was not touched
///
/// Thread-safe. Since 0.1.0.
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

/// A connection that does not close the caller's when it is dropped.
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
        .map_err(|error| Error::sqlite("cannot use the host's database", &error))
}

/// Returns once all that earlier calls changed is on disk, where it survives a loss of power. With DEFERRED it writes
/// what is pending on the calling thread, what an earlier background write could not among it, and reports failure; then
/// all stays pending, and is tried again later. On a borrowed connection, and in memory, there is nothing to do.
///
/// A file that was deleted, moved away, replaced or cut off while it was open is noticed here and by every change:
/// PEER_MANAGER_ERROR_DATABASE with sqlite_code 1032 (SQLITE_READONLY_DBMOVED). Nothing is written then, to that file or to
/// the one in its place. Memory has all peers: take a snapshot, free the peer manager, open a file anew, and store them.
///
/// With DEFERRED, a change that a constraint of the file's own has refused (an additional CHECK, for example) is told once:
/// PEER_MANAGER_ERROR_DATABASE with its sqlite_code, when everything else is on disk. It is not tried again.
///
/// @param pm     the peer manager
/// @param error  receives what failed; may be NULL
/// @return PEER_MANAGER_OK; PEER_MANAGER_ERROR_INVALID_ARGUMENT for NULL; PEER_MANAGER_ERROR_DATABASE,
///         PEER_MANAGER_ERROR_BUSY (another connection uses the file past busy_timeout_ms), PEER_MANAGER_ERROR_DISK_FULL or
///         PEER_MANAGER_ERROR_CORRUPT; PEER_MANAGER_ERROR_INTERNAL
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_flush(
    pm: *mut peer_manager,
    error: *mut peer_manager_error,
) -> peer_manager_status {
    // SAFETY: the caller keeps the contract of the module.
    unsafe { boundary::call_on("peer_manager_flush", pm, error, PeerManager::flush) }
}

/// Flushes, closes the database unless it is borrowed, and frees the peer manager. Snapshots stay valid. It waits for
/// another connection that uses the file, at most busy_timeout_ms for each write that is still to be made; what is
/// committed stays so in any case. What DEFERRED could not write is lost: call peer_manager_flush first to know.
///
/// In a child that was forked it frees what memory it can and leaves the file alone.
///
/// @param pm  the peer manager; NULL does nothing
///
/// Not thread-safe: no other call on this peer manager may be under way or follow. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_manager_free(pm: *mut peer_manager) {
    boundary::answer("peer_manager_free", (), || {
        // SAFETY: the caller keeps the contract of the module.
        unsafe { handle::free(pm) }
    });
}
