//! Writing changes: each call here is one transaction, done as a whole or not at all, except that
//! [`write_changes`](Store::write_changes) leaves out what the file's own constraints refuse.

use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Savepoint, Statement, ToSql, Transaction,
    TransactionBehavior, params,
};

use super::layout::Layout;
use super::timestamp::Timestamp;
use super::{Store, guard, shrink};
use crate::address::{HostText, PeerAddress};
use crate::changes::Changes;
use crate::error::{ADVICE_CORRUPT, Error, Result};
use crate::peer::PeerRecord;

/// Does what the specification's INSERT OR REPLACE does, but the row of a known peer keeps its place, and its entry in the
/// index is not touched: that is one page to write instead of three. A row with the same key in another spelling, or as
/// another type, is deleted first. OR ABORT overrides how the file's own constraints resolve a conflict (by ignoring it, or
/// by rolling everything back).
const PUT: &str = "INSERT OR ABORT INTO main.peers (ip, port, nextattempt, numfailures, type) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (ip, port) DO UPDATE SET \
       nextattempt = excluded.nextattempt, numfailures = excluded.numfailures, type = excluded.type \
     WHERE typeof(ip) = 'text' AND ip = excluded.ip COLLATE BINARY AND typeof(port) = 'integer'";
/// The specification's INSERT OR IGNORE, except that a row which is not a valid peer is overwritten: ignoring the new peer
/// would lose it at the next start. Such a row can have the same key in another spelling, or as another type.
macro_rules! insert {
    ($next_attempt_is_valid:literal) => {
        concat!(
            "INSERT OR ABORT INTO main.peers (ip, port, nextattempt, numfailures, type) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (ip, port) DO UPDATE SET ip = excluded.ip, port = excluded.port, \
               nextattempt = excluded.nextattempt, numfailures = excluded.numfailures, type = excluded.type \
             WHERE NOT (typeof(ip) = 'text' AND ip = excluded.ip COLLATE BINARY AND typeof(port) = 'integer' \
               AND ",
            $next_attempt_is_valid,
            " AND typeof(numfailures) = 'integer' AND numfailures BETWEEN 0 AND 4294967295 \
               AND typeof(type) = 'integer' AND type BETWEEN 0 AND 2)"
        )
    };
}
const INSERT: &str = insert!("typeof(nextattempt) = 'integer'");
/// For stellar-core's layout. A time in another form than stellar-core and we write is overwritten, too, even if it could
/// be read.
/// (Without a modifier, older versions of SQLite leave the 29th of February in every year.)
const INSERT_STELLAR_CORE: &str = insert!("nextattempt IS datetime(nextattempt, '+0 days')");
const DELETE: &str = "DELETE FROM main.peers WHERE ip = ?1 AND port = ?2";
/// Scans the table itself, because an index that another program has made may be out of date.
const DELETE_FAILED: &str = "DELETE FROM main.peers NOT INDEXED WHERE numfailures >= ?1";
const DELETE_ALL: &str = "DELETE FROM main.peers";
/// Scans every row, because it may be the index that is wrong.
const FIND: &str = "SELECT 1 FROM main.peers NOT INDEXED WHERE ip = ?1 AND port = ?2 LIMIT 1";

/// A change with this many deletions checks whether the file should shrink.
const MANY: usize = 1_000;

/// Changes of a group that the file's own constraints have refused.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    pub(crate) rows: u64,
    /// Why the first of them was refused.
    pub(crate) first: Option<Error>,
}

