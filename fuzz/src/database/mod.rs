//! Bytes as a database file, with or without a write-ahead log.
//!
//! Whatever the bytes are, opening and importing end, memory stays in bounds, a file that is refused or imported is left
//! as it was, and the invariants hold. If SQLite finds the file sound and its table is the specification's, every call
//! succeeds, and all of it is there after opening again.

mod calls;
mod input;
mod mutate;
mod wal;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use peer_manager::{Error, OnCorrupt, Options, PeerAddress, PeerManager, PeerRecord, SCHEMA};
use rusqlite::{Connection, OptionalExtension as _};

pub use mutate::mutate;

use crate::scratch::Scratch;
use input::{Input, Plan};

/// All that a manager knows.
type Peers = BTreeMap<PeerAddress, PeerRecord>;

/// Opens the files of the input, uses what was opened, and opens it again.
pub fn run(data: &[u8]) {
    let input = Input::split(data);
    let scratch = place(&input);
    let max_peers = input.plan.max_peers();
    let opened = open(&scratch.path(), OnCorrupt::Fail, max_peers);
    let found = match opened {
        Err(error) => {
            check_refusal(&error);
            // SQLite may recover a log that is there, which is not the library's doing.
            if input.wal.is_empty() {
                let after = fs::read(scratch.path()).expect("the file is there");
                assert!(after == input.file, "a file that was refused has changed: {error}");
            }
            Err(error)
        }
        Ok(manager) => {
            let found = peers(&manager);
            let sound = Sound::of(&input);
            if let Some(sound) = &sound {
                let stats = manager.get_stats().expect("counting works");
                let others = stats.skipped_rows + stats.refused_peers;
                assert_eq!(found.len() as u64 + others, sound.rows, "a row is a peer or is passed over");
            }
            use_and_reopen(manager, &scratch.path(), input.plan, sound.as_ref());
            Ok(sound.is_some().then_some(found))
        }
    };
    import(&input, &found);
    if input.plan.quarantines() {
        quarantine(&input, found);
    }
}

/// Imports the file, which must stay as it is. A sound one gives what it gives to who opens it.
fn import(input: &Input<'_>, found: &Result<Option<Peers>, Error>) {
    let scratch = place(input);
    let manager = PeerManager::new_in_memory().expect("a table in memory");
    let imported = manager.import(scratch.path());
    let after = fs::read(scratch.path()).expect("the file is there");
    assert!(after == input.file, "a file that was imported has changed");
    let log = fs::read(scratch.path().with_extension("db-wal"));
    assert!(log.map_or(input.wal.is_empty(), |log| log == input.wal), "its log has changed");
    manager.check_invariants().expect("the invariants hold");
    match (imported, found) {
        (Ok(inserted), found) => {
            assert_eq!(inserted, manager.peer_count());
            if let Ok(Some(found)) = found {
                let mut peers = peers(&manager);
                if input.plan.max_peers() != 0 {
                    // It may have more than were found room for.
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
    fs::write(scratch.path(), input.file).expect("the file can be written");
    if !input.wal.is_empty() {
        fs::write(scratch.path().with_extension("db-wal"), input.wal).expect("the log can be written");
    }
    scratch
}

fn open(path: &Path, on_corrupt: OnCorrupt, max_peers: u64) -> Result<PeerManager, Error> {
    let mut options = Options::default();
    options.db_path = Some(path.to_owned());
    options.on_corrupt = on_corrupt;
    // Nobody else has the file open.
    options.busy_timeout = Duration::from_millis(1);
    options.rng_seed = Some(1);
    options.max_peers = max_peers;
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
    match open(path, OnCorrupt::Fail, 0) {
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
    match (open(&scratch.path(), OnCorrupt::Quarantine, input.plan.max_peers()), found) {
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

/// A file with whose structure SQLite finds no fault, and whose table is the specification's.
struct Sound {
    rows: u64,
    /// Some addresses that rows have, of valid peers or not.
    addresses: Vec<PeerAddress>,
}

impl Sound {
    /// Looks at a copy, with nothing but SQLite.
    fn of(input: &Input<'_>) -> Option<Self> {
        let scratch = place(input);
        let connection = Connection::open(scratch.path()).ok()?;
        // A log may have pages that are none of the file's.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok()?;
        // Without triggers, further indices and references, a statement does what it says.
        let strange = "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index') OR \
                       sql LIKE '%REFERENCES%' OR lower(tbl_name) = 'peers' AND sql != ?1 OR \
                       name LIKE 'peers' AND sql IS NULL";
        let count = |sql: &str, params: &[&str]| -> rusqlite::Result<i64> {
            connection.query_row(sql, rusqlite::params_from_iter(params), |row| row.get(0))
        };
        if count(strange, &[SCHEMA]).ok()? != 0 {
            return None;
        }
        let mut statement = connection.prepare("PRAGMA integrity_check").ok()?;
        let complaints = statement.query_map([], |row| row.get::<_, String>(0)).ok()?;
        // Values that are no peer's are the library's to pass over.
        let is_of_values = |complaint: &str| {
            ["CHECK constraint failed in ", "NULL value in "].iter().any(|of| complaint.starts_with(of))
                || complaint.contains(" value in peers.")
        };
        if !complaints.into_iter().all(|c| c.is_ok_and(|c| c == "ok" || is_of_values(&c))) {
            return None;
        }
        let has_table = connection
            .query_row("SELECT 1 FROM sqlite_master WHERE lower(name) = 'peers'", [], |_| Ok(()))
            .optional()
            .ok()?;
        if has_table.is_none() {
            return Some(Self { rows: 0, addresses: Vec::new() });
        }
        let mut statement =
            connection.prepare("SELECT CAST(ip AS TEXT), CAST(port AS INTEGER) FROM peers LIMIT 8").ok()?;
        let rows = statement.query_map([], |row| Ok((row.get(0).ok(), row.get(1).ok()))).ok()?;
        let address = |row: rusqlite::Result<(Option<String>, Option<u16>)>| match row {
            Ok((Some(ip), Some(port))) => PeerAddress::new(&ip, port).ok(),
            _ => None,
        };
        let addresses = rows.filter_map(address).collect();
        Some(Self { rows: count("SELECT count(*) FROM peers", &[]).ok()?.unsigned_abs(), addresses })
    }
}
