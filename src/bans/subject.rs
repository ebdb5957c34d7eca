//! The subject of a ban: a host, or all hosts of a prefix.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use crate::address::{Host, HostText, PeerAddress, parse_host, wrapped_v4};
use crate::error::Error;

/// The subject of a ban: a host, such as `203.0.113.7`, `2001:db8::1` or `example.org`, on all of its ports; or a prefix, such as
/// `203.0.113.0/24` or `2001:db8::/32`, with all hosts in it.
///
/// It is canonical from the moment it is parsed: the bits after the prefix are zeros, a prefix with one host is that host, and
/// an IPv4-mapped prefix is IPv4. An IPv6 address that wraps an IPv4 address (6to4, Teredo's client, NAT64, IPv4-translated)
/// counts as that IPv4 host, here as for netgroups: a host that is banned in one spelling is banned in all, and an IPv4 prefix
/// contains the addresses that wrap one of its hosts. An IPv6 prefix is taken by its own bits: `2002::/16` contains all of
/// 6to4, but `203.0.113.7` is not in it. A name contains itself and no subdomain; names are never resolved.
///
/// ```
/// use peer_manager::BanSubject;
///
/// let subject = |text: &str| text.parse::<BanSubject>();
/// assert_eq!(subject("203.0.113.7/24")?.to_string(), "203.0.113.0/24");
/// assert_eq!(subject("2001:DB8::1/128")?, subject("2001:db8::1")?);
/// assert_eq!(subject("64:ff9b::203.0.113.7")?, subject("203.0.113.7")?);
/// assert!(subject("203.0.113.0/24")?.contains(&"203.0.113.7:11625".parse()?));
/// assert!(subject("example.org/24").is_err());
/// # Ok::<(), peer_manager::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BanSubject(pub(super) Subject);

/// Prefixes of IPv4 come first, then those of IPv6, then names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Subject {
    V4(Prefix<u32>),
    V6(Prefix<u128>),
    Name(Arc<str>),
}

/// The bits of a network, with zeros after the prefix, and the prefix's length.
pub(super) type Prefix<B> = (B, u8);

/// The length of a prefix that is one IPv4 host.
pub(super) const V4_BITS: u8 = 32;
/// The same for IPv6.
pub(super) const V6_BITS: u8 = 128;
/// An IPv4-mapped address has this many bits before the IPv4 address.
const MAPPED_BITS: u8 = V6_BITS - V4_BITS;

fn v4(ip: Ipv4Addr, len: u8) -> Subject {
    let mask = u32::MAX.checked_shl(u32::from(V4_BITS - len)).unwrap_or(0);
    Subject::V4((ip.to_bits() & mask, len))
}

fn v6(ip: Ipv6Addr, len: u8) -> Subject {
    if let Some(wrapped) = wrapped_v4(ip.octets()).filter(|_| len == V6_BITS) {
        return v4(wrapped.into(), V4_BITS);
    }
    let mask = u128::MAX.checked_shl(u32::from(V6_BITS - len)).unwrap_or(0);
    Subject::V6((ip.to_bits() & mask, len))
}

impl BanSubject {
    /// Whether a ban of this subject covers the address.
    #[must_use]
    pub fn contains(&self, address: &PeerAddress) -> bool {
        match (&self.0, address.host()) {
            (Subject::V4(prefix), Host::V4(ip)) => v4(*ip, prefix.1) == self.0,
            (Subject::V4(prefix), Host::V6(ip)) => {
                wrapped_v4(ip.octets()).is_some_and(|ip| v4(ip.into(), prefix.1) == self.0)
            }
            (Subject::V6(prefix), Host::V6(ip)) => v6(*ip, prefix.1) == self.0,
            (Subject::Name(name), Host::Name(other)) => name == other,
            _ => false,
        }
    }

    /// The subject with this text, if it is its canonical form.
    pub(crate) fn parse_canonical(text: &str) -> Option<Self> {
        parse(text).ok().map(Self).filter(|subject| subject.to_string() == text)
    }
}

/// The host on all of its ports.
impl From<&Host> for BanSubject {
    fn from(host: &Host) -> Self {
        Self(match host {
            Host::V4(ip) => v4(*ip, V4_BITS),
            Host::V6(ip) => v6(*ip, V6_BITS),
            Host::Name(name) => Subject::Name(Arc::clone(name)),
        })
    }
}

impl FromStr for BanSubject {
    type Err = Error;

    /// Fails with [`Error::InvalidSubject`].
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map(Self).map_err(|reason| Error::InvalidSubject { text: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<Subject, &'static str> {
    let Some((network, length)) = text.split_once('/') else {
        return parse_host(text).map(|host| BanSubject::from(&host).0);
    };
    match parse_host(network)? {
        Host::V4(ip) if network.contains(':') => {
            const REASON: &str = "the length of an IPv4-mapped prefix is a number from 96 to 128";
            let length = parse_length(length, V6_BITS).ok_or(REASON)?;
            Ok(v4(ip, length.checked_sub(MAPPED_BITS).ok_or(REASON)?))
        }
        Host::V4(ip) => parse_length(length, V4_BITS)
            .map(|length| v4(ip, length))
            .ok_or("the length of an IPv4 prefix is a number from 0 to 32"),
        Host::V6(ip) => parse_length(length, V6_BITS)
            .map(|length| v6(ip, length))
            .ok_or("the length of an IPv6 prefix is a number from 0 to 128"),
        Host::Name(_) => Err("only an IP address has a prefix"),
    }
}

/// Digits and nothing else, without leading zeros.
fn parse_length(text: &str, most: u8) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|&length| is_plain && length <= most)
}