/// Why a change was not written.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    /// A constraint refuses this peer's row.
    Refused(PeerAddress, rusqlite::Error),
    /// No row was found to delete, but only because the index does not have it.
    NotInIndex(PeerAddress),
    /// The statement succeeded but wrote nothing.
    Ignored(PeerAddress),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Store {
    /// Inserts peers that are new.
    pub(crate) fn insert(&mut self, records: &[PeerRecord]) -> Result<()> {
        self.write_records(insert_all, records)
    }

    /// Writes peers as they are now, new or not.
    pub(crate) fn replace(&mut self, records: &[PeerRecord]) -> Result<()> {
        self.write_records(replace_all, records)
    }

    /// Deletes peers and writes others in their place.
    pub(crate) fn evict(&mut self, evicted: &[PeerAddress], records: &[PeerRecord]) -> Result<()> {
        let layout = self.layout();
        if !layout.holds_any(evicted) && !layout.holds_any(records.iter().map(|record| &record.address)) {
            return self.check_process("cannot write to");
        }
        self.in_transaction(evicted.len() + records.len(), &mut |conn| {
            delete_each(conn, layout, evicted)?;
            replace_all(conn, layout, records)
        })
    }

    /// Writes the changes of a table in one transaction, except those that the file's own constraints refuse, which would
    /// keep the others from ever being written.
    pub(crate) fn write_changes(&mut self, changes: &Changes) -> Result<Rejected> {
        let layout = self.layout();
        let put = || changes.put.iter().map(|put| &put.record);
        let concerns_file = changes.clears
            || layout.holds_any(&changes.removed)
            || layout.holds_any(put().map(|record| &record.address));
        if !concerns_file {
            self.check_process("cannot write to")?;
            return Ok(Rejected::default());
        }
        let is_owned = self.owned.is_some();
        let (mut rows, mut first) = (0, None);
        self.in_transaction(changes.len(), &mut |conn| {
            if changes.clears {
                conn.execute(DELETE_ALL, [])?;
            }
            delete_each(conn, layout, &changes.removed)?;
            let mut writer = Writer::new(conn, layout)?;
            for record in put().filter(|record| layout.holds(&record.address)) {
                match writer.put(record) {
                    Err(refused @ Failure::Refused(..)) => {
                        rows += 1;
                        first.get_or_insert(refused);
                    }
                    done => done?,
                }
            }
            if is_owned && (changes.clears || changes.removed.len() > MANY) {
                shrink::give_back(conn)?;
            }
            Ok(())
        })?;
        Ok(Rejected { rows, first: first.map(|failure| self.write_failed(failure)) })
    }

    /// Deletes one peer.
    pub(crate) fn delete(&mut self, address: &PeerAddress) -> Result<()> {
        let layout = self.layout();
        if !layout.holds(address) {
            return self.check_process("cannot write to");
        }
        self.change(1, &mut |conn| delete_each(conn, layout, std::slice::from_ref(address)))
    }

    /// Deletes the peers with at least `min_num_failures`.
    pub(crate) fn delete_with_failures(&mut self, min_num_failures: u32) -> Result<()> {
        self.delete_many(&mut |conn| execute(conn, DELETE_FAILED, [min_num_failures]))
    }

    /// Deletes all peers.
    pub(crate) fn delete_all(&mut self) -> Result<()> {
        self.delete_many(&mut |conn| execute(conn, DELETE_ALL, []))
    }

    /// Runs a deletion that may be large, and gives back the pages that it frees.
    fn delete_many(&mut self, delete: &mut dyn FnMut(&Connection) -> Result<(), Failure>) -> Result<()> {
        if self.owned.is_none() {
            return self.change(self.rows(), delete);
        }
        self.in_transaction(self.rows(), &mut |conn| {
            delete(conn)?;
            shrink::give_back(conn).map_err(Failure::from)
        })
    }

    /// The approximate number of rows.
    fn rows(&self) -> usize {
        self.owned.as_ref().map_or(0, |owned| usize::try_from(owned.rows.get()).unwrap_or(usize::MAX))
    }

    /// Runs `work`, which writes and deletes about this many rows, in a transaction of its own, or in a savepoint on a
    /// borrowed connection.
    pub(super) fn in_transaction(
        &mut self,
        rows: usize,
        work: &mut dyn FnMut(&Connection) -> Result<(), Failure>,
    ) -> Result<()> {
        self.prepare_change(rows)?;
        let done = if self.owned.is_some() {
            Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)
                .map_err(Failure::from)
                .and_then(|transaction| {
                    work(&transaction)?;
                    transaction.commit().map_err(Failure::from)
                })
        } else {
            let begins_transaction = self.conn.is_autocommit();
            let savepoint = Savepoint::with_name(&mut self.conn, "peer_manager");
            let done = savepoint.map_err(Failure::from).and_then(|savepoint| {
                work(&savepoint)?;
                savepoint.commit().map_err(Failure::from)
            });
            // Releasing a savepoint that began the transaction is a commit, which can fail even after everything was undone:
            // another connection keeps reading, or the disk fails. A ROLLBACK ends it for certain.
            if begins_transaction && !self.conn.is_autocommit() {
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            done
        };
        done.map_err(|failure| self.write_failed(failure))
    }

    /// Runs `work`, which is a single statement and so a transaction of its own.
    fn change(
        &mut self,
        rows: usize,
        work: &mut dyn FnMut(&Connection) -> Result<(), Failure>,
    ) -> Result<()> {
        self.prepare_change(rows)?;
        work(&self.conn).map_err(|failure| self.write_failed(failure))
    }

    fn prepare_change(&self, rows: usize) -> Result<()> {
        self.check("cannot write to")?;
        if let Some(owned) = &self.owned {
            owned.guard.begin_change(rows as u64);
            owned.rows.set(owned.rows.get().saturating_add(rows as u64));
        }
        Ok(())
    }

    fn write_records<'a>(
        &mut self,
        write: fn(&Connection, Layout, &'a [PeerRecord]) -> Result<(), Failure>,
        records: &'a [PeerRecord],
    ) -> Result<()> {
        let layout = self.layout();
        match records {
            [] => Ok(()),
            _ if !layout.holds_any(records.iter().map(|record| &record.address)) => {
                self.check_process("cannot write to")
            }
            // One row needs only the transaction of its own statement.
            [_] if self.owned.is_some() => self.change(1, &mut |conn| write(conn, layout, records)),
            _ => self.in_transaction(records.len(), &mut |conn| write(conn, layout, records)),
        }
    }

    fn write_failed(&self, failure: Failure) -> Error {
        let action = format!("cannot write to {}", self.name);
        match failure {
            Failure::Sqlite(error) => guard::explain_endless_change(Error::sqlite(&*action, &error), &action),
            Failure::Refused(address, error) => {
                Error::sqlite(format!("cannot write {address} to {}", self.name), &error)
            }
            Failure::NotInIndex(address) => {
                let detail = format!("its index does not have {address}, but the table has");
                Error::corrupt(action, detail, ADVICE_CORRUPT)
            }
            Failure::Ignored(address) => Error::database(
                action,
                format!(
                    "nothing was written for {address}; look for a trigger of the database that prevents it"
                ),
            ),
        }
    }
}

