//! stellar-core's own file row by row: which rows are peers, which are left alone, and what is made of older tables and
//! damaged files.

use std::collections::BTreeMap;
use std::fs;

use crate::common::damage::{Image, Place};
use crate::common::stellar_core::{
    CLOCKS, EARLIEST, StellarCore, TABLE, options, raw_rows, table_of, with_ipv4,
};
use crate::common::{self, START, TempDb, TestClock, address, ipv4, ipv6, record};
use peer_manager::StoredPeerType::{Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, Durability, Error, OnCorrupt, PeerAddress, PeerManager, PeerRecord, StoredPeerType,
    load_all_from_db,
};
use rusqlite::Connection;

type Peers = BTreeMap<PeerAddress, PeerRecord>;

/// What stands for `nextattempt`, as SQL, and what it means.
const TIMES: [(&str, Option<i64>); 34] = [
    ("'2023-11-14 22:13:20'", Some(START)),
    ("'2023-11-14'", Some(START - 80_000)),
    ("'2023-11-14T22:13:20Z'", Some(START)),
    ("'2023-11-14 22:13:20.987'", Some(START)),
    ("'2286-11-20 17:46:39'", Some(9_999_999_999)),
    ("'999-12-31 23:59:59'", Some(EARLIEST - 1)),
    ("1700000000", Some(START)),
    ("'1700000000'", Some(START)),
    ("-5", Some(-5)),
    ("'tomorrow'", None),
    ("'now'", None),
    ("''", None),
    ("1700000000.5", None),
    ("X'323032332D31312D31342032323A31333A3230'", None),
    ("'2023-11-14 22:13'", None),
    // What stellar-core writes of fields that are out of range, it reads with the carry of mktime.
    ("'1900-01-00 00:00:00'", Some(-2_209_075_200)),
    ("'2023-02-29 00:00:00'", Some(1_677_628_800)),
    ("'2022-13-01 00:00:00'", Some(1_672_531_200)),
    ("'2023-00-32 00:00:00'", Some(1_672_531_200)),
    ("'2023-11-13 24:00:00'", Some(START - 80_000)),
    ("'2023-11-14 22:12:80'", Some(START)),
    ("'2023-11-14 22:14:-9'", Some(START + 31)),
    ("'2023-02-29'", None),
    ("'2023-11-14T24:00:00'", None),
    ("'2023-11-14 22:12:80Z'", None),
    ("'2023-11-14 22:12:080'", None),
    ("'2023-11-14 22:14:-40'", None),
    ("'2023-11-14 22:13:20 and more'", None),
    ("'2023-11-14 22:13:20' || char(0)", None),
    ("'2023-11-14 22:13:20+01:00'", None),
    ("'10000-01-01 00:00:0'", None),
    ("'-1-01-01 00:00:00'", None),
    ("' 2023-11-14 22:13:20'", None),
    ("'22:13:20'", None),
];

fn insert_time(connection: &Connection, n: usize, time: &str) {
    connection
        .execute_batch(&format!("INSERT INTO peers VALUES ('52.0.0.{n}', 11625, {time}, 1, 1)"))
        .unwrap();
}

#[test]
fn times_are_read_where_their_meaning_is_certain_and_other_rows_are_left_alone() {
    let database = TempDb::new();
    let core = StellarCore::new_db(&database.path());
    for (n, (time, _)) in TIMES.iter().enumerate() {
        insert_time(&core.0, n, time);
    }
    let before = raw_rows(&core.0);
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    for (n, &(time, expected)) in (0..).zip(&TIMES) {
        let found = manager.load(&ipv4(n)).unwrap();
        assert_eq!(found, expected.map(|seconds| record(ipv4(n), seconds, 1, Outbound)), "{time}");
    }
    let unread = TIMES.iter().filter(|(_, expected)| expected.is_none()).count();
    assert_eq!(manager.get_stats().unwrap().skipped_rows, unread as u64);
    manager.update_type(&ipv4(0), Outbound, false).unwrap();
    drop(manager);
    assert_eq!(raw_rows(&core.0), before);
    assert_eq!(by_address_of(&core.0).len(), TIMES.len() - unread);
}

