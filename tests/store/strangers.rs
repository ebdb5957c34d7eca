//! Files that somebody else has made, with SQL, constraints or an index that are not what they seem: what is acknowledged
//! is on file, and nothing runs that is not ours.

use std::fs;
use std::sync::mpsc;
use std::time::Duration;

use crate::common::damage::{self, Place};
use crate::common::{self, TempDb, address, ipv4, peers};
use peer_manager::{BackOffUpdate, Durability, Error, OnCorrupt, Options, PeerAddress, PeerManager, SCHEMA};
use rusqlite::{Connection, ToSql};

const DURABILITIES: [Durability; 3] = [Durability::Commit, Durability::Sync, Durability::Deferred];

/// Longer than anything takes here that ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// `SQLITE_CONSTRAINT_CHECK`
const CHECK: i32 = 275;

fn open(database: &TempDb, durability: Durability) -> peer_manager::Result<PeerManager> {
    let options = Options {
        db_path: Some(database.path()),
        durability,
        flush_interval: Duration::from_millis(1),
        ..Options::default()
    };
    PeerManager::open(options)
}

/// A database that this SQL makes.
fn made_by(sql: &str) -> TempDb {
    let database = TempDb::new();
    database.connection().execute_batch(sql).unwrap();
    database
}

/// Some calls of every kind, each of which must be done.
fn use_it(manager: &PeerManager) {
    manager.ensure_exists_many(&(0..50).map(ipv4).collect::<Vec<_>>()).unwrap();
    manager.ensure_exists(&address("1.2.3.4:80")).unwrap();
    manager.update_backoff(&ipv4(1), BackOffUpdate::Increase).unwrap();
    manager.remove(&ipv4(2)).unwrap();
    manager.update_backoff(&ipv4(3), BackOffUpdate::HardReset).unwrap();
    manager.remove_peers_with_many_failures(1).unwrap();
    manager.flush().unwrap();
    assert_eq!(manager.peer_count(), 49);
}

#[test]
fn no_trigger_runs() {
    let endless = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n";
    for body in [
        "SELECT RAISE(IGNORE)",
        "SELECT RAISE(ABORT, 'no')",
        "SELECT RAISE(ROLLBACK, 'no')",
        "DELETE FROM peers",
        "UPDATE peers SET numfailures = 7",
        endless,
    ] {
        for durability in DURABILITIES {
            let triggers = ["BEFORE INSERT", "AFTER INSERT", "BEFORE UPDATE", "BEFORE DELETE"].map(|when| {
                let name = when.replace(' ', "_");
                format!("CREATE TRIGGER {name} {when} ON peers BEGIN {body}; END;")
            });
            let database = made_by(&format!("{SCHEMA}; {}", triggers.concat()));
            let (done, is_done) = mpsc::channel();
            let path = database.path();
            std::thread::spawn(move || {
                let options = Options { db_path: Some(path), durability, ..Options::default() };
                let manager = PeerManager::open(options).unwrap();
                use_it(&manager);
                let expected = peers(&manager);
                drop(manager);
                done.send(expected).unwrap();
            });
            let expected = is_done.recv_timeout(PATIENCE).expect(body);
            assert_eq!(peers(&open(&database, durability).unwrap()), expected, "{body}");
            let triggers = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'";
            let kept: i64 = database.connection().query_row(triggers, [], |row| row.get(0)).unwrap();
            assert_eq!(kept, 4, "they are left where they are");
        }
    }
}

#[test]
fn foreign_keys_delete_and_refuse_nothing() {
    let sql = format!(
        "CREATE TABLE known (ip TEXT PRIMARY KEY); {};
         CREATE TABLE notes (ip TEXT, port INT, FOREIGN KEY (ip, port) REFERENCES peers ON DELETE RESTRICT);
         INSERT INTO peers VALUES ('52.0.0.2', 11625, 0, 0, 0); INSERT INTO notes VALUES ('52.0.0.2', 11625)",
        SCHEMA.replace("ip VARCHAR(15) NOT NULL", "ip VARCHAR(15) NOT NULL REFERENCES known (ip)")
    );
    for durability in DURABILITIES {
        let database = made_by(&format!("PRAGMA foreign_keys = OFF; {sql}"));
        use_it(&open(&database, durability).unwrap());
    }
}

