//! The library and the model side by side.

use std::ffi::{CString, c_void};
use std::fs;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicPtr, Ordering};
use std::time::Duration;

use peer_manager::ffi::manager::peer_manager as handle;
use peer_manager::ffi::options::PEER_MANAGER_DURABILITY_DEFERRED;
use peer_manager::ffi::snapshot::peer_manager_peer_count;
use peer_manager::{Clock, Durability, Options, PeerManager};
use rusqlite::Connection;

use super::both::Both;
use super::mistakes;
use super::model::reference::Reference;
use super::model::rows::{rows, rows_beside};
use super::model::steps::{Peers, Step, Subject as _, by_address};
use super::options::{FEW_SYSTEMS, default_options, follow};
use super::steps::{Event, START, Setup, Spelled};
use crate::c::{Node, Snapshot};
use crate::scratch::Scratch;

/// What the manager's clock reads. It calls back into the manager, as the header allows.
#[derive(Default)]
struct CallersClock {
    time: AtomicI64,
    manager: AtomicPtr<handle>,
}

unsafe extern "C" fn read_clock(context: *mut c_void) -> i64 {
    // SAFETY: the context is the clock of a `Pair`, which outlives its manager.
    let clock = unsafe { &*context.cast::<CallersClock>() };
    // SAFETY: the manager is NULL before it is open and after it is closed.
    unsafe { peer_manager_peer_count(clock.manager.load(Ordering::SeqCst)) };
    clock.time.load(Ordering::SeqCst)
}

pub(super) struct Pair {
    setup: Setup,
    clock: Arc<CallersClock>,
    file: Option<Scratch>,
    /// Another connection to the file, which sees what is committed and nothing else.
    rows: Option<Connection>,
    /// Only while the manager is closed, there is none.
    node: Option<Node>,
    model: Reference,
    /// The Rust API with the same calls.
    twin: PeerManager,
    /// With what it began when the manager was opened again.
    twins_file: Option<Scratch>,
    /// Whether the twin has had all calls since the manager was opened, so that its draws are the same.
    twin_draws_alike: bool,
    /// Whether all that was changed is in the file.
    is_flushed: bool,
    steps: usize,
    snapshots: Vec<(Snapshot, Peers)>,
}

impl Pair {
    pub(super) fn open(setup: Setup) -> Self {
        let clock = Arc::new(CallersClock::default());
        clock.time.store(START, Ordering::SeqCst);
        let mut pair = Self {
            setup,
            file: setup.on_file.then(Scratch::new),
            rows: None,
            node: None,
            model: if setup.on_file { Reference::new_with_db() } else { Reference::new_in_memory() }
                .under(setup.policy)
                .keeping(setup.keeps_histories),
            twin: twin(&clock, setup, None),
            twins_file: None,
            clock,
            twin_draws_alike: true,
            is_flushed: true,
            steps: 0,
            snapshots: Vec::new(),
        };
        pair.open_node();
        pair
    }

    fn open_node(&mut self) {
        let path =
            self.file.as_ref().map(|file| CString::new(file.path().into_os_string().into_encoded_bytes()));
        let path = path.map(|path| path.expect("a path has no NUL"));
        let mut options = default_options();
        options.durability = self.setup.durability;
        options.flush_interval_ms = self.setup.flush_interval_ms;
        options.db_path = path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
        options.clock = Some(read_clock);
        options.clock_context = Arc::as_ptr(&self.clock).cast_mut().cast();
        follow(self.setup.policy, &mut options);
        options.keep_history = self.setup.keeps_histories.into();
        options.has_rng_seed = 1;
        options.rng_seed = self.setup.seed;
        let node = Node::open(&options).expect("the manager can be opened");
        self.clock.manager.store(node.as_ptr(), Ordering::SeqCst);
        self.node = Some(node);
        self.rows =
            self.file.as_ref().map(|file| Connection::open(file.path()).expect("the file can be opened"));
    }

    fn close_node(&mut self) {
        self.rows = None;
        self.clock.manager.store(ptr::null_mut(), Ordering::SeqCst);
        self.node = None;
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("the manager is open")
    }

    fn pm(&self) -> *mut handle {
        self.node().as_ptr()
    }

    fn now(&self) -> i64 {
        self.clock.time.load(Ordering::SeqCst)
    }

