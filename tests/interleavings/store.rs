//! The database of the model check: rows in memory, in their order, with what the manager uses of `src/store`.
//!
//! It is compiled into the library in place of SQLite, for which the checker could not schedule. Other threads may run
//! between any two steps of a transaction, and a write fails when a test or the checker's random source says so.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, Weak};
use std::time::Duration;

use rusqlite::Connection;
use shuttle::rand::Rng as _;
use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::address::PeerAddress;
use crate::bans::{Ban, BanChange, BanSubject};
use crate::changes::Changes;
use crate::error::{Error, Result};
use crate::history::{History, Noted, Times};
use crate::options::Durability;
use crate::peer::PeerRecord;

/// What a database file holds.
pub type Rows = BTreeMap<PeerAddress, PeerRecord>;

/// The rows of a file, and the order in which they are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The rows.
    pub rows: Rows,
    /// The addresses of all rows, the oldest row first.
    pub order: Vec<PeerAddress>,
    /// The bans, and when each ends.
    pub bans: BTreeMap<BanSubject, i64>,
    /// What is known of each peer's past, where histories are kept.
    pub histories: BTreeMap<PeerAddress, History>,
    /// The data of those peers that have some.
    pub data: BTreeMap<PeerAddress, Vec<u8>>,
}

/// All files, by path. No schedule can interrupt who holds this lock.
static DISKS: std::sync::Mutex<BTreeMap<PathBuf, Weak<Disk>>> = std::sync::Mutex::new(BTreeMap::new());
static NEXT_DISK: AtomicU64 = AtomicU64::new(0);

/// A disk with one database file on it, which outlives the managers that have it open.
pub struct Disk {
    path: PathBuf,
    state: Mutex<State>,
    committed: Condvar,
}

struct State {
    /// All that the file has held, one state a transaction; the last is what it holds.
    history: Vec<Contents>,
    /// How much of the history was synchronised.
    synchronised: usize,
    is_open: bool,
    fails: Failures,
    during_writes: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// Which writes fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// None.
    Never,
    /// So many, then none.
    Next(u32),
    /// One in three.
    AtRandom,
    /// All.
    Always,
}

