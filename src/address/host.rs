//! A host and its canonical text, which is written without the formatting machinery of the standard library, because
//! each address that a query answers is written out once.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use super::parse::parse_host;
use crate::error::Error;

/// The length of the longest host as text, and one byte for the NUL that C ends it with.
pub const HOST_CAPACITY: usize = 254;

/// The host of a [`PeerAddress`](super::PeerAddress), in canonical form.
// With this layout each kind of host begins where a word does. Otherwise an IPv4 address would begin in the second byte, and to
// copy one right after it was written, the processor would wait until it is in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address that is not an IPv4-mapped one.
    V6(Ipv6Addr),
    /// A DNS-style name, lower case, without a trailing dot, 1 to 253 characters.
    Name(Arc<str>),
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => ip.into(),
            IpAddr::V6(ip) => ip.into(),
        }
    }
}

impl From<Ipv4Addr> for Host {
    fn from(ip: Ipv4Addr) -> Self {
        Self::V4(ip)
    }
}

/// An IPv4-mapped address becomes that IPv4 address.
impl From<Ipv6Addr> for Host {
    fn from(ip: Ipv6Addr) -> Self {
        ip.to_ipv4_mapped().map_or(Self::V6(ip), Self::V4)
    }
}

impl FromStr for Host {
    type Err = Error;

    /// Parses a host in any spelling, IPv6 without brackets; fails with [`Error::InvalidAddress`].
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_host(text).map_err(|reason| Error::invalid_address(text, reason))
    }
}

impl fmt::Display for Host {
    /// The canonical text, IPv6 without brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(HostText::of(self).as_str())
    }
}

/// A host's canonical text in a buffer of its own.
pub(crate) struct HostText {
    bytes: [u8; HOST_CAPACITY],
    len: usize,
}

impl HostText {
    pub(crate) fn of(host: &Host) -> Self {
        let mut bytes = [0; HOST_CAPACITY];
        let len = write_host(host, &mut bytes);
        Self { bytes, len }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

/// Writes a host's canonical text to the beginning of a buffer of [`HOST_CAPACITY`] zeros, and returns its length.
pub(crate) fn write_host(host: &Host, buffer: &mut [u8]) -> usize {
    let mut writer = Writer { buffer, len: 0 };
    match host {
        Host::V4(ip) => writer.push_v4(*ip),
        Host::V6(ip) => writer.push_v6(*ip),
        Host::Name(name) => writer.push_all(name.as_bytes()),
    }
    writer.len
}

struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl Writer<'_> {
    fn push_all(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(place) = self.buffer.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
            self.len = end;
        }
    }

    fn push_v4(&mut self, ip: Ipv4Addr) {
        for octet in ip.octets() {
            let text = &OCTETS[usize::from(octet)];
            if let Some(place) = self.buffer.get_mut(self.len..self.len + text.len()) {
                place.copy_from_slice(text);
            }
            self.len += 2 + usize::from(octet >= 10) + usize::from(octet >= 100);
        }
        // The table's texts end in dots and are padded with them.
        self.len -= 1;
        if let Some(rest) = self.buffer.get_mut(self.len..self.len + OCTETS[0].len()) {
            rest.fill(0);
        }
    }

    /// RFC 5952, section 4: lower case, no leading zeros, and the first of the longest runs of two or more zero
    /// groups as `::`.
    fn push_v6(&mut self, ip: Ipv6Addr) {
        let groups = ip.segments();
        let (start, end) = longest_zero_run(&groups);
        groups[..start].iter().for_each(|&group| self.push_group(group));
        if start < end {
            self.push_all(if start == 0 { b"::" } else { b":" });
        }
        groups[end..].iter().for_each(|&group| self.push_group(group));
        if end < groups.len() || start == end {
            // No group follows the last colon.
            self.len -= 1;
            if let Some(colon) = self.buffer.get_mut(self.len) {
                *colon = 0;
            }
        }
    }

    /// A group and a colon. Eight bytes are written: what follows the colon is zeros, which the next group overwrites.
    fn push_group(&mut self, group: u16) {
        let [high, low] = group.to_be_bytes().map(|byte| HEXADECIMAL[usize::from(byte)]);
        let zeros = group.leading_zeros().min(12) / 4;
        let digits = (u32::from(high) << 16 | u32::from(low)) << (8 * zeros);
        let text = u64::from(digits) << 32 | u64::from(b':') << (24 + 8 * zeros);
        if let Some(place) = self.buffer.get_mut(self.len..self.len + 8) {
            place.copy_from_slice(&text.to_be_bytes());
        }
        self.len += 5 - zeros as usize;
    }
}

/// Each byte as two digits, the first one in the upper byte.
static HEXADECIMAL: [u16; 256] = hexadecimal();

const fn hexadecimal() -> [u16; 256] {
    let (mut texts, mut byte) = ([0; 256], 0);
    while byte < texts.len() {
        let digits = b"0123456789abcdef";
        texts[byte] = u16::from_be_bytes([digits[byte >> 4], digits[byte & 0xf]]);
        byte += 1;
    }
    texts
}

/// Each octet as text with a dot after it.
static OCTETS: [[u8; 4]; 256] = octets();

const fn octets() -> [[u8; 4]; 256] {
    let mut octets = [[b'.'; 4]; 256];
    let mut octet = 0;
    while octet < octets.len() {
        let digits = [b"012"[octet / 100], b"0123456789"[octet / 10 % 10], b"0123456789"[octet % 10]];
        let mut digit = if octet >= 100 {
            0
        } else if octet >= 10 {
            1
        } else {
            2
        };
        let mut len = 0;
        while digit < digits.len() {
            octets[octet][len] = digits[digit];
            len += 1;
            digit += 1;
        }
        octet += 1;
    }
    octets
}

/// The run as a range; where there is none, one after all groups.
fn longest_zero_run(groups: &[u16; 8]) -> (usize, usize) {
    let zeros = (0..8).fold(0_u32, |zeros, index| zeros | (u32::from(groups[index] == 0) << index));
    // A bit for each position at which a run of two begins, then of three, and so on while there are any.
    let (mut starts, mut len) = (zeros & (zeros >> 1), 2);
    if starts == 0 {
        return (groups.len(), groups.len());
    }
    while starts & (zeros >> len) != 0 {
        starts &= zeros >> len;
        len += 1;
    }
    let start = starts.trailing_zeros() as usize;
    (start, start + len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// Zero often, so that runs of zeros of all lengths occur.
    fn group() -> impl Strategy<Value = u16> {
        prop_oneof![Just(0), 0_u16..300, any::<u16>()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn ipv4_text_is_the_standard_library_s(bits: u32) {
            let ip = Ipv4Addr::from(bits);
            let text = HostText::of(&Host::V4(ip));
            prop_assert_eq!(text.as_str(), ip.to_string());
        }

        #[test]
        fn ipv6_text_is_the_standard_library_s(groups in prop::array::uniform8(group())) {
            let ip = Ipv6Addr::from(groups);
            // The standard library writes IPv4-mapped addresses in mixed notation; they are `Host::V4` here.
            prop_assume!(ip.to_ipv4_mapped().is_none());
            let text = HostText::of(&Host::V6(ip));
            prop_assert_eq!(text.as_str(), ip.to_string());
        }
    }

    #[test]
    fn the_longest_name_fits_and_leaves_room_for_a_nul() {
        let name = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(61));
        let text = HostText::of(&Host::Name(name.as_str().into()));
        assert_eq!((name.len(), text.as_str()), (HOST_CAPACITY - 1, name.as_str()));
    }
}
