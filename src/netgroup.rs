//! The network that an address counts as. An attacker has few networks, while addresses cost next to nothing.
//!
//! This is the only place that computes it. The bounds, draws by netgroup and the shared list all ask here. A [`Netgroup`]
//! is a value that can be compared; the [`GroupingPolicy`] of a table makes one of an address.
//!
//! A policy goes through these in order, and the first that applies decides:
//!
//! 1. An IPv6 address that wraps an IPv4 address counts as that one: one host in six spellings is one netgroup.
//! 2. Where private addresses are the network itself ([`Reach::Private`]), each of them with its port is one netgroup.
//! 3. Where there is a map to autonomous systems ([`asmap`](crate::asmap)), IP addresses of one system count as one.
//! 4. Names go by [`NameGroups`], IP addresses by prefix.

use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::address::{Host, PeerAddress, Scope, wrapped_v4};
use crate::asmap::AsMap;
use crate::reach::Reach;

/// How names are counted as netgroups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum NameGroups {
    /// Each name is a netgroup of its own.
    #[default]
    Each,
    /// All DNS names are one netgroup, and `.onion` and `.i2p` are sixteen each, by the first four bits of the key: for a node
    /// in whose network names cost next to nothing.
    ByKey,
}

/// A network that counts as one: its kind in the first byte, and its number there in the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Netgroup(u64);

/// The identity of a netgroup. The numbers of two kinds have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// The first two bytes of an IPv4 address.
    V4,
    /// The first four bytes of an IPv6 address.
    V6,
    /// The first 36 bits of an IPv6 address.
    V6Long,
    /// The number of a name.
    Name,
    /// What many names have in common: [`group_of`] each.
    Names,
    /// A private IPv4 address and a port.
    OwnV4,
    /// The hash of a private IPv6 address and a port.
    OwnV6,
    /// The number of a private name, and a port.
    OwnName,
    /// The number of an autonomous system.
    As,
}

/// The bits of a number.
const NUMBER_BITS: u32 = 56;

impl Netgroup {
    /// How many IPv4 netgroups there are.
    pub(crate) const V4_COUNT: usize = 1 << 16;

    fn new(kind: Kind, number: u64) -> Self {
        Self(u64::from(kind as u8) << NUMBER_BITS | number & ((1 << NUMBER_BITS) - 1))
    }

    fn number_of(self, kind: Kind) -> Option<u64> {
        let number = self.0 & ((1 << NUMBER_BITS) - 1);
        (self.0 >> NUMBER_BITS == u64::from(kind as u8)).then_some(number)
    }

    /// The number of an IPv4 netgroup, below [`V4_COUNT`](Self::V4_COUNT).
    #[expect(clippy::cast_possible_truncation, reason = "it was made of as many bits")]
    pub(crate) fn v4_number(self) -> Option<u16> {
        self.number_of(Kind::V4).map(|number| number as u16)
    }

    /// The number of an IPv6 netgroup of 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "it was made of as many bits")]
    pub(crate) fn v6_number(self) -> Option<u32> {
        self.number_of(Kind::V6).map(|number| number as u32)
    }

    /// The number of the name, if the netgroup is that of one name.
    #[expect(clippy::cast_possible_truncation, reason = "it was made of as many bits")]
    pub(crate) fn name_number(self) -> Option<u32> {
        self.number_of(Kind::Name)
            .or_else(|| self.number_of(Kind::OwnName).map(|number| number >> 16))
            .map(|number| number as u32)
    }

    /// The same netgroup after names were given new numbers: `numbers` has, at each old number, the new one.
    pub(crate) fn renumbered(self, numbers: &[u32]) -> Self {
        let Some(old) = self.name_number() else { return self };
        let new = u64::from(numbers[old as usize]);
        match self.number_of(Kind::OwnName) {
            Some(number) => Self::new(Kind::OwnName, new << 16 | number & 0xffff),
            None => Self::new(Kind::Name, new),
        }
    }

    /// A number that no other netgroup has.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Hash for Netgroup {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// What the names of a group have in common, where names are counted [by key](NameGroups::ByKey).
fn group_of(name: &str) -> u64 {
    const ONION: u64 = 0x10;
    const I2P: u64 = 0x20;
    match name.rsplit_once('.') {
        Some((rest, "onion")) => ONION | first_bits(last_label(rest)),
        Some((rest, "i2p")) => I2P | first_bits(last_label(rest.strip_suffix(".b32").unwrap_or(rest))),
        _ => 0,
    }
}

fn last_label(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The first four bits of a key in base32 (RFC 4648, in lower case); zeros for text that is not a key.
fn first_bits(key: &str) -> u64 {
    let digit = match key.bytes().next() {
        Some(byte @ b'a'..=b'z') => byte - b'a',
        Some(byte @ b'2'..=b'7') => byte - b'2' + 26,
        _ => 0,
    };
    u64::from(digit >> 1)
}

/// How a table counts addresses as netgroups.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupingPolicy {
    names: NameGroups,
    reach: Reach,
    /// The autonomous systems of IP addresses, if they count.
    asmap: Option<Arc<AsMap>>,
    /// Keyed, because the addresses come from strangers.
    hasher: RandomState,
}

impl GroupingPolicy {
    pub(crate) fn new(names: NameGroups, reach: Reach) -> Self {
        Self { names, reach, asmap: None, hasher: RandomState::new() }
    }