fn by_address_of(connection: &Connection) -> Peers {
    let mut peers = BTreeMap::new();
    load_all_from_db(connection, |record| drop(peers.insert(record.address.clone(), record.clone())))
        .unwrap();
    peers
}

#[test]
fn a_changed_peer_has_a_time_of_stellar_core_whatever_there_was() {
    let database = TempDb::new();
    let core = StellarCore::new_db(&database.path());
    for (n, (time, _)) in TIMES.iter().enumerate() {
        insert_time(&core.0, n, time);
    }
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    for n in (0..).take(TIMES.len()) {
        // Those whose rows are none are new peers.
        manager.ensure_exists(&ipv4(n)).unwrap();
        manager.update_type(&ipv4(n), Preferred, false).unwrap();
    }
    let mut expected = common::peers(&manager);
    for record in expected.values_mut() {
        record.next_attempt = record.next_attempt.max(EARLIEST);
    }
    assert_eq!(core.load_all(), expected);
}

#[test]
fn a_new_peer_leaves_a_row_that_stellar_core_has_written_and_takes_the_place_of_others() {
    for (row, stays) in [
        ("'2023-11-14 22:13:20', 7, 2", true),
        ("'1000-01-01 00:00:00', 0, 0", true),
        ("'9999-12-31 23:59:59', 4294967295, 1", true),
        ("'2023-02-29 00:00:00', 7, 2", false),
        ("'tomorrow', 7, 2", false),
        ("'now', 7, 2", false),
        ("2.5, 7, 2", false),
        ("X'00', 7, 2", false),
        ("'2023-11-14 22:13:20', 7, 3", false),
        ("'2023-11-14 22:13:20', 4294967296, 0", false),
        ("'2023-11-14 22:13:20', 'many', 0", false),
    ] {
        let (database, clock) = (TempDb::new(), TestClock::at(CLOCKS[1]));
        let core = StellarCore::new_db(&database.path());
        let manager = PeerManager::open(options(&database.path(), Durability::Commit, &clock)).unwrap();
        core.0.execute_batch(&format!("INSERT INTO peers VALUES ('52.0.0.1', 11625, {row})")).unwrap();
        let before = raw_rows(&core.0);
        assert!(manager.ensure_exists(&ipv4(1)).unwrap());
        assert_eq!(raw_rows(&core.0) == before, stays, "{row}");
        if !stays {
            assert_eq!(core.load_all(), common::peers(&manager), "{row}");
        }
    }
}

#[test]
fn a_row_that_is_not_ipv4_is_no_valid_peer_there_and_is_left_alone() {
    let database = TempDb::new();
    let core = StellarCore::new_db(&database.path());
    for ip in ["2001:db8::1", "example.org", "localhost", "random string", "1.2.3", "01.2.3.4"] {
        let sql = "INSERT INTO peers VALUES (?, 11625, '2023-11-14 22:13:20', 0, 1)";
        core.0.execute(sql, [ip]).unwrap();
    }
    let before = raw_rows(&core.0);
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!((manager.peer_count(), manager.get_stats().unwrap().skipped_rows), (0, 6));
    manager.ensure_exists(&address("example.org:11625")).unwrap();
    manager.update(&address("[2001:db8::1]:11625"), Outbound, false, BackOffUpdate::Reset).unwrap();
    assert_eq!(manager.peer_count(), 2);
    drop(manager);
    assert_eq!(raw_rows(&core.0), before);
}

#[test]
fn tables_that_stellar_core_had_before_are_refused_and_left_as_they_are() {
    for column in ["", "flags INT NOT NULL,", "rank INT DEFAULT 0 CHECK (rank >= 0) NOT NULL,"] {
        let place = Place::new(&Image::default());
        let table = TABLE.replace("type INT NOT NULL,", column);
        assert_ne!(table, TABLE);
        place.connection().execute_batch(&table).unwrap();
        if !column.is_empty() {
            let sql = "INSERT INTO peers VALUES ('1.2.3.4', 11625, '2018-01-01 00:00:00', 0, 1)";
            place.connection().execute_batch(sql).unwrap();
        }
        let before = place.files();
        let error = place.open(OnCorrupt::Fail).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{error}");
        let message = error.to_string();
        assert!(message.contains("nextattempt TIMESTAMP") && message.contains("type"), "{message}");
        assert_eq!(place.files(), before);
        // What would be taken for types are flags.
        let manager = place.open(OnCorrupt::Quarantine).unwrap();
        assert_eq!(manager.peer_count(), 0, "{table}");
        assert_eq!(manager.quarantine().unwrap().lost_rows, u64::from(!column.is_empty()));
    }
}

