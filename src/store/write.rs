//! Writing changes: each call here is one transaction, done as a whole or not at all, except that
//! [`write_changes`](Store::write_changes) leaves out what the file's own constraints refuse.

use std::collections::HashSet;

use rusqlite::{Connection, Savepoint, Statement, Transaction, TransactionBehavior, ffi, params};

use super::delete::{MANY, delete_all_rows, delete_each, delete_row};
use super::layout::Layout;
use super::rows::{Failure, PUT, write_new, write_rows};
use super::side::{Presence, SideTables};
use super::{Store, bans, data, guard, history, shrink};
use crate::address::{HostText, PeerAddress};
use crate::changes::Changes;
use crate::error::{ADVICE_CORRUPT, Error, Result};
use crate::history::Noted;
use crate::peer::PeerRecord;

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
/// For stellar-core's layout. A time in a form that neither stellar-core nor this library writes, or with fields beyond their
/// range, is overwritten, too, even if it could be read. (Without a modifier, older versions of SQLite leave the 29th of
/// February in every year.)
const INSERT_STELLAR_CORE: &str = insert!("nextattempt IS datetime(nextattempt, '+0 days')");
/// For a row that an insertion has not written: if one was in its way, the index led there.
const FIND_BY_KEY: &str = "SELECT 1 FROM main.peers WHERE ip = ?1 AND port = ?2";

/// Changes of a group that the file's own constraints have refused.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    /// Whose rows were refused.
    pub(crate) peers: HashSet<PeerAddress>,
    /// Why the first of them was refused.
    pub(crate) first: Option<Error>,
}

impl Store {
    /// Inserts peers that are new, and writes histories with them.
    pub(crate) fn insert(&mut self, records: &[PeerRecord], noted: &[Noted]) -> Result<()> {
        let is_owned = self.owned.is_some();
        self.write_records(records, records.len(), noted, &|conn, layout| {
            insert_all(conn, layout, is_owned, records)
        })
    }

    /// Writes peers as they are now, new or not. Those that are renewed take new rows in place of any that they have; they are
    /// given by their positions, in order. Histories are written with them.
    pub(crate) fn replace(
        &mut self,
        records: &[PeerRecord],
        renewed: &[usize],
        noted: &[Noted],
    ) -> Result<()> {
        let statements = records.len() + renewed.len();
        self.write_records(records, statements, noted, &|conn, layout| {
            replace_all(conn, layout, records, renewed)
        })
    }

    /// The same after deleting others, which are evicted for them.
    pub(crate) fn evict(
        &mut self,
        evicted: &[PeerAddress],
        records: &[PeerRecord],
        renewed: &[usize],
        noted: &[Noted],
    ) -> Result<()> {
        let (layout, is_owned) = (self.layout(), self.owned.is_some());
        if !layout.holds_any(evicted) && !layout.holds_any(records.iter().map(|record| &record.address)) {
            return self.check_process("cannot write to");
        }
        let mut has_data = false;
        self.in_transaction(evicted.len() + records.len() + noted.len(), &mut |conn, side| {
            delete_each(conn, layout, evicted)?;
            replace_all(conn, layout, records, renewed)?;
            side.delete_each(conn, evicted)?;
            has_data = write_noted(conn, side, layout, noted)?;
            if is_owned && evicted.len() > MANY {
                shrink::give_back(conn)?;
            }
            Ok(())
        })?;
        self.note_data(has_data);
        Ok(())
    }

