//! Opening a database of our own, and borrowing one.
//!
//! Opening has two steps, with loading between them: nothing is written before the file is known to be a database
//! of peers that can be read to its end. After both, every file that will ever be needed is open, and something
//! has been written. So the first start is like every other, and whatever changes for the process afterwards (another user,
//! another root directory, no more descriptors) stops no write.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::delete::delete_each;
use super::file::{DatabaseFile, LONGEST_WAIT, RETRY};
use super::guard::{self, Guard};
use super::layout::Layout;
use super::schema::{self, Presence};
use super::side::{self, DATA, HISTORY, ReadRows, SideTables};
use super::{Owned, Store, companions, connect, history, layout, load, quarantine};
use crate::address::PeerAddress;
use crate::error::{ADVICE_CORRUPT, ADVICE_LOCAL, Error, Result};
use crate::history::Times;
use crate::options::Durability;
use crate::peer::PeerRecord;
use crate::system::files::forget_last_error;
use crate::system::process::Process;

/// The log is truncated to this many bytes when it is restarted after a long transaction, or a reader that kept it from being
/// moved into the database, has made it larger. SQLite restarts it at about this size.
const LOG_BYTES: u32 = 4 << 20;

/// How much of the file SQLite may keep in memory, in KiB: changes go to pages anywhere, and each page that is read again
/// is checked cell by cell.
const CACHE_KIB: u32 = 8192;

impl Store {
    /// Opens the database file, creating it if there is none, and checks whether it is a database of peers. It can then be
    /// read, and written after [`begin`](Self::begin).
    pub(crate) fn open(file: &Arc<DatabaseFile>, busy_timeout: Duration) -> Result<Self> {
        quarantine::take_back(file.path())
            .map_err(|error| Error::io(format!("cannot open {}", file.name()), &error))?;
        let has_log = file.check_log()?;
        file.hold(busy_timeout)?;
        let name = file.name().to_owned();
        let action = format!("cannot open {name}");
        let failed = |error: &rusqlite::Error| explain(Error::sqlite(&*action, error), file, &action);
        forget_last_error();
        // NO_MUTEX: the manager's locks are the only ones needed.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = connect::open(file.path(), flags).map_err(|error| failed(&error))?;
        let set_up = || {
            conn.busy_timeout(busy_timeout.min(LONGEST_WAIT))?;
            // The last connection to close moves the write-ahead log into the database and deletes the log. That must not
            // happen if the database turns out to be damaged; but a log that SQLite creates just now is empty, and may go.
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
            Guard::set_up(&conn)
        };
        let guard = set_up().map_err(|error| failed(&error))?;
        let is_readonly = || conn.is_readonly("main").map_err(|error| failed(&error));
        // SQLite silently opens a file that is not writable as read-only; and when it first reads the file, it would create
        // a log and its index, which it could not remove.
        if is_readonly()? {
            return Err(Error::database(
                &*action,
                "the file may only be read; make it and its directory writable",
            ));
        }
        guard.begin_schema();
        let presence = schema::inspect(&conn, &name)
            .map_err(|error| explain(guard::explain_limit(error, &action), file, &action))?;
        let side = SideTables::inspect(&conn, presence.layout()).map_err(|error| failed(&error))?;
        Guard::end_schema(&conn).map_err(|error| failed(&error))?;
        if is_readonly()? {
            return Err(Error::corrupt(
                &*action,
                "its header says that this version of SQLite must not write to it",
                ADVICE_CORRUPT,
            ));
        }
        let owned = Owned {
            file: Arc::clone(file),
            guard,
            process: Process::current(),
            rows: Cell::new(0),
            length: Cell::new(0),
            looks: Cell::new(0),
            lost: Cell::new(None),
        };
        Ok(Self { conn, presence, side, has_strays: (false, false), name, owned: Some(owned) })
    }

