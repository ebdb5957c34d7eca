//! Writing later: one thread that commits what changed, in groups.
//!
//! Changes are applied to the table, which keeps a dirty set. The first one wakes the thread; it waits for the flush
//! interval, takes the dirty set under the table lock, and writes it in one transaction. So the file always holds the
//! table as it was at one point in time, and a batch is in it as a whole or not at all. While nothing is dirty, the
//! thread sleeps.
//!
//! A group that cannot be written is kept, merged with later changes, and tried again after a while. A caller waits for
//! the thread only in [`flush`](Deferred::flush), and when the manager is closed.
//!
//! The thread blocks all signals, so that the application's own threads get them. If it panics (a bug in this library),
//! every later call that can fail returns an error: no change may be acknowledged that will never be written.

use std::time::Duration;

use crate::changes::Changes;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::sync::{
    Arc, AtomicBool, AtomicU64, JoinHandle, Mutex, MutexGuard, Ordering, RwLock, ends_without_panic,
    is_poisoned, sleep_unless, thread,
};
use crate::system::fault::inject_panic;
use crate::system::signals::without_signals;
use crate::table::PeerTable;

/// The shortest and the longest wait before a group that could not be written is tried again; a longer flush interval replaces
/// the latter.
const RETRY: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(10)];

/// The thread, and the state that it shares with the manager.
#[derive(Debug)]
pub(super) struct Deferred {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// How messages refer to the database.
    name: String,
}

#[derive(Debug)]
struct Shared {
    table: Arc<RwLock<PeerTable>>,
    /// Taken before the table lock, and never while the writer lock is held.
    journal: Mutex<Journal>,
    interval: Duration,
    /// Whether the thread knows that there is something to write.
    is_awake: AtomicBool,
    is_over: AtomicBool,
    /// Whether the thread ended without being asked to.
    is_dead: AtomicBool,
    /// Changes that were taken from the table and are not in the file yet.
    in_hand: AtomicU64,
    failed: AtomicU64,
    /// Changes that the file's own constraints have refused.
    rejected: AtomicU64,
}

/// The database, and the changes that could not be written to it.
#[derive(Debug)]
struct Journal {
    store: Store,
    unwritten: Changes,
    /// Why a change was refused by the file's own constraints, until `flush` has returned it.
    rejection: Option<Error>,
}

impl Deferred {
    /// Starts the thread, which writes what changes in the table from now on.
    pub(super) fn start(store: Store, table: Arc<RwLock<PeerTable>>, interval: Duration) -> Result<Self> {
        table.write().map_err(|_| Error::poisoned())?.track();
        let name = store.name().to_owned();
        let shared = Arc::new(Shared {
            table,
            journal: Mutex::new(Journal { store, unwritten: Changes::default(), rejection: None }),
            interval,
            is_awake: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            is_dead: AtomicBool::new(false),
            in_hand: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            let body = move || {
                let has_ended = ends_without_panic(|| shared.run());
                if !has_ended || !shared.is_over.load(Ordering::SeqCst) {
                    shared.is_dead.store(true, Ordering::Release);
                }
            };
            without_signals(|| thread::Builder::new().name("peer_manager".to_owned()).spawn(body))
        };
        match thread {
            Ok(thread) => Ok(Self { shared, thread: Some(thread), name }),
            Err(error) => Err(Error::database(
                "cannot start the thread that writes to the database",
                format!("{error}; free some resources, or use another durability than DEFERRED"),
            )),
        }
    }

    /// Wakes the thread after a change of the table. Cost: an atomic load; for the first change of a group, a wake-up.
    pub(super) fn wake(&self) {
        if !self.shared.is_awake.load(Ordering::Relaxed) {
            self.shared.is_awake.store(true, Ordering::SeqCst);
            if let Some(thread) = &self.thread {
                thread.thread().unpark();
            }
        }
    }

    /// Writes all that has changed so far, and runs a checkpoint.
    pub(super) fn flush(&self) -> Result<()> {
        let mut journal = self.shared.journal()?;
        self.shared.write(&mut journal)?;
        journal.store.flush().inspect_err(|_| self.shared.count_failure())?;
        // Reported once: the change is not tried again, and everything else is on disk.
        journal.rejection.take().map_or(Ok(()), Err)
    }

    /// Changes in memory that are not in the file.
    pub(super) fn pending(&self, table: &PeerTable) -> u64 {
        table.dirty_len() as u64 + self.shared.in_hand.load(Ordering::SeqCst)
    }

    /// In a fork: as [`Store::abandon`], unless the thread held the journal lock at the fork: then it is never released.
    pub(super) fn abandon(&self) {
        if let Ok(mut journal) = self.shared.journal.try_lock() {
            journal.store.abandon();
        }
    }

    /// Changes that the file's own constraints have refused.
    pub(super) fn rejected(&self) -> u64 {
        self.shared.rejected.load(Ordering::Relaxed)
    }

    /// Writes that failed.
    pub(super) fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Whether the thread or a flush has panicked, so that nothing more will be written. Cost: two atomic loads.
    pub(super) fn is_broken(&self) -> bool {
        self.shared.is_dead.load(Ordering::Acquire) || is_poisoned(&self.shared.journal)
    }

    /// The state after such a panic.
    pub(super) fn broken(&self) -> Error {
        Error::Internal(format!(
            "writing to {} panicked, a bug in peer_manager, so this peer manager cannot be used any more; free it and open it \
             again",
            self.name
        ))
    }

    /// Ends the thread, tries once more to write the dirty set, and closes the database.
    pub(super) fn close(mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread catches its own panics.
            let _ = thread.join();
        }
        // There is no caller to return an error to. A panic that did not poison the journal leaves it usable for the
        // acknowledged changes.
        let _ = self.flush();
    }
}

