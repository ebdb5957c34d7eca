//! The library against the reference model: random histories, in memory and on a file that is closed and opened
//! again, with every answer, the whole table and every row compared after each step. With the durability DEFERRED the
//! rows are those of one moment since the last flush. Bans, data and, in half of the histories, what is known of each peer's past
//! are compared with what the model keeps beside its peers, and their tables with its own.

use std::time::Duration;

use crate::common::model::beside::{Banned, StepBeside};
use crate::common::model::netgroup::Policy;
use crate::common::model::reference::{Key, Reference, key};
use crate::common::model::rows::{RowsBeside, rows_beside};
use crate::common::model::steps::{Peer, Query, Step, Values, by_address};
use crate::common::{self, Rows, START, TempDb, TestClock};
use peer_manager::{
    BackOffUpdate, Durability, MAX_SENIORITY, NameGroups, PeerAddress, PeerManager, PeerTypeFilter, Purpose,
    Reach, StoredPeerType,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use rusqlite::Connection;

/// So few that histories meet the same peers again and again.
const UNIVERSE: u32 = 60;

const FILTERS: [PeerTypeFilter; 6] = [
    PeerTypeFilter::InboundOnly,
    PeerTypeFilter::OutboundOnly,
    PeerTypeFilter::PreferredOnly,
    PeerTypeFilter::AnyOutbound,
    PeerTypeFilter::Any,
    PeerTypeFilter::NotPreferred,
];

const WRAPPED: [&str; 4] = ["[64:ff9b::808:101]:9", "[2002:a00:1::]:9", "8.8.7.7:9", "10.0.0.7:9"];
const RESERVED: [&str; 4] = ["192.0.2.7:9", "host.test:9", "[2001:db8::7]:9", "[2001:470:1000::]:9"];

/// A peer by its number in the universe.
#[derive(Clone, Copy, Debug)]
struct Number(u32);

impl Peer for Number {
    /// Public, private and reserved addresses of every kind, some that wrap others, and some that differ in the port only.
    fn address(self) -> PeerAddress {
        let Self(n) = self;
        match n % 10 {
            0 => common::private(n),
            1 => common::address(&format!("[fe80::{}]:{}", n / 20, n + 1)),
            2 => common::address(&format!("localhost:{}", n + 1)),
            3 => common::address(&format!("same.example.org:{}", n + 1)),
            // Of two netgroups, one of them private.
            4 => common::address(WRAPPED[n as usize / 10 % 4]),
            5 => common::address(&format!("{}xyz.onion:9", &"abcdef"[n as usize / 10..][..1])),
            6 => common::address(RESERVED[n as usize / 10 % 4]),
            _ => common::mixed(n),
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Call(Step<Number>),
    TurnClock(i64),
    Reopen,
}

/// The steps that are about what is kept beside the records.
fn step_beside(keeps_histories: bool) -> impl Strategy<Value = StepBeside<Number>> {
    let peer = || (0..UNIVERSE).prop_map(Number);
    let banned = || {
        let shorter_by = prop_oneof![4 => Just(0), 2 => 1..8_u8, 1 => 8..=255_u8];
        (peer(), shorter_by).prop_map(|(peer, shorter_by)| Banned { peer, shorter_by })
    };
    let until = || {
        prop_oneof![
            8 => (START - 300)..(START + 300),
            1 => select(vec![i64::MIN, 0, i64::MAX - 1, i64::MAX]),
        ]
    };
    let data = || {
        let length = prop_oneof![2 => Just(0), 6 => 1..20_usize, 2 => Just(255), 1 => Just(256)];
        length.prop_flat_map(|length| vec(any::<u8>(), length))
    };
    let since =
        || prop_oneof![8 => (START - 500_000)..(START + 300), 1 => select(vec![i64::MIN, 0, i64::MAX])];
    prop_oneof![
        3 => (banned(), until()).prop_map(|(banned, until)| StepBeside::Ban(banned, until)),
        3 => banned().prop_map(StepBeside::Unban),
        2 => peer().prop_map(StepBeside::IsBanned),
        8 => (peer(), data()).prop_map(|(peer, data)| StepBeside::SetData(peer, data)),
        2 => peer().prop_map(StepBeside::LoadHistory),
        2 => peer().prop_map(StepBeside::RemoveHost),
        1 => (since(), peer()).prop_map(move |(since, peer)| {
            if keeps_histories { StepBeside::RemovePeersNotHeardSince(since) } else { StepBeside::IsBanned(peer) }
        }),
    ]
}

fn history(keeps_histories: bool) -> impl Strategy<Value = Vec<Event>> {
    let peer = || (0..UNIVERSE).prop_map(Number);
    let time = || {
        prop_oneof![
            12 => (START - 300)..(START + 300),
            2 => (START - 30_000)..(START + 30_000),
            2 => (START - 500_000)..(START + 500_000),
            1 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 5, i64::MAX]),
        ]
    };
    // Around the bounds of the queries and the ends of the failure classes.
    let failures = || {
        prop_oneof![
            8 => 0_u32..20,
            3 => select(vec![30, 31, 32, 33, 63, 64, 100, 119, 120, 121, 1 << 20, u32::MAX - 1, u32::MAX]),
        ]
    };
    let peer_type = || select(StoredPeerType::ALL.to_vec());
    let backoff = || select(vec![BackOffUpdate::HardReset, BackOffUpdate::Reset, BackOffUpdate::Increase]);
    let values = move || -> BoxedStrategy<Values> { (time(), failures(), peer_type()).boxed() };
    let flag = || any::<bool>().prop_map(u8::from);
    let query = move || {
        let max_per_netgroup = prop_oneof![2 => Just(0), 1 => 1..4_u32];
        let filter = select(FILTERS.to_vec());
        // Half of them the specification's.
        let seniority = prop_oneof![4 => Just(0), 3 => 1..12_u32, 1 => Just(MAX_SENIORITY)];
        let networks = prop_oneof![3 => Just(0), 1 => 1..32_u32];
        let additions = prop_oneof![Just((0, false, 0)), (seniority, any::<bool>(), networks)];
        let since = || prop_oneof![4 => Just(0), 1 => (START - 300)..(START + 300), 1 => time()];
        let since = (since(), since()).prop_map(move |since| if keeps_histories { since } else { (0, 0) });
        let rest = (max_per_netgroup, vec(peer(), 0..5), additions, since);
        (any::<bool>(), option::of(failures()), filter, rest).prop_map(
            |(use_next_attempt, max_num_failures, type_filter, rest)| {
                let (max_per_netgroup, exclude, (seniority, apart, networks), since) = rest;
                Query {
                    use_next_attempt,
                    max_num_failures,
                    type_filter,
                    max_per_netgroup,
                    exclude,
                    seniority,
                    apart,
                    networks,
                    // It says nothing where no list is shared.
                    share_key: 1,
                    heard_since: since.0,
                    reached_since: since.1,
                }
            },
        )
    };
    let size = || prop_oneof![6 => 0..6_usize, 4 => 0..80_usize, 1 => Just(usize::MAX)];
    let purpose = || prop_oneof![3 => Just(Purpose::Connect), 1 => Just(Purpose::Feeler)];
    // Such that the network is small for some of them and not for others.
    let places = || prop_oneof![6 => 0..12_usize, 2 => 0..80_usize, 1 => Just(usize::MAX)];
    let step = prop_oneof![
        6 => peer().prop_map(Step::EnsureExists),
        3 => vec(peer(), 0..12).prop_map(Step::EnsureExistsMany),
        2 => peer().prop_map(Step::Load),
        6 => (peer(), values()).prop_map(|(p, v)| Step::Store(p, v)),
        3 => vec((peer(), values()), 0..12).prop_map(Step::StoreMany),
        4 => (peer(), peer_type(), flag()).prop_map(|(p, t, k)| Step::UpdateType(p, t, k)),
        6 => (peer(), backoff()).prop_map(|(p, b)| Step::UpdateBackoff(p, b)),
        6 => (peer(), peer_type(), flag(), backoff()).prop_map(|(p, t, k, b)| Step::Update(p, t, k, b)),
        5 => peer().prop_map(Step::Remove),
        1 => failures().prop_map(Step::RemovePeersWithManyFailures),
        1 => time().prop_map(Step::LimitNextAttempt),
        7 => (query(), size()).prop_map(|(q, s)| Step::LoadRandomPeers(q, s)),
        5 => (query(), option::of(peer()), size()).prop_map(|(q, e, s)| Step::GetPeersToSend(Some(q), e, s)),
        3 => (option::of(peer()), size()).prop_map(|(e, s)| Step::GetPeersToSend(None, e, s)),
        8 => (purpose(), vec(peer(), 0..7), places()).prop_map(|(p, b, s)| Step::NextToDial(p, b, s)),
        1 => Just(Step::NextDue),
        1 => select(vec![true, true, false]).prop_map(Step::SetOnline),
        1 => vec(peer(), 0..3).prop_map(Step::SetOwnAddresses),
        2 => Just(Step::GetStats),
        1 => Just(Step::Flush),
        12 => step_beside(keeps_histories).prop_map(Step::Beside),
    ];
    let event = prop_oneof![
        84 => step.prop_map(Event::Call),
        5 => time().prop_map(Event::TurnClock),
        1 => Just(Event::Reopen),
    ];
    // Forgetting everything is rare, or histories would stay short.
    vec(prop_oneof![200 => event, 1 => Just(Event::Call(Step::ClearAll))], 1..350)
}

/// The library and the model side by side.
struct Pair {
    clock: TestClock,
    seed: u64,
    policy: Policy,
    keeps_histories: bool,
    database: Option<(TempDb, Connection)>,
    manager: PeerManager,
    model: Reference,
    durability: Durability,
    /// With DEFERRED, what the rows may be: the table at every moment since the last flush.
    moments: Vec<(Rows, RowsBeside)>,
}

impl Pair {
    fn in_memory(seed: u64) -> Self {
        let clock = TestClock::at(START);
        let manager = clock.in_memory(seed);
        Self {
            clock,
            seed,
            policy: Policy::default(),
            keeps_histories: false,
            database: None,
            manager,
            model: Reference::new_in_memory(),
            durability: Durability::Commit,
            moments: Vec::new(),
        }
    }

    /// The same, keeping histories or not, before anything has happened.
    fn keeping(mut self, histories: bool) -> Self {
        self.keeps_histories = histories;
        self.model = self.model.keeping(histories);
        let connection = self.database.take().map(|(database, _)| database);
        self.manager = self.clock.in_memory(self.seed);
        self.manager = self.open(connection.as_ref());
        self.database = connection.map(|database| {
            let connection = database.connection();
            (database, connection)
        });
        self
    }

    /// With options that are not the specification's.
    fn under(policy: Policy, seed: u64, on_file: bool) -> Self {
        let mut pair = Self { policy, ..Self::in_memory(seed) };
        pair.model =
            if on_file { Reference::new_with_db() } else { Reference::new_in_memory() }.under(policy);
        let database = on_file.then(TempDb::new);
        pair.manager = pair.open(database.as_ref());
        pair.database = database.map(|database| {
            let connection = database.connection();
            (database, connection)
        });
        pair
    }

    fn on_file(seed: u64, durability: Durability) -> Self {
        let (mut pair, database) = (Self::in_memory(seed), TempDb::new());
        pair.model = Reference::new_with_db();
        pair.durability = durability;
        pair.manager = pair.open(Some(&database));
        let connection = database.connection();
        pair.database = Some((database, connection));
        pair
    }

    fn open(&self, database: Option<&TempDb>) -> PeerManager {
        let mut options = self.clock.options(self.seed);
        options.db_path = database.map(TempDb::path);
        common::follow(self.policy, &mut options);
        options.durability = self.durability;
        options.keep_history = self.keeps_histories;
        options.flush_interval = Duration::from_millis(1);
        common::open(options)
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Call(step) => {
                self.model.take(step, &self.manager, self.clock.now());
                match step {
                    Step::Flush => self.moments.clear(),
                    Step::GetStats => self.look_at_pending_writes(),
                    _ => {}
                }
            }
            Event::TurnClock(time) => self.clock.set(*time),
            Event::Reopen => self.reopen(),
        }
    }

    fn look_at_pending_writes(&self) {
        let is_deferred = self.durability == Durability::Deferred;
        let pending = self.manager.get_stats().unwrap().pending_writes;
        assert!(pending == 0 || is_deferred && !self.moments.is_empty());
    }

    fn reopen(&mut self) {
        if let Some((database, _)) = &self.database {
            // The old one is closed first, as in a node that starts again.
            self.manager = self.clock.in_memory(self.seed);
            self.manager = self.open(Some(database));
            self.moments.clear();
            let before = self.rows_of_model();
            self.model.reopen(self.clock.now());
            // Peers that are banned by now are removed.
            if self.rows_of_model() != before {
                self.moments.push(before);
            }
        }
    }

    /// What the file should have.
    fn rows_of_model(&self) -> (Rows, RowsBeside) {
        (self.model.rows().collect(), self.model.rows_beside())
    }

    /// What must hold after every step.
    fn compare(&mut self) {
        self.manager.check_invariants().unwrap();
        assert_eq!(self.manager.peer_count(), self.model.peer_count());
        assert_eq!(common::peers(&self.manager), by_address(self.model.get_all_peers().cloned()));
        self.model.compare_beside::<Number>(&self.manager, self.clock.now());
        let Some((_, connection)) = &self.database else { return };
        // All tables as of one moment.
        let transaction = connection.unchecked_transaction().unwrap();
        let rows = (common::rows(connection), rows_beside(connection));
        drop(transaction);
        let now = self.rows_of_model();
        if self.durability == Durability::Deferred && !self.moments.is_empty() {
            self.moments.push(now);
            assert!(self.moments.contains(&rows), "the rows are of no moment since the last flush: {rows:?}");
        } else {
            assert_eq!(rows, now);
            self.moments.push(now);
            let order: Vec<_> = self.model.order().unwrap().iter().map(key).collect();
            assert_eq!(keys_in_order(connection), order);
        }
    }
}

