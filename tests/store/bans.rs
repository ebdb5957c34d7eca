//! Bans in the file: a table of their own, which is made with the first ban and not before.

use std::fs;

use crate::common::stellar_core::{DURABILITIES, StellarCore};
use crate::common::{self, START, TempDb, TestClock, address, ipv4, record};
use peer_manager::StoredPeerType::{Inbound, Preferred};
use peer_manager::{
    BackOffUpdate, Ban, BanSubject, Durability, Error, OnCorrupt, Options, PeerManager, PeerQuery, SCHEMA,
};
use rusqlite::Connection;

/// The table, word for word.
const BANS: &str = "CREATE TABLE peer_manager_bans (subject TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID";

fn subject(text: &str) -> BanSubject {
    text.parse().unwrap()
}

fn ban(text: &str, until: i64) -> Ban {
    Ban { subject: subject(text), until }
}

fn options(database: &TempDb, durability: Durability, clock: &TestClock) -> Options {
    let mut options = clock.options(common::test_seed());
    (options.db_path, options.durability) = (Some(database.path()), durability);
    options
}

/// The rows of the table of bans.
fn rows(connection: &Connection) -> Vec<(String, i64)> {
    let mut statement =
        connection.prepare("SELECT subject, until FROM peer_manager_bans ORDER BY 1").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn row(text: &str, until: i64) -> (String, i64) {
    (text.to_owned(), until)
}

/// The SQL of all tables and indexes of a file.
fn schema(connection: &Connection) -> Vec<String> {
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_application_that_never_bans_has_the_table_peers_and_no_other() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        for _ in 0..2 {
            let manager = common::open(options(&database, durability, &clock));
            manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
            manager.update(&ipv4(3), Preferred, true, BackOffUpdate::Reset).unwrap();
            manager.remove(&ipv4(2)).unwrap();
            assert!(!manager.is_banned(&ipv4(2)).unwrap());
            assert_eq!(manager.get_bans().unwrap(), []);
            assert!(matches!(manager.unban(&subject("52.0.0.2")), Err(Error::NotBanned(_))));
            manager.ban(&subject("52.0.0.2"), START).unwrap_err();
            manager.flush().unwrap();
            drop(manager);
            assert_eq!(schema(&database.connection()), [SCHEMA], "{durability:?}");
        }
    }
}

#[test]
fn bans_survive_restarts_and_those_that_have_ended_leave_the_file_with_the_next_change() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let open = || common::open(options(&database, durability, &clock));
        let manager = open();
        manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
        assert_eq!(manager.ban(&subject("52.0.0.1/32"), START + 10).unwrap(), 1);
        manager.ban(&subject("2001:DB8::/32"), i64::MAX).unwrap();
        manager.ban(&subject("Example.org"), START + 20).unwrap();
        drop(manager);
        assert_eq!(schema(&database.connection()), [SCHEMA, BANS], "{durability:?}");
        let all =
            [row("2001:db8::/32", i64::MAX), row("52.0.0.1", START + 10), row("example.org", START + 20)];
        assert_eq!(rows(&database.connection()), all);

        let manager = open();
        assert_eq!(
            manager.get_bans().unwrap(),
            [ban("52.0.0.1", START + 10), ban("2001:db8::/32", i64::MAX), ban("example.org", START + 20)]
        );
        assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), [ipv4(2)]);
        assert!(matches!(manager.ensure_exists(&ipv4(1)), Err(Error::Refused(_))));
        clock.set(START + 10);
        assert!(manager.ensure_exists(&ipv4(1)).unwrap(), "it has ended");
        manager.flush().unwrap();
        assert_eq!(rows(&database.connection()).len(), 3, "the bans have not changed");
        manager.ban(&subject("example.org"), START + 30).unwrap();
        manager.flush().unwrap();
        let left = [row("2001:db8::/32", i64::MAX), row("example.org", START + 30)];
        assert_eq!(rows(&database.connection()), left);
        manager.unban(&subject("2001:db8::/32")).unwrap();
        drop(manager);
        clock.set(START + 30);
        let manager = open();
        assert_eq!(manager.get_bans().unwrap(), []);
        assert_eq!(manager.get_stats().unwrap().bans, 0);
        assert_eq!(rows(&database.connection()), [row("example.org", START + 30)]);
        manager.ban(&subject("52.0.0.9"), START + 40).unwrap();
        drop(manager);
        assert_eq!(rows(&database.connection()), [row("52.0.0.9", START + 40)]);
        assert_eq!(common::rows(&database.connection()).len(), 2);
    }
}

