//! Network groups: what an attacker has few of, while addresses cost next to nothing.
//!
//! How many peers each group has is always known. Who they are is noted only for a table that is bounded or was asked to
//! draw by group, because that costs memory and a few steps a change.

mod counts;
mod group;
mod least;
mod members;

use counts::Counts;
pub(super) use members::Members;

use super::entry::{HostKind, Key};
use super::names::Names;

/// A network group: an IPv4 /16, an IPv6 /32, and each name one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Netgroup {
    pub(super) kind: HostKind,
    /// The network, or the number of the name.
    pub(super) prefix: [u8; 4],
}

/// What is known of the groups of a table.
#[derive(Debug)]
pub(super) enum Netgroups {
    /// How many peers each has.
    Counted(Counts),
    /// Who they are.
    Noted(Members),
}

impl Netgroups {
    /// Of a table without peers.
    pub(super) fn new(are_noted: bool) -> Self {
        if are_noted { Self::Noted(Members::with_capacity(0)) } else { Self::Counted(Counts::default()) }
    }

    pub(super) fn members(&self) -> Option<&Members> {
        match self {
            Self::Noted(members) => Some(members),
            Self::Counted(_) => None,
        }
    }

    /// Counts one peer more, where they are only counted.
    pub(super) fn count(&mut self, key: Key) {
        if let Self::Counted(counts) = self {
            counts.add(key);
        }
    }

    /// Counts one peer less, where they are only counted.
    pub(super) fn discount(&mut self, key: Key) {
        if let Self::Counted(counts) = self {
            counts.remove(key);
        }
    }

    /// How many peers a group has. Cost: constant.
    pub(super) fn peers_of(&self, netgroup: Netgroup, names: &Names) -> u32 {
        match self {
            Self::Noted(members) => members.peers_of(netgroup),
            Self::Counted(counts) => counts.of(netgroup, names),
        }
    }

    /// How many groups have peers. Cost: constant.
    pub(super) fn len(&self, names: &Names) -> usize {
        match self {
            Self::Noted(members) => members.groups(),
            Self::Counted(counts) => counts.groups(names),
        }
    }
}