impl Shared {
    /// The thread's loop.
    fn run(&self) {
        let mut wait = self.interval;
        loop {
            while !self.is_awake.load(Ordering::SeqCst) {
                if self.is_over.load(Ordering::SeqCst) {
                    return;
                }
                thread::park();
            }
            sleep_unless(&self.is_over, wait);
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            // Cleared before the changes are taken, so that a change after that wakes the thread again.
            self.is_awake.store(false, Ordering::SeqCst);
            inject_panic("deferred thread");
            // A poisoned journal is never written again.
            let Ok(mut journal) = self.journal() else { return };
            wait = if self.write(&mut journal).is_ok() {
                self.interval
            } else {
                self.is_awake.store(true, Ordering::SeqCst);
                wait.saturating_mul(2).clamp(RETRY[0], RETRY[1].max(self.interval))
            };
        }
    }

    fn journal(&self) -> Result<MutexGuard<'_, Journal>> {
        self.journal.lock().map_err(|_| Error::poisoned())
    }

    /// Takes the dirty set and writes it, together with what could not be written before.
    fn write(&self, journal: &mut Journal) -> Result<()> {
        let (taken, room) = {
            let mut table = self.table.write().map_err(|_| Error::poisoned())?;
            // Changes that cannot be taken stay dirty in the table.
            let (taken, room) = table.take_dirty(&journal.unwritten).map_err(|_| {
                self.count_failure();
                Error::no_memory(&format!("to write what has changed to {}", journal.store.name()))
            })?;
            // Under the table lock, so that `pending` counts them exactly once.
            self.in_hand.store((journal.unwritten.len() + taken.len()) as u64, Ordering::SeqCst);
            (taken, room)
        };
        let changes = std::mem::take(&mut journal.unwritten).followed_by(taken, room);
        self.in_hand.store(changes.len() as u64, Ordering::SeqCst);
        if changes.is_empty() {
            return Ok(());
        }
        match journal.store.write_changes(&changes) {
            Ok(rejected) => {
                self.in_hand.store(0, Ordering::SeqCst);
                self.rejected.fetch_add(rejected.peers.len() as u64, Ordering::Relaxed);
                if !rejected.peers.is_empty() {
                    let mut table = self.table.write().map_err(|_| Error::poisoned())?;
                    table.keep_data_unwritten(&rejected.peers);
                }
                journal.rejection = journal.rejection.take().or(rejected.first);
                Ok(())
            }
            Err(error) => {
                self.count_failure();
                journal.unwritten = changes;
                Err(error)
            }
        }
    }

    fn count_failure(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}