#[test]
fn a_change_that_takes_for_ever_is_given_up() {
    // A CHECK can be no query, but an expression that takes long for each row.
    let slow = "length(replace(hex(zeroblob(4000000)), '00', '1')) > 0";
    let many = vec![slow; 200].join(" AND ");
    let database = made_by(&format!("{}, CHECK ({many}))", SCHEMA.trim_end().trim_end_matches(')')));
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let outcome = open(&database, Durability::Commit).and_then(|manager| manager.ensure_exists(&ipv4(1)));
        done.send(outcome.map_err(|error| error.to_string())).unwrap();
    });
    // Whether it is done or refused, it ends.
    let outcome = is_done.recv_timeout(PATIENCE).expect("it takes for ever");
    println!("{outcome:?}");
}

#[test]
fn what_the_files_own_constraints_refuse_is_left_out_and_told_once() {
    let sql = SCHEMA.replace("port <= 65535", "port <= 65535 AND port > 1024");
    let database = made_by(&sql);
    let manager = open(&database, Durability::Deferred).unwrap();
    let refused = [address("1.2.3.4:80"), address("1.2.3.5:443")];
    for address in &refused {
        assert!(manager.ensure_exists(address).unwrap());
    }
    let others: Vec<_> = (0..500).map(ipv4).collect();
    manager.ensure_exists_many(&others).unwrap();
    let error = loop {
        if let Err(error) = manager.flush() {
            break error;
        }
    };
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_eq!(error.sqlite_code(), CHECK, "{error}");
    let message = error.to_string();
    assert!(
        message.contains("cannot write 1.2.3.") && message.contains("CHECK constraint failed"),
        "{message}"
    );
    manager.flush().unwrap();
    let stats = manager.get_stats().unwrap();
    assert_eq!((stats.rejected_rows, stats.pending_writes, stats.peers), (2, 0, 502));
    assert_eq!(common::rows(&database.connection()).len(), 500, "the others are on file");
    // They can be removed, and be refused again.
    manager.remove(&refused[0]).unwrap();
    manager.update_backoff(&refused[1], BackOffUpdate::Increase).unwrap();
    assert_eq!(manager.flush().unwrap_err().sqlite_code(), CHECK);
    assert_eq!(manager.get_stats().unwrap().rejected_rows, 3);
    drop(manager);
    assert_eq!(open(&database, Durability::Deferred).unwrap().peer_count(), 500);
}

#[test]
fn what_the_files_own_constraints_refuse_is_an_error_and_changes_nothing() {
    for durability in [Durability::Commit, Durability::Sync] {
        for conflict in ["", " ON CONFLICT IGNORE", " ON CONFLICT REPLACE", " ON CONFLICT ROLLBACK"] {
            let database =
                made_by(&format!("{}, UNIQUE (ip){conflict})", SCHEMA.trim_end().trim_end_matches(')')));
            let manager = open(&database, durability).unwrap();
            manager.ensure_exists(&address("1.2.3.4:2000")).unwrap();
            let error = manager.ensure_exists(&address("1.2.3.4:3000")).unwrap_err();
            assert!(matches!(error, Error::Database(_)) && error.sqlite_code() & 0xff == 19, "{error}");
            let message = error.to_string();
            assert!(message.contains("cannot write 1.2.3.4:3000"), "{message}");
            assert!(message.contains("a constraint of the file's own refuses it"), "{message}");
            // Many are written by one statement, unless one of them is refused.
            for others in [2, 90] {
                let mut batch: Vec<_> = (0..others).map(ipv4).collect();
                batch.insert(1, address("1.2.3.4:3000"));
                let error = manager.ensure_exists_many(&batch).unwrap_err();
                assert!(error.to_string().contains("cannot write 1.2.3.4:3000"), "{error}");
            }
            assert_eq!(manager.peer_count(), 1);
            drop(manager);
            assert_eq!(open(&database, durability).unwrap().peer_count(), 1, "{conflict}");
        }
    }
}

#[test]
fn a_row_that_another_program_has_written_meanwhile_stays_and_one_that_is_no_peer_is_overwritten() {
    for durability in [Durability::Commit, Durability::Sync] {
        let database = made_by(SCHEMA);
        let manager = open(&database, durability).unwrap();
        // In another order than that of their texts, and one of them twice.
        let mut batch: Vec<_> = (0..95).map(|n| ipv4(n * 37 % 95)).collect();
        batch.push(ipv4(50));
        let connection = database.connection();
        let insert = |peer: &PeerAddress, next_attempt: &dyn ToSql| {
            let sql = "INSERT INTO peers VALUES (?1, ?2, ?3, 4, 2)";
            connection.execute(sql, (peer.host().to_string(), peer.port(), next_attempt)).unwrap();
        };
        insert(&batch[7], &77);
        insert(&batch[60], &"soon");
        assert_eq!(manager.ensure_exists_many(&batch).unwrap(), 95);
        manager.flush().unwrap();
        let rows = common::rows(&connection);
        assert_eq!(rows.len(), 95);
        for ((host, _), (next_attempt, num_failures, _)) in rows {
            let is_theirs = host == batch[7].host().to_string();
            assert_eq!((next_attempt == 77, num_failures == 4), (is_theirs, is_theirs), "{host}");
        }
    }
}

