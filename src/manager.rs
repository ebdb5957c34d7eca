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

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rand::rngs::ChaCha12Rng;

use crate::address::PeerAddress;
use crate::clock::Clock;
use crate::error::{Error, Quoted, Result};
use crate::options::{Durability, Options, unsupported_here};
use crate::peer::{
    BackOffUpdate, PeerRecord, StoredPeerType, apply_backoff_update, apply_type_update, get_type_update,
};
use crate::query::PeerQuery;
use crate::random::RandomSource;
use crate::stats::Stats;
use crate::store::Store;
use crate::table::{PeerTable, Snapshot};

/// A table of peers, in memory and, if it was opened with a database, on disk.
///
/// It may be used from any number of threads at once. A call that fails has changed nothing, neither in memory
/// nor on disk.
///
/// After a panic inside a change (a defect of this library) the manager answers [`Error::Internal`] to all
/// further calls, because what is in memory cannot be trusted any more.
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
            let mut loaded = Ok(0);
            table.load(|put| loaded = store.load_all(put));
            skipped_rows = loaded?;
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

/// Reading and writing peers. Each call costs one transaction if a database is open, and a logarithm in memory.
///
/// # Errors
/// Besides what is said for each: [`Error::Database`], [`Error::Busy`], [`Error::DiskFull`] or
/// [`Error::Corrupt`] when the database refuses the write, and [`Error::Internal`] after a panic.
impl PeerManager {
    /// Makes sure that an address is known: a new one is inbound, without failures, and ready now. Says whether
    /// it was new.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table is as large as it can be.
    pub fn ensure_exists(&self, address: &PeerAddress) -> Result<bool> {
        // What is known already, the most frequent case of gossip, waits for no writer.
        if self.read()?.contains(address) {
            return Ok(false);
        }
        self.ensure_exists_many(std::slice::from_ref(address)).map(|inserted| inserted == 1)
    }

    /// As [`ensure_exists`](Self::ensure_exists) for many addresses in one transaction; says how many were new.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table would grow larger than it can be.
    pub fn ensure_exists_many(&self, addresses: &[PeerAddress]) -> Result<usize> {
        let now = self.clock.now();
        let mut writer = self.lock_writer()?;
        let new = self.unknown_of(addresses, now)?;
        if !new.is_empty() {
            self.check_room(new.len())?;
            self.write(&mut writer, |store| store.replace(&new))?;
            self.apply(&new, Some(now))?;
        }
        Ok(new.len())
    }

    /// What is known of an address. Cost: constant.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn load(&self, address: &PeerAddress) -> Result<Option<PeerRecord>> {
        Ok(self.read()?.get(address))
    }

    /// Stores a record as it is, in place of what was known of its address.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table is as large as it can be.
    pub fn store(&self, record: &PeerRecord) -> Result<()> {
        self.store_many(std::slice::from_ref(record))
    }

    /// Stores records in one transaction, all or none; of two with the same address, the later one counts.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::Limit`] when the table would grow larger than it can be.
    pub fn store_many(&self, records: &[PeerRecord]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut writer = self.lock_writer()?;
        self.check_room(records.len())?;
        self.write(&mut writer, |store| store.replace(records))?;
        self.apply(records, None)
    }

    /// Notes what a peer was seen to be; an unknown one is added as new first.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_type(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
    ) -> Result<()> {
        self.update_record(address, |record, _, _| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
        })
    }

    /// Notes how an attempt to reach a peer went; an unknown one is added as new first.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update_backoff(&self, address: &PeerAddress, backoff: BackOffUpdate) -> Result<()> {
        self.update_record(address, |record, now, rng| apply_backoff_update(record, backoff, now, rng))
    }

    /// [`update_type`](Self::update_type) and [`update_backoff`](Self::update_backoff) in one change.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn update(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
        backoff: BackOffUpdate,
    ) -> Result<()> {
        self.update_record(address, |record, now, rng| {
            let type_update = get_type_update(record, observed_type, preferred_type_known);
            apply_type_update(record, type_update);
            apply_backoff_update(record, backoff, now, rng);
        })
    }

    /// Forgets a peer.
    ///
    /// # Errors
    /// See [above](#errors); [`Error::NotFound`] when there is no such peer.
    pub fn remove(&self, address: &PeerAddress) -> Result<()> {
        let mut writer = self.lock_writer()?;
        if !self.read()?.contains(address) {
            return Err(Error::NotFound(address.clone()));
        }
        self.write(&mut writer, |store| store.delete(address))?;
        self.write_table()?.remove(address);
        Ok(())
    }

    /// Forgets the peers that have failed at least `min_num_failures` times; says how many there were.
    ///
    /// In the database, this is the specification's statement: rows that are not valid peers go too if their
    /// failures are as many.
    ///
    /// # Errors
    /// See [above](#errors).
    pub fn remove_peers_with_many_failures(&self, min_num_failures: u32) -> Result<usize> {
        let mut writer = self.lock_writer()?;
        self.write(&mut writer, |store| store.delete_with_failures(min_num_failures))?;
        Ok(self.write_table()?.remove_with_failures(min_num_failures))
    }

    /// Forgets all peers. In the database, rows that are not valid peers go too.
    ///
    /// # Errors
    /// See [above](#errors).
    pub fn clear_all(&self) -> Result<()> {
        let mut writer = self.lock_writer()?;
        self.write(&mut writer, Store::delete_all)?;
        self.write_table()?.clear();
        Ok(())
    }
}

