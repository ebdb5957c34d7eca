//! Network groups: what an attacker has few of, while addresses cost next to nothing.
//!
//! Who is in each is noted only for a table that is bounded or was asked to draw by group, because that costs memory and a
//! few steps a change.

mod group;
mod least;
mod members;

use std::collections::HashSet;

pub(super) use members::Members;

use super::entry::{HostKind, Key};
use crate::memory;

/// A network group: an IPv4 /16, an IPv6 /32, and each name one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Netgroup {
    pub(super) kind: HostKind,
    /// The network, or the number of the name.
    pub(super) prefix: [u8; 4],
}

/// How many groups have peers with these keys. Cost: linear in the peers.
pub(super) fn count(keys: impl Iterator<Item = Key>) -> memory::Result<usize> {
    // There are 65,536 IPv4 groups, and most peers have an IPv4 address.
    let (mut has_peers, mut others) = (memory::filled(false, 1 << 16)?, HashSet::new());
    for Netgroup { kind, prefix } in keys.map(|key| key.netgroup()) {
        if kind == HostKind::V4 {
            has_peers[usize::from(u16::from_be_bytes([prefix[0], prefix[1]]))] = true;
        } else {
            memory::insert(&mut others, (kind, prefix))?;
        }
    }
    Ok(has_peers.into_iter().filter(|&has_peers| has_peers).count() + others.len())
}