impl Disk {
    /// A disk with an empty file on it.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let path = PathBuf::from(format!("disk-{}.db", NEXT_DISK.fetch_add(1, Ordering::Relaxed)));
        let state = State {
            history: vec![Contents::default()],
            synchronised: 0,
            is_open: false,
            fails: Failures::Never,
            during_writes: None,
        };
        let disk = Arc::new(Self { path, state: Mutex::new(state), committed: Condvar::new() });
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.insert(disk.path.clone(), Arc::downgrade(&disk));
        drop(disks);
        disk
    }

    /// The path by which managers open the file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// What the file holds: what is committed and nothing else.
    #[must_use]
    pub fn rows(&self) -> Rows {
        self.contents().rows
    }

    /// The same with the order of the rows.
    #[must_use]
    pub fn contents(&self) -> Contents {
        self.state().contents().clone()
    }

    /// What the file held when it was synchronised last.
    #[must_use]
    pub fn synchronised(&self) -> Rows {
        let state = self.state();
        state.history[state.synchronised].rows.clone()
    }

    /// All states that the file was ever in, the oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<Contents> {
        self.state().history.clone()
    }

    /// Waits until the file holds these rows in this order. If that never happens, the checker finds a deadlock.
    pub fn wait_for(&self, contents: &Contents) {
        let mut state = self.state();
        while state.contents() != contents {
            state = self.committed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// From now on, these writes fail.
    pub fn fail(&self, fails: Failures) {
        self.state().fails = fails;
    }

    /// From now on, calls this in every transaction, just before it is committed.
    pub fn during_writes(&self, call: impl Fn() + Send + Sync + 'static) {
        self.state().during_writes = Some(Arc::new(call));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn contents(&self) -> &Contents {
        &self.history[self.history.len() - 1]
    }

    fn check_failure(&mut self) -> Result<()> {
        let fails = match self.fails {
            Failures::Never | Failures::Next(0) => false,
            Failures::Next(left) => {
                self.fails = Failures::Next(left - 1);
                true
            }
            Failures::AtRandom => shuttle::rand::thread_rng().gen_ratio(1, 3),
            Failures::Always => true,
        };
        if fails { Err(Error::database("cannot write to the disk", "it was told to fail")) } else { Ok(()) }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        DISKS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A database file that no other manager has open.
#[derive(Debug)]
pub(crate) struct DatabaseFile(Arc<Disk>);

impl DatabaseFile {
    pub(crate) fn acquire(path: &Path, _: Duration) -> Result<Self> {
        let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        let disk = disks.get(path).and_then(Weak::upgrade);
        drop(disks);
        let disk = disk.ok_or_else(|| Error::cannot_open("cannot open the file", "there is no such disk"))?;
        let was_open = std::mem::replace(&mut disk.state().is_open, true);
        if was_open { Err(Error::in_use("cannot open the file")) } else { Ok(Self(disk)) }
    }

    #[expect(clippy::unused_self, reason = "as the library's")]
    pub(crate) fn name(&self) -> &'static str {
        "the model's database"
    }

    #[expect(clippy::unused_self, reason = "as the library's")]
    pub(crate) fn log_bytes(&self) -> u64 {
        0
    }

    #[expect(clippy::unused_self, reason = "as the library's")]
    pub(crate) fn undo(&self) {}
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        self.0.state().is_open = false;
    }
}

/// As in the library: here no file refuses a change.
#[derive(Debug, Default)]
pub(crate) struct Rejected {
    pub(crate) peers: HashSet<PeerAddress>,
    pub(crate) first: Option<Error>,
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Store(Arc<DatabaseFile>);

impl Contents {
    fn execute(&mut self, statement: Statement<'_>) {
        match statement {
            Statement::Insert(record) => {
                if !self.rows.contains_key(&record.address) {
                    self.put(record);
                }
            }
            Statement::Replace(record) => self.put(record),
            Statement::Renew(record) => {
                self.rows.remove(&record.address);
                self.order.retain(|address| *address != record.address);
                self.put(record);
            }
            Statement::Note(address, times, data) => self.note(address, times, data),
            Statement::DeleteBeside(address) => {
                self.histories.remove(address);
                self.data.remove(address);
            }
            Statement::Delete(address) => self.retain(|record| record.address != *address),
            Statement::DeleteWithFailures(least) => self.retain(|record| record.num_failures < least),
            Statement::DeleteAll => self.retain(|_| false),
            Statement::Ban(change) => {
                match change.until {
                    Some(until) => self.bans.insert(change.subject.clone(), until),
                    None => self.bans.remove(&change.subject),
                };
            }
        }
    }

    /// Writes a row in its place, or behind all others.
    fn put(&mut self, record: &PeerRecord) {
        if self.rows.insert(record.address.clone(), record.clone()).is_none() {
            self.order.push(record.address.clone());
        }
    }

    /// Deletes all other rows, with what the side tables have of them.
    fn retain(&mut self, keeps: impl Fn(&PeerRecord) -> bool) {
        let gone: Vec<_> = self.rows.values().filter(|record| !keeps(record)).cloned().collect();
        for PeerRecord { address, .. } in &gone {
            self.rows.remove(address);
            self.histories.remove(address);
            self.data.remove(address);
        }
        self.order.retain(|address| self.rows.contains_key(address));
    }

    /// Writes what is known of a peer beside its row, as the side tables do: whether it has one or not.
    fn note(&mut self, address: &PeerAddress, times: Option<Times>, data: Option<&[u8]>) {
        if let Some(times) = times {
            self.histories.insert(address.clone(), times.into());
        }
        match data {
            None => {}
            Some([]) => drop(self.data.remove(address)),
            Some(data) => drop(self.data.insert(address.clone(), data.to_vec())),
        }
    }
}

/// Records to be written, those at the positions that are renewed into new rows.
fn replacements<'a>(records: &'a [PeerRecord], renewed: &'a [usize]) -> impl Iterator<Item = Statement<'a>> {
    (0..).zip(records).map(|(position, record)| {
        if renewed.contains(&position) { Statement::Renew(record) } else { Statement::Replace(record) }
    })
}

/// One statement of a transaction.
#[derive(Clone, Copy)]
enum Statement<'a> {
    Insert(&'a PeerRecord),
    Replace(&'a PeerRecord),
    /// Into a new row, behind all others.
    Renew(&'a PeerRecord),
    Delete(&'a PeerAddress),
    DeleteWithFailures(u32),
    DeleteAll,
    /// Or the end of one.
    Ban(&'a BanChange),
    /// A history and data, as far as they change.
    Note(&'a PeerAddress, Option<Times>, Option<&'a [u8]>),
    /// What the side tables have of a peer, but not its row.
    DeleteBeside(&'a PeerAddress),
}

fn notes(noted: &[Noted]) -> impl Iterator<Item = Statement<'_>> {
    noted.iter().map(|noted| Statement::Note(&noted.address, noted.times, noted.data.as_deref()))
}

#[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as the library's")]
impl Store {
    pub(crate) fn open(file: &Arc<DatabaseFile>, _: Duration) -> Result<Self> {
        Ok(Self(Arc::clone(file)))
    }

    pub(crate) fn borrow(_: Connection) -> Result<Self> {
        Err(not_modelled())
    }

    pub(crate) fn load_histories(
        &mut self,
        each: &mut dyn FnMut(PeerAddress, Times) -> Result<bool>,
    ) -> Result<()> {
        for (address, history) in self.disk().contents().histories {
            let History { first_heard, last_heard, first_reached, last_reached, last_attempt } = history;
            let times = [first_heard, last_heard, first_reached, last_reached, last_attempt];
            let times = Times::from_array(times).unwrap_or(Times::GONE);
            assert!(times != Times::GONE && each(address, times)?, "a history without a peer");
        }
        Ok(())
    }

    pub(crate) fn begin(&mut self, _: Durability, _: Duration, _: bool, _: &[PeerAddress]) -> Result<()> {
        Ok(())
    }

    pub(crate) fn name(&self) -> &'static str {
        "the model's database"
    }

    pub(crate) fn is_borrowed(&self) -> bool {
        false
    }

    pub(crate) fn abandon(&mut self) {}

    pub(crate) fn file(&self) -> Option<Arc<DatabaseFile>> {
        Some(Arc::clone(&self.0))
    }

    pub(crate) fn path(&self) -> Option<PathBuf> {
        Some(self.disk().path())
    }

    pub(crate) fn is_forked(&self) -> bool {
        false
    }

    pub(crate) fn load_all(
        &self,
        reserve: &dyn Fn(usize),
        each: &mut dyn FnMut(&PeerRecord) -> Result<()>,
    ) -> Result<u64> {
        let Contents { rows, order, .. } = self.disk().contents();
        reserve(rows.len());
        order.iter().filter_map(|address| rows.get(address)).try_for_each(each)?;
        Ok(0)
    }

    pub(crate) fn load_bans(&self, each: &mut dyn FnMut(&Ban) -> Result<()>) -> Result<()> {
        let bans = self.disk().contents().bans.into_iter();
        bans.map(|(subject, until)| Ban { subject, until }).try_for_each(|ban| each(&ban))
    }

    pub(crate) fn load_data(
        &mut self,
        each: &mut dyn FnMut(PeerAddress, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        for (address, data) in self.disk().contents().data {
            assert!(each(address, &data)?, "data without a peer");
        }
        Ok(())
    }

    pub(crate) fn write_data(&mut self, address: &PeerAddress, data: &[u8]) -> Result<()> {
        self.transaction([Statement::Note(address, None, Some(data))])
    }

    pub(crate) fn write_bans(&mut self, removed: &[PeerAddress], changes: &[BanChange]) -> Result<()> {
        self.transaction(removed.iter().map(Statement::Delete).chain(changes.iter().map(Statement::Ban)))
    }

    pub(crate) fn insert(&mut self, records: &[PeerRecord], noted: &[Noted]) -> Result<()> {
        self.transaction(records.iter().map(Statement::Insert).chain(notes(noted)))
    }

    pub(crate) fn replace(
        &mut self,
        records: &[PeerRecord],
        renewed: &[usize],
        noted: &[Noted],
    ) -> Result<()> {
        self.transaction(replacements(records, renewed).chain(notes(noted)))
    }

    pub(crate) fn evict(
        &mut self,
        evicted: &[PeerAddress],
        records: &[PeerRecord],
        renewed: &[usize],
        noted: &[Noted],
    ) -> Result<()> {
        let deletions = evicted.iter().map(Statement::Delete);
        self.transaction(deletions.chain(replacements(records, renewed)).chain(notes(noted)))
    }

    pub(crate) fn write_changes(&mut self, changes: &Changes) -> Result<Rejected> {
        let clear = changes.clears.then_some(Statement::DeleteAll);
        let deletions = changes.removed.iter().map(Statement::Delete);
        // As in the library, what the file has no row of cannot be in the way of its new row.
        let replacements = changes.put.iter().map(|put| match put.takes_row {
            Some(_) if !put.is_new => Statement::Renew(&put.record),
            _ => Statement::Replace(&put.record),
        });
        let bans = changes.bans.iter().map(Statement::Ban);
        let returned = changes.returned.iter().map(Statement::DeleteBeside);
        let notes = changes
            .put
            .iter()
            .map(|put| Statement::Note(&put.record.address, put.times, put.data.as_deref()));
        let deletions = clear.into_iter().chain(deletions).chain(returned);
        self.transaction(deletions.chain(bans).chain(replacements).chain(notes))?;
        Ok(Rejected::default())
    }

    pub(crate) fn delete(&mut self, address: &PeerAddress) -> Result<()> {
        self.transaction([Statement::Delete(address)])
    }

    pub(crate) fn delete_with_failures(&mut self, min_num_failures: u32) -> Result<()> {
        self.transaction([Statement::DeleteWithFailures(min_num_failures)])
    }

    pub(crate) fn delete_all(&mut self) -> Result<()> {
        self.transaction([Statement::DeleteAll])
    }

    /// Synchronises the file.
    pub(crate) fn flush(&self) -> Result<()> {
        let state = self.disk().state();
        let committed = state.history.len() - 1;
        drop(state);
        let_others_run();
        let mut state = self.disk().state();
        state.check_failure()?;
        state.synchronised = committed;
        Ok(())
    }

    fn disk(&self) -> &Disk {
        &self.0.0
    }

    fn transaction<'a>(&mut self, statements: impl IntoIterator<Item = Statement<'a>>) -> Result<()> {
        let mut contents = self.disk().contents();
        for statement in statements {
            let_others_run();
            contents.execute(statement);
        }
        let during_writes = self.disk().state().during_writes.clone();
        if let Some(call) = during_writes {
            call();
        }
        let mut state = self.disk().state();
        state.check_failure()?;
        state.history.push(contents);
        drop(state);
        self.disk().committed.notify_all();
        Ok(())
    }
}

fn let_others_run() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// What became of a damaged file. None is, here.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// As in the library.
    pub path: PathBuf,
    /// As in the library.
    pub saved_peers: u64,
    /// As in the library.
    pub lost_rows: u64,
}

pub(crate) fn quarantine(_: &DatabaseFile) -> Result<Quarantine> {
    Err(not_modelled())
}

/// As in the library.
#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) records: Vec<PeerRecord>,
    pub(crate) more: HashMap<PeerAddress, (Option<Times>, Vec<u8>)>,
}

pub(crate) fn read_peers(_: &Path, _: Duration, _: &dyn Fn(&PeerRecord) -> bool, _: bool) -> Result<Import> {
    Err(not_modelled())
}

pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    a == b
}

/// There is no SQL here.
pub const SCHEMA: &str = "";

/// Nor a connection to read from.
///
/// # Errors
/// Always.
pub fn load_all_from_db(_: &Connection, _: impl FnMut(&PeerRecord)) -> Result<u64> {
    Err(not_modelled())
}

fn not_modelled() -> Error {
    Error::Unsupported("the model check has no SQLite; use Disk".to_owned())
}
