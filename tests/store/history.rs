//! Histories in the file: a table of their own, which is there only where they are kept and never says more than `peers`.

use std::fs;

use crate::common::histories::{DAY, Lives, in_file, new_at};
use crate::common::{
    self, START, TempDb, TestClock, address, ipv4, mixed, open, record, stellar_core, test_seed,
};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{BackOffUpdate, BanSubject, Durability, History, OnCorrupt, Options, PeerManager};
use rusqlite::Connection;

fn options(database: &TempDb, clock: &TestClock) -> Options {
    Options { keep_history: true, db_path: Some(database.path()), ..clock.options(7) }
}

fn history(manager: &PeerManager, n: u32) -> Option<History> {
    manager.load_history(&mixed(n)).unwrap()
}

/// The names of all tables and indexes of a file.
fn schema(connection: &Connection) -> Vec<String> {
    let sql = "SELECT type || ' ' || name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_random_life_in_a_file_survives_every_restart_and_the_file_says_the_same() {
    let seed = test_seed();
    for (durability, lives) in [(Durability::Commit, 4), (Durability::Sync, 1), (Durability::Deferred, 4)] {
        for life in 0..lives {
            let (database, clock) = (TempDb::fast(), TestClock::at(START));
            let open = || open(Options { durability, ..options(&database, &clock) });
            let mut lives = Lives::new(seed + life, &clock);
            let mut manager = open();
            for step in 0..120 {
                lives.step(&manager);
                if step % 4 == 0 {
                    manager.flush().unwrap();
                    lives.check_file(&database.connection());
                }
                if step % 20 == 0 {
                    drop(manager);
                    lives.check_file(&database.connection());
                    manager = open();
                }
                lives.check(&manager);
                lives.check_queries(&manager);
            }
        }
    }
}

#[test]
fn a_file_gets_the_table_only_where_histories_are_kept() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = clock.on_file(&database.path(), 7);
    manager.update(&mixed(1), Outbound, false, BackOffUpdate::Reset).unwrap();
    manager.remove_peers_with_many_failures(1).unwrap();
    drop(manager);
    assert_eq!(schema(&database.connection()), ["table peers"]);
    // What was there before has no history until something is noted.
    let manager = open(options(&database, &clock));
    assert_eq!(history(&manager, 1), Some(History::default()));
    manager.ensure_exists(&mixed(1)).unwrap();
    assert_eq!(history(&manager, 1), Some(new_at(START)));
    drop(manager);
    assert_eq!(schema(&database.connection()), ["table peer_manager_history", "table peers"]);
}

#[test]
fn gossip_about_a_known_peer_writes_once_a_day() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    manager.ensure_exists_many(&[mixed(1), mixed(2)]).unwrap();
    let connection = database.connection();
    let version = || connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    for day in 0..3 {
        let mut seen = version();
        for hour in 0..24 {
            clock.set(START + day * DAY + hour * 3_600);
            manager.ensure_exists(&mixed(1)).unwrap();
            manager.ensure_exists_many(&[mixed(1), mixed(2)]).unwrap();
            let writes = version() - seen;
            // Once for the first call of the day, and once for the peer that only the second names.
            assert_eq!(writes != 0, day > 0 && hour == 0, "day {day}, hour {hour}");
            seen = version();
        }
    }
    assert_eq!(in_file(&connection)[&mixed(2)].last_heard, START + 2 * DAY);
}

#[test]
fn a_removal_ends_a_history_even_while_none_are_kept() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    for durability in [Durability::Commit, Durability::Deferred] {
        let manager = open(Options { durability, ..options(&database, &clock) });
        for n in 0..=7 {
            manager.update_backoff(&mixed(n), BackOffUpdate::Increase).unwrap();
        }
        manager.store_many(&[record(mixed(1), 0, 9, Inbound), record(mixed(6), 0, 0, Inbound)]).unwrap();
        drop(manager);
        let manager = open(Options { durability, keep_history: false, ..options(&database, &clock) });
        manager.remove(&mixed(0)).unwrap();
        manager.remove_peers_with_many_failures(9).unwrap();
        manager.set_own_addresses([mixed(2)]).unwrap();
        manager.set_own_addresses([]).unwrap();
        let banned: BanSubject = mixed(7).host().to_string().parse().unwrap();
        assert_eq!(manager.ban(&banned, i64::MAX).unwrap(), 1);
        manager.unban(&banned).unwrap();
        manager.flush().unwrap();
        let left: Vec<_> = in_file(&database.connection()).into_keys().collect();
        let mut expected: Vec<_> = [3, 4, 5, 6].map(mixed).into();
        expected.sort();
        assert_eq!(left, expected, "{durability:?}");
        for n in 0..3 {
            manager.ensure_exists(&mixed(n)).unwrap();
        }
        drop(manager);
        let manager = open(Options { durability, ..options(&database, &clock) });
        assert_eq!([0, 1, 2].map(|n| history(&manager, n)), [Some(History::default()); 3]);
        manager.clear_all().unwrap();
        manager.flush().unwrap();
        assert!(in_file(&database.connection()).is_empty());
    }
}

