//! Whether a file holds what the history that made it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::common::history::{Change, writer_of};
use crate::common::victim::{Run, Stage, Told};
use crate::common::{TempDb, peers, rows};
use peer_manager::{PeerAddress, PeerManager, PeerRecord, StoredPeerType};

/// The peers in a database by address, read by SQLite alone, which must find the file sound. One that is not made
/// yet has none.
pub(crate) fn peers_in_file(database: &TempDb, is_made: bool) -> Result<Vec<PeerRecord>, String> {
    let connection = database.connection();
    let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    match ask("PRAGMA integrity_check").as_deref() {
        Ok("ok") => {}
        other => return Err(format!("the file is not sound: {other:?}")),
    }
    if !connection.table_exists(None, "peers").map_err(|error| error.to_string())? {
        return if is_made { Err("the file has no table".to_owned()) } else { Ok(Vec::new()) };
    }
    let mut peers: Vec<_> = rows(&connection)
        .into_iter()
        .map(|((ip, port), (next_attempt, num_failures, peer_type))| PeerRecord {
            address: PeerAddress::new(&ip, port.try_into().unwrap()).unwrap(),
            next_attempt,
            num_failures: num_failures.try_into().unwrap(),
            peer_type: StoredPeerType::from_number(peer_type).unwrap(),
        })
        .collect();
    peers.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(peers)
}

/// A file that is as its history says.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// How many changes were acknowledged, not counting the calls of `flush`.
    pub(crate) acknowledged: u64,
    /// Whether there is a change in it that was not.
    pub(crate) is_ahead: bool,
}

/// A file that is not.
#[derive(Debug)]
pub(crate) enum Loss {
    /// It is as it was before changes that were acknowledged.
    Changes { writer: u16, acknowledged: u64, found: u64 },
    /// It is as it has never been.
    NoMoment { writer: u16, acknowledged: u64, differences: Vec<String> },
    /// It has peers that were never written.
    Strangers(usize),
}

impl Loss {
    /// At least how many changes are lost.
    pub(crate) fn changes(&self) -> u64 {
        match self {
            Self::Changes { acknowledged, found, .. } => acknowledged - found,
            Self::NoMoment { .. } => 1,
            Self::Strangers(_) => 0,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changes { writer, acknowledged, found } => write!(
                f,
                "writer {writer} has acknowledged change {acknowledged}, but the file is as after change {found}"
            ),
            Self::NoMoment { writer, acknowledged, differences } => write!(
                f,
                "the file is at no moment of writer {writer}; from the one after change {acknowledged}, the last that \
                 was acknowledged, it differs in {}",
                differences.join("; ")
            ),
            Self::Strangers(peers) => write!(f, "the file has {peers} peers that were never written"),
        }
    }
}

/// Judges what was found after a process has been killed, which began with the peers `before`.
pub(crate) fn judge(
    run: &Run,
    before: &[PeerRecord],
    told: &Told,
    found: &[PeerRecord],
) -> Result<Judgement, Loss> {
    let strangers = found.iter().filter(|record| writer_of(&record.address) >= run.writers).count();
    if strangers != 0 {
        return Err(Loss::Strangers(strangers));
    }
    let mut all = Judgement { acknowledged: 0, is_ahead: false };
    for (writer, &acknowledged) in (0..).zip(&told.acknowledged) {
        // Closing a manager is as good as a flush.
        let acknowledged = if told.stage == Stage::Closed { run.changes } else { acknowledged };
        let found = Found::new(of_writer(writer, found));
        let judgement = judge_writer(run, writer, &of_writer(writer, before), acknowledged, found)?;
        all.acknowledged += judgement.acknowledged;
        all.is_ahead |= judgement.is_ahead;
    }
    Ok(all)
}

fn of_writer(writer: u16, peers: &[PeerRecord]) -> Vec<PeerRecord> {
    peers.iter().filter(|record| writer_of(&record.address) == writer).cloned().collect()
}

/// Makes the history of one writer in memory, until it is as the file.
fn judge_writer(
    run: &Run,
    writer: u16,
    before: &[PeerRecord],
    acknowledged: u64,
    mut found: Found,
) -> Result<Judgement, Loss> {
    let memory = in_memory(run, before);
    let mut history = run.history(writer);
    let mut judgement = Judgement { acknowledged: 0, is_ahead: false };
    let (mut number, mut is_over) = (0, false);
    let (mut last_moment, mut differences) = (None, Vec::new());
    loop {
        if found.is_all_of(&memory) {
            if number >= acknowledged {
                judgement.is_ahead = number > acknowledged;
                return Ok(judgement);
            }
            last_moment = Some(number);
        } else if number == acknowledged {
            differences = found.differences(&memory);
        }
        if is_over {
            break;
        }
        let Some((next, change)) = history.next() else { break };
        change.make(next, &memory).unwrap();
        number = next;
        judgement.acknowledged += u64::from(number <= acknowledged && !matches!(change, Change::Flush));
        // What follows has not begun: this would have been acknowledged before.
        is_over = number > acknowledged && run.promises(&change);
    }
    Err(match last_moment {
        Some(found) => Loss::Changes { writer, acknowledged, found },
        None => Loss::NoMoment { writer, acknowledged, differences },
    })
}

/// A table of these peers that will draw as one on a file.
fn in_memory(run: &Run, peers: &[PeerRecord]) -> PeerManager {
    let manager = PeerManager::open(run.options(None)).unwrap();
    manager.store_many(peers).unwrap();
    manager
}

/// What is in a file, to be compared with a table that changes a little at a time.
#[derive(Debug)]
struct Found {
    peers: Vec<PeerRecord>,
    /// A peer that was different the last time, and most likely still is.
    suspect: usize,
}

impl Found {
    fn new(peers: Vec<PeerRecord>) -> Self {
        Self { peers, suspect: 0 }
    }

    fn is_all_of(&mut self, table: &PeerManager) -> bool {
        let is_equal = |index: &usize| {
            let peer = &self.peers[*index];
            table.load(&peer.address).unwrap().as_ref() == Some(peer)
        };
        let different =
            (self.suspect..self.peers.len()).chain(0..self.suspect).find(|index| !is_equal(index));
        if let Some(index) = different {
            self.suspect = index;
        }
        different.is_none() && self.peers.len() == table.peer_count()
    }

    /// A few of them in words.
    fn differences(&self, table: &PeerManager) -> Vec<String> {
        let memory = peers(table);
        let file: BTreeMap<_, _> =
            self.peers.iter().map(|peer| (peer.address.clone(), peer.clone())).collect();
        let addresses: BTreeSet<_> = file.keys().chain(memory.keys()).collect();
        let different = addresses.into_iter().filter(|address| file.get(address) != memory.get(address));
        let state = |record: Option<&PeerRecord>| {
            record.map_or("not there".to_owned(), |record| {
                let PeerRecord { next_attempt, num_failures, peer_type, .. } = record;
                format!("{next_attempt} {num_failures} {peer_type:?}")
            })
        };
        let in_words = |address: &PeerAddress| {
            format!("{address} (file: {}, memory: {})", state(file.get(address)), state(memory.get(address)))
        };
        different.take(5).map(in_words).collect()
    }
}
