//! The library with bounds and with a choice that it shares, beside the model of the bounds.
//!
//! Of equally bad peers any may go, so the model follows the table: what it cannot follow is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::ffi::options::PEER_MANAGER_DURABILITY_DEFERRED;
use peer_manager::{PeerAddress, PeerManager, StoredPeerType};
use rusqlite::Connection;

use super::mistakes;
use super::model::bounded::{Bounded, Bounds};
use super::model::netgroup;
use super::model::rows::{rows, rows_of};
use super::model::steps::{Query, Step, Subject};
use super::options::default_options;
use super::steps::{Event, START, Setup, Spelled};
use crate::c::Node;
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
    /// The type that each peer had first since the manager was opened, and whether one has changed since: a shared list keeps
    /// the order of the types that its peers had when they were drawn.
    types: BTreeMap<PeerAddress, StoredPeerType>,
    has_type_changed: bool,
    /// By their keys, what was told of the shared lists since the clock was turned last.
    lists: BTreeMap<u32, Told>,
}

/// What was told of one shared list.
#[derive(Default)]
struct Told {
    peers: BTreeSet<PeerAddress>,
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
            types: BTreeMap::new(),
            has_type_changed: false,
            lists: BTreeMap::new(),
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
        self.types.clear();
        self.has_type_changed = false;
        self.lists.clear();
        self.look_at_table();
    }

    /// Counts the peers, and those told of that are gone.
    fn look_at_table(&mut self) {
        let table = self.model.table();
        for (largest, peer_type) in self.largest.iter_mut().zip(StoredPeerType::ALL) {
            let count = table.values().filter(|record| record.peer_type == peer_type).count();
            *largest = (*largest).max(count);
        }
        for record in table.values() {
            let first = self.types.entry(record.address.clone()).or_insert(record.peer_type);
            self.has_type_changed |= *first != record.peer_type;
        }
        for list in self.lists.values_mut() {
            let before = list.present.len();
            list.present.retain(|peer| table.contains_key(peer));
            list.gone += before - list.present.len();
        }
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("the manager is open")
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

    pub(super) fn take(&mut self, event: &Event) {
        let now = self.clock.load(Ordering::SeqCst);
        match event {
            Event::Call(Step::GetPeersToSend(query, asking, size)) if self.shares() => {
                self.share(query.as_ref(), *asking, *size, now);
            }
            Event::Call(Step::SetOnline(_) | Step::SetOwnAddresses(_) | Step::Beside(_)) => {}
            Event::Call(step) => {
                let node = self.node.as_ref().expect("the manager is open");
                let is_deferred = self.setup.durability == PEER_MANAGER_DURABILITY_DEFERRED;
                self.model.take(step, node, now, is_deferred);
            }
            // Those without limits are enough for these.
            Event::KeepSnapshot => {}
            Event::TurnClock(time) => {
                self.clock.store(*time, Ordering::SeqCst);
                self.lists.clear();
            }
            Event::Reopen => self.reopen(),
            Event::Mistake(kind) => mistakes::make(*kind, self.node()),
        }
        self.is_flushed = matches!(event, Event::Call(Step::Flush) | Event::Reopen);
        self.look_at_table();
    }

    fn shares(&self) -> bool {
        self.setup.limits.share_cache_seconds != 0
    }

    /// Asks for peers to send where everyone is told of the same.
    fn share(&mut self, query: Option<&Query<Spelled>>, asking: Option<Spelled>, size: usize, now: i64) {
        let ask = || Subject::get_peers_to_send(self.node(), query, asking, size);
        let answer = ask();
        let classes = self.model.unbounded().classes_to_send(query, asking, now);
        assert_eq!(ask(), answer, "the same query has another answer");
        let class_of = |peer| classes.iter().position(|class| class.contains(peer)).expect("it is eligible");
        let is_in_order = answer.iter().map(class_of).is_sorted();
        assert!(is_in_order || self.has_type_changed, "not in the order of the types: {answer:?}");
        assert!(answer.len() <= size);
        assert_eq!(answer.iter().collect::<BTreeSet<_>>().len(), answer.len(), "a peer is there twice");
        let mut given = BTreeMap::<_, u32>::new();
        answer.iter().for_each(|peer| *given.entry(netgroup(peer)).or_default() += 1);
        let most = query.map_or(0, |query| query.max_per_netgroup);
        assert!(
            most == 0 || given.values().all(|&count| count <= most),
            "too many of a netgroup: {answer:?}"
        );
        let list = self.lists.entry(query.map_or(0, |query| query.share_key)).or_default();
        list.peers.extend(answer.iter().cloned());
        list.present.extend(answer);
        let percent = match self.setup.limits.share_max_percent {
            0 => 100,
            percent => percent as usize,
        };
        let parts = self.largest.map(|peers| (peers * percent / 100).max(peers.min(1)));
        let most = parts.iter().sum::<usize>() + list.gone;
        assert!(list.peers.len() <= most, "too many are told of");
    }

    /// What must hold after every step.
    pub(super) fn compare(&self) {
        assert_eq!(self.node().table(), *self.model.table());
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