/// The statements that write rows of peers as they are, new or not.
struct Writer<'a> {
    conn: &'a Connection,
    layout: Layout,
    put: rusqlite::CachedStatement<'a>,
}

impl<'a> Writer<'a> {
    fn new(conn: &'a Connection, layout: Layout) -> rusqlite::Result<Self> {
        Ok(Self { conn, layout, put: conn.prepare_cached(PUT)? })
    }

    fn put(&mut self, record: &PeerRecord) -> Result<(), Failure> {
        if self.write(record)? > 0 {
            return Ok(());
        }
        // Only the row with this key is deleted first: INSERT OR REPLACE would also delete rows that conflict by one of the
        // file's own constraints.
        self.conn.execute_batch("SAVEPOINT peer_manager_row")?;
        let replaced = self.replace(record);
        let end = if replaced.is_ok() { "RELEASE" } else { "ROLLBACK TO peer_manager_row; RELEASE" };
        self.conn.execute_batch(&format!("{end} peer_manager_row"))?;
        replaced
    }

    fn replace(&mut self, record: &PeerRecord) -> Result<(), Failure> {
        let host = HostText::of(record.address.host());
        self.conn.prepare_cached(DELETE)?.execute(params![host.as_str(), record.address.port()])?;
        match self.write(record)? {
            0 => Err(Failure::Ignored(record.address.clone())),
            _ => Ok(()),
        }
    }

