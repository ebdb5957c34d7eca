//! A table with bounds against the model of them: random histories of few peers in few netgroups under small bounds, in
//! memory and on a file that is opened again with the same bounds or others. After each step the table, the rows, the
//! refusals and the invariants are compared.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::model::bounded::{Bounded, Bounds};
use crate::common::model::netgroup::Policy;
use crate::common::model::steps::{Peer, Peers, Step, Values};
use crate::common::{self, Rows, START, TempDb, TestClock};
use peer_manager::{
    BackOffUpdate, Durability, NameGroups, Options, PeerAddress, PeerManager, PeerRecord, Reach,
    StoredPeerType,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use rusqlite::Connection;

/// So few that tables are full most of the time.
const UNIVERSE: u32 = 30;

/// A peer by its number in the universe.
#[derive(Clone, Copy, Debug)]
struct Number(u32);

impl Peer for Number {
    /// Six netgroups: three of IPv4, one of them private and one with addresses that wrap it, one of IPv6, one name with many
    /// ports, and names of their own.
    fn address(self) -> PeerAddress {
        let Self(n) = self;
        common::address(&match n % 6 {
            0 if n > 12 => format!("[64:ff9b::52.0.{n}.1]:11625"),
            0 => format!("52.0.{n}.1:11625"),
            1 => format!("52.1.0.{n}:11625"),
            2 => format!("10.0.{n}.7:11625"),
            3 => format!("[2a01:4f8:{n}::1]:11625"),
            4 if n > 12 => format!("localhost:{}", n / 12),
            4 => format!("same.example.org:{}", n + 1),
            5 if n > 12 => format!("node-{n}.onion:1"),
            _ => format!("node-{n}.example.org:11625"),
        })
    }
}

#[derive(Clone, Debug)]
enum Event {
    Call(Step<Number>),
    TurnClock(i64),
    /// With other bounds, if there are some.
    Reopen(Option<Bounds>),
}

fn bounds() -> impl Strategy<Value = Bounds> {
    // 0 is no bound, and the largest is as good as none.
    let of_table = prop_oneof![8 => 1..12_u64, 2 => Just(0), 1 => Just(u64::MAX)];
    let of_netgroup = prop_oneof![8 => 1..5_u32, 3 => Just(0), 1 => Just(u32::MAX)];
    (of_table, of_netgroup)
        .prop_map(|(max_peers, max_peers_per_netgroup)| Bounds { max_peers, max_peers_per_netgroup })
}

fn history() -> impl Strategy<Value = Vec<Event>> {
    let peer = || (0..UNIVERSE).prop_map(Number);
    let time = || (START - 100)..(START + 100);
    // Around the ranges of failures that are told apart.
    let failures = || {
        prop_oneof![
            8 => 0..4_u32,
            6 => 14..35_u32,
            3 => select(vec![63, 64, 120, 121, 1 << 20, u32::MAX]),
        ]
    };
    // Mostly inbound, or no peer could be evicted.
    let peer_type = || {
        prop_oneof![
            6 => Just(StoredPeerType::Inbound),
            2 => Just(StoredPeerType::Outbound),
            1 => Just(StoredPeerType::Preferred),
        ]
    };
    let backoff = || {
        prop_oneof![
            4 => Just(BackOffUpdate::Increase),
            1 => select(vec![BackOffUpdate::HardReset, BackOffUpdate::Reset]),
        ]
    };
    let values = move || -> BoxedStrategy<Values> { (time(), failures(), peer_type()).boxed() };
    let flag = || any::<bool>().prop_map(u8::from);
    let step = prop_oneof![
        8 => peer().prop_map(Step::EnsureExists),
        6 => vec(peer(), 0..8).prop_map(Step::EnsureExistsMany),
        6 => (peer(), values()).prop_map(|(p, v)| Step::Store(p, v)),
        6 => vec((peer(), values()), 0..8).prop_map(Step::StoreMany),
        2 => (peer(), peer_type(), flag()).prop_map(|(p, t, k)| Step::UpdateType(p, t, k)),
        10 => (peer(), backoff()).prop_map(|(p, b)| Step::UpdateBackoff(p, b)),
        3 => (peer(), peer_type(), flag(), backoff()).prop_map(|(p, t, k, b)| Step::Update(p, t, k, b)),
        4 => peer().prop_map(Step::Remove),
        1 => failures().prop_map(Step::RemovePeersWithManyFailures),
        1 => time().prop_map(Step::LimitNextAttempt),
        1 => Just(Step::Flush),
    ];
    let event = prop_oneof![
        48 => step.prop_map(Event::Call),
        2 => time().prop_map(Event::TurnClock),
        1 => option::of(bounds()).prop_map(Event::Reopen),
    ];
    vec(prop_oneof![150 => event, 1 => Just(Event::Call(Step::ClearAll))], 1..150)
}

/// The library and the model side by side.
struct Pair {
    clock: TestClock,
    seed: u64,
    policy: Policy,
    bounds: Bounds,
    durability: Durability,
    database: Option<(TempDb, Connection)>,
    manager: PeerManager,
    model: Bounded,
    /// With DEFERRED, what the rows may be: those of every moment since the last flush.
    moments: Vec<Rows>,
}

impl Pair {
    fn new(seed: u64, policy: Policy, bounds: Bounds, on_file: Option<Durability>) -> Self {
        let clock = TestClock::at(START);
        let database = on_file.map(|_| TempDb::fast());
        let durability = on_file.unwrap_or_default();
        let manager = open(&clock, seed, policy, bounds, durability, database.as_ref());
        let database = database.map(|database| {
            let connection = database.connection();
            (database, connection)
        });
        let model = Bounded::open_under(policy, bounds, []);
        Self { clock, seed, policy, bounds, durability, database, manager, model, moments: Vec::new() }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Call(step) => {
                let is_deferred = self.durability == Durability::Deferred;
                self.model.take(step, &self.manager, self.clock.now(), is_deferred);
                if matches!(step, Step::Flush) {
                    self.moments.clear();
                }
            }
            Event::TurnClock(time) => self.clock.set(*time),
            Event::Reopen(bounds) => self.reopen(bounds.unwrap_or(self.bounds)),
        }
    }

    fn reopen(&mut self, bounds: Bounds) {
        let Some((database, connection)) = &self.database else { return };
        // The old one is closed first, as in a node that starts again.
        self.manager = self.clock.in_memory(self.seed);
        let rows = rows_in_order(connection);
        assert_eq!(common::rows_of(&rows), common::rows_of(self.model.rows()), "what was closed");
        self.manager = open(&self.clock, self.seed, self.policy, bounds, self.durability, Some(database));
        self.model = Bounded::open_under(self.policy, bounds, rows);
        self.bounds = bounds;
        self.moments.clear();
    }

    /// What must hold after every step.
    fn compare(&mut self) {
        self.manager.check_invariants().unwrap();
        let peers = common::peers(&self.manager);
        assert_eq!(&peers, self.model.table());
        self.assert_within_bounds(&peers);
        let stats = self.manager.get_stats().unwrap();
        assert_eq!((stats.peers, stats.refused_peers), (peers.len() as u64, self.model.refused()));
        assert_eq!((stats.failed_writes, stats.skipped_rows), (0, 0));
        let Some((_, connection)) = &self.database else { return };
        let (rows, now) = (common::rows(connection), common::rows_of(self.model.rows()));
        if self.durability == Durability::Deferred && !self.moments.is_empty() {
            self.moments.push(now);
            assert!(self.moments.contains(&rows), "the rows are of no moment since the last flush: {rows:?}");
        } else {
            assert_eq!(rows, now);
            self.moments.push(now);
        }
    }

    /// The model keeps them too; this does not depend on it.
    fn assert_within_bounds(&self, peers: &Peers) {
        let Bounds { max_peers, max_peers_per_netgroup } = self.bounds;
        assert!(max_peers == 0 || peers.len() as u64 <= max_peers, "{} peers", peers.len());
        let mut by_netgroup = BTreeMap::<_, u32>::new();
        for address in peers.keys() {
            *by_netgroup.entry(self.policy.netgroup(address)).or_default() += 1;
        }
        let is_within = |&count: &u32| max_peers_per_netgroup == 0 || count <= max_peers_per_netgroup;
        assert!(by_netgroup.values().all(is_within), "{by_netgroup:?}");
    }
}

