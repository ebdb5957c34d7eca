//! Tables that are not as the specification writes them down, but hold the same: what is opened is used, left as it is
//! but for the peers, and saved when it is damaged.

use std::collections::BTreeSet;
use std::fs;

use crate::common::damage::{self, Image, Place, random_bytes};
use crate::common::tables::{KINDS, Kind, PEERS, on_pages, pages_of, peer, peers, place};
use crate::common::{self, TestClock, ipv4, record};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{Error, OnCorrupt, PeerAddress};
use rusqlite::Connection;

/// The size of the pages.
const PAGE: usize = 4096;

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_table_of_every_kind_is_opened_changed_and_imported() {
    for kind in &KINDS {
        let place = place(kind, PAGE);
        let mut expected = peers(kind);
        let imported = TestClock::at(0).in_memory(1);
        assert_eq!(imported.import(place.path()).unwrap(), expected.len(), "{}", kind.what);
        assert_eq!(common::peers(&imported), expected, "{}", kind.what);
        let manager = place.open(OnCorrupt::Fail).unwrap_or_else(|error| panic!("{}: {error}", kind.what));
        assert_eq!(common::peers(&manager), expected, "{}", kind.what);
        for change in [record(ipv4(1), 5, 6, Inbound), record(peer(7, kind).address, 5, 6, Outbound)] {
            manager.store(&change).unwrap();
            expected.insert(change.address.clone(), change);
        }
        manager.remove(&peer(8, kind).address).unwrap();
        expected.remove(&peer(8, kind).address);
        drop(manager);
        assert_eq!(common::peers(&place.open(OnCorrupt::Fail).unwrap()), expected, "{}", kind.what);
    }
}

/// Overwrites a page of a sound file, and compares what is saved with what must be. Says whether the damage was noticed.
fn damage_page(
    kind: &Kind,
    sound: &Image,
    page: usize,
    schema: &[usize],
    on_page: &BTreeSet<PeerAddress>,
) -> bool {
    let what = format!("{}, page {page}", kind.what);
    let mut bytes = sound.database.clone().unwrap();
    bytes[(page - 1) * PAGE..page * PAGE].copy_from_slice(&random_bytes(&mut damage::rng(), PAGE));
    let place = Place::new(&bytes.into());
    let mut expected = peers(kind);
    let manager = place.open(OnCorrupt::Quarantine).unwrap();
    let mut saved = common::peers(&manager);
    let Some(quarantine) = manager.quarantine() else {
        // SQLite does not look at what texts are made of; such a row is no valid peer.
        if manager.get_stats().unwrap().skipped_rows == on_page.len() as u64 {
            expected.retain(|address, _| !on_page.contains(address));
        }
        assert!(saved == expected, "{what}: {} of {} are there", saved.len(), expected.len());
        return false;
    };
    if schema.contains(&page) && !kind.is_plain {
        // Nothing says which of its columns is which.
        saved.retain(|address, record| expected.get(address) != Some(record));
        assert!(saved.is_empty(), "{what}: {saved:?}");
        return true;
    }
    expected.retain(|address, _| !on_page.contains(address));
    let missing: Vec<_> = expected.keys().filter(|address| !saved.contains_key(address)).collect();
    assert!(missing.is_empty(), "{what}: {} are lost, such as {}", missing.len(), missing[0]);
    saved.retain(|address, record| expected.get(address) != Some(record));
    assert!(saved.is_empty(), "{what}: {saved:?}");
    // A table without an index beside it leaves no trace of what is lost.
    let lost = if kind.has_index { on_page.len() as u64 } else { 0 };
    assert_eq!(quarantine.lost_rows, lost, "{what}");
    true
}

#[test]
fn a_page_that_is_wrong_costs_the_peers_on_it_and_no_more_whatever_the_kind_of_the_table() {
    for kind in &KINDS {
        let place = place(kind, PAGE);
        let (sound, on_pages) = (place.image(), on_pages(kind, &place));
        let bytes = sound.database.as_ref().unwrap();
        let schema = pages_of(&place.connection(), bytes, "sqlite_schema");
        let count = bytes.len() / PAGE;
        let mut pages: Vec<usize> = (1..=count).collect();
        if kind.create.contains("<long>") {
            // A page for each row, and they are like each other; of some, the beginning is on another page.
            let of_table = pages_of(&place.connection(), bytes, "peers");
            pages.retain(|page| !of_table.contains(page));
            pages.extend(on_pages.keys().take(5));
        }
        let mut noticed = 0;
        for page in pages {
            let on_page = on_pages.get(&page).cloned().unwrap_or_default();
            noticed += u32::from(damage_page(kind, &sound, page, &schema, &on_page));
        }
        assert!(noticed > 3, "{}: {noticed}", kind.what);
    }
}

