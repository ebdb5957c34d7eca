//! The library with bounds and with a choice that it shares, beside the model of the bounds.
//!
//! Of equally bad peers any may go, so the model follows the table: what it cannot follow is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::ffi::error::{
    PEER_MANAGER_ERROR_LIMIT as LIMIT, PEER_MANAGER_ERROR_NOT_FOUND as NOT_FOUND,
};
use peer_manager::ffi::manager::{peer_manager as handle, peer_manager_flush};
use peer_manager::ffi::options::PEER_MANAGER_DURABILITY_DEFERRED;
use peer_manager::ffi::peers::{
    peer_manager_clear_all, peer_manager_ensure_exists, peer_manager_ensure_exists_many,
    peer_manager_limit_next_attempt, peer_manager_remove, peer_manager_remove_peers_with_many_failures,
    peer_manager_store, peer_manager_store_many, peer_manager_update, peer_manager_update_backoff,
    peer_manager_update_type,
};
use peer_manager::{PeerAddress, PeerManager, PeerQuery, PeerRecord, StoredPeerType};
use rusqlite::Connection;

use super::bounded::{Bounded, Bounds, Known};
use super::query::check_answer;
use super::reference::Reference;
use super::steps::{Peer, Query, START, Setup, Step};
use super::values::{backoff, by_address, default_options, peer_type, rows, rows_of, to_c, to_rust};
use super::{mistakes, netgroup};
use crate::c::{Node, call};
use crate::scratch::Scratch;

unsafe extern "C" fn read_clock(context: *mut c_void) -> i64 {
    // SAFETY: the context is the clock of a `Limited`, which outlives its manager.
    unsafe { &*context.cast::<AtomicI64>() }.load(Ordering::SeqCst)
}

pub(super) struct Limited {
    setup: Setup,
    clock: Box<AtomicI64>,
    file: Option<Scratch>,
    /// Only while the manager is closed, there is none.
    node: Option<Node>,
    model: Bounded,
    is_flushed: bool,
    /// The most peers of each type that there were since the manager was opened.
    largest: [usize; 3],
    /// Who was told of since the clock was turned last, so of one shared list.
    told: BTreeSet<PeerAddress>,
    /// Those of them that are in the table.
    present: BTreeSet<PeerAddress>,
    /// How often one of them left it, so that another one may have been told of instead.
    gone: usize,
}

impl Limited {
    pub(super) fn open(setup: Setup) -> Self {
        let mut limited = Self {
            setup,
            clock: Box::new(AtomicI64::new(START)),
            file: setup.on_file.then(Scratch::new),
            node: None,
            model: Bounded::new(bounds(setup)),
            is_flushed: true,
            largest: [0; 3],
            told: BTreeSet::new(),
            present: BTreeSet::new(),
            gone: 0,
        };
        limited.open_node();
        limited
    }

    fn open_node(&mut self) {
        let path =
            self.file.as_ref().map(|file| CString::new(file.path().into_os_string().into_encoded_bytes()));
        let path = path.map(|path| path.expect("a path has no NUL"));
        let (setup, mut options) = (self.setup, default_options());
        options.durability = setup.durability;
        options.flush_interval_ms = setup.flush_interval_ms;
        options.db_path = path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
        options.clock = Some(read_clock);
        options.clock_context = ptr::from_ref(&*self.clock).cast_mut().cast();
        options.has_rng_seed = 1;
        options.rng_seed = setup.seed;
        options.max_peers = setup.limits.max_peers;
        options.max_peers_per_netgroup = setup.limits.max_peers_per_netgroup;
        options.share_cache_seconds = setup.limits.share_cache_seconds;
        options.share_max_percent = setup.limits.share_max_percent;
        self.node = Some(Node::open(&options).expect("the manager can be opened"));
        self.is_flushed = true;
        self.largest = [0; 3];
        self.forget_told();
        self.look_at_table();
    }

    fn forget_told(&mut self) {
        self.told.clear();
        self.present.clear();
        self.gone = 0;
    }

