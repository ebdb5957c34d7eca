//! Damaged files that are set aside: nothing of them is lost, and what can be read of them goes on living.

use std::fs;

#[cfg(unix)]
use crate::common::aside::assert_is_stamped;
use crate::common::aside::set_aside;
use crate::common::damage::{
    self, Damage, Image, PEERS, Place, Sound, assert_same, foreign_files, pages_in_log, peer, random_bytes,
    sign_log, with_log,
};
use crate::common::{self, START, ipv4, record};
#[cfg(unix)]
use peer_manager::PeerManager;
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{Error, OnCorrupt, PeerRecord, SCHEMA};

/// Sets a damaged file aside, if it is one that is refused, and compares what is saved with what must be.
fn save(damage: &Damage) -> bool {
    let place = Place::new(&damage.image);
    let Err(refused) = place.open(OnCorrupt::Fail) else { return false };
    assert!(matches!(refused, Error::Corrupt(_)), "{}: {refused}", damage.what);
    let what = &damage.what;
    let (saved, quarantine) = set_aside(what, &place);
    for (address, expected) in &damage.at_least {
        assert_eq!(saved.get(address), Some(expected), "{what}: {address} is lost");
    }
    for (address, record) in &saved {
        assert_eq!(damage.at_most.get(address), Some(record), "{what}: where does {address} come from?");
    }
    if let Some(lost) = damage.lost {
        assert_eq!(quarantine.lost_rows, lost, "{what}");
    }
    true
}

fn save_all(damages: &[Damage]) {
    let saved = damages.iter().filter(|damage| save(damage)).count();
    assert!(saved * 2 > damages.len(), "{saved} of {}", damages.len());
}

#[test]
fn a_file_that_never_was_a_database_gives_no_peers() {
    // One of ten lengths is enough here.
    let files: Vec<Damage> = foreign_files().into_iter().step_by(10).collect();
    save_all(&files);
}

#[test]
fn a_file_that_was_cut_off_gives_the_peers_on_what_is_left() {
    save_all(&Sound::new(512, PEERS).truncations());
}

#[test]
fn a_header_that_is_wrong_costs_no_peer() {
    let damages = Sound::new(512, PEERS).bad_headers();
    let saved = damages.iter().filter(|damage| save(damage)).count();
    assert!(saved > 20, "{saved}");
}

#[test]
fn a_page_that_is_wrong_costs_the_peers_on_it_and_no_more() {
    save_all(&Sound::new(512, PEERS).bad_pages());
}

#[test]
fn a_page_of_any_size_that_is_wrong_costs_the_peers_on_it_and_no_more() {
    for (power, peers) in (9..=16).zip([60, 60, 100, 200, 400, 800, 1_500, 3_000]) {
        let sound = Sound::new(1 << power, peers);
        assert!(sound.on_page.len() > 1, "pages of {}: {}", sound.page_size, sound.on_page.len());
        let mut rng = damage::rng();
        let random = random_bytes(&mut rng, sound.page_size);
        let pages: Vec<usize> = sound.on_page.keys().copied().take(2).chain([1]).collect();
        for page in pages {
            let bytes = sound.with_page(page, |page| page.copy_from_slice(&random));
            let expected = sound.without_page(page);
            let what = format!("page {page} of {} bytes", sound.page_size);
            let (saved, quarantine) = set_aside(&what, &Place::new(&bytes.into()));
            assert_eq!(saved, expected, "{what}");
            assert_eq!(quarantine.lost_rows, (sound.peers.len() - expected.len()) as u64, "{what}");
        }
    }
}