    /// Opens again. What the twin draws differs from then on, for pools are filled in another order.
    fn reopen(&mut self) {
        self.close_node();
        if let Some(file) = &self.file {
            let manager = PeerManager::new_with_db(file.path()).expect("the file can be opened");
            manager.check_invariants().expect("the invariants hold after loading");
        }
        // What a manager was told before, it finds in a file, and the twin in a copy.
        let copy = self.file.as_ref().map(|file| {
            let copy = Scratch::new();
            fs::copy(file.path(), copy.path()).expect("the file can be copied");
            copy
        });
        self.open_node();
        self.model.reopen(self.now());
        // Peers that are banned by now are removed, with DEFERRED a little later.
        self.node().flush();
        self.is_flushed = true;
        self.twin = twin(&self.clock, self.setup, copy.as_ref());
        self.twins_file = copy;
        self.twin_draws_alike = self.file.is_none();
    }

    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Call(step) => {
                let now = self.now();
                let node = self.node.as_ref().expect("the manager is open");
                let both = Both { node, twin: &self.twin, draw_alike: self.twin_draws_alike };
                self.model.take(step, &both, now);
                if matches!(step, Step::GetStats) {
                    self.look_at_pending_writes();
                }
            }
            Event::KeepSnapshot => {
                let peers = by_address(self.model.get_all_peers().cloned());
                self.snapshots.push((self.node().get_all_peers(), peers));
            }
            Event::TurnClock(time) => self.clock.time.store(*time, Ordering::SeqCst),
            Event::Reopen => self.reopen(),
            Event::Mistake(kind) => mistakes::make(*kind, self.node()),
        }
        self.is_flushed = matches!(event, Event::Call(Step::Flush) | Event::Reopen);
        self.steps += 1;
    }

    fn look_at_pending_writes(&self) {
        let stats = self.node().get_stats();
        assert_eq!(stats.durability, self.setup.durability);
        if self.is_flushed || self.setup.durability != PEER_MANAGER_DURABILITY_DEFERRED {
            assert_eq!(stats.pending_writes, 0);
        }
    }

    /// What must hold after every step. Looking at everything takes longer than most steps, so it is done after every
    /// fourth only, and at the end.
    pub(super) fn compare(&self) {
        self.twin.check_invariants().expect("the invariants hold");
        // SAFETY: the manager is open.
        assert_eq!(unsafe { peer_manager_peer_count(self.pm()) }, self.model.peer_count());
        if self.steps.is_multiple_of(4) || self.is_flushed {
            self.compare_all();
        }
    }

    fn compare_all(&self) {
        let expected = by_address(self.model.get_all_peers().cloned());
        assert_eq!(self.node().table(), expected);
        let twins = self.twin.get_all_peers().expect("the twin answers");
        assert_eq!(by_address(twins.iter()), expected);
        let is_in_file = self.setup.durability != PEER_MANAGER_DURABILITY_DEFERRED || self.is_flushed;
        let both = Both { node: self.node(), twin: &self.twin, draw_alike: self.twin_draws_alike };
        self.model.compare_beside::<Spelled>(&both, self.now());
        if let Some(connection) = self.rows.as_ref().filter(|_| is_in_file) {
            assert_eq!(rows(connection), self.model.rows().collect());
            assert_eq!(rows_beside(connection), self.model.rows_beside());
        }
    }

    /// Closes and looks at what is left: the file, and the snapshots.
    pub(super) fn close(mut self) {
        self.compare_all();
        self.close_node();
        if let Some(file) = &self.file {
            let connection = Connection::open(file.path()).expect("the file can be opened");
            assert_eq!(rows(&connection), self.model.rows().collect());
            assert_eq!(rows_beside(&connection), self.model.rows_beside());
        }
        for (snapshot, peers) in &self.snapshots {
            assert_eq!(by_address(snapshot.records()), *peers, "a snapshot has changed");
        }
    }
}

/// In memory, or on a file that is written when the twin is dropped.
fn twin(clock: &Arc<CallersClock>, setup: Setup, file: Option<&Scratch>) -> PeerManager {
    let clock = Arc::clone(clock);
    let options = Options {
        clock: Clock::from_fn(move || clock.time.load(Ordering::SeqCst)),
        rng_seed: Some(setup.seed),
        reach: setup.policy.reach,
        name_groups: setup.policy.names,
        keep_history: setup.keeps_histories,
        db_path: file.map(Scratch::path),
        durability: if file.is_some() { Durability::Deferred } else { Durability::Commit },
        flush_interval: Duration::MAX,
        asmap_path: setup.policy.has_asmap.then(|| FEW_SYSTEMS.into()),
        ..Options::default()
    };
    PeerManager::open(options).expect("memory holds it")
}