    /// The same policy, except for the IP addresses that a map knows.
    pub(crate) fn with_asmap(self, asmap: Option<AsMap>) -> Self {
        Self { asmap: asmap.map(Arc::new), ..self }
    }

    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether each name is a netgroup, whatever the port, and no netgroup has two names.
    pub(crate) fn is_each_name_one(&self) -> bool {
        self.names == NameGroups::Each && self.reach != Reach::Private
    }

    /// The netgroup of an IPv4 address.
    pub(crate) fn of_v4(&self, ip: [u8; 4], port: u16) -> Netgroup {
        let [a, b, c, d] = ip.map(u64::from);
        if self.reach == Reach::Private && Scope::of_v4(ip) == Scope::Private {
            let bits = a << 24 | b << 16 | c << 8 | d;
            return Netgroup::new(Kind::OwnV4, bits << 16 | u64::from(port));
        }
        if let Some(system) = self.system(|| Ipv4Addr::from(ip).to_ipv6_mapped().octets()) {
            return system;
        }
        Netgroup::new(Kind::V4, a << 8 | b)
    }

    /// The netgroup of an IPv6 address.
    pub(crate) fn of_v6(&self, ip: [u8; 16], port: u16) -> Netgroup {
        if let Some(ip) = wrapped_v4(ip) {
            return self.of_v4(ip, port);
        }
        if self.reach == Reach::Private && Scope::of_v6(ip) == Scope::Private {
            return Netgroup::new(Kind::OwnV6, self.hasher.hash_one((ip, port)));
        }
        if let Some(system) = self.system(|| ip) {
            return system;
        }
        let [a, b, c, d, fifth, ..] = ip;
        let first = u32::from_be_bytes([a, b, c, d]);
        if first == TUNNEL_BROKER {
            return Netgroup::new(Kind::V6Long, u64::from(first) << 4 | u64::from(fifth >> 4));
        }
        Netgroup::new(Kind::V6, first.into())
    }

    /// The netgroup of an IP address whose autonomous system is known.
    fn system(&self, ip: impl FnOnce() -> [u8; 16]) -> Option<Netgroup> {
        let asn = self.asmap.as_ref()?.lookup(ip())?;
        Some(Netgroup::new(Kind::As, asn.into()))
    }

    /// The netgroup of a name, which the caller has given a number that no other name has. Its text is asked for only if it
    /// matters.
    pub(crate) fn of_name<'a>(&self, number: u32, text: impl FnOnce() -> &'a str, port: u16) -> Netgroup {
        if self.is_each_name_one() {
            return Netgroup::new(Kind::Name, number.into());
        }
        let text = text();
        if self.reach == Reach::Private && Scope::of_name(text) == Scope::Private {
            return Netgroup::new(Kind::OwnName, u64::from(number) << 16 | u64::from(port));
        }
        match self.names {
            NameGroups::Each => Netgroup::new(Kind::Name, number.into()),
            NameGroups::ByKey => Netgroup::new(Kind::Names, group_of(text)),
        }
    }

    /// A number that two addresses have in common exactly if they are of one netgroup, in the table or not.
    pub(crate) fn number_of(&self, address: &PeerAddress) -> u64 {
        /// A bit that no kind uses.
        const OF_A_NAME: u64 = 1 << 63;
        let port = address.port();
        match address.host() {
            Host::V4(ip) => self.of_v4(ip.octets(), port).number(),
            Host::V6(ip) => self.of_v6(ip.octets(), port).number(),
            Host::Name(name) => {
                // Names have numbers in the table only, so those that count alone go by their text.
                let netgroup = self.of_name(0, || name, port);
                if netgroup.name_number().is_some() {
                    OF_A_NAME | self.hasher.hash_one((&**name, netgroup.number()))
                } else {
                    netgroup.number()
                }
            }
        }
    }
}

/// `2001:470::/32`, from which Hurricane Electric lends tunnels to anyone who asks: it counts by /36.
const TUNNEL_BROKER: u32 = 0x2001_0470;

#[cfg(test)]
mod tests {
    use super::*;

    fn policies() -> Vec<GroupingPolicy> {
        let names = [NameGroups::Each, NameGroups::ByKey];
        let reaches = [Reach::Specification, Reach::Public, Reach::Private];
        let each = |names| reaches.into_iter().map(move |reach| GroupingPolicy::new(names, reach));
        names.into_iter().flat_map(each).collect()
    }

