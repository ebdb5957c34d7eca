//! The peer manager: the public Rust API, and the only place that locks.
//!
//! There are four locks, of which a thread holds at most two: `table`, always taken last, and one of the others.
//!
//! - `writer`, a mutex around the database and the random numbers of back-off. Every change holds it from reading the
//!   old state to applying the new one, so each is atomic with respect to every other. `flush` takes it, too.
//! - `journal`, with the durability DEFERRED: the mutex around the database, in place of `writer`. The background thread and
//!   `flush` take it; changes do not, but hold `writer` for everything else ([`deferred`]).
//! - `choice`, with `share_cache_seconds`: a mutex around the shared list ([`sharing`]).
//! - `table`, a read-write lock around the memory. Queries take it for reading. A change takes it for writing: to
//!   reserve memory, and, after the database has committed, to apply what was written.
//!
//! The table lock is never held across I/O, and no lock is held while the clock is read. So a query never waits for the
//! disk, and a clock may call back into the manager. The random stream that a query has taken is locked as well, but no
//! thread ever waits for one ([`random`](crate::random)).
//!
//! A fork copies the locks as they are, and a lock that another thread held is never released in the child. So what a
//! child may not do is refused before any lock is taken.

mod admission;
mod banning;
#[cfg(any(feature = "ffi", feature = "rusqlite"))]
mod borrowed;
mod choosing;
mod data;
mod deferred;
mod dialling;
mod history;
mod import;
mod locking;
mod peers;
mod sharing;

use std::collections::HashSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use rand::rngs::ChaCha12Rng;

use crate::address::PeerAddress;
use crate::clock::Clock;
use crate::error::{Error, Quoted, Result};
use crate::memory;
use crate::netgroup::GroupingPolicy;
use crate::options::{Durability, OnCorrupt, Options};
use crate::peer::BackOffScale;
use crate::random::RandomSource;
use crate::reach::Reach;
use crate::store::{DatabaseFile, Quarantine, Store, quarantine};
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, RwLock};
use crate::system::process::Process;
use crate::system::signals::without_file_size_signal;
use crate::table::{Bounds, PeerTable};
use deferred::Deferred;
use sharing::Sharing;

pub use dialling::Purpose;

/// A table of peers, in memory and, if it was opened with a database, on disk.
///
/// It may be used from any number of threads at once. A call that fails has changed nothing, neither in memory
/// nor on disk. One manager at a time has a database file open.
///
/// After a panic inside a change or in the manager's own thread (a bug in this library), every later call that can fail
/// returns [`Error::Internal`], and [`peer_count`](Self::peer_count) returns 0.
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
    /// With the durability DEFERRED, the background thread that writes to the database.
    deferred: Option<Deferred>,
    /// With `share_cache_seconds`, the shared list.
    sharing: Option<Sharing>,
    clock: Clock,
    random: RandomSource,
    durability: Durability,
    reach: Reach,
    keeps_histories: bool,
    backoff: BackOffScale,
    skipped_rows: u64,
    quarantine: Option<Quarantine>,
    failed_writes: AtomicU64,
    refused_peers: AtomicU64,
    /// Whether failed attempts count.
    is_online: AtomicBool,
    /// Failed attempts that did not.
    forgiven_failures: AtomicU64,
    /// The path of the database, if it is in a file.
    path: Option<PathBuf>,
    /// The database file, if the manager opened it itself.
    own_file: Option<OwnFile>,
    busy_timeout: Duration,
}

/// The parts that a change needs in addition to the table.
#[derive(Debug)]
struct Writer {
    /// The database, if there is one and changes are written to it before they are applied (not with DEFERRED).
    store: Option<Store>,
    /// Draws the back-off times.
    rng: ChaCha12Rng,
    /// The process in which `rng` was made: a forked child needs another stream.
    process: Process,
    /// The node's own addresses.
    own_addresses: HashSet<PeerAddress>,
}

