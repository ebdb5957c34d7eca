//! A node in miniature: a simulated day of gossip, dials, back-off, sharing, and a restart from the file.
//!
//! `cargo run --example node`; with `-- --help` it prints what else it can do.

mod lists;

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::{
    BackOffUpdate, Clock, Durability, Options, PeerAddress, PeerManager, PeerQuery, Purpose, Result,
    StoredPeerType,
};

const HOUR: i64 = 3600;
const MIDNIGHT: i64 = 1_700_006_400;

/// How many connections the node wants.
const WANTED: usize = 8;

/// With fewer connections, the node's own line is taken to be cut.
const ONLINE: usize = 2;

/// Every two minutes a feeler finds out whether a peer that was only heard of is there.
const FEELING: usize = 120;

/// Peers that failed this often are removed at the end of the day.
const MANY: u32 = 2;

const USAGE: &str = "\
usage: node [--import FILE] [--export FILE] [LIST]
       node [--import FILE] [--export FILE] [--database DATABASE]

The first lives a simulated day, with the addresses of LIST if there is one. The second lives no day.
  --import FILE        adds the addresses of a file; before the day, if there is one
  --export FILE        writes the addresses of all peers to a file; after the day
  --database DATABASE  where the peers are kept; a day has a database of its own
  --help, -h           prints this";

const LEGEND: &str = "
known, due        peers in the table; those of them that may be dialled now
answered, failed  how the dials of the hour went
heard, shared     addresses that peers sent and that were new; addresses sent to a peer
connected         of 8 places for connections, those that are taken

 hour    known      due   answered   failed    heard   shared   connected";

type Outcome = std::result::Result<(), Box<dyn Error>>;

/// What the caller wants.
#[derive(Default)]
struct Arguments {
    list: Option<PathBuf>,
    database: Option<PathBuf>,
    import: Option<PathBuf>,
    export: Option<PathBuf>,
    help: bool,
}

impl Arguments {
    /// An error says why they make no sense.
    fn parse(words: impl IntoIterator<Item = OsString>) -> std::result::Result<Self, String> {
        let mut wanted = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let place = match word.to_str() {
                Some("--help" | "-h") => return Ok(Self { help: true, ..wanted }),
                Some("--import") => &mut wanted.import,
                Some("--export") => &mut wanted.export,
                Some("--database") => &mut wanted.database,
                Some(option) if option.starts_with('-') => {
                    return Err(format!("there is no option {option}"));
                }
                _ if wanted.list.is_some() => return Err("there is more than one list".into()),
                _ => {
                    wanted.list = Some(word.into());
                    continue;
                }
            };
            let file = words.next().ok_or_else(|| format!("{} needs a file", word.to_string_lossy()))?;
            *place = Some(file.into());
        }
        if wanted.database.is_some() && wanted.is_day() {
            return Err("a day has a database of its own".into());
        }
        Ok(wanted)
    }

    fn is_day(&self) -> bool {
        self.list.is_some() || (self.import.is_none() && self.export.is_none())
    }
}