/// A table of sixty peers whose index is that of an earlier moment, with as many rows: what a lost write leaves.
fn with_stale_index(pages: bool) -> Place {
    let place = Place::new(&damage::Image::default());
    let connection = place.connection();
    connection.execute_batch(SCHEMA).unwrap();
    let insert = |connection: &Connection, n: u32| {
        let sql = "INSERT INTO peers VALUES (?1, 11625, 0, 0, 0)";
        connection.execute(sql, [format!("52.0.0.{n}")]).unwrap();
    };
    (0..60).for_each(|n| insert(&connection, n));
    let root = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_peers_1'";
    let root: u32 = connection.query_row(root, [], |row| row.get(0)).unwrap();
    let root = root as usize;
    drop(connection);
    let before = fs::read(place.path()).unwrap();
    let connection = place.connection();
    connection.execute("DELETE FROM peers WHERE ip = '52.0.0.59'", []).unwrap();
    insert(&connection, 61);
    drop(connection);
    let mut after = fs::read(place.path()).unwrap();
    if pages {
        let page = 4096 * (root - 1)..4096 * root;
        after[page.clone()].copy_from_slice(&before[page]);
    }
    fs::write(place.path(), after).unwrap();
    place
}

#[test]
fn an_index_of_another_moment_is_damage_even_if_it_has_as_many_rows() {
    assert_eq!(with_stale_index(false).open(OnCorrupt::Fail).unwrap().peer_count(), 60);
    let place = with_stale_index(true);
    let before = place.files();
    let error = place.open(OnCorrupt::Fail).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("its index has other rows than the table"), "{error}");
    damage::assert_same("left alone", &place.files(), &before);
    let importing = PeerManager::new_in_memory().unwrap();
    assert!(matches!(importing.import(place.path()).unwrap_err(), Error::Corrupt(_)));
    assert_eq!(importing.peer_count(), 0);
    // The table is what counts.
    let manager = place.open(OnCorrupt::Quarantine).unwrap();
    assert!(manager.load(&ipv4(61)).unwrap().is_some() && manager.load(&ipv4(59)).unwrap().is_none());
    assert_eq!(manager.peer_count(), 60);
}

#[test]
fn a_removal_that_the_index_hides_is_no_success() {
    for durability in DURABILITIES {
        let place = with_stale_index(false);
        let mut options = damage::options(&place.path(), OnCorrupt::Fail);
        options.durability = durability;
        options.flush_interval = Duration::from_secs(3600);
        let manager = PeerManager::open(options).unwrap();
        // Another program damages the index while the node runs.
        let connection = place.connection();
        connection
            .execute_batch(
                "PRAGMA writable_schema = ON; CREATE TABLE spare (ip, port, UNIQUE (ip, port));
                 UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = \
                 'sqlite_autoindex_spare_1') WHERE name = 'sqlite_autoindex_peers_1';
                 DELETE FROM sqlite_master WHERE tbl_name = 'spare'",
            )
            .unwrap();
        let version: i64 = connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).unwrap();
        connection.execute_batch(&format!("PRAGMA schema_version = {}", version + 1)).unwrap();
        drop(connection);
        let removed = manager.remove(&ipv4(7));
        let flushed = manager.flush();
        let error =
            if durability == Durability::Deferred { flushed.unwrap_err() } else { removed.unwrap_err() };
        assert!(matches!(error, Error::Corrupt(_)), "{durability:?}: {error}");
        assert!(error.to_string().contains("its index does not have 52.0.0.7:11625"), "{error}");
    }
}

#[test]
fn a_row_that_another_program_has_deleted_can_be_removed() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = open(&database, durability).unwrap();
        manager.ensure_exists_many(&[ipv4(1), ipv4(2)]).unwrap();
        manager.flush().unwrap();
        database.connection().execute_batch("DELETE FROM peers").unwrap();
        manager.remove(&ipv4(1)).unwrap();
        manager.update_backoff(&ipv4(2), BackOffUpdate::Increase).unwrap();
        manager.flush().unwrap();
        assert_eq!(common::rows(&database.connection()).len(), 1);
    }
}

