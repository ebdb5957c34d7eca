//! Bytes as a database file, with or without a write-ahead log.
//!
//! Whatever the bytes are and however long the file seems to be, opening and importing end, memory stays in bounds, a file
//! that is refused or imported is left as it was, and the invariants hold. If SQLite finds the file sound and its table is
//! the specification's, every call succeeds whatever else is in the schema, and all of it is there after opening again. A
//! sound table with further columns is opened, and one whose index is of another moment is not.

mod calls;
mod dice;
mod input;
mod mutate;
mod schema;
mod verdict;
mod wal;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use peer_manager::{Error, OnCorrupt, Options, PeerAddress, PeerManager, PeerRecord};

pub use mutate::mutate;

use crate::scratch::Scratch;
use input::{Input, Plan};
use verdict::{Sound, Verdict};

/// All that a manager knows.
type Peers = BTreeMap<PeerAddress, PeerRecord>;

/// Opens the files of the input, uses what was opened, and opens it again.
pub fn run(data: &[u8]) {
    let input = Input::split(data);
    let scratch = place(&input);
    let max_peers = input.plan.max_peers();
    let verdict = Verdict::of(&input);
    let opened = open(&scratch.path(), OnCorrupt::Fail, max_peers, input.plan);
    let mut has_bans = false;
    let found = match opened {
        Err(error) => {
            check_refusal(&error);
            assert!(!verdict.must_open(&input), "a sound file is refused: {error}");
            // SQLite may recover a log that is there, which is not the library's doing.
            if input.wal.is_empty() {
                let is_same = is_as_placed(&scratch.path(), input.file, input.plan.file_len());
                assert!(is_same.expect("the file is there"), "a file that was refused has changed: {error}");
            }
            Err(error)
        }
        Ok(manager) => {
            assert!(!matches!(verdict, Verdict::Stale), "opened, but its index is of another moment");
            let found = peers(&manager);
            has_bans = !manager.get_bans().expect("the manager answers").is_empty();
            let rows = verdict.rows();
            if let Some(rows) = rows {
                let stats = manager.get_stats().expect("counting works");
                let others = stats.skipped_rows + stats.refused_peers;
                assert_eq!(found.len() as u64 + others, rows, "a row is a peer or is passed over");
            }
            let sound = if let Verdict::Sound(sound) = &verdict { Some(sound) } else { None };
            use_and_reopen(manager, &scratch.path(), input.plan, sound);
            Ok(rows.is_some().then_some(found))
        }
    };
    import(&input, &found, has_bans);
    if input.plan.quarantines() {
        quarantine(&input, found);
    }
}

/// Imports the file, which must stay as it is. A sound one gives what it gives to who opens it.
fn import(input: &Input<'_>, found: &Result<Option<Peers>, Error>, has_bans: bool) {
    let scratch = place(input);
    let manager = PeerManager::new_in_memory().expect("a table in memory");
    let imported = manager.import(scratch.path());
    let is_same = is_as_placed(&scratch.path(), input.file, input.plan.file_len());
    assert!(is_same.expect("the file is there"), "a file that was imported has changed");
    let log = is_as_placed(&scratch.path().with_extension("db-wal"), input.wal, input.plan.log_len());
    assert!(log.unwrap_or(input.wal.is_empty()), "its log has changed");
    manager.check_invariants().expect("the invariants hold");
    match (imported, found) {
        (Ok(inserted), found) => {
            assert_eq!(inserted, manager.peer_count());
            if let Ok(Some(found)) = found {
                let mut peers = peers(&manager);
                if input.plan.max_peers() != 0 || has_bans {
                    // It may have more than were found room for, and bans are not imported.
                    peers.retain(|address, _| found.contains_key(address));
                }
                assert_eq!(&peers, found, "not what is found in it");
            }
        }
        (Err(error), found) => {
            check_refusal(&error);
            assert_eq!(manager.peer_count(), 0);
            // Where there was no table, opening made one.
            let has_peers = matches!(found, Ok(Some(found)) if !found.is_empty());
            assert!(!has_peers, "a sound file cannot be imported: {error}");
        }
    }
}

/// Writes the files of the input to a directory of their own.
fn place(input: &Input<'_>) -> Scratch {
    let scratch = Scratch::new();
    place_file(&scratch.path(), input.file, input.plan.file_len());
    if !input.wal.is_empty() {
        place_file(&scratch.path().with_extension("db-wal"), input.wal, input.plan.log_len());
    }
    scratch
}