    /// Wraps a connection that belongs to the application.
    #[cfg(any(feature = "ffi", feature = "rusqlite"))]
    pub(crate) fn borrow(conn: Connection) -> Result<Self> {
        let name = "the application's database".to_owned();
        // With no room in the cache, every statement is finalised when it is dropped.
        conn.set_prepared_statement_cache_capacity(0);
        let presence = schema::inspect(&conn, &name)?;
        let side = SideTables::inspect(&conn, presence.layout())
            .map_err(|error| Error::sqlite(format!("cannot open {name}"), &error))?;
        Ok(Self { conn, presence, side, has_strays: (false, false), name, owned: None })
    }

    /// Reads every valid peer; returns how many rows were not valid peers. `reserve` is called first with the number of
    /// rows to expect, as far as the file can be believed.
    pub(crate) fn load_all(
        &self,
        reserve: &dyn Fn(usize),
        each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
    ) -> Result<u64> {
        let Presence::Present(table) = &self.presence else { return Ok(0) };
        let Some(owned) = &self.owned else {
            return load::read_borrowed(&self.conn, table.layout, &self.name, each);
        };
        let rows =
            load::read_file(&self.conn, owned.file.path(), &self.name, table, &owned.guard, reserve, each)?;
        owned.rows.set(rows.read);
        Ok(rows.skipped)
    }

    /// Reads the histories, if there are any. `each` is called for each that is valid, and returns whether there is such a
    /// peer.
    pub(crate) fn load_histories(
        &mut self,
        each: &mut dyn FnMut(PeerAddress, Times) -> Result<bool>,
    ) -> Result<()> {
        if self.side.history == side::Presence::Present {
            let guard = self.owned.as_ref().map(|owned| &owned.guard);
            let read = history::read(&self.conn, &self.name, guard, each)?;
            self.has_strays.0 = read.strays > 0;
            self.count_rows(read);
        }
        Ok(())
    }

    /// Prepares the database for writing, and creates the table if there is none, and that of histories if they are kept.
    /// Deletes the rows of side tables that belong to no peer, and the peers that are `removed`.
    ///
    /// A connection of our own is set up for one writer that must not wait long: WAL mode, and `synchronous` as
    /// the durability requires. Then something is written.
    pub(crate) fn begin(
        &mut self,
        durability: Durability,
        busy_timeout: Duration,
        keeps_histories: bool,
        removed: &[PeerAddress],
    ) -> Result<()> {
        let Some(owned) = &self.owned else {
            self.init_db()?;
            return self.tidy(false, removed);
        };
        let file = Arc::clone(&owned.file);
        // Only for an empty file: any other has pages, or a mode, of its own.
        if self.presence == Presence::Absent && self.ask::<i64>("PRAGMA main.page_count")? == 0 {
            // It takes effect when it is prepared, and is written with the table. Running it would take one more transaction.
            let sql = "PRAGMA main.auto_vacuum = INCREMENTAL";
            self.conn.prepare(sql).map_err(|error| self.cannot_open(&error))?;
        }
        // Before the switch to the log: if the file turns out to be damaged now, it is still as it was.
        self.init_db()?;
        self.tidy(keeps_histories, removed)?;
        let mode: String = self.ask("PRAGMA main.journal_mode")?;
        file.note_journal_mode(mode.clone());
        let begun = self.begin_log(&mode, durability, busy_timeout);
        begun.map_err(|error| explain(error, &file, &format!("cannot open {}", self.name)))?;
        file.note_log();
        file.note_journal_mode(String::new());
        Ok(())
    }

    fn begin_log(&self, mode_before: &str, durability: Durability, busy_timeout: Duration) -> Result<()> {
        use_wal(&self.conn, &self.name, busy_timeout)?;
        let synchronous = if durability == Durability::Sync { "FULL" } else { "NORMAL" };
        self.run(&format!(
            "PRAGMA main.synchronous = {synchronous}; PRAGMA main.journal_size_limit = {LOG_BYTES}; \
             PRAGMA main.cache_size = -{CACHE_KIB}"
        ))?;
        if mode_before.eq_ignore_ascii_case("wal") {
            // Opens the log and its index, and takes the write lock; a file in which nothing changes stays as it is.
            self.run("BEGIN IMMEDIATE; ROLLBACK")?;
        } else {
            // The switch changed the header anyway. The version in it is the application's, and is written back unchanged.
            let version: i32 = self.ask("PRAGMA main.user_version")?;
            self.run(&format!("PRAGMA main.user_version = {version}"))?;
        }
        self.conn
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
            .map(drop)
            .map_err(|error| self.cannot_open(&error))
    }

