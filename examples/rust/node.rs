//! A node in miniature: a simulated day of gossip, dials, back-off, sharing, and a restart from the file.
//!
//! `cargo run --example node -- [--import FILE] [--export FILE] [LIST]`
//!
//! `cargo run --example node -- [--import FILE] [--export FILE] [--database DATABASE]`
//!
//! The second lives no day: it adds the addresses of a text file and writes those of all peers to one. With a list, it
//! does the first before the day and the second after it.

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

/// Peers that failed so often are forgotten at the end of the day.
const MANY: u32 = 2;

type Outcome = std::result::Result<(), Box<dyn Error>>;

/// What the caller wants.
#[derive(Default)]
struct Arguments {
    list: Option<PathBuf>,
    database: Option<PathBuf>,
    import: Option<PathBuf>,
    export: Option<PathBuf>,
}

impl Arguments {
    /// `None` when they make no sense.
    fn parse(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut wanted = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let place = match word.to_str() {
                Some("--import") => &mut wanted.import,
                Some("--export") => &mut wanted.export,
                Some("--database") => &mut wanted.database,
                Some(option) if option.starts_with("--") => return None,
                _ if wanted.list.is_some() => return None,
                _ => {
                    wanted.list = Some(word.into());
                    continue;
                }
            };
            *place = Some(words.next()?.into());
        }
        // A day has a database of its own.
        let is_sound = wanted.database.is_none() || !wanted.is_day();
        is_sound.then_some(wanted)
    }

    fn is_day(&self) -> bool {
        self.list.is_some() || (self.import.is_none() && self.export.is_none())
    }
}

fn main() -> ExitCode {
    let Some(wanted) = Arguments::parse(std::env::args_os().skip(1)) else {
        eprintln!(
            "usage: node [--import FILE] [--export FILE] [LIST]\n       \
             node [--import FILE] [--export FILE] [--database DATABASE]"
        );
        return ExitCode::from(2);
    };
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
    println!("hour  known  ready  dialled  reached  shared");
    let mut connected = Vec::new();
    for hour in 0..24 {
        hear_of(&manager, hour)?;
        // Every two hours one is hung up, so that a patient attacker does not keep its places. A real node draws at random.
        if hour % 2 == 1 && !connected.is_empty() {
            connected.swap_remove(usize::try_from(hour)? % connected.len());
        }
        let (mut dialled, mut reached) = (0, 0);
        for now in (MIDNIGHT + hour * HOUR..MIDNIGHT + (hour + 1) * HOUR).step_by(FEELING) {
            time.store(now, Ordering::Relaxed);
            connected.retain(|peer| is_there(peer, hour));
            let outcome = dial(&manager, &mut connected, hour)?;
            dialled += outcome.0;
            reached += outcome.1;
        }
        // An asker is told about others, never about itself or about private networks.
        let asker = peer(hour, 0);
        let shared = manager.get_peers_to_send(&PeerQuery::everything(), Some(&asker), 50)?;
        assert!(!shared.contains(&asker) && shared.iter().all(|address| !address.is_private()));
        let stats = manager.get_stats()?;
        let shared = shared.len();
        println!("{hour:4}  {:5}  {:5}  {dialled:7}  {reached:7}  {shared:6}", stats.peers, stats.ready);
    }
    // A day is too short for REALLY_DEAD, with which a real node forgets.
    let forgotten = manager.remove_peers_with_many_failures(MANY)?;
    println!("{forgotten} peers were forgotten, because their last {MANY} dials failed or more");
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
    println!("closed and opened again: {} peers came back as they were", after.len());
    Ok(())
}

/// The n-th peer that is heard of in an hour: an address of its own, some of them private.
fn peer(hour: i64, n: u8) -> PeerAddress {
    let hour = u8::try_from(hour).unwrap_or(0);
    let ip = if n % 16 == 15 { [10, 0, hour, n] } else { [52, n % 7, hour, n] };
    PeerAddress::from_ip(ip.into(), 11_625).expect("the port is not 0")
}

/// Gossip: most of it is known already after a while.
fn hear_of(manager: &PeerManager, hour: i64) -> Result<()> {
    let heard: Vec<PeerAddress> = (0..=hour).flat_map(|hour| (0..12).map(move |n| peer(hour, n))).collect();
    manager.ensure_exists_many(&heard).map(drop)
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
