//! The peer manager: the public Rust API, and the only place that locks.
//!
//! Two locks, always taken in this order:
//!
//! 1. `writer`, a mutex around the database. Every change holds it from reading the old state to applying the
//!    new one, so each is atomic against every other.
//! 2. `table`, a read-write lock around the memory. Questions read it; a change writes it for the moment of its
//!    application, after the database has committed.
//!
//! What is shared with everyone for a while is behind one more, taken before `table` and never with `writer`
//! ([`sharing`]). With the durability DEFERRED the database is behind a lock of its own instead, which no change takes ([`deferred`]).
//!
//! The table lock is never held across I/O, and no lock is held while the clock is read. So a question never
//! waits for the disk, and a clock that calls back into the manager is fine.
//!
//! A fork copies the locks as they are, and a lock that another thread held is never released in the child. So what a
//! child may not do is refused before any is taken.

#[cfg(any(feature = "ffi", feature = "rusqlite"))]
mod borrowed;
mod choosing;
mod deferred;
mod import;
mod peers;
mod sharing;

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use rand::rngs::ChaCha12Rng;

use crate::clock::Clock;
use crate::error::{Error, Quoted, Result};
use crate::options::{Durability, OnCorrupt, Options};
use crate::query::PeerQuery;
use crate::random::RandomSource;
use crate::store::{DatabaseFile, Quarantine, Store, quarantine};
use crate::sync::{
    Arc, AtomicU64, Mutex, MutexGuard, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, downgrade,
    is_poisoned,
};
use crate::system::fault::inject_panic;
use crate::system::process::Process;
use crate::system::signals::without_file_size_signal;
use crate::table::{Bounds, PeerTable};
use deferred::Deferred;
use sharing::Sharing;

/// A table of peers, in memory and, if it was opened with a database, on disk.
///
/// It may be used from any number of threads at once. A call that fails has changed nothing, neither in memory
/// nor on disk. One manager at a time has a database file open.
///
/// After a panic inside a change or in the manager's own thread (a bug in this library), every call that can fail returns
/// [`Error::Internal`], and [`peer_count`](Self::peer_count) returns 0.
///
/// ```
/// use peer_manager::{BackOffUpdate, PeerAddress, PeerManager, PeerQuery, StoredPeerType};
///
/// let manager = PeerManager::new_in_memory()?;
/// let address: PeerAddress = "core-live-a.stellar.org:11625".parse()?;
/// manager.ensure_exists(&address)?;
/// manager.update(&address, StoredPeerType::Outbound, false, BackOffUpdate::HardReset)?;
/// assert_eq!(manager.load_random_peers(&PeerQuery::default(), 8)?, [address]);
/// # Ok::<(), peer_manager::Error>(())
/// ```
#[derive(Debug)]
pub struct PeerManager {
    writer: Mutex<Writer>,
    table: Arc<RwLock<PeerTable>>,
    /// With the durability DEFERRED, what writes to the database.
    deferred: Option<Deferred>,
    /// With a cache for what is shared, what was chosen.
    sharing: Option<Sharing>,
    clock: Clock,
    random: RandomSource,
    durability: Durability,
    skipped_rows: u64,
    quarantine: Option<Quarantine>,
    failed_writes: AtomicU64,
    refused_peers: AtomicU64,
    /// Where the database is, if there is one in a file.
    path: Option<PathBuf>,
    /// The database, if the manager has opened it itself.
    own_file: Option<OwnFile>,
    busy_timeout: Duration,
}

/// What a change needs besides the table.
#[derive(Debug)]
struct Writer {
    /// The database, if there is one and changes are written to it before they are applied.
    store: Option<Store>,
    /// Draws the back-off times.
    rng: ChaCha12Rng,
    /// The process in which `rng` was made: a fork needs another.
    process: Process,
}

