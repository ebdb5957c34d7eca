//! Taking over the peers of another file: all that is new, in one transaction, and the file stays as it is.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use crate::common::damage::{PEERS, by_address, peer};
use crate::common::import::{core_source, in_memory, options, refused, source};
use crate::common::stellar_core::{DURABILITIES, StellarCore, TABLE};
use crate::common::{self, START, TempDb, TestClock, address, ipv4, ipv6, mixed, name, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{Durability, Error, PeerManager, SCHEMA, StoredPeerType};
use rusqlite::Connection;

#[test]
fn a_file_of_this_library_gives_every_peer_as_it_is() {
    let records: Vec<_> =
        (0..PEERS).map(peer).chain([record(ipv4(999), i64::MIN, u32::MAX, Preferred)]).collect();
    let (place, manager) = (source(&records), in_memory());
    assert_eq!(manager.import(place.path()).unwrap(), records.len());
    assert_eq!(common::peers(&manager), by_address(records));
    manager.check_invariants().unwrap();
}

#[test]
fn a_file_of_stellar_core_gives_every_peer_as_it_is() {
    let times = [0, START, 1 << 31, 9_999_999_999];
    let records: Vec<_> = (0..40)
        .map(|n| record(ipv4(n), times[n as usize % 4], n, StoredPeerType::ALL[n as usize % 3]))
        .collect();
    let (place, manager) = (core_source(&records), in_memory());
    assert_eq!(manager.import(place.path()).unwrap(), records.len());
    assert_eq!(common::peers(&manager), by_address(records));
}

#[test]
fn what_is_new_is_in_the_managers_own_file_with_every_durability_and_known_peers_stay_as_they_are() {
    let place = source(&(0..PEERS).map(peer).collect::<Vec<_>>());
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = PeerManager::open(options(&database.path(), durability)).unwrap();
        let known: Vec<_> = (90..110).map(|n| record(mixed(n), START - 5, 40 + n, Inbound)).collect();
        manager.store_many(&known).unwrap();
        let mut expected = by_address((0..90).map(peer));
        expected.extend(by_address(known));
        assert_eq!(manager.import(place.path()).unwrap(), 90, "{durability:?}");
        assert_eq!(common::peers(&manager), expected, "{durability:?}");
        assert_eq!(manager.import(place.path()).unwrap(), 0, "{durability:?}");
        manager.flush().unwrap();
        assert_eq!(common::rows(&database.connection()), common::rows_of(expected.values()));
        drop(manager);
        let manager = PeerManager::open(options(&database.path(), durability)).unwrap();
        assert_eq!(common::peers(&manager), expected, "{durability:?}");
    }
}

#[test]
fn a_hosts_connection_takes_them_in_its_transaction() {
    let place = source(&(0..PEERS).map(peer).collect::<Vec<_>>());
    let database = TempDb::new();
    let manager = PeerManager::from_connection(database.connection()).unwrap();
    assert_eq!(manager.import(place.path()).unwrap(), PEERS as usize);
    assert_eq!(common::rows(&database.connection()), common::rows_of(common::peers(&manager).values()));
    assert_eq!(manager.import(database.path()).unwrap(), 0);
}

#[test]
fn a_file_of_stellar_core_takes_what_it_can_hold_of_a_file_of_this_library() {
    let place = source(&(0..PEERS).map(peer).collect::<Vec<_>>());
    let database = TempDb::new();
    let core = StellarCore::new_db(&database.path());
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(manager.import(place.path()).unwrap(), PEERS as usize);
    let held: BTreeMap<_, _> = by_address((0..PEERS).step_by(3).map(peer));
    assert_eq!(core.load_all(), held);
}

#[test]
fn rows_that_are_no_valid_peers_are_passed_over() {
    let bad = "INSERT INTO peers VALUES ('?', 1, 0, 0, 0), ('1.2.3.4', 5, 0, 0, 9), ('a.b', 6, 'x', 0, 0)";
    for (table, place) in [
        (SCHEMA, source(&[record(ipv4(1), 7, 8, Outbound)])),
        (TABLE, core_source(&[record(ipv4(1), 7, 8, Outbound)])),
    ] {
        place.connection().execute_batch(bad).unwrap();
        let manager = in_memory();
        assert_eq!(manager.import(place.path()).unwrap(), 1, "{table}");
        assert_eq!(common::peers(&manager), by_address([record(ipv4(1), 7, 8, Outbound)]), "{table}");
        assert_eq!(manager.get_stats().unwrap().skipped_rows, 0, "these are not of its own file");
    }
}

#[test]
fn an_empty_table_has_nothing_new() {
    assert_eq!(in_memory().import(source(&[]).path()).unwrap(), 0);
}

#[test]
fn when_the_own_database_refuses_the_write_nothing_is_added() {
    let place = source(&(0..1_000).map(peer).collect::<Vec<_>>());
    // Another connection writes.
    let database = TempDb::new();
    let manager = PeerManager::open(options(&database.path(), Durability::Commit)).unwrap();
    let connection = database.connection();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(refused(&manager, place.path()), Error::Busy(_)));
    connection.execute_batch("COMMIT").unwrap();
    assert!(common::rows(&connection).is_empty());
    // There is no room for all.
    let host = Connection::open_in_memory().unwrap();
    host.execute_batch(SCHEMA).unwrap();
    let pages: i64 = host.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    host.query_row(&format!("PRAGMA max_page_count = {}", pages + 1), [], |_| Ok(())).unwrap();
    let small = PeerManager::from_connection(host).unwrap();
    assert!(matches!(refused(&small, place.path()), Error::DiskFull(_)));
    small.ensure_exists(&ipv4(1)).unwrap();
    assert_eq!(manager.import(place.path()).unwrap(), 1_000);
}

#[test]
fn threads_that_import_at_once_add_each_peer_once() {
    const THREADS: usize = 4;
    let records: Vec<_> = (0..300).map(peer).collect();
    let place = source(&records);
    let other = source(&(200..500).map(peer).collect::<Vec<_>>());
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = PeerManager::open(options(&database.path(), durability)).unwrap();
        let barrier = Barrier::new(THREADS);
        let inserted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|n| {
                    let (manager, barrier) = (&manager, &barrier);
                    let path = if n % 2 == 0 { place.path() } else { other.path() };
                    scope.spawn(move || {
                        barrier.wait();
                        manager.import(path).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((inserted, manager.peer_count()), (500, 500));
        assert_eq!(common::peers(&manager), by_address((0..500).map(peer)));
        manager.flush().unwrap();
        assert_eq!(common::rows(&database.connection()), common::rows_of(common::peers(&manager).values()));
    }
}

#[test]
fn what_is_imported_is_chosen_like_any_other_peer() {
    let clock = TestClock::at(START);
    let records = [
        record(ipv4(1), START, 0, Outbound),
        record(ipv6(2), START + 10, 0, Preferred),
        record(name(3), START - 10, 121, Outbound),
        record(address("10.0.0.1:1"), START, 120, Preferred),
    ];
    let manager = clock.in_memory(1);
    manager.import(source(&records).path()).unwrap();
    for (now, expected) in [
        (START, vec![address("10.0.0.1:1"), ipv4(1)]),
        (START + 10, vec![address("10.0.0.1:1"), ipv4(1), ipv6(2)]),
    ] {
        clock.set(now);
        let mut dialled = manager.load_random_peers(&peer_manager::PeerQuery::default(), 9).unwrap();
        dialled.sort();
        assert_eq!(dialled, expected);
        manager.check_invariants().unwrap();
    }
}
