//! A disk that fails on demand: files below a directory with a [`FaultPlan`] are reached through a VFS of SQLite's
//! that counts what is done to them, makes it fail as the plan says, and keeps a model of what would outlast a loss
//! of power. All other files are the system's as ever.

pub(crate) mod disk;
mod shim;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disk::{Disk, Event};
use rusqlite::{Connection, OpenFlags, ffi};

/// What SQLite does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Open,
    Read,
    Write,
    Sync,
    Truncate,
    Delete,
    /// Maps a part of the index that connections share.
    MapShared,
    /// Asks for the size.
    Size,
    /// Asks whether the file exists.
    Access,
    /// Locks it, or a part of that index.
    Lock,
    LockShared,
    /// Asks the file for something that has no method of its own.
    Control,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Open,
        Self::Read,
        Self::Write,
        Self::Sync,
        Self::Truncate,
        Self::Delete,
        Self::MapShared,
        Self::Size,
        Self::Access,
        Self::Lock,
        Self::LockShared,
        Self::Control,
    ];
}

/// In which way a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Whatever is done ends in an I/O error and without effect.
    Io,
    /// There is no space: neither to write, nor, on disks that look for space late, to synchronise.
    Full,
    /// Half of what is to be written is, and an I/O error follows.
    Torn,
}

impl Fault {
    pub(crate) const ALL: [Self; 3] = [Self::Io, Self::Full, Self::Torn];

    /// The result code of what fails so; `None` for what this does not make fail.
    fn code(self, kind: Kind) -> Option<i32> {
        match (self, kind) {
            (Self::Io, Kind::Open) => Some(ffi::SQLITE_CANTOPEN),
            (Self::Io, Kind::Read) => Some(ffi::SQLITE_IOERR_READ),
            (Self::Io | Self::Torn, Kind::Write) => Some(ffi::SQLITE_IOERR_WRITE),
            (Self::Io, Kind::Sync) => Some(ffi::SQLITE_IOERR_FSYNC),
            (Self::Io, Kind::Truncate) => Some(ffi::SQLITE_IOERR_TRUNCATE),
            (Self::Io, Kind::Delete) => Some(ffi::SQLITE_IOERR_DELETE),
            (Self::Io, Kind::MapShared) => Some(ffi::SQLITE_IOERR_SHMMAP),
            (Self::Io, Kind::Size) => Some(ffi::SQLITE_IOERR_FSTAT),
            (Self::Io, Kind::Access) => Some(ffi::SQLITE_IOERR_ACCESS),
            (Self::Io, Kind::LockShared) => Some(ffi::SQLITE_IOERR_SHMLOCK),
            (Self::Io, Kind::Lock) => Some(ffi::SQLITE_IOERR_LOCK),
            (Self::Full, Kind::Write | Kind::Sync) => Some(ffi::SQLITE_FULL),
            (Self::Full | Self::Torn, _) | (Self::Io, Kind::Control) => None,
        }
    }
}

/// How long a fault stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// It strikes once.
    Once,
    /// It strikes from then on until [`FaultPlan::heal`].
    UntilHealed,
}

/// An operation that was made to fail, and the result code it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) kind: Kind,
    pub(crate) code: i32,
}

/// What is to become of the files in one directory. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct FaultPlan(Arc<Watch>);

/// Every plan there is.
static WATCHES: Mutex<Vec<Arc<Watch>>> = Mutex::new(Vec::new());

/// What the VFS knows of one directory. Its methods are called by SQLite and must not panic.
#[derive(Debug)]
struct Watch {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: [u64; Kind::ALL.len()],
    armed: Option<(Fault, u64, Lasting)>,
    refused: Option<(Kind, i32, i32)>,
    struck: Vec<Struck>,
    injected: u64,
    at_first: Disk,
    log: Vec<Event>,
    has_no_log: bool,
}

/// What the VFS is to do.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    GoOn,
    /// Do nothing and return this code.
    Fail(i32),
    /// Write the first half and return this code.
    Tear(i32),
}

impl FaultPlan {
    /// Watches a directory that SQLite has no file of open. Nothing fails yet.
    pub(crate) fn of(directory: &Path) -> Self {
        shim::register();
        // SQLite gives the VFS paths without symbolic links.
        let directory = directory.canonicalize().unwrap();
        let at_first = Disk::with(disk::read(&directory));
        let state = Mutex::new(State { at_first, ..State::default() });
        let watch = Arc::new(Watch { directory, state });
        locked(&WATCHES).push(Arc::clone(&watch));
        Self(watch)
    }

    /// As [`of`](Self::of), without the memory that a loss of power asks for: for tests that go on for long.
    pub(crate) fn without_log(directory: &Path) -> Self {
        let plan = Self::of(directory);
        locked(&plan.0.state).has_no_log = true;
        plan
    }

