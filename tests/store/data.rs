//! Data of peers in the file: a table of its own, which is there only once data was set and never says more than `peers`.

use std::fs;

use crate::common::histories::data_in_file;
use crate::common::{START, TempDb, TestClock, ipv4, mixed, open, record, stellar_core};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{BackOffUpdate, Durability, History, OnCorrupt, Options, PeerManager, SCHEMA};
use rusqlite::Connection;

fn options(database: &TempDb, clock: &TestClock) -> Options {
    Options { db_path: Some(database.path()), ..clock.options(7) }
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    connection.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn data(manager: &PeerManager, n: u32) -> String {
    String::from_utf8(manager.data(&mixed(n)).unwrap()).unwrap()
}

#[test]
fn the_table_is_made_when_data_is_set_for_the_first_time() {
    for durability in [Durability::Commit, Durability::Sync, Durability::Deferred] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let manager = open(Options { durability, ..options(&database, &clock) });
        for n in 0..6 {
            manager.update(&mixed(n), Outbound, false, BackOffUpdate::Reset).unwrap();
        }
        manager.set_data(&mixed(1), b"").unwrap();
        manager.remove(&mixed(5)).unwrap();
        manager.flush().unwrap();
        assert_eq!(tables(&database.connection()), ["peers"], "{durability:?}");
        manager.set_data(&mixed(1), b"one").unwrap();
        manager.flush().unwrap();
        assert_eq!(tables(&database.connection()), ["peer_manager_data", "peers"]);
        drop(manager);
        let manager = open(Options { durability, ..options(&database, &clock) });
        assert_eq!([0, 1].map(|n| data(&manager, n)), ["", "one"]);
        manager.set_data(&mixed(1), b"").unwrap();
        manager.flush().unwrap();
        assert!(data_in_file(&database.connection()).is_empty());
    }
}

#[test]
fn setting_what_is_set_already_writes_nothing() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    manager.ensure_exists(&mixed(1)).unwrap();
    manager.set_data(&mixed(1), b"one").unwrap();
    let connection = database.connection();
    let version = || connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    manager.set_data(&mixed(1), b"one").unwrap();
    assert_eq!(version(), before);
    manager.set_data(&mixed(1), b"two").unwrap();
    assert_ne!(version(), before);
}

#[test]
fn rows_without_a_peer_and_rows_that_are_no_data_are_forgotten() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    for n in 0..5 {
        manager.ensure_exists(&ipv4(n)).unwrap();
        manager.set_data(&ipv4(n), b"data").unwrap();
    }
    drop(manager);
    let connection = database.connection();
    connection
        .execute_batch(&format!(
            "DELETE FROM peers WHERE ip = '{}';
             UPDATE peer_manager_data SET data = zeroblob(256) WHERE ip = '{}';
             UPDATE peer_manager_data SET data = 'text' WHERE ip = '{}';
             INSERT INTO peer_manager_data VALUES (7, 'not canonical', x'01'), (-1, '52.0.0.9', x'01');",
            ipv4(0).host(),
            ipv4(1).host(),
            ipv4(2).host()
        ))
        .unwrap();
    drop(connection);
    let manager = open(options(&database, &clock));
    assert_eq!(manager.peer_count(), 4);
    assert_eq!([1, 2, 3].map(|n| manager.data(&ipv4(n)).unwrap().len()), [0, 0, 4]);
    let rows = "SELECT count(*) FROM peer_manager_data WHERE ip NOT IN (SELECT ip FROM peers)";
    assert_eq!(database.connection().query_row(rows, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    manager.ensure_exists(&ipv4(0)).unwrap();
    assert!(manager.data(&ipv4(0)).unwrap().is_empty());
}

#[test]
fn something_else_with_the_name_of_the_table_is_left_alone() {
    for durability in [Durability::Commit, Durability::Deferred] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        drop(open(options(&database, &clock)));
        database.connection().execute_batch("CREATE TABLE peer_manager_data (mine)").unwrap();
        let manager = open(Options { durability, ..options(&database, &clock) });
        manager.ensure_exists(&mixed(1)).unwrap();
        manager.set_data(&mixed(1), b"one").unwrap();
        manager.flush().unwrap();
        assert_eq!(data(&manager, 1), "one");
        drop(manager);
        let rows =
            database.connection().query_row("SELECT count(*) FROM peer_manager_data", [], |row| row.get(0));
        assert_eq!(rows, Ok(0));
        assert_eq!(data(&open(options(&database, &clock)), 1), "");
    }
}