/// The part that a forked child must leave alone.
#[derive(Debug)]
struct OwnFile {
    /// The process that opened it.
    process: Process,
    /// Released after the connection to it is closed.
    file: Arc<DatabaseFile>,
}

/// A table and the database it was loaded from.
struct Loaded {
    /// It takes five kilobytes, which would otherwise be on the stack wherever this is.
    table: Box<PeerTable>,
    store: Option<Store>,
    skipped_rows: u64,
    /// Peers of the file that the bounds kept out of the table.
    left_out: u64,
    quarantine: Option<Quarantine>,
}

/// Opening.
impl PeerManager {
    /// Opens a table with these options.
    ///
    /// Cost: linear in the rows of the database.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an option that makes no sense, a path that cannot name a file, or an
    /// [`asmap_path`](Options::asmap_path) that is not a map; [`Error::NoMemory`] when there is not enough for the map;
    /// [`Error::Unsupported`] when the system has no random numbers; with a database, [`Error::Database`], [`Error::Busy`],
    /// [`Error::DiskFull`], or [`Error::Corrupt`] when the file is not a database of peers.
    pub fn open(options: Options) -> Result<Self> {
        options.check()?;
        let policy = options.grouping_policy()?;
        without_file_size_signal(|| {
            let loaded = match &options.db_path {
                None => Loaded {
                    table: empty_table(&options, policy),
                    store: None,
                    skipped_rows: 0,
                    left_out: 0,
                    quarantine: None,
                },
                Some(path) => open_file(path, &options, &policy)?,
            };
            Self::with(loaded, options)
        })
    }

    /// Creates an empty table that lives in memory only.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the system has no random numbers.
    pub fn new_in_memory() -> Result<Self> {
        Self::open(Options::default())
    }

    /// Opens the database file at `db_path` with the default options, and creates it if there is none.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new_with_db(db_path: impl AsRef<Path>) -> Result<Self> {
        Self::open(Options { db_path: Some(db_path.as_ref().to_owned()), ..Options::default() })
    }

    fn with(loaded: Loaded, options: Options) -> Result<Self> {
        let random = RandomSource::new(options.rng_seed)?;
        let (reach, backoff) = (options.reach, options.backoff_scale());
        let table = shared(loaded.table);
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
            writer: Mutex::new(Writer {
                store,
                rng: random.stream(),
                process: Process::current(),
                own_addresses: HashSet::new(),
            }),
            table,
            deferred,
            sharing: Sharing::new(&options),
            clock: options.clock,
            random,
            durability: options.durability,
            reach,
            keeps_histories: options.keep_history,
            backoff,
            skipped_rows: loaded.skipped_rows,
            quarantine: loaded.quarantine,
            failed_writes: AtomicU64::new(0),
            refused_peers: AtomicU64::new(loaded.left_out),
            is_online: AtomicBool::new(true),
            forgiven_failures: AtomicU64::new(0),
            path,
            own_file,
            busy_timeout: options.busy_timeout,
        })
    }

    /// Returns once everything that earlier calls changed is on disk, where it survives a loss of power.
    ///
    /// With [`Durability::Deferred`] this writes the changes that are not in the file yet; if they cannot be written, it
    /// fails and they stay dirty. With every durability it then runs a checkpoint, which fsyncs the file. On a borrowed
    /// connection that is the application's business, and in memory there is nothing to do.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Busy`] (another connection keeps reading or writing past the busy timeout),
    /// [`Error::DiskFull`], [`Error::Corrupt`].
    ///
    /// A file that was deleted, moved away, replaced or truncated while it was open causes [`Error::Database`] with the
    /// [code](crate::Error::sqlite_code) 1032, here and for every change; nothing is written then, and memory has all peers.
    /// With [`Durability::Deferred`], a change that one of the file's own constraints refused is reported once, after
    /// everything else is on disk.
    pub fn flush(&self) -> Result<()> {
        if let Some(deferred) = &self.deferred {
            self.check_process()?;
            self.check_health()?;
            return without_file_size_signal(|| deferred.flush());
        }
        let mut writer = self.lock_writer()?;
        self.write(&mut writer, &|store| store.flush())
    }

    /// What happened to the file, if it was damaged and set aside as [`OnCorrupt::Quarantine`] asks.
    #[must_use]
    pub fn quarantine(&self) -> Option<&Quarantine> {
        self.quarantine.as_ref()
    }
}