/// What a child that was forked must leave alone.
#[derive(Debug)]
struct OwnFile {
    /// The process that opened it.
    process: Process,
    /// Let go of after the connection to it.
    file: Arc<DatabaseFile>,
}

/// A table with what it came from.
struct Loaded {
    table: PeerTable,
    store: Option<Store>,
    skipped_rows: u64,
    /// Peers that the bounds left in the file.
    left_out: u64,
    quarantine: Option<Quarantine>,
}

/// Opening.
impl PeerManager {
    /// Opens a table as the options say.
    ///
    /// Cost: linear in the rows of the database.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an option that makes no sense, or a path that is no file's;
    /// [`Error::Unsupported`] when the system has no random numbers; with a database, [`Error::Database`],
    /// [`Error::Busy`], [`Error::DiskFull`], or [`Error::Corrupt`] when the file is not a database of peers.
    pub fn open(options: Options) -> Result<Self> {
        options.check()?;
        without_file_size_signal(|| {
            let loaded = match &options.db_path {
                None => Loaded {
                    table: empty_table(&options),
                    store: None,
                    skipped_rows: 0,
                    left_out: 0,
                    quarantine: None,
                },
                Some(path) => open_file(path, &options)?,
            };
            Self::with(loaded, options)
        })
    }

    /// Makes an empty table that lives in memory only.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the system has no random numbers.
    pub fn new_in_memory() -> Result<Self> {
        Self::open(Options::default())
    }

    /// Opens the database file at `db_path`, made if there is none, with the default options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new_with_db(db_path: impl AsRef<Path>) -> Result<Self> {
        Self::open(Options { db_path: Some(db_path.as_ref().to_owned()), ..Options::default() })
    }

    fn with(loaded: Loaded, options: Options) -> Result<Self> {
        let random = RandomSource::new(options.rng_seed)?;
        let table = Arc::new(RwLock::new(loaded.table));
        let path = loaded.store.as_ref().and_then(Store::path);
        let file = loaded.store.as_ref().and_then(Store::file);
        let own_file = file.map(|file| OwnFile { process: Process::current(), file });
        let (store, deferred) = match loaded.store {
            Some(store) if options.durability == Durability::Deferred => {
                (None, Some(Deferred::start(store, Arc::clone(&table), options.flush_interval)?))
            }
            store => (store, None),
        };
        Ok(Self {
            writer: Mutex::new(Writer { store, rng: random.stream(), process: Process::current() }),
            table,
            deferred,
            sharing: Sharing::new(&options),
            clock: options.clock,
            random,
            durability: options.durability,
            skipped_rows: loaded.skipped_rows,
            quarantine: loaded.quarantine,
            failed_writes: AtomicU64::new(0),
            refused_peers: AtomicU64::new(loaded.left_out),
            path,
            own_file,
            busy_timeout: options.busy_timeout,
        })
    }

    /// Returns once all that earlier calls changed is on disk, where it survives a loss of power.
    ///
    /// With [`Durability::Deferred`] this writes what is pending, and fails if that cannot be written: then it stays
    /// pending. With [`Durability::Commit`] it synchronises the file; with [`Durability::Sync`] all is there already.
    /// On a borrowed connection that is the host's business, and in memory there is nothing to do.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Busy`] (another connection reads on, or writes, past the busy timeout),
    /// [`Error::DiskFull`], [`Error::Corrupt`].
    ///
    /// A file that was deleted, moved away, replaced or cut off while it was open is [`Error::Database`] with the
    /// [code](crate::Error::sqlite_code) 1032, here and for every change; nothing is written then, and memory has all peers.
    /// With [`Durability::Deferred`], a change that a constraint of the file's own has refused is told once, when everything
    /// else is on disk.
    pub fn flush(&self) -> Result<()> {
        if let Some(deferred) = &self.deferred {
            self.check_process()?;
            self.check_health()?;
            return without_file_size_signal(|| deferred.flush());
        }
        let mut writer = self.lock_writer()?;
        self.write(&mut writer, &|store| store.flush())
    }

    /// What became of the file, if it was damaged and [`OnCorrupt::Quarantine`] asked to go on.
    #[must_use]
    pub fn quarantine(&self) -> Option<&Quarantine> {
        self.quarantine.as_ref()
    }
}

