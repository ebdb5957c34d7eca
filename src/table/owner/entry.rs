//! One peer as the table holds it: 48 bytes, whatever the kind of its host, of which 32 are its record.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::names::Texts;
use super::sip::SipHash;
use crate::address::{Host, PeerAddress};
use crate::netgroup::{GroupingPolicy, Netgroup};
use crate::network::Networks;
use crate::peer::{PeerRecord, StoredPeerType};
use crate::table::facet::{self, Attempt};
use crate::table::slot::NO_SLOT;

/// How the sixteen bytes of a [`Key`]'s host are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
enum HostKind {
    /// An IPv4 address in the first four bytes.
    V4,
    /// An IPv6 address.
    V6,
    /// The number that [`Names`](super::names::Names) gave to a name, in the first four bytes.
    Name,
}

/// An address in fixed size: what the key index compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) struct Key {
    host: [u8; 16],
    port: u16,
    kind: HostKind,
}

impl Key {
    /// The key of an address whose name, if it has one, has the given number.
    pub(in crate::table) fn of(address: &PeerAddress, name_number: u32) -> Self {
        // In one piece: bytes that are written in several pieces are slow to read as one right afterwards, and the key index
        // does that.
        let short = |bytes: [u8; 4]| u128::from(u32::from_le_bytes(bytes)).to_le_bytes();
        let (host, kind) = match address.host() {
            Host::V4(ip) => (short(ip.octets()), HostKind::V4),
            Host::V6(ip) => (ip.octets(), HostKind::V6),
            Host::Name(_) => (short(name_number.to_ne_bytes()), HostKind::Name),
        };
        Self { host, port: address.port(), kind }
    }

    fn first_four(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.host;
        [a, b, c, d]
    }

    /// The number of the host's name, if the host is one.
    pub(in crate::table) fn name_number(&self) -> Option<u32> {
        (self.kind == HostKind::Name).then(|| u32::from_ne_bytes(self.first_four()))
    }

    pub(in crate::table) fn address(&self, names: &Texts) -> PeerAddress {
        let host = match self.kind {
            HostKind::V4 => Host::V4(Ipv4Addr::from(self.first_four())),
            HostKind::V6 => Host::V6(Ipv6Addr::from(self.host)),
            HostKind::Name => Host::Name(names.text(u32::from_ne_bytes(self.first_four()))),
        };
        PeerAddress::from_canonical(host, self.port)
    }

    /// Which network the address is of.
    pub(in crate::table) fn network(&self, names: &Texts) -> Networks {
        match self.kind {
            HostKind::V4 => Networks::IPV4,
            HostKind::V6 => Networks::IPV6,
            HostKind::Name => Networks::of_name(names.get(u32::from_ne_bytes(self.first_four()))),
        }
    }

    /// The network that the address counts as. The text of a name is read only if it matters.
    pub(super) fn netgroup(&self, policy: &GroupingPolicy, names: &Texts) -> Netgroup {
        match self.kind {
            HostKind::V4 => policy.of_v4(self.first_four(), self.port),
            HostKind::V6 => policy.of_v6(self.host, self.port),
            HostKind::Name => {
                let number = u32::from_ne_bytes(self.first_four());
                policy.of_name(number, || names.get(number), self.port)
            }
        }
    }

    /// A hash that only who knows the hasher's secret can foresee.
    pub(super) fn hash(&self, hasher: SipHash) -> u64 {
        let tail = u64::from(self.port) | (self.kind as u64) << 16;
        // Without the bytes that are always zero.
        if self.kind == HostKind::V6 {
            let halves = [self.host.first_chunk(), self.host.last_chunk()];
            let [low, high] = halves.map(|half| half.copied().map_or(0, u64::from_le_bytes));
            hasher.hash([low, high, tail | 19 << 56])
        } else {
            hasher.hash([u64::from(u32::from_le_bytes(self.first_four())) | tail << 32 | 7 << 56])
        }
    }
}

/// The neighbours of a slot in a list that runs through the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) struct Links {
    pub(in crate::table) previous: u32,
    pub(in crate::table) next: u32,
}

impl Links {
    /// The links of a slot that is in no list.
    const NONE: Self = Self { previous: NO_SLOT, next: NO_SLOT };
}

/// A peer's record in fixed size, and a few flags: what a snapshot copies.
#[derive(Clone, Copy, Debug)]
pub(in crate::table) struct Compact {
    /// An `i64` in bytes, so that the entry need not be a multiple of eight.
    next_attempt: [u8; 8],
    host: [u8; 16],
    num_failures: u32,
    port: u16,
    kind: HostKind,
    /// The type in the low bits, and what the constants below say.
    flags: u8,
}

/// The entry of a slot.
///
/// Only the owner changes what is known about the peer. Some indexes keep a few bytes of their own here, next to what they
/// read, which saves a cache miss: `pool_position` is the pools', `links` is the wheel's, three flags are the dirty set's.
#[derive(Clone, Copy, Debug)]
pub(in crate::table) struct Entry {
    compact: Compact,
    /// The lower, the more senior: the peer became what it is before those with higher ones.
    rank: u32,
    pub(in crate::table) pool_position: u32,
    pub(in crate::table) links: Links,
}

