//! A node in miniature: a simulated day of gossip, dials, back-off, sharing, and a restart from the file.
//!
//! `cargo run --example node`

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::{
    BackOffUpdate, Clock, Durability, Options, PeerAddress, PeerManager, PeerQuery, PeerTypeFilter, Result,
    StoredPeerType,
};

const HOUR: i64 = 3600;
const MIDNIGHT: i64 = 1_700_006_400;

/// How many connections the node wants.
const WANTED: usize = 8;

/// Peers that failed so often are forgotten at the end of the day.
const MANY: u32 = 2;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let time = Arc::new(AtomicI64::new(MIDNIGHT));
    let mut options = Options::default();
    options.db_path = Some(directory.path().join("peers.db"));
    // Calls return at once; what they changed is written a moment later.
    options.durability = Durability::Deferred;
    options.rng_seed = Some(7);
    options.clock = Clock::from_fn({
        let time = Arc::clone(&time);
        move || time.load(Ordering::Relaxed)
    });
    let manager = PeerManager::open(options.clone())?;
    println!("hour  known  ready  dialled  reached  shared");
    for hour in 0..24 {
        time.store(MIDNIGHT + hour * HOUR, Ordering::Relaxed);
        hear_of(&manager, hour)?;
        let (dialled, reached) = dial(&manager, hour)?;
        // An asker is told about others, never about itself or about private networks.
        let asker = peer(hour, 0);
        let shared = manager.get_peers_to_send(&PeerQuery::everything(), Some(&asker), 50)?;
        assert!(!shared.contains(&asker) && shared.iter().all(|address| !address.is_private()));
        let stats = manager.get_stats()?;
        let shared = shared.len();
        println!("{hour:4}  {:5}  {:5}  {dialled:7}  {reached:7}  {shared:6}", stats.peers, stats.ready);
    }
    let forgotten = manager.remove_peers_with_many_failures(MANY)?;
    println!("{forgotten} peers were forgotten, because their last {MANY} dials failed or more");

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

/// Dials peers whose time has come. In this world, one in three is out of reach for ever, and one in five now and then.
fn dial(manager: &PeerManager, hour: i64) -> Result<(usize, usize)> {
    let anyone = PeerQuery { type_filter: PeerTypeFilter::Any, ..PeerQuery::default() };
    let chosen = manager.load_random_peers(&anyone, WANTED)?;
    let mut reached = 0;
    for (n, address) in (0_i64..).zip(&chosen) {
        let number: i64 = address.to_string().bytes().map(i64::from).sum();
        let is_there = number % 3 != 0 && (number + hour + n) % 5 != 0;
        let backoff = if is_there { BackOffUpdate::HardReset } else { BackOffUpdate::Increase };
        manager.update(address, StoredPeerType::Outbound, false, backoff)?;
        reached += usize::from(is_there);
    }
    Ok((chosen.len(), reached))
}
