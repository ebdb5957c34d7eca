//! One peer as the table holds it: 44 bytes, whatever the kind of its host.

use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::names::Texts;
use super::netgroups::Netgroup;
use super::wheel::Links;
use crate::address::{Host, PeerAddress};
use crate::peer::{PeerRecord, StoredPeerType};

/// How the sixteen bytes of a [`Key`]'s host are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum HostKind {
    /// An IPv4 address in the first four bytes.
    V4,
    /// An IPv6 address.
    V6,
    /// A number given by [`Names`](super::names::Names) in the first four bytes.
    Name,
}

/// An address in fixed size: what the index compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    host: [u8; 16],
    port: u16,
    kind: HostKind,
}

impl Key {
    /// The key of an address whose name, if it has one, has the given number.
    pub(super) fn of(address: &PeerAddress, name_number: u32) -> Self {
        let mut host = [0; 16];
        let kind = match address.host() {
            Host::V4(ip) => {
                host[..4].copy_from_slice(&ip.octets());
                HostKind::V4
            }
            Host::V6(ip) => {
                host = ip.octets();
                HostKind::V6
            }
            Host::Name(_) => {
                host[..4].copy_from_slice(&name_number.to_ne_bytes());
                HostKind::Name
            }
        };
        Self { host, port: address.port(), kind }
    }

    fn first_four(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.host;
        [a, b, c, d]
    }

    /// The number of the host's name, if the host is one.
    pub(super) fn name_number(&self) -> Option<u32> {
        (self.kind == HostKind::Name).then(|| u32::from_ne_bytes(self.first_four()))
    }

    pub(super) fn address(&self, names: &Texts) -> PeerAddress {
        let host = match self.kind {
            HostKind::V4 => Host::V4(Ipv4Addr::from(self.first_four())),
            HostKind::V6 => Host::V6(Ipv6Addr::from(self.host)),
            HostKind::Name => Host::Name(names.text(u32::from_ne_bytes(self.first_four()))),
        };
        PeerAddress::from_canonical(host, self.port)
    }

    /// The network group: an IPv4 /16, an IPv6 /32, each name one of its own.
    pub(super) fn netgroup(&self) -> Netgroup {
        let [a, b, ..] = self.host;
        let prefix = match self.kind {
            HostKind::V4 => [a, b, 0, 0],
            HostKind::V6 | HostKind::Name => self.first_four(),
        };
        Netgroup { kind: self.kind, prefix }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // In one piece, which the hasher takes faster than several, and without the bytes that are always zero.
        let [a, b, c, d] = self.first_four();
        let [high, low] = self.port.to_be_bytes();
        let head = [a, b, c, d, high, low, self.kind as u8, 0];
        if self.kind == HostKind::V6 {
            let mut bytes = [0; 20];
            bytes[..8].copy_from_slice(&head);
            bytes[8..].copy_from_slice(&self.host[4..]);
            state.write(&bytes);
        } else {
            state.write(&head);
        }
    }
}

/// A slot of the slab. Its pool follows from its fields and from the time at which the table is split,
/// so only the place in the pool and the neighbours in the wheel are stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// An `i64` in bytes, so that the entry need not be a multiple of eight.
    next_attempt: [u8; 8],
    host: [u8; 16],
    pub(super) num_failures: u32,
    pub(super) pool_position: u32,
    pub(super) links: Links,
    port: u16,
    kind: HostKind,
    /// The type in the low bits, and what the constants below say.
    flags: u8,
}

/// The address is private.
const PRIVATE: u8 = 0x80;
/// The entry is another than the file has.
const CHANGED: u8 = 0x40;
/// The file has a row of this peer, or will have when what was taken to be written is.
const ON_FILE: u8 = 0x20;
/// Where the type is.
const TYPE: u8 = 0x03;

impl Entry {
    pub(super) fn new(key: Key, record: &PeerRecord) -> Self {
        let private = if record.address.is_private() { PRIVATE } else { 0 };
        Self {
            next_attempt: record.next_attempt.to_ne_bytes(),
            host: key.host,
            num_failures: record.num_failures,
            pool_position: 0,
            links: Links::NONE,
            port: key.port,
            kind: key.kind,
            flags: private | record.peer_type as u8,
        }
    }

    /// Takes over what can change about a peer; its address cannot.
    pub(super) fn assign(&mut self, record: &PeerRecord) {
        self.next_attempt = record.next_attempt.to_ne_bytes();
        self.num_failures = record.num_failures;
        self.flags = self.flags & !TYPE | record.peer_type as u8;
    }

    /// Takes over the new number of its name, if it has one.
    pub(super) fn renumber(&mut self, numbers: &[u32]) {
        if let Some(number) = self.key().name_number() {
            self.host[..4].copy_from_slice(&numbers[number as usize].to_ne_bytes());
        }
    }

    pub(super) fn key(&self) -> Key {
        Key { host: self.host, port: self.port, kind: self.kind }
    }

    pub(super) fn next_attempt(&self) -> i64 {
        i64::from_ne_bytes(self.next_attempt)
    }

    pub(super) fn is_private(&self) -> bool {
        self.flags & PRIVATE != 0
    }

    pub(super) fn is_changed(&self) -> bool {
        self.flags & CHANGED != 0
    }

    pub(super) fn set_changed(&mut self, is_changed: bool) {
        self.set(CHANGED, is_changed);
    }

    pub(super) fn is_on_file(&self) -> bool {
        self.flags & ON_FILE != 0
    }

    pub(super) fn set_on_file(&mut self, is_on_file: bool) {
        self.set(ON_FILE, is_on_file);
    }

    fn set(&mut self, flag: u8, value: bool) {
        self.flags = if value { self.flags | flag } else { self.flags & !flag };
    }

    pub(super) fn peer_type(&self) -> StoredPeerType {
        match self.flags & TYPE {
            0 => StoredPeerType::Inbound,
            1 => StoredPeerType::Outbound,
            _ => StoredPeerType::Preferred,
        }
    }

    pub(super) fn record(&self, names: &Texts) -> PeerRecord {
        PeerRecord {
            address: self.key().address(names),
            next_attempt: self.next_attempt(),
            num_failures: self.num_failures,
            peer_type: self.peer_type(),
        }
    }
}

const _: () = assert!(size_of::<Entry>() == 44, "a peer costs 44 bytes in the slab");