#[test]
fn a_peer_that_the_bounds_left_in_the_file_begins_with_nothing_when_it_is_new_again() {
    for durability in [Durability::Commit, Durability::Deferred] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let both = |keep_history, max_peers| {
            open(Options { durability, keep_history, max_peers, ..options(&database, &clock) })
        };
        let manager = both(true, 0);
        for n in 0..4 {
            manager.store(&record(ipv4(n), START, n, Inbound)).unwrap();
            manager.set_data(&ipv4(n), b"old").unwrap();
        }
        drop(manager);
        let manager = both(false, 2);
        let is_left_out = |n: &u32| manager.load(&ipv4(*n)).unwrap().is_none();
        let left_out = (0..4).filter(is_left_out).collect::<Vec<_>>();
        assert_eq!(left_out, [2, 3]);
        assert_eq!(
            data_in_file(&database.connection()).len(),
            4,
            "those whom the bounds left out keep theirs"
        );
        manager.remove_host(ipv4(0).host()).unwrap();
        manager.ensure_exists(&ipv4(3)).unwrap();
        drop(manager);
        let manager = both(true, 0);
        assert!(manager.data(&ipv4(3)).unwrap().is_empty(), "{durability:?}");
        assert_eq!(manager.load_history(&ipv4(3)).unwrap(), Some(History::default()), "{durability:?}");
        assert_eq!(manager.data(&ipv4(2)).unwrap(), b"old");
    }
}

#[test]
fn an_import_takes_the_data_over_and_a_quarantine_loses_it() {
    let (database, other, clock) = (TempDb::new(), TempDb::new(), TestClock::at(START));
    let manager = open(options(&other, &clock));
    for n in 0..9 {
        manager.ensure_exists(&mixed(n)).unwrap();
        manager.set_data(&mixed(n), format!("other {n}").as_bytes()).unwrap();
    }
    drop(manager);
    for durability in [Durability::Commit, Durability::Deferred] {
        let manager = open(Options { durability, ..options(&database, &clock) });
        manager.clear_all().unwrap();
        manager.ensure_exists(&mixed(0)).unwrap();
        manager.ban(&mixed(1).host().into(), i64::MAX).unwrap();
        assert_eq!(manager.import(other.path()).unwrap(), 7);
        assert_eq!(data(&manager, 0), "", "who was known stays as it was");
        assert_eq!(data(&manager, 8), "other 8");
        manager.check_invariants().unwrap();
        manager.flush().unwrap();
        assert_eq!(data_in_file(&database.connection()).len(), 7);
        manager.unban(&mixed(1).host().into()).unwrap();
    }
    let in_memory = PeerManager::open(clock.options(7)).unwrap();
    in_memory.import(database.path()).unwrap();
    assert_eq!(data(&in_memory, 8), "other 8");

    // The peers of a damaged file are saved, and no data is taken for one.
    let mut bytes = fs::read(database.path()).unwrap();
    bytes[..100].fill(0);
    fs::write(database.path(), bytes).unwrap();
    let manager = open(Options { on_corrupt: OnCorrupt::Quarantine, ..options(&database, &clock) });
    assert_eq!(manager.peer_count(), 8);
    assert_eq!(data(&manager, 8), "");
}

