//! The specification, line by line and with nothing clever: what the library must be indistinguishable from.
//!
//! Nothing here uses the library's rules. Where the specification draws at random, the model says what may be
//! drawn: the eligible peers for a choice, the range for a back-off.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use super::beside::Beside;
use super::netgroup::{Policy, network};
use peer_manager::{BackOffUpdate, PeerAddress, PeerQuery, PeerRecord, PeerTypeFilter, StoredPeerType};

/// The key of the specification: host and port, here with the host as text.
pub(crate) type Key = (String, u16);

/// A record without its address: next attempt, failures and type.
type Row = (i64, u32, u8);

/// `PeerManager` of the specification, with a map of rows in place of a database.
#[derive(Debug)]
pub(crate) struct Reference {
    cache: HashMap<Key, PeerRecord>,
    db: Option<HashMap<Key, Row>>,
    /// Not the specification's: which peers a node has.
    policy: Policy,
    /// Nor are these: the node's own addresses, and whether it is online.
    own: BTreeSet<PeerAddress>,
    is_online: bool,
    /// All peers, the most senior first, if they came in that order.
    order: Vec<PeerAddress>,
    is_ordered: bool,
    refused: u64,
    forgiven: u64,
    pub(super) beside: Beside,
}

pub(crate) fn key(address: &PeerAddress) -> Key {
    (address.host().to_string(), address.port())
}

impl Reference {
    pub(crate) fn new_in_memory() -> Self {
        Self {
            cache: HashMap::new(),
            db: None,
            policy: Policy::default(),
            own: BTreeSet::new(),
            is_online: true,
            order: Vec::new(),
            is_ordered: true,
            refused: 0,
            forgiven: 0,
            beside: Beside::default(),
        }
    }

    pub(crate) fn new_with_db() -> Self {
        Self { db: Some(HashMap::new()), ..Self::new_in_memory() }
    }

