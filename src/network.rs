//! The networks that addresses belong to, by the form of their hosts.

use std::ops::BitOr;

use crate::address::{Host, PeerAddress};

/// A set of networks, made of the constants here with `|`.
///
/// ```
/// use peer_manager::Networks;
///
/// let clearnet = Networks::IPV4 | Networks::IPV6;
/// assert!(clearnet.contain(&"192.0.2.1:8333".parse()?));
/// assert!(!clearnet.contain(&"example.onion:8333".parse()?));
/// # Ok::<(), peer_manager::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Networks(u32);

impl Networks {
    /// IPv4 addresses.
    pub const IPV4: Self = Self(1);
    /// IPv6 addresses, including those that wrap an IPv4 address.
    pub const IPV6: Self = Self(2);
    /// Tor's onion services: names that end in `.onion`.
    pub const ONION: Self = Self(4);
    /// I2P's destinations: names that end in `.i2p`.
    pub const I2P: Self = Self(8);
    /// All other names.
    pub const NAME: Self = Self(16);
    /// All networks.
    pub const ALL: Self = Self(31);

    /// The set with these bits, the numbers that C has for the constants; `None` if there are other bits. 0 stands for all.
    #[must_use]
    pub fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            0 => Some(Self::ALL),
            bits if bits & !Self::ALL.0 == 0 => Some(Self(bits)),
            _ => None,
        }
    }

    /// The numbers that C has for these networks, added up.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The network of an address.
    #[must_use]
    pub fn of(address: &PeerAddress) -> Self {
        match address.host() {
            Host::V4(_) => Self::IPV4,
            Host::V6(_) => Self::IPV6,
            Host::Name(name) => Self::of_name(name),
        }
    }

    /// The network of a name in canonical form.
    pub(crate) fn of_name(name: &str) -> Self {
        match name.rsplit_once('.') {
            Some((_, "onion")) => Self::ONION,
            Some((_, "i2p")) => Self::I2P,
            _ => Self::NAME,
        }
    }

    /// Whether an address is of one of these networks.
    #[must_use]
    pub fn contain(self, address: &PeerAddress) -> bool {
        self.intersects(Self::of(address))
    }

    pub(crate) fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Networks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_of_one_network() {
        let cases = [
            ("1.2.3.4:1", Networks::IPV4),
            ("[::ffff:1.2.3.4]:1", Networks::IPV4),
            ("[2001:db8::1]:1", Networks::IPV6),
            ("[64:ff9b::102:304]:1", Networks::IPV6),
            ("A.Onion:1", Networks::ONION),
            ("b32.i2p:1", Networks::I2P),
            ("onion:1", Networks::NAME),
            ("i2p.example.org:1", Networks::NAME),
        ];
        for (text, network) in cases {
            let address = text.parse().expect("an address");
            assert_eq!(Networks::of(&address), network, "{text}");
            for bits in 0..32 {
                let networks = Networks::from_bits(bits).expect("known bits");
                let is_in = bits == 0 || bits & network.bits() != 0;
                assert_eq!(networks.contain(&address), is_in, "{text} in {bits}");
            }
        }
        assert_eq!(Networks::from_bits(32), None);
        assert_eq!(Networks::from_bits(33), None);
    }
}
