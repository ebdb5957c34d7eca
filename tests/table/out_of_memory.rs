//! When memory is refused: the call fails with `NoMemory` and has done nothing, or it does without that memory. Every
//! large block that a call asks for is refused once, in one run after another.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::allocator::{Refusal, refusing};
use crate::common::run::one_of;
use crate::common::{self, Rows, START, TempDb, TestClock, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, BanSubject, Durability, Error, Options, PeerAddress, PeerManager, PeerQuery, PeerRecord,
};

/// How many peers a table has at first. A list of them is large.
const PEERS: u32 = 2_400;

/// Longer than any test runs: only `flush` writes.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// What a table is like.
#[derive(Clone, Copy, Debug)]
struct Kind {
    /// In memory if there is none.
    durability: Option<Durability>,
    max_peers: u64,
    /// Whether a query by netgroup came before.
    is_grouped: bool,
    share_cache_seconds: u32,
    keep_history: bool,
}

const IN_MEMORY: Kind =
    Kind { durability: None, max_peers: 0, is_grouped: false, share_cache_seconds: 0, keep_history: false };

const KINDS: [Kind; 9] = [
    IN_MEMORY,
    Kind { is_grouped: true, ..IN_MEMORY },
    Kind { max_peers: 3_000, ..IN_MEMORY },
    Kind { durability: Some(Durability::Commit), max_peers: 3_000, ..IN_MEMORY },
    Kind { durability: Some(Durability::Commit), is_grouped: true, ..IN_MEMORY },
    Kind { durability: Some(Durability::Deferred), ..IN_MEMORY },
    Kind { keep_history: true, ..IN_MEMORY },
    Kind { durability: Some(Durability::Commit), max_peers: 3_000, keep_history: true, ..IN_MEMORY },
    Kind { durability: Some(Durability::Deferred), keep_history: true, ..IN_MEMORY },
];

/// A table, and the clock that it follows.
struct World {
    clock: TestClock,
    manager: PeerManager,
    database: Option<TempDb>,
}

/// All that a call may change.
#[derive(Debug, PartialEq, Eq)]
struct State {
    peers: BTreeMap<PeerAddress, PeerRecord>,
    rows: Option<Rows>,
    pending: u64,
    refused: u64,
    bans: u64,
    data: BTreeMap<PeerAddress, Vec<u8>>,
}

impl Kind {
    fn options(self, clock: &TestClock, path: Option<&Path>) -> Options {
        let mut options = clock.options(7);
        options.db_path = path.map(Path::to_owned);
        options.durability = self.durability.unwrap_or_default();
        options.flush_interval = NEVER;
        options.busy_timeout = Duration::from_millis(1);
        options.max_peers = self.max_peers;
        options.share_cache_seconds = self.share_cache_seconds;
        options.keep_history = self.keep_history;
        options
    }

    fn empty(self) -> World {
        let (clock, database) = (TestClock::at(START), self.durability.map(|_| TempDb::fast()));
        let path = database.as_ref().map(TempDb::path);
        let manager = PeerManager::open(self.options(&clock, path.as_deref())).unwrap();
        World { clock, manager, database }
    }

    /// A table of peers of which a bound may evict one in two.
    fn full(self) -> World {
        let world = self.empty();
        world.manager.store_many(&records(0..PEERS, START, |n| n % 2)).unwrap();
        if self.is_grouped {
            world.manager.load_random_peers(&by_netgroup(), 1).unwrap();
        }
        world.manager.flush().unwrap();
        world
    }
}

impl World {
    fn data(&self) -> BTreeMap<PeerAddress, Vec<u8>> {
        let snapshot = self.manager.get_all_peers().unwrap();
        let all = (0..snapshot.len())
            .map(|index| (snapshot.get(index).unwrap().address, snapshot.data(index).to_vec()));
        all.filter(|(_, data)| !data.is_empty()).collect()
    }

    fn state(&self) -> State {
        let stats = self.manager.get_stats().unwrap();
        self.manager.check_invariants().unwrap();
        State {
            peers: common::peers(&self.manager),
            rows: self.database.as_ref().map(|database| common::rows(&database.connection())),
            pending: stats.pending_writes,
            refused: stats.refused_peers,
            bans: stats.bans,
            data: self.data(),
        }
    }
}

