//! What a netgroup is, and what is private.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::asmap;
use peer_manager::{Host, NameGroups, PeerAddress, Reach};

/// The options that say which peers a node has, and which of them belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) reach: Reach,
    pub(crate) names: NameGroups,
    /// Whether there is the AS map [`asmap::few`].
    pub(crate) has_asmap: bool,
}

/// The netgroup of an address under the options' defaults.
pub(crate) fn netgroup(address: &PeerAddress) -> String {
    Policy::default().netgroup(address)
}

impl Policy {
    /// An autonomous system, an IPv4 /16, an IPv6 /32 or /36, a name or its group, whatever the port; or a private address with
    /// its port.
    pub(crate) fn netgroup(self, address: &PeerAddress) -> String {
        let host = unwrapped(address.host());
        if self.reach == Reach::Private && scope(&host) == Private {
            return format!("own {host} {}", address.port());
        }
        if let Some(asn) =
            bits(&host).filter(|_| self.has_asmap).and_then(|ip| asmap::asn_of(&asmap::few(), ip))
        {
            return format!("AS {asn}");
        }
        match &host {
            Host::V4(ip) => format!("v4 {:?}", &ip.octets()[..2]),
            Host::V6(ip) if ip.segments()[..2] == [0x2001, 0x470] => {
                format!("v6 2001:470:{:x}", ip.segments()[2] >> 12)
            }
            Host::V6(ip) => format!("v6 {:?}", &ip.octets()[..4]),
            Host::Name(name) if self.names == NameGroups::Each => format!("name {name}"),
            Host::Name(name) => group_of_name(name),
        }
    }

    /// Whether an address is not told to others.
    pub(crate) fn hides(self, address: &PeerAddress) -> bool {
        match self.reach {
            Reach::Specification => scope(address.host()) == Private,
            Reach::Public => scope(address.host()) != Public,
            Reach::Private => false,
        }
    }

    /// Whether an inbound or outbound peer with this address is not even drawn, and gossip of it is refused.
    pub(crate) fn refuses(self, address: &PeerAddress) -> bool {
        self.reach == Reach::Public && self.hides(address)
    }
}

/// The bit of the network of an address, as C numbers them.
pub(crate) fn network(address: &PeerAddress) -> u32 {
    match address.host() {
        Host::V4(_) => 1,
        Host::V6(_) => 2,
        Host::Name(name) if name.ends_with(".onion") => 4,
        Host::Name(name) if name.ends_with(".i2p") => 8,
        Host::Name(_) => 16,
    }
}

/// An IP address as an AS map takes it.
pub(crate) fn bits(host: &Host) -> Option<u128> {
    match unwrapped(host) {
        Host::V4(ip) => Some(ip.to_ipv6_mapped().to_bits()),
        Host::V6(ip) => Some(ip.to_bits()),
        Host::Name(_) => None,
    }
}

fn group_of_name(name: &str) -> String {
    const BASE32: &str = "abcdefghijklmnopqrstuvwxyz234567";
    let mut labels: Vec<&str> = name.split('.').collect();
    let zone = labels.pop().unwrap();
    if zone == "i2p" && labels.len() > 1 && labels.last() == Some(&"b32") {
        labels.pop();
    }
    match (zone, labels.pop()) {
        ("onion" | "i2p", Some(key)) => {
            let digit = BASE32.find(&key[..1]).unwrap_or(0);
            format!("{zone} {}", digit / 2)
        }
        _ => "all names of the DNS".to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Private,
    Reserved,
    Public,
}

use Scope::{Private, Public, Reserved};

/// The networks as they are written down: an address, a number of leading bits, and what it is. The longest one counts.
const V4: [(Ipv4Addr, u32, Scope); 17] = [
    (Ipv4Addr::UNSPECIFIED, 8, Private),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Private),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Private),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Private),
    (Ipv4Addr::new(192, 0, 0, 9), 32, Public),
    (Ipv4Addr::new(192, 0, 0, 10), 32, Public),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Reserved),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Private),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Reserved),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Reserved),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Private),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Private),
];
const V6: [(&str, u32, Scope); 18] = [
    ("::", 96, Private),
    ("64:ff9b:1::", 48, Private),
    ("100::", 64, Reserved),
    ("2001::", 23, Reserved),
    ("2001:1::1", 128, Public),
    ("2001:1::2", 128, Public),
    ("2001:1::3", 128, Public),
    ("2001:3::", 32, Public),
    ("2001:4:112::", 48, Public),
    ("2001:20::", 28, Public),
    ("2001:30::", 28, Public),
    ("2001:db8::", 32, Reserved),
    ("3fff::", 20, Reserved),
    ("5f00::", 16, Reserved),
    ("fc00::", 7, Private),
    ("fe80::", 10, Private),
    ("fec0::", 10, Private),
    ("ff00::", 8, Private),
];

/// What the registries make of a host.
pub(crate) fn scope(host: &Host) -> Scope {
    match unwrapped(host) {
        Host::V4(ip) => {
            let is_in = |(net, bits, _): &&(Ipv4Addr, u32, Scope)| {
                (ip.to_bits() ^ net.to_bits()).leading_zeros() >= *bits
            };
            V4.iter().filter(is_in).max_by_key(|(_, bits, _)| *bits).map_or(Public, |(.., scope)| *scope)
        }
        Host::V6(ip) => {
            let is_in = |(net, bits, _): &&(&str, u32, Scope)| {
                let net: Ipv6Addr = net.parse().unwrap();
                (ip.to_bits() ^ net.to_bits()).leading_zeros() >= *bits
            };
            V6.iter().filter(is_in).max_by_key(|(_, bits, _)| *bits).map_or(Public, |(.., scope)| *scope)
        }
        Host::Name(name) => {
            let ends_in = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
            if *name == *"localhost" || ends_in(&[".localhost", ".local", ".internal", ".home.arpa"]) {
                Private
            } else if ends_in(&[".test", ".example", ".invalid"]) {
                Reserved
            } else {
                Public
            }
        }
    }
}

/// The IPv4 address in NAT64, 6to4, IPv4-translated and Teredo addresses; other hosts as they are.
pub(super) fn unwrapped(host: &Host) -> Host {
    let Host::V6(ip) = host else { return host.clone() };
    let ipv4 = |high: u16, low: u16| Host::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x2002, high, low, ..] => ipv4(high, low),
        [0x2001, 0, .., high, low] => ipv4(!high, !low),
        _ => host.clone(),
    }
}