fn open(
    clock: &TestClock,
    seed: u64,
    policy: Policy,
    bounds: Bounds,
    durability: Durability,
    database: Option<&TempDb>,
) -> PeerManager {
    let mut options: Options = clock.options(seed);
    options.db_path = database.map(TempDb::path);
    options.durability = durability;
    options.flush_interval = Duration::from_millis(1);
    common::follow(policy, &mut options);
    options.max_peers = bounds.max_peers;
    options.max_peers_per_netgroup = bounds.max_peers_per_netgroup;
    common::open(options)
}

fn rows_in_order(connection: &Connection) -> Vec<PeerRecord> {
    let sql = "SELECT ip, port, nextattempt, numfailures, type FROM peers NOT INDEXED ORDER BY rowid";
    let mut statement = connection.prepare_cached(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let address = PeerAddress::new(&row.get::<_, String>(0)?, row.get(1)?).unwrap();
        let peer_type = StoredPeerType::from_number(row.get(4)?).unwrap();
        Ok(common::record(address, row.get(2)?, row.get(3)?, peer_type))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn replay(mut pair: Pair, history: &[Event]) {
    pair.compare();
    for event in history {
        pair.take(event);
        pair.compare();
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    let reach = select(vec![Reach::Specification, Reach::Public, Reach::Private]);
    let other = (reach, select(vec![NameGroups::Each, NameGroups::ByKey]), any::<bool>());
    let other = other.prop_map(|(reach, names, has_asmap)| Policy { reach, names, has_asmap });
    prop_oneof![Just(Policy::default()), other]
}

fn behaves_as_the_model(cases: u32, on_file: Option<Durability>) {
    common::runner(cases)
        .run(&(history(), policy(), bounds(), any::<u64>()), |(history, policy, bounds, seed)| {
            replay(Pair::new(seed, policy, bounds, on_file), &history);
            Ok(())
        })
        .unwrap();
}

#[test]
fn in_memory_the_bounds_hold_as_the_model_says() {
    behaves_as_the_model(120, None);
}

#[test]
fn on_a_file_the_bounds_hold_as_the_model_says_and_every_row_agrees() {
    behaves_as_the_model(40, Some(Durability::Commit));
}

#[test]
fn written_later_the_bounds_hold_as_the_model_says_and_the_rows_are_those_of_one_moment() {
    behaves_as_the_model(40, Some(Durability::Deferred));
}