    #[test]
    fn an_ipv4_address_counts_as_its_first_two_bytes() {
        for policy in policies() {
            let of = |ip| policy.of_v4(ip, 1);
            assert_eq!(of([9, 1, 2, 3]), policy.of_v4([9, 1, 255, 0], 2));
            assert_ne!(of([9, 1, 2, 3]), of([9, 2, 2, 3]));
            assert_eq!(of([9, 1, 2, 3]).v4_number(), Some(0x0901));
        }
    }

    #[test]
    fn an_ipv6_address_counts_as_its_first_four_bytes() {
        for policy in policies() {
            let of = |fourth: u8, fifth: u8| {
                let mut ip = [0; 16];
                (ip[0], ip[3], ip[4]) = (0x2a, fourth, fifth);
                policy.of_v6(ip, 1)
            };
            assert_eq!(of(1, 0), of(1, 9));
            assert_ne!(of(1, 0), of(2, 0));
            assert_eq!((of(1, 0).v4_number(), of(1, 0).v6_number()), (None, Some(0x2a00_0001)));
        }
    }

    #[test]
    fn the_kinds_of_hosts_never_share_a_netgroup() {
        for policy in policies() {
            let same = [10, 1, 0, 0];
            let mut ip = [0; 16];
            ip[..4].copy_from_slice(&same);
            let name = policy.of_name(u32::from_be_bytes(same), || "nas.local", 1);
            let all = [policy.of_v4(same, 1), policy.of_v6(ip, 1), name];
            assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "{policy:?}");
        }
    }

    #[test]
    fn keys_make_sixteen_groups_and_dns_names_one() {
        let policy = GroupingPolicy::new(NameGroups::ByKey, Reach::Specification);
        let of = |name: &str| policy.of_name(7, || name, 1);
        let firsts = "abcdefghijklmnopqrstuvwxyz234567".chars();
        for form in [|c| format!("{c}xyz.onion"), |c| format!("{c}xyz.b32.i2p"), |c| format!("{c}xyz.i2p")] {
            let groups: Vec<_> = firsts.clone().map(|first| of(&form(first)).number()).collect();
            let distinct: std::collections::BTreeSet<_> = groups.iter().collect();
            assert_eq!(distinct.len(), 16);
            assert!(groups.chunks(2).all(|pair| pair[0] == pair[1]), "four of five bits count");
        }
        assert_eq!(of("www.sub.axyz.onion"), of("axyz.onion"), "the key is the last label before the end");
        assert_eq!(of("x.bxyz.b32.i2p"), of("axyz.i2p"));
        assert_ne!(of("axyz.onion"), of("axyz.i2p"));
        for dns in ["example.org", "onion", "i2p", "onion.example", "localhost"] {
            assert_eq!(of(dns), of("example.net"), "{dns}");
        }
        assert_ne!(of("axyz.onion"), of("example.org"));
        assert_ne!(of("axyz.i2p"), of("example.org"));
    }

    #[test]
    fn a_name_keeps_its_netgroup_when_it_is_given_another_number() {
        let numbers = [3, 0, 1, 2];
        for policy in policies() {
            for (number, new) in (0..).zip(numbers) {
                for name in ["example.org", "localhost", "axyz.onion"] {
                    let of = |number| policy.of_name(number, || name, 9);
                    assert_eq!(of(number).renumbered(&numbers), of(new), "{policy:?}");
                }
            }
            assert_eq!(policy.of_v4([0, 0, 0, 1], 1).renumbered(&[]), policy.of_v4([0, 0, 0, 1], 1));
        }
    }

    #[test]
    fn where_private_addresses_are_the_network_each_with_its_port_is_one() {
        let policy = GroupingPolicy::new(NameGroups::ByKey, Reach::Private);
        let (mapped, local) = ([0x20, 2, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], || "nas.local");
        let mut v6 = [0; 16];
        (v6[0], v6[15]) = (0xfd, 1);
        let mut other = v6;
        other[15] = 2;
        let all = [
            policy.of_v4([10, 0, 0, 1], 1),
            policy.of_v4([10, 0, 0, 1], 2),
            policy.of_v4([10, 0, 0, 2], 1),
            policy.of_v6(v6, 1),
            policy.of_v6(v6, 2),
            policy.of_v6(other, 1),
            policy.of_name(1, local, 1),
            policy.of_name(1, local, 2),
            policy.of_name(2, local, 1),
            policy.of_v4([9, 0, 0, 1], 1),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(policy.of_v6(mapped, 1), all[0], "it wraps the same host");
        assert_eq!(policy.of_v4([9, 0, 0, 1], 1), policy.of_v4([9, 0, 9, 9], 7), "public ones count as ever");
        let named = policy.of_name(5, || "example.org", 1);
        assert_eq!(named, policy.of_name(6, || "example.net", 2));
    }
}
