//! Steps of a history: the calls that a manager is tried out with, and whom they are made on.

use std::collections::BTreeMap;

use super::beside::StepBeside;
use peer_manager::{
    BackOffUpdate, Networks, PeerAddress, PeerQuery, PeerRecord, PeerTypeFilter, Purpose, StoredPeerType,
};

/// A peer of a history. There may be several ways to write it down.
pub(crate) trait Peer: Copy {
    fn address(self) -> PeerAddress;
}

/// What is stored of a peer: next attempt, failures, type.
pub(crate) type Values = (i64, u32, StoredPeerType);

/// The record of a peer with these values.
pub(crate) fn record(peer: impl Peer, (next_attempt, num_failures, peer_type): Values) -> PeerRecord {
    PeerRecord { address: peer.address(), next_attempt, num_failures, peer_type }
}

/// Which peers are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Query<P> {
    pub(crate) use_next_attempt: bool,
    pub(crate) max_num_failures: Option<u32>,
    pub(crate) type_filter: PeerTypeFilter,
    pub(crate) max_per_netgroup: u32,
    pub(crate) exclude: Vec<P>,
    pub(crate) seniority: u32,
    pub(crate) apart: bool,
    /// The bits of C.
    pub(crate) networks: u32,
    pub(crate) share_key: u32,
    /// 0 where no histories are kept.
    pub(crate) heard_since: i64,
    pub(crate) reached_since: i64,
}

impl<P: Peer> Query<P> {
    pub(crate) fn excluded(&self) -> Vec<PeerAddress> {
        self.exclude.iter().map(|peer| peer.address()).collect()
    }

    /// The query for the Rust API, which excludes these.
    pub(crate) fn in_rust<'a>(&self, exclude: &'a [PeerAddress]) -> PeerQuery<'a> {
        PeerQuery {
            use_next_attempt: self.use_next_attempt,
            max_num_failures: self.max_num_failures,
            type_filter: self.type_filter,
            max_per_netgroup: self.max_per_netgroup,
            exclude,
            seniority: self.seniority,
            apart: self.apart,
            networks: Networks::from_bits(self.networks).expect("there are these networks"),
            share_key: self.share_key,
            heard_since: self.heard_since,
            reached_since: self.reached_since,
        }
    }
}

/// A call. Whether the preferred type is known is a number, as in C: anything but 0 says that it is.
#[derive(Clone, Debug)]
pub(crate) enum Step<P> {
    EnsureExists(P),
    EnsureExistsMany(Vec<P>),
    Load(P),
    Store(P, Values),
    StoreMany(Vec<(P, Values)>),
    UpdateType(P, StoredPeerType, u8),
    UpdateBackoff(P, BackOffUpdate),
    Update(P, StoredPeerType, u8, BackOffUpdate),
    Remove(P),
    RemovePeersWithManyFailures(u32),
    LimitNextAttempt(i64),
    ClearAll,
    LoadRandomPeers(Query<P>, usize),
    /// Without a query, no filter is given.
    GetPeersToSend(Option<Query<P>>, Option<P>, usize),
    /// For a purpose, beside these, which are busy.
    NextToDial(Purpose, Vec<P>, usize),
    NextDue,
    SetOnline(bool),
    SetOwnAddresses(Vec<P>),
    GetStats,
    Flush,
    /// About what is kept beside the records.
    Beside(StepBeside<P>),
}

/// Why a call has done nothing, where that is an answer. Any other failure is a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotFound,
    Limit,
    Refused,
    /// An argument that says nothing: a ban that has ended, or too much data.
    Argument,
}

pub(crate) type Called<T = ()> = Result<T, Refusal>;

/// All peers of a table.
pub(crate) type Peers = BTreeMap<PeerAddress, PeerRecord>;

/// The counts among the statistics, but for the writes that are pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) peers: u64,
    pub(crate) inbound: u64,
    pub(crate) outbound: u64,
    pub(crate) preferred: u64,
    pub(crate) ready: u64,
    pub(crate) netgroups: u64,
    pub(crate) failed_writes: u64,
    pub(crate) skipped_rows: u64,
    pub(crate) refused_peers: u64,
    pub(crate) bans: u64,
    pub(crate) forgiven_failures: u64,
}

/// Whom the calls are made on: a manager, in whatever language it is called.
pub(crate) trait Subject<P> {
    /// Whether the peer is new, if the language is told.
    fn ensure_exists(&self, peer: P) -> Called<Option<bool>>;
    fn ensure_exists_many(&self, peers: &[P]) -> usize;
    fn load(&self, peer: P) -> Option<PeerRecord>;
    fn store(&self, peer: P, values: Values) -> Called;
    fn store_many(&self, peers: &[(P, Values)]);
    fn update_type(&self, peer: P, observed: StoredPeerType, is_known: u8) -> Called;
    fn update_backoff(&self, peer: P, backoff: BackOffUpdate) -> Called;
    fn update(&self, peer: P, observed: StoredPeerType, is_known: u8, backoff: BackOffUpdate) -> Called;
    fn remove(&self, peer: P) -> Called;
    fn remove_peers_with_many_failures(&self, min: u32) -> usize;
    fn limit_next_attempt(&self, latest: i64) -> usize;
    fn clear_all(&self);
    fn load_random_peers(&self, query: &Query<P>, size: usize) -> Vec<PeerAddress>;
    fn get_peers_to_send(&self, query: Option<&Query<P>>, asking: Option<P>, size: usize)
    -> Vec<PeerAddress>;
    fn next_to_dial(&self, purpose: Purpose, busy: &[P], size: usize) -> Vec<PeerAddress>;
    fn next_due(&self) -> Option<i64>;
    fn set_online(&self, is_online: bool);
    fn set_own_addresses(&self, own: &[P]);
    fn counts(&self) -> Counts;
    fn flush(&self);
    fn table(&self) -> Peers;
}

/// The records by address; there must be one of each.
pub(crate) fn by_address(records: impl IntoIterator<Item = PeerRecord>) -> Peers {
    let mut peers = Peers::new();
    for record in records {
        let twice = peers.insert(record.address.clone(), record);
        assert!(twice.is_none(), "an address is there twice: {twice:?}");
    }
    peers
}