#[test]
fn with_deferred_a_ban_that_came_and_went_unwritten_leaves_nothing() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let mut options = options(&database, Durability::Deferred, &clock);
    options.flush_interval = std::time::Duration::from_secs(24 * 3600);
    let manager = common::open(options);
    manager.ban(&subject("52.0.0.1"), i64::MAX).unwrap();
    manager.ban(&subject("52.0.0.1"), START + 5).unwrap();
    assert_eq!(manager.get_stats().unwrap().pending_writes, 1);
    manager.unban(&subject("52.0.0.1")).unwrap();
    assert_eq!(manager.get_stats().unwrap().pending_writes, 0);
    manager.flush().unwrap();
    assert_eq!(schema(&database.connection()), [SCHEMA]);
    // One that the file has must be deleted from it.
    manager.ban(&subject("52.0.0.1"), i64::MAX).unwrap();
    manager.flush().unwrap();
    manager.unban(&subject("52.0.0.1")).unwrap();
    assert_eq!(manager.get_stats().unwrap().pending_writes, 1);
    manager.ban(&subject("52.0.0.1"), START + 9).unwrap();
    manager.unban(&subject("52.0.0.1")).unwrap();
    assert_eq!(manager.get_stats().unwrap().pending_writes, 1);
    manager.flush().unwrap();
    assert_eq!(rows(&database.connection()), []);
}

/// Makes the database refuse a ban of this subject, by an index over what cannot be computed for it.
fn refuse(connection: &Connection, text: &str) {
    let value = format!("CASE WHEN subject = '{text}' THEN abs(-9223372036854775807 - 1) END");
    connection.execute_batch(&format!("CREATE INDEX refuse ON peer_manager_bans ({value})")).unwrap();
}

#[test]
fn a_ban_that_cannot_be_written_removes_no_peer_and_refuses_no_one() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let mut options = options(&database, durability, &clock);
        options.flush_interval = std::time::Duration::from_secs(24 * 3600);
        let manager = common::open(options);
        manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
        manager.ban(&subject("10.0.0.1"), i64::MAX).unwrap();
        manager.flush().unwrap();
        refuse(&database.connection(), "52.0.0.0/30");
        let before = (common::rows(&database.connection()), rows(&database.connection()));
        let result = manager.ban(&subject("52.0.0.0/30"), i64::MAX).and_then(|_| manager.flush());
        let error = result.unwrap_err();
        assert!(
            matches!(error, Error::Database(_)) && error.to_string().contains("integer overflow"),
            "{error}"
        );
        assert_eq!((common::rows(&database.connection()), rows(&database.connection())), before);
        if durability != Durability::Deferred {
            assert_eq!(manager.peer_count(), 2);
            assert!(!manager.is_banned(&ipv4(1)).unwrap());
            assert!(!manager.ensure_exists(&ipv4(1)).unwrap());
            manager.check_invariants().unwrap();
        }
        assert_eq!(manager.get_stats().unwrap().failed_writes, 1);
        database.connection().execute_batch("DROP INDEX refuse").unwrap();
        manager.ban(&subject("52.0.0.0/30"), i64::MAX).unwrap();
        manager.flush().unwrap();
        assert_eq!(common::rows(&database.connection()).len(), 0);
        assert_eq!(rows(&database.connection()), [row("10.0.0.1", i64::MAX), row("52.0.0.0/30", i64::MAX)]);
        drop(manager);
    }
}

#[test]
fn a_ban_and_the_removal_of_its_peers_are_one_transaction() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let mut options = options(&database, durability, &clock);
        options.flush_interval = std::time::Duration::from_secs(24 * 3600);
        let manager = common::open(options);
        manager.ensure_exists_many(&(0..100).map(ipv4).collect::<Vec<_>>()).unwrap();
        manager.flush().unwrap();
        // A reader sees the file before or after, and the log has one commit more.
        let commits = |connection: &Connection| -> i64 {
            connection.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap()
        };
        let connection = database.connection();
        let before = commits(&connection);
        let reader = database.connection();
        reader.execute_batch("BEGIN; SELECT count(*) FROM peers").unwrap();
        assert_eq!(manager.ban(&subject("52.0.0.0/24"), i64::MAX).unwrap(), 100);
        if durability == Durability::Deferred {
            // A checkpoint would wait for the reader.
            drop(manager);
        }
        assert_eq!(common::rows(&reader).len(), 100);
        assert_eq!(schema(&reader), [SCHEMA]);
        reader.execute_batch("COMMIT").unwrap();
        assert_ne!(commits(&connection), before);
        assert_eq!(common::rows(&reader).len(), 0);
        assert_eq!(rows(&reader), [row("52.0.0.0/24", i64::MAX)]);
    }
}

