//! A copy of the whole table at one moment.

use super::index::PeerData;
use super::owner::entry::Compact;
use super::owner::names::Texts;
use crate::error::{Error, Result};
use crate::history::{History, Times};
use crate::memory;
use crate::peer::PeerRecord;

/// All peers as they were at one consistent moment, in no particular order.
///
/// It is a compact copy (32 bytes a peer, 52 with histories, and the data of those that have some) that is independent of the manager it came from.
///
/// ```
/// use peer_manager::PeerManager;
///
/// let manager = PeerManager::new_in_memory()?;
/// manager.ensure_exists(&"example.org:11625".parse()?)?;
/// for record in manager.get_all_peers()?.iter() {
///     println!("{} has failed {} times", record.address, record.num_failures);
/// }
/// # Ok::<(), peer_manager::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    peers: Vec<Compact>,
    names: Texts,
    /// The histories of the same peers, if they are kept.
    times: Option<Vec<Times>>,
    /// The data of those that have some.
    data: Option<PeerData>,
}

/// Room for a snapshot, to be made before the table is locked.
pub(crate) struct Room(pub(super) Vec<Compact>);

impl Room {
    /// For this many peers, and a few more, because others may be inserted meanwhile. Cost: linear.
    pub(crate) fn for_peers(peers: usize) -> Result<Self> {
        let mut room = memory::filled(Compact::EMPTY, peers + peers / 64).map_err(|_| no_room(peers))?;
        // The records were written so that the system provides the memory now: for a large table, that takes longer than the
        // copy.
        room.clear();
        Ok(Self(room))
    }
}

/// The error where there is no memory to copy a table.
pub(super) fn no_room(peers: usize) -> Error {
    Error::no_memory(&format!("to copy a table of {peers} peers"))
}

impl Snapshot {
    pub(super) fn new(
        peers: Vec<Compact>,
        names: Texts,
        times: Option<Vec<Times>>,
        data: Option<PeerData>,
    ) -> Self {
        Self { peers, names, times, data }
    }

    /// The number of peers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// The peer at `index`, if it is less than [`len`](Self::len). Cost: constant.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<PeerRecord> {
        self.peers.get(index).map(|peer| peer.record(&self.names))
    }

    /// Whether the manager kept [histories](crate::Options::keep_history).
    #[must_use]
    pub fn has_histories(&self) -> bool {
        self.times.is_some()
    }

    /// The history of the peer at `index`, if it is less than [`len`](Self::len) and there are
    /// [histories](Self::has_histories). Cost: constant.
    #[must_use]
    pub fn history(&self, index: usize) -> Option<History> {
        self.times.as_ref()?.get(index).copied().map(History::from)
    }

    /// The [data](crate::PeerManager::set_data) of the peer at `index`; empty if it has none, and past the end. Cost: constant.
    #[must_use]
    pub fn data(&self, index: usize) -> &[u8] {
        let slot = u32::try_from(index).unwrap_or(u32::MAX);
        self.data.as_ref().map_or(&[], |data| data.of(slot))
    }

    /// All peers, one after the other.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PeerRecord> {
        self.peers.iter().map(|peer| peer.record(&self.names))
    }
}
