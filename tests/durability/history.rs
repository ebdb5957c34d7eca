//! Histories and data are written with the change that they belong to, or neither is.

use std::time::Duration;

use crate::common::histories::{DAY, data_in_file, in_file, new_at};
use crate::common::{self, START, TempDb, TestClock, ipv4, record};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{BackOffUpdate, Durability, Error, History, Options, PeerManager, Result, SCHEMA};

fn open(database: &TempDb, clock: &TestClock, durability: Durability) -> PeerManager {
    let options = Options {
        keep_history: true,
        durability,
        db_path: Some(database.path()),
        flush_interval: Duration::from_secs(24 * 3600),
        busy_timeout: Duration::from_millis(1),
        ..clock.options(5)
    };
    PeerManager::open(options).unwrap()
}

/// A call that writes, by name.
type Write = (&'static str, fn(&PeerManager) -> Result<()>);

const WRITES: [Write; 12] = [
    ("gossip of a new peer", |m| m.ensure_exists(&ipv4(100)).map(drop)),
    ("gossip of a known peer", |m| m.ensure_exists(&ipv4(0)).map(drop)),
    ("gossip of both", |m| m.ensure_exists_many(&[ipv4(1), ipv4(101)]).map(drop)),
    ("store", |m| m.store(&record(ipv4(102), 7, 7, Outbound))),
    ("an attempt", |m| m.update_backoff(&ipv4(3), BackOffUpdate::Increase)),
    ("a connection", |m| m.update(&ipv4(4), Outbound, false, BackOffUpdate::Reset)),
    ("set_data", |m| m.set_data(&ipv4(5), b"another")),
    ("the end of data", |m| m.set_data(&ipv4(7), b"")),
    ("remove", |m| m.remove(&ipv4(6))),
    ("remove_peers_with_many_failures", |m| m.remove_peers_with_many_failures(9).map(drop)),
    ("remove_peers_not_heard_since", |m| m.remove_peers_not_heard_since(START + 1).map(drop)),
    ("clear_all", PeerManager::clear_all),
];

#[test]
fn a_write_that_fails_leaves_every_history_as_it_was() {
    for durability in [Durability::Commit, Durability::Sync] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let manager = open(&database, &clock, durability);
        let records: Vec<_> = (0..10).map(|n| record(ipv4(n), START - 1, n, Inbound)).collect();
        manager.store_many(&records).unwrap();
        manager.set_data(&ipv4(5), b"data").unwrap();
        manager.set_data(&ipv4(7), b"data").unwrap();
        let connection = database.connection();
        let before = (in_file(&connection), data_in_file(&connection));
        clock.set(START + DAY);
        for (what, write) in WRITES {
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            let refused = write(&manager).unwrap_err();
            assert!(matches!(refused, Error::Busy(_)), "{what}: {refused}");
            connection.execute_batch("ROLLBACK").unwrap();
            assert_eq!((in_file(&connection), data_in_file(&connection)), before, "{what}");
            assert_eq!([5, 7].map(|n| manager.data(&ipv4(n)).unwrap()), [b"data"; 2], "{what}");
            for n in 0..10 {
                assert_eq!(manager.load_history(&ipv4(n)).unwrap(), Some(new_at(START)), "{what}");
            }
            assert_eq!(manager.peer_count(), 10, "{what}");
            manager.check_invariants().unwrap();
        }
        for (what, write) in WRITES {
            write(&manager).unwrap();
            let snapshot = manager.get_all_peers().unwrap();
            let in_memory =
                (0..snapshot.len()).map(|n| (snapshot.get(n).unwrap().address, snapshot.history(n).unwrap()));
            assert_eq!(in_file(&connection), in_memory.collect(), "{what}");
            let data = (0..snapshot.len())
                .map(|n| (snapshot.get(n).unwrap().address, snapshot.data(n).to_vec()))
                .filter(|(_, data)| !data.is_empty());
            assert_eq!(data_in_file(&connection), data.collect(), "{what}");
        }
    }
}

#[test]
fn deferred_writes_a_history_with_its_peer_and_counts_what_is_not_in_the_file() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(&database, &clock, Durability::Deferred);
    let pending = || manager.get_stats().unwrap().pending_writes;
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    assert_eq!(pending(), 2);
    manager.flush().unwrap();
    clock.set(START + DAY - 1);
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    assert_eq!(pending(), 0, "gossip within the day changes nothing");
    clock.set(START + DAY);
    manager.ensure_exists(&ipv4(1)).unwrap();
    assert_eq!(pending(), 1);
    let connection = database.connection();
    assert_eq!(in_file(&connection)[&ipv4(1)], new_at(START));
    // A group that cannot be written is merged with what comes later.
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    manager.flush().unwrap_err();
    manager.update_backoff(&ipv4(1), BackOffUpdate::Reset).unwrap();
    manager.remove(&ipv4(2)).unwrap();
    connection.execute_batch("ROLLBACK").unwrap();
    manager.flush().unwrap();
    assert_eq!(pending(), 0);
    let expected = History {
        first_heard: START,
        last_heard: START + DAY,
        first_reached: START + DAY,
        last_reached: START + DAY,
        last_attempt: 0,
    };
    assert_eq!(in_file(&connection).into_iter().collect::<Vec<_>>(), [(ipv4(1), expected)]);
}

#[test]
fn a_peer_that_the_file_refuses_has_no_history_there() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let strict =
        SCHEMA.replace("type INT NOT NULL,", "type INT NOT NULL CHECK (type < 2 AND ip <> '52.0.0.7'),");
    assert_ne!(strict, SCHEMA);
    database.connection().execute_batch(&strict).unwrap();
    let manager = open(&database, &clock, Durability::Deferred);
    let addresses: Vec<_> = (0..30).map(ipv4).collect();
    manager.ensure_exists_many(&addresses).unwrap();
    assert!(manager.flush().is_err(), "it is said once");
    let in_file = in_file(&database.connection());
    assert_eq!(in_file.len(), 29);
    assert!(!in_file.contains_key(&ipv4(7)));
    assert_eq!(manager.load_history(&ipv4(7)).unwrap(), Some(new_at(START)));
    assert_eq!(common::peers(&manager).len(), 30);
}
