//! Which files can be imported, whichever program has them open, and that they stay as they are.

use std::fs;
use std::time::Duration;

use crate::common::damage::{self, Image, PEERS, Place, Sound, assert_same, by_address, peer};
use crate::common::import::{in_memory, options, refused, source};
use crate::common::run::skip_part;
use crate::common::stellar_core::{DURABILITIES, TABLE};
use crate::common::{self, TempDb, ipv4, mixed};
use peer_manager::{Durability, Error, OnCorrupt, PeerManager};

#[test]
fn the_file_and_what_is_beside_it_stay_as_they_are() {
    let records: Vec<_> = (0..PEERS).map(peer).collect();
    for mode in ["WAL", "DELETE", "TRUNCATE", "PERSIST"] {
        let place = source(&records);
        let connection = place.connection();
        connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
        connection.execute_batch("UPDATE peers SET numfailures = numfailures").unwrap();
        drop(connection);
        let before = place.files();
        assert_eq!(before.contains_key("peers.db-journal"), ["TRUNCATE", "PERSIST"].contains(&mode));
        let manager = in_memory();
        assert_eq!(manager.import(place.path()).unwrap(), records.len(), "{mode}");
        assert_same(mode, &place.files(), &before);
        refused(&manager, place.file("peers"));
        assert_same(mode, &place.files(), &before);
    }
}

#[test]
fn a_file_that_another_manager_has_open_gives_what_is_committed() {
    for durability in DURABILITIES {
        let place = Place::new(&Image::default());
        let other = PeerManager::open(options(&place.path(), durability)).unwrap();
        let manager = in_memory();
        for n in 0..3 {
            other.store_many(&(0..50).map(|m| peer(n * 50 + m)).collect::<Vec<_>>()).unwrap();
            other.flush().unwrap();
            assert_eq!(manager.import(place.path()).unwrap(), 50, "{durability:?}");
        }
        assert_eq!(common::peers(&manager), common::peers(&other));
        // It goes on as if no import had looked.
        other.remove(&mixed(0)).unwrap();
        other.ensure_exists(&ipv4(5_000)).unwrap();
        let expected = common::peers(&other);
        drop(other);
        assert_eq!(common::peers(&place.open(OnCorrupt::Fail).unwrap()), expected);
    }
}

#[test]
fn a_transaction_that_another_connection_has_not_finished_is_not_seen() {
    let place = source(&[peer(1)]);
    for mode in ["WAL", "DELETE"] {
        let connection = place.connection();
        connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
        connection.execute_batch("BEGIN; INSERT INTO peers VALUES ('9.9.9.9', 1, 2, 3, 1)").unwrap();
        assert_eq!(in_memory().import(place.path()).unwrap(), 1, "{mode}");
        connection.execute_batch("ROLLBACK").unwrap();
    }
}

#[test]
fn a_file_that_stays_locked_is_busy() {
    let place = source(&[peer(1)]);
    let connection = place.connection();
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let database = TempDb::new();
    let manager = PeerManager::open(options(&database.path(), Durability::Commit)).unwrap();
    let error = refused(&manager, place.path());
    assert!(matches!(error, Error::Busy(_)), "{error}");
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(manager.import(place.path()).unwrap(), 1);
}

#[test]
fn the_managers_own_file_has_nothing_new_by_whatever_name() {
    for durability in DURABILITIES {
        let place = Place::new(&Image::default());
        let mut options = options(&place.path(), durability);
        options.flush_interval = Duration::from_secs(3600);
        let manager = PeerManager::open(options).unwrap();
        manager.store_many(&(0..PEERS).map(peer).collect::<Vec<_>>()).unwrap();
        manager.flush().unwrap();
        // With DEFERRED these are still in the file.
        (0..10).for_each(|n| manager.remove(&peer(n).address).unwrap());
        let mut paths = vec![place.path(), place.directory().join(".").join("peers.db")];
        if cfg!(unix) {
            paths.extend(["link.db", "hard.db"].map(|name| place.file(name)));
            #[cfg(unix)]
            std::os::unix::fs::symlink("peers.db", place.file("link.db")).unwrap();
            fs::hard_link(place.path(), place.file("hard.db")).unwrap();
        }
        for path in paths {
            assert_eq!(manager.import(&path).unwrap(), 0, "{} {durability:?}", path.display());
            assert_eq!(manager.peer_count(), PEERS as usize - 10);
        }
    }
}

