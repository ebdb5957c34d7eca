//! Whether a file holds what the history that made it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::time::Duration;

use crate::common::TempDb;
use crate::common::contents::{Contents, Known};
use crate::common::history::{Change, set_clock, writer_of};
use crate::common::victim::{Run, Stage, Told};
use peer_manager::{BanSubject, Durability, PeerAddress, PeerManager};

/// A file that is as its history says.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// How many changes were acknowledged, not counting the calls of `flush`.
    pub(crate) acknowledged: u64,
    /// Whether there is a change in it that was not.
    pub(crate) is_ahead: bool,
    /// The number of the change after which the file is as it is; of several writers, the last one's.
    pub(crate) number: u64,
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
    /// It has peers that are banned.
    Banned(Vec<PeerAddress>),
}

impl Loss {
    /// At least how many changes are lost.
    pub(crate) fn changes(&self) -> u64 {
        match self {
            Self::Changes { acknowledged, found, .. } => acknowledged - found,
            Self::NoMoment { .. } => 1,
            Self::Strangers(_) | Self::Banned(_) => 0,
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
            Self::Banned(peers) => write!(f, "the file has peers that are banned: {peers:?}"),
        }
    }
}

/// Judges what was found after a process has been killed, which began with a file like `before`, or none.
pub(crate) fn judge(
    run: &Run,
    before: Option<&TempDb>,
    told: &Told,
    found: &Contents,
) -> Result<Judgement, Loss> {
    let strangers =
        found.peers.iter().filter(|known| writer_of(&known.record.address) >= run.writers).count();
    if strangers != 0 {
        return Err(Loss::Strangers(strangers));
    }
    let mut all = Judgement { acknowledged: 0, is_ahead: false, number: 0 };
    for (writer, &acknowledged) in (0..).zip(&told.acknowledged) {
        // Closing a manager is as good as a flush.
        let acknowledged = if told.stage == Stage::Closed { run.changes } else { acknowledged };
        let found = Found::new(found, run, writer);
        let judgement = judge_writer(run, writer, before, acknowledged, found)?;
        all.acknowledged += judgement.acknowledged;
        all.is_ahead |= judgement.is_ahead;
        all.number = all.number.max(judgement.number);
    }
    Ok(all)
}

/// Whether a ban is one of this writer's, which are about its own hosts.
fn is_ban_of(subject: &BanSubject, run: &Run, writer: u16) -> bool {
    run.writers == 1 || run.peers_of(writer).iter().any(|peer| subject.contains(peer))
}

/// Makes the history of one writer in memory, until it is as the file.
fn judge_writer(
    run: &Run,
    writer: u16,
    before: Option<&TempDb>,
    acknowledged: u64,
    mut found: Found,
) -> Result<Judgement, Loss> {
    set_clock(run.time_of(0));
    let (memory, _place) = in_memory(run, writer, before);
    let mut history = run.history(writer);
    let mut judgement = Judgement { acknowledged: 0, is_ahead: false, number: 0 };
    let (mut number, mut is_over) = (0, false);
    let (mut last_moment, mut differences) = (None, Vec::new());
    loop {
        if found.is_all_of(&memory, run.time_of(number)) {
            if number >= acknowledged {
                let banned = found.contents.banned(run.time_of(number));
                if !banned.is_empty() {
                    return Err(Loss::Banned(banned.into_iter().cloned().collect()));
                }
                (judgement.is_ahead, judgement.number) = (number > acknowledged, number);
                return Ok(judgement);
            }
            last_moment = Some(number);
        } else if number == acknowledged {
            differences = found.differences(&memory, run.time_of(number));
        }
        if is_over {
            break;
        }
        let Some((next, change)) = history.next() else { break };
        change.make(run.time_of(next), &memory).unwrap();
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

/// A table as a process has begun with it, without what other writers have there, and the place that it needs. It draws as the
/// process, and writes nothing before it is dropped.
fn in_memory(run: &Run, writer: u16, before: Option<&TempDb>) -> (PeerManager, Option<TempDb>) {
    let place = before.map(copy_of);
    let mut options = run.options(place.as_ref().map(TempDb::path).as_deref());
    if place.is_some() {
        (options.durability, options.flush_interval) = (Durability::Deferred, Duration::MAX);
    }
    let manager = PeerManager::open(options).unwrap();
    let Contents { peers, bans } = Contents::of_manager(&manager);
    for address in peers.into_iter().map(|known| known.record.address) {
        if writer_of(&address) != writer {
            manager.remove(&address).unwrap();
        }
    }
    for subject in bans.into_keys().filter(|subject| !is_ban_of(subject, run, writer)) {
        manager.unban(&subject).unwrap();
    }
    (manager, place)
}

/// All files of a database, as they are.
pub(crate) fn copy_of(database: &TempDb) -> TempDb {
    let copy = TempDb::new();
    for file in fs::read_dir(database.directory()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.directory().join(file.file_name())).unwrap();
    }
    copy
}

/// What is in a file of one writer, to be compared with a table that changes a little at a time.
#[derive(Debug)]
struct Found {
    contents: Contents,
    /// A peer that was different the last time, and most likely still is.
    suspect: usize,
    has_side_tables: bool,
}

impl Found {
    fn new(all: &Contents, run: &Run, writer: u16) -> Self {
        let mut contents = all.clone();
        contents.peers.retain(|known| writer_of(&known.record.address) == writer);
        contents.bans.retain(|subject, _| is_ban_of(subject, run, writer));
        Self { contents, suspect: 0, has_side_tables: run.has_side_tables }
    }

    fn is_all_of(&mut self, table: &PeerManager, now: i64) -> bool {
        let peers = &self.contents.peers;
        let is_equal = |index: &usize| {
            let Known { record, history, data } = &peers[*index];
            let address = &record.address;
            table.load(address).unwrap().as_ref() == Some(record)
                && (!self.has_side_tables || table.load_history(address).unwrap() == *history)
                && table.data(address).unwrap() == *data
        };
        let different = (self.suspect..peers.len()).chain(0..self.suspect).find(|index| !is_equal(index));
        if let Some(index) = different {
            self.suspect = index;
        }
        different.is_none() && peers.len() == table.peer_count() && self.has_all_bans_of(table, now)
    }

    fn has_all_bans_of(&self, table: &PeerManager, now: i64) -> bool {
        let lasting = self.contents.bans.iter().filter(|&(_, &until)| now < until);
        let bans = table.get_bans().unwrap();
        lasting.eq(bans.iter().map(|ban| (&ban.subject, &ban.until)))
    }

    /// A few of them in words.
    fn differences(&self, table: &PeerManager, now: i64) -> Vec<String> {
        let by_address = |contents: Contents| -> BTreeMap<_, _> {
            contents.peers.into_iter().map(|known| (known.record.address.clone(), known)).collect()
        };
        let (file, memory) = (self.contents.at(now), Contents::of_manager(table));
        let bans = (file.bans != memory.bans)
            .then(|| format!("the bans (file: {:?}, memory: {:?})", file.bans, memory.bans));
        let (file, memory) = (by_address(file), by_address(memory));
        let addresses: BTreeSet<_> = file.keys().chain(memory.keys()).collect();
        let different = addresses.into_iter().filter(|address| file.get(address) != memory.get(address));
        let state =
            |known: Option<&Known>| known.map_or("not there".to_owned(), |known| format!("{known:?}"));
        let in_words = |address: &PeerAddress| {
            format!("{address} (file: {}, memory: {})", state(file.get(address)), state(memory.get(address)))
        };
        different.take(5).map(in_words).chain(bans).collect()
    }
}
