//! A write that fails changes nothing, in memory or on disk, and no reader waits for one that takes its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::common::{self, START, TempDb, TestClock, ipv4, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, BanSubject, Clock, Error, Options, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter,
    Result, SCHEMA,
};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

/// Longer than any test runs: a reader that waits so long has waited for the disk.
const FOR_EVER: Duration = Duration::from_secs(120);

fn options(database: &TempDb, busy_timeout: Duration) -> Options {
    let mut options = TestClock::at(START).options(5);
    options.db_path = Some(database.path());
    options.busy_timeout = busy_timeout;
    options
}

/// A manager with peers 0 to 9, peer `n` with `n` failures, that does not wait for locks.
fn open(database: &TempDb) -> PeerManager {
    let manager = PeerManager::open(options(database, Duration::from_millis(1))).unwrap();
    let records: Vec<_> = (0..10).map(|n| record(ipv4(n), START - 1, n, Outbound)).collect();
    manager.store_many(&records).unwrap();
    manager
}

/// A call of a method that writes.
type Write = fn(&PeerManager) -> Result<()>;

/// Every method that writes, each with something to write.
fn writes() -> [(&'static str, Write); 13] {
    [
        ("ensure_exists", |m| m.ensure_exists(&ipv4(100)).map(drop)),
        ("ensure_exists_many", |m| m.ensure_exists_many(&[ipv4(0), ipv4(101), ipv4(102)]).map(drop)),
        ("store", |m| m.store(&record(ipv4(1), 7, 7, Preferred))),
        ("store of a new peer", |m| m.store(&record(ipv4(103), 7, 7, Preferred))),
        ("store_many", |m| m.store_many(&[record(ipv4(2), 8, 8, Inbound), record(ipv4(104), 8, 8, Inbound)])),
        ("update_type", |m| m.update_type(&ipv4(3), Preferred, false)),
        ("update_backoff", |m| m.update_backoff(&ipv4(4), BackOffUpdate::Increase)),
        ("update", |m| m.update(&ipv4(5), Preferred, false, BackOffUpdate::HardReset)),
        ("limit_next_attempt", |m| m.limit_next_attempt(START - 2).map(drop)),
        ("remove", |m| m.remove(&ipv4(6))),
        ("remove_peers_with_many_failures", |m| m.remove_peers_with_many_failures(9).map(drop)),
        ("ban", |m| m.ban(&BanSubject::from(ipv4(7).host()), i64::MAX).map(drop)),
        ("clear_all", PeerManager::clear_all),
    ]
}

/// Memory and file are these peers.
fn assert_holds(manager: &PeerManager, connection: &Connection, expected: &[PeerRecord], what: &str) {
    assert!(common::peers(manager).values().eq(expected), "{what} changed the memory");
    assert_eq!(common::rows(connection), common::rows_of(expected), "{what} changed the file");
    manager.check_invariants().unwrap();
}

#[test]
fn a_write_that_meets_a_lock_is_busy_changes_nothing_is_counted_and_succeeds_later() {
    for (what, write) in writes() {
        let database = TempDb::new();
        let manager = open(&database);
        let connection = database.connection();
        let before: Vec<_> = common::peers(&manager).into_values().collect();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for failures in 1..=3 {
            let error = write(&manager).unwrap_err();
            assert!(matches!(error, Error::Busy(_)), "{what}: {error}");
            assert_eq!(error.sqlite_code() & 0xff, 5, "SQLITE_BUSY");
            let message = error.to_string();
            assert!(message.starts_with("cannot write to \"") && message.contains("peers.db"), "{message}");
            assert!(message.contains("call again, or allow a longer busy timeout"), "{message}");
            assert!(!message.contains('\n'), "{message}");
            assert_eq!(manager.get_stats().unwrap().failed_writes, failures, "{what}");
        }
        assert_holds(&manager, &connection, &before, what);
        connection.execute_batch("COMMIT").unwrap();
        write(&manager).unwrap_or_else(|error| panic!("{what}: {error}"));
        let after: Vec<_> = common::peers(&manager).into_values().collect();
        assert_ne!(before, after, "{what}");
        assert_holds(&manager, &connection, &after, what);
        assert_eq!(manager.get_stats().unwrap().failed_writes, 3);
    }
}

#[test]
fn a_call_that_has_nothing_to_write_needs_no_lock() {
    let database = TempDb::new();
    let manager = open(&database);
    let connection = database.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(!manager.ensure_exists(&ipv4(1)).unwrap());
    assert_eq!(manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap(), 0);
    assert_eq!(manager.ensure_exists_many(&[]).unwrap(), 0);
    manager.store_many(&[]).unwrap();
    assert!(matches!(manager.remove(&ipv4(99)), Err(Error::NotFound(_))));
    assert_eq!(manager.get_stats().unwrap().failed_writes, 0);
}

/// Makes the database refuse a peer with this host and 99 failures, by an index over what cannot be computed for it.
fn refuse(connection: &Connection, host: &str) {
    connection
        .execute_batch(&format!(
            "CREATE INDEX refuse ON peers \
             (CASE WHEN ip = '{host}' AND numfailures = 99 THEN abs(-9223372036854775807 - 1) END)"
        ))
        .unwrap();
}

#[test]
fn a_batch_that_fails_in_the_middle_leaves_nothing_of_itself() {
    for position in 0..5 {
        let database = TempDb::new();
        let manager = open(&database);
        let connection = database.connection();
        let before: Vec<_> = common::peers(&manager).into_values().collect();
        refuse(&connection, &ipv4(50 + position).host().to_string());
        let batch: Vec<_> = (50..55).map(|n| record(ipv4(n), 1, 99, Inbound)).collect();
        let error = manager.store_many(&batch).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error}");
        assert!(error.to_string().contains("integer overflow"), "{error}");
        assert_holds(&manager, &connection, &before, "the batch");
        assert_eq!(manager.get_stats().unwrap().failed_writes, 1);
        connection.execute_batch("DROP INDEX refuse").unwrap();
        manager.store_many(&batch).unwrap();
        assert_eq!(manager.peer_count(), 15);
    }
}