    /// Writes the changes of a table in one transaction, except those that the file's own constraints refuse, which would
    /// keep the others from ever being written.
    pub(crate) fn write_changes(&mut self, changes: &Changes) -> Result<Rejected> {
        let layout = self.layout();
        let concerns_file = changes.clears
            || layout.holds_any(&changes.removed)
            || layout == Layout::Specification && !changes.bans.is_empty()
            || layout.holds_any(changes.put.iter().map(|put| &put.record.address));
        if !concerns_file {
            self.check_process("cannot write to")?;
            return Ok(Rejected::default());
        }
        let is_owned = self.owned.is_some();
        let (mut first, mut without_row, mut has_data) = (None, HashSet::new(), false);
        self.in_transaction(changes.len(), &mut |conn, side| {
            (first, without_row) = (None, HashSet::new());
            if changes.clears {
                delete_all_rows(conn)?;
            }
            delete_each(conn, layout, &changes.removed)?;
            bans::write(conn, layout, &changes.bans)?;
            if changes.clears {
                side.delete_all(conn)?;
            }
            side.delete_each(conn, &changes.removed)?;
            side.delete_each(conn, &changes.returned)?;
            let mut statement = conn.prepare_cached(PUT)?;
            let mut write = |record: &PeerRecord, is_renewed: bool| match put(
                conn,
                layout,
                &mut statement,
                record,
                is_renewed,
            ) {
                Err(refused @ Failure::Refused(..)) => {
                    first.get_or_insert(refused);
                    without_row.insert(record.address.clone());
                    Ok(())
                }
                done => done,
            };
            // In order: each that takes a new row takes the last one.
            for run in changes.put.chunk_by(|a, b| a.is_new == b.is_new) {
                if run[0].is_new {
                    let records = &mut run.iter().map(|put| &put.record);
                    write_new(conn, layout, is_owned, records, &mut |record| write(record, false))?;
                    continue;
                }
                for put in run.iter().filter(|put| layout.holds(&put.record.address)) {
                    write(&put.record, put.takes_row.is_some())?;
                }
            }
            let put = || changes.put.iter().filter(|put| !without_row.contains(&put.record.address));
            if side.history == Presence::Present {
                history::write(conn, put().filter_map(|put| Some((&put.record.address, put.times?))))?;
            }
            if writes_data(side, layout) {
                let data = put().filter_map(|put| Some((&put.record.address, put.data.as_deref()?)));
                has_data = data::write(conn, side.data, data)?;
            }
            if is_owned && (changes.clears || changes.removed.len() > MANY) {
                shrink::give_back(conn)?;
            }
            Ok(())
        })?;
        self.note_data(has_data);
        Ok(Rejected { peers: without_row, first: first.map(|failure| self.write_failed(failure)) })
    }

    /// After a transaction: whether there is a table of data now.
    pub(super) fn note_data(&mut self, has_data: bool) {
        if has_data {
            self.side.data = Presence::Present;
        }
    }

    /// The approximate number of rows.
    pub(super) fn rows(&self) -> usize {
        self.owned.as_ref().map_or(0, |owned| usize::try_from(owned.rows.get()).unwrap_or(usize::MAX))
    }

    /// Runs `work`, which writes and deletes about this many rows, in a transaction of its own, or in a savepoint on a borrowed
    /// connection. It is given the side tables that were there before, and runs again if it turns out that these have changed.
    pub(super) fn in_transaction(
        &mut self,
        rows: usize,
        work: &mut dyn FnMut(&Connection, SideTables) -> Result<(), Failure>,
    ) -> Result<()> {
        self.prepare_change(rows)?;
        let side = self.side_tables()?;
        let mut done = self.attempt(&mut |conn| work(conn, side));
        let is_refused = |error: &rusqlite::Error| {
            error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_ERROR)
        };
        if matches!(&done, Err(Failure::Sqlite(error)) if is_refused(error)) {
            // Another program may have made or dropped one.
            let found = SideTables::inspect(&self.conn, self.layout());
            if let Some(found) = found.ok().filter(|&found| found != side) {
                self.side = found;
                self.prepare_change(rows)?;
                done = self.attempt(&mut |conn| work(conn, found));
            }
        }
        done.map_err(|failure| self.write_failed(failure))
    }

    fn attempt(&mut self, work: &mut dyn FnMut(&Connection) -> Result<(), Failure>) -> Result<(), Failure> {
        if self.owned.is_some() {
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
        }
    }

    /// Runs `work`, which is a single statement and so a transaction of its own.
    pub(super) fn change(
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

    fn write_records(
        &mut self,
        records: &[PeerRecord],
        statements: usize,
        noted: &[Noted],
        write: &dyn Fn(&Connection, Layout) -> Result<(), Failure>,
    ) -> Result<()> {
        let layout = self.layout();
        if statements + noted.len() == 0 {
            return Ok(());
        }
        let addresses = records.iter().map(|record| &record.address);
        if !layout.holds_any(addresses.chain(noted.iter().map(|noted| &noted.address))) {
            return self.check_process("cannot write to");
        }
        // One row needs only the transaction of its own statement.
        if statements == 1 && noted.is_empty() && self.owned.is_some() {
            return self.change(1, &mut |conn| write(conn, layout));
        }
        let mut has_data = false;
        self.in_transaction(records.len() + noted.len(), &mut |conn, side| {
            if statements > 0 {
                write(conn, layout)?;
            }
            has_data = write_noted(conn, side, layout, noted)?;
            Ok(())
        })?;
        self.note_data(has_data);
        Ok(())
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
            Failure::Damage(detail) => Error::corrupt(action, detail, ADVICE_CORRUPT),
            Failure::Ignored(address) => Error::database(
                action,
                format!(
                    "nothing was written for {address}; look for a trigger of the database that prevents it"
                ),
            ),
        }
    }
}