    fn init_db(&mut self) -> Result<()> {
        if self.presence != Presence::Absent {
            return Ok(());
        }
        let name = self.name.clone();
        // Within the transaction, no other connection can create the table.
        let mut found = Ok(Presence::Absent);
        self.in_transaction(1, &mut |conn, _| {
            found = match schema::inspect(conn, &name) {
                Ok(Presence::Absent) => {
                    conn.execute_batch(layout::SCHEMA)?;
                    schema::inspect(conn, &name)
                }
                Ok(Presence::Present(_)) => Err(Error::made_meanwhile(format!("cannot open {name}"))),
                refused => refused,
            };
            Ok(())
        })?;
        self.presence = found?;
        Ok(())
    }

    /// In one transaction, because damage that is found must leave the file as it was: creates the table of histories if they
    /// are kept, unless there is one, or the file is stellar-core's, which gets none; deletes the peers that are `removed`, and
    /// the rows of side tables that belong to no peer.
    fn tidy(&mut self, keeps_histories: bool, removed: &[PeerAddress]) -> Result<()> {
        let creates = keeps_histories
            && self.side.history == side::Presence::Absent
            && self.layout() == Layout::Specification;
        let (stray_histories, stray_data) = self.has_strays;
        if !creates && !stray_histories && !stray_data && removed.is_empty() {
            return Ok(());
        }
        let layout = self.layout();
        let rows = self.owned.as_ref().map_or(0, |owned| owned.rows.get());
        self.in_transaction(usize::try_from(rows).unwrap_or(usize::MAX), &mut |conn, side| {
            if !removed.is_empty() {
                delete_each(conn, layout, removed)?;
                side.delete_each(conn, removed)?;
            }
            if creates {
                HISTORY.create(conn)?;
            }
            if stray_histories {
                HISTORY.delete_strays(conn)?;
            }
            if stray_data { DATA.delete_strays(conn) } else { Ok(()) }
        })?;
        if creates {
            self.side.history = side::Presence::Present;
        }
        self.has_strays = (false, false);
        Ok(())
    }

    /// Counts the rows of a side table as well, because they may be deleted too.
    pub(super) fn count_rows(&self, read: ReadRows) {
        if let Some(owned) = &self.owned {
            owned.rows.set(owned.rows.get().saturating_add(read.all));
        }
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.conn.execute_batch(sql).map_err(|error| self.cannot_open(&error))
    }

    fn ask<T: rusqlite::types::FromSql>(&self, sql: &str) -> Result<T> {
        self.conn.query_row(sql, [], |row| row.get(0)).map_err(|error| self.cannot_open(&error))
    }

    fn cannot_open(&self, error: &rusqlite::Error) -> Error {
        Error::sqlite(format!("cannot open {}", self.name), error)
    }
}

/// Switches to WAL mode.
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
        format!("its journal stays in mode {mode} instead of WAL{ADVICE_LOCAL}"),
    ))
}

/// Adds advice to errors that have a particular reason while a database is opened.
fn explain(error: Error, file: &DatabaseFile, action: &str) -> Error {
    let error = companions::explain(error, file.path(), action);
    match error.sqlite_code() {
        ffi::SQLITE_IOERR_LOCK
        | ffi::SQLITE_IOERR_UNLOCK
        | ffi::SQLITE_IOERR_RDLOCK
        | ffi::SQLITE_IOERR_CHECKRESERVEDLOCK
        | ffi::SQLITE_IOERR_SHMOPEN
        | ffi::SQLITE_IOERR_SHMSIZE
        | ffi::SQLITE_IOERR_SHMLOCK
        | ffi::SQLITE_IOERR_SHMMAP
        | ffi::SQLITE_PROTOCOL
            if matches!(error, Error::Database(_)) && !error.has_advice() =>
        {
            error.advise(ADVICE_LOCAL)
        }
        _ => error,
    }
}
