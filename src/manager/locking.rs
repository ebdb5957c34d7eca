//! The locking protocol: the writer lock before the table lock, and neither is held while waiting for a clock or a callback,
//! nor the table lock while waiting for the disk.

use super::deferred::Deferred;
use super::sharing::Sharing;
use super::{PeerManager, Writer};
use crate::error::{Error, Result};
use crate::query::TimedQuery;
use crate::store::Store;
use crate::sync::{MutexGuard, Ordering, RwLockReadGuard, RwLockWriteGuard, is_poisoned, let_others_in};
use crate::system::fault::inject_panic;
use crate::system::process::Process;
use crate::system::signals::without_file_size_signal;
use crate::table::PeerTable;

/// The locking protocol.
impl PeerManager {
    pub(super) fn lock_writer(&self) -> Result<MutexGuard<'_, Writer>> {
        self.check_process()?;
        self.check_health()?;
        let mut writer = self.writer.lock().map_err(|_| Error::poisoned())?;
        if !writer.process.is_current() {
            // The parent goes on using the same stream.
            writer.rng = self.random.stream();
            writer.process = Process::current();
        }
        inject_panic("change");
        Ok(writer)
    }

    pub(super) fn read(&self) -> Result<RwLockReadGuard<'_, PeerTable>> {
        self.check_health()?;
        self.read_table()
    }

    /// As [`read`](Self::read), for a change, which has checked the health already.
    pub(super) fn read_table(&self) -> Result<RwLockReadGuard<'_, PeerTable>> {
        self.table.read().map_err(|_| Error::poisoned())
    }

    pub(super) fn write_table(&self) -> Result<RwLockWriteGuard<'_, PeerTable>> {
        self.table.write().map_err(|_| Error::poisoned())
    }

    /// Refuses after a panic while any of the locks was held, or in the background thread: what memory or the file holds
    /// can no longer be trusted. Cost: an atomic load for each lock.
    pub(crate) fn check_health(&self) -> Result<()> {
        let is_broken = is_poisoned(&self.writer)
            || is_poisoned(&*self.table)
            || self.sharing.as_ref().is_some_and(Sharing::is_poisoned)
            || self.deferred.as_ref().is_some_and(Deferred::is_broken);
        if is_broken { Err(self.broken()) } else { Ok(()) }
    }

    #[cold]
    fn broken(&self) -> Error {
        let deferred = self.deferred.as_ref().filter(|deferred| deferred.is_broken());
        deferred.map_or_else(Error::poisoned, Deferred::broken)
    }

    /// Whether this process is a fork of the one that opened the manager's own file.
    pub(super) fn is_forked(&self) -> bool {
        self.own_file.as_ref().is_some_and(|file| !file.process.is_current())
    }

    /// Refuses changes in a fork of the process that opened the manager's own file.
    pub(super) fn check_process(&self) -> Result<()> {
        match &self.own_file {
            Some(file) if !file.process.is_current() => {
                Err(Error::forked(format!("cannot write to {}", file.file.name())))
            }
            _ => Ok(()),
        }
    }

    /// Answers a query from a table whose time is near the query's, and that knows its netgroups if it draws by netgroup.
    pub(super) fn ask<T>(
        &self,
        timed: TimedQuery<'_>,
        answer: impl FnOnce(&PeerTable) -> Result<T>,
    ) -> Result<T> {
        self.ask_arranged(timed.now, timed.query.max_per_netgroup != 0, answer)
    }

    pub(super) fn ask_arranged<T>(
        &self,
        now: Option<i64>,
        is_by_netgroup: bool,
        answer: impl FnOnce(&PeerTable) -> Result<T>,
    ) -> Result<T> {
        let table = self.read()?;
        if now.is_none_or(|now| table.is_near(now)) && (table.is_grouped() || !is_by_netgroup) {
            return answer(&table);
        }
        drop(table);
        loop {
            let mut table = self.write_table()?;
            if let Some(now) = now {
                table.advance(now);
            }
            // After advancing, which drops the netgroups when there is no memory to keep them up to date.
            if is_by_netgroup && !table.is_grouped() {
                table.group_in_part().map_err(|_| Error::no_memory("to draw by netgroup"))?;
            }
            if table.is_grouped() || !is_by_netgroup {
                // Under the lock for writing: other queries wait for this one, once in a second or less.
                return answer(&table);
            }
            drop(table);
            let_others_in();
        }
    }

    /// Tells the thread that writes to the database, if there is one, that the table has changed.
    pub(super) fn note_change(&self) {
        if let Some(deferred) = &self.deferred {
            deferred.wake();
        }
    }

    /// Writes a change to the database, if there is one, then applies it to the table, which is locked already. `reserve`
    /// allocates all memory that `apply` needs, and fails with nothing done. Between the two, queries may advance the table and
    /// have it set up its netgroups, which can do without memory. Where nothing is written here (in memory, and with DEFERRED)
    /// the lock is kept, so nothing changes in between: the thread that takes the dirty set would take the reserved memory with
    /// it.
    ///
    /// Not generic: a copy for each change would make ten times the code.
    pub(super) fn change<'a>(
        &'a self,
        mut table: RwLockWriteGuard<'a, PeerTable>,
        writer: &mut Writer,
        reserve: &dyn Fn(&mut PeerTable) -> Result<()>,
        write: &dyn Fn(&mut Store) -> Result<()>,
        apply: &mut dyn FnMut(&mut PeerTable),
    ) -> Result<()> {
        reserve(&mut table)?;
        if writer.store.is_some() {
            drop(table);
            self.write(writer, write)?;
            table = self.write_table()?;
        }
        apply(&mut table);
        drop(table);
        self.note_change();
        Ok(())
    }

    /// Writes to the database, if there is one.
    pub(super) fn write(&self, writer: &mut Writer, change: &dyn Fn(&mut Store) -> Result<()>) -> Result<()> {
        let Some(store) = &mut writer.store else { return Ok(()) };
        without_file_size_signal(|| change(store)).inspect_err(|_| {
            self.failed_writes.fetch_add(1, Ordering::Relaxed);
        })
    }
}