fn records(numbers: std::ops::Range<u32>, next_attempt: i64, failures: fn(u32) -> u32) -> Vec<PeerRecord> {
    numbers.map(|n| record(mixed(n), next_attempt, failures(n), Inbound)).collect()
}

fn by_netgroup() -> PeerQuery<'static> {
    PeerQuery { max_per_netgroup: 2, ..PeerQuery::everything() }
}

fn is_no_memory(error: &Error) -> bool {
    let message = error.to_string();
    assert!(message.starts_with("there is not enough memory "), "{message}");
    assert!(message.ends_with("; nothing was done: free some and call again"), "{message}");
    matches!(error, Error::NoMemory(_))
}

/// Refuses each large block that a call asks for, and then all from some on. Returns how often the call failed.
fn sweep<T>(world: impl Fn() -> World, call: impl Fn(&World) -> Result<T, Error>) -> usize {
    let expected = {
        let world = world();
        call(&world).unwrap();
        world.state()
    };
    let run = |refusal: Refusal| {
        let world = world();
        let before = world.state();
        let (result, refused) = refusing(refusal, || call(&world).map(drop));
        let has_failed = result.is_err();
        if let Err(error) = result {
            assert!(is_no_memory(&error), "{error}");
            assert_eq!(world.state(), before, "{refusal:?}");
            call(&world).unwrap();
        }
        assert_eq!(world.state(), expected, "{refusal:?}");
        (refused > 0).then_some(usize::from(has_failed))
    };
    let each = (0..).step_by(one_of(4, "large blocks")).map_while(|others| run(Refusal::Once(others)));
    let each: Vec<usize> = each.collect();
    let from_some = (0..).map(|power| (1 << power) - 1).map_while(|others| run(Refusal::From(others)));
    from_some.sum::<usize>() + each.into_iter().sum::<usize>()
}

/// Every kind of table: the call fails somewhere, and nowhere has it done a part.
fn sweep_all<T>(call: impl Fn(&World) -> Result<T, Error>) {
    for kind in KINDS {
        assert!(sweep(|| kind.full(), &call) > 0, "nothing was refused: {kind:?}");
    }
}

#[test]
fn a_batch_of_new_peers_is_added_or_not() {
    let addresses: Vec<_> = (PEERS / 2..3 * PEERS).map(mixed).collect();
    sweep_all(|world| world.manager.ensure_exists_many(&addresses));
}

#[test]
fn a_batch_of_records_is_stored_or_not() {
    let records = records(PEERS / 2..3 * PEERS, START + 9, |n| n % 3);
    sweep_all(|world| world.manager.store_many(&records));
}

#[test]
fn a_batch_that_only_changes_peers_is_stored_or_not() {
    let records = records(0..PEERS, START + 9, |_| 5);
    sweep_all(|world| world.manager.store_many(&records));
}

#[test]
fn a_file_is_imported_or_not() {
    let source = TempDb::new();
    let file = TestClock::at(START).on_file(&source.path(), 1);
    file.store_many(&records(PEERS / 2..2 * PEERS, START, |_| 0)).unwrap();
    for n in PEERS / 2..2 * PEERS {
        file.set_data(&mixed(n), &n.to_ne_bytes()).unwrap();
    }
    drop(file);
    sweep_all(|world| world.manager.import(source.path()));
}

#[test]
fn many_peers_are_removed_or_not() {
    sweep_all(|world| world.manager.remove_peers_with_many_failures(0));
    for kind in KINDS {
        // Half of them: what is built anew for the others can be done without.
        sweep(|| kind.full(), |world| world.manager.remove_peers_with_many_failures(1));
    }
}

#[test]
fn a_prefix_with_many_peers_is_banned_or_not() {
    let everyone: BanSubject = "0.0.0.0/0".parse().unwrap();
    sweep_all(|world| world.manager.ban(&everyone, i64::MAX));
}

#[test]
fn the_first_data_of_a_table_is_set_or_not() {
    sweep_all(|world| world.manager.set_data(&mixed(1), &[7; 255]));
}