#[test]
fn rows_without_a_peer_and_rows_that_are_no_histories_are_forgotten() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    manager.ensure_exists_many(&[ipv4(1), ipv4(2), ipv4(3)]).unwrap();
    drop(manager);
    database
        .connection()
        .execute_batch(
            "DELETE FROM peers WHERE ip = '52.0.0.1';
             UPDATE peer_manager_history SET lastheard = -1 WHERE ip = '52.0.0.2';
             INSERT INTO peer_manager_history VALUES (1, '1.2.3.4', 1, 1, 0, 0, 0), (70000, 'a', 1, 1, 0, 0, 0),
               (11625, '52.0.0.03', 1, 1, 0, 0, 0), ('x', x'00', 'a', x'11', 1.5, 0, 0)",
        )
        .unwrap();
    let manager = open(options(&database, &clock));
    assert_eq!(manager.load_history(&ipv4(1)).unwrap(), None);
    assert_eq!(manager.load_history(&ipv4(2)).unwrap(), Some(History::default()));
    assert_eq!(manager.load_history(&ipv4(3)).unwrap(), Some(new_at(START)));
    let rows = |sql| database.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    // That of a peer is written anew with its next change.
    assert_eq!(rows("SELECT count(*) FROM peer_manager_history"), 2);
    manager.ensure_exists(&ipv4(2)).unwrap();
    drop(manager);
    assert_eq!(in_file(&database.connection())[&ipv4(2)], new_at(START));
}

#[test]
fn something_else_with_the_name_of_the_table_is_left_alone() {
    for sql in [
        "CREATE TABLE peer_manager_history (mine)",
        "CREATE VIEW Peer_Manager_History AS SELECT 1",
        "CREATE TABLE other (a); CREATE INDEX peer_manager_history ON other (a)",
    ] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        database.connection().execute_batch(sql).unwrap();
        for n in 0..2 {
            let manager = open(options(&database, &clock));
            assert_eq!(history(&manager, 0), (n == 1).then(History::default));
            manager.update_backoff(&mixed(n), BackOffUpdate::Reset).unwrap();
            assert_eq!(history(&manager, n).unwrap().last_reached, START, "in memory it is kept");
            manager.ensure_exists(&mixed(0)).unwrap();
            manager.remove_peers_with_many_failures(9).unwrap();
        }
        let kept = "SELECT sql FROM sqlite_master WHERE lower(name) = 'peer_manager_history'";
        let kept: String = database.connection().query_row(kept, [], |row| row.get(0)).unwrap();
        assert!(sql.ends_with(&kept), "{kept}");
    }
}

#[test]
fn an_import_takes_the_histories_over_where_the_file_has_them() {
    let (with, without, clock) = (TempDb::new(), TempDb::new(), TestClock::at(START));
    let source = open(options(&with, &clock));
    source.update(&mixed(1), Outbound, false, BackOffUpdate::Reset).unwrap();
    source.ensure_exists(&mixed(2)).unwrap();
    drop(source);
    clock.on_file(&without.path(), 7).ensure_exists(&mixed(3)).unwrap();
    clock.set(START + 5);
    for durability in [Durability::Commit, Durability::Deferred] {
        let own = TempDb::new();
        let manager = open(Options { durability, ..options(&own, &clock) });
        manager.ensure_exists(&mixed(2)).unwrap();
        assert_eq!(manager.import(with.path()).unwrap(), 1);
        assert_eq!(manager.import(without.path()).unwrap(), 1);
        let reached = History { first_reached: START, last_reached: START, ..new_at(START) };
        let expected = [Some(reached), Some(new_at(START + 5)), Some(new_at(START + 5))];
        assert_eq!([1, 2, 3].map(|n| history(&manager, n)), expected);
        drop(manager);
        assert_eq!([1, 2, 3].map(|n| in_file(&own.connection()).remove(&mixed(n))), expected);
    }
    // A manager that keeps none takes none.
    let manager = clock.in_memory(7);
    assert_eq!(manager.import(with.path()).unwrap(), 2);
}

