//! The library and the model side by side.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{CString, c_void};
use std::ops::RangeInclusive;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicPtr, Ordering};

use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::error::PEER_MANAGER_ERROR_NOT_FOUND;
use peer_manager::ffi::manager::{peer_manager as handle, peer_manager_flush};
use peer_manager::ffi::options::PEER_MANAGER_DURABILITY_DEFERRED;
use peer_manager::ffi::peers::{
    peer_manager_clear_all, peer_manager_ensure_exists, peer_manager_ensure_exists_many,
    peer_manager_limit_next_attempt, peer_manager_load, peer_manager_remove,
    peer_manager_remove_peers_with_many_failures, peer_manager_store, peer_manager_store_many,
    peer_manager_update, peer_manager_update_backoff, peer_manager_update_type,
};
use peer_manager::ffi::record::peer_manager_record;
use peer_manager::ffi::snapshot::peer_manager_peer_count;
use peer_manager::{Clock, Options, PeerAddress, PeerManager, PeerQuery, PeerRecord, StoredPeerType};
use rusqlite::Connection;

use super::query::check_answer;
use super::reference::Reference;
use super::steps::{Peer, Query, START, Setup, Step};
use super::values::{backoff, by_address, default_options, peer_type, rows, to_c, to_rust};
use super::{mistakes, netgroup};
use crate::c::{self, Node, Room, Snapshot, call};
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
    /// Whether the twin has had all calls since the manager was opened, so that its draws are the same.
    twin_draws_alike: bool,
    /// Whether all that was changed is in the file.
    is_flushed: bool,
    steps: usize,
    snapshots: Vec<(Snapshot, BTreeMap<PeerAddress, PeerRecord>)>,
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
            model: if setup.on_file { Reference::new_with_db() } else { Reference::new_in_memory() },
            twin: twin(&clock, setup.seed),
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
        self.open_node();
        self.model.reopen();
        self.is_flushed = true;
        self.twin = twin(&self.clock, self.setup.seed);
        let peers: Vec<_> = self.model.get_all_peers().cloned().collect();
        self.twin.store_many(&peers).expect("memory holds it");
        self.twin_draws_alike = self.file.is_none();
    }

    pub(super) fn take(&mut self, step: &Step) {
        let (now, pm) = (self.now(), self.pm());
        match step {
            Step::EnsureExists(peer) => {
                let address = peer.spelled();
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_ensure_exists(pm, &address, error) }));
                let inserted = self.twin.ensure_exists(&peer.address()).expect("memory holds it");
                assert_eq!(inserted, self.model.ensure_exists(&peer.address(), now));
            }
            Step::EnsureExistsMany(peers) => self.ensure_exists_many(peers, now),
            Step::Load(peer) => self.load(*peer),
            Step::Store(peer, values) => {
                let record = to_c(*peer, *values);
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_store(pm, &record, error) }));
                self.put(&[to_rust(*peer, *values)]);
            }
            Step::StoreMany(peers) => {
                let records: Vec<_> = peers.iter().map(|(peer, values)| to_c(*peer, *values)).collect();
                let (first, count) = (records.as_ptr(), records.len());
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_store_many(pm, first, count, error) }));
                let records: Vec<_> = peers.iter().map(|(peer, values)| to_rust(*peer, *values)).collect();
                self.put(&records);
            }
            Step::UpdateType(peer, observed, known) => {
                let address = peer.spelled();
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe {
                    peer_manager_update_type(pm, &address, *observed, *known, error)
                }));
                let (address, observed, known) = (peer.address(), peer_type(*observed), *known != 0);
                self.twin.update_type(&address, observed, known).expect("memory holds it");
                self.model.update_type(&address, observed, known, now);
            }
            Step::UpdateBackoff(peer, number) => {
                let address = peer.spelled();
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_update_backoff(pm, &address, *number, error) }));
                self.twin.update_backoff(&peer.address(), backoff(*number)).expect("memory holds it");
                let expected = self.model.update_backoff(&peer.address(), backoff(*number), now);
                self.adopt(expected);
            }
            Step::Update(peer, observed, known, number) => {
                let address = peer.spelled();
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe {
                    peer_manager_update(pm, &address, *observed, *known, *number, error)
                }));
                let (address, observed, known) = (peer.address(), peer_type(*observed), *known != 0);
                self.twin.update(&address, observed, known, backoff(*number)).expect("memory holds it");
                let expected = self.model.update(&address, observed, known, backoff(*number), now);
                self.adopt(expected);
            }
            Step::Remove(peer) => {
                let address = peer.spelled();
                // SAFETY: the pointers are valid for the call.
                let removed = call(|error| unsafe { peer_manager_remove(pm, &address, error) });
                let was_there = self.model.remove(&peer.address());
                assert_eq!(removed, if was_there { Ok(()) } else { Err(PEER_MANAGER_ERROR_NOT_FOUND) });
                assert_eq!(self.twin.remove(&peer.address()).is_ok(), was_there);
            }
            Step::RemovePeersWithManyFailures(min) => {
                let mut removed = usize::MAX;
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe {
                    peer_manager_remove_peers_with_many_failures(pm, *min, &raw mut removed, error)
                }));
                assert_eq!(removed, self.model.remove_peers_with_many_failures(*min));
                let by_twin = self.twin.remove_peers_with_many_failures(*min).expect("memory holds it");
                assert_eq!(removed, by_twin);
            }
            Step::LimitNextAttempt(latest) => {
                let mut changed = usize::MAX;
                let out = &raw mut changed;
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_limit_next_attempt(pm, *latest, out, error) }));
                assert_eq!(changed, self.model.limit_next_attempt(*latest));
                assert_eq!(self.twin.limit_next_attempt(*latest).expect("memory holds it"), changed);
            }
            Step::ClearAll => {
                // SAFETY: the manager is open.
                done(call(|error| unsafe { peer_manager_clear_all(pm, error) }));
                self.twin.clear_all().expect("memory holds it");
                self.model.clear_all();
            }
            Step::LoadRandomPeers(query, size) => self.load_random_peers(query, *size, now),
            Step::GetPeersToSend(query, except, size) => {
                self.get_peers_to_send(query.as_ref(), *except, *size, now);
            }
            Step::GetStats => self.compare_stats(now),
            Step::KeepSnapshot => {
                let peers = by_address(self.model.get_all_peers().cloned());
                self.snapshots.push((self.node().get_all_peers(), peers));
            }
            Step::TurnClock(time) => self.clock.time.store(*time, Ordering::SeqCst),
            Step::Flush => {
                // SAFETY: the manager is open.
                done(call(|error| unsafe { peer_manager_flush(pm, error) }));
            }
            Step::Reopen => self.reopen(),
            Step::Mistake(kind) => mistakes::make(*kind, self.node()),
        }
        self.is_flushed = matches!(step, Step::Flush | Step::Reopen);
        self.steps += 1;
    }

    fn ensure_exists_many(&mut self, peers: &[Peer], now: i64) {
        let addresses: Vec<_> = peers.iter().copied().map(Peer::spelled).collect();
        let mut inserted = usize::MAX;
        let (first, count, out) = (addresses.as_ptr(), addresses.len(), &raw mut inserted);
        // SAFETY: the pointers are valid for the call.
        done(call(|error| unsafe { peer_manager_ensure_exists_many(self.pm(), first, count, out, error) }));
        let addresses: Vec<_> = peers.iter().copied().map(Peer::address).collect();
        let expected = addresses.iter().filter(|address| self.model.ensure_exists(address, now)).count();
        assert_eq!(inserted, expected);
        assert_eq!(self.twin.ensure_exists_many(&addresses).expect("memory holds it"), expected);
    }

    fn load(&self, peer: Peer) {
        let mut out = Room::<peer_manager_record>::new();
        let address = peer.spelled();
        // SAFETY: the pointers are valid for the call.
        match call(|error| unsafe { peer_manager_load(self.pm(), &address, out.as_mut_ptr(), error) }) {
            // SAFETY: any bytes are a record.
            Ok(()) => assert_eq!(Some(&c::record(&unsafe { out.get() })), self.model.load(&peer.address())),
            Err(status) => {
                assert_eq!(status, PEER_MANAGER_ERROR_NOT_FOUND);
                assert!(self.model.load(&peer.address()).is_none() && out.is_untouched());
            }
        }
    }

    fn put(&mut self, records: &[PeerRecord]) {
        self.twin.store_many(records).expect("memory holds it");
        for record in records {
            self.model.store(record);
        }
    }

    /// Checks what was drawn against what may be drawn, and takes it over. The twin has drawn the same, or
    /// [`compare`](Self::compare) finds the difference.
    fn adopt(&mut self, (mut expected, next_attempts): (PeerRecord, RangeInclusive<i64>)) {
        let stored = self.twin.load(&expected.address).expect("the twin answers").expect("it was stored");
        assert!(next_attempts.contains(&stored.next_attempt), "{stored:?} is not in {next_attempts:?}");
        expected.next_attempt = stored.next_attempt;
        assert_eq!(stored, expected);
        self.model.store(&expected);
    }

    fn load_random_peers(&self, query: &Query, size: usize, now: i64) {
        let (exclude, exclude_in_c) = (query.excluded(), query.excluded_in_c());
        let answer =
            self.node().load_random_peers(&query.in_c(&exclude_in_c), size).expect("the query is right");
        let query = query.in_rust(&exclude);
        check_answer(&answer, &[self.model.candidates(&query, now)], query.max_per_netgroup, size);
        self.is_twins(&answer, &self.twin.load_random_peers(&query, size).expect("the query is right"));
    }

    fn get_peers_to_send(&self, query: Option<&Query>, except: Option<Peer>, size: usize, now: i64) {
        let exclude = query.map_or(Vec::new(), Query::excluded);
        let exclude_in_c = query.map_or(Vec::new(), Query::excluded_in_c);
        let filter = query.map(|query| query.in_c(&exclude_in_c));
        let filter = filter.as_ref().map_or(ptr::null(), ptr::from_ref);
        let asking = except.map(Peer::spelled);
        let asking = asking.as_ref().map_or(ptr::null(), ptr::from_ref::<peer_manager_address>);
        let answer = self.node().get_peers_to_send(filter, asking, size).expect("the filter is right");
        let query = query.map_or(PeerQuery::everything(), |query| query.in_rust(&exclude));
        let except = except.map(Peer::address);
        let candidates = self.model.candidates_to_send(&query, except.as_ref(), now);
        check_answer(&answer, &candidates, query.max_per_netgroup, size);
        let by_twin =
            self.twin.get_peers_to_send(&query, except.as_ref(), size).expect("the filter is right");
        self.is_twins(&answer, &by_twin);
    }

    fn is_twins(&self, answer: &[PeerAddress], by_twin: &[PeerAddress]) {
        assert_eq!(answer.len(), by_twin.len());
        if self.twin_draws_alike {
            assert_eq!(answer, by_twin, "the same calls with the same seed have another answer");
        }
    }

    fn compare_stats(&self, now: i64) {
        let stats = self.node().get_stats();
        let count = |passes: &dyn Fn(&PeerRecord) -> bool| {
            self.model.get_all_peers().filter(|record| passes(record)).count() as u64
        };
        let of_type = |peer_type| count(&|record| record.peer_type == peer_type);
        assert_eq!(stats.durability, self.setup.durability);
        assert_eq!(stats.peers, self.model.peer_count() as u64);
        assert_eq!(stats.inbound, of_type(StoredPeerType::Inbound));
        assert_eq!(stats.outbound, of_type(StoredPeerType::Outbound));
        assert_eq!(stats.preferred, of_type(StoredPeerType::Preferred));
        assert_eq!(stats.ready, count(&|record| record.next_attempt <= now));
        let netgroups: HashSet<_> =
            self.model.get_all_peers().map(|record| netgroup(&record.address)).collect();
        assert_eq!(stats.netgroups, netgroups.len() as u64);
        assert_eq!((stats.failed_writes, stats.skipped_rows, stats.refused_peers), (0, 0, 0));
        if self.is_flushed || self.setup.durability != PEER_MANAGER_DURABILITY_DEFERRED {
            assert_eq!(stats.pending_writes, 0);
        }
        self.twin.get_stats().expect("counting works");
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
        assert_eq!(by_address(self.node().get_all_peers().records()), expected);
        let twins = self.twin.get_all_peers().expect("the twin answers");
        assert_eq!(by_address(twins.iter()), expected);
        let is_in_file = self.setup.durability != PEER_MANAGER_DURABILITY_DEFERRED || self.is_flushed;
        if let Some(connection) = self.rows.as_ref().filter(|_| is_in_file) {
            assert_eq!(rows(connection), self.model.rows().collect());
        }
    }

    /// Closes and looks at what is left: the file, and the snapshots.
    pub(super) fn close(mut self) {
        self.compare_all();
        self.close_node();
        if let Some(file) = &self.file {
            let connection = Connection::open(file.path()).expect("the file can be opened");
            assert_eq!(rows(&connection), self.model.rows().collect());
        }
        for (snapshot, peers) in &self.snapshots {
            assert_eq!(by_address(snapshot.records()), *peers, "a snapshot has changed");
        }
    }
}

fn twin(clock: &Arc<CallersClock>, seed: u64) -> PeerManager {
    let clock = Arc::clone(clock);
    let options = Options {
        clock: Clock::from_fn(move || clock.time.load(Ordering::SeqCst)),
        rng_seed: Some(seed),
        ..Options::default()
    };
    PeerManager::open(options).expect("memory holds it")
}

fn done(status: Result<(), i32>) {
    assert_eq!(status, Ok(()));
}
