//! After a panic inside the library, which is a bug, a manager answers nothing more: what is in memory, or what becomes of
//! it, is not certain. The panics are injected, each in a process of its own: the library reads from the environment
//! where. That none crosses into C is tested in `tests/c/panic.c`.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::process::command_of;
use crate::common::run::this_test;
use crate::common::{START, TempDb, TestClock, ipv4, record};
use peer_manager::StoredPeerType::Outbound;
use peer_manager::{BackOffUpdate, Durability, Error, Options, PeerManager, PeerQuery};

const PLACE: &str = "PEER_MANAGER_PANIC_IN";

/// Longer than anything takes here, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a part of the test that calls this in a process whose library panics in `place`.
fn in_a_process_that_panics_in(place: &str, part: impl FnOnce()) {
    if env::var(PLACE).is_ok_and(|named| named == place) {
        part();
        return;
    }
    let output = command_of(&this_test()).env(PLACE, place).env("RUST_BACKTRACE", "0").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    assert_eq!(printed.matches("panicked at").count(), 1, "Rust's own message, once: {printed}");
}

fn options(database: &TempDb, durability: Durability) -> Options {
    let mut options = TestClock::at(START).options(3);
    options.db_path = Some(database.path());
    options.durability = durability;
    options.flush_interval = Duration::from_millis(1);
    options
}

/// Every call that can fail says that it is over, and changes nothing.
fn assert_answers_no_more(manager: &PeerManager, database: &TempDb) {
    type Call = fn(&PeerManager, &TempDb) -> peer_manager::Result<()>;
    let calls: [(&str, Call); 18] = [
        ("ensure_exists", |manager, _| manager.ensure_exists(&ipv4(1)).map(drop)),
        ("ensure_exists_many", |manager, _| manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).map(drop)),
        ("ensure_exists_many of none", |manager, _| manager.ensure_exists_many(&[]).map(drop)),
        ("load", |manager, _| manager.load(&ipv4(1)).map(drop)),
        ("store", |manager, _| manager.store(&record(ipv4(1), START, 1, Outbound))),
        ("store_many", |manager, _| manager.store_many(&[record(ipv4(1), START, 1, Outbound)])),
        ("update_type", |manager, _| manager.update_type(&ipv4(1), Outbound, false)),
        ("update_backoff", |manager, _| manager.update_backoff(&ipv4(1), BackOffUpdate::Increase)),
        ("update", |manager, _| manager.update(&ipv4(1), Outbound, false, BackOffUpdate::Reset)),
        ("remove", |manager, _| manager.remove(&ipv4(1))),
        ("remove_peers_with_many_failures", |manager, _| {
            manager.remove_peers_with_many_failures(1).map(drop)
        }),
        ("clear_all", |manager, _| manager.clear_all()),
        ("import", |manager, database| manager.import(database.path()).map(drop)),
        ("load_random_peers", |manager, _| manager.load_random_peers(&PeerQuery::default(), 8).map(drop)),
        ("get_peers_to_send", |manager, _| {
            manager.get_peers_to_send(&PeerQuery::everything(), None, 8).map(drop)
        }),
        ("get_all_peers", |manager, _| manager.get_all_peers().map(drop)),
        ("get_stats", |manager, _| manager.get_stats().map(drop)),
        ("flush", |manager, _| manager.flush()),
    ];
    for (name, call) in calls {
        match call(manager, database) {
            Err(Error::Internal(message)) => {
                assert!(
                    message.contains("panicked") && message.contains("free it and open it again"),
                    "{message}"
                );
            }
            other => panic!("{name} answers {other:?}"),
        }
    }
    assert_eq!(manager.peer_count(), 0);
}

#[test]
fn after_a_panic_in_a_change_no_call_is_answered() {
    in_a_process_that_panics_in("change", || {
        let database = TempDb::new();
        let manager = PeerManager::open(options(&database, Durability::Commit)).unwrap();
        manager.get_stats().unwrap();
        catch_unwind(AssertUnwindSafe(|| manager.ensure_exists(&ipv4(1)))).unwrap_err();
        assert_answers_no_more(&manager, &database);
        drop(manager);
        // The file is free again, and has what was committed, which is nothing.
        assert_eq!(PeerManager::open(options(&database, Durability::Commit)).unwrap().peer_count(), 0);
    });
}

#[test]
fn after_a_panic_of_the_thread_that_writes_no_call_is_answered() {
    in_a_process_that_panics_in("deferred thread", || {
        let database = TempDb::new();
        let manager = PeerManager::open(options(&database, Durability::Deferred)).unwrap();
        manager.ensure_exists(&ipv4(1)).unwrap();
        let began = Instant::now();
        while manager.load(&ipv4(1)).is_ok() {
            assert!(began.elapsed() < PATIENCE, "no call notices that the thread is gone");
            thread::sleep(Duration::from_millis(1));
        }
        assert_answers_no_more(&manager, &database);
        drop(manager);
        // What was acknowledged before is not lost: dropping writes it on the caller's thread.
        let manager = PeerManager::open(options(&database, Durability::Commit)).unwrap();
        assert_eq!(manager.peer_count(), 1);
    });
}
