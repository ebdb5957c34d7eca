//! What is kept beside the records of peers, by the book: bans, data and histories, and the steps that change them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::netgroup::unwrapped;
use super::reference::{Key, key};
use super::steps::{Called, Peer};
use peer_manager::{BackOffUpdate, History, Host, PeerAddress};

/// A ban is of a peer's host, or of a prefix that is shorter than the host by so many bits. A name has no prefix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Banned<P> {
    pub(crate) peer: P,
    pub(crate) shorter_by: u8,
}

/// A call that is about what is kept beside.
#[derive(Clone, Debug)]
pub(crate) enum StepBeside<P> {
    /// Until a time.
    Ban(Banned<P>, i64),
    Unban(Banned<P>),
    IsBanned(P),
    SetData(P, Vec<u8>),
    LoadHistory(P),
    RemoveHost(P),
    /// Only where histories are kept.
    RemovePeersNotHeardSince(i64),
}

/// All bans in their order, with their ends.
pub(crate) type BanList = Vec<(String, i64)>;

/// What is kept of each peer: its history, if histories are kept, and its data.
pub(crate) type TableBeside = BTreeMap<PeerAddress, (Option<History>, Vec<u8>)>;

/// Whom these calls are made on.
pub(crate) trait SubjectBeside<P> {
    fn ban(&self, subject: &str, until: i64) -> Called<usize>;
    fn unban(&self, subject: &str) -> Called;
    fn is_banned(&self, peer: P) -> bool;
    fn bans(&self) -> BanList;
    fn set_data(&self, peer: P, data: &[u8]) -> Called;
    fn data(&self, peer: P) -> Called<Vec<u8>>;
    fn remove_host(&self, peer: P) -> usize;
    /// Nothing where none are kept.
    fn load_history(&self, peer: P) -> Option<History>;
    fn remove_peers_not_heard_since(&self, since: i64) -> usize;
    /// As a snapshot has it.
    fn table_beside(&self) -> TableBeside;
}

/// What a ban is about, in the order of lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    V4(u32, u32),
    V6(u128, u32),
    Name(String),
}

/// The bits of a host of this width without the last ones.
fn v4(ip: Ipv4Addr, length: u32) -> Subject {
    Subject::V4(if length == 0 { 0 } else { ip.to_bits() >> (32 - length) << (32 - length) }, length)
}

fn v6(ip: Ipv6Addr, length: u32) -> Subject {
    Subject::V6(if length == 0 { 0 } else { ip.to_bits() >> (128 - length) << (128 - length) }, length)
}

impl Subject {
    fn contains(&self, address: &PeerAddress) -> bool {
        match (self, address.host()) {
            (Self::V4(_, length), host) => {
                matches!(unwrapped(host), Host::V4(ip) if v4(ip, *length) == *self)
            }
            (Self::V6(_, length), Host::V6(ip)) => v6(*ip, *length) == *self,
            (Self::Name(name), Host::Name(other)) => **name == **other,
            _ => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::V4(bits, 32) => Ipv4Addr::from_bits(*bits).to_string(),
            Self::V4(bits, length) => format!("{}/{length}", Ipv4Addr::from_bits(*bits)),
            Self::V6(bits, 128) => Ipv6Addr::from_bits(*bits).to_string(),
            Self::V6(bits, length) => format!("{}/{length}", Ipv6Addr::from_bits(*bits)),
            Self::Name(name) => name.clone(),
        }
    }
}

impl<P: Peer> Banned<P> {
    fn subject(&self) -> Subject {
        let host = self.peer.address().host().clone();
        // A host counts as the IPv4 host that it wraps; a prefix is one of its own bits.
        let host = if self.shorter_by == 0 { unwrapped(&host) } else { host };
        let length = |bits: u32| bits.saturating_sub(self.shorter_by.into());
        match host {
            Host::V4(ip) => v4(ip, length(32)),
            Host::V6(ip) => v6(ip, length(128)),
            Host::Name(name) => Subject::Name(name.to_string()),
        }
    }

    /// Whether an address is in it.
    pub(crate) fn has(&self, address: &PeerAddress) -> bool {
        self.subject().contains(address)
    }

    /// The subject as a caller may write it, with bits behind the prefix.
    pub(crate) fn text(&self) -> String {
        let host = self.peer.address().host().clone();
        let length = |bits: u32| bits.saturating_sub(self.shorter_by.into());
        match host {
            Host::V4(_) if self.shorter_by > 0 => format!("{host}/{}", length(32)),
            Host::V6(_) if self.shorter_by > 0 => format!("{host}/{}", length(128)),
            _ => host.to_string(),
        }
    }
}