#[test]
fn stellar_cores_file_gets_no_table_and_data_lasts_as_long_as_the_manager() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    stellar_core::StellarCore::new_db(&database.path());
    let manager = open(options(&database, &clock));
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.set_data(&ipv4(1), b"one").unwrap();
    assert_eq!(manager.data(&ipv4(1)).unwrap(), b"one");
    manager.flush().unwrap();
    assert!(!tables(&database.connection()).iter().any(|table| table.starts_with("peer_manager")));
    drop(manager);
    assert!(open(options(&database, &clock)).data(&ipv4(1)).unwrap().is_empty());
}

#[test]
fn the_data_of_a_peer_whose_row_the_file_refuses_is_written_once_it_takes_the_row() {
    for has_table in [false, true] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let strict = SCHEMA.replace("type INT NOT NULL,", "type INT NOT NULL CHECK (numfailures < 3),");
        assert_ne!(strict, SCHEMA);
        database.connection().execute_batch(&strict).unwrap();
        let deferred = Options {
            durability: Durability::Deferred,
            flush_interval: std::time::Duration::from_secs(24 * 3600),
            ..options(&database, &clock)
        };
        let manager = open(deferred);
        if has_table {
            manager.ensure_exists(&mixed(2)).unwrap();
            manager.set_data(&mixed(2), b"two").unwrap();
            manager.flush().unwrap();
        }
        manager.store(&record(mixed(1), START, 5, Inbound)).unwrap();
        manager.set_data(&mixed(1), b"one").unwrap();
        assert!(manager.flush().is_err(), "it is said once");
        manager.update_backoff(&mixed(1), BackOffUpdate::HardReset).unwrap();
        manager.flush().unwrap();
        drop(manager);
        assert_eq!(data(&open(options(&database, &clock)), 1), "one");
    }
}

#[test]
fn side_tables_that_another_program_drops_while_the_file_is_open_are_missed_by_no_change() {
    for durability in [Durability::Commit, Durability::Deferred] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let manager = open(Options { durability, keep_history: true, ..options(&database, &clock) });
        let drop_tables = || {
            for n in 0..4 {
                manager.ensure_exists(&mixed(n)).unwrap();
                manager.set_data(&mixed(n), &[7]).unwrap();
            }
            manager.flush().unwrap();
            let tables = "DROP TABLE IF EXISTS peer_manager_data; DROP TABLE IF EXISTS peer_manager_history";
            database.connection().execute_batch(tables).unwrap();
        };
        let changes: [(&str, &dyn Fn()); 6] = [
            ("update", &|| manager.update_backoff(&mixed(1), BackOffUpdate::Increase).unwrap()),
            ("set_data", &|| manager.set_data(&mixed(1), b"one").unwrap()),
            ("remove", &|| manager.remove(&mixed(2)).unwrap()),
            ("ban", &|| assert_eq!(manager.ban(&mixed(3).host().into(), clock.now() + 1).unwrap(), 1)),
            ("remove_peers_with_many_failures", &|| drop(manager.remove_peers_with_many_failures(1))),
            ("clear_all", &|| manager.clear_all().unwrap()),
        ];
        for (what, change) in changes {
            drop_tables();
            change();
            manager.flush().unwrap_or_else(|error| panic!("{what}: {error}"));
            clock.set(clock.now() + 1);
        }
        manager.check_invariants().unwrap();
    }
}

#[test]
fn peers_that_another_program_has_deleted_can_be_removed_however_many_they_are() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    let addresses: Vec<_> = (0..40_000).map(ipv4).collect();
    manager.ensure_exists_many(&addresses).unwrap();
    database.connection().execute_batch("DELETE FROM peers WHERE rowid % 2 = 0").unwrap();
    assert_eq!(manager.ban(&"0.0.0.0/0".parse().unwrap(), i64::MAX).unwrap(), 40_000);
    let bytes = fs::metadata(database.path()).unwrap().len();
    manager.flush().unwrap();
    assert!(fs::metadata(database.path()).unwrap().len() < bytes.max(400_000), "the file shrinks");
}
