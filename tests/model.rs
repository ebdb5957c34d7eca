//! The library against the reference model: random histories, in memory and on a file that is closed and opened
//! again, with every answer, the whole table and every row compared after each step. With the durability DEFERRED the
//! rows are those of one moment since the last flush.

mod common;
#[path = "common/reference.rs"]
mod reference;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use common::{Rows, START, TempDb, TestClock};
use peer_manager::{
    BackOffUpdate, Durability, Error, PeerAddress, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter,
    StoredPeerType,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use reference::Reference;
use rusqlite::Connection;

/// So few that histories meet the same peers again and again.
const UNIVERSE: u32 = 60;

const FILTERS: [PeerTypeFilter; 5] = [
    PeerTypeFilter::InboundOnly,
    PeerTypeFilter::OutboundOnly,
    PeerTypeFilter::PreferredOnly,
    PeerTypeFilter::AnyOutbound,
    PeerTypeFilter::Any,
];

/// Public and private addresses of every kind, and some that differ in the port only.
fn peer(n: u32) -> PeerAddress {
    match n % 6 {
        0 => common::private(n),
        1 => common::address(&format!("[fe80::{n}]:11625")),
        2 => common::address(&format!("localhost:{}", n + 1)),
        3 => common::address(&format!("same.example.org:{}", n + 1)),
        _ => common::mixed(n),
    }
}

/// A record of the universe: the peer's number, next attempt, failures, type.
type Rec = (u32, i64, u32, StoredPeerType);

#[derive(Clone, Debug)]
struct Query {
    use_next_attempt: bool,
    max_num_failures: Option<u32>,
    type_filter: PeerTypeFilter,
    exclude: Vec<u32>,
}

#[derive(Clone, Debug)]
enum Step {
    EnsureExists(u32),
    EnsureExistsMany(Vec<u32>),
    Load(u32),
    Store(Rec),
    StoreMany(Vec<Rec>),
    UpdateType(u32, StoredPeerType, bool),
    UpdateBackoff(u32, BackOffUpdate),
    Update(u32, StoredPeerType, bool, BackOffUpdate),
    Remove(u32),
    RemovePeersWithManyFailures(u32),
    LimitNextAttempt(i64),
    ClearAll,
    LoadRandomPeers(Query, usize),
    GetPeersToSend(Query, Option<u32>, usize),
    GetPeersToSendUnfiltered(Option<u32>, usize),
    GetStats,
    TurnClock(i64),
    Flush,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let peer = || 0..UNIVERSE;
    let time = || {
        prop_oneof![
            12 => (START - 300)..(START + 300),
            2 => (START - 30_000)..(START + 30_000),
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
    let record = move || (peer(), time(), failures(), peer_type());
    let query = move || {
        (any::<bool>(), option::of(failures()), select(FILTERS.to_vec()), vec(peer(), 0..5)).prop_map(
            |(use_next_attempt, max_num_failures, type_filter, exclude)| Query {
                use_next_attempt,
                max_num_failures,
                type_filter,
                exclude,
            },
        )
    };
    let size = || prop_oneof![6 => 0..6_usize, 4 => 0..80_usize, 1 => Just(usize::MAX)];
    let step = prop_oneof![
        6 => peer().prop_map(Step::EnsureExists),
        3 => vec(peer(), 0..12).prop_map(Step::EnsureExistsMany),
        2 => peer().prop_map(Step::Load),
        6 => record().prop_map(Step::Store),
        3 => vec(record(), 0..12).prop_map(Step::StoreMany),
        4 => (peer(), peer_type(), any::<bool>()).prop_map(|(p, t, k)| Step::UpdateType(p, t, k)),
        6 => (peer(), backoff()).prop_map(|(p, b)| Step::UpdateBackoff(p, b)),
        6 => (peer(), peer_type(), any::<bool>(), backoff()).prop_map(|(p, t, k, b)| Step::Update(p, t, k, b)),
        5 => peer().prop_map(Step::Remove),
        1 => failures().prop_map(Step::RemovePeersWithManyFailures),
        1 => time().prop_map(Step::LimitNextAttempt),
        7 => (query(), size()).prop_map(|(q, s)| Step::LoadRandomPeers(q, s)),
        5 => (query(), option::of(peer()), size()).prop_map(|(q, e, s)| Step::GetPeersToSend(q, e, s)),
        3 => (option::of(peer()), size()).prop_map(|(e, s)| Step::GetPeersToSendUnfiltered(e, s)),
        2 => Just(Step::GetStats),
        5 => time().prop_map(Step::TurnClock),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ];
    // Forgetting everything is rare, or histories would stay short.
    vec(prop_oneof![200 => step, 1 => Just(Step::ClearAll)], 1..350)
}

/// The library and the model side by side.
struct Pair {
    clock: TestClock,
    seed: u64,
    database: Option<(TempDb, Connection)>,
    manager: PeerManager,
    model: Reference,
    durability: Durability,
    /// With DEFERRED, what the rows may be: the table at every moment since the last flush.
    moments: Vec<Rows>,
}

impl Pair {
    fn in_memory(seed: u64) -> Self {
        let clock = TestClock::at(START);
        let manager = clock.in_memory(seed);
        let (model, durability, moments) = (Reference::new_in_memory(), Durability::Commit, Vec::new());
        Self { clock, seed, database: None, manager, model, durability, moments }
    }

    fn on_file(seed: u64, durability: Durability) -> Self {
        let (mut pair, database) = (Self::in_memory(seed), TempDb::new());
        pair.model = Reference::new_with_db();
        pair.durability = durability;
        pair.manager = pair.open(&database);
        let connection = database.connection();
        pair.database = Some((database, connection));
        pair
    }

    fn open(&self, database: &TempDb) -> PeerManager {
        let mut options = self.clock.options(self.seed);
        options.db_path = Some(database.path());
        options.durability = self.durability;
        options.flush_interval = Duration::from_millis(1);
        PeerManager::open(options).unwrap()
    }

    fn take(&mut self, step: &Step) {
        let now = self.clock.now();
        match step {
            Step::EnsureExists(n) => {
                let inserted = self.manager.ensure_exists(&peer(*n)).unwrap();
                assert_eq!(inserted, self.model.ensure_exists(&peer(*n), now));
            }
            Step::EnsureExistsMany(numbers) => {
                let addresses: Vec<_> = numbers.iter().copied().map(peer).collect();
                let inserted = self.manager.ensure_exists_many(&addresses).unwrap();
                let expected = addresses.iter().filter(|address| self.model.ensure_exists(address, now));
                assert_eq!(inserted, expected.count());
            }
            Step::Load(n) => {
                assert_eq!(self.manager.load(&peer(*n)).unwrap().as_ref(), self.model.load(&peer(*n)));
            }
            Step::Store(values) => {
                self.manager.store(&record(*values)).unwrap();
                self.model.store(&record(*values));
            }
            Step::StoreMany(values) => {
                let records: Vec<_> = values.iter().copied().map(record).collect();
                self.manager.store_many(&records).unwrap();
                for record in &records {
                    self.model.store(record);
                }
            }
            Step::UpdateType(n, observed, known) => {
                self.manager.update_type(&peer(*n), *observed, *known).unwrap();
                self.model.update_type(&peer(*n), *observed, *known, now);
            }
            Step::UpdateBackoff(n, backoff) => {
                self.manager.update_backoff(&peer(*n), *backoff).unwrap();
                let expected = self.model.update_backoff(&peer(*n), *backoff, now);
                self.adopt(expected);
            }
            Step::Update(n, observed, known, backoff) => {
                self.manager.update(&peer(*n), *observed, *known, *backoff).unwrap();
                let expected = self.model.update(&peer(*n), *observed, *known, *backoff, now);
                self.adopt(expected);
            }
            Step::Remove(n) => match self.manager.remove(&peer(*n)) {
                Ok(()) => assert!(self.model.remove(&peer(*n)), "a peer that is not there was removed"),
                Err(Error::NotFound(address)) => {
                    assert_eq!(address, peer(*n));
                    assert!(!self.model.remove(&address), "a peer that is there was not found");
                }
                Err(error) => panic!("{error}"),
            },
            Step::RemovePeersWithManyFailures(min) => {
                let removed = self.manager.remove_peers_with_many_failures(*min).unwrap();
                assert_eq!(removed, self.model.remove_peers_with_many_failures(*min));
            }
            Step::LimitNextAttempt(latest) => {
                let changed = self.manager.limit_next_attempt(*latest).unwrap();
                assert_eq!(changed, self.model.limit_next_attempt(*latest));
            }
            Step::ClearAll => {
                self.manager.clear_all().unwrap();
                self.model.clear_all();
            }
            Step::GetStats => self.compare_stats(now),
            Step::TurnClock(time) => self.clock.set(*time),
            Step::Flush => {
                self.manager.flush().unwrap();
                self.moments.clear();
            }
            Step::Reopen => self.reopen(),
            Step::LoadRandomPeers(..) | Step::GetPeersToSend(..) | Step::GetPeersToSendUnfiltered(..) => {
                self.choose(step, now);
            }
        }
    }

    fn choose(&self, step: &Step, now: i64) {
        let excluded = |query: &Query| -> Vec<_> { query.exclude.iter().copied().map(peer).collect() };
        match step {
            Step::LoadRandomPeers(query, size) => {
                let exclude = excluded(query);
                let query = query.with(&exclude);
                let answer = self.manager.load_random_peers(&query, *size).unwrap();
                check_choice(&answer, &self.model.candidates(&query, now), *size);
            }
            Step::GetPeersToSend(query, except, size) => {
                let exclude = excluded(query);
                self.share(&query.with(&exclude), except.map(peer).as_ref(), *size, now);
            }
            Step::GetPeersToSendUnfiltered(except, size) => {
                self.share(&PeerQuery::everything(), except.map(peer).as_ref(), *size, now);
            }
            _ => unreachable!("only choices come here"),
        }
    }

    /// Each class in turn gives as many as are still wanted.
    fn share(&self, query: &PeerQuery<'_>, except: Option<&PeerAddress>, size: usize, now: i64) {
        let answer = self.manager.get_peers_to_send(query, except, size).unwrap();
        let mut rest = &answer[..];
        for candidates in self.model.candidates_to_send(query, except, now) {
            let wanted = size - (answer.len() - rest.len());
            let (from_class, others) = rest.split_at(wanted.min(candidates.len()).min(rest.len()));
            check_choice(from_class, &candidates, wanted);
            rest = others;
        }
        assert!(rest.is_empty(), "peers that are not to be sent: {rest:?}");
    }

    /// Checks what was drawn against what may be drawn, and takes it over.
    fn adopt(&mut self, (mut expected, next_attempts): (PeerRecord, RangeInclusive<i64>)) {
        let stored = self.manager.load(&expected.address).unwrap().unwrap();
        assert!(
            next_attempts.contains(&stored.next_attempt),
            "next attempt {} is not in {next_attempts:?}",
            stored.next_attempt
        );
        expected.next_attempt = stored.next_attempt;
        assert_eq!(stored, expected);
        self.model.store(&expected);
    }

    fn compare_stats(&self, now: i64) {
        let stats = self.manager.get_stats().unwrap();
        let count = |passes: &dyn Fn(&PeerRecord) -> bool| {
            self.model.get_all_peers().filter(|record| passes(record)).count() as u64
        };
        let of_type = |peer_type| count(&|record| record.peer_type == peer_type);
        assert_eq!(stats.peers, self.model.peer_count() as u64);
        assert_eq!(stats.inbound, of_type(StoredPeerType::Inbound));
        assert_eq!(stats.outbound, of_type(StoredPeerType::Outbound));
        assert_eq!(stats.preferred, of_type(StoredPeerType::Preferred));
        assert_eq!(stats.ready, count(&|record| record.next_attempt <= now));
        let netgroups: HashSet<_> =
            self.model.get_all_peers().map(|record| common::netgroup(&record.address)).collect();
        assert_eq!(stats.netgroups, netgroups.len() as u64);
        assert_eq!(stats.failed_writes, 0);
        let is_deferred = self.durability == Durability::Deferred;
        assert!(stats.pending_writes == 0 || is_deferred && !self.moments.is_empty());
        assert_eq!((stats.skipped_rows, stats.refused_peers), (0, 0));
    }

    fn reopen(&mut self) {
        if let Some((database, _)) = &self.database {
            // The old one is closed first, as in a node that starts again.
            self.manager = self.clock.in_memory(self.seed);
            self.manager = self.open(database);
            self.model.reopen();
            self.moments.clear();
        }
    }

    /// What must hold after every step.
    fn compare(&mut self) {
        self.manager.check_invariants().unwrap();
        assert_eq!(self.manager.peer_count(), self.model.peer_count());
        let expected: BTreeMap<_, _> =
            self.model.get_all_peers().map(|record| (record.address.clone(), record.clone())).collect();
        assert_eq!(common::peers(&self.manager), expected);
        let Some((_, connection)) = &self.database else { return };
        let (rows, now): (_, Rows) = (common::rows(connection), self.model.rows().collect());
        if self.durability == Durability::Deferred && !self.moments.is_empty() {
            self.moments.push(now);
            assert!(self.moments.contains(&rows), "the rows are of no moment since the last flush: {rows:?}");
        } else {
            assert_eq!(rows, now);
            self.moments.push(now);
        }
    }
}

impl Query {
    fn with<'a>(&self, exclude: &'a [PeerAddress]) -> PeerQuery<'a> {
        PeerQuery {
            use_next_attempt: self.use_next_attempt,
            max_num_failures: self.max_num_failures,
            type_filter: self.type_filter,
            max_per_netgroup: 0,
            exclude,
        }
    }
}

fn record((n, next_attempt, num_failures, peer_type): Rec) -> PeerRecord {
    common::record(peer(n), next_attempt, num_failures, peer_type)
}

/// An answer is legal: distinct, eligible, and as many as were asked for and are there.
fn check_choice(answer: &[PeerAddress], candidates: &BTreeSet<PeerAddress>, size: usize) {
    let distinct: BTreeSet<_> = answer.iter().cloned().collect();
    assert_eq!(distinct.len(), answer.len(), "a peer was chosen twice: {answer:?}");
    assert!(distinct.is_subset(candidates), "{answer:?} are not all among {candidates:?}");
    assert_eq!(answer.len(), size.min(candidates.len()), "not as many as there are");
}

fn replay(mut pair: Pair, history: &[Step]) {
    pair.compare();
    for step in history {
        pair.take(step);
        pair.compare();
    }
}

#[test]
fn in_memory_it_behaves_as_the_specification() {
    common::runner(90)
        .run(&(steps(), any::<u64>()), |(history, seed)| {
            replay(Pair::in_memory(seed), &history);
            Ok(())
        })
        .unwrap();
}

#[test]
fn on_a_file_it_behaves_as_the_specification_and_every_row_agrees() {
    common::runner(25)
        .run(&(steps(), any::<u64>()), |(history, seed)| {
            replay(Pair::on_file(seed, Durability::Commit), &history);
            Ok(())
        })
        .unwrap();
}

#[test]
fn written_later_it_behaves_as_the_specification_and_the_rows_are_those_of_one_moment() {
    common::runner(25)
        .run(&(steps(), any::<u64>()), |(history, seed)| {
            replay(Pair::on_file(seed, Durability::Deferred), &history);
            Ok(())
        })
        .unwrap();
}
