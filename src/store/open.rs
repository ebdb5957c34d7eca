//! Opening a database of our own, and borrowing one.
//!
//! Opening has two steps, with the loading between them: nothing is written before the file is known to be a database
//! of peers that can be read to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::file::{self, DatabaseFile};
use super::schema::{self, Presence};
use super::{Owned, Store};
use crate::error::{ADVICE_CORRUPT, Error, Result};
use crate::options::Durability;
use crate::system::process::Process;

/// The longest busy timeout that SQLite can be given, some 24 days.
pub(super) const LONGEST: Duration = Duration::from_millis(i32::MAX.cast_unsigned() as u64);

/// How long to wait before trying again what nobody waits for.
pub(super) const RETRY: Duration = Duration::from_millis(2);

impl Store {
    /// Opens the database file, makes it if there is none, and looks whether it is one of peers. It can be read then,
    /// and written after [`begin`](Self::begin).
    pub(crate) fn open(file: &Arc<DatabaseFile>, busy_timeout: Duration) -> Result<Self> {
        let has_log = file.check_log()?;
        let name = file.name().to_owned();
        let failed = |error: &rusqlite::Error| Error::sqlite(format!("cannot open {name}"), error);
        // NO_MUTEX: the manager's locks are the only ones needed.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(file.path(), flags).map_err(|error| failed(&error))?;
        let set_up = || {
            conn.busy_timeout(busy_timeout.min(LONGEST))?;
            // Whoever closes a database last moves the write-ahead log into it and deletes the log. Not if it turns out
            // to be damaged; but a log that SQLite makes just now has nothing in it, and goes again.
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)
        };
        set_up().map_err(|error| failed(&error))?;
        let is_readonly = || conn.is_readonly("main").map_err(|error| failed(&error));
        // SQLite opens a file that may not be written read-only, without a word; and at the first look into it, it would
        // make a log and its index, and could not remove them.
        if is_readonly()? {
            return Err(Error::database(
                format!("cannot open {name}"),
                "the file may only be read; make it and its directory writable",
            ));
        }
        file::limit_steps(&conn, file.path()).map_err(|error| failed(&error))?;
        let presence = schema::inspect(&conn, &name)
            .map_err(|error| file::explain_limit(error, &format!("cannot open {name}")))?;
        file::unlimit_steps(&conn).map_err(|error| failed(&error))?;
        if is_readonly()? {
            return Err(Error::corrupt(
                format!("cannot open {name}"),
                "its header says that this version of SQLite must not write to it",
                ADVICE_CORRUPT,
            ));
        }
        let owned = Owned { file: Arc::clone(file), process: Process::current() };
        Ok(Self { conn, presence, name, owned: Some(owned) })
    }

    /// Takes a connection that belongs to a host.
    pub(crate) fn borrow(conn: Connection) -> Result<Self> {
        let name = "the host's database".to_owned();
        // With no room in the cache, every statement is finalised when it is dropped.
        conn.set_prepared_statement_cache_capacity(0);
        let presence = schema::inspect(&conn, &name)?;
        Ok(Self { conn, presence, name, owned: None })
    }

    /// Gets the database ready to be written, and makes the table if there is none.
    ///
    /// A connection of our own is set up for one writer that must not wait long: write-ahead log, and `synchronous` as
    /// the durability asks.
    pub(crate) fn begin(&mut self, durability: Durability, busy_timeout: Duration) -> Result<()> {
        // Before the switch to the log: if the file turns out to be damaged now, it is still as it was.
        self.init_db()?;
        if self.owned.is_none() {
            return Ok(());
        }
        use_wal(&self.conn, &self.name, busy_timeout)?;
        let synchronous = if durability == Durability::Sync { "FULL" } else { "NORMAL" };
        let set_up = || {
            self.conn.pragma_update(None, "synchronous", synchronous)?;
            self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        };
        set_up().map(drop).map_err(|error| Error::sqlite(format!("cannot open {}", self.name), &error))
    }

    fn init_db(&mut self) -> Result<()> {
        if self.presence != Presence::Absent {
            return Ok(());
        }
        let name = self.name.clone();
        // In the transaction, it is certain whether the table is there.
        self.in_transaction(|conn| match schema::inspect(conn, &name) {
            Ok(Presence::Absent) => conn.execute_batch(schema::SCHEMA).map(Ok),
            Ok(Presence::Present(_)) => Ok(Err(Error::made_meanwhile(format!("cannot open {name}")))),
            Err(refused) => Ok(Err(refused)),
        })??;
        self.presence = schema::inspect(&self.conn, &self.name)?;
        Ok(())
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