/// All that is kept beside.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Bans that have ended stay until the bans are next changed.
    bans: BTreeMap<Subject, i64>,
    pub(crate) data: BTreeMap<Key, Vec<u8>>,
    /// If they are kept.
    pub(crate) histories: Option<BTreeMap<Key, History>>,
}

const DAY: i64 = 86_400;

/// The greatest time is no end.
fn lasts(until: i64, now: i64) -> bool {
    now < until || until == i64::MAX
}

/// A time as it is kept.
fn kept(now: i64) -> i64 {
    now.clamp(1, 4_294_967_294)
}

impl Beside {
    pub(crate) fn is_banned(&self, address: &PeerAddress, now: i64) -> bool {
        self.bans.iter().any(|(subject, &until)| lasts(until, now) && subject.contains(address))
    }

    /// Whether the ban begins.
    pub(crate) fn ban<P: Peer>(&mut self, banned: Banned<P>, until: i64, now: i64) -> bool {
        if !lasts(until, now) {
            return false;
        }
        self.bans.retain(|_, until| lasts(*until, now));
        self.bans.insert(banned.subject(), until);
        true
    }

    /// Whether there was one.
    pub(crate) fn unban<P: Peer>(&mut self, banned: Banned<P>, now: i64) -> bool {
        let was_there = self.bans.get(&banned.subject()).is_some_and(|&until| lasts(until, now));
        if was_there {
            self.bans.remove(&banned.subject());
            self.bans.retain(|_, until| lasts(*until, now));
        }
        was_there
    }

    pub(crate) fn forget_bans(&mut self) {
        self.bans.clear();
    }

    pub(crate) fn lasting(&self, now: i64) -> BanList {
        let lasting = self.bans.iter().filter(|&(_, &until)| lasts(until, now));
        lasting.map(|(subject, &until)| (subject.text(), until)).collect()
    }

    /// The rows of the bans.
    pub(crate) fn ban_rows(&self) -> BTreeMap<String, i64> {
        self.bans.iter().map(|(subject, &until)| (subject.text(), until)).collect()
    }

    pub(crate) fn history(&self, address: &PeerAddress) -> Option<History> {
        self.histories.as_ref()?.get(&key(address)).copied()
    }

    /// After a call: what became of the peers that are gone and of those that are new.
    pub(crate) fn follow<'a>(&mut self, peers: impl Iterator<Item = &'a Key> + Clone, now: i64) {
        let there: std::collections::BTreeSet<_> = peers.collect();
        self.data.retain(|key, _| there.contains(key));
        let Some(histories) = &mut self.histories else { return };
        histories.retain(|key, _| there.contains(key));
        for key in there {
            let new = History { first_heard: kept(now), last_heard: kept(now), ..History::default() };
            histories.entry(key.clone()).or_insert(new);
        }
    }

    /// Gossip names a peer; an unknown one is none of it.
    pub(crate) fn hear(&mut self, address: &PeerAddress, now: i64) {
        let history = self.histories.as_mut().and_then(|histories| histories.get_mut(&key(address)));
        if let Some(history) = history.filter(|history| (history.last_heard - kept(now)).abs() >= DAY) {
            history.last_heard = kept(now);
        }
    }

    /// A back-off of a peer was updated.
    pub(crate) fn try_peer(&mut self, address: &PeerAddress, backoff: BackOffUpdate, now: i64) {
        let Some(history) = self.histories.as_mut().and_then(|histories| histories.get_mut(&key(address)))
        else {
            return;
        };
        if backoff == BackOffUpdate::Increase {
            history.last_attempt = kept(now);
            return;
        }
        if history.first_reached == 0 {
            history.first_reached = kept(now);
        }
        history.last_reached = kept(now);
    }

    /// Whether a query for peers since these times admits one.
    pub(crate) fn is_since(&self, address: &PeerAddress, heard: i64, reached: i64) -> bool {
        let history = self.history(address).unwrap_or_default();
        let is_since = |time: i64, since: i64| since == 0 || time != 0 && time >= since;
        is_since(history.last_heard.max(history.last_reached), heard)
            && is_since(history.last_reached, reached)
    }

    /// Whether a peer was never reached and was last heard of before that.
    pub(crate) fn is_forgotten(&self, address: &PeerAddress, since: i64) -> bool {
        self.history(address).is_some_and(|history| {
            let heard = if history.last_heard == 0 { history.first_heard } else { history.last_heard };
            history.last_reached == 0 && heard < since
        })
    }
}