    /// Makes the `nth` operation fail that a fault of this kind can strike, counted from here and from 1.
    pub(crate) fn arm(&self, fault: Fault, nth: u64, lasting: Lasting) {
        let mut state = locked(&self.0.state);
        state.counts = [0; Kind::ALL.len()];
        state.struck.clear();
        state.armed = Some((fault, nth, lasting));
    }

    /// Makes all operations of a kind fail from here on, until [`heal`](Self::heal), with this result code and this error
    /// number of the system's: what no disk here does by itself.
    pub(crate) fn refuse(&self, kind: Kind, code: i32, errno: i32) {
        locked(&self.0.state).refused = Some((kind, code, errno));
    }

    /// Makes nothing fail, and counts from here.
    pub(crate) fn count_from_here(&self) {
        let mut state = locked(&self.0.state);
        state.counts = [0; Kind::ALL.len()];
        state.struck.clear();
        state.armed = None;
    }

    /// Ends a fault that lasts.
    pub(crate) fn heal(&self) {
        let mut state = locked(&self.0.state);
        (state.armed, state.refused) = (None, None);
    }

    /// How many operations of this kind there were.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        locked(&self.0.state).counts[kind as usize]
    }

    /// How many operations there were that a fault of this kind can strike.
    pub(crate) fn reach(&self, fault: Fault) -> u64 {
        locked(&self.0.state).reach(fault)
    }

    /// What was struck since the plan was armed.
    pub(crate) fn struck(&self) -> Vec<Struck> {
        locked(&self.0.state).struck.clone()
    }

    /// Whether all that was struck may be passed over in silence: to cut the log back, SQLite asks for its size, and leaves it
    /// as it is when it gets no answer.
    pub(crate) fn may_be_passed_over(&self) -> bool {
        self.struck().iter().all(|struck| struck.kind == Kind::Size)
    }

    /// How many operations were made to fail, ever.
    pub(crate) fn injected(&self) -> u64 {
        locked(&self.0.state).injected
    }

    /// How much has been done to the files so far: a place in [`events`](Self::events).
    pub(crate) fn position(&self) -> usize {
        locked(&self.0.state).log.len()
    }

    /// The directory as it was at first, and all that was done to it since.
    pub(crate) fn events(&self) -> (Disk, Vec<Event>) {
        let state = locked(&self.0.state);
        (state.at_first.clone(), state.log.clone())
    }

    /// The directory as it is.
    pub(crate) fn disk(&self) -> Disk {
        let (mut disk, events) = self.events();
        for event in &events {
            disk.apply(event);
        }
        disk
    }
}

impl Drop for FaultPlan {
    fn drop(&mut self) {
        locked(&WATCHES).retain(|watch| !Arc::ptr_eq(watch, &self.0));
    }
}

impl Watch {
    /// The watch over a file, if there is one, and the file's name in its directory.
    fn over(path: &Path) -> Option<(Arc<Self>, String)> {
        let directory = path.parent()?;
        let name = path.file_name()?.to_str()?.to_owned();
        let watches = locked(&WATCHES);
        let watch = watches.iter().find(|watch| watch.directory == directory)?;
        Some((Arc::clone(watch), name))
    }

    /// Counts an operation and says what is to become of it.
    fn judge(&self, kind: Kind) -> Verdict {
        let mut state = locked(&self.state);
        state.counts[kind as usize] += 1;
        match state.refused {
            Some((refused, code, errno)) if refused == kind => {
                shim::set_errno(errno);
                return Verdict::Fail(code);
            }
            _ => {}
        }
        let Some((fault, nth, lasting)) = state.armed else { return Verdict::GoOn };
        let Some(code) = fault.code(kind) else { return Verdict::GoOn };
        let count = state.reach(fault);
        if count < nth || (count > nth && lasting == Lasting::Once) {
            return Verdict::GoOn;
        }
        if !state.has_no_log {
            state.struck.push(Struck { kind, code });
        }
        state.injected += 1;
        if fault == Fault::Torn { Verdict::Tear(code) } else { Verdict::Fail(code) }
    }

    fn note(&self, event: Event) {
        let mut state = locked(&self.state);
        if !state.has_no_log {
            state.log.push(event);
        }
    }
}

impl State {
    fn reach(&self, fault: Fault) -> u64 {
        let kinds = Kind::ALL.iter().filter(|&&kind| fault.code(kind).is_some());
        kinds.map(|&kind| self.counts[kind as usize]).sum()
    }
}

/// A connection that no plan can harm and none counts.
pub(crate) fn past_all_faults(path: &Path) -> Connection {
    Connection::open_with_flags_and_vfs(path, OpenFlags::default(), shim::real_name()).unwrap()
}

/// A test that has panicked says so itself, and others go on.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