impl Drop for PeerManager {
    /// Flushes: dirty peers are written, and the file is fsynced, which SQLite does by itself only when the last connection
    /// closes. Waits at most the busy timeout for another connection that uses the file.
    ///
    /// In a fork of the process that opened the manager, nothing is touched.
    fn drop(&mut self) {
        let is_forked = self.is_forked();
        // A lock that another thread held at the fork is never released here, and what it guards is half done.
        let is_at_rest = !is_forked || self.writer.try_lock().is_ok();
        let store = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).store.take();
        let deferred = self.deferred.take();
        if is_forked {
            // The descriptors and the lock are also the parent's, and closing would release them under it. But SQLite must
            // drop its record of open files, or another connection of this process would have no locks.
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
                // There is no caller to return an error to; what is committed stays committed.
                let _ = store.flush();
            }
        });
    }
}

/// A table without peers, with the clock and the bounds of the options, and their policy. Not part of its caller, which would
/// keep the stack that the table is made on until SQLite has done its work.
#[inline(never)]
fn empty_table(options: &Options, policy: GroupingPolicy) -> Box<PeerTable> {
    let bounds = Bounds::new(options.max_peers, options.max_peers_per_netgroup);
    let mut table = Box::new(PeerTable::new(options.clock.now(), bounds));
    table.set_policy(policy);
    if options.keep_history {
        table.keep_histories();
    }
    table
}

/// The table behind its lock. Not part of its caller: see [`empty_table`].
#[inline(never)]
fn shared(table: Box<PeerTable>) -> Arc<RwLock<PeerTable>> {
    Arc::new(RwLock::new(*table))
}

/// Opens a database file and loads it; if it is damaged, does what the options say.
fn open_file(path: &Path, options: &Options, policy: &GroupingPolicy) -> Result<Loaded> {
    let text = path.as_os_str();
    if text.is_empty() || text == ":memory:" {
        return Err(Error::InvalidArgument(format!(
            "db_path {} is not the path of a file; give that of one, or none for a table in memory",
            Quoted(&path.to_string_lossy())
        )));
    }
    let file = Arc::new(DatabaseFile::acquire(path, options.busy_timeout)?);
    let open = || load(Store::open(&file, options.busy_timeout)?, options, policy.clone());
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

/// Loads a database into a table, and prepares the database for writing.
fn load(mut store: Store, options: &Options, policy: GroupingPolicy) -> Result<Loaded> {
    let mut table = empty_table(options, policy);
    let (skipped_rows, left_out) = table.load(|reserve, put| store.load_all(reserve, put))?;
    store.load_bans(&mut |ban| table.bans_mut().load(ban))?;
    // Also where no histories are kept: damage to their table is found now and not by a later change.
    store.load_histories(&mut |address, times| Ok(table.note_loaded(&address, times)))?;
    store.load_data(&mut |address, data| {
        table.data_loaded(&address, data).map_err(|_| Error::no_memory("for the data of the peers"))
    })?;
    // Another program may have added peers that are banned.
    let mut banned = if table.bans().is_empty() { Vec::new() } else { table.banned(options.clock.now())? };
    let removed = memory::collect(table.addresses(&banned))?;
    table.reserve_remove(removed.len())?;
    store.begin(options.durability, options.busy_timeout, options.keep_history, &removed)?;
    table.remove_many(&mut banned);
    let left_out = (left_out + removed.len()) as u64;
    Ok(Loaded { table, store: Some(store), skipped_rows, left_out, quarantine: None })
}