#[test]
fn peers_whose_newest_state_is_in_the_log_are_saved_in_that_state() {
    let (sound, image) = with_log(512);
    let log = image.log.as_ref().unwrap();
    let in_log = pages_in_log(log, 512);
    let mut refused = 0;
    for page in 1..=image.database.as_ref().unwrap().len() / 512 {
        let mut damaged = image.clone();
        damaged.database.as_mut().unwrap()[(page - 1) * 512..page * 512].fill(0x55);
        let what = format!("page {page}, with a log");
        if in_log.contains(&page) {
            // No reader sees what the log has in another version.
            let place = Place::new(&damaged);
            match place.open(OnCorrupt::Fail) {
                Ok(manager) => assert_eq!(common::peers(&manager), sound.peers, "{what}"),
                Err(_) => assert_eq!(set_aside(&what, &Place::new(&damaged)).0, sound.peers, "{what}"),
            }
            continue;
        }
        let (saved, _) = set_aside(&what, &Place::new(&damaged));
        assert_eq!(saved, sound.without_page(page), "{what}");
        refused += 1;
    }
    assert!(refused > 3, "{refused}");
}

#[test]
fn a_log_without_its_database_gives_the_peers_on_its_pages() {
    let (sound, image) = with_log(512);
    let in_log = pages_in_log(image.log.as_ref().unwrap(), 512);
    let mut expected = sound.peers.clone();
    for (page, peers) in &sound.on_page {
        if !in_log.contains(page) {
            expected.retain(|address, _| !peers.contains(address));
        }
    }
    assert!(!expected.is_empty() && expected.len() < sound.peers.len(), "{}", expected.len());
    for database in [None, Some(Vec::new()), Some(vec![1])] {
        let place = Place::new(&Image { database, log: image.log.clone() });
        assert_eq!(set_aside("a log alone", &place).0, expected);
    }
    let place = Place::new(&Image { database: None, log: Some(b"no log at all".to_vec()) });
    assert!(set_aside("what is called a log", &place).0.is_empty());
}

#[test]
fn what_was_replaced_or_removed_does_not_come_back() {
    let place = Place::new(&Sound::new(512, PEERS).image);
    let manager = place.open(OnCorrupt::Fail).unwrap();
    for round in 0..4 {
        manager
            .store_many(&(0..300).map(|n| record(peer(n).address, round, n, Outbound)).collect::<Vec<_>>())
            .unwrap();
        manager.flush().unwrap();
        manager.clear_all().unwrap();
        manager
            .store_many(&(40..90).map(|n| record(peer(n).address, -round, n, Inbound)).collect::<Vec<_>>())
            .unwrap();
        (60..90).for_each(|n| manager.remove(&peer(n).address).unwrap());
        manager.flush().unwrap();
    }
    drop(manager);
    let sound = Sound::of(&place);
    assert_eq!(sound.peers.len(), 20);
    let is_on_a_free_page = |n: u32| {
        let host = peer(n).address.host().to_string();
        sound.bytes().windows(host.len()).any(|bytes| bytes == host.as_bytes())
    };
    // Some builds of SQLite overwrite what they delete.
    let overwrites: i64 = place.connection().query_row("PRAGMA secure_delete", [], |row| row.get(0)).unwrap();
    assert!(overwrites != 0 || (100..300).any(is_on_a_free_page), "the file has no rows that were deleted");
    // Without its index the file is refused, and the header can be read.
    let (&index, _) = sound.pages.iter().find(|(_, page)| page.of != "peers").unwrap();
    let bytes = sound.with_page(index, |page| page.fill(0));
    let (saved, quarantine) = set_aside("a file with free pages", &Place::new(&bytes.into()));
    assert_eq!((saved, quarantine.lost_rows), (sound.peers, 0));
}

#[test]
fn a_removed_peer_does_not_come_back_when_the_table_is_empty() {
    let place = Place::new(&Sound::new(4096, 300).image);
    place.open(OnCorrupt::Fail).unwrap().clear_all().unwrap();
    let sound = Sound::of(&place);
    let (&index, _) = sound.pages.iter().find(|(_, page)| page.of != "peers").unwrap();
    let bytes = sound.with_page(index, |page| page.fill(0));
    let (saved, quarantine) = set_aside("an empty table", &Place::new(&bytes.into()));
    assert!(saved.is_empty() && quarantine.lost_rows == 0, "{quarantine:?}");
}