fn main() -> ExitCode {
    let wanted = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(wanted) => wanted,
        Err(reason) => {
            eprintln!("node: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if wanted.help {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let ended = if wanted.is_day() { live_a_day(&wanted) } else { live_no_day(&wanted) };
    if let Err(error) = ended {
        eprintln!("node: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn live_no_day(wanted: &Arguments) -> Outcome {
    let options = Options { db_path: wanted.database.clone(), ..Options::default() };
    let manager = PeerManager::open(options)?;
    before_the_day(&manager, wanted)?;
    after_the_day(&manager, wanted)
}

fn before_the_day(manager: &PeerManager, wanted: &Arguments) -> Outcome {
    if let Some(path) = &wanted.import {
        lists::import_peers(manager, path, 0, &mut io::stderr())?;
    }
    Ok(())
}

fn after_the_day(manager: &PeerManager, wanted: &Arguments) -> Outcome {
    wanted.export.as_ref().map_or(Ok(()), |path| lists::export_peers(manager, path))
}

fn live_a_day(wanted: &Arguments) -> Outcome {
    println!("A node in miniature: clock and network are simulated, so no packet is sent");
    println!("peer_manager {}", env!("CARGO_PKG_VERSION"));
    let directory = tempfile::tempdir()?;
    let time = Arc::new(AtomicI64::new(MIDNIGHT));
    let options = Options {
        db_path: Some(directory.path().join("peers.db")),
        // Calls return at once; what they changed is written a moment later.
        durability: Durability::Deferred,
        rng_seed: Some(7),
        clock: Clock::from_fn({
            let time = Arc::clone(&time);
            move || time.load(Ordering::Relaxed)
        }),
        ..Options::default()
    };
    let manager = PeerManager::open(options.clone())?;
    if let Some(list) = &wanted.list {
        let done = lists::import_peers(&manager, list, 2, &mut io::stderr())?;
        println!("{} addresses read, {} new; {} lines skipped", done.read, done.added, done.bad);
    }
    before_the_day(&manager, wanted)?;
    live_hours(&manager, &time)?;
    // A day is too short for REALLY_DEAD, with which a real node removes peers.
    let removed = manager.remove_peers_with_many_failures(MANY)?;
    println!("Then {removed} peers were removed that had failed {MANY} times or more in a row.");
    after_the_day(&manager, wanted)?;

    manager.flush()?;
    let mut before: Vec<_> = manager.get_all_peers()?.iter().collect();
    drop(manager);
    let mut after: Vec<_> = PeerManager::open(options)?.get_all_peers()?.iter().collect();
    before.sort_by(|a, b| a.address.cmp(&b.address));
    after.sort_by(|a, b| a.address.cmp(&b.address));
    if before != after {
        return Err("the file has other peers than memory had".into());
    }
    println!("Closed and opened again: all {} peers came back as they were.", after.len());
    println!(
        "\nNext: docs/languages.md says what goes into Cargo.toml; docs/whom-to-dial.md has the loop of a node."
    );
    Ok(())
}

/// Twenty-four hours, a line each, and what they show.
fn live_hours(manager: &PeerManager, time: &AtomicI64) -> Outcome {
    println!("{LEGEND}");
    let mut connected = Vec::new();
    let mut all_shared = 0;
    for hour in 0..24 {
        let heard = hear_of(manager, hour)?;
        // Every two hours one connection is hung up, so that a patient attacker does not keep its places. A real node draws at
        // random.
        if hour % 2 == 1 && !connected.is_empty() {
            connected.swap_remove(usize::try_from(hour)? % connected.len());
        }
        let (mut dialled, mut answered) = (0, 0);
        for now in (MIDNIGHT + hour * HOUR..MIDNIGHT + (hour + 1) * HOUR).step_by(FEELING) {
            time.store(now, Ordering::Relaxed);
            connected.retain(|peer| is_there(peer, hour));
            let outcome = dial(manager, &mut connected, hour)?;
            dialled += outcome.0;
            answered += outcome.1;
        }
        // An asker is sent others, never itself or an address of a private network.
        let asker = peer(hour, 0);
        let shared = manager.get_peers_to_send(&PeerQuery::everything(), Some(&asker), 50)?;
        assert!(!shared.contains(&asker) && shared.iter().all(|address| !address.is_private()));
        all_shared += shared.len();
        let (stats, failed, shared) = (manager.get_stats()?, dialled - answered, shared.len());
        println!(
            "{hour:02}:00 {:8} {:8} {answered:10} {failed:8} {heard:8} {shared:8}   {} of {WANTED}",
            stats.peers,
            stats.ready,
            connected.len()
        );
    }
    let stats = manager.get_stats()?;
    println!(
        "\nBack-off at work: at the end {} of {} peers wait, after n failures in a row for up to 10 * 2^n seconds.\n\
         {all_shared} addresses were shared: none private, none the asker's own.",
        stats.peers - stats.ready,
        stats.peers
    );
    Ok(())
}

/// The n-th peer that is heard of in an hour: an address of its own, some of them private.
fn peer(hour: i64, n: u8) -> PeerAddress {
    let hour = u8::try_from(hour).unwrap_or(0);
    let ip = if n % 16 == 15 { [10, 0, hour, n] } else { [52, n % 7, hour, n] };
    PeerAddress::from_ip(ip.into(), 11_625).expect("the port is not 0")
}

/// Gossip: most of it is known already after a while. Returns how many were new.
fn hear_of(manager: &PeerManager, hour: i64) -> Result<usize> {
    let heard: Vec<PeerAddress> = (0..=hour).flat_map(|hour| (0..12).map(move |n| peer(hour, n))).collect();
    manager.ensure_exists_many(&heard)
}

/// Dials whom the manager says: for the free places, and a feeler, which is hung up. Returns how many, and how many answered.
fn dial(manager: &PeerManager, connected: &mut Vec<PeerAddress>, hour: i64) -> Result<(usize, usize)> {
    manager.set_online(connected.len() >= ONLINE)?;
    let chosen = manager.next_to_dial(Purpose::Connect, connected, WANTED - connected.len())?;
    let feelers = manager.next_to_dial(Purpose::Feeler, &[connected.as_slice(), &chosen].concat(), 1)?;
    let mut reached = 0;
    for address in chosen.iter().chain(&feelers) {
        if is_there(address, hour) {
            manager.update(address, StoredPeerType::Outbound, false, BackOffUpdate::Reset)?;
            reached += 1;
        } else {
            manager.update_backoff(address, BackOffUpdate::Increase)?;
        }
    }
    let dialled = chosen.len() + feelers.len();
    connected.extend(chosen.into_iter().filter(|address| is_there(address, hour)));
    Ok((dialled, reached))
}

/// In this world, one in three is out of reach for ever, and one in five now and then.
fn is_there(peer: &PeerAddress, hour: i64) -> bool {
    let number: i64 = peer.to_string().bytes().map(i64::from).sum();
    number % 3 != 0 && (number + hour) % 5 != 0
}
