//! Writing later: calls return at once, one thread commits what has changed, and `flush` waits for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::common::{self, START, TempDb, TestClock, ipv4, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Clock, Durability, Error, Options, PeerManager, SCHEMA, Stats};
use rusqlite::Connection;

/// So long that the thread does nothing by itself while a test runs.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// Longer than any test runs: what has not happened by then does not happen.
const FOR_EVER: Duration = Duration::from_secs(120);

fn options(database: &TempDb, flush_interval: Duration) -> Options {
    let mut options = TestClock::at(START).options(3);
    options.db_path = Some(database.path());
    options.durability = Durability::Deferred;
    options.flush_interval = flush_interval;
    options.busy_timeout = Duration::from_millis(1);
    options
}

fn open(database: &TempDb, flush_interval: Duration) -> PeerManager {
    PeerManager::open(options(database, flush_interval)).unwrap()
}

/// A manager that writes only when it is told to, with peers 0 to 9 on file.
fn with_ten_peers(database: &TempDb) -> PeerManager {
    let manager = open(database, NEVER);
    let records: Vec<_> = (0..10).map(|n| record(mixed(n), START, n, Outbound)).collect();
    manager.store_many(&records).unwrap();
    manager.flush().unwrap();
    manager
}

fn wait_until(mut holds: impl FnMut() -> bool, what: &str) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < FOR_EVER, "{what} never happened");
        thread::sleep(Duration::from_millis(1));
    }
}

fn stats(manager: &PeerManager) -> Stats {
    manager.get_stats().unwrap()
}

fn assert_on_file(manager: &PeerManager, connection: &Connection) {
    assert_eq!(common::rows(connection), common::rows_of(common::peers(manager).values()));
    assert_eq!(stats(manager).pending_writes, 0);
    manager.check_invariants().unwrap();
}

#[test]
fn a_change_is_in_memory_at_once_and_in_the_file_after_the_flush() {
    let database = TempDb::new();
    let manager = with_ten_peers(&database);
    let connection = database.connection();
    let before = common::rows(&connection);
    manager.ensure_exists(&mixed(20)).unwrap();
    manager.ensure_exists_many(&[mixed(20), mixed(21)]).unwrap();
    manager.update(&mixed(1), Preferred, false, BackOffUpdate::Increase).unwrap();
    manager.update_backoff(&mixed(1), BackOffUpdate::Increase).unwrap();
    manager.remove(&mixed(2)).unwrap();
    assert_eq!(manager.remove_peers_with_many_failures(8).unwrap(), 2);
    assert_eq!(manager.peer_count(), 10 + 2 - 3);
    assert_eq!(common::rows(&connection), before);
    // Two new peers, one that changed, three that are gone.
    assert_eq!(stats(&manager).pending_writes, 6);
    manager.flush().unwrap();
    assert_on_file(&manager, &connection);
    assert_eq!((stats(&manager).durability, stats(&manager).failed_writes), (Durability::Deferred, 0));
}

#[test]
fn what_waits_beyond_a_limit_is_changed_at_once_and_written_with_the_rest() {
    let database = TempDb::new();
    let manager = with_ten_peers(&database);
    let connection = database.connection();
    let before = common::rows(&connection);
    let latest = common::peers(&manager).values().map(|record| record.next_attempt).max().unwrap() - 1;
    let changed = manager.limit_next_attempt(latest).unwrap();
    assert!(changed > 0 && common::peers(&manager).values().all(|record| record.next_attempt <= latest));
    assert_eq!(stats(&manager).pending_writes, changed as u64);
    assert_eq!(common::rows(&connection), before);
    manager.flush().unwrap();
    assert_on_file(&manager, &connection);
}

#[test]
fn what_changed_is_written_without_being_asked_for() {
    let database = TempDb::new();
    let manager = open(&database, Duration::from_millis(1));
    let connection = database.connection();
    for n in 0..5 {
        // Each round finds the thread asleep.
        manager.update_backoff(&mixed(n), BackOffUpdate::Increase).unwrap();
        wait_until(|| stats(&manager).pending_writes == 0, "the write");
        assert_on_file(&manager, &connection);
        manager.remove(&mixed(n)).unwrap();
        wait_until(|| stats(&manager).pending_writes == 0, "the deletion");
        assert_on_file(&manager, &connection);
    }
}

#[test]
fn what_is_pending_is_written_when_the_manager_goes() {
    for interval in [Duration::from_millis(1), NEVER, Duration::MAX] {
        let database = TempDb::new();
        let manager = open(&database, interval);
        manager.ensure_exists_many(&(0..100).map(mixed).collect::<Vec<_>>()).unwrap();
        let peers = common::peers(&manager);
        drop(manager);
        assert_eq!(common::rows(&database.connection()), common::rows_of(peers.values()));
    }
}

