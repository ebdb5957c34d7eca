//! stellar-core's own file: whichever of the two programs had it last, the other can open it next.

#[path = "common/calls.rs"]
mod calls;
mod common;
#[path = "common/damage.rs"]
mod damage;
#[path = "common/stellar_core.rs"]
mod stellar_core;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use calls::Peers;
use common::{START, TempDb, TestClock, address, ipv4, ipv6, name, record};
use damage::{Image, Place, by_address};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, Durability, Error, Host, OnCorrupt, Options, PeerManager, PeerQuery, PeerRecord,
    StoredPeerType, load_all_from_db,
};
use rand::rngs::ChaCha12Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;
use stellar_core::{StellarCore, TABLE};

const DURABILITIES: [Durability; 3] = [Durability::Commit, Durability::Sync, Durability::Deferred];

/// The first and the last second of the years that a file can hold.
const EARLIEST: i64 = -30_610_224_000;
const LATEST: i64 = 253_402_300_799;

/// Past 2038, where 32 bits end, and a second before ten digits become eleven, in 2286.
const CLOCKS: [i64; 3] = [START, (1 << 31) + 5, 9_999_999_999];

fn options(path: &Path, durability: Durability, clock: &TestClock) -> Options {
    let mut options = clock.options(1);
    options.db_path = Some(path.to_owned());
    options.durability = durability;
    options.flush_interval = Duration::from_millis(1);
    options
}

/// The peers that stellar-core can know.
fn with_ipv4(peers: Peers) -> Peers {
    peers.into_iter().filter(|(address, _)| matches!(address.host(), Host::V4(_))).collect()
}