/// Writes the row of a peer as it is, new or not; a new row, after all others, if it is renewed.
fn put(
    conn: &Connection,
    layout: Layout,
    statement: &mut Statement<'_>,
    record: &PeerRecord,
    is_renewed: bool,
) -> Result<(), Failure> {
    if !is_renewed && write_rows(conn, statement, layout, &[record])? > 0 {
        return Ok(());
    }
    // Only the row with this key is deleted first: INSERT OR REPLACE would also delete rows that conflict by one of the
    // file's own constraints.
    conn.execute_batch("SAVEPOINT peer_manager_row")?;
    let replaced = delete_row(conn, &record.address)
        .map_err(Failure::from)
        .and_then(|_| write_rows(conn, statement, layout, &[record]))
        .and_then(|rows| if rows > 0 { Ok(()) } else { Err(Failure::Ignored(record.address.clone())) });
    let end = if replaced.is_ok() { "RELEASE" } else { "ROLLBACK TO peer_manager_row; RELEASE" };
    conn.execute_batch(&format!("{end} peer_manager_row"))?;
    replaced
}

/// Writes rows of peers as they are, new or not, and new ones for those that are renewed. Those that the layout cannot hold
/// have none.
pub(super) fn replace_all(
    conn: &Connection,
    layout: Layout,
    records: &[PeerRecord],
    renewed: &[usize],
) -> Result<(), Failure> {
    let mut statement = conn.prepare_cached(PUT)?;
    let mut renewed = renewed.iter().peekable();
    for (position, record) in records.iter().enumerate() {
        let is_renewed = renewed.next_if_eq(&&position).is_some();
        if layout.holds(&record.address) {
            put(conn, layout, &mut statement, record, is_renewed)?;
        }
    }
    Ok(())
}

/// Whether data of peers is written to the file.
fn writes_data(side: SideTables, layout: Layout) -> bool {
    layout == Layout::Specification && side.data != Presence::Another
}

/// Writes the histories and data that go with records, as far as there are tables for them; returns whether there is a table of
/// data afterwards.
fn write_noted(
    conn: &Connection,
    side: SideTables,
    layout: Layout,
    noted: &[Noted],
) -> Result<bool, Failure> {
    if side.history == Presence::Present {
        history::write(conn, noted.iter().filter_map(|noted| Some((&noted.address, noted.times?))))?;
    }
    if !writes_data(side, layout) {
        return Ok(false);
    }
    let data = noted.iter().filter_map(|noted| Some((&noted.address, noted.data.as_deref()?)));
    data::write(conn, side.data, data)
}

fn insert_all(
    conn: &Connection,
    layout: Layout,
    is_owned: bool,
    records: &[PeerRecord],
) -> Result<(), Failure> {
    let mut insert = conn.prepare_cached(match layout {
        Layout::Specification => INSERT,
        Layout::StellarCore => INSERT_STELLAR_CORE,
    })?;
    write_new(conn, layout, is_owned, &mut records.iter(), &mut |record| {
        let host = HostText::of(record.address.host());
        let key = params![host.as_str(), record.address.port()];
        // Another program may have written it.
        if write_rows(conn, &mut insert, layout, &[record])? > 0
            || conn.prepare_cached(FIND_BY_KEY)?.exists(key)?
        {
            return Ok(());
        }
        Err(Failure::Ignored(record.address.clone()))
    })
}
