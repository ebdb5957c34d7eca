//! The file: what is made, what comes back, which rows are passed over, and which files are refused unharmed.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::common::run::skip;
use crate::common::{self, START, TempDb, TestClock, address, ipv4, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, Durability, Error, Options, PeerAddress, PeerManager, PeerQuery, PeerRecord, SCHEMA,
    StoredPeerType, load_all_from_db,
};
use rusqlite::{Connection, params};

fn options_at(path: impl AsRef<Path>) -> Options {
    Options {
        db_path: Some(path.as_ref().to_owned()),
        busy_timeout: Duration::from_millis(1),
        ..Options::default()
    }
}

fn refused(path: impl AsRef<Path>) -> Error {
    let error = PeerManager::open(options_at(path)).unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

/// Records of every kind of host and type, with extreme values.
fn all_kinds() -> Vec<PeerRecord> {
    let hosts = [
        "9.9.9.9:1",
        "10.0.0.1:65535",
        "[2001:db8::1]:11625",
        "[::]:1",
        "[fe80::1]:1",
        "example.org:80",
        "localhost:1",
        "6a3nvx7ykhwjyqmoceezkrzj4yq6c3ld7p3s5xqn2ycqjqe6t3ubd4id.onion:9333",
    ];
    let values = [(i64::MIN, 0), (i64::MAX, u32::MAX), (0, 1), (-1, 10), (START, 1 << 31), (1 << 32, 11)];
    let combinations = hosts.iter().flat_map(|host| values.iter().map(move |value| (host, value)));
    combinations
        .enumerate()
        .map(|(n, (host, &(next_attempt, num_failures)))| {
            let host = address(host);
            let port = host.port() / 2 + u16::try_from(n).unwrap() + 1;
            let peer = PeerAddress::new(&host.host().to_string(), port).unwrap();
            record(peer, next_attempt, num_failures, StoredPeerType::ALL[n % 3])
        })
        .collect()
}

#[test]
fn opening_a_path_makes_the_file() {
    let database = TempDb::new();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(manager.peer_count(), 0);
    assert!(database.path().is_file());
    assert!(common::rows(&database.connection()).is_empty());
}

#[test]
fn everything_comes_back_after_reopening() {
    let database = TempDb::new();
    let records = all_kinds();
    PeerManager::new_with_db(database.path()).unwrap().store_many(&records).unwrap();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert!(common::peers(&manager).values().eq(
        records.iter().map(|r| (&r.address, r)).collect::<std::collections::BTreeMap<_, _>>().into_values()
    ));
    assert_eq!(manager.get_stats().unwrap().skipped_rows, 0);
    manager.check_invariants().unwrap();
}

#[test]
fn every_committed_change_is_in_the_file_at_once() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let manager = clock.on_file(&database.path(), 1);
    let connection = database.connection();
    let changes: [&dyn Fn(&PeerManager); 10] = [
        &|m| assert!(m.ensure_exists(&ipv4(1)).unwrap()),
        &|m| assert_eq!(m.ensure_exists_many(&[ipv4(2), ipv4(3), ipv4(4), ipv4(5)]).unwrap(), 4),
        &|m| m.store(&record(ipv4(2), 7, 12, Preferred)).unwrap(),
        &|m| m.store_many(&[record(ipv4(3), 7, 2, Outbound), record(ipv4(4), 9, 3, Inbound)]).unwrap(),
        &|m| m.update_type(&ipv4(1), Outbound, false).unwrap(),
        &|m| m.update_backoff(&ipv4(4), BackOffUpdate::Increase).unwrap(),
        &|m| m.update(&ipv4(6), Preferred, true, BackOffUpdate::Reset).unwrap(),
        &|m| assert_eq!(m.limit_next_attempt(8).unwrap(), 4),
        &|m| m.remove(&ipv4(3)).unwrap(),
        &|m| assert_eq!(m.remove_peers_with_many_failures(10).unwrap(), 1),
    ];
    for change in changes {
        let before = common::rows(&connection);
        change(&manager);
        let after = common::rows(&connection);
        assert_ne!(before, after);
        assert_eq!(after, common::rows_of(common::peers(&manager).values()));
    }
    manager.clear_all().unwrap();
    assert!(common::rows(&connection).is_empty());
}