/// The address is private, or counts as private by the table's [`Reach`](crate::Reach).
const PRIVATE: u8 = 0x80;
/// The peer is dirty: changed in memory, not yet in the file.
const DIRTY: u8 = 0x40;
/// The file has a row of this peer, or will have one once the changes that were taken last are written.
const ON_FILE: u8 = 0x20;
/// The peer is among the waiting ones.
const WAITING: u8 = 0x10;
/// The peer takes a new row when it is written: it is new, or became outbound or preferred.
const TAKES_ROW: u8 = 0x08;
/// The bits of the type.
const TYPE: u8 = 0x03;

impl Compact {
    /// No peer's.
    pub(in crate::table) const EMPTY: Self =
        Self { next_attempt: [0; 8], host: [0; 16], num_failures: 0, port: 0, kind: HostKind::V4, flags: 0 };

    fn key(&self) -> Key {
        Key { host: self.host, port: self.port, kind: self.kind }
    }

    fn next_attempt(&self) -> i64 {
        i64::from_ne_bytes(self.next_attempt)
    }

    fn peer_type(&self) -> StoredPeerType {
        match self.flags & TYPE {
            0 => StoredPeerType::Inbound,
            1 => StoredPeerType::Outbound,
            _ => StoredPeerType::Preferred,
        }
    }

    pub(in crate::table) fn record(&self, names: &Texts) -> PeerRecord {
        PeerRecord {
            address: self.key().address(names),
            next_attempt: self.next_attempt(),
            num_failures: self.num_failures,
            peer_type: self.peer_type(),
        }
    }
}

impl Entry {
    pub(super) fn new(key: Key, record: &PeerRecord, rank: u32) -> Self {
        let compact = Compact {
            next_attempt: record.next_attempt.to_ne_bytes(),
            host: key.host,
            num_failures: record.num_failures,
            port: key.port,
            kind: key.kind,
            flags: record.peer_type as u8,
        };
        Self { compact, rank, pool_position: 0, links: Links::NONE }
    }

    /// Replaces what may change about a peer; its address may not.
    pub(super) fn assign(&mut self, record: &PeerRecord) {
        let compact = &mut self.compact;
        compact.next_attempt = record.next_attempt.to_ne_bytes();
        compact.num_failures = record.num_failures;
        compact.flags = compact.flags & !TYPE | record.peer_type as u8;
    }

    /// Replaces the number of the peer's name, if it has one, with its new number, which `numbers` has at the old one.
    pub(super) fn renumber(&mut self, numbers: &[u32]) {
        if let Some(number) = self.key().name_number() {
            self.compact.host[..4].copy_from_slice(&numbers[number as usize].to_ne_bytes());
        }
    }

    pub(in crate::table) fn compact(&self) -> Compact {
        self.compact
    }

    pub(in crate::table) fn key(&self) -> Key {
        self.compact.key()
    }

    pub(in crate::table) fn next_attempt(&self) -> i64 {
        self.compact.next_attempt()
    }

    pub(in crate::table) fn num_failures(&self) -> u32 {
        self.compact.num_failures
    }

    pub(in crate::table) fn peer_type(&self) -> StoredPeerType {
        self.compact.peer_type()
    }

    pub(in crate::table) fn record(&self, names: &Texts) -> PeerRecord {
        self.compact.record(names)
    }

    /// The lower, the more senior.
    pub(in crate::table) fn rank(&self) -> u32 {
        self.rank
    }

    pub(super) fn set_rank(&mut self, rank: u32) {
        self.rank = rank;
    }

    pub(in crate::table) fn is_private(&self) -> bool {
        self.has(PRIVATE)
    }

    pub(super) fn set_private(&mut self, is_private: bool) {
        self.set(PRIVATE, is_private);
    }

    /// Which of the pools of its pair the peer is in: that of the due ones, or that of the waiting ones.
    pub(in crate::table) fn attempt(&self) -> Attempt {
        if self.has(WAITING) { Attempt::Waiting } else { Attempt::Due }
    }

    /// Puts the peer among the due ones, or among the waiting ones.
    pub(super) fn set_attempt(&mut self, attempt: Attempt) {
        self.set(WAITING, attempt == Attempt::Waiting);
    }

    /// The pool that the peer is in.
    pub(in crate::table) fn pool(&self) -> usize {
        let facet = facet::facet(self.peer_type(), self.attempt(), self.is_private());
        facet::pool(facet, self.num_failures())
    }

    pub(in crate::table) fn is_dirty(&self) -> bool {
        self.has(DIRTY)
    }

    pub(in crate::table) fn set_dirty(&mut self, is_dirty: bool) {
        self.set(DIRTY, is_dirty);
    }

    pub(in crate::table) fn is_on_file(&self) -> bool {
        self.has(ON_FILE)
    }

    pub(in crate::table) fn set_on_file(&mut self, is_on_file: bool) {
        self.set(ON_FILE, is_on_file);
    }

    pub(in crate::table) fn takes_row(&self) -> bool {
        self.has(TAKES_ROW)
    }

    pub(in crate::table) fn set_takes_row(&mut self, takes_row: bool) {
        self.set(TAKES_ROW, takes_row);
    }

    fn has(&self, flag: u8) -> bool {
        self.compact.flags & flag != 0
    }

    fn set(&mut self, flag: u8, value: bool) {
        let flags = &mut self.compact.flags;
        *flags = if value { *flags | flag } else { *flags & !flag };
    }
}

const _: () = assert!(size_of::<Compact>() == 32, "a peer costs 32 bytes in a snapshot");
const _: () = assert!(size_of::<Entry>() == 48, "a peer costs 48 bytes in the slab");
