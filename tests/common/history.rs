//! Endless histories of changes that follow a seed: two processes, or a process and its judge, make the same one.

use std::cell::Cell;

use crate::common::{START, mixed, record};
use peer_manager::{
    BackOffUpdate, BanSubject, Clock, Error, Host, PeerAddress, PeerManager, PeerRecord, Result,
    StoredPeerType,
};
use rand::rngs::ChaCha12Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// So few that a history meets the same peers again and again, so many that they fill more than a few pages.
const UNIVERSE: u32 = 300;

/// Where there are side tables: fewer, so that most calls find a peer to set data of.
const UNIVERSE_BESIDE: u32 = 120;

/// The port of the first writer's peers. Each writer has a port of its own, and so its own peers.
const PORT: u16 = 11_625;

/// Where there are side tables, a host has peers on two ports, so far apart.
const SECOND_PORT: u16 = 1_000;

const BACKOFFS: [BackOffUpdate; 3] =
    [BackOffUpdate::HardReset, BackOffUpdate::Reset, BackOffUpdate::Increase];

thread_local! {
    /// The time is a thread's own, because it follows the number of the change that the thread makes.
    static NOW: Cell<i64> = const { Cell::new(START) };
}

/// The clock of a manager whose changes are made by [`Change::make`].
pub(crate) fn clock() -> Clock {
    Clock::from_fn(|| NOW.get())
}

/// Sets the time of this thread.
pub(crate) fn set_clock(now: i64) {
    NOW.set(now);
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    EnsureExists(PeerAddress),
    EnsureExistsMany(Vec<PeerAddress>),
    Store(PeerRecord),
    StoreMany(Vec<PeerRecord>),
    Update(PeerAddress, StoredPeerType, bool, BackOffUpdate),
    UpdateBackoff(PeerAddress, BackOffUpdate),
    UpdateType(PeerAddress, StoredPeerType, bool),
    Remove(PeerAddress),
    RemovePeersWithManyFailures(u32),
    RemovePeersNotHeardSince(i64),
    RemoveHost(Host),
    SetData(PeerAddress, Vec<u8>),
    /// For so many seconds, or for good.
    Ban(BanSubject, Option<i64>),
    Unban(BanSubject),
    ClearAll,
    Flush,
}

impl Change {
    /// Makes the call at this time.
    pub(crate) fn make(&self, now: i64, manager: &PeerManager) -> Result<()> {
        set_clock(now);
        match self.call(now, manager) {
            // The history does not look whom it changes.
            Err(Error::NotFound(_) | Error::NotBanned(_) | Error::Refused(_)) => Ok(()),
            other => other,
        }
    }

    fn call(&self, now: i64, manager: &PeerManager) -> Result<()> {
        match self {
            Self::EnsureExists(address) => manager.ensure_exists(address).map(drop),
            Self::EnsureExistsMany(addresses) => manager.ensure_exists_many(addresses).map(drop),
            Self::Store(record) => manager.store(record),
            Self::StoreMany(records) => manager.store_many(records),
            Self::Update(address, observed, known, backoff) => {
                manager.update(address, *observed, *known, *backoff)
            }
            Self::UpdateBackoff(address, backoff) => manager.update_backoff(address, *backoff),
            Self::UpdateType(address, observed, known) => manager.update_type(address, *observed, *known),
            Self::Remove(address) => manager.remove(address),
            Self::RemovePeersWithManyFailures(min) => manager.remove_peers_with_many_failures(*min).map(drop),
            Self::RemovePeersNotHeardSince(ago) => manager.remove_peers_not_heard_since(now - ago).map(drop),
            Self::RemoveHost(host) => manager.remove_host(host).map(drop),
            Self::SetData(address, data) => manager.set_data(address, data),
            Self::Ban(subject, length) => {
                manager.ban(subject, length.map_or(i64::MAX, |length| now + length)).map(drop)
            }
            Self::Unban(subject) => manager.unban(subject),
            Self::ClearAll => manager.clear_all(),
            Self::Flush => manager.flush(),
        }
    }
}

/// All that one writer does, from its first change on.
#[derive(Debug)]
pub(crate) struct History {
    rng: ChaCha12Rng,
    peers: Vec<PeerAddress>,
    /// Several writers leave each other's peers alone, so what each has done can be judged by itself.
    is_alone: bool,
    /// The back-off times of a manager are drawn from one stream. Only if a single writer draws, it is certain what.
    draws: bool,
    /// About every how many changes it flushes.
    flush_every: u32,
    /// Whether it sets data and bans as well.
    has_side_tables: bool,
}