#[test]
fn a_table_is_copied_or_not() {
    sweep_all(|world| world.manager.get_all_peers());
}

#[test]
fn the_stats_are_given_or_not() {
    assert!(sweep(|| IN_MEMORY.full(), |world| world.manager.get_stats()) > 0);
}

#[test]
fn a_large_answer_is_given_or_not() {
    let everyone = usize::MAX;
    sweep_all(|world| world.manager.load_random_peers(&PeerQuery::everything(), everyone));
    sweep_all(|world| world.manager.load_random_peers(&by_netgroup(), everyone));
    sweep_all(|world| world.manager.get_peers_to_send(&PeerQuery::everything(), None, everyone));
    let few: Vec<_> = (0..PEERS).map(mixed).collect();
    let query = PeerQuery { exclude: &few, ..PeerQuery::everything() };
    sweep_all(|world| world.manager.load_random_peers(&query, 10));
}

#[test]
fn a_large_shared_list_is_drawn_or_not() {
    let shared = Kind { share_cache_seconds: 3_600, ..IN_MEMORY };
    for query in [PeerQuery::everything(), PeerQuery { max_per_netgroup: 9, ..PeerQuery::everything() }] {
        let ask = |world: &World| world.manager.get_peers_to_send(&query, None, usize::MAX);
        assert!(sweep(|| shared.full(), ask) > 0);
    }
}

#[test]
fn an_answer_has_as_many_peers_as_it_should_when_memory_was_refused_before() {
    let world = Kind { is_grouped: true, ..IN_MEMORY }.full();
    let answer = |world: &World| world.manager.load_random_peers(&by_netgroup(), usize::MAX);
    let size = answer(&world).unwrap().len();
    let (result, _) = refusing(Refusal::From(0), || answer(&world));
    assert!(is_no_memory(&result.unwrap_err()));
    assert_eq!(answer(&world).unwrap().len(), size);
}

/// Calls that take no large block at all, whatever the size of the table.
fn takes_no_memory<T>(call: impl Fn(&World) -> Result<T, Error>) {
    for kind in KINDS {
        let world = kind.full();
        let (result, refused) = refusing(Refusal::From(0), || call(&world).map(drop));
        result.unwrap();
        world.manager.check_invariants().unwrap();
        assert!(refused == 0 || kind.is_grouped || kind.max_peers > 0, "{kind:?}: {refused} were refused");
    }
}

#[test]
fn forgetting_everything_takes_no_memory() {
    takes_no_memory(|world| {
        world.manager.clear_all()?;
        assert_eq!(world.manager.peer_count(), 0);
        Ok(())
    });
}

#[test]
fn peers_that_become_due_and_wait_again_take_no_memory() {
    let due = PeerQuery { use_next_attempt: true, ..PeerQuery::everything() };
    takes_no_memory(|world| {
        for (seconds, eligible) in [(-1, 0), (1, 8), (-100_000, 0), (100_000, 8)] {
            world.clock.set(START + seconds);
            assert_eq!(world.manager.load_random_peers(&due, 8)?.len(), eligible);
        }
        Ok(())
    });
}

#[test]
fn peers_come_one_by_one_whatever_was_refused() {
    for kind in KINDS {
        let world = kind.empty();
        let mut failures = 0;
        for n in 0..PEERS {
            let (result, refused) = refusing(Refusal::From(0), || world.manager.ensure_exists(&mixed(n)));
            if let Err(error) = result {
                assert!(is_no_memory(&error), "{error}");
                assert!(world.manager.load(&mixed(n)).unwrap().is_none());
                assert!(world.manager.ensure_exists(&mixed(n)).unwrap());
                failures += 1;
            }
            if refused > 0 && n % 100 == 0 {
                world.manager.check_invariants().unwrap();
            }
        }
        assert_eq!(world.state().peers.len(), PEERS as usize);
        assert!(failures >= 5, "{kind:?}: {failures}");
    }
}

