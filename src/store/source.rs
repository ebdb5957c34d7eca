//! Reading another database of peers, which stays exactly as it is, as far as SQLite allows.
//!
//! Only SQLite opens the file: closing any other descriptor of it would drop the locks that SQLite has on it in this
//! process.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
#[cfg(not(windows))]
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, ffi};

use super::companions::sibling;
use super::connect;
use super::file::{self, LONGEST_WAIT};
use super::guard::{Guard, explain_limit};
#[cfg(any(unix, windows))]
use super::hold;
use super::load::read_file;
use super::schema::{self, Presence};
use super::side::{self, SideTables};
use super::{data, history};
use crate::address::PeerAddress;
use crate::error::{Error, Quoted, Result};
use crate::history::Times;
use crate::peer::PeerRecord;
#[cfg(unix)]
use crate::system::files::Status;
use crate::system::files::forget_last_error;

/// How to open a file that is only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// As usual. Where a file needs a write-ahead log, or the index of one, SQLite creates them and leaves them there.
    Shared,
    /// Keeping every lock that it takes.
    #[cfg(not(windows))]
    Exclusive,
    /// Without locks, log and journal.
    Immutable,
}

/// What is read of another file.
#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) records: Vec<PeerRecord>,
    /// What else the file has on these peers and others: the histories, if they are wanted, and the data.
    pub(crate) more: HashMap<PeerAddress, (Option<Times>, Vec<u8>)>,
}

/// Reads the valid peers of the database at `path` that are wanted, in either layout, in one snapshot, and after them the
/// data, and if they are wanted, the histories. Waits at most `busy_timeout` for another connection's lock.
///
/// Cost: linear in the rows of the file; memory for the peers that are wanted.
pub(crate) fn read_peers(
    path: &Path,
    busy_timeout: Duration,
    is_wanted: &dyn Fn(&PeerRecord) -> bool,
    wants_histories: bool,
) -> Result<Import> {
    let name = Quoted(&path.to_string_lossy()).to_string();
    let action = || format!("cannot import {name}");
    let path = connect::canonical(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::cannot_open(action(), "there is no such file; give the path of one")
        }
        _ => Error::cannot_open(action(), format!("{error}; give the path of a file that may be read")),
    })?;
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::cannot_open(action(), "it is not a file; give the path of one"));
    }
    #[cfg(unix)]
    {
        // Under a name other than the one it is open by, the changes in its log would be missing.
        let status = fs::metadata(&path).map(|metadata| Status::of(&metadata));
        let status = status.map_err(|error| Error::io(action(), &error))?;
        hold::check_links(status, &action())?;
        hold::check_inherited(status, &action())?;
    }
    #[cfg(windows)]
    {
        let status = crate::system::windows::status(&path).map_err(|error| Error::io(action(), &error))?;
        hold::check_links(status, &action())?;
    }
    file::check_log(&path, &action())?;
    let read = |manner| {
        read(&path, &name, busy_timeout, manner, is_wanted, wants_histories)
            .map_err(|error| explain(error, &action()))
    };
    let wants_log = || {
        wants_log(&path, busy_timeout).map_err(|error| explain(Error::sqlite(action(), &error), &action()))
    };
    read_snapshot(&path, wants_log, read)
}

/// Whether all of an open database can be read by another connection.
pub(super) fn is_readable(path: &Path, name: &str) -> bool {
    read(path, name, Duration::from_secs(1), Manner::Shared, &|_| false, false).is_ok()
}

/// Reads a file that may have, or need, a write-ahead log.
fn read_snapshot<T>(
    path: &Path,
    wants_log: impl FnOnce() -> Result<bool>,
    read: impl Fn(Manner) -> Result<T>,
) -> Result<T> {
    let log = sibling(path, "-wal");
    if log.exists() {
        return read(Manner::Shared);
    }
    let before = state(path);
    let wants_log = wants_log();
    if log.exists() || matches!(wants_log, Ok(false)) {
        return read(Manner::Shared);
    }
    wants_log?;
    // No connection has the file open, or there would be a log.
    let result = read(Manner::Immutable);
    // If one was opened meanwhile, there is a log; and if it was closed again, the file has changed.
    if log.exists() || state(path) != before { read(Manner::Shared) } else { result }
}

/// Whether the file, which has no log at present, is in WAL mode. Windows has locks for files that are opened for reading, so
/// SQLite would create a log; but reading the header ourselves drops none of its locks there.
#[cfg(windows)]
fn wants_log(path: &Path, _busy_timeout: Duration) -> rusqlite::Result<bool> {
    use std::io::Read as _;
    if fs::metadata(sibling(path, "-journal")).is_ok_and(|journal| journal.len() > 0) {
        // SQLite says what is to be done.
        return Ok(false);
    }
    let mut header = [0; 20];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    // If it cannot be read, SQLite says why.
    Ok(read.is_ok() && header[18..20] == [2, 2])
}

/// Whether the file is in WAL mode without a log at present. Does not create one.
#[cfg(not(windows))]
fn wants_log(path: &Path, busy_timeout: Duration) -> rusqlite::Result<bool> {
    /// One at a time: two would lock each other out.
    static ASKING: Mutex<()> = Mutex::new(());
    let _asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    let (conn, _guard) = connect(path, busy_timeout, Manner::Exclusive)?;
    // Before SQLite creates a log for exclusive use it takes a write lock, which fails on a file that is opened for reading.
    match conn.query_row("SELECT EXISTS (SELECT 1 FROM main.sqlite_master)", [], |_| Ok(())) {
        Err(error) if error.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_LOCK) => {
            Ok(true)
        }
        result => result.map(|()| false),
    }
}