/// The locking protocol.
impl PeerManager {
    fn lock_writer(&self) -> Result<MutexGuard<'_, Writer>> {
        self.check_process()?;
        self.check_health()?;
        let mut writer = self.writer.lock().map_err(|_| Error::poisoned())?;
        if !writer.process.is_current() {
            // The parent goes on with the same one.
            writer.rng = self.random.stream();
            writer.process = Process::current();
        }
        inject_panic("change");
        Ok(writer)
    }

    fn read(&self) -> Result<RwLockReadGuard<'_, PeerTable>> {
        self.check_health()?;
        self.table.read().map_err(|_| Error::poisoned())
    }

    fn write_table(&self) -> Result<RwLockWriteGuard<'_, PeerTable>> {
        self.table.write().map_err(|_| Error::poisoned())
    }

    /// Refuses after a panic, wherever that was: what is in memory, or what becomes of it, is not certain any more. Cost:
    /// an atomic load for each lock.
    pub(crate) fn check_health(&self) -> Result<()> {
        if let Some(deferred) = &self.deferred {
            deferred.check_health()?;
        }
        let is_broken = is_poisoned(&self.writer)
            || is_poisoned(&*self.table)
            || self.sharing.as_ref().is_some_and(Sharing::is_poisoned);
        if is_broken { Err(Error::poisoned()) } else { Ok(()) }
    }

    /// Whether this process is a fork of the one that opened the manager's own file.
    fn is_forked(&self) -> bool {
        self.own_file.as_ref().is_some_and(|file| !file.process.is_current())
    }

    /// Refuses changes in a fork of the process that opened the manager's own file.
    fn check_process(&self) -> Result<()> {
        match &self.own_file {
            Some(file) if !file.process.is_current() => {
                Err(Error::forked(format!("cannot write to {}", file.file.name())))
            }
            _ => Ok(()),
        }
    }

    /// Answers a question, from a table that is split at `now`, if given, and grouped, if the query draws by network group.
    fn ask<T>(
        &self,
        query: &PeerQuery<'_>,
        now: Option<i64>,
        question: impl FnOnce(&PeerTable) -> Result<T>,
    ) -> Result<T> {
        self.ask_arranged(now, query.max_per_netgroup != 0, question)
    }

    /// Answers a question from a table that is split at `now`, and splits it there first if it is not.
    fn read_at<T>(&self, now: i64, question: impl FnOnce(&PeerTable) -> Result<T>) -> Result<T> {
        self.ask_arranged(Some(now), false, question)
    }

    fn ask_arranged<T>(
        &self,
        now: Option<i64>,
        is_by_netgroup: bool,
        question: impl FnOnce(&PeerTable) -> Result<T>,
    ) -> Result<T> {
        let table = self.read()?;
        let is_split = |table: &PeerTable| now.is_none_or(|now| table.is_as_of(now));
        if is_split(&table) && (table.is_grouped() || !is_by_netgroup) {
            return question(&table);
        }
        drop(table);
        let mut table = self.write_table()?;
        if let Some(now) = now {
            table.advance(now);
        }
        // Afterwards, because without memory the groups are let go.
        if is_by_netgroup && !table.is_grouped() {
            table.group().map_err(|_| Error::no_memory("to draw by netgroup"))?;
        }
        question(&downgrade(table))
    }

    /// Tells the thread that writes to the database, if there is one, that the table has changed.
    fn note_change(&self) {
        if let Some(deferred) = &self.deferred {
            deferred.wake();
        }
    }

    /// Changes the table, and before that the database, if there is one. `reserve` asks for all memory that `apply` needs,
    /// and fails with nothing done. Both see the same table but for the time of its split; with DEFERRED it is the same in
    /// that, too, because the room to note what has changed is gone when the changes are taken.
    ///
    /// Not generic, because one copy of this takes a tenth of what one for each change takes.
    fn change(
        &self,
        writer: &mut Writer,
        reserve: &dyn Fn(&mut PeerTable) -> Result<()>,
        write: &dyn Fn(&mut Store) -> Result<()>,
        apply: &mut dyn FnMut(&mut PeerTable),
    ) -> Result<()> {
        let mut table = self.write_table()?;
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
    fn write(&self, writer: &mut Writer, change: &dyn Fn(&mut Store) -> Result<()>) -> Result<()> {
        let Some(store) = &mut writer.store else { return Ok(()) };
        without_file_size_signal(|| change(store)).inspect_err(|_| {
            self.failed_writes.fetch_add(1, Ordering::Relaxed);
        })
    }
}