#[test]
fn peers_change_one_by_one_whatever_was_refused() {
    for kind in KINDS {
        let world = kind.full();
        let mut failures = 0;
        for n in 0..PEERS {
            let before = world.manager.load(&mixed(n)).unwrap();
            let update = || world.manager.update(&mixed(n), Outbound, false, BackOffUpdate::HardReset);
            let (result, _) = refusing(Refusal::From(0), update);
            if let Err(error) = result {
                assert!(is_no_memory(&error), "{error}");
                assert_eq!(world.manager.load(&mixed(n)).unwrap(), before);
                update().unwrap();
                failures += 1;
            }
            assert_eq!(world.manager.load(&mixed(n)).unwrap().unwrap().peer_type, Outbound);
        }
        world.state();
        assert!(failures > 0, "{kind:?}");
    }
}

#[test]
fn peers_go_one_by_one_whatever_was_refused() {
    for kind in KINDS {
        let world = kind.full();
        for n in 0..PEERS {
            let (result, _) = refusing(Refusal::From(0), || world.manager.remove(&mixed(n)));
            if let Err(error) = result {
                assert!(is_no_memory(&error), "{error}");
                assert!(world.manager.load(&mixed(n)).unwrap().is_some());
                world.manager.remove(&mixed(n)).unwrap();
            }
            if n % 500 == 0 {
                world.manager.check_invariants().unwrap();
            }
        }
        assert!(world.state().peers.is_empty());
    }
}

#[test]
fn data_comes_and_goes_peer_by_peer_whatever_was_refused() {
    for kind in KINDS {
        let world = kind.full();
        let mut failures = 0;
        for (round, length) in [(0, 40), (1, 200), (2, 0)] {
            for n in 0..PEERS {
                let data = vec![round; length];
                let before = world.manager.data(&mixed(n)).unwrap();
                if let Err(error) = refusing(Refusal::From(0), || world.manager.set_data(&mixed(n), &data)).0
                {
                    assert!(is_no_memory(&error), "{error}");
                    assert_eq!(world.manager.data(&mixed(n)).unwrap(), before);
                    world.manager.set_data(&mixed(n), &data).unwrap();
                    failures += 1;
                }
            }
            world.manager.check_invariants().unwrap();
            assert!((0..PEERS).all(|n| world.manager.data(&mixed(n)).unwrap() == vec![round; length]));
        }
        assert!(failures >= 5, "{kind:?}: {failures}");
    }
}

#[test]
fn bans_come_and_go_one_by_one_whatever_was_refused() {
    for kind in KINDS {
        let world = kind.empty();
        let (mut failures, subject) = (0, |n| BanSubject::from(mixed(n).host()));
        for n in 0..PEERS {
            let ban = || world.manager.ban(&subject(n), START + 1 + i64::from(n));
            if let Err(error) = refusing(Refusal::From(0), ban).0 {
                assert!(is_no_memory(&error), "{error}");
                assert!(!world.manager.is_banned(&mixed(n)).unwrap());
                ban().unwrap();
                failures += 1;
            }
        }
        assert_eq!(world.state().bans, u64::from(PEERS));
        for n in (0..PEERS).step_by(2) {
            let unban = || world.manager.unban(&subject(n));
            if let Err(error) = refusing(Refusal::From(0), unban).0 {
                assert!(is_no_memory(&error), "{error}");
                assert!(world.manager.is_banned(&mixed(n)).unwrap());
                unban().unwrap();
            }
        }
        assert_eq!(world.state().bans, u64::from(PEERS / 2));
        // All that have ended are forgotten at once.
        world.clock.set(START + i64::from(PEERS));
        let (result, refused) = refusing(Refusal::From(0), || world.manager.ban(&subject(0), i64::MAX));
        assert!(is_no_memory(&result.unwrap_err()) && refused > 0);
        world.manager.ban(&subject(0), i64::MAX).unwrap();
        assert_eq!(world.state().bans, 1);
        assert!(failures >= 5, "{kind:?}: {failures}");
    }
}

