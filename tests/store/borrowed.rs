//! A connection that belongs to the host: its transactions, its settings and its data stay its own.

use crate::common::histories::data_in_file;
use crate::common::{self, START, TempDb, address, ipv4, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Error, PeerManager, SCHEMA};
use rusqlite::Connection;

/// A second handle on the host's connection, as a host in C would lend it.
#[expect(unsafe_code, reason = "only a raw handle can be lent while the host keeps its connection")]
fn lend(host: &Connection) -> Connection {
    // SAFETY: the handle is that of an open connection, and each test drops what it lends before the host. The
    // connection is used by one thread, and `from_handle` does not close what it was given.
    unsafe { Connection::from_handle(host.handle()) }.unwrap()
}

/// What another program sees in the file.
fn committed(database: &TempDb) -> usize {
    common::rows(&database.connection()).len()
}

#[test]
fn a_table_is_made_where_there_is_none_and_used_where_there_is_one() {
    let host = Connection::open_in_memory().unwrap();
    PeerManager::from_connection(lend(&host)).unwrap().ensure_exists(&ipv4(1)).unwrap();
    let sql: String =
        host.query_row("SELECT sql FROM sqlite_master WHERE name = 'peers'", [], |row| row.get(0)).unwrap();
    assert_eq!(sql, SCHEMA);
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    assert!(manager.load(&ipv4(1)).unwrap().is_some());
}

#[test]
fn rows_that_are_no_peers_are_passed_over_and_counted() {
    let host = Connection::open_in_memory().unwrap();
    host.execute_batch(&format!("{SCHEMA}; INSERT INTO peers VALUES ('?', 1, 0, 0, 0), ('a.b', 1, 2, 3, 1)"))
        .unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    assert_eq!(manager.get_stats().unwrap().skipped_rows, 1);
    assert_eq!(manager.load(&address("a.b:1")).unwrap(), Some(record(address("a.b:1"), 2, 3, Outbound)));
}

#[test]
fn changes_become_part_of_the_hosts_transaction_and_are_committed_with_it() {
    let database = TempDb::new();
    let host = database.connection();
    host.execute_batch(SCHEMA).unwrap();
    host.execute_batch("BEGIN; CREATE TABLE own (n); INSERT INTO own VALUES (1)").unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.store_many(&[record(ipv4(2), 1, 1, Inbound), record(ipv4(3), 1, 1, Inbound)]).unwrap();
    manager.update_backoff(&ipv4(4), BackOffUpdate::Increase).unwrap();
    manager.remove(&ipv4(1)).unwrap();
    manager.flush().unwrap();
    assert!(!host.is_autocommit(), "the host's transaction is still open");
    assert_eq!(committed(&database), 0, "nothing is committed before the host commits");
    host.execute_batch("COMMIT").unwrap();
    assert_eq!(committed(&database), 3);
    assert_eq!(common::rows(&host), common::rows_of(common::peers(&manager).values()));
}

#[test]
fn changes_are_undone_with_the_hosts_transaction() {
    let database = TempDb::new();
    let host = database.connection();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    host.execute_batch("BEGIN").unwrap();
    manager.ensure_exists_many(&[ipv4(2), ipv4(3)]).unwrap();
    host.execute_batch("ROLLBACK").unwrap();
    assert_eq!(committed(&database), 1);
}

#[test]
fn the_table_itself_can_be_made_inside_the_hosts_transaction() {
    let database = TempDb::new();
    let host = database.connection();
    host.execute_batch("BEGIN").unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists_many(&[ipv4(2), ipv4(3)]).unwrap();
    host.execute_batch("COMMIT").unwrap();
    assert_eq!(committed(&database), 2);
}

#[test]
fn without_a_transaction_of_the_host_every_change_is_committed_at_once() {
    let database = TempDb::new();
    let host = database.connection();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    assert_eq!(committed(&database), 1);
    manager.ensure_exists_many(&[ipv4(2), ipv4(3)]).unwrap();
    assert_eq!(committed(&database), 3);
    manager.clear_all().unwrap();
    assert_eq!(committed(&database), 0);
}

#[test]
fn a_batch_that_fails_is_undone_alone_and_the_hosts_own_work_stays() {
    let host = Connection::open_in_memory().unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    let refused = ipv4(3).host().to_string();
    host.execute_batch(&format!(
        "CREATE TABLE own (n); CREATE TRIGGER refuse BEFORE INSERT ON peers WHEN NEW.ip = '{refused}' \
         BEGIN SELECT RAISE(ABORT, 'not this one'); END; \
         BEGIN; INSERT INTO own VALUES (1)"
    ))
    .unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    let error = manager.ensure_exists_many(&[ipv4(2), ipv4(3), ipv4(4)]).unwrap_err();
    assert!(error.to_string().contains("not this one"), "{error}");
    assert!(!host.is_autocommit(), "the host's transaction is still open");
    host.execute_batch("COMMIT").unwrap();
    let own: i64 = host.query_row("SELECT count(*) FROM own", [], |row| row.get(0)).unwrap();
    assert_eq!(own, 1);
    assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), [ipv4(1)]);
    assert_eq!(common::rows(&host), common::rows_of(common::peers(&manager).values()));
    assert_eq!(manager.get_stats().unwrap().failed_writes, 1);
}

