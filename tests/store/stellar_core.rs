//! stellar-core's own file: whichever of the two programs had it last, the other can open it next.

use std::collections::BTreeMap;

use crate::common::calls::{self, Peers};
use crate::common::stellar_core::{
    CLOCKS, DURABILITIES, EARLIEST, LATEST, StellarCore, by_address, options, raw_rows, table_of, with_ipv4,
};
use crate::common::{self, START, TempDb, TestClock, ipv4, ipv6, name, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Durability, PeerManager, PeerQuery, PeerRecord, StoredPeerType};
use rand::rngs::ChaCha12Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

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
fn no_peer_waits_beyond_the_limit_in_stellar_cores_file_either() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let core = StellarCore::new_db(&database.path());
        let manager = PeerManager::open(options(&database.path(), durability, &clock)).unwrap();
        let far = START + 20 * 365 * 86_400;
        manager
            .store_many(&[
                record(ipv4(1), far, 1, Outbound),
                record(ipv4(2), START, 2, Inbound),
                record(ipv6(3), far, 3, Inbound),
            ])
            .unwrap();
        assert_eq!(manager.limit_next_attempt(START + 60).unwrap(), 2);
        manager.flush().unwrap();
        let expected = by_address([
            record(ipv4(1), START + 60, 1, Outbound),
            record(ipv4(2), START, 2, Inbound),
            record(ipv6(3), START + 60, 3, Inbound),
        ]);
        assert_eq!(common::peers(&manager), expected, "{durability:?}");
        assert_eq!(core.load_all(), with_ipv4(expected));
        // What is in memory only is changed without the file.
        manager.store(&record(ipv6(4), far, 0, Inbound)).unwrap();
        assert_eq!(manager.limit_next_attempt(START + 60).unwrap(), 1);
    }
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
fn a_row_that_is_none_for_stellar_core_stays_when_the_peer_in_memory_with_its_key_goes() {
    for durability in DURABILITIES {
        let (database, clock) = (TempDb::new(), TestClock::at(START));
        let core = StellarCore::new_db(&database.path());
        let sql = "INSERT INTO peers VALUES (?, ?, '2023-11-14 22:13:20', 5, 1)";
        core.0.execute(sql, (ipv6(1).host().to_string(), ipv6(1).port())).unwrap();
        let before = raw_rows(&core.0);
        let mut options = options(&database.path(), durability, &clock);
        options.max_peers = 1;
        let manager = PeerManager::open(options).unwrap();
        for _ in 0..2 {
            manager.store(&record(ipv6(1), START, 1, Inbound)).unwrap();
            manager.flush().unwrap();
            manager.remove(&ipv6(1)).unwrap();
            manager.flush().unwrap();
            assert_eq!(raw_rows(&core.0), before, "removed with {durability:?}");
        }
        manager.store(&record(ipv6(1), START, 1, Inbound)).unwrap();
        manager.flush().unwrap();
        assert!(manager.ensure_exists(&ipv4(1)).unwrap(), "and the other gives way");
        manager.flush().unwrap();
        assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), [ipv4(1)]);
        assert!(raw_rows(&core.0).contains(&before[0]), "evicted with {durability:?}");
    }
}

#[test]
fn peers_in_memory_only_do_not_wait_for_another_writer() {
    let (database, clock) = (TempDb::new(), TestClock::at(START));
    let core = StellarCore::new_db(&database.path());
    for durability in DURABILITIES {
        let manager = PeerManager::open(options(&database.path(), durability, &clock)).unwrap();
        core.0.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(manager.ensure_exists_many(&[ipv6(1), name(1)]).unwrap(), 2, "{durability:?}");
        manager.store_many(&[record(ipv6(1), 5, 6, Outbound), record(name(2), 7, 8, Outbound)]).unwrap();
        manager.update_backoff(&name(1), BackOffUpdate::Increase).unwrap();
        manager.remove(&ipv6(1)).unwrap();
        assert_eq!(manager.peer_count(), 2);
        core.0.execute_batch("ROLLBACK").unwrap();
        manager.flush().unwrap();
        assert_eq!(manager.get_stats().unwrap().failed_writes, 0, "{durability:?}");
    }
}