#[test]
fn the_file_is_in_wal_mode() {
    // `synchronous` belongs to the library's own connection and cannot be seen from here.
    let database = TempDb::new();
    let _manager = PeerManager::new_with_db(database.path()).unwrap();
    let mode: String = database.connection().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn the_file_is_one_file_after_the_manager_is_gone() {
    let database = TempDb::new();
    PeerManager::new_with_db(database.path()).unwrap().ensure_exists(&ipv4(1)).unwrap();
    let names: Vec<_> = fs::read_dir(database.directory()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names, ["peers.db"]);
}

#[test]
fn durability_sync_stores_as_well_and_says_what_it_is() {
    let database = TempDb::new();
    let mut options = options_at(database.path());
    options.durability = Durability::Sync;
    let manager = PeerManager::open(options).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.flush().unwrap();
    assert_eq!(manager.get_stats().unwrap().durability, Durability::Sync);
    assert_eq!(common::rows(&database.connection()).len(), 1);
}

#[test]
fn flush_brings_what_is_in_the_log_into_the_file() {
    let database = TempDb::new();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    manager.ensure_exists_many(&(0..2_000).map(mixed).collect::<Vec<_>>()).unwrap();
    manager.flush().unwrap();
    // A copy of the file without its log has everything.
    let copy = database.directory().join("copy.db");
    fs::copy(database.path(), &copy).unwrap();
    assert_eq!(PeerManager::new_with_db(copy).unwrap().peer_count(), 2_000);
}

#[test]
fn the_end_of_a_manager_brings_the_log_into_the_file_though_another_has_it_open() {
    let database = TempDb::new();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    manager.ensure_exists(&address("example.org:1")).unwrap();
    let other = database.connection();
    other.query_row("SELECT count(*) FROM peers", [], |row| row.get::<_, i64>(0)).unwrap();
    drop(manager);
    let copy = database.directory().join("copy.db");
    fs::copy(database.path(), &copy).unwrap();
    assert_eq!(PeerManager::new_with_db(copy).unwrap().peer_count(), 1);
}

#[test]
fn a_new_peer_leaves_a_row_that_another_has_written_as_it_is() {
    let database = TempDb::new();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    database.connection().execute_batch("INSERT INTO peers VALUES ('example.org', 7, 5, 6, 2)").unwrap();
    manager.ensure_exists(&address("example.org:7")).unwrap();
    assert_eq!(raw_rows(&database), ["'example.org' 7 5 6 2"]);
}

#[test]
fn flush_in_memory_has_nothing_to_do() {
    PeerManager::new_in_memory().unwrap().flush().unwrap();
}

#[test]
fn an_empty_file_becomes_a_database() {
    let database = TempDb::new();
    fs::write(database.path(), "").unwrap();
    PeerManager::new_with_db(database.path()).unwrap().ensure_exists(&ipv4(1)).unwrap();
    assert_eq!(common::rows(&database.connection()).len(), 1);
}

#[test]
fn other_tables_in_the_file_are_left_alone() {
    let database = TempDb::new();
    database.connection().execute_batch("CREATE TABLE ledgers (n); INSERT INTO ledgers VALUES (1)").unwrap();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.clear_all().unwrap();
    let n: i64 = database.connection().query_row("SELECT n FROM ledgers", [], |row| row.get(0)).unwrap();
    assert_eq!(n, 1);
}

/// Rows as SQL that are no valid peers.
const BAD_ROWS: [&str; 19] = [
    "('not an address', 1, 0, 0, 0)",
    "('', 1, 0, 0, 0)",
    "('1.2.3', 1, 0, 0, 0)",
    "('EXAMPLE.org', 1, 0, 0, 0)",
    "('example.org.', 1, 0, 0, 0)",
    "('2001:DB8::1', 1, 0, 0, 0)",
    "('[2001:db8::1]', 1, 0, 0, 0)",
    "('::ffff:1.2.3.4', 1, 0, 0, 0)",
    "(X'312E322E332E34', 1, 0, 0, 0)",
    "('example.org', 2, 'tomorrow', 0, 0)",
    "('example.org', 3, '2026-01-01 00:00:00', 0, 0)",
    "('example.org', 4, 1.5, 0, 0)",
    "('example.org', 5, 0, 4294967296, 0)",
    "('example.org', 6, 0, 'many', 0)",
    "('example.org', 7, 0, 0, 3)",
    "('example.org', 8, 0, 0, -1)",
    "('example.org', 9, 0, 0, 'x')",
    "('example.org', 1.5, 0, 0, 0)",
    "('exa' || char(0) || 'mple.org', 10, 0, 0, 0)",
];

/// Rows that only a database which does not check its constraints lets in.
const UNCHECKED_ROWS: [&str; 4] = [
    "('example.org', 0, 0, 0, 0)",
    "('example.org', 65536, 0, 0, 0)",
    "('example.org', -1, 0, 0, 0)",
    "('example.org', 11, 0, -1, 0)",
];

/// A database with one good row and these.
fn database_with(rows: &[&str]) -> TempDb {
    let database = TempDb::new();
    let connection = database.connection();
    connection.execute_batch(SCHEMA).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = 1").unwrap();
    for row in ["('good.example.org', 1, 5, 6, 2)"].iter().chain(rows) {
        connection.execute_batch(&format!("INSERT INTO peers VALUES {row}")).unwrap();
    }
    database
}

/// All that is in the table, of whatever type.
fn raw_rows(database: &TempDb) -> Vec<String> {
    let connection = database.connection();
    let columns =
        ["ip", "port", "nextattempt", "numfailures", "type"].map(|column| format!("quote({column})"));
    let sql = format!("SELECT {} FROM peers ORDER BY ip, port", columns.join(" || ' ' || "));
    let mut statement = connection.prepare(&sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_row_that_is_no_valid_peer_is_passed_over_counted_and_left_alone() {
    for row in BAD_ROWS.iter().chain(&UNCHECKED_ROWS) {
        let database = database_with(&[row]);
        let before = raw_rows(&database);
        let manager = PeerManager::new_with_db(database.path()).unwrap();
        assert_eq!(manager.get_stats().unwrap().skipped_rows, 1, "{row}");
        let good = record(address("good.example.org:1"), 5, 6, Preferred);
        assert_eq!(common::peers(&manager).into_values().collect::<Vec<_>>(), [good], "{row}");
        manager.update_type(&address("good.example.org:1"), Preferred, true).unwrap();
        drop(manager);
        assert_eq!(raw_rows(&database), before, "{row}");
    }
}

#[test]
fn rows_that_are_no_valid_peers_are_counted_together() {
    let database = database_with(&BAD_ROWS);
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(manager.get_stats().unwrap().skipped_rows, BAD_ROWS.len() as u64);
    assert_eq!(manager.peer_count(), 1);
    assert_eq!(raw_rows(&database).len(), BAD_ROWS.len() + 1);
}

#[test]
fn a_value_that_the_column_converts_is_a_valid_one() {
    let database = database_with(&["('1.2.3.4', '11625', '77', 3.0, '1')"]);
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    let expected = record(address("1.2.3.4:11625"), 77, 3, Outbound);
    assert_eq!(manager.load(&address("1.2.3.4:11625")).unwrap(), Some(expected));
}

#[test]
fn storing_a_peer_repairs_its_row() {
    let database = database_with(&["('example.org', 7, 0, 0, 3)"]);
    let repaired = record(address("example.org:7"), 1, 2, Outbound);
    PeerManager::new_with_db(database.path()).unwrap().store(&repaired).unwrap();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(manager.get_stats().unwrap().skipped_rows, 0);
    assert_eq!(manager.load(&repaired.address).unwrap(), Some(repaired));
}

#[test]
fn a_new_peer_takes_the_place_of_a_row_that_was_no_valid_peer() {
    let database = database_with(&["('example.org', 7, 0, 0, 3)"]);
    let new_peer = address("example.org:7");
    assert!(PeerManager::new_with_db(database.path()).unwrap().ensure_exists(&new_peer).unwrap());
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(manager.load(&new_peer).unwrap().unwrap().peer_type, Inbound);
}

#[test]
fn threads_that_open_a_new_file_at_once_get_it_one_after_the_other() {
    const THREADS: u32 = 4;
    for _ in 0..20 {
        let database = TempDb::new();
        let barrier = Barrier::new(THREADS as usize);
        thread::scope(|scope| {
            for n in 0..THREADS {
                let (database, barrier) = (&database, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    PeerManager::new_with_db(database.path()).unwrap().ensure_exists(&ipv4(n)).unwrap();
                });
            }
        });
        assert_eq!(PeerManager::new_with_db(database.path()).unwrap().peer_count(), THREADS as usize);
    }
}

#[test]
fn load_all_from_db_gives_every_valid_peer_of_any_connection() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection.execute("INSERT INTO peers VALUES (?, ?, ?, ?, ?)", params!["::1", 5, -3, 9, 1]).unwrap();
    connection.execute("INSERT INTO peers VALUES (?, ?, ?, ?, ?)", params!["?", 5, -3, 9, 1]).unwrap();
    let mut loaded = Vec::new();
    assert_eq!(load_all_from_db(&connection, |record| loaded.push(record.clone())).unwrap(), 1);
    assert_eq!(loaded, [record(address("[::1]:5"), -3, 9, Outbound)]);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_keeps_its_bytes() {
    for text in ["peers\n".to_owned(), "These are the peers of my node.\n".repeat(1_000)] {
        let database = TempDb::new();
        fs::write(database.path(), &text).unwrap();
        let error = refused(database.path());
        assert!(matches!(error, Error::Corrupt(_)), "{error}");
        assert!(error.to_string().contains("peers.db"), "{error}");
        assert!(error.to_string().contains("not a database"), "{error}");
        assert_eq!(fs::read(database.path()).unwrap(), text.as_bytes());
        assert_eq!(fs::read_dir(database.directory()).unwrap().count(), 1, "nothing is left beside it");
    }
}

#[test]
fn a_table_peers_of_another_shape_is_refused_and_stays_as_it_is() {
    for sql in [
        "CREATE TABLE peers (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE peers (ip, port, nextattempt INTEGER, numfailures, type)",
        "CREATE TABLE peers (ip TEXT, port INT, nextattempt TEXT, numfailures INT, type INT, PRIMARY KEY (ip, port))",
        "CREATE TABLE peers (ip TEXT, port INT, nextattempt, numfailures INT, type INT, PRIMARY KEY (ip, port))",
        "CREATE TABLE peers (ip INT, port INT, nextattempt INT, numfailures INT, type INT, PRIMARY KEY (ip, port))",
        "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER, numfailures INT, type INT, PRIMARY KEY (ip))",
        "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER, numfailures INT, type INT, PRIMARY KEY (ip, port, type))",
        "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER, numfailures INT, PRIMARY KEY (ip, port))",
        "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER, numfailures INT, type INT, extra NOT NULL, PRIMARY KEY (ip, port))",
        "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER, failures INT, type INT, PRIMARY KEY (ip, port))",
        "CREATE VIEW peers AS SELECT 'a' AS ip, 1 AS port, 0 AS nextattempt, 0 AS numfailures, 0 AS type",
    ] {
        let database = TempDb::new();
        database.connection().execute_batch(sql).unwrap();
        let before = fs::read(database.path()).unwrap();
        let error = refused(database.path());
        assert!(matches!(error, Error::Corrupt(_)), "{sql}: {error}");
        assert!(error.to_string().contains("peers.db"), "{error}");
        assert_eq!(fs::read(database.path()).unwrap(), before, "{sql}");
    }
}

#[test]
fn a_path_that_is_no_files_is_an_invalid_argument() {
    for path in ["", ":memory:"] {
        let error = refused(path);
        assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
        assert!(error.to_string().contains(&format!("{path:?}")), "{error}");
    }
}

#[test]
fn a_path_that_begins_like_a_uri_is_a_path() {
    let database = TempDb::new();
    let error = refused(format!("file:{}?mode=memory", database.path().display()));
    assert!(matches!(error, Error::Database(_)), "{error}");
}

#[test]
fn a_directory_and_a_file_in_a_missing_directory_cannot_be_opened() {
    let database = TempDb::new();
    for (path, advice) in [
        (database.directory().to_owned(), "it is not a file; give the path of one"),
        (
            database.directory().join("missing").join("peers.db"),
            "check that the directory exists and may be written",
        ),
    ] {
        let error = refused(&path);
        assert!(matches!(error, Error::Database(_)), "{error}");
        assert_eq!(error.sqlite_code(), rusqlite::ffi::SQLITE_CANTOPEN);
        let message = error.to_string();
        assert!(message.starts_with("cannot open \"") && message.contains(advice), "{message}");
    }
}

#[test]
fn a_file_that_may_only_be_read_is_refused() {
    let database = TempDb::new();
    drop(PeerManager::new_with_db(database.path()).unwrap());
    let mut permissions = fs::metadata(database.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(database.path(), permissions).unwrap();
    if fs::OpenOptions::new().write(true).open(database.path()).is_ok() {
        skip("this user may write to every file");
        return;
    }
    let error = refused(database.path());
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert!(error.to_string().contains("writable"), "{error}");
}

#[test]
fn a_file_that_another_connection_has_locked_is_busy() {
    let database = TempDb::new();
    let connection = database.connection();
    connection.execute_batch(&format!("{SCHEMA}; BEGIN EXCLUSIVE")).unwrap();
    let error = refused(database.path());
    assert!(matches!(error, Error::Busy(_)), "{error}");
    assert!(error.to_string().contains("another connection keeps it locked"), "{error}");
    connection.execute_batch("COMMIT").unwrap();
    PeerManager::open(options_at(database.path())).unwrap();
}

#[test]
fn a_database_that_another_manager_has_open_is_busy_until_that_one_is_gone() {
    let database = TempDb::new();
    let first = PeerManager::open(options_at(database.path())).unwrap();
    first.ensure_exists(&ipv4(1)).unwrap();
    let error = refused(database.path());
    assert!(matches!(error, Error::Busy(_)), "{error}");
    assert!(error.to_string().contains("another peer manager has it open"), "{error}");
    // The one that was refused has not loosened the lock of the first.
    assert!(matches!(refused(database.path()), Error::Busy(_)));
    first.ensure_exists(&ipv4(2)).unwrap();
    drop(first);
    assert_eq!(PeerManager::open(options_at(database.path())).unwrap().peer_count(), 2);
}

#[cfg(unix)]
#[test]
fn two_names_of_one_file_are_one_file() {
    let database = TempDb::new();
    let link = database.directory().join("link.db");
    std::os::unix::fs::symlink("peers.db", &link).unwrap();
    // There is no file yet that the link leads to.
    let first = PeerManager::open(options_at(link.clone())).unwrap();
    for path in [database.path(), link, database.directory().join(".").join("peers.db")] {
        assert!(matches!(refused(&path), Error::Busy(_)), "{}", path.display());
    }
    drop(first);
    let left: Vec<_> =
        fs::read_dir(database.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the file and the link are left, and no lock: {left:?}");
}

#[test]
fn a_percentage_above_100_is_an_invalid_argument() {
    for (percent, is_accepted) in [(0, true), (1, true), (100, true), (101, false), (u32::MAX, false)] {
        let options = Options { share_cache_seconds: 1, share_max_percent: percent, ..Options::default() };
        match PeerManager::open(options) {
            Ok(_) => assert!(is_accepted, "{percent}"),
            Err(error) => {
                assert!(!is_accepted && matches!(error, Error::InvalidArgument(_)), "{error}");
                assert!(error.to_string().contains(&percent.to_string()));
            }
        }
    }
}

#[test]
fn a_reopened_table_answers_queries_like_the_one_that_was_closed() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let records: Vec<_> =
        (0..100).map(|n| record(mixed(n), START + i64::from(n) - 50, n % 20 * 10, Outbound)).collect();
    clock.on_file(&database.path(), 1).store_many(&records).unwrap();
    let manager = clock.on_file(&database.path(), 1);
    let mut dialled = manager.load_random_peers(&PeerQuery::default(), 200).unwrap();
    dialled.sort();
    let eligible = records.iter().filter(|r| r.is_ready(START) && r.num_failures <= 120);
    let mut expected: Vec<_> = eligible.map(|r| r.address.clone()).collect();
    expected.sort();
    assert_eq!(dialled, expected);
}

#[test]
fn a_row_whose_key_is_spelt_otherwise_gives_way_to_the_peer() {
    let database = TempDb::new();
    let nocase = SCHEMA.replace("VARCHAR(15)", "TEXT COLLATE NOCASE");
    database
        .connection()
        .execute_batch(&format!("{nocase}; INSERT INTO peers VALUES ('Example.org', 80, 0, 0, 0)"))
        .unwrap();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!((manager.peer_count(), manager.get_stats().unwrap().skipped_rows), (0, 1));
    assert!(manager.ensure_exists(&address("example.org:80")).unwrap());
    drop(manager);
    assert!(
        PeerManager::new_with_db(database.path())
            .unwrap()
            .load(&address("example.org:80"))
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_column_for_hosts_that_would_turn_them_into_numbers_is_refused() {
    let database = TempDb::new();
    database.connection().execute_batch(&SCHEMA.replace("VARCHAR(15)", "POINTCHAR")).unwrap();
    assert!(matches!(refused(database.path()), Error::Corrupt(_)));
}

#[test]
fn a_message_is_one_line_whatever_stands_in_the_file() {
    let database = TempDb::new();
    database.connection().execute_batch("CREATE TABLE peers (\"a\nb\x1b[31m\" INT)").unwrap();
    let message = refused(database.path()).to_string();
    assert!(message.contains("a b [31m") && !message.contains(char::is_control), "{message}");
}

#[test]
fn an_empty_table_can_be_opened_again() {
    let database = TempDb::new();
    for _ in 0..3 {
        assert_eq!(PeerManager::new_with_db(database.path()).unwrap().peer_count(), 0);
    }
}
