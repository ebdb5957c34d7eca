//! Which peers a node can have at all: those of the Internet, those of a network of its own, or both as the specification
//! has it.

use crate::address::PeerAddress;

/// Where the peers of a node are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Reach {
    /// Everything is stored and drawn, and [private](PeerAddress::is_private) addresses are never told to others.
    #[default]
    Specification,
    /// On the Internet: gossip ([`ensure_exists`](crate::PeerManager::ensure_exists)) of an address that is new and not
    /// [routable](PeerAddress::is_routable) is refused with [`Error::Refused`](crate::Error::Refused), or, in a batch, left out
    /// and counted. If such an address gets into the table in another way (it is stored, updated, imported or in the file), it
    /// is drawn only as a preferred peer, and never told to others.
    Public,
    /// On one machine, in a LAN, in containers, in a test network: private addresses are told to others like any address,
    /// and a private address with its port is a netgroup of its own.
    Private,
}

impl Reach {
    /// Whether an address belongs in the private facets, whose peers are not told to others.
    pub(crate) fn hides(self, address: &PeerAddress) -> bool {
        match self {
            Self::Specification => address.is_private(),
            Self::Public => !address.is_routable(),
            Self::Private => false,
        }
    }

    /// Whether gossip of an address that is new is refused.
    pub(crate) fn refuses_gossip_of(self, address: &PeerAddress) -> bool {
        self == Self::Public && self.hides(address)
    }
}