/// A state that changes when a file is written to or replaced.
fn state(path: &Path) -> Option<(u64, SystemTime, [u64; 2], [i64; 2])> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let (file, changed) = {
        use std::os::unix::fs::MetadataExt as _;
        ([metadata.dev(), metadata.ino()], [metadata.ctime(), metadata.ctime_nsec()])
    };
    #[cfg(windows)]
    let (file, changed) = {
        let identity = crate::system::windows::status(path).ok()?.identity;
        ([identity.device, identity.inode], [0; 2])
    };
    #[cfg(not(any(unix, windows)))]
    let (file, changed) = ([0; 2], [0; 2]);
    Some((metadata.len(), metadata.modified().ok()?, file, changed))
}

fn read(
    path: &Path,
    name: &str,
    busy_timeout: Duration,
    manner: Manner,
    is_wanted: &dyn Fn(&PeerRecord) -> bool,
    wants_histories: bool,
) -> Result<Import> {
    forget_last_error();
    let (conn, guard) = connect(path, busy_timeout, manner)
        .map_err(|error| Error::sqlite(format!("cannot import {name}"), &error))?;
    guard.begin_schema();
    // Peers, histories and data as of the same time.
    let _snapshot = conn
        .unchecked_transaction()
        .map_err(|error| Error::sqlite(format!("cannot import {name}"), &error))?;
    let Presence::Present(table) = schema::inspect(&conn, name)? else {
        return Err(Error::corrupt(
            format!("cannot import {name}"),
            "it has no table peers",
            "; give the path of a database of peers",
        ));
    };
    let side = SideTables::inspect(&conn, table.layout)
        .map_err(|error| Error::sqlite(format!("cannot import {name}"), &error))?;
    let (mut peers, mut more) = (Vec::new(), HashMap::new());
    let mut keep = |peer: &PeerRecord| {
        if is_wanted(peer) {
            peers.try_reserve(1).map_err(|_| Error::no_memory("for the peers of the file"))?;
            peers.push(peer.clone());
        }
        Ok(())
    };
    read_file(&conn, path, name, &table, &guard, &|_| {}, &mut keep)?;
    if wants_histories && side.history == side::Presence::Present && !peers.is_empty() {
        history::read(&conn, name, Some(&guard), &mut |address, its_times| {
            more.try_reserve(1).map_err(|_| Error::no_memory("for the histories of the file"))?;
            more.insert(address, (Some(its_times), Vec::new()));
            Ok(true)
        })?;
    }
    if side.data == side::Presence::Present && !peers.is_empty() {
        data::read(&conn, name, Some(&guard), &mut |address, bytes| {
            more.try_reserve(1).map_err(|_| Error::no_memory("for the data of the file's peers"))?;
            more.entry(address).or_default().1 = bytes.to_vec();
            Ok(true)
        })?;
    }
    Ok(Import { records: peers, more })
}

fn connect(path: &Path, busy_timeout: Duration, manner: Manner) -> rusqlite::Result<(Connection, Guard)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = if manner == Manner::Immutable {
        connect::open_uri(path, immutable_uri, flags)?
    } else {
        connect::open(path, flags)?
    };
    let guard = Guard::set_up(&conn)?;
    guard.begin_schema();
    conn.busy_timeout(busy_timeout.min(LONGEST_WAIT))?;
    #[cfg(not(windows))]
    if manner == Manner::Exclusive {
        conn.query_row("PRAGMA main.locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    }
    Ok((conn, guard))
}

/// The path as a URI that asks for no locks and no log.
fn immutable_uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => {
                // Writing to a `String` cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri + "?immutable=1"
}

/// Adds advice to errors that have a particular reason here.
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
        _ => return explain_limit(error, action),
    };
    Error::database_with_code(action, detail, code)
}

/// Whether two paths lead to the same existing file.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let identity = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
        identity(a).is_some_and(|a| identity(b) == Some(a))
    }
    #[cfg(windows)]
    {
        use crate::system::windows::status;
        let identity = |path: &Path| status(&fs::canonicalize(path).ok()?).ok().map(|there| there.identity);
        identity(a).is_some_and(|a| identity(b) == Some(a))
    }
    #[cfg(not(any(unix, windows)))]
    {
        fs::canonicalize(a).is_ok_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file that needs a log while something happens to it; returns how it was read.
    fn manners(happens: impl Fn(&Path)) -> Vec<Manner> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("peers.db");
        fs::write(&path, "as it was").unwrap();
        let manners = std::cell::RefCell::default();
        let read = |manner| {
            let mut manners: std::cell::RefMut<'_, Vec<Manner>> = manners.borrow_mut();
            if manners.is_empty() {
                happens(&path);
            }
            manners.push(manner);
            Ok(())
        };
        read_snapshot(&path, || Ok(true), read).unwrap();
        manners.into_inner()
    }

    #[test]
    fn what_changes_while_it_is_read_is_read_again() {
        let (once, again) = ([Manner::Immutable], [Manner::Immutable, Manner::Shared]);
        assert_eq!(manners(|_| {}), once);
        assert_eq!(manners(|path| fs::write(path, "longer than it was").unwrap()), again);
        assert_eq!(manners(|path| fs::write(sibling(path, "-wal"), "").unwrap()), again);
        let replace = |path: &Path| {
            let other = path.with_extension("other");
            fs::write(&other, "as it was").unwrap();
            fs::rename(&other, path).unwrap();
        };
        assert_eq!(manners(replace), again);
    }
}