#[test]
fn banned_peers_that_another_program_has_added_are_removed_when_the_file_is_opened() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let manager = common::open(options(&database, durability, &clock));
        manager.ban(&subject("52.0.0.0/24"), START + 10).unwrap();
        drop(manager);
        let add = "INSERT INTO peers VALUES ('52.0.0.1', 1, 0, 0, 2), ('52.0.1.1', 1, 0, 0, 0)";
        database.connection().execute_batch(add).unwrap();
        let manager = common::open(options(&database, durability, &clock));
        assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), [address("52.0.1.1:1")]);
        assert_eq!(manager.get_stats().unwrap().refused_peers, 1);
        drop(manager);
        assert_eq!(common::rows(&database.connection()).len(), 1);
        // Once it has ended, they stay.
        database.connection().execute_batch("INSERT INTO peers VALUES ('52.0.0.1', 1, 0, 0, 2)").unwrap();
        clock.set(START + 10);
        assert_eq!(common::open(options(&database, durability, &clock)).peer_count(), 2);
    }
}

#[test]
fn rows_that_are_no_bans_are_passed_over_and_left_where_they_are() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    drop(common::open(options(&database, Durability::Commit, &clock)));
    let strange = "('', 1), ('?', 9), ('52.0.0.1/32', 9e15), ('52.0.0.7/24', 9000000000), ('Example.org', 9000000000), \
         ('caf\u{e9}.example', 9000000000), (x'35322e302e302e39', 9000000000), ('52.0.0.2', 'never'), ('52.0.0.3', 9.5)";
    database
        .connection()
        .execute_batch(&format!(
            "{BANS}; INSERT INTO peer_manager_bans VALUES {strange}, ('52.0.0.4', 9000000000), ('example.org', 9000000000)"
        ))
        .unwrap();
    let manager = common::open(options(&database, Durability::Commit, &clock));
    let expected = [ban("52.0.0.4", 9_000_000_000), ban("example.org", 9_000_000_000)];
    assert_eq!(manager.get_bans().unwrap(), expected);
    assert_eq!(manager.get_stats().unwrap().skipped_rows, 0, "those are peers");
    manager.unban(&subject("52.0.0.4")).unwrap();
    let count: i64 = database
        .connection()
        .query_row("SELECT count(*) FROM peer_manager_bans", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 10);
    // A valid row takes the place of one that was not.
    manager.ban(&subject("52.0.0.2"), START + 1).unwrap();
    drop(manager);
    let manager = common::open(options(&database, Durability::Commit, &clock));
    assert_eq!(manager.get_bans().unwrap(), [ban("52.0.0.2", START + 1), ban("example.org", 9_000_000_000)]);
}

#[test]
fn another_table_of_that_name_is_no_table_of_bans_and_the_file_stays_as_it_is() {
    for another in [
        "CREATE TABLE peer_manager_bans (subject TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL)",
        "CREATE TABLE Peer_Manager_Bans (n)",
        "CREATE VIEW peer_manager_bans AS SELECT ip AS subject, 9 AS until FROM peers",
    ] {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        drop(common::open(options(&database, Durability::Commit, &clock)));
        database.connection().execute_batch(another).unwrap();
        let before = fs::read(database.path()).unwrap();
        let error = PeerManager::open(options(&database, Durability::Commit, &clock)).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)));
        let message = error.to_string();
        let expected =
            "its table peer_manager_bans is not the one that this library makes; the file is left as it is";
        assert!(message.contains(expected), "{message}");
        assert_eq!(fs::read(database.path()).unwrap(), before);
        // Made while the manager was open, it stops bans and nothing else.
        database.connection().execute_batch("DROP TABLE IF EXISTS peer_manager_bans").unwrap_or_else(|_| {
            database.connection().execute_batch("DROP VIEW peer_manager_bans").unwrap();
        });
        let manager = common::open(options(&database, Durability::Commit, &clock));
        manager.ensure_exists(&ipv4(1)).unwrap();
        database.connection().execute_batch(another).unwrap();
        let error = manager.ban(&subject("52.0.0.1"), i64::MAX).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{error}");
        assert!(!manager.ensure_exists(&ipv4(1)).unwrap() && !manager.is_banned(&ipv4(1)).unwrap());
        assert!(manager.ensure_exists(&ipv4(2)).unwrap());
    }
}