#[test]
fn a_function_that_takes_the_square_of_its_time_is_given_no_long_value() {
    let check = "instr(hex(zeroblob(7900000)), hex(zeroblob(3900000)) || ip) = 0";
    let database = made_by(&format!("{}, CHECK ({check}))", SCHEMA.trim_end().trim_end_matches(')')));
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let manager = open(&database, Durability::Commit).unwrap();
        done.send(manager.ensure_exists(&ipv4(1)).map_err(|error| error.to_string())).unwrap();
    });
    assert!(is_done.recv_timeout(PATIENCE).expect("it takes for ever").is_err());
}

#[test]
fn what_an_expression_of_the_file_cannot_compute_is_left_out_like_what_a_constraint_refuses() {
    let check = "abs(CASE WHEN port = 666 THEN -9223372036854775807 - 1 ELSE 1 END) > 0";
    let database = made_by(&format!("{}, CHECK ({check}))", SCHEMA.trim_end().trim_end_matches(')')));
    let manager = open(&database, Durability::Deferred).unwrap();
    manager.ensure_exists_many(&(0..100).map(ipv4).collect::<Vec<_>>()).unwrap();
    manager.ensure_exists(&address("1.2.3.4:666")).unwrap();
    let error = loop {
        if let Err(error) = manager.flush() {
            break error;
        }
    };
    assert!(error.to_string().contains("cannot write 1.2.3.4:666"), "{error}");
    let stats = manager.get_stats().unwrap();
    assert_eq!((stats.rejected_rows, stats.pending_writes), (1, 0));
    assert_eq!(common::rows(&database.connection()).len(), 100);
    // A table that is gone is no row's fault.
    database.connection().execute_batch("DROP TABLE peers").unwrap();
    manager.ensure_exists(&ipv4(200)).unwrap();
    assert!(manager.flush().is_err());
    let stats = manager.get_stats().unwrap();
    assert_eq!((stats.rejected_rows, stats.pending_writes), (1, 1));
}

#[test]
fn a_row_in_another_spelling_is_replaced_and_no_other_one_is() {
    let sql = SCHEMA.replace("ip VARCHAR(15) NOT NULL", "ip VARCHAR(15) COLLATE NOCASE NOT NULL");
    let sql = format!("{}, UNIQUE (nextattempt))", sql.trim_end().trim_end_matches(')'));
    let database = made_by(&format!(
        "{sql}; INSERT INTO peers VALUES ('EXAMPLE.org', 5, 1, 0, 0), ('1.1.1.1', 1, 77, 0, 2)"
    ));
    let manager = open(&database, Durability::Commit).unwrap();
    let record = |next_attempt| {
        common::record(address("example.org:5"), next_attempt, 0, peer_manager::StoredPeerType::Inbound)
    };
    let error = manager.store(&record(77)).unwrap_err();
    assert!(error.to_string().contains("a constraint of the file's own refuses it"), "{error}");
    let rows = || -> i64 {
        database.connection().query_row("SELECT count(*) FROM peers", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(rows(), 2, "nothing was deleted");
    manager.store(&record(78)).unwrap();
    assert_eq!(rows(), 2);
    drop(manager);
    assert_eq!(open(&database, Durability::Commit).unwrap().peer_count(), 2);
}

#[test]
fn peers_that_an_index_of_the_operators_does_not_know_are_purged_all_the_same() {
    let database = made_by(&format!("{SCHEMA}; CREATE INDEX often ON peers (numfailures)"));
    let connection = database.connection();
    let row = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name = 'often'";
    let often: (String, String, String, i64, String) = connection
        .query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap();
    connection
        .execute_batch("PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'often'")
        .unwrap();
    drop(connection);
    database.connection().execute_batch("INSERT INTO peers VALUES ('1.1.1.1', 1, 0, 20, 0)").unwrap();
    let connection = database.connection();
    connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
    let (kind, name, table, root, sql) = often;
    let insert = "INSERT INTO sqlite_master VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.execute(insert, (kind, name, table, root, sql)).unwrap();
    drop(connection);
    let manager = open(&database, Durability::Commit).unwrap();
    // Either they are gone, or it is said that the file is damaged.
    if manager.remove_peers_with_many_failures(10).is_ok() {
        drop(manager);
        assert_eq!(open(&database, Durability::Commit).unwrap().peer_count(), 0);
    }
}
