//! The peer in a row of the table.

use rusqlite::types::ValueRef;

use super::layout::Layout;
use crate::address::{PeerAddress, parse_canonical_host};
use crate::peer::{PeerRecord, StoredPeerType};

/// The peer in a row, if it is one.
pub(super) fn peer_from_row(layout: Layout, columns: [ValueRef<'_>; 5]) -> Option<PeerRecord> {
    let [
        ValueRef::Text(ip),
        ValueRef::Integer(port),
        next_attempt,
        ValueRef::Integer(num_failures),
        ValueRef::Integer(peer_type),
    ] = columns
    else {
        return None;
    };
    Some(PeerRecord {
        address: key_from_row(ip, port).filter(|address| layout.holds(address))?,
        next_attempt: layout.next_attempt(next_attempt)?,
        num_failures: u32::try_from(num_failures).ok()?,
        peer_type: StoredPeerType::from_number(peer_type)?,
    })
}

/// The address that is the key of a row, if it is one.
pub(super) fn key_from_row(ip: &[u8], port: i64) -> Option<PeerAddress> {
    // A host in another spelling would get a second row at its first change.
    let host = parse_canonical_host(ip)?;
    let port = u16::try_from(port).ok().filter(|&port| port != 0)?;
    Some(PeerAddress::from_canonical(host, port))
}