#[test]
fn the_peers_of_a_damaged_file_are_saved_and_no_history_is_taken_for_one() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    let addresses: Vec<_> = (0..300).map(mixed).collect();
    manager.ensure_exists_many(&addresses).unwrap();
    for n in (0..300).step_by(7) {
        manager.update_backoff(&mixed(n), BackOffUpdate::Increase).unwrap();
    }
    let expected = common::peers(&manager);
    drop(manager);
    // The first page has the schema: nothing says which page belongs to which table.
    let mut image = fs::read(database.path()).unwrap();
    image[..4096].fill(0xa5);
    fs::write(database.path(), image).unwrap();
    let manager = open(Options { on_corrupt: OnCorrupt::Quarantine, ..options(&database, &clock) });
    assert_eq!(common::peers(&manager), expected);
    assert_eq!(manager.quarantine().unwrap().lost_rows, 0);
    assert_eq!(history(&manager, 7), Some(History::default()));
    manager.ensure_exists(&mixed(7)).unwrap();
    assert_eq!(in_file(&database.connection()).len(), 1);
}

#[test]
fn stellar_cores_file_gets_no_table() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    stellar_core::StellarCore::new_db(&database.path());
    let before = schema(&database.connection());
    let manager = open(options(&database, &clock));
    manager.update_backoff(&address("52.1.2.3:1"), BackOffUpdate::Reset).unwrap();
    let history = manager.load_history(&address("52.1.2.3:1")).unwrap().unwrap();
    assert_eq!(history.last_reached, START);
    manager.remove(&address("52.1.2.3:1")).unwrap();
    drop(manager);
    assert_eq!(schema(&database.connection()), before);
}

#[test]
fn a_table_of_histories_that_goes_in_circles_is_damage() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    let addresses: Vec<_> = (0..600).map(ipv4).collect();
    manager.ensure_exists_many(&addresses).unwrap();
    drop(manager);
    let root = "SELECT rootpage FROM sqlite_master WHERE name = 'peer_manager_history'";
    let root: u32 = database.connection().query_row(root, [], |row| row.get(0)).unwrap();
    let number = root.to_be_bytes();
    let root = root as usize;
    let mut image = fs::read(database.path()).unwrap();
    let page = &mut image[(root - 1) * 4096..root * 4096];
    assert_eq!(page[0], 2, "an inner page of an index");
    // Its rightmost child is the page itself.
    page[8..12].copy_from_slice(&number);
    fs::write(database.path(), image).unwrap();
    let refused = PeerManager::open(options(&database, &clock)).unwrap_err();
    assert!(matches!(refused, peer_manager::Error::Corrupt(_)), "{refused}");
    assert!(refused.to_string().contains("peer_manager_history"), "{refused}");
    // Also where none are kept now: a later change would fail.
    let without = Options { keep_history: false, ..options(&database, &clock) };
    assert!(matches!(PeerManager::open(without.clone()), Err(peer_manager::Error::Corrupt(_))));
    let manager = open(Options { on_corrupt: OnCorrupt::Quarantine, ..without });
    assert_eq!(manager.peer_count(), 600);
}

#[test]
fn a_history_whose_peer_went_elsewhere_ends_even_while_none_are_kept() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = open(options(&database, &clock));
    manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
    drop(manager);
    database.connection().execute_batch("DELETE FROM peers").unwrap();
    let manager = open(Options { keep_history: false, ..options(&database, &clock) });
    manager.ensure_exists(&ipv4(1)).unwrap();
    drop(manager);
    let manager = open(options(&database, &clock));
    assert_eq!(manager.load_history(&ipv4(1)).unwrap(), Some(History::default()));
}

#[test]
fn rows_without_a_peer_are_no_reason_to_refuse_a_file_however_many_they_are() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    drop(open(options(&database, &clock)));
    let connection = database.connection();
    connection
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
             INSERT INTO peer_manager_history SELECT 1 + i % 65000, '52.0.0.' || (i / 65000), i, i, 0, 0, 0 FROM n",
        )
        .unwrap();
    drop(connection);
    drop(open(options(&database, &clock)));
    assert!(in_file(&database.connection()).is_empty());
}