#[test]
fn stellar_cores_file_gets_no_table_and_bans_last_as_long_as_the_manager() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let before = schema(&StellarCore::new_db(&database.path()).0);
        let manager = common::open(options(&database, durability, &clock));
        manager.ensure_exists_many(&[ipv4(1), ipv4(2), address("[2001:db8::1]:1")]).unwrap();
        assert_eq!(manager.ban(&subject("52.0.0.1"), i64::MAX).unwrap(), 1);
        assert_eq!(manager.ban(&subject("2001:db8::/32"), i64::MAX).unwrap(), 1);
        manager.ban(&subject("example.org"), START + 5).unwrap();
        assert!(matches!(manager.ensure_exists(&ipv4(1)), Err(Error::Refused(_))));
        clock.set(START + 6);
        manager.unban(&subject("2001:db8::/32")).unwrap();
        assert_eq!(manager.get_bans().unwrap(), [ban("52.0.0.1", i64::MAX)]);
        drop(manager);
        assert_eq!(schema(&database.connection()), before, "{durability:?}");
        let manager = common::open(options(&database, durability, &clock));
        assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), [ipv4(2)]);
        assert_eq!(manager.get_bans().unwrap(), []);
        assert!(manager.ensure_exists(&ipv4(1)).unwrap());
    }
}

#[test]
fn on_a_borrowed_connection_a_ban_is_part_of_the_hosts_transaction() {
    let database = TempDb::new();
    let manager = PeerManager::from_connection(database.connection()).unwrap();
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    assert_eq!(schema(&database.connection()), [SCHEMA]);
    manager.ban(&subject("52.0.0.1"), i64::MAX).unwrap();
    drop(manager);
    assert_eq!(schema(&database.connection()), [SCHEMA, BANS]);
    let manager = PeerManager::from_connection(database.connection()).unwrap();
    assert_eq!(manager.get_bans().unwrap(), [ban("52.0.0.1", i64::MAX)]);
    assert_eq!(manager.load_random_peers(&PeerQuery::everything(), 9).unwrap(), [ipv4(2)]);
    manager.unban(&subject("52.0.0.1")).unwrap();
    drop(manager);
    assert_eq!(rows(&database.connection()), []);
}

#[test]
fn import_takes_no_bans_over_and_a_quarantine_loses_them() {
    let (database, source, clock) = (TempDb::new(), TempDb::new(), TestClock::at(START));
    let other = common::open(options(&source, Durability::Commit, &clock));
    other.ban(&subject("52.0.0.1"), i64::MAX).unwrap();
    other.ensure_exists(&ipv4(2)).unwrap();
    drop(other);
    let manager = common::open(options(&database, Durability::Commit, &clock));
    manager.store(&record(ipv4(1), START, 0, Inbound)).unwrap();
    assert_eq!(manager.import(source.path()).unwrap(), 1);
    assert_eq!(manager.get_bans().unwrap(), []);
    manager.ban(&subject("52.0.0.1"), i64::MAX).unwrap();
    drop(manager);
    let sql =
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 2 WHERE name = 'peer_manager_bans'";
    database.connection().execute_batch(sql).unwrap();
    let mut options = options(&database, Durability::Commit, &clock);
    let error = PeerManager::open(options.clone()).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("peer_manager_bans"), "{error}");
    options.on_corrupt = OnCorrupt::Quarantine;
    let manager = common::open(options);
    assert_eq!(manager.quarantine().unwrap().saved_peers, 1);
    assert_eq!(manager.get_bans().unwrap(), []);
    assert_eq!(schema(&database.connection()), [SCHEMA]);
}

#[test]
fn damage_that_the_removal_of_banned_peers_meets_leaves_the_file_as_it_was_or_is_set_aside() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let options = options(&database, Durability::Commit, &clock);
    let manager = PeerManager::open(Options { keep_history: true, ..options.clone() }).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.ban(&subject("203.0.113.0/24"), i64::MAX).unwrap();
    drop(manager);
    let connection = database.connection();
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    connection.execute_batch("INSERT INTO peers VALUES ('203.0.113.7', 80, 0, 0, 1)").unwrap();
    let place = "SELECT (rootpage - 1) * page_size FROM sqlite_master, pragma_page_size WHERE name = 'peer_manager_history'";
    let place: u32 = connection.query_row(place, [], |row| row.get(0)).unwrap();
    drop(connection);
    let mut file = fs::read(database.path()).unwrap();
    file[place as usize..][..8].fill(0xff);
    fs::write(database.path(), &file).unwrap();
    // Histories are not kept, so the table is not read.
    let error = PeerManager::open(options.clone()).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert!(fs::read(database.path()).unwrap() == file, "the file has changed");
    let manager = PeerManager::open(Options { on_corrupt: OnCorrupt::Quarantine, ..options }).unwrap();
    assert!(manager.quarantine().is_some());
    assert!(manager.load(&ipv4(1)).unwrap().is_some());
}