/// The keys of the rows, in the order of the rows.
fn keys_in_order(connection: &Connection) -> Vec<Key> {
    let mut statement = connection.prepare_cached("SELECT ip, port FROM peers ORDER BY rowid").unwrap();
    let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    keys.map(Result::unwrap).collect()
}

fn replay(mut pair: Pair, history: &[Event]) {
    pair.compare();
    for event in history {
        pair.take(event);
        pair.compare();
    }
}

/// Every policy that is not the specification's.
fn policy() -> impl Strategy<Value = Policy> + Clone {
    let reach = select(vec![Reach::Specification, Reach::Public, Reach::Private]);
    (reach, select(vec![NameGroups::Each, NameGroups::ByKey]), any::<bool>())
        .prop_map(|(reach, names, has_asmap)| Policy { reach, names, has_asmap })
        .prop_filter("the specification's", |policy| *policy != Policy::default())
}

/// Replays random histories in pairs of this kind, half of which keep histories.
fn replay_all<T: std::fmt::Debug>(
    cases: u32,
    kinds: impl Strategy<Value = T> + Clone,
    open: impl Fn(T, u64) -> Pair,
) {
    for keeps_histories in [false, true] {
        common::runner(cases.div_ceil(2))
            .run(&(history(keeps_histories), kinds.clone(), any::<u64>()), |(history, kind, seed)| {
                replay(open(kind, seed).keeping(keeps_histories), &history);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn with_another_reach_or_other_name_groups_it_behaves_as_the_model() {
    replay_all(100, (policy(), any::<bool>()), |(policy, on_file), seed| Pair::under(policy, seed, on_file));
}

#[test]
fn in_memory_it_behaves_as_the_specification() {
    replay_all(90, Just(()), |(), seed| Pair::in_memory(seed));
}

#[test]
fn on_a_file_it_behaves_as_the_specification_and_every_row_agrees() {
    replay_all(25, Just(()), |(), seed| Pair::on_file(seed, Durability::Commit));
}

#[test]
fn written_later_it_behaves_as_the_specification_and_the_rows_are_those_of_one_moment() {
    replay_all(25, Just(()), |(), seed| Pair::on_file(seed, Durability::Deferred));
}