impl fmt::Display for BanSubject {
    /// The canonical text, which is parsed to the same subject; a prefix that is one host is written without its length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = |f: &mut fmt::Formatter<'_>, host, len, bits| {
            let text = HostText::of(&host);
            if len == bits { f.write_str(text.as_str()) } else { write!(f, "{}/{len}", text.as_str()) }
        };
        match &self.0 {
            &Subject::V4((bits, len)) => prefix(f, Host::V4(Ipv4Addr::from_bits(bits)), len, V4_BITS),
            &Subject::V6((bits, len)) => prefix(f, Host::V6(Ipv6Addr::from_bits(bits)), len, V6_BITS),
            Subject::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Result<String, &'static str> {
        parse(text).map(|subject| BanSubject(subject).to_string())
    }

    #[test]
    fn every_spelling_becomes_the_canonical_one() {
        for (text, canonical) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/32", "203.0.113.7"),
            ("203.0.113.7/31", "203.0.113.6/31"),
            ("203.0.113.7/0", "0.0.0.0/0"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7/120", "203.0.113.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("2001:db8:ffff::1/33", "2001:db8:8000::/33"),
            ("2001:db8::1/0", "::/0"),
            ("2002:cb00:7107::1", "203.0.113.7"),
            ("2002:cb00:7107::1/128", "203.0.113.7"),
            ("64:ff9b::203.0.113.7", "203.0.113.7"),
            ("2002:cb00:7107::1/48", "2002:cb00:7107::/48"),
            ("64:ff9b::/96", "64:ff9b::/96"),
            ("Example.ORG.", "example.org"),
        ] {
            assert_eq!(text_of(text).as_deref(), Ok(canonical), "{text}");
            assert_eq!(text_of(canonical).as_deref(), Ok(canonical), "{canonical}");
            assert_eq!(BanSubject::parse_canonical(text).is_some(), text == canonical, "{text}");
        }
    }

    #[test]
    fn what_is_neither_a_host_nor_a_prefix_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "the host is empty"),
            ("/24", "the host is empty"),
            ("203.0.113.0/", "the length of an IPv4 prefix is a number from 0 to 32"),
            ("203.0.113.0/33", "the length of an IPv4 prefix is a number from 0 to 32"),
            ("203.0.113.0/08", "the length of an IPv4 prefix is a number from 0 to 32"),
            ("203.0.113.0/+8", "the length of an IPv4 prefix is a number from 0 to 32"),
            ("203.0.113.0/8/8", "the length of an IPv4 prefix is a number from 0 to 32"),
            ("203.0.113.0/256", "the length of an IPv4 prefix is a number from 0 to 32"),
            ("203.0.113.0/255.255.255.0", "the length of an IPv4 prefix is a number from 0 to 32"),
            ("2001:db8::/129", "the length of an IPv6 prefix is a number from 0 to 128"),
            ("2001:db8::/ 8", "the length of an IPv6 prefix is a number from 0 to 128"),
            ("::ffff:203.0.113.0/95", "the length of an IPv4-mapped prefix is a number from 96 to 128"),
            ("::ffff:203.0.113.0/129", "the length of an IPv4-mapped prefix is a number from 96 to 128"),
            ("example.org/24", "only an IP address has a prefix"),
            ("203.0.113/24", "it ends in a number like an IPv4 address, but is not one"),
            ("203.0.113.7:11625", "here a host has neither brackets nor a port"),
            ("[2001:db8::]/32", "here a host has neither brackets nor a port"),
        ] {
            assert_eq!(text_of(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn a_subject_has_the_hosts_that_it_says_on_all_ports() {
        for (subject, inside, outside) in [
            ("203.0.113.7", "203.0.113.7", "203.0.113.6"),
            ("203.0.113.0/25", "203.0.113.127", "203.0.113.128"),
            ("203.0.113.0/25", "2002:cb00:7101::9", "2002:cb00:7181::9"),
            ("203.0.113.7", "64:ff9b::203.0.113.7", "64:ff9b::203.0.113.8"),
            // Teredo's client, with every bit inverted.
            ("203.0.113.7", "2001:0:1:2:3:4:34ff:8ef8", "2001:0:cb00:7107:3:4:34ff:8ef7"),
            ("0.0.0.0/0", "255.1.2.3", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("::/0", "2002:cb00:7107::1", "203.0.113.7"),
            ("2002::/16", "2002:cb00:7107::1", "203.0.113.7"),
            ("example.org", "Example.org", "www.example.org"),
        ] {
            let subject: BanSubject = subject.parse().expect("a subject");
            for port in [1, 65_535] {
                let address = |host| PeerAddress::new(host, port).expect("an address");
                assert!(subject.contains(&address(inside)), "{subject} {inside}");
                assert!(!subject.contains(&address(outside)), "{subject} {outside}");
            }
            let host = PeerAddress::new(inside, 1).expect("an address");
            assert!(BanSubject::from(host.host()).contains(&host), "{inside}");
        }
    }
}
