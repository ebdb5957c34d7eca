//! The peer manager: the public Rust API, and the only place that locks.
//!
//! Two locks, always taken in this order:
//!
//! 1. `writer`, a mutex around the database. Every change holds it from reading the old state to applying the
//!    new one, so each is atomic against every other.
//! 2. `table`, a read-write lock around the memory. Questions read it; a change writes it for the moment of its
//!    application, after the database has committed.
//!
//! The table lock is never held across I/O, and no lock is held while the clock is read. So a question never
//! waits for the disk, and a clock that calls back into the manager is fine.

mod choosing;
mod peers;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rand::rngs::ChaCha12Rng;

use crate::clock::Clock;
use crate::error::{Error, Quoted, Result};
use crate::options::{Durability, Options, unsupported_here};
use crate::peer::PeerRecord;
use crate::query::PeerQuery;
use crate::random::RandomSource;
use crate::store::Store;
use crate::table::PeerTable;

/// A table of peers, in memory and, if it was opened with a database, on disk.
///
/// It may be used from any number of threads at once. A call that fails has changed nothing, neither in memory
/// nor on disk.
///
/// After a panic inside a change (a defect of this library) the manager refuses all further changes with
/// [`Error::Internal`], and questions too if it happened while memory was being changed.
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
    table: RwLock<PeerTable>,
    clock: Clock,
    random: RandomSource,
    durability: Durability,
    skipped_rows: u64,
    failed_writes: AtomicU64,
}

/// What a change needs besides the table.
#[derive(Debug)]
struct Writer {
    /// The database, if there is one.
    store: Option<Store>,
    /// Draws the back-off times.
    rng: ChaCha12Rng,
}

/// Opening.
impl PeerManager {
    /// Opens a table as the options say.
    ///
    /// Cost: linear in the rows of the database.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an option that this version does not carry out; with a database,
    /// [`Error::InvalidArgument`] for a path that is no file's, [`Error::Database`], [`Error::Busy`],
    /// [`Error::DiskFull`], or [`Error::Corrupt`] when the file is not a database of peers.
    pub fn open(options: Options) -> Result<Self> {
        options.check()?;
        let store = match &options.db_path {
            None => None,
            Some(path) => Some(open_store(path, &options)?),
        };
        Self::with_store(store, options)
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

    /// Opens the table in the `main` database of a connection that the host has set up.
    ///
    /// The connection's settings stay as they are: no PRAGMA is run, changes are single statements or a
    /// SAVEPOINT (so they become part of a transaction that is open), and no statement lives between two calls.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_connection(conn: rusqlite::Connection) -> Result<Self> {
        Self::with_store(Some(Store::borrow(conn)?), Options::default())
    }

    fn with_store(store: Option<Store>, options: Options) -> Result<Self> {
        let mut table = PeerTable::new(options.clock.now());
        let mut skipped_rows = 0;
        if let Some(store) = &store {
            table.reserve(store.expected_rows()?);
            let mut loaded = Ok(0);
            table.load(|put| loaded = store.load_all(put));
            skipped_rows = loaded?;
            if table.len() >= PeerTable::MAX_PEERS {
                return Err(too_many(table.len()));
            }
        }
        let random = RandomSource::new(options.rng_seed)?;
        Ok(Self {
            writer: Mutex::new(Writer { store, rng: random.stream() }),
            table: RwLock::new(table),
            clock: options.clock,
            random,
            durability: options.durability,
            skipped_rows,
            failed_writes: AtomicU64::new(0),
        })
    }

    /// Makes everything that earlier calls changed survive a loss of power.
    ///
    /// With [`Durability::Sync`] it does already; with [`Durability::Commit`] this synchronises the file. On a
    /// borrowed connection that is the host's business, and in memory there is nothing to do.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Busy`] (another connection reads on past the busy timeout),
    /// [`Error::DiskFull`].
    pub fn flush(&self) -> Result<()> {
        let mut writer = self.lock_writer()?;
        self.write(&mut writer, |store| store.flush())
    }
}

/// The locking protocol.
impl PeerManager {
    fn lock_writer(&self) -> Result<MutexGuard<'_, Writer>> {
        self.writer.lock().map_err(|_| Error::poisoned())
    }

    fn read(&self) -> Result<RwLockReadGuard<'_, PeerTable>> {
        self.table.read().map_err(|_| Error::poisoned())
    }

    fn write_table(&self) -> Result<RwLockWriteGuard<'_, PeerTable>> {
        self.table.write().map_err(|_| Error::poisoned())
    }

    /// Answers a question, from a table that is split at the present if the query asks what is due.
    fn ask<T>(&self, query: &PeerQuery<'_>, question: impl FnOnce(&PeerTable) -> T) -> Result<T> {
        if query.max_per_netgroup != 0 {
            return Err(unsupported_here("a non-zero max_per_netgroup", "use 0"));
        }
        if query.use_next_attempt {
            self.read_at(self.clock.now(), question)
        } else {
            Ok(question(&*self.read()?))
        }
    }

    /// Answers a question from a table that is split at `now`, and splits it there first if it is not.
    fn read_at<T>(&self, now: i64, question: impl FnOnce(&PeerTable) -> T) -> Result<T> {
        let table = self.read()?;
        if table.is_split_at(now) {
            return Ok(question(&table));
        }
        drop(table);
        let mut table = self.write_table()?;
        table.advance(now);
        Ok(question(&RwLockWriteGuard::downgrade(table)))
    }

    /// Refuses records that would make the table larger than it can be.
    fn check_room(&self, records: &[PeerRecord]) -> Result<()> {
        let table = self.read()?;
        if table.len().saturating_add(records.len()) < PeerTable::MAX_PEERS {
            return Ok(());
        }
        let new = records.iter().filter(|record| !table.contains(&record.address)).count();
        if table.len().saturating_add(new) < PeerTable::MAX_PEERS { Ok(()) } else { Err(too_many(new)) }
    }

    /// Writes to the database, if there is one.
    fn write(&self, writer: &mut Writer, change: impl FnOnce(&mut Store) -> Result<()>) -> Result<()> {
        let Some(store) = &mut writer.store else { return Ok(()) };
        change(store).inspect_err(|_| {
            self.failed_writes.fetch_add(1, Ordering::Relaxed);
        })
    }
}

impl Drop for PeerManager {
    /// Flushes, because SQLite synchronises a file by itself only when its last connection is closed. Waits at most
    /// the busy timeout for another connection that reads the file.
    fn drop(&mut self) {
        // There is nobody to tell; what is committed stays so.
        let _ = self.flush();
    }
}

fn too_many(peers: usize) -> Error {
    Error::Limit(format!(
        "cannot add {peers} peers: a table holds fewer than {}; remove some first",
        PeerTable::MAX_PEERS
    ))
}

fn open_store(path: &Path, options: &Options) -> Result<Store> {
    let text = path.as_os_str();
    if text.is_empty() || text == ":memory:" {
        return Err(Error::InvalidArgument(format!(
            "db_path {} is no file's; give the path of one, or none for a table in memory",
            Quoted(&path.to_string_lossy())
        )));
    }
    Store::open(path, options.durability, options.busy_timeout)
}