#[test]
fn what_stands_behind_the_end_of_the_database_does_not_come_back() {
    let place = Place::new(&Sound::new(512, PEERS).image);
    let manager = place.open(OnCorrupt::Fail).unwrap();
    for n in 20..PEERS {
        manager.remove(&peer(n).address).unwrap();
    }
    // The database becomes shorter in the log; its file will when the log is moved into it.
    place.connection().execute_batch("VACUUM").unwrap();
    let expected = common::peers(&manager);
    let Image { database, log: Some(mut log) } = place.image() else { unreachable!() };
    drop(manager);
    let sound = Sound::of(&place);
    assert!(database.as_ref().unwrap().len() > sound.bytes().len());
    let (&index, _) = sound.pages.iter().find(|(_, page)| page.of != "peers").unwrap();
    for frame in log[32..].chunks_mut(24 + 512) {
        if frame[..4] == u32::try_from(index).unwrap().to_be_bytes() {
            frame[24..].fill(0);
        }
    }
    sign_log(&mut log, 512);
    let (saved, quarantine) =
        set_aside("a shorter database", &Place::new(&Image { database, log: Some(log) }));
    assert_eq!((saved, quarantine.lost_rows), (expected, 0));
}

#[test]
fn rows_that_are_no_valid_peers_are_no_damage_and_are_counted_where_there_is_some() {
    let place = Place::new(&Sound::new(512, PEERS).image);
    place
        .connection()
        .execute_batch(
            "INSERT INTO peers VALUES ('?', 1, 0, 0, 0), ('1.2.3.4', 5, 0, 0, 9), ('a.b', 6, 'x', 0, 0)",
        )
        .unwrap();
    let before = place.files();
    let manager = place.open(OnCorrupt::Quarantine).unwrap();
    assert_eq!((manager.quarantine(), manager.get_stats().unwrap().skipped_rows), (None, 3));
    drop(manager);
    assert_same("left alone", &place.files(), &before);
    let sound = Sound::new(512, PEERS);
    let mut bytes = place.image().database.unwrap();
    bytes[..16].fill(0);
    let (saved, quarantine) = set_aside("with rows that are none", &Place::new(&bytes.into()));
    assert_eq!((saved, quarantine.lost_rows), (sound.peers, 3));
}

#[test]
fn a_sound_file_is_not_set_aside() {
    let (sound, image) = with_log(4096);
    for image in [Image::default(), Vec::new().into(), sound.image.clone(), image] {
        let place = Place::new(&image);
        let manager = place.open(OnCorrupt::Quarantine).unwrap();
        assert_eq!(manager.quarantine(), None);
        assert_eq!(manager.peer_count(), if image.database.is_some_and(|b| !b.is_empty()) { 105 } else { 0 });
        drop(manager);
        assert_eq!(place.files().into_keys().collect::<Vec<_>>(), ["peers", "peers.db"]);
    }
}

#[test]
fn a_table_of_another_shape_is_set_aside_with_all_its_rows() {
    for sql in [
        "CREATE TABLE peers (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO peers VALUES (1, 'a')",
        "CREATE TABLE t (x); CREATE VIEW peers AS SELECT x AS ip FROM t",
        &format!(
            "{}; INSERT INTO peers VALUES ('1.2.3.4', 5, 6, 7, 1, '')",
            SCHEMA.replace("PRIMARY", "more TEXT NOT NULL, PRIMARY")
        ),
    ] {
        let place = Place::new(&Image::default());
        place.connection().execute_batch(sql).unwrap();
        let (saved, _) = set_aside(sql, &place);
        assert_eq!(saved.len(), usize::from(sql.contains("more TEXT")), "{sql}");
    }
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let place = Place::new(&b"no database".to_vec().into());
    let stamps: Vec<String> = {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let sql = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 600) \
                   SELECT strftime('%Y%m%dT%H%M%SZ', 'now', n || ' seconds') FROM n";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for stamp in &stamps {
        // The first by the file itself, the second by a log that would look like its own.
        fs::write(place.file(&format!("peers.db.damaged-{stamp}")), "first").unwrap();
        fs::write(place.file(&format!("peers.db.damaged-{stamp}-2-wal")), "second").unwrap();
    }
    let (_, quarantine) = set_aside("a name that is taken", &place);
    assert!(quarantine.path.to_str().unwrap().ends_with("Z-3"), "{}", quarantine.path.display());
}