#[test]
fn a_path_that_leads_to_no_file_is_an_error_and_nothing_is_made() {
    let place = Place::new(&Image::default());
    let (manager, before) = (in_memory(), place.files());
    let error = refused(&manager, "");
    assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
    for (path, reason) in [
        (place.file("missing.db"), "there is no such file"),
        (place.file("missing").join("peers.db"), "there is no such file"),
        (place.file("peers").join("peers.db"), "give the path"),
        (place.directory().to_owned(), "it is not a file"),
        (":memory:".into(), "there is no such file"),
        (format!("file:{}", place.path().display()).into(), "there is no such file"),
    ] {
        let error = refused(&manager, &path);
        assert!(matches!(error, Error::Database(_)), "{error}");
        assert_eq!(error.sqlite_code(), rusqlite::ffi::SQLITE_CANTOPEN);
        let message = error.to_string();
        assert!(message.starts_with("cannot import \"") && message.contains(reason), "{message}");
    }
    assert_same("nothing is made", &place.files(), &before);
}

#[test]
fn a_file_that_is_no_database_of_peers_is_corrupt_and_stays_as_it_is() {
    let manager = in_memory();
    manager.ensure_exists(&ipv4(1)).unwrap();
    let no_databases = ["", "x", "Dear reader, there is not one peer in this letter.\n"];
    let tables = [
        "CREATE TABLE ledgers (n)",
        "CREATE TABLE peers (id INTEGER PRIMARY KEY, name TEXT)",
        &TABLE.replace("type INT", "flags INT"),
        "CREATE TABLE t (x); CREATE VIEW peers AS SELECT x AS ip FROM t",
    ];
    let files = no_databases.map(|text| Place::new(&text.as_bytes().to_vec().into()));
    let databases = tables.map(|sql| {
        let place = Place::new(&Image::default());
        place.connection().execute_batch(sql).unwrap();
        place
    });
    for place in files.iter().chain(&databases) {
        let before = place.files();
        let error = refused(&manager, place.path());
        assert!(matches!(error, Error::Corrupt(_)), "{error}");
        assert!(error.to_string().contains("peers.db"), "{error}");
        assert_same("left alone", &place.files(), &before);
    }
}

#[test]
fn a_log_without_its_database_is_corrupt_and_stays_there() {
    let (_, Image { log, .. }) = damage::with_log(512);
    for database in [None, Some(Vec::new())] {
        let is_there = database.is_some();
        let place = Place::new(&Image { database, log: log.clone() });
        let before = place.files();
        let error = refused(&in_memory(), place.path());
        assert!(matches!(error, Error::Corrupt(_)) == is_there, "{error}");
        assert_same("left alone", &place.files(), &before);
    }
}

#[test]
fn a_damaged_file_gives_either_nothing_or_what_no_damage_has_touched() {
    let sound = Sound::new(512, PEERS);
    let damages =
        sound.bad_pages().into_iter().chain(sound.truncations()).chain(sound.bad_headers()).step_by(3);
    let mut refusals = 0;
    for damage in damages {
        let place = Place::new(&damage.image);
        let (manager, before) = (in_memory(), place.files());
        let imported = manager.import(place.path());
        assert_same(&damage.what, &place.files(), &before);
        if let Err(error) = imported {
            assert!(matches!(error, Error::Corrupt(_)), "{}: {error}", damage.what);
            assert_eq!(manager.peer_count(), 0, "{}", damage.what);
            refusals += 1;
        } else {
            // As for a manager that opens it.
            let expected = common::peers(&place.open(OnCorrupt::Fail).expect(&damage.what));
            assert_eq!(common::peers(&manager), expected, "{}", damage.what);
        }
    }
    assert!(refusals > 50, "{refusals}");
}

