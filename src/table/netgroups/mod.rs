//! Network groups: what an attacker has few of, while addresses cost next to nothing.
//!
//! How many peers each group has is always known ([`Counts`]). Who they are is noted ([`Members`]) only for a table that
//! is bounded or was asked to draw by group, because that costs memory and a few steps a change.

mod counts;
mod group;
mod least;
mod members;

pub(super) use counts::Counts;
pub(super) use members::Members;

use super::entry::HostKind;

/// A network group: an IPv4 /16, an IPv6 /32, and each name one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Netgroup {
    pub(super) kind: HostKind,
    /// The network, or the number of the name.
    pub(super) prefix: [u8; 4],
}
