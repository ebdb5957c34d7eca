//! Paths at which there is no file that can be used: each is refused for a reason of its own, without waiting, and with
//! everything there left as it was.
#![cfg(unix)]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common;
use crate::common::damage::{self, Image, PEERS, Place, Sound, assert_same};
use crate::common::process::Other;
use crate::common::run::skip;
use peer_manager::{Error, OnCorrupt, PeerManager};

/// Longer than anything takes here that does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

const BOTH: [OnCorrupt; 2] = [OnCorrupt::Fail, OnCorrupt::Quarantine];

/// Opens a file on a thread of its own, so that one that never returns is a failure and no standstill.
fn open_without_waiting(path: &Path, on_corrupt: OnCorrupt) -> peer_manager::Result<PeerManager> {
    let (result, is_done) = mpsc::channel();
    let options = damage::options(path, on_corrupt);
    thread::spawn(move || drop(result.send(PeerManager::open(options))));
    is_done.recv_timeout(PATIENCE).expect("it waits for ever")
}

fn assert_cannot_open(error: &Error, advice: &str) {
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_eq!(error.sqlite_code(), rusqlite::ffi::SQLITE_CANTOPEN, "{error}");
    let message = error.to_string();
    assert!(message.starts_with("cannot open \"") && message.contains(advice), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

/// Makes a pipe; `false` where that cannot be done.
fn make_pipe(path: &Path) -> bool {
    let is_made = Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success());
    if !is_made {
        skip("no mkfifo");
    }
    is_made
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_is_no_file() {
    for on_corrupt in BOTH {
        let place = Place::new(&Image::default());
        fs::create_dir(place.path()).unwrap();
        let error = open_without_waiting(&place.path(), on_corrupt).unwrap_err();
        assert_cannot_open(&error, "it is not a file; give the path of one");
        assert_eq!(place.files().into_keys().collect::<Vec<_>>(), ["peers", "peers.db"]);
    }
}

#[test]
fn a_file_in_a_missing_directory_is_not_made() {
    for on_corrupt in BOTH {
        let place = Place::new(&Image::default());
        let error = open_without_waiting(&place.file("missing/peers.db"), on_corrupt).unwrap_err();
        assert_cannot_open(&error, "check that the directory exists and may be written");
        let error = open_without_waiting(&place.file("peers/peers.db"), on_corrupt).unwrap_err();
        assert_cannot_open(&error, "check that the directory exists and may be written");
        assert_eq!(place.files().into_keys().collect::<Vec<_>>(), ["peers"]);
    }
}

#[test]
fn links_that_lead_in_a_circle_are_no_file() {
    let place = Place::new(&Image::default());
    std::os::unix::fs::symlink("other", place.path()).unwrap();
    std::os::unix::fs::symlink("peers.db", place.file("other")).unwrap();
    let error = open_without_waiting(&place.path(), OnCorrupt::Quarantine).unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
}

#[test]
fn a_pipe_is_no_file_and_no_call_waits_for_it() {
    for on_corrupt in BOTH {
        let place = Place::new(&Image::default());
        if !make_pipe(&place.path()) {
            return;
        }
        let error = open_without_waiting(&place.path(), on_corrupt).unwrap_err();
        assert_cannot_open(&error, "it is not a file; give the path of one");
        assert!(!place.file("peers.db-lock").exists());
    }
}

#[test]
fn no_call_waits_for_a_pipe_beside_the_database() {
    let sound = Sound::new(512, PEERS);
    for name in ["peers.db-wal", "peers.db-lock", "peers.db-salvage"] {
        let place = Place::new(&sound.with_page(1, |page| page[..16].fill(0)).into());
        if !make_pipe(&place.file(name)) {
            return;
        }
        let manager = open_without_waiting(&place.path(), OnCorrupt::Quarantine).unwrap();
        assert_eq!(common::peers(&manager), sound.peers, "{name}");
    }
}

#[test]
fn a_path_with_a_nul_is_no_files() {
    let error = open_without_waiting(Path::new("/tmp/peers\0.db"), OnCorrupt::Fail).unwrap_err();
    assert!(matches!(error, Error::Database(_) | Error::InvalidArgument(_)), "{error}");
    assert!(error.to_string().contains(r#""/tmp/peers\0.db""#), "{error}");
}

#[test]
fn a_path_that_is_not_utf8_is_a_path_like_others() {
    let sound = Sound::new(512, PEERS);
    let place = Place::new(&Image::default());
    let path = place.directory().join(std::ffi::OsStr::from_bytes(b"caf\xe9.db"));
    fs::write(&path, sound.bytes()).unwrap();
    assert_eq!(common::peers(&PeerManager::new_with_db(&path).unwrap()), sound.peers);
    fs::write(&path, sound.with_page(1, |page| page[..16].fill(0))).unwrap();
    let error = open_without_waiting(&path, OnCorrupt::Fail).unwrap_err();
    assert!(error.to_string().contains("caf\u{fffd}.db"), "{error}");
    let manager = open_without_waiting(&path, OnCorrupt::Quarantine).unwrap();
    assert_eq!(common::peers(&manager), sound.peers);
    assert!(
        manager.quarantine().unwrap().path.as_os_str().as_bytes().starts_with(path.as_os_str().as_bytes())
    );
}

/// What a user whom permissions bind is told about a file with this mode in a directory with that one; the files are
/// left as they were.
fn told_to_a_user(image: &Image, part: &str, file: u32, directory: u32) -> Option<String> {
    let place = Place::new(image);
    if image.database.is_some() {
        set_mode(&place.path(), file);
    }
    let before = place.files();
    set_mode(place.directory(), directory);
    let told = Other::start_bound_by_permissions(part, &place.path()).map(|mut other| {
        let told = other.word();
        other.end();
        told
    });
    set_mode(place.directory(), 0o700);
    assert_same(&format!("{told:?}"), &place.files(), &before);
    if let Some(told) = &told {
        assert!(told.contains("peers.db"), "{told}");
    }
    told
}

#[test]
fn a_file_that_may_only_be_read_is_refused_and_stays_as_it_is() {
    let sound = Sound::new(512, PEERS);
    let in_another_mode = sound.with_page(1, |page| page[18..20].fill(1)).into();
    for image in [&sound.image, &in_another_mode] {
        for part in ["open", "open, with quarantine"] {
            let Some(told) = told_to_a_user(image, part, 0o444, 0o777) else { return };
            assert!(told.starts_with("Database: cannot ") && told.contains("writable"), "{told}");
        }
    }
}

#[test]
fn a_file_that_may_not_even_be_read_is_refused_and_stays_as_it_is() {
    let sound = Sound::new(512, PEERS);
    for part in ["open", "open, with quarantine"] {
        let Some(told) = told_to_a_user(&sound.image, part, 0o000, 0o777) else { return };
        assert!(told.starts_with("Database: cannot open "), "{told}");
    }
}

#[test]
fn a_directory_that_may_only_be_read_is_refused() {
    let sound = Sound::new(512, PEERS);
    let damaged = sound.with_page(1, |page| page[..16].fill(0)).into();
    for image in [&sound.image, &Image::default(), &damaged] {
        for part in ["open", "open, with quarantine"] {
            let Some(told) = told_to_a_user(image, part, 0o666, 0o555) else { return };
            assert!(told.starts_with("Database: cannot open "), "{told}");
            assert!(told.contains("make the file and its directory writable"), "{told}");
        }
    }
}

#[test]
fn a_damaged_file_that_may_not_be_moved_stays_where_it_is() {
    let sound = Sound::new(512, PEERS);
    let damaged = sound.with_page(1, |page| page[..16].fill(0));
    let place = Place::new(&damaged.clone().into());
    set_mode(&place.path(), 0o666);
    let before = place.files();
    // A user who may write there may move only files of their own. For the owner there is nothing to refuse.
    set_mode(place.directory(), 0o1777);
    let Some(mut other) = Other::start_bound_by_permissions("open, with quarantine", &place.path()) else {
        return;
    };
    let told = other.word();
    other.end();
    if told.starts_with("open with ") {
        skip("this user may move the file");
        return;
    }
    assert!(told.starts_with("Database: cannot set \"") && told.contains("peers.db\" aside: "), "{told}");
    let mut after = place.files();
    // The directory does not let a second name of another's file be taken away again.
    after.retain(|name, bytes| !(name.contains(".damaged-") && *bytes == damaged));
    assert_same(&told, &after, &before);
}