    /// Counts the peers, and those told of that are gone.
    fn look_at_table(&mut self) {
        let table = self.model.table();
        for (largest, peer_type) in self.largest.iter_mut().zip(StoredPeerType::ALL) {
            let count = table.values().filter(|record| record.peer_type == peer_type).count();
            *largest = (*largest).max(count);
        }
        let before = self.present.len();
        self.present.retain(|peer| table.contains_key(peer));
        self.gone += before - self.present.len();
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("the manager is open")
    }

    fn pm(&self) -> *mut handle {
        self.node().as_ptr()
    }

    fn table(&self) -> BTreeMap<PeerAddress, PeerRecord> {
        by_address(self.node().get_all_peers().records())
    }

    /// Opens again, the next time with the bounds the other way round.
    fn reopen(&mut self) {
        self.node = None;
        let Some(file) = &self.file else {
            self.model = Bounded::new(bounds(self.setup));
            return self.open_node();
        };
        let limits = &mut self.setup.limits;
        (limits.max_peers, limits.max_peers_per_netgroup) =
            (limits.max_peers_per_netgroup.into(), u32::try_from(limits.max_peers).unwrap_or(u32::MAX));
        // Without bounds, a manager gives the rows in no order, but a connection does.
        let manager = PeerManager::new_with_db(file.path()).expect("the file can be opened");
        manager.check_invariants().expect("the invariants hold after loading");
        drop(manager);
        let connection = Connection::open(file.path()).expect("the file can be opened");
        let mut rows = Vec::new();
        peer_manager::load_all_from_db(&connection, |record| rows.push(record.clone())).expect("it is sound");
        assert_eq!(rows_of(&rows), rows_of(self.model.rows()), "what was closed");
        self.model = Bounded::open(bounds(self.setup), rows);
        self.open_node();
    }

