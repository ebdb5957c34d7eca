//! Reading another database of peers, which stays exactly as it is as far as SQLite allows.
//!
//! Nobody's file is opened here but by SQLite: closing any other descriptor of it would drop the locks that SQLite has
//! on it in this process.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, ffi};

use super::load::read_file;
use super::open::LONGEST;
use super::schema::{self, Presence};
use super::{beside, file};
use crate::error::{Error, Quoted, Result};
use crate::peer::PeerRecord;

/// How to open a file that is only read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As SQLite does. Where a file wants a write-ahead log, or the index of one, it makes them and leaves them there.
    Shared,
    /// Keeping what it locks.
    Exclusive,
    /// Without locks, log and journal.
    Immutable,
}

/// Reads all valid peers of the database at `path`, in whichever layout, at one moment. Waits at most `busy_timeout`
/// for another connection's lock.
///
/// Cost: linear in the file; memory for the peers.
pub(crate) fn read_peers(path: &Path, busy_timeout: Duration) -> Result<Vec<PeerRecord>> {
    let name = Quoted(&path.to_string_lossy()).to_string();
    let action = || format!("cannot import {name}");
    let path = fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::cannot_open(action(), "there is no such file; give the path of one")
        }
        _ => Error::cannot_open(action(), format!("{error}; give the path of a file that may be read")),
    })?;
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::cannot_open(action(), "it is not a file; give the path of one"));
    }
    file::check_log(&path, &action())?;
    let read = |manner| read(&path, &name, busy_timeout, manner).map_err(|error| explain(error, &action()));
    let log = beside(&path, "-wal");
    if log.exists() {
        return read(Manner::Shared);
    }
    let before = state(&path);
    let wants_log = wants_log(&path, busy_timeout);
    if log.exists() || wants_log == Ok(false) {
        return read(Manner::Shared);
    }
    wants_log.map_err(|error| explain(Error::sqlite(action(), &error), &action()))?;
    // Nobody has the file open, or there would be a log.
    let result = read(Manner::Immutable);
    // Who has opened it meanwhile has a log, and when that one closed it again, has written to the file.
    if log.exists() || state(&path) != before { read(Manner::Shared) } else { result }
}

/// Whether the file is one with a write-ahead log, which is not there now. None is made.
fn wants_log(path: &Path, busy_timeout: Duration) -> rusqlite::Result<bool> {
    /// One at a time: two would be in each other's way.
    static ASKING: Mutex<()> = Mutex::new(());
    let _asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    let conn = connect(path, busy_timeout, Manner::Exclusive)?;
    // Before SQLite makes a log for itself alone it takes a lock for writers, which a file that is opened for reading
    // cannot have.
    match conn.query_row("SELECT EXISTS (SELECT 1 FROM main.sqlite_master)", [], |_| Ok(())) {
        Err(error) if error.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_LOCK) => {
            Ok(true)
        }
        result => result.map(|()| false),
    }
}

/// What changes when a file is written to.
fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

fn read(path: &Path, name: &str, busy_timeout: Duration, manner: Manner) -> Result<Vec<PeerRecord>> {
    let conn = connect(path, busy_timeout, manner)
        .map_err(|error| Error::sqlite(format!("cannot import {name}"), &error))?;
    let Presence::Present(table) = schema::inspect(&conn, name)? else {
        return Err(Error::corrupt(
            format!("cannot import {name}"),
            "it has no table peers",
            "; give the path of a database of peers",
        ));
    };
    let mut peers = Vec::new();
    read_file(
        &conn,
        path,
        name,
        table.layout,
        |_| {},
        |peer| {
            peers.push(peer.clone());
            Ok(())
        },
    )?;
    Ok(peers)
}

fn connect(path: &Path, busy_timeout: Duration, manner: Manner) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = if manner == Manner::Immutable {
        Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    file::limit_steps(&conn, path)?;
    conn.busy_timeout(busy_timeout.min(LONGEST))?;
    if manner == Manner::Exclusive {
        conn.query_row("PRAGMA main.locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    }
    Ok(conn)
}

/// The path as a URI that asks for no locks and no log.
fn immutable_uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => {
                // Writing to a text cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri + "?immutable=1"
}

/// Says what to do about failures that have a particular reason here.
fn explain(error: Error, action: &str) -> Error {
    let code = error.sqlite_code();
    let detail = match code & 0xff {
        _ if code == ffi::SQLITE_READONLY_ROLLBACK => {
            "beside it is the journal of a transaction that was not finished; open it once with the program that wrote it"
        }
        ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN => {
            "SQLite cannot read it with its write-ahead log; make the file readable and its directory writable, or copy \
             both to another directory"
        }
        _ => return file::explain_limit(error, action),
    };
    Error::database_with_code(action, detail, code)
}

/// Whether two paths lead to one file that is there.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let identity = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
        identity(a).is_some_and(|a| identity(b) == Some(a))
    }
    #[cfg(not(unix))]
    {
        fs::canonicalize(a).is_ok_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b))
    }
}
