//! Files that are damaged, or no databases at all: each is refused for one reason, with nothing done to it, or it opens
//! and everything is there.

use std::fs;

use crate::common::damage::{self, Damage, Image, PEERS, Place, Role, Sound, assert_same, foreign_files};
use crate::common::{self, TempDb, ipv4};
use peer_manager::{Error, OnCorrupt, PeerManager};

/// What a damaged file may be told to do about.
const ADVICE: [&str; 3] =
    ["on_corrupt QUARANTINE", "give another path", "put the database back, or move the log away"];

/// Opens a file that must be refused as damaged, and looks that nothing has happened to it.
fn refuse(what: &str, image: &Image) -> Error {
    let place = Place::new(image);
    let before = place.files();
    let error = place.open(OnCorrupt::Fail).expect_err(what);
    assert!(matches!(error, Error::Corrupt(_)), "{what}: {error}");
    assert_message(what, &error);
    assert_same(what, &left(&place, image), &before);
    error
}

/// One line that names the file and says what to do.
fn assert_message(what: &str, error: &Error) {
    let message = error.to_string();
    assert!(!message.contains('\n') && message.starts_with("cannot "), "{what}: {message}");
    assert!(message.contains("peers.db\""), "{what}: the file is not named: {message}");
    assert!(ADVICE.iter().any(|advice| message.contains(advice)), "{what}: no advice: {message}");
}

/// The files that are there, without the index that SQLite makes of a log that was there before.
fn left(place: &Place, image: &Image) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = place.files();
    if image.log.is_some() {
        files.remove("peers.db-shm");
    }
    files
}

/// The file is refused, or it is opened and all its peers are there; says which.
fn refuse_or_open_with_everything(damage: &Damage, sound: &Sound) -> bool {
    if let Ok(manager) = Place::new(&damage.image).open(OnCorrupt::Fail) {
        assert_eq!(common::peers(&manager), sound.peers, "{}", damage.what);
        assert_eq!(manager.get_stats().unwrap().skipped_rows, 0, "{}", damage.what);
        return false;
    }
    refuse(&damage.what, &damage.image);
    true
}

#[test]
fn what_never_was_a_database_is_refused_and_keeps_every_byte() {
    for damage in foreign_files() {
        refuse(&damage.what, &damage.image);
    }
}

#[test]
fn a_file_that_was_cut_off_is_refused_and_keeps_every_byte() {
    for damage in Sound::new(512, PEERS).truncations() {
        refuse(&damage.what, &damage.image);
    }
    for damage in Sound::new(4096, 300).truncations() {
        refuse(&damage.what, &damage.image);
    }
}

#[test]
fn every_field_of_the_header_that_is_wrong_is_noticed_or_does_no_harm() {
    let sound = Sound::new(512, PEERS);
    let mut refused = 0;
    for damage in sound.bad_headers() {
        refused += u32::from(refuse_or_open_with_everything(&damage, &sound));
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn every_page_that_is_wrong_is_noticed_and_the_file_keeps_every_byte() {
    for sound in [Sound::new(512, PEERS), Sound::new(4096, 300)] {
        for damage in sound.bad_pages() {
            refuse(&damage.what, &damage.image);
        }
    }
}

#[test]
fn an_index_that_disagrees_with_its_table_is_refused() {
    let sound = Sound::new(512, PEERS);
    for page in sound.pages.values().filter(|page| page.role == Role::Leaf) {
        // One cell less than there are.
        let bytes = sound.with_page(page.number, |page| page[4] -= 1);
        let error = refuse(&format!("{page:?}"), &bytes.into());
        let expected = match page.of.as_str() {
            "peers" => "it has 99 rows, but its index has 100",
            _ => "it has 100 rows, but its index has 99",
        };
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_table_of_another_shape_is_refused_with_one_line_and_nothing_left_beside_it() {
    let long_name = "n".repeat(100_000);
    for sql in [
        "CREATE TABLE peers (ip TEXT, port INT)",
        "CREATE VIEW peers AS SELECT 1 AS ip",
        "CREATE TABLE peers (\"ip\n\u{1b}[2J\" TEXT, port INT)",
        &format!("CREATE TABLE peers (ip TEXT, {long_name} INT)"),
    ] {
        let place = Place::new(&Image::default());
        // In either journal mode.
        for mode in ["DELETE", "WAL"] {
            let connection = place.connection();
            connection
                .execute_batch(&format!("PRAGMA journal_mode = {mode}; DROP TABLE IF EXISTS x; {sql}"))
                .unwrap();
            drop(connection);
            let error = refuse(sql, &place.image());
            assert!(error.to_string().len() < 4_000, "{} bytes", error.to_string().len());
            fs::remove_file(place.path()).unwrap();
        }
    }
}

#[test]
fn a_log_without_its_database_is_refused_and_stays() {
    let log = log_of_changes();
    for database in [None, Some(Vec::new()), Some(vec![7])] {
        for log in [log.clone(), b"a log".to_vec()] {
            let image = Image { database: database.clone(), log: Some(log) };
            let error = refuse("a log alone", &image);
            assert!(
                error.to_string().contains("its write-ahead log is there, but the database is not"),
                "{error}"
            );
        }
    }
}

/// A log with everything that a manager has written.
fn log_of_changes() -> Vec<u8> {
    let database = TempDb::new();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    manager.ensure_exists_many(&(0..50).map(ipv4).collect::<Vec<_>>()).unwrap();
    fs::read(database.directory().join("peers.db-wal")).unwrap()
}

#[test]
fn a_log_that_sqlite_does_not_accept_leaves_a_sound_database_as_it_was() {
    let sound = Sound::new(4096, PEERS);
    let mut rng = damage::rng();
    let mut unsigned = log_of_changes();
    unsigned[24] ^= 1;
    for log in
        [Vec::new(), b"a log".to_vec(), vec![0; 50_000], damage::random_bytes(&mut rng, 50_000), unsigned]
    {
        let place = Place::new(&Image { log: Some(log), ..sound.image.clone() });
        let manager = place.open(OnCorrupt::Fail).unwrap();
        assert_eq!(common::peers(&manager), sound.peers);
        manager.ensure_exists(&ipv4(77_777)).unwrap();
        drop(manager);
        assert_eq!(place.open(OnCorrupt::Fail).unwrap().peer_count(), sound.peers.len() + 1);
    }
}

#[test]
fn a_log_is_read_up_to_where_it_is_damaged() {
    let database = TempDb::new();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    let log = database.directory().join("peers.db-wal");
    let mut ends = Vec::new();
    for n in 0..8 {
        manager.ensure_exists(&ipv4(n)).unwrap();
        ends.push(fs::read(&log).unwrap().len());
    }
    let (bytes, log) = (fs::read(database.path()).unwrap(), fs::read(log).unwrap());
    for (n, pair) in ends.windows(2).enumerate() {
        let mut log = log.clone();
        log[usize::midpoint(pair[0], pair[1])] ^= 0x10;
        let place = Place::new(&Image { database: Some(bytes.clone()), log: Some(log) });
        assert_eq!(place.open(OnCorrupt::Fail).unwrap().peer_count(), n + 1, "all before the damage");
    }
}