    pub(super) fn take(&mut self, step: &Step) {
        let (pm, now) = (self.pm(), self.clock.load(Ordering::SeqCst));
        match step {
            Step::EnsureExists(peer) => {
                let address = peer.spelled();
                // SAFETY: the pointers are valid for the call.
                let called = call(|error| unsafe { peer_manager_ensure_exists(pm, &address, error) });
                self.follow(called, &[PeerRecord::new(peer.address(), now)], Known::Stays);
            }
            Step::EnsureExistsMany(peers) => {
                let addresses: Vec<_> = peers.iter().copied().map(Peer::spelled).collect();
                let mut inserted = usize::MAX;
                let (first, count, out) = (addresses.as_ptr(), addresses.len(), &raw mut inserted);
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_ensure_exists_many(pm, first, count, out, error) }));
                let batch: Vec<_> = peers.iter().map(|peer| PeerRecord::new(peer.address(), now)).collect();
                let after = self.table();
                assert_eq!(inserted, self.model.take_in(&batch, Known::Stays, &after).new);
            }
            Step::Store(peer, values) => {
                let record = to_c(*peer, *values);
                // SAFETY: the pointers are valid for the call.
                let called = call(|error| unsafe { peer_manager_store(pm, &record, error) });
                self.follow(called, &[to_rust(*peer, *values)], Known::IsReplaced);
            }
            Step::StoreMany(peers) => {
                let records: Vec<_> = peers.iter().map(|(peer, values)| to_c(*peer, *values)).collect();
                let (first, count) = (records.as_ptr(), records.len());
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_store_many(pm, first, count, error) }));
                let batch: Vec<_> = peers.iter().map(|(peer, values)| to_rust(*peer, *values)).collect();
                let after = self.table();
                self.model.take_in(&batch, Known::IsReplaced, &after);
            }
            Step::UpdateType(..) | Step::UpdateBackoff(..) | Step::Update(..) => self.update(step, now),
            Step::Remove(peer) => {
                let address = peer.spelled();
                // SAFETY: the pointers are valid for the call.
                let removed = call(|error| unsafe { peer_manager_remove(pm, &address, error) });
                assert_eq!(removed, if self.model.remove(&peer.address()) { Ok(()) } else { Err(NOT_FOUND) });
            }
            Step::RemovePeersWithManyFailures(min) => {
                let mut removed = usize::MAX;
                let out = &raw mut removed;
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe {
                    peer_manager_remove_peers_with_many_failures(pm, *min, out, error)
                }));
                let is_deferred = self.setup.durability == PEER_MANAGER_DURABILITY_DEFERRED;
                assert_eq!(removed, self.model.remove_peers_with_many_failures(*min, is_deferred));
            }
            Step::LimitNextAttempt(latest) => {
                let mut changed = usize::MAX;
                let out = &raw mut changed;
                // SAFETY: the pointers are valid for the call.
                done(call(|error| unsafe { peer_manager_limit_next_attempt(pm, *latest, out, error) }));
                assert_eq!(changed, self.model.limit_next_attempt(*latest));
            }
            Step::ClearAll => {
                // SAFETY: the manager is open.
                done(call(|error| unsafe { peer_manager_clear_all(pm, error) }));
                self.model.clear_all();
            }
            Step::LoadRandomPeers(query, size) => self.load_random_peers(query, *size, now),
            Step::GetPeersToSend(query, except, size) => {
                self.get_peers_to_send(query.as_ref(), *except, *size, now);
            }
            Step::TurnClock(time) => {
                self.clock.store(*time, Ordering::SeqCst);
                self.forget_told();
            }
            // SAFETY: the manager is open.
            Step::Flush => done(call(|error| unsafe { peer_manager_flush(pm, error) })),
            Step::Reopen => self.reopen(),
            Step::Mistake(kind) => mistakes::make(*kind, self.node()),
            // Those without limits are enough for these.
            Step::Load(_) | Step::GetStats | Step::KeepSnapshot => {}
        }
        self.is_flushed = matches!(step, Step::Flush | Step::Reopen);
        self.look_at_table();
    }

    /// A change of one peer, of which the rules say what it makes, but for what is drawn.
    fn update(&mut self, step: &Step, now: i64) {
        let (Step::UpdateType(peer, ..) | Step::UpdateBackoff(peer, _) | Step::Update(peer, ..)) = step
        else {
            unreachable!("only updates come here");
        };
        let (pm, in_c, address) = (self.pm(), peer.spelled(), peer.address());
        let mut rules = Reference::new_in_memory();
        self.model.table().get(&address).into_iter().for_each(|record| rules.store(record));
        let (called, mut expected) = match step {
            Step::UpdateType(_, observed, known) => {
                // SAFETY: the pointers are valid for the call.
                let called =
                    call(|error| unsafe { peer_manager_update_type(pm, &in_c, *observed, *known, error) });
                rules.update_type(&address, peer_type(*observed), *known != 0, now);
                (called, rules.load(&address).cloned().expect("it was updated"))
            }
            Step::UpdateBackoff(_, number) => {
                // SAFETY: the pointers are valid for the call.
                let called = call(|error| unsafe { peer_manager_update_backoff(pm, &in_c, *number, error) });
                (called, rules.update_backoff(&address, backoff(*number), now).0)
            }
            Step::Update(_, observed, known, number) => {
                // SAFETY: the pointers are valid for the call.
                let called = call(|error| unsafe {
                    peer_manager_update(pm, &in_c, *observed, *known, *number, error)
                });
                let known = *known != 0;
                (called, rules.update(&address, peer_type(*observed), known, backoff(*number), now).0)
            }
            _ => unreachable!("only updates come here"),
        };
        if let Some(stored) = self.table().get(&address) {
            expected.next_attempt = stored.next_attempt;
        }
        self.follow(called, &[expected], Known::IsReplaced);
    }

    /// A call of one peer fails if it is refused, and only then.
    fn follow(&mut self, called: Result<(), i32>, batch: &[PeerRecord], known: Known) {
        let after = self.table();
        let refused = self.model.take_in(batch, known, &after).refused;
        assert_eq!(called, if refused == 0 { Ok(()) } else { Err(LIMIT) });
    }

    /// The specification's table, for what may be answered.
    fn reference(&self) -> Reference {
        let mut reference = Reference::new_in_memory();
        self.model.table().values().for_each(|record| reference.store(record));
        reference
    }

    fn load_random_peers(&self, query: &Query, size: usize, now: i64) {
        let (exclude, exclude_in_c) = (query.excluded(), query.excluded_in_c());
        let answer =
            self.node().load_random_peers(&query.in_c(&exclude_in_c), size).expect("the query is right");
        let candidates = self.reference().candidates(&query.in_rust(&exclude), now);
        check_answer(&answer, &[candidates], query.max_per_netgroup, size);
    }

    fn get_peers_to_send(&mut self, query: Option<&Query>, except: Option<Peer>, size: usize, now: i64) {
        let exclude = query.map_or(Vec::new(), Query::excluded);
        let exclude_in_c = query.map_or(Vec::new(), Query::excluded_in_c);
        let filter = query.map(|query| query.in_c(&exclude_in_c));
        let filter = filter.as_ref().map_or(ptr::null(), ptr::from_ref);
        let asking = except.map(Peer::spelled);
        let asking = asking.as_ref().map_or(ptr::null(), ptr::from_ref);
        let ask = || self.node().get_peers_to_send(filter, asking, size).expect("the filter is right");
        let answer = ask();
        let query = query.map_or(PeerQuery::everything(), |query| query.in_rust(&exclude));
        let classes = self.reference().candidates_to_send(&query, except.map(Peer::address).as_ref(), now);
        if self.setup.limits.share_cache_seconds == 0 {
            return check_answer(&answer, &classes, query.max_per_netgroup, size);
        }
        assert_eq!(ask(), answer, "the same question has another answer");
        let class_of = |peer| classes.iter().position(|class| class.contains(peer)).expect("it is eligible");
        assert!(answer.iter().map(class_of).is_sorted(), "not in the order of the types: {answer:?}");
        assert!(answer.len() <= size);
        assert_eq!(answer.iter().collect::<BTreeSet<_>>().len(), answer.len(), "a peer is there twice");
        let mut given = BTreeMap::<_, u32>::new();
        answer.iter().for_each(|peer| *given.entry(netgroup(peer)).or_default() += 1);
        let most = query.max_per_netgroup;
        assert!(
            most == 0 || given.values().all(|&count| count <= most),
            "too many of a netgroup: {answer:?}"
        );
        self.told.extend(answer.iter().cloned());
        self.present.extend(answer);
        let percent = match self.setup.limits.share_max_percent {
            0 => 100,
            percent => percent as usize,
        };
        let parts = self.largest.map(|peers| (peers * percent / 100).max(peers.min(1)));
        let most = parts.iter().sum::<usize>() + self.gone;
        assert!(self.told.len() <= most, "too many are told of");
    }

    /// What must hold after every step.
    pub(super) fn compare(&self) {
        assert_eq!(self.table(), *self.model.table());
        let stats = self.node().get_stats();
        assert_eq!(
            (stats.peers, stats.refused_peers),
            (self.model.table().len() as u64, self.model.refused())
        );
        let is_in_file = self.setup.durability != PEER_MANAGER_DURABILITY_DEFERRED || self.is_flushed;
        if let Some(file) = self.file.as_ref().filter(|_| is_in_file) {
            let connection = Connection::open(file.path()).expect("the file can be opened");
            assert_eq!(rows(&connection), rows_of(self.model.rows()));
        }
    }

    /// Closes and looks at what is left in the file.
    pub(super) fn close(mut self) {
        self.node = None;
        if let Some(file) = &self.file {
            let connection = Connection::open(file.path()).expect("the file can be opened");
            assert_eq!(rows(&connection), rows_of(self.model.rows()));
        }
    }
}

fn bounds(setup: Setup) -> Bounds {
    let (max_peers, max_peers_per_netgroup) = (setup.limits.max_peers, setup.limits.max_peers_per_netgroup);
    Bounds { max_peers, max_peers_per_netgroup }
}

fn done(status: Result<(), i32>) {
    assert_eq!(status, Ok(()));
}