/// Writes a file, and lets it seem longer if its bytes are fewer than so many.
fn place_file(path: &Path, bytes: &[u8], seems: u64) {
    fs::write(path, bytes).expect("the file can be written");
    if seems > bytes.len() as u64 {
        let file = File::options().write(true).open(path).expect("the file is there");
        file.set_len(seems).expect("the file can be sparse");
    }
}

/// Whether a file has the length that it was given and begins with its bytes. What is behind them is not read: it may be
/// a hundred gigabytes of nothing.
fn is_as_placed(path: &Path, bytes: &[u8], seems: u64) -> io::Result<bool> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut start = Vec::with_capacity(bytes.len());
    file.take(bytes.len() as u64).read_to_end(&mut start)?;
    Ok(len == seems.max(bytes.len() as u64) && start == bytes)
}

fn open(path: &Path, on_corrupt: OnCorrupt, max_peers: u64, plan: Plan) -> Result<PeerManager, Error> {
    let options = Options {
        db_path: Some(path.to_owned()),
        on_corrupt,
        // Nobody else has the file open.
        busy_timeout: Duration::from_millis(1),
        rng_seed: Some(1),
        max_peers,
        keep_history: plan.keeps_histories(),
        ..Options::default()
    };
    PeerManager::open(options).inspect(|manager| {
        manager.check_invariants().expect("the invariants hold");
        assert!(max_peers == 0 || manager.peer_count() as u64 <= max_peers, "more peers than there may be");
    })
}

/// A file may be refused, and a write to a strange one, for these reasons only.
fn check_refusal(error: &Error) {
    let message = error.to_string();
    assert!(
        matches!(error, Error::Corrupt(_) | Error::Database(_) | Error::Unsupported(_)),
        "no file is a reason for {message}"
    );
    assert!(!message.contains('\n'), "{message:?} is not one line");
}

fn peers(manager: &PeerManager) -> Peers {
    let snapshot = manager.get_all_peers().expect("the manager answers");
    let peers: Peers = snapshot.iter().map(|record| (record.address.clone(), record)).collect();
    assert_eq!(peers.len(), snapshot.len(), "an address is there twice");
    peers
}

/// Makes the calls of the plan, closes, and opens again.
fn use_and_reopen(manager: PeerManager, path: &Path, plan: Plan, sound: Option<&Sound>) {
    let known = sound.map_or(&[][..], |sound| &sound.addresses);
    calls::make(&manager, plan, known, sound.is_some());
    let before = peers(&manager);
    drop(manager);
    match open(path, OnCorrupt::Fail, 0, plan) {
        Ok(again) if sound.is_some() => {
            let mut again = peers(&again);
            if plan.max_peers() != 0 {
                // Those that found no room are on file as well.
                again.retain(|address, _| before.contains_key(address));
            }
            assert_eq!(again, before, "not what was closed");
        }
        Ok(_) => {}
        Err(error) => {
            assert!(sound.is_none(), "a sound file is refused after it was used: {error}");
            check_refusal(&error);
        }
    }
}

/// Opens the files with `OnCorrupt::Quarantine`: what is corrupt with `Fail` can be opened, and what is not is opened as
/// if nothing had been asked for. The peers that were found count for a sound file only, because SQLite reads a damaged
/// page a little beyond its end, and may read it differently the next time.
fn quarantine(input: &Input<'_>, found: Result<Option<Peers>, Error>) {
    let scratch = place(input);
    let opened = open(&scratch.path(), OnCorrupt::Quarantine, input.plan.max_peers(), input.plan);
    match (opened, found) {
        (Ok(manager), Ok(found)) => {
            let is_same = found.is_none_or(|found| found == peers(&manager));
            assert!(is_same, "what can be opened is opened as it is");
        }
        (Ok(manager), Err(Error::Corrupt(_))) => use_and_reopen(manager, &scratch.path(), input.plan, None),
        (Ok(_), Err(error)) => panic!("{error} is no damage, but the file was set aside"),
        (Err(error), Err(Error::Corrupt(_))) => panic!("a damaged file is not set aside: {error}"),
        (Err(error), Err(_)) => check_refusal(&error),
        (Err(error), Ok(_)) => panic!("a file that can be opened is refused: {error}"),
    }
}
