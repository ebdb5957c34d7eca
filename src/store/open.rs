//! Opening a database of our own, and borrowing one.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::schema::{self, Presence};
use super::{Ownership, Store};
use crate::error::{Error, Quoted, Result};
use crate::options::Durability;

/// The longest busy timeout that SQLite can be given, some 24 days.
const LONGEST: Duration = Duration::from_millis(i32::MAX.cast_unsigned() as u64);

/// How long to wait before trying again what SQLite does not wait for.
const RETRY: Duration = Duration::from_millis(2);

impl Store {
    /// Opens the database file at `path`, makes it if there is none, and looks whether it is one of peers.
    ///
    /// The connection is set up for one writer that must not wait long: write-ahead log, the busy timeout, and
    /// `synchronous` as the durability asks. Nothing is written before the file is known to be a database whose
    /// table `peers`, if it has one, is the specification's.
    pub(crate) fn open(path: &Path, durability: Durability, busy_timeout: Duration) -> Result<Self> {
        let name = Quoted(&path.to_string_lossy()).to_string();
        let failed = |error: &rusqlite::Error| Error::sqlite(format!("cannot open {name}"), error);
        // A path is a path, but SQLite may be built to take one that begins so for a URI.
        let path = if path.as_os_str().as_encoded_bytes().starts_with(b"file:") {
            &Path::new(".").join(path)
        } else {
            path
        };
        // NO_MUTEX: the manager's writer lock is the only one needed.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(|error| failed(&error))?;
        conn.busy_timeout(busy_timeout.min(LONGEST)).map_err(|error| failed(&error))?;
        let presence = schema::inspect(&conn, &name)?;
        // SQLite opens a file that may not be written read-only, without a word.
        if conn.is_readonly("main").map_err(|error| failed(&error))? {
            return Err(Error::database(
                format!("cannot open {name}"),
                "the file may only be read; make it and its directory writable",
            ));
        }
        use_wal(&conn, &name, busy_timeout)?;
        let synchronous = if durability == Durability::Sync { "FULL" } else { "NORMAL" };
        conn.pragma_update(None, "synchronous", synchronous).map_err(|error| failed(&error))?;
        let mut store = Self { conn, ownership: Ownership::Own, name };
        store.init_db(presence)?;
        Ok(store)
    }

    /// Takes a connection that belongs to a host, and makes the table if its database has none.
    pub(crate) fn borrow(conn: Connection) -> Result<Self> {
        let name = "the host's database".to_owned();
        // With no room in the cache, every statement is finalised when it is dropped.
        conn.set_prepared_statement_cache_capacity(0);
        let mut store = Self { conn, ownership: Ownership::Borrowed, name };
        let presence = schema::inspect(&store.conn, &store.name)?;
        store.init_db(presence)?;
        Ok(store)
    }

    fn init_db(&mut self, presence: Presence) -> Result<()> {
        match presence {
            Presence::Present => Ok(()),
            // In the transaction, it is certain whether the table is there.
            Presence::Absent => {
                let name = self.name.clone();
                self.in_transaction(|conn| match schema::inspect(conn, &name) {
                    Ok(Presence::Absent) => conn.execute_batch(schema::SCHEMA).map(Ok),
                    Ok(Presence::Present) => Ok(Ok(())),
                    Err(refused) => Ok(Err(refused)),
                })?
            }
        }
    }
}

/// Switches to the write-ahead log.
fn use_wal(conn: &Connection, name: &str, busy_timeout: Duration) -> Result<()> {
    let began = Instant::now();
    let mode: String = loop {
        let switched = conn.query_row("PRAGMA main.journal_mode = WAL", [], |row| row.get(0));
        match switched.map_err(|error| Error::sqlite(format!("cannot open {name}"), &error)) {
            Ok(mode) => break mode,
            // Here SQLite does not wait by itself when another connection has the file open.
            Err(Error::Busy(_)) if began.elapsed() < busy_timeout => std::thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    };
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(Error::database(
        format!("cannot open {name}"),
        format!(
            "its journal stays in mode {mode} instead of WAL; use a local file system with shared memory"
        ),
    ))
}
