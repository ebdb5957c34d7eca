//! The peers in memory: every query is answered here.
//!
//! - The [owner] holds the slab, an array of peers without gaps, and is the only one that changes it: insert, update,
//!   remove, clear, load, advance. A *slot* is an index into the slab.
//! - The [indexes](index) lead to slots, and the owner passes each change to them: from an address to its slot, the pools that queries
//!   draw from, the wheel of next attempts, the peers of each netgroup, the dirty set. None knows another.
//! - [Drawing](draw), the [census] and the [snapshot] only read.
//! - [Eviction](eviction) plans on a table that stays as it is; the owner applies the plan.
//!
//! The table has an as-of time: peers whose next attempt is reached by then are due, the others wait.
//! [`PeerTable::advance`] moves it, in either direction, and where many peers become due or waiting at once, in parts.

mod blocks;
mod bounds;
mod census;
mod counts;
mod draw;
mod ends;
mod eviction;
mod facet;
mod hash_index;
mod index;
mod invariants;
mod number_map;
mod owner;
mod slot;
mod snapshot;

pub(crate) use bounds::{Bounds, Full};
pub(crate) use draw::{Addresses, Listed};
pub(crate) use hash_index::Table as KeyTable;
pub(crate) use owner::{GROUP, Inserts, PeerTable};
pub(crate) use snapshot::Room;
pub use snapshot::Snapshot;