impl Drop for PeerManager {
    /// Flushes: what is pending is written, and SQLite synchronises a file by itself only when its last connection is
    /// closed. Waits at most the busy timeout for another connection that uses the file.
    ///
    /// In a fork of the process that opened the manager, nothing is touched.
    fn drop(&mut self) {
        let is_forked = self.is_forked();
        // A lock that another thread had at the fork is never given back here, and what it guards is half done.
        let is_at_rest = !is_forked || self.writer.try_lock().is_ok();
        let store = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).store.take();
        let deferred = self.deferred.take();
        if is_forked {
            // The descriptors and the lock are the parent's too: closing would take them from under it. But SQLite must
            // forget what it had open, or another connection of this process would be without locks.
            let mut store = ManuallyDrop::new(store);
            if let Some(store) = store.as_mut().filter(|_| is_at_rest) {
                store.abandon();
            }
            if let Some(deferred) = &*ManuallyDrop::new(deferred) {
                deferred.abandon();
            }
            return;
        }
        without_file_size_signal(|| {
            if let Some(deferred) = deferred {
                deferred.close();
            }
            if let Some(store) = store {
                // There is nobody to tell; what is committed stays so.
                let _ = store.flush();
            }
        });
    }
}

/// A table without peers, as the options have it.
fn empty_table(options: &Options) -> PeerTable {
    let bounds = Bounds::new(options.max_peers, options.max_peers_per_netgroup);
    PeerTable::new(options.clock.now(), bounds)
}

/// Opens a database file and loads it; if it is damaged, as the options say.
fn open_file(path: &Path, options: &Options) -> Result<Loaded> {
    let text = path.as_os_str();
    if text.is_empty() || text == ":memory:" {
        return Err(Error::InvalidArgument(format!(
            "db_path {} is no file's; give the path of one, or none for a table in memory",
            Quoted(&path.to_string_lossy())
        )));
    }
    let file = Arc::new(DatabaseFile::acquire(path, options.busy_timeout)?);
    let open = || load(Store::open(&file, options.busy_timeout)?, options);
    let result = match open() {
        Err(Error::Corrupt(_)) if options.on_corrupt == OnCorrupt::Quarantine => {
            let quarantine = quarantine(&file)?;
            let loaded = open()?;
            Ok(Loaded { skipped_rows: quarantine.lost_rows, quarantine: Some(quarantine), ..loaded })
        }
        result => result,
    };
    result.inspect_err(|_| file.undo())
}

/// Reads a database into a table, and gets it ready to be written.
fn load(mut store: Store, options: &Options) -> Result<Loaded> {
    let mut table = empty_table(options);
    let (skipped_rows, left_out) = table.load(|reserve, put| store.load_all(reserve, put))?;
    store.begin(options.durability, options.busy_timeout)?;
    Ok(Loaded { table, store: Some(store), skipped_rows, left_out: left_out as u64, quarantine: None })
}