#[test]
fn two_files_that_are_set_aside_one_after_the_other_have_two_names() {
    let place = Place::new(&b"the first".to_vec().into());
    let (_, first) = set_aside("the first", &place);
    fs::write(place.path(), b"the second").unwrap();
    let (_, second) = set_aside("the second", &place);
    assert_ne!(first.path, second.path);
    assert_eq!(fs::read(first.path).unwrap(), b"the first");
}

#[test]
fn what_a_process_that_died_meanwhile_has_left_is_no_obstacle() {
    let sound = Sound::new(512, PEERS);
    let place = Place::new(&sound.with_page(1, |page| page[..16].fill(0)).into());
    fs::write(place.file("peers.db-salvage"), "half").unwrap();
    fs::write(place.file("peers.db-salvage-journal"), "half").unwrap();
    drop(place.open(OnCorrupt::Quarantine).unwrap());
    assert!(place.files().keys().all(|name| !name.contains("salvage")));
    assert_eq!(place.open(OnCorrupt::Fail).unwrap().peer_count(), sound.peers.len());
}

#[test]
fn a_new_file_that_cannot_be_made_leaves_the_old_one_where_it_is() {
    let sound = Sound::new(512, PEERS);
    let place = Place::new(&sound.with_page(1, |page| page[..16].fill(0)).into());
    fs::create_dir(place.file("peers.db-salvage")).unwrap();
    let before = place.files();
    let error = place.open(OnCorrupt::Quarantine).unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert!(error.to_string().contains("peers.db-salvage"), "{error}");
    assert_same("left alone", &place.files(), &before);
    fs::remove_dir(place.file("peers.db-salvage")).unwrap();
    assert_eq!(set_aside("without the directory", &place).0, sound.peers);
}

#[cfg(unix)]
#[test]
fn the_new_file_may_be_used_by_all_who_might_use_the_old_one() {
    use std::os::unix::fs::PermissionsExt as _;
    for mode in [0o600, 0o660, 0o644] {
        let place = Place::new(&b"no database".to_vec().into());
        fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
        let (_, quarantine) = set_aside("with a mode", &place);
        for path in [place.path(), quarantine.path] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_what_it_leads_to_is_set_aside() {
    let sound = Sound::new(512, PEERS);
    let place = Place::new(&sound.with_page(1, |page| page[..16].fill(0)).into());
    let link = place.file("link.db");
    std::os::unix::fs::symlink("peers.db", &link).unwrap();
    let manager = PeerManager::open(damage::options(&link, OnCorrupt::Quarantine)).unwrap();
    assert_is_stamped(&manager.quarantine().unwrap().path);
    assert_eq!(common::peers(&manager), sound.peers);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn quarantine_names_what_happened_to_peers_of_every_kind() {
    let records = [record(ipv4(1), i64::MIN, 0, Inbound), record(ipv4(2), i64::MAX, u32::MAX, Outbound)];
    let more = (3..1_000).map(|n| record(ipv4(n), START * i64::from(n) - 7, n.pow(2), Outbound));
    let records: Vec<PeerRecord> = records.into_iter().chain(more).collect();
    let place = Place::new(&Image::default());
    place.open(OnCorrupt::Fail).unwrap().store_many(&records).unwrap();
    let sound = Sound::of(&place);
    let (saved, _) =
        set_aside("extreme values", &Place::new(&sound.with_page(1, |page| page.fill(0)).into()));
    assert_eq!(saved, damage::by_address(records));
}
