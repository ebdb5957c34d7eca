//! What a netgroup is.

use peer_manager::{Host, PeerAddress};

/// An IPv4 /16, an IPv6 /32, or a name, whatever the port.
pub(crate) fn netgroup(address: &PeerAddress) -> String {
    match address.host() {
        Host::V4(ip) => format!("v4 {:?}", &ip.octets()[..2]),
        Host::V6(ip) => format!("v6 {:?}", &ip.octets()[..4]),
        Host::Name(name) => format!("name {name}"),
    }
}