/// A file of stellar-core's with peers and one row that is none, and its peers.
fn core_place(page_size: u32) -> (Place, Peers) {
    let place = Place::new(&Image::default());
    let connection = place.connection();
    connection.pragma_update(None, "page_size", page_size).unwrap();
    connection.execute_batch("VACUUM").unwrap();
    drop(connection);
    let core = StellarCore::new_db(&place.path());
    for n in 0..100 {
        let next_attempt = START * i64::from(n % 7) - i64::from(n);
        core.store(&record(ipv4(n), next_attempt, n, StoredPeerType::ALL[n as usize % 3]), false);
    }
    core.0.execute_batch("INSERT INTO peers VALUES ('?', 1, 'never', 0, 0)").unwrap();
    let peers = by_address_of(&core.0);
    assert_eq!(peers.len(), 100);
    (place, peers)
}

#[test]
fn a_damaged_file_of_stellar_core_is_set_aside_for_a_new_one_of_the_same_layout() {
    for page_size in [512, 4096] {
        // The name of the format; the page of the schema; the first page of the index; the last page.
        let damages: [fn(&mut Vec<u8>, usize); 4] = [
            |bytes, _| bytes[..16].fill(0),
            |bytes, size| bytes[..size].fill(0x55),
            |bytes, size| bytes[2 * size..3 * size].fill(0x55),
            |bytes, size| bytes.truncate(bytes.len() - size),
        ];
        for (n, damage) in damages.iter().enumerate() {
            let what = format!("damage {n}, pages of {page_size}");
            let (place, peers) = core_place(page_size);
            let mut bytes = fs::read(place.path()).unwrap();
            damage(&mut bytes, page_size as usize);
            fs::write(place.path(), bytes).unwrap();
            assert!(matches!(place.open(OnCorrupt::Fail), Err(Error::Corrupt(_))), "{what}");
            let manager = place.open(OnCorrupt::Quarantine).unwrap();
            let saved = common::peers(&manager);
            assert!(saved.iter().all(|(address, record)| peers.get(address) == Some(record)), "{what}");
            assert!(saved.len() > if n < 2 { 99 } else { 20 }, "{what}: {} peers", saved.len());
            manager.ensure_exists(&ipv4(777)).unwrap();
            manager.ensure_exists(&ipv6(777)).unwrap();
            let expected = with_ipv4(common::peers(&manager));
            drop(manager);
            let core = StellarCore::start(&place.path());
            assert_eq!(core.load_all(), expected, "{what}");
            let words = |sql: &str| {
                sql.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(").replace(" )", ")")
            };
            assert_eq!(words(&table_of(&core.0)) + ";", words(TABLE), "{what}");
        }
    }
}

#[test]
fn load_all_from_db_reads_either_layout() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(TABLE).unwrap();
    insert_time(&connection, 1, "'2038-01-19 03:14:08'");
    insert_time(&connection, 2, "'tomorrow'");
    let mut loaded = Vec::new();
    assert_eq!(load_all_from_db(&connection, |record| loaded.push(record.clone())).unwrap(), 1);
    assert_eq!(loaded, [record(ipv4(1), 1 << 31, 1, Outbound)]);
}

#[test]
fn a_table_whose_times_are_integers_has_no_times_as_text() {
    let database = TempDb::new();
    database.connection().execute_batch(peer_manager::SCHEMA).unwrap();
    insert_time(&database.connection(), 1, "'2038-01-19 03:14:08'");
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!((manager.peer_count(), manager.get_stats().unwrap().skipped_rows), (0, 1));
}