#[test]
fn peers_are_saved_in_the_order_of_their_rows() {
    for kind in &KINDS {
        let place = place(kind, PAGE);
        let order = "SELECT ip || ' ' || port FROM peers NOT INDEXED";
        let before = texts(&place.connection(), order);
        let mut bytes = place.image().database.unwrap();
        // A number of the header that no version of SQLite knows.
        bytes[44..48].fill(0x7f);
        let place = Place::new(&bytes.into());
        drop(place.open(OnCorrupt::Quarantine).unwrap());
        assert_eq!(texts(&place.connection(), order), before, "{}", kind.what);
        assert_eq!(before.len(), PEERS as usize);
    }
}

#[test]
fn further_columns_keep_what_they_hold_when_a_peer_changes() {
    let place = Place::new(&Image::default());
    let sql = "CREATE TABLE peers (note TEXT DEFAULT 'new', ip VARCHAR(15) NOT NULL, port INT NOT NULL, \
               nextattempt INTEGER NOT NULL, numfailures INT NOT NULL, type INT NOT NULL, \
               score REAL NOT NULL DEFAULT 0.5, PRIMARY KEY (ip, port)); \
               INSERT INTO peers VALUES ('theirs', '1.2.3.4', 5, 6, 7, 1, 2.5)";
    place.connection().execute_batch(sql).unwrap();
    let manager = place.open(OnCorrupt::Fail).unwrap();
    manager.store(&record(common::address("1.2.3.4:5"), 60, 70, Outbound)).unwrap();
    manager.ensure_exists(&common::address("9.9.9.9:9")).unwrap();
    drop(manager);
    assert_eq!(
        texts(
            &place.connection(),
            "SELECT note || ' ' || ip || ' ' || numfailures || ' ' || score FROM peers ORDER BY ip"
        ),
        ["theirs 1.2.3.4 70 2.5", "new 9.9.9.9 0 0.5"]
    );
}

#[test]
fn a_table_to_which_no_peer_can_be_added_is_refused_and_says_why() {
    let columns = "ip TEXT, port INT, nextattempt INT NOT NULL, numfailures INT NOT NULL, type INT NOT NULL";
    for (table, reason) in [
        (format!("({columns}, owner TEXT NOT NULL, PRIMARY KEY (ip, port))"), "column \"owner\" is NOT NULL and has no default"),
        (format!("({columns}, owner TEXT NOT NULL DEFAULT NULL, PRIMARY KEY (ip, port))"), "column \"owner\" is NOT NULL"),
        (format!("({columns}, owner TEXT NOT NULL, PRIMARY KEY (ip, port, owner))"), "the columns (ip TEXT, port INT"),
        (
            format!("({columns}, rowid TEXT, _rowid_ TEXT, oid TEXT, PRIMARY KEY (ip, port))"),
            "columns by all the names that SQL has for the number of a row",
        ),
        (
            format!("({columns}, PRIMARY KEY (ip COLLATE NOCASE, port)) WITHOUT ROWID"),
            "primary key has the collation \"NOCASE\" instead of BINARY",
        ),
        (
            "(ip TEXT, port INT, nextattempt INT NOT NULL, numfailures INT NOT NULL, type INT AS (port % 3) STORED, \
             PRIMARY KEY (ip, port))"
                .to_owned(),
            "the columns (ip TEXT, port INT",
        ),
    ] {
        let place = Place::new(&Image::default());
        place.connection().execute_batch(&format!("CREATE TABLE peers {table}")).unwrap();
        let before = fs::read(place.path()).unwrap();
        let error = place.open(OnCorrupt::Fail).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{error}");
        let message = error.to_string();
        assert!(message.contains(reason) && message.ends_with("give another path"), "{message}");
        assert_eq!(fs::read(place.path()).unwrap(), before);
    }
}

#[test]
fn a_table_that_can_be_used_all_the_same_is_opened() {
    let columns = "ip TEXT, port INT, nextattempt INT NOT NULL, numfailures INT NOT NULL, type INT NOT NULL";
    for table in [
        format!("({columns}, since TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (ip, port))"),
        format!("({columns}, next INT NOT NULL AS (port + 1), PRIMARY KEY (ip, port))"),
        format!("({columns}, PRIMARY KEY (ip COLLATE NOCASE, port))"),
    ] {
        let place = Place::new(&Image::default());
        place.connection().execute_batch(&format!("CREATE TABLE peers {table}")).unwrap();
        let manager = place.open(OnCorrupt::Fail).unwrap_or_else(|error| panic!("{table}: {error}"));
        manager.ensure_exists(&ipv4(1)).unwrap();
        drop(manager);
        assert_eq!(place.open(OnCorrupt::Fail).unwrap().peer_count(), 1, "{table}");
    }
}