/// The rows, of whatever types.
fn raw_rows(connection: &Connection) -> Vec<String> {
    let sql = "SELECT quote(ip) || ' ' || quote(port) || ' ' || quote(nextattempt) || ' ' || quote(numfailures) || ' ' \
               || quote(type) FROM peers ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn table_of(connection: &Connection) -> String {
    let sql = "SELECT sql FROM sqlite_master WHERE name = 'peers'";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn what_stellar_core_has_written_is_read() {
    let database = TempDb::new();
    let core = StellarCore::new_db(&database.path());
    let times = [0, 1, START, i64::from(i32::MAX), CLOCKS[1], CLOCKS[2], 9_223_372_036, EARLIEST, -1, LATEST];
    let records: Vec<PeerRecord> = (0..30)
        .map(|n| {
            let failures = [0, 1, 120, u32::MAX][n as usize % 4];
            record(ipv4(n), times[n as usize % times.len()], failures, StoredPeerType::ALL[n as usize % 3])
        })
        .collect();
    for record in &records {
        core.store(record, false);
    }
    drop(core);
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(common::peers(&manager), by_address(records));
    assert_eq!(manager.get_stats().unwrap().skipped_rows, 0);
}

#[test]
fn every_change_is_one_that_stellar_core_reads_back_with_every_durability_and_clock() {
    for (durability, now) in DURABILITIES.into_iter().flat_map(|d| CLOCKS.map(|now| (d, now))) {
        let (database, clock) = (TempDb::new(), TestClock::at(now));
        let core = StellarCore::new_db(&database.path());
        (0..40).for_each(|n| core.store(&record(ipv4(n), now - 1, n % 15, Outbound), false));
        let schema = table_of(&core.0);
        let manager = PeerManager::open(options(&database.path(), durability, &clock)).unwrap();
        assert_eq!(manager.peer_count(), 40);
        manager.store_many(&calls::standing()).unwrap();
        for call in calls::CALLS {
            (call.run)(&manager).unwrap();
            manager.flush().unwrap();
            assert_eq!(
                core.load_all(),
                with_ipv4(common::peers(&manager)),
                "{call:?} with {durability:?} at {now}"
            );
            let one = manager.load(&ipv4(1_000)).unwrap();
            assert_eq!(core.load(&ipv4(1_000)), one, "{call:?}");
        }
        manager.update(&ipv4(3), Preferred, true, BackOffUpdate::Increase).unwrap();
        let expected = common::peers(&manager);
        drop(manager);
        let manager = PeerManager::open(options(&database.path(), durability, &clock)).unwrap();
        assert_eq!(common::peers(&manager), expected);
        manager.check_invariants().unwrap();
        assert_eq!(table_of(&core.0), schema);
    }
}

/// What one of the two programs does next, to the file and to the model.
fn random_record(rng: &mut ChaCha12Rng, now: i64) -> PeerRecord {
    let times = [now, 0, -1, EARLIEST, LATEST, now + rng.random_range(-100_000..100_000)];
    let failures = [0, 1, rng.random_range(0..200), u32::MAX];
    record(
        ipv4(rng.random_range(0..60)),
        *times.choose(rng).unwrap(),
        *failures.choose(rng).unwrap(),
        *StoredPeerType::ALL.choose(rng).unwrap(),
    )
}

fn turn_of_stellar_core(core: &StellarCore, model: &mut Peers, rng: &mut ChaCha12Rng, now: i64) {
    for _ in 0..rng.random_range(0..20) {
        if rng.random_ratio(1, 30) {
            let least = rng.random_range(0..300);
            core.remove_peers_with_many_failures(least);
            model.retain(|_, record| record.num_failures < least);
            continue;
        }
        let record = random_record(rng, now);
        assert_eq!(core.load(&record.address).as_ref(), model.get(&record.address));
        core.store(&record, model.contains_key(&record.address));
        model.insert(record.address.clone(), record);
    }
}

fn turn_of_ours(manager: &PeerManager, model: &mut Peers, rng: &mut ChaCha12Rng, now: i64) {
    for _ in 0..rng.random_range(0..20) {
        let record = random_record(rng, now);
        let address = record.address.clone();
        match rng.random_range(0..8) {
            0 => assert_eq!(manager.ensure_exists(&address).unwrap(), !model.contains_key(&address)),
            1 => manager.store_many(&[record, random_record(rng, now)]).unwrap(),
            2 => manager.update(&address, Preferred, true, BackOffUpdate::Increase).unwrap(),
            3 => drop(manager.remove(&address)),
            4 if rng.random_ratio(1, 5) => drop(manager.remove_peers_with_many_failures(150).unwrap()),
            5 if rng.random_ratio(1, 20) => manager.clear_all().unwrap(),
            6 => {
                // What it knows of these ends with the process.
                manager.ensure_exists_many(&[ipv6(1), address, name(1)]).unwrap();
                manager.update_type(&ipv6(rng.random_range(0..3)), Outbound, false).unwrap();
            }
            _ => manager.store(&record).unwrap(),
        }
        *model = with_ipv4(common::peers(manager));
    }
    manager.check_invariants().unwrap();
}

#[test]
fn the_two_programs_take_turns_and_each_finds_what_the_other_left() {
    let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
    for (durability, start) in DURABILITIES.into_iter().flat_map(|d| CLOCKS.map(|now| (d, now))) {
        let (database, clock) = (TempDb::fast(), TestClock::at(start));
        let mut model = BTreeMap::new();
        drop(StellarCore::new_db(&database.path()));
        for _ in 0..10 {
            clock.set(clock.now() + rng.random_range(0..10_000));
            let core = StellarCore::start(&database.path());
            assert_eq!(core.load_all(), model);
            turn_of_stellar_core(&core, &mut model, &mut rng, clock.now());
            drop(core);
            let manager = PeerManager::open(options(&database.path(), durability, &clock)).unwrap();
            assert_eq!(common::peers(&manager), model);
            assert_eq!(manager.get_stats().unwrap().skipped_rows, 0);
            turn_of_ours(&manager, &mut model, &mut rng, clock.now());
        }
    }
}

#[test]
fn stellar_core_finds_the_same_peers_due() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let core = StellarCore::new_db(&database.path());
    let manager = PeerManager::open(options(&database.path(), Durability::Commit, &clock)).unwrap();
    let times = [
        i64::MIN,
        -1 << 40,
        EARLIEST - 1,
        EARLIEST,
        -1,
        0,
        START - 1,
        START,
        START + 1,
        CLOCKS[1],
        CLOCKS[2],
        LATEST,
        LATEST + 1,
        i64::MAX,
    ];
    for (n, &time) in (0..).zip(&times) {
        manager.store(&record(ipv4(n), time, 0, Outbound)).unwrap();
    }
    let query = PeerQuery { use_next_attempt: true, ..PeerQuery::everything() };
    for now in [0, START - 1, START, START + 1, CLOCKS[1], CLOCKS[2], LATEST - 1] {
        clock.set(now);
        let mut due = manager.load_random_peers(&query, times.len()).unwrap();
        due.sort();
        assert_eq!(core.due(now), due, "{now}");
    }
}

