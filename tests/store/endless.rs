//! Files that would keep SQLite busy for ever: a few pages that lead to each other, and a pipe where a journal would be.
//! Each is refused at once, by opening and by importing, and left as it is.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::circles::{self, ENDLESS};
use crate::common::damage::{self, Place, assert_same};
#[cfg(unix)]
use crate::common::run::skip;
use crate::common::{START, TestClock};
use peer_manager::{BackOffUpdate, Error, OnCorrupt, Options, PeerManager, Result};

/// Longer than anything takes here that ends, and too short to fill the memory.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does something on a thread of its own, so that one that never returns is a failure and no standstill.
fn without_waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (result, is_done) = mpsc::channel();
    thread::spawn(move || drop(result.send(work())));
    is_done.recv_timeout(PATIENCE).expect("it takes for ever")
}

fn import(place: &Place) -> Result<usize> {
    let path = place.path();
    without_waiting(move || TestClock::at(START).in_memory(1).import(path))
}

fn open(place: &Place, on_corrupt: OnCorrupt) -> Result<PeerManager> {
    let options = damage::options(&place.path(), on_corrupt);
    without_waiting(|| PeerManager::open(options))
}

#[test]
fn a_few_pages_that_lead_to_each_other_again_and_again_are_corrupt_and_stay_as_they_are() {
    for endless in ENDLESS {
        let place = circles::place(endless);
        let before = place.files();
        for error in [import(&place).unwrap_err(), open(&place, OnCorrupt::Fail).unwrap_err()] {
            assert!(matches!(error, Error::Corrupt(_)), "{endless}: {error}");
            assert!(error.to_string().contains("more than the file has room for"), "{endless}: {error}");
            assert_same(endless, &place.files(), &before);
        }
    }
}

#[test]
fn what_is_on_such_pages_is_saved_once() {
    for endless in ENDLESS {
        let manager = open(&circles::place(endless), OnCorrupt::Quarantine).unwrap();
        assert_eq!(manager.peer_count(), 1, "{endless}");
        assert_eq!(manager.quarantine().unwrap().saved_peers, 1, "{endless}");
    }
}

#[cfg(unix)]
#[test]
fn no_call_waits_for_a_pipe_in_the_place_of_the_journal() {
    let sound = damage::Sound::new(512, damage::PEERS);
    let place = Place::new(&sound.bytes().to_vec().into());
    let made = std::process::Command::new("mkfifo").arg(place.file("peers.db-journal")).status();
    if !made.is_ok_and(|status| status.success()) {
        skip("no mkfifo");
        return;
    }
    for (error, action) in [
        (import(&place).unwrap_err(), "cannot import"),
        (open(&place, OnCorrupt::Fail).unwrap_err(), "cannot open"),
        (open(&place, OnCorrupt::Quarantine).unwrap_err(), "cannot open"),
    ] {
        assert!(matches!(error, Error::Database(_)), "{error}");
        let message = error.to_string();
        assert!(message.starts_with(action) && message.contains("is not a file; move it away"), "{message}");
    }
}

#[test]
fn a_value_that_is_too_long_for_any_peer_is_corrupt_and_costs_no_peer() {
    for (table, values) in [
        ("peers", "hex(zeroblob(60000)), 5, 0, 0, 1"),
        ("peer_manager_bans", "hex(zeroblob(60000)), 5"),
        ("peer_manager_history", "5, hex(zeroblob(60000)), 1, 1, 1, 1, 1"),
        ("peer_manager_data", "11625, '198.51.100.1', zeroblob(120000)"),
    ] {
        let place = Place::new(&damage::Sound::new(512, damage::PEERS).bytes().to_vec().into());
        let manager = place.open(OnCorrupt::Fail).unwrap();
        let saved = manager.peer_count();
        manager.ban(&"203.0.113.7".parse().unwrap(), i64::MAX).unwrap();
        let address = "198.51.100.1:11625".parse().unwrap();
        manager.update_backoff(&address, BackOffUpdate::Increase).unwrap();
        manager.set_data(&address, b"data").unwrap();
        drop(manager);
        let keeping = || {
            let options = Options { keep_history: true, ..damage::options(&place.path(), OnCorrupt::Fail) };
            PeerManager::open(options)
        };
        drop(keeping().unwrap());
        let other = rusqlite::Connection::open(place.path()).unwrap();
        other.execute_batch(&format!("INSERT OR REPLACE INTO {table} VALUES ({values})")).unwrap();
        drop(other);
        let before = place.files();
        let error = keeping().unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{table}: {error}");
        let message = error.to_string();
        assert!(message.contains(table) && message.contains("too long for any peer"), "{message}");
        assert_same(table, &place.files(), &before);
        let manager = place.open(OnCorrupt::Quarantine).unwrap();
        assert!(manager.peer_count() > saved, "{table}");
    }
}