#[test]
fn a_flush_that_meets_a_lock_says_so_and_nothing_is_dropped() {
    let database = TempDb::new();
    let manager = with_ten_peers(&database);
    let connection = database.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Three groups that cannot be written, each with another state of the same peers.
    for round in 1..=3 {
        manager.store(&record(mixed(1), START, 100 + round, Preferred)).unwrap();
        manager.ensure_exists(&mixed(30 + round)).unwrap();
        manager.remove(&mixed(2 + round)).unwrap();
        let error = manager.flush().unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error}");
        assert!(error.to_string().starts_with("cannot write to \""), "{error}");
        assert_eq!(stats(&manager).failed_writes, u64::from(round));
        assert_eq!(stats(&manager).pending_writes, u64::from(1 + 2 * round));
    }
    // What the file never had leaves nothing to delete, and what came back is no deletion.
    manager.remove(&mixed(31)).unwrap();
    manager.store(&record(mixed(3), START, 55, Inbound)).unwrap();
    manager.flush().unwrap_err();
    assert_eq!(stats(&manager).pending_writes, 6);
    connection.execute_batch("COMMIT").unwrap();
    manager.flush().unwrap();
    assert_on_file(&manager, &connection);
    assert_eq!(manager.load(&mixed(1)).unwrap().unwrap().num_failures, 103);
    assert_eq!(stats(&manager).failed_writes, 4);
}

#[test]
fn a_group_that_failed_is_tried_again_without_being_asked_for() {
    let database = TempDb::new();
    let manager = open(&database, Duration::from_millis(1));
    let connection = database.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    manager.ensure_exists(&mixed(1)).unwrap();
    wait_until(|| stats(&manager).failed_writes >= 3, "the third try");
    assert!(common::rows(&connection).is_empty());
    assert_eq!(stats(&manager).pending_writes, 1);
    connection.execute_batch("COMMIT").unwrap();
    wait_until(|| stats(&manager).pending_writes == 0, "the write");
    assert_on_file(&manager, &connection);
}

#[test]
fn what_waits_to_be_written_is_bounded_by_the_table_and_the_file() {
    let database = TempDb::new();
    let manager = with_ten_peers(&database);
    let connection = database.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Ten thousand peers come and go, while nothing can be written.
    for n in 0..1_000 {
        let some: Vec<_> = (0..10).map(|i| mixed(1_000 + 10 * n + i)).collect();
        manager.ensure_exists_many(&some).unwrap();
        manager.update_backoff(&mixed(n % 10), BackOffUpdate::Increase).unwrap();
        if n % 50 == 0 {
            manager.flush().unwrap_err();
        }
        for address in &some {
            manager.remove(address).unwrap();
        }
        // Twice: what could not be written, and what has changed since.
        let pending = stats(&manager).pending_writes;
        assert!(pending <= 2 * (10 + 10), "round {n}: {pending} changes wait, of twenty peers");
        manager.check_invariants().unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    manager.flush().unwrap();
    assert_on_file(&manager, &connection);
}

#[test]
fn a_peer_that_goes_and_comes_back_is_on_file() {
    let database = TempDb::new();
    let manager = with_ten_peers(&database);
    let connection = database.connection();
    manager.remove(&mixed(1)).unwrap();
    manager.ensure_exists(&mixed(1)).unwrap();
    assert_eq!(stats(&manager).pending_writes, 1);
    manager.flush().unwrap();
    assert_on_file(&manager, &connection);
    manager.remove(&mixed(1)).unwrap();
    manager.flush().unwrap();
    manager.ensure_exists(&mixed(1)).unwrap();
    manager.flush().unwrap();
    assert_on_file(&manager, &connection);
}

#[test]
fn everything_can_be_forgotten_and_filled_anew() {
    let database = TempDb::new();
    let manager = with_ten_peers(&database);
    let connection = database.connection();
    connection.execute("INSERT INTO peers VALUES ('?', 1, 0, 0, 0)", []).unwrap();
    manager.clear_all().unwrap();
    manager.ensure_exists_many(&[mixed(1), mixed(50)]).unwrap();
    manager.remove(&mixed(50)).unwrap();
    assert_eq!(stats(&manager).pending_writes, 2);
    manager.flush().unwrap();
    assert_on_file(&manager, &connection);
    assert_eq!(common::rows(&connection).len(), 1, "rows that are no peers are gone as well");
}

#[test]
fn a_purge_leaves_rows_that_are_no_peers_alone() {
    let database = TempDb::new();
    let manager = with_ten_peers(&database);
    let connection = database.connection();
    connection.execute("INSERT INTO peers VALUES ('?', 1, 0, 99, 0)", []).unwrap();
    assert_eq!(manager.remove_peers_with_many_failures(5).unwrap(), 5);
    manager.flush().unwrap();
    assert_eq!(common::rows(&connection).len(), 5 + 1);
}

#[test]
fn the_callers_clock_is_read_by_the_callers_threads_only() {
    let database = TempDb::new();
    let seen: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let id = |id: ThreadId| format!("{id:?}");
    let mut options = options(&database, Duration::from_millis(1));
    options.clock = Clock::from_fn({
        let seen = Arc::clone(&seen);
        move || {
            seen.lock().unwrap().insert(id(thread::current().id()));
            START
        }
    });
    let manager = PeerManager::open(options).unwrap();
    for n in 0..50 {
        manager.update_backoff(&ipv4(n), BackOffUpdate::Increase).unwrap();
        wait_until(|| stats(&manager).pending_writes == 0, "the write");
    }
    drop(manager);
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from([id(thread::current().id())]));
}

#[test]
fn in_memory_and_on_a_borrowed_connection_there_is_nothing_to_write_later() {
    let options = Options { durability: Durability::Deferred, ..Options::default() };
    let manager = PeerManager::open(options).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.flush().unwrap();
    assert_eq!(stats(&manager).pending_writes, 0);
    let host = Connection::open_in_memory().unwrap();
    host.execute_batch(SCHEMA).unwrap();
    assert_eq!(stats(&PeerManager::from_connection(host).unwrap()).durability, Durability::Commit);
}