#[test]
fn a_next_attempt_that_the_file_cannot_hold_is_the_nearest_one_after_a_restart() {
    let database = TempDb::new();
    drop(StellarCore::new_db(&database.path()));
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    let times = [(i64::MIN, EARLIEST), (EARLIEST - 1, EARLIEST), (LATEST + 1, LATEST), (i64::MAX, LATEST)];
    let records: Vec<_> =
        (0..).zip(&times).map(|(n, &(time, _))| record(ipv4(n), time, 0, Inbound)).collect();
    manager.store_many(&records).unwrap();
    assert_eq!(common::peers(&manager), by_address(records.clone()));
    drop(manager);
    let nearest =
        records.into_iter().zip(&times).map(|(r, &(_, next_attempt))| PeerRecord { next_attempt, ..r });
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(common::peers(&manager), by_address(nearest));
}

#[test]
fn a_peer_that_is_not_ipv4_stays_in_memory_because_stellar_core_could_not_read_its_row() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let core = StellarCore::new_db(&database.path());
        let manager = PeerManager::open(options(&database.path(), durability, &clock)).unwrap();
        manager.ensure_exists(&ipv6(1)).unwrap();
        manager.store(&record(name(1), START, 3, Preferred)).unwrap();
        assert_eq!(manager.ensure_exists_many(&[ipv6(2), ipv4(1), name(2)]).unwrap(), 3);
        manager.store_many(&[record(ipv4(2), 5, 6, Outbound), record(ipv6(3), 7, 8, Outbound)]).unwrap();
        manager.update_backoff(&ipv6(1), BackOffUpdate::Increase).unwrap();
        manager.update(&name(3), Outbound, false, BackOffUpdate::HardReset).unwrap();
        manager.remove(&name(2)).unwrap();
        manager.flush().unwrap();
        assert_eq!(manager.get_stats().unwrap().pending_writes, 0);
        assert_eq!(manager.peer_count(), 7);
        assert_eq!(manager.load(&ipv6(1)).unwrap().unwrap().num_failures, 1);
        assert_eq!(core.load_all().into_keys().collect::<Vec<_>>(), [ipv4(1), ipv4(2)]);
        drop(manager);
        let manager = PeerManager::open(options(&database.path(), durability, &clock)).unwrap();
        assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), [ipv4(1), ipv4(2)]);
    }
}

/// What stands for `nextattempt`, as SQL, and what it means.
const TIMES: [(&str, Option<i64>); 25] = [
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
    ("'2023-02-29 00:00:00'", None),
    ("'2023-13-01 00:00:00'", None),
    ("'2023-11-14 24:00:00'", None),
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
        // Those whose rows are none are newcomers.
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
fn a_newcomer_leaves_a_row_that_stellar_core_has_written_and_takes_the_place_of_others() {
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
fn stellar_cores_other_tables_and_its_journal_mode_stay_as_they_are() {
    let database = TempDb::new();
    let core = StellarCore::new_db(&database.path());
    core.0.execute_batch("INSERT INTO storestate VALUES ('lastclosedledger', 'abc')").unwrap();
    drop(core);
    PeerManager::new_with_db(database.path()).unwrap().ensure_exists(&ipv4(1)).unwrap();
    let core = database.connection();
    let mode: String = core.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    let state: String = core.query_row("SELECT state FROM storestate", [], |row| row.get(0)).unwrap();
    assert_eq!((&*mode, &*state), ("wal", "abc"));
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
fn a_hosts_connection_may_have_the_table_of_stellar_core() {
    let database = TempDb::new();
    let core = StellarCore::new_db(&database.path());
    core.store(&record(ipv4(1), CLOCKS[1], 4, Preferred), false);
    let manager = PeerManager::from_connection(database.connection()).unwrap();
    assert_eq!(manager.load(&ipv4(1)).unwrap(), Some(record(ipv4(1), CLOCKS[1], 4, Preferred)));
    manager.ensure_exists_many(&[ipv4(2), ipv6(2)]).unwrap();
    manager.store(&record(ipv4(3), CLOCKS[2], 5, Inbound)).unwrap();
    manager.remove(&ipv4(1)).unwrap();
    assert_eq!(core.load_all(), with_ipv4(common::peers(&manager)));
    assert_eq!(core.load_all().len(), 2);
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