    /// The same with another policy.
    pub(crate) fn under(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The same, keeping histories or not.
    pub(crate) fn keeping(mut self, histories: bool) -> Self {
        self.beside.histories = histories.then(BTreeMap::new);
        self
    }

    /// What became of what is kept beside the peers.
    pub(super) fn follow_beside(&mut self, now: i64) {
        self.beside.follow(self.cache.keys(), now);
    }

    pub(super) fn bans(&self, now: i64) -> u64 {
        self.beside.lasting(now).len() as u64
    }

    /// With these peers, in no known order of seniority.
    pub(crate) fn of_unordered<'a>(records: impl IntoIterator<Item = &'a PeerRecord>) -> Self {
        let mut model = Self { is_ordered: false, ..Self::new_in_memory() };
        records.into_iter().for_each(|record| model.store(record));
        model
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    /// All peers, the most senior first, if that is known.
    pub(crate) fn order(&self) -> Option<&[PeerAddress]> {
        self.is_ordered.then_some(&self.order)
    }

    /// How many peers the policy has refused since it was opened.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// How many failures were forgiven since it was opened.
    pub(crate) fn forgiven(&self) -> u64 {
        self.forgiven
    }

    /// Whether gossip of this address is refused now; if so, it is counted.
    pub(crate) fn refuses(&mut self, address: &PeerAddress, now: i64) -> bool {
        if self.load(address).is_none() && self.policy.refuses(address) {
            self.refused += 1;
            return true;
        }
        self.refuses_update(address, now)
    }

    /// Whether an update of this address is refused, because it is the node's own, or a new one that is banned; if so, it is
    /// counted. (A peer that came when a ban had ended stays when the clock steps back, and is updated.)
    pub(crate) fn refuses_update(&mut self, address: &PeerAddress, now: i64) -> bool {
        let is_refused =
            self.own.contains(address) || self.load(address).is_none() && self.beside.is_banned(address, now);
        self.refused += u64::from(is_refused);
        is_refused
    }

    /// Whether a record of this address is refused, because it is the node's own or banned; if so, it is counted.
    pub(crate) fn refuses_record(&mut self, address: &PeerAddress, now: i64) -> bool {
        let is_refused = self.own.contains(address) || self.beside.is_banned(address, now);
        self.refused += u64::from(is_refused);
        is_refused
    }

    pub(crate) fn set_own_addresses(&mut self, own: impl IntoIterator<Item = PeerAddress>) {
        self.own = own.into_iter().collect();
        for address in self.own.clone() {
            self.remove(&address);
        }
    }

    pub(crate) fn set_online(&mut self, is_online: bool) {
        self.is_online = is_online;
    }

    /// Closes and opens again: memory is what the rows say.
    pub(crate) fn reopen(&mut self, now: i64) {
        (self.refused, self.forgiven) = (0, 0);
        self.own.clear();
        self.is_online = true;
        let Some(db) = &self.db else {
            self.beside.forget_bans();
            self.clear_all();
            return self.follow_beside(now);
        };
        self.cache = db
            .iter()
            .map(|((host, port), &(next_attempt, num_failures, peer_type))| {
                let address = PeerAddress::new(host, *port).unwrap();
                let peer_type = StoredPeerType::ALL[usize::from(peer_type)];
                let record = PeerRecord { address, next_attempt, num_failures, peer_type };
                ((host.clone(), *port), record)
            })
            .collect();
        self.refused += self.remove_banned(now) as u64;
        self.follow_beside(now);
    }

    pub(crate) fn ensure_exists(&mut self, address: &PeerAddress, now: i64) -> bool {
        if self.cache.contains_key(&key(address)) {
            return false;
        }
        let record = new_record(address, now);
        if let Some(db) = &mut self.db {
            db.entry(key(address)).or_insert_with(|| row(&record));
        }
        self.order.push(address.clone());
        self.cache.insert(key(address), record);
        true
    }

    pub(crate) fn load(&self, address: &PeerAddress) -> Option<&PeerRecord> {
        self.cache.get(&key(address))
    }

    pub(crate) fn store(&mut self, record: &PeerRecord) {
        if let Some(db) = &mut self.db {
            db.insert(key(&record.address), row(record));
        }
        let before = self.cache.get(&key(&record.address)).map(|known| known.peer_type);
        let is_promoted =
            before == Some(StoredPeerType::Inbound) && record.peer_type != StoredPeerType::Inbound;
        if before.is_none() || is_promoted {
            self.order.retain(|other| *other != record.address);
            self.order.push(record.address.clone());
        }
        self.cache.insert(key(&record.address), record.clone());
    }

    /// The record that an update starts from.
    fn known_or_new(&self, address: &PeerAddress, now: i64) -> PeerRecord {
        self.load(address).cloned().unwrap_or_else(|| new_record(address, now))
    }

    /// The peer as an update of its type leaves it; the caller stores it.
    pub(crate) fn with_type(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
        now: i64,
    ) -> PeerRecord {
        let mut record = self.known_or_new(address, now);
        record.peer_type = type_after(record.peer_type, observed_type, preferred_type_known);
        record
    }

    /// Says what may be the next attempt; the caller stores the one that was drawn with [`store`](Self::store).
    pub(crate) fn update_backoff(
        &self,
        address: &PeerAddress,
        backoff: BackOffUpdate,
        now: i64,
    ) -> (PeerRecord, RangeInclusive<i64>) {
        let mut record = self.known_or_new(address, now);
        let next_attempts = self.apply_backoff_update(&mut record, backoff, now);
        (record, next_attempts)
    }

    pub(crate) fn update(
        &self,
        address: &PeerAddress,
        observed_type: StoredPeerType,
        preferred_type_known: bool,
        backoff: BackOffUpdate,
        now: i64,
    ) -> (PeerRecord, RangeInclusive<i64>) {
        let mut record = self.known_or_new(address, now);
        record.peer_type = type_after(record.peer_type, observed_type, preferred_type_known);
        let next_attempts = self.apply_backoff_update(&mut record, backoff, now);
        (record, next_attempts)
    }

    fn apply_backoff_update(
        &self,
        record: &mut PeerRecord,
        backoff: BackOffUpdate,
        now: i64,
    ) -> RangeInclusive<i64> {
        let num_failures = record.num_failures;
        let next_attempts = apply_backoff_update(record, backoff, now);
        if !self.forgives(backoff) {
            return next_attempts;
        }
        record.num_failures = num_failures;
        let latest = now.saturating_add(60);
        *next_attempts.start()..=latest.min(*next_attempts.end())
    }

    /// Whether a failure is not the peer's, because the node itself is offline.
    fn forgives(&self, backoff: BackOffUpdate) -> bool {
        backoff == BackOffUpdate::Increase && !self.is_online
    }

    /// Counts a failure that was forgiven.
    pub(crate) fn count_forgiven(&mut self, backoff: BackOffUpdate) {
        self.forgiven += u64::from(self.forgives(backoff));
    }

    pub(crate) fn remove(&mut self, address: &PeerAddress) -> bool {
        if let Some(db) = &mut self.db {
            db.remove(&key(address));
        }
        self.order.retain(|other| other != address);
        self.cache.remove(&key(address)).is_some()
    }

    pub(crate) fn remove_peers_with_many_failures(&mut self, min_num_failures: u32) -> usize {
        if let Some(db) = &mut self.db {
            db.retain(|_, row| row.1 < min_num_failures);
        }
        let before = self.cache.len();
        self.cache.retain(|_, record| record.num_failures < min_num_failures);
        self.order.retain(|address| self.cache.contains_key(&key(address)));
        before - self.cache.len()
    }

    /// Not the specification's: no peer waits beyond `latest`.
    pub(crate) fn limit_next_attempt(&mut self, latest: i64) -> usize {
        let changed: Vec<_> =
            self.cache.values().filter(|record| record.next_attempt > latest).cloned().collect();
        for record in &changed {
            self.store(&PeerRecord { next_attempt: latest, ..record.clone() });
        }
        changed.len()
    }

    pub(crate) fn clear_all(&mut self) {
        if let Some(db) = &mut self.db {
            db.clear();
        }
        self.order.clear();
        self.cache.clear();
    }

    /// The candidates of `load_random_peers`.
    pub(crate) fn candidates(&self, query: &PeerQuery<'_>, now: i64) -> BTreeSet<PeerAddress> {
        let mut candidates = BTreeSet::new();
        for record in self.cache.values() {
            let is_preferred = record.peer_type == StoredPeerType::Preferred;
            if self.admits(record, query, now) && (is_preferred || !self.policy.refuses(&record.address)) {
                candidates.insert(record.address.clone());
            }
        }
        candidates
    }

    /// The candidates of `get_peers_to_send`, best class first.
    pub(crate) fn candidates_to_send(
        &self,
        query: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        now: i64,
    ) -> [BTreeSet<PeerAddress>; 3] {
        let mut classes = [const { BTreeSet::new() }; 3];
        for record in self.cache.values() {
            if exclude.map(key) == Some(key(&record.address)) || self.policy.hides(&record.address) {
                continue;
            }
            if self.admits(record, query, now) {
                let rank = match record.peer_type {
                    StoredPeerType::Preferred => 0,
                    StoredPeerType::Outbound => 1,
                    StoredPeerType::Inbound => 2,
                };
                classes[rank].insert(record.address.clone());
            }
        }
        classes
    }

    /// Whether a query admits a peer, also by what the specification does not have.
    fn admits(&self, record: &PeerRecord, query: &PeerQuery<'_>, now: i64) -> bool {
        let netgroup = |address| self.policy.netgroup(address);
        let is_apart = || {
            let own = netgroup(&record.address);
            query.exclude.iter().all(|excluded| netgroup(excluded) != own)
        };
        is_admitted(record, query, now)
            && query.networks.bits() & network(&record.address) != 0
            && (!query.apart || is_apart())
            && self.beside.is_since(&record.address, query.heard_since, query.reached_since)
    }

    pub(crate) fn get_all_peers(&self) -> impl Iterator<Item = &PeerRecord> {
        self.cache.values()
    }

    pub(crate) fn peer_count(&self) -> usize {
        self.cache.len()
    }

    /// The rows of the database in the form of the tests.
    pub(crate) fn rows(&self) -> impl Iterator<Item = ((String, i64), (i64, i64, i64))> {
        self.db.iter().flatten().map(|((host, port), &(next_attempt, num_failures, peer_type))| {
            let values = (next_attempt, i64::from(num_failures), i64::from(peer_type));
            ((host.clone(), i64::from(*port)), values)
        })
    }
}

fn new_record(address: &PeerAddress, now: i64) -> PeerRecord {
    PeerRecord {
        address: address.clone(),
        next_attempt: now,
        num_failures: 0,
        peer_type: StoredPeerType::Inbound,
    }
}

fn row(record: &PeerRecord) -> Row {
    (record.next_attempt, record.num_failures, record.peer_type as u8)
}

/// `get_type_update` and then `apply_type_update`.
fn type_after(stored: StoredPeerType, observed: StoredPeerType, known: bool) -> StoredPeerType {
    use StoredPeerType::{Inbound, Outbound, Preferred};
    let ensure_outbound = if stored == Inbound { Outbound } else { stored };
    let ensure_not_preferred = if stored == Preferred { Outbound } else { stored };
    match observed {
        Preferred => Preferred,
        Outbound if stored == Preferred && known => ensure_not_preferred,
        Outbound => ensure_outbound,
        Inbound => ensure_not_preferred,
    }
}

fn apply_backoff_update(record: &mut PeerRecord, update: BackOffUpdate, now: i64) -> RangeInclusive<i64> {
    match update {
        BackOffUpdate::HardReset => {
            record.num_failures = 0;
            now..=now
        }
        BackOffUpdate::Reset => {
            record.num_failures = 0;
            backoff_range(0, now)
        }
        BackOffUpdate::Increase => {
            record.num_failures = record.num_failures.saturating_add(1);
            backoff_range(record.num_failures, now)
        }
    }
}

/// `now + compute_backoff(num_failures)`: from the least to the most that may be drawn.
fn backoff_range(num_failures: u32, now: i64) -> RangeInclusive<i64> {
    let max_seconds = 2_i64.pow(num_failures.min(10)) * 10;
    now.saturating_add(1)..=now.saturating_add(max_seconds)
}

fn is_admitted(record: &PeerRecord, query: &PeerQuery<'_>, now: i64) -> bool {
    if query.use_next_attempt && record.next_attempt > now {
        return false;
    }
    if query.max_num_failures.is_some_and(|max| record.num_failures > max) {
        return false;
    }
    let type_passes = match query.type_filter {
        PeerTypeFilter::InboundOnly => record.peer_type == StoredPeerType::Inbound,
        PeerTypeFilter::OutboundOnly => record.peer_type == StoredPeerType::Outbound,
        PeerTypeFilter::PreferredOnly => record.peer_type == StoredPeerType::Preferred,
        PeerTypeFilter::AnyOutbound => record.peer_type != StoredPeerType::Inbound,
        PeerTypeFilter::Any => true,
        PeerTypeFilter::NotPreferred => record.peer_type != StoredPeerType::Preferred,
    };
    type_passes && !query.exclude.iter().any(|excluded| key(excluded) == key(&record.address))
}