#[test]
fn bounds_hold_when_it_was_forgotten_who_is_in_each_netgroup() {
    for kind in [KINDS[2], KINDS[3]] {
        let world = kind.full();
        // Everything that is noted of the netgroups grows somewhere in here, and is let go.
        for n in (PEERS..3 * PEERS).step_by(10) {
            let add = || world.manager.update(&mixed(n), Preferred, false, BackOffUpdate::Increase);
            match refusing(Refusal::From(0), add).0 {
                Ok(()) => {}
                Err(error) => {
                    assert!(matches!(error, Error::Limit(_)) || is_no_memory(&error), "{error}");
                }
            }
        }
        assert!(world.manager.peer_count() <= 3_000);
        let addresses: Vec<_> = (4 * PEERS..5 * PEERS).map(mixed).collect();
        world.manager.ensure_exists_many(&addresses).unwrap();
        assert_eq!(world.state().peers.len(), 3_000);
    }
}

#[test]
fn a_file_is_opened_or_not() {
    let full = Kind { durability: Some(Durability::Commit), ..IN_MEMORY }.full();
    let (before, database) = (full.state(), full.database.as_ref().unwrap().path());
    drop(full.manager);
    for kind in [KINDS[4], KINDS[5], Kind { max_peers: 2_000, ..KINDS[3] }] {
        let mut failures = 0;
        for refusal in [Refusal::Once, Refusal::From] {
            for others in (0..).step_by(one_of(4, "large blocks")) {
                let options = kind.options(&full.clock, Some(&database));
                let (result, refused) = refusing(refusal(others), || PeerManager::open(options));
                match result {
                    Ok(manager) => {
                        manager.check_invariants().unwrap();
                        let size = if kind.max_peers == 0 { PEERS as usize } else { 2_000 };
                        assert_eq!(manager.peer_count(), size);
                    }
                    Err(error) => {
                        assert!(is_no_memory(&error), "{error}");
                        failures += 1;
                    }
                }
                let rows = common::rows(&full.database.as_ref().unwrap().connection());
                assert_eq!(Some(rows), before.rows);
                if refused == 0 {
                    break;
                }
            }
        }
        assert!(failures > 0, "nothing was refused: {kind:?}");
    }
}

#[test]
fn what_cannot_be_taken_to_be_written_stays_pending() {
    let deferred = Kind { durability: Some(Durability::Deferred), ..IN_MEMORY };
    let mut failures = 0;
    for others in 0.. {
        let world = deferred.full();
        world.manager.store_many(&records(PEERS / 2..2 * PEERS, START + 1, |_| 3)).unwrap();
        let (pending, rows) = (world.state().pending, world.state().rows);
        let (result, refused) = refusing(Refusal::From(others), || world.manager.flush());
        if let Err(error) = result {
            assert!(is_no_memory(&error), "{error}");
            assert_eq!((world.state().pending, world.state().rows), (pending, rows));
            assert_eq!(world.manager.get_stats().unwrap().failed_writes, 1);
            failures += 1;
            world.manager.flush().unwrap();
        }
        let state = world.state();
        assert_eq!((state.pending, state.rows), (0, Some(common::rows_of(state.peers.values()))));
        if refused == 0 {
            break;
        }
    }
    assert!(failures > 0);
}

#[test]
fn what_could_not_be_written_waits_for_memory_to_be_joined_by_what_changed_since() {
    let deferred = Kind { durability: Some(Durability::Deferred), ..IN_MEMORY };
    for others in 0.. {
        let world = deferred.full();
        let database = world.database.as_ref().unwrap();
        // Changed at first, or gone.
        if others % 2 == 0 {
            world.manager.store_many(&records(0..PEERS, START + 1, |_| 3)).unwrap();
        } else {
            world.manager.remove_peers_with_many_failures(0).unwrap();
        }
        let other = database.connection();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(world.manager.flush(), Err(Error::Busy(_))));
        other.execute_batch("ROLLBACK").unwrap();
        world.manager.remove_peers_with_many_failures(3).unwrap();
        world.manager.store_many(&records(PEERS / 2..2 * PEERS, START + 1, |_| 4)).unwrap();
        let (result, refused) = refusing(Refusal::From(others), || world.manager.flush());
        if let Err(error) = result {
            assert!(is_no_memory(&error), "{error}");
            world.manager.flush().unwrap();
        }
        let state = world.state();
        assert_eq!((state.pending, state.rows), (0, Some(common::rows_of(state.peers.values()))));
        if refused == 0 {
            assert!(others > 3, "nothing was refused");
            break;
        }
    }
}
