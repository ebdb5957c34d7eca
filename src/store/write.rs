//! Writing changes: each call here is one transaction, done wholly or not at all.

use rusqlite::{Connection, Savepoint, Statement, ToSql, Transaction, TransactionBehavior, params};

use super::Store;
use super::layout::Layout;
use super::timestamp::Timestamp;
use crate::address::{HostText, PeerAddress};
use crate::changes::Changes;
use crate::error::{Error, Result};
use crate::peer::PeerRecord;

/// What the specification's INSERT OR REPLACE does, but the row of a known peer keeps its place, and its entry in the
/// index is not touched: that is one page to write instead of three. A row with the same key in another spelling, or as
/// another type, is left to the statement below.
const PUT: &str = "INSERT INTO main.peers (ip, port, nextattempt, numfailures, type) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (ip, port) DO UPDATE SET \
       nextattempt = excluded.nextattempt, numfailures = excluded.numfailures, type = excluded.type \
     WHERE typeof(ip) = 'text' AND ip = excluded.ip COLLATE BINARY AND typeof(port) = 'integer'";
const REPLACE: &str = "INSERT OR REPLACE INTO main.peers (ip, port, nextattempt, numfailures, type) VALUES (?1, ?2, ?3, ?4, ?5)";
/// The specification's INSERT OR IGNORE, except that a row which is no valid peer gives way: ignoring the newcomer
/// then would lose it at the next start. Such a row can have the same key in another spelling, or as another type.
macro_rules! insert {
    ($next_attempt_is_valid:literal) => {
        concat!(
            "INSERT INTO main.peers (ip, port, nextattempt, numfailures, type) VALUES (?1, ?2, ?3, ?4, ?5) \
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
/// Here a time that is not as stellar-core and we write it gives way, too, even if it would be read.
/// (Without a modifier, older versions of SQLite leave the 29th of February in every year.)
const INSERT_STELLAR_CORE: &str = insert!("nextattempt IS datetime(nextattempt, '+0 days')");
const DELETE: &str = "DELETE FROM main.peers WHERE ip = ?1 AND port = ?2";
const DELETE_FAILED: &str = "DELETE FROM main.peers WHERE numfailures >= ?1";
const DELETE_ALL: &str = "DELETE FROM main.peers";

impl Store {
    /// Adds peers that are new.
    pub(crate) fn insert(&mut self, records: &[PeerRecord]) -> Result<()> {
        self.write_records(insert_all, records)
    }

    /// Writes peers as they are now, new or not.
    pub(crate) fn replace(&mut self, records: &[PeerRecord]) -> Result<()> {
        self.write_records(replace_all, records)
    }

    /// Deletes peers and writes others in their place.
    pub(crate) fn displace(&mut self, displaced: &[PeerAddress], records: &[PeerRecord]) -> Result<()> {
        let layout = self.layout();
        if !layout.holds_any(displaced) && !layout.holds_any(records.iter().map(|record| &record.address)) {
            return self.check_process("cannot write to");
        }
        self.in_transaction(|conn| {
            delete_each(conn, layout, displaced)?;
            replace_all(conn, layout, records)
        })
    }

    /// Writes the changes of a table, all in one transaction.
    pub(crate) fn write_changes(&mut self, changes: &Changes) -> Result<()> {
        let layout = self.layout();
        let put = || changes.put.iter().map(|put| &put.record);
        let concerns_file = changes.clears
            || layout.holds_any(&changes.removed)
            || layout.holds_any(put().map(|record| &record.address));
        if !concerns_file {
            return self.check_process("cannot write to");
        }
        self.in_transaction(|conn| {
            if changes.clears {
                conn.execute(DELETE_ALL, [])?;
            }
            delete_each(conn, layout, &changes.removed)?;
            replace_all(conn, layout, put())
        })
    }

    /// Deletes one peer.
    pub(crate) fn delete(&mut self, address: &PeerAddress) -> Result<()> {
        if !self.layout().holds(address) {
            return self.check_process("cannot write to");
        }
        let host = HostText::of(address.host());
        self.execute(DELETE, params![host.as_str(), address.port()])
    }

    /// Deletes the peers with at least `min_num_failures`.
    pub(crate) fn delete_with_failures(&mut self, min_num_failures: u32) -> Result<()> {
        self.execute(DELETE_FAILED, [min_num_failures])
    }

    /// Deletes all peers.
    pub(crate) fn delete_all(&mut self) -> Result<()> {
        self.execute(DELETE_ALL, [])
    }

    /// Runs `work` in a transaction of its own, or in a savepoint of the host's connection.
    pub(super) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.check_process("cannot write to")?;
        let done = if self.owned.is_some() {
            Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate).and_then(|transaction| {
                let value = work(&transaction)?;
                transaction.commit()?;
                Ok(value)
            })
        } else {
            let begins_transaction = self.conn.is_autocommit();
            let done = Savepoint::with_name(&mut self.conn, "peer_manager").and_then(|savepoint| {
                let value = work(&savepoint)?;
                savepoint.commit()?;
                Ok(value)
            });
            // Releasing a savepoint that has begun the transaction is a commit, which can fail even when all was undone
            // before: another connection reads on, or the disk fails. A ROLLBACK ends it for certain.
            if begins_transaction && !self.conn.is_autocommit() {
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            done
        };
        done.map_err(|error| self.write_failed(&error))
    }

    fn write_records<'a>(
        &mut self,
        write: impl FnOnce(&Connection, Layout, &'a [PeerRecord]) -> rusqlite::Result<()>,
        records: &'a [PeerRecord],
    ) -> Result<()> {
        let layout = self.layout();
        match records {
            [] => Ok(()),
            _ if !layout.holds_any(records.iter().map(|record| &record.address)) => {
                self.check_process("cannot write to")
            }
            // One row needs no transaction but that of its statement.
            [_] if self.owned.is_some() => {
                self.check_process("cannot write to")?;
                write(&self.conn, layout, records).map_err(|error| self.write_failed(&error))
            }
            _ => self.in_transaction(|conn| write(conn, layout, records)),
        }
    }

    /// Runs one statement; SQLite makes it a transaction of its own.
    fn execute(&mut self, sql: &str, params: impl rusqlite::Params) -> Result<()> {
        self.check_process("cannot write to")?;
        let done = self.conn.prepare_cached(sql).and_then(|mut statement| statement.execute(params));
        done.map(drop).map_err(|error| self.write_failed(&error))
    }

    fn write_failed(&self, error: &rusqlite::Error) -> Error {
        Error::sqlite(format!("cannot write to {}", self.name), error)
    }
}

/// Writes rows of peers as they are, new or not; those that the layout cannot hold have none.
pub(super) fn replace_all<'a>(
    conn: &Connection,
    layout: Layout,
    records: impl IntoIterator<Item = &'a PeerRecord>,
) -> rusqlite::Result<()> {
    let mut put = conn.prepare_cached(PUT)?;
    for record in records.into_iter().filter(|record| layout.holds(&record.address)) {
        if write_row(&mut put, layout, record)? == 0 {
            write_row(&mut *conn.prepare_cached(REPLACE)?, layout, record)?;
        }
    }
    Ok(())
}

/// Deletes the rows of peers. One that the layout cannot hold has none; if there is one with that key, it is not ours.
fn delete_each(conn: &Connection, layout: Layout, addresses: &[PeerAddress]) -> rusqlite::Result<()> {
    let mut delete = conn.prepare_cached(DELETE)?;
    addresses.iter().filter(|address| layout.holds(address)).try_for_each(|address| {
        delete.execute(params![HostText::of(address.host()).as_str(), address.port()]).map(drop)
    })
}

fn insert_all(conn: &Connection, layout: Layout, records: &[PeerRecord]) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached(match layout {
        Layout::Specification => INSERT,
        Layout::StellarCore => INSERT_STELLAR_CORE,
    })?;
    let mut records = records.iter().filter(|record| layout.holds(&record.address));
    records.try_for_each(|record| write_row(&mut insert, layout, record).map(drop))
}

/// Says how many rows were written.
fn write_row(statement: &mut Statement<'_>, layout: Layout, record: &PeerRecord) -> rusqlite::Result<usize> {
    let host = HostText::of(record.address.host());
    let timestamp = (layout == Layout::StellarCore).then(|| Timestamp::of(record.next_attempt));
    let text = timestamp.as_ref().map(Timestamp::as_str);
    let next_attempt: &dyn ToSql = if text.is_some() { &text } else { &record.next_attempt };
    statement.execute(params![
        host.as_str(),
        record.address.port(),
        next_attempt,
        record.num_failures,
        record.peer_type as u8
    ])
}