#[test]
fn a_log_that_a_process_has_left_is_read_and_keeps_its_bytes() {
    let (sound, image) = damage::with_log(4096);
    let place = Place::new(&image);
    let before = place.files();
    let manager = in_memory();
    assert_eq!(manager.import(place.path()).unwrap(), sound.peers.len());
    assert_eq!(common::peers(&manager), sound.peers);
    let mut after = place.files();
    after.remove("peers.db-shm");
    assert_same("but for the index of the log", &after, &before);
}

#[cfg(unix)]
#[test]
fn a_log_whose_index_cannot_be_made_is_refused_with_the_way_out() {
    let place = Place::new(&damage::with_log(4096).1);
    // As where the directory may only be read.
    std::os::unix::fs::symlink("nowhere", place.file("peers.db-shm")).unwrap();
    let before = place.files();
    let error = refused(&in_memory(), place.path());
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert!(error.to_string().contains("copy both to another directory"), "{error}");
    assert_same("left alone", &place.files(), &before);
}

#[test]
fn a_journal_of_an_unfinished_transaction_is_refused_and_left_to_its_program() {
    let place = source(&(0..3_000).map(peer).collect::<Vec<_>>());
    let connection = place.connection();
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    connection.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE peers SET numfailures = 99").unwrap();
    // As a process that dies now leaves them.
    let copy = Place::new(&Image::default());
    for name in ["peers.db", "peers.db-journal"] {
        fs::copy(place.file(name), copy.file(name)).unwrap();
    }
    let before = copy.files();
    let error = refused(&in_memory(), copy.path());
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert!(error.to_string().contains("open it once with the program that wrote it"), "{error}");
    assert_same("left alone", &copy.files(), &before);
    // Which a manager is, too.
    drop(copy.open(OnCorrupt::Fail).unwrap());
    let manager = in_memory();
    manager.import(copy.path()).unwrap();
    assert_eq!(common::peers(&manager), by_address((0..3_000).map(peer)));
}

#[test]
fn an_old_journal_beside_a_file_that_wants_a_log_has_none_made() {
    let place = source(&[peer(1)]);
    // As of a program that keeps its journal, before another one switched to the log.
    fs::write(place.file("peers.db-journal"), [0; 512]).unwrap();
    let before = place.files();
    assert_eq!(in_memory().import(place.path()).unwrap(), 1);
    assert_same("nothing is made", &place.files(), &before);
}

#[test]
fn a_path_may_have_any_characters() {
    let place = source(&[peer(1)]);
    let names = [
        "a b.db",
        "100%.db",
        "%41.db",
        "what?mode=memory.db",
        "a#b.db",
        "a&b=c.db",
        "é\u{1f4be}.db",
        "'\".db",
    ];
    for name in names {
        fs::copy(place.path(), place.file(name)).unwrap();
        assert_eq!(in_memory().import(place.file(name)).unwrap(), 1, "{name}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let path = place.directory().join(std::ffi::OsStr::from_bytes(b"\xff\xfe.db"));
        fs::copy(place.path(), &path).unwrap();
        let files = fs::read_dir(place.directory()).unwrap().count();
        assert_eq!(in_memory().import(&path).unwrap(), 1);
        assert_eq!(fs::read_dir(place.directory()).unwrap().count(), files);
    }
}

#[test]
fn a_file_and_a_directory_that_may_only_be_read_are_enough() {
    use std::fs::Permissions;
    let place = source(&[peer(1)]);
    let set = |mode: bool| {
        for path in [place.path(), place.directory().to_owned()] {
            let mut permissions: Permissions = fs::metadata(&path).unwrap().permissions();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                permissions.set_mode(if mode { 0o555 } else { 0o755 });
            }
            #[cfg(not(unix))]
            permissions.set_readonly(mode);
            fs::set_permissions(&path, permissions).unwrap();
        }
    };
    set(true);
    let imported = in_memory().import(place.path());
    let may_write_everywhere = fs::OpenOptions::new().write(true).open(place.path()).is_ok();
    set(false);
    assert_eq!(imported.unwrap(), 1);
    if may_write_everywhere {
        skip_part("this user may write to every file");
    }
}