#[test]
fn a_batch_that_replaces_peers_and_fails_leaves_them_as_they_were() {
    let database = TempDb::new();
    let manager = open(&database);
    let connection = database.connection();
    let before: Vec<_> = common::peers(&manager).into_values().collect();
    refuse(&connection, &ipv4(7).host().to_string());
    let batch: Vec<_> = (0..10).map(|n| record(ipv4(n), 99, 99, Preferred)).collect();
    manager.store_many(&batch).unwrap_err();
    assert_holds(&manager, &connection, &before, "the batch");
}

#[test]
fn a_deletion_that_fails_removes_no_peer() {
    let database = TempDb::new();
    let manager = open(&database);
    let connection = database.connection();
    let before: Vec<_> = common::peers(&manager).into_values().collect();
    // An index over a function that other connections do not have.
    let flags = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_UTF8;
    connection.create_scalar_function("ours", 1, flags, |_| Ok(1)).unwrap();
    connection.execute_batch("CREATE INDEX refuse ON peers (ours(ip))").unwrap();
    manager.remove(&ipv4(7)).unwrap_err();
    manager.remove_peers_with_many_failures(3).unwrap_err();
    assert_holds(&manager, &connection, &before, "the deletion");
    assert_eq!(manager.get_stats().unwrap().failed_writes, 2);
    // To delete everything, SQLite need not know what is in an index.
    manager.clear_all().unwrap();
    assert_holds(&manager, &connection, &[], "the deletion of everything");
}

/// What a node asks all day, with the answers that the ten peers of [`open`] give.
fn ask_everything(manager: &PeerManager) {
    let anyone = PeerQuery { type_filter: PeerTypeFilter::Any, ..PeerQuery::default() };
    assert_eq!(manager.peer_count(), 10);
    assert_eq!(manager.load(&ipv4(3)).unwrap().unwrap().num_failures, 3);
    assert_eq!(manager.load(&ipv4(77)).unwrap(), None);
    assert_eq!(manager.load_random_peers(&anyone, 20).unwrap().len(), 10);
    assert_eq!(manager.get_peers_to_send(&PeerQuery::everything(), None, 20).unwrap().len(), 10);
    assert_eq!(manager.get_all_peers().unwrap().len(), 10);
    assert_eq!(manager.get_stats().unwrap().peers, 10);
    assert!(!manager.ensure_exists(&ipv4(3)).unwrap());
}

#[test]
fn readers_do_not_wait_while_a_writer_waits_for_another_programs_lock() {
    let database = TempDb::new();
    drop(open(&database));
    // The writer says when it has begun: its first deed is to look at the clock.
    let (begun, has_begun) = mpsc::channel();
    let signal = Arc::new(AtomicBool::new(false));
    let mut options = options(&database, FOR_EVER);
    options.clock = Clock::from_fn({
        let signal = Arc::clone(&signal);
        move || {
            if signal.swap(false, Ordering::SeqCst) {
                begun.send(()).unwrap();
            }
            START
        }
    });
    let manager = PeerManager::open(options).unwrap();
    let connection = database.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        signal.store(true, Ordering::SeqCst);
        let writer = scope.spawn(|| manager.update_backoff(&ipv4(1), BackOffUpdate::HardReset));
        has_begun.recv().unwrap();
        for _ in 0..100 {
            ask_everything(&manager);
        }
        // While the lock is held the writer cannot have finished, so all of this was asked beside it.
        assert!(!writer.is_finished());
        assert_eq!(manager.load(&ipv4(1)).unwrap().unwrap().num_failures, 1);
        connection.execute_batch("COMMIT").unwrap();
        writer.join().unwrap().unwrap();
    });
    assert_eq!(manager.load(&ipv4(1)).unwrap().unwrap().num_failures, 0);
}

/// Set when a writer is inside the busy handler, and when it may go on. One test only uses them.
static IS_WAITING: AtomicBool = AtomicBool::new(false);
static MAY_GO_ON: AtomicBool = AtomicBool::new(false);

fn wait_in_busy_handler(_tries: i32) -> bool {
    IS_WAITING.store(true, Ordering::SeqCst);
    while !MAY_GO_ON.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    true
}

#[test]
fn readers_do_not_wait_while_a_writer_is_inside_sqlite() {
    let database = TempDb::new();
    let host = database.connection();
    host.execute_batch(SCHEMA).unwrap();
    host.busy_handler(Some(wait_in_busy_handler)).unwrap();
    let manager = PeerManager::from_connection(host).unwrap();
    let records: Vec<_> = (0..10).map(|n| record(ipv4(n), START - 1, n, Outbound)).collect();
    manager.store_many(&records).unwrap();
    let locker = database.connection();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| manager.store(&record(ipv4(1), START, 77, Preferred)));
        while !IS_WAITING.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        // The writer is where it waits for the disk, and stays there.
        let (answered, answers) = mpsc::channel();
        let manager = &manager;
        scope.spawn(move || {
            ask_everything(manager);
            answered.send(()).unwrap();
        });
        let answer = answers.recv_timeout(FOR_EVER);
        assert!(!writer.is_finished());
        locker.execute_batch("COMMIT").unwrap();
        MAY_GO_ON.store(true, Ordering::SeqCst);
        answer.expect("the reader waited for the writer");
        writer.join().unwrap().unwrap();
    });
    assert_eq!(manager.load(&ipv4(1)).unwrap().unwrap().num_failures, 77);
}
