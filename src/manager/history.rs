//! Histories: reading them, and the events that a change records in them.

use super::PeerManager;
use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::history::{Event, History, Noted};
use crate::memory;
use crate::peer::{BackOffUpdate, PeerRecord};
use crate::table::PeerTable;

/// Histories of peers, kept with [`keep_history`](crate::Options::keep_history).
impl PeerManager {
    /// When a peer was heard of, reached and tried, or `None` if the address is not known. Cost: constant.
    ///
    /// # Errors
    /// [`Error::Unsupported`] without [`keep_history`](crate::Options::keep_history); [`Error::Internal`] after a panic.
    ///
    /// ```
    /// use peer_manager::{BackOffUpdate, Options, PeerAddress, PeerManager};
    ///
    /// let manager = PeerManager::open(Options { keep_history: true, ..Options::default() })?;
    /// let address: PeerAddress = "example.org:11625".parse()?;
    /// manager.ensure_exists(&address)?;
    /// manager.update_backoff(&address, BackOffUpdate::Reset)?;
    /// let history = manager.load_history(&address)?.unwrap_or_default();
    /// assert!(history.first_heard <= history.last_reached);
    /// assert_eq!(history.last_attempt, 0);
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    pub fn load_history(&self, address: &PeerAddress) -> Result<Option<History>> {
        let table = self.read()?;
        if !table.keeps_histories() {
            return Err(Error::no_histories());
        }
        Ok(table.find(address).and_then(|slot| table.times(slot)).map(History::from))
    }

    /// Removes the inbound peers that were never reached and were last heard of before `since`, in seconds since the Unix
    /// epoch; returns how many there were. Peers whose past is unknown stay.
    ///
    /// One transaction, and none if there are none. Cost: linear in the inbound peers.
    ///
    /// # Errors
    /// [`Error::Unsupported`] without [`keep_history`](crate::Options::keep_history); [`Error::NoMemory`] when there is no
    /// memory for a list of them; [`Error::Database`], [`Error::Busy`], [`Error::DiskFull`] or [`Error::Corrupt`] when the
    /// database refuses the write; [`Error::Internal`] after a panic.
    pub fn remove_peers_not_heard_since(&self, since: i64) -> Result<usize> {
        let mut writer = self.lock_writer()?;
        if !self.keeps_histories {
            return Err(Error::no_histories());
        }
        // Slots stay as they are until the writer is unlocked.
        let slots = self.read_table()?.not_heard_since(since)?;
        self.remove_slots(&mut writer, slots)
    }

    /// The time, if histories are kept; else the clock is not read.
    pub(super) fn now_for_history(&self) -> Option<i64> {
        self.keeps_histories.then(|| self.clock.now())
    }
}

/// The event that an update of the back-off reports about a peer.
pub(super) fn event_of(backoff: BackOffUpdate) -> Event {
    match backoff {
        BackOffUpdate::HardReset | BackOffUpdate::Reset => Event::Reached,
        BackOffUpdate::Increase => Event::Failed,
    }
}

/// The histories and data that an insertion records with its records.
pub(super) struct Notes<'a> {
    /// When it happens, if histories are kept.
    now: Option<i64>,
    /// The history and data that a new peer begins with, if any.
    of_new: &'a dyn Fn(&PeerRecord) -> Option<Noted>,
    /// Whether the known peers of the batch are heard of.
    is_gossip: bool,
    of_known: Vec<Noted>,
}

impl Notes<'_> {
    /// Nothing is recorded.
    pub(super) const NONE: Self =
        Self { now: None, of_new: &|_| None, is_gossip: false, of_known: Vec::new() };
}

impl<'a> Notes<'a> {
    /// Only new peers have something recorded.
    pub(super) fn of_new_peers(now: Option<i64>, of_new: &'a dyn Fn(&PeerRecord) -> Option<Noted>) -> Self {
        Self { now, of_new, is_gossip: false, of_known: Vec::new() }
    }

    /// All peers of the batch are heard of.
    pub(super) fn of_gossip(now: Option<i64>, of_new: &'a dyn Fn(&PeerRecord) -> Option<Noted>) -> Self {
        Self { is_gossip: true, ..Self::of_new_peers(now, of_new) }
    }

    /// When it happens, if histories are kept.
    pub(super) fn now(&self) -> Option<i64> {
        self.now
    }

    /// Whether nothing is recorded about known peers.
    pub(super) fn is_empty(&self) -> bool {
        self.of_known.is_empty()
    }

    /// Hears of a known peer, unless that changes nothing.
    pub(super) fn hear(&mut self, table: &PeerTable, slot: u32, address: &PeerAddress) -> memory::Result {
        let Some(now) = self.now.filter(|_| self.is_gossip) else { return Ok(()) };
        let stale = table.times(slot).filter(|times| times.is_stale(now));
        stale.map_or(Ok(()), |times| {
            memory::push(&mut self.of_known, Noted::history(address, times.noted(Event::Heard, now)))
        })
    }

    /// Everything that is recorded, including what the records of new peers begin with; if that `overwrites` what the file may
    /// have of them, what they begin without is recorded as empty.
    pub(super) fn with_new(
        self,
        table: &PeerTable,
        records: &[PeerRecord],
        overwrites: bool,
    ) -> memory::Result<Vec<Noted>> {
        let mut noted = self.of_known;
        noted.try_reserve(records.len())?;
        let new = records.iter().filter(|record| !table.contains(&record.address));
        noted.extend(new.filter_map(|record| {
            let noted = (self.of_new)(record);
            if !overwrites {
                return noted;
            }
            let (times, data) = noted.map_or((None, None), |noted| (noted.times, noted.data));
            let (times, data) = (times.unwrap_or_default(), data.unwrap_or_default());
            Some(Noted { address: record.address.clone(), times: Some(times), data: Some(data) })
        }));
        Ok(noted)
    }
}