impl History {
    /// The history of one of so many writers, numbered from 0.
    pub(crate) fn new(seed: u64, writer: u16, writers: u16, has_side_tables: bool) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(writer));
        // A ban is about a host on all ports, so with bans each writer has hosts of its own.
        let (first, ports, peers) = if has_side_tables {
            (u32::from(writer) * UNIVERSE_BESIDE, 2, UNIVERSE_BESIDE)
        } else {
            (0, 1, UNIVERSE)
        };
        let peer = |n: u32| {
            let port = PORT + writer + if n % ports == 0 { 0 } else { SECOND_PORT };
            PeerAddress::new(&mixed(first + n / ports).host().to_string(), port).unwrap()
        };
        let peers = (0..peers).map(peer).collect();
        // Seldom, and the journal grows long and is brought into the file by SQLite; often, and by the library.
        let flush_every = *[5, 50, 500].choose(&mut rng).unwrap();
        Self { rng, peers, is_alone: writers == 1, draws: writer == 0, flush_every, has_side_tables }
    }

    /// All that it can change.
    pub(crate) fn peers(&self) -> &[PeerAddress] {
        &self.peers
    }

    fn peer(&mut self) -> PeerAddress {
        self.peers.choose(&mut self.rng).unwrap().clone()
    }

    fn record(&mut self) -> PeerRecord {
        let next_attempt = match self.rng.random_range(0..12) {
            0 => *[i64::MIN, -1, 0, i64::MAX].choose(&mut self.rng).unwrap(),
            _ => START + self.rng.random_range(-300..300),
        };
        let num_failures = match self.rng.random_range(0..12) {
            0 => *[100, 1 << 20, u32::MAX].choose(&mut self.rng).unwrap(),
            _ => self.rng.random_range(0..20),
        };
        record(self.peer(), next_attempt, num_failures, self.peer_type())
    }

    fn peer_type(&mut self) -> StoredPeerType {
        *StoredPeerType::ALL.choose(&mut self.rng).unwrap()
    }

    fn backoff(&mut self) -> BackOffUpdate {
        if self.draws { *BACKOFFS.choose(&mut self.rng).unwrap() } else { BackOffUpdate::HardReset }
    }

    /// A host; or, where all peers are its own, a prefix with a few.
    fn subject(&mut self) -> BanSubject {
        let host = self.peer().host().clone();
        if self.is_alone && !matches!(host, Host::Name(_)) && self.rng.random_ratio(1, 4) {
            return format!("{host}/29").parse().unwrap();
        }
        BanSubject::from(&host)
    }

    /// What only a history with side tables has.
    fn side_change(&mut self) -> Change {
        match self.rng.random_range(0..20) {
            0..10 => {
                let length = *[0, 1, 20, 255].choose(&mut self.rng).unwrap();
                let data = (0..length).map(|_| self.rng.random()).collect();
                Change::SetData(self.peer(), data)
            }
            10..14 => {
                // With one time for each writer, what ends by one's clock lasts by another's.
                let ends = self.is_alone && self.rng.random();
                let length = ends.then(|| self.rng.random_range(1..200_000));
                Change::Ban(self.subject(), length)
            }
            14..18 => Change::Unban(self.subject()),
            18 => Change::RemoveHost(self.peer().host().clone()),
            _ if self.is_alone => Change::RemovePeersNotHeardSince(self.rng.random_range(50_000..500_000)),
            _ => Change::RemoveHost(self.peer().host().clone()),
        }
    }

    fn change(&mut self) -> Change {
        if self.has_side_tables && self.rng.random_ratio(1, 3) {
            return self.side_change();
        }
        match self.rng.random_range(0..100) {
            0..15 => Change::EnsureExists(self.peer()),
            15..20 => {
                let count = self.rng.random_range(1..=50);
                Change::EnsureExistsMany((0..count).map(|_| self.peer()).collect())
            }
            20..35 => Change::Store(self.record()),
            35..40 => {
                let count = self.rng.random_range(1..=100);
                Change::StoreMany((0..count).map(|_| self.record()).collect())
            }
            40..55 => Change::Update(self.peer(), self.peer_type(), self.rng.random(), self.backoff()),
            55..70 => Change::UpdateBackoff(self.peer(), self.backoff()),
            70..80 => Change::UpdateType(self.peer(), self.peer_type(), self.rng.random()),
            _ => Change::Remove(self.peer()),
        }
    }
}

impl Iterator for History {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        let flushes = self.rng.random_ratio(1, self.flush_every);
        let is_for_all = self.is_alone && self.rng.random_ratio(1, 100);
        Some(match (flushes, is_for_all) {
            (true, _) => Change::Flush,
            // Rarely, or the table would never hold much.
            (_, true) if self.rng.random_ratio(1, 8) => Change::ClearAll,
            (_, true) => Change::RemovePeersWithManyFailures(self.rng.random_range(1..25)),
            _ => self.change(),
        })
    }
}

/// Which writer a peer belongs to.
pub(crate) fn writer_of(address: &PeerAddress) -> u16 {
    (address.port() - PORT) % SECOND_PORT
}