/// Choosing peers, and looking at all of them. Nothing here waits for the disk.
impl PeerManager {
    /// Draws min(`size`, eligible) of the peers that the query admits: uniformly, without replacement, in random
    /// order.
    ///
    /// Cost: set by `size` and the length of `query.exclude`, not by the table; peers that have become due since
    /// the last query are sorted in first, a logarithm each.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a non-zero `max_per_netgroup`.
    pub fn load_random_peers(&self, query: &PeerQuery<'_>, size: usize) -> Result<Vec<PeerAddress>> {
        let mut rng = self.random.stream();
        self.ask(query, |table| table.choose(query, size, &mut rng))
    }

    /// Draws peers to tell another one about: never private addresses, never `exclude`; preferred before
    /// outbound before inbound, at random within each.
    ///
    /// [`PeerQuery::everything`] is the specification's form; another query leaves out more.
    ///
    /// Cost: as [`load_random_peers`](Self::load_random_peers).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a non-zero `max_per_netgroup`.
    pub fn get_peers_to_send(
        &self,
        filter: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
    ) -> Result<Vec<PeerAddress>> {
        let mut rng = self.random.stream();
        self.ask(filter, |table| table.choose_to_send(filter, exclude, size, &mut rng))
    }

    /// A copy of all peers at one consistent moment. Cost: linear, a copy of 40 bytes a peer.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn get_all_peers(&self) -> Result<Snapshot> {
        Ok(self.read()?.snapshot())
    }

    /// The number of peers. Cost: constant.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.read().map_or(0, |table| table.len())
    }

    /// Counts. Cost: linear in the table, for the network groups.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn get_stats(&self) -> Result<Stats> {
        let now = self.clock.now();
        let census = self.read_at(now, PeerTable::census)?;
        let [inbound, outbound, preferred] = census.by_type;
        Ok(Stats {
            durability: self.durability,
            peers: inbound + outbound + preferred,
            inbound,
            outbound,
            preferred,
            ready: census.ready,
            netgroups: census.netgroups,
            pending_writes: 0,
            failed_writes: self.failed_writes.load(Ordering::Relaxed),
            skipped_rows: self.skipped_rows,
            refused_peers: 0,
        })
    }

    /// Checks everything that must hold between two calls, for tests; says what does not.
    ///
    /// # Errors
    /// [`Error::Internal`] with the invariant that is broken.
    #[doc(hidden)]
    pub fn check_invariants(&self) -> Result<()> {
        self.read()?.check_invariants().map_err(Error::Internal)
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

    /// Changes the peer that is known by an address, or a new one, by a rule that is given the present.
    fn update_record(
        &self,
        address: &PeerAddress,
        rule: impl FnOnce(&mut PeerRecord, i64, &mut ChaCha12Rng),
    ) -> Result<()> {
        let now = self.clock.now();
        let mut writer = self.lock_writer()?;
        // Slots stay as they are until the writer is unlocked.
        let known = self.read()?.find_record(address);
        let (slot, mut record) = match known {
            Some((slot, record)) => (Some(slot), record),
            None => (None, PeerRecord::new(address.clone(), now)),
        };
        rule(&mut record, now, &mut writer.rng);
        if slot.is_none() {
            self.check_room(1)?;
        }
        self.write(&mut writer, |store| store.replace(std::slice::from_ref(&record)))?;
        let mut table = self.write_table()?;
        table.advance_forward(now);
        table.put_at(slot, &record);
        Ok(())
    }

    /// New records for those addresses that are not in the table, each once.
    fn unknown_of(&self, addresses: &[PeerAddress], now: i64) -> Result<Vec<PeerRecord>> {
        let table = self.read()?;
        let mut seen = HashSet::new();
        let unknown = addresses.iter().filter(|&address| !table.contains(address) && seen.insert(address));
        Ok(unknown.map(|address| PeerRecord::new(address.clone(), now)).collect())
    }

    /// Refuses more records than the table can number.
    fn check_room(&self, more: usize) -> Result<()> {
        if self.peer_count().saturating_add(more) > PeerTable::MAX_PEERS {
            return Err(Error::Limit(format!(
                "cannot add {more} peers: a table holds at most {}; remove some first",
                PeerTable::MAX_PEERS
            )));
        }
        Ok(())
    }

    /// Writes to the database, if there is one.
    fn write(&self, writer: &mut Writer, change: impl FnOnce(&mut Store) -> Result<()>) -> Result<()> {
        let Some(store) = &mut writer.store else { return Ok(()) };
        change(store).inspect_err(|_| {
            self.failed_writes.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Puts records into memory, after the database has them.
    fn apply(&self, records: &[PeerRecord], now: Option<i64>) -> Result<()> {
        let mut table = self.write_table()?;
        if let Some(now) = now {
            table.advance_forward(now);
        }
        for record in records {
            table.put(record);
        }
        Ok(())
    }
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