/// The settings of a connection that a library might be tempted to change.
fn settings(host: &Connection) -> Vec<String> {
    [
        "journal_mode",
        "synchronous",
        "busy_timeout",
        "foreign_keys",
        "locking_mode",
        "temp_store",
        "cache_size",
        "user_version",
        "application_id",
        "wal_autocheckpoint",
        "recursive_triggers",
        "query_only",
    ]
    .into_iter()
    .map(|pragma| {
        let value: rusqlite::types::Value =
            host.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap();
        format!("{pragma} = {value:?}")
    })
    .collect()
}

#[test]
fn the_hosts_settings_stay_as_they_are() {
    let database = TempDb::new();
    let host = database.connection();
    host.execute_batch(
        "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = EXTRA; PRAGMA busy_timeout = 1234; \
         PRAGMA foreign_keys = 1; PRAGMA cache_size = 77; PRAGMA user_version = 9",
    )
    .unwrap();
    let before = settings(&host);
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    manager.update(&ipv4(1), Preferred, true, BackOffUpdate::Reset).unwrap();
    manager.remove_peers_with_many_failures(1).unwrap();
    manager.flush().unwrap();
    drop(manager);
    assert_eq!(settings(&host), before);
}

#[test]
fn a_host_with_savepoints_of_its_own_keeps_them() {
    let host = Connection::open_in_memory().unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    // The name is the one that the library uses: the innermost of that name must be its own.
    host.execute_batch("SAVEPOINT peer_manager").unwrap();
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    host.execute_batch("ROLLBACK TO peer_manager; RELEASE peer_manager").unwrap();
    assert!(host.is_autocommit());
    assert!(common::rows(&host).is_empty(), "the host's savepoint spans the library's");
}

#[test]
fn no_statement_is_left_open_between_calls() {
    let host = Connection::open_in_memory().unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    manager.store(&record(ipv4(1), START, 1, Outbound)).unwrap();
    manager.remove(&ipv4(2)).unwrap();
    // SQLite refuses to close a connection that has statements.
    host.close().map_err(|(_, error)| error).unwrap();
    // What is left of the lent handle is never used again, and does not own what it points to.
    std::mem::forget(manager);
}

#[test]
fn a_table_peers_of_another_shape_is_refused() {
    let host = Connection::open_in_memory().unwrap();
    host.execute_batch("CREATE TABLE peers (id)").unwrap();
    let error = PeerManager::from_connection(lend(&host)).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("the application's database"), "{error}");
}

#[test]
fn a_temporary_table_of_the_same_name_is_not_mistaken_for_the_one_on_disk() {
    let host = Connection::open_in_memory().unwrap();
    host.execute_batch("CREATE TEMP TABLE peers (id)").unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    manager.remove(&ipv4(1)).unwrap();
    let count: i64 = host.query_row("SELECT count(*) FROM main.peers", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn an_owned_connection_given_away_works_as_a_borrowed_one() {
    let database = TempDb::new();
    let manager = PeerManager::from_connection(database.connection()).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    drop(manager);
    assert_eq!(committed(&database), 1);
}

#[test]
fn a_table_of_data_that_the_host_rolled_back_is_made_again_and_missed_by_no_call() {
    let host = Connection::open_in_memory().unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
    host.execute_batch("BEGIN").unwrap();
    manager.set_data(&ipv4(1), b"one").unwrap();
    assert_eq!(data_in_file(&host).len(), 1);
    host.execute_batch("ROLLBACK").unwrap();
    manager.remove(&ipv4(1)).unwrap();
    manager.ban(&ipv4(9).host().into(), i64::MAX).unwrap();
    manager.set_data(&ipv4(2), b"two").unwrap();
    assert_eq!(data_in_file(&host).len(), 1);
    // What was rolled back is written when it is set again.
    host.execute_batch("BEGIN").unwrap();
    manager.set_data(&ipv4(2), b"three").unwrap();
    host.execute_batch("ROLLBACK").unwrap();
    manager.set_data(&ipv4(2), b"three").unwrap();
    assert_eq!(data_in_file(&host)[&ipv4(2)], b"three");
    drop(manager);
    // And what is left without a peer is no peer's when the table is opened again.
    host.execute_batch("DELETE FROM peers").unwrap();
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    manager.ensure_exists(&ipv4(2)).unwrap();
    drop(manager);
    let manager = PeerManager::from_connection(lend(&host)).unwrap();
    assert!(manager.data(&ipv4(2)).unwrap().is_empty());
    manager.remove_peers_with_many_failures(0).unwrap();
    assert!(data_in_file(&host).is_empty());
}