    /// Returns how many rows were written.
    fn write(&mut self, record: &PeerRecord) -> Result<usize, Failure> {
        write_row(self.conn, &mut self.put, self.layout, record)
    }
}

/// Writes rows of peers as they are, new or not; those that the layout cannot hold have none.
pub(super) fn replace_all<'a>(
    conn: &Connection,
    layout: Layout,
    records: impl IntoIterator<Item = &'a PeerRecord>,
) -> Result<(), Failure> {
    let mut writer = Writer::new(conn, layout)?;
    let mut records = records.into_iter().filter(|record| layout.holds(&record.address));
    records.try_for_each(|record| writer.put(record))
}

/// Deletes the rows of peers. One that the layout cannot hold has none; a row with its key is not ours.
fn delete_each(conn: &Connection, layout: Layout, addresses: &[PeerAddress]) -> Result<(), Failure> {
    let mut delete = conn.prepare_cached(DELETE)?;
    for address in addresses.iter().filter(|address| layout.holds(address)) {
        let host = HostText::of(address.host());
        if delete.execute(params![host.as_str(), address.port()])? > 0 {
            continue;
        }
        // Another program may have deleted it. But if it is missing only in the index, it would come back.
        let found = conn.query_row(FIND, params![host.as_str(), address.port()], |_| Ok(())).optional()?;
        if found.is_some() {
            return Err(Failure::NotInIndex(address.clone()));
        }
    }
    Ok(())
}

fn insert_all(conn: &Connection, layout: Layout, records: &[PeerRecord]) -> Result<(), Failure> {
    let mut insert = conn.prepare_cached(match layout {
        Layout::Specification => INSERT,
        Layout::StellarCore => INSERT_STELLAR_CORE,
    })?;
    for record in records.iter().filter(|record| layout.holds(&record.address)) {
        if write_row(conn, &mut insert, layout, record)? > 0 {
            continue;
        }
        // Another program may have written it.
        let host = HostText::of(record.address.host());
        let found =
            conn.query_row(FIND, params![host.as_str(), record.address.port()], |_| Ok(())).optional()?;
        if found.is_none() {
            return Err(Failure::Ignored(record.address.clone()));
        }
    }
    Ok(())
}

fn execute(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<(), Failure> {
    conn.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

/// Returns how many rows were written.
fn write_row(
    conn: &Connection,
    statement: &mut Statement<'_>,
    layout: Layout,
    record: &PeerRecord,
) -> Result<usize, Failure> {
    let host = HostText::of(record.address.host());
    let timestamp = (layout == Layout::StellarCore).then(|| Timestamp::of(record.next_attempt));
    let text = timestamp.as_ref().map(Timestamp::as_str);
    let next_attempt: &dyn ToSql = if text.is_some() { &text } else { &record.next_attempt };
    let written = statement.execute(params![
        host.as_str(),
        record.address.port(),
        next_attempt,
        record.num_failures,
        record.peer_type as u8
    ]);
    written.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Failure::Refused(record.address.clone(), error),
        // An expression of the schema cannot be computed for this row, unless the table itself is gone.
        Some(
            ErrorCode::Unknown | ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::ParameterOutOfRange,
        ) if conn.prepare(PUT).is_ok() => Failure::Refused(record.address.clone(), error),
        _ => Failure::Sqlite(error),
    })
}
