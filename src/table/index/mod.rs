//! The indexes: everything that leads to a slot of the slab, and follows the changes of the slab.
//!
//! To add one: a file here whose type implements [`Index`], its `mod` line, and its line in the list below.

mod data;
mod dirty;
mod history;
pub(super) mod interface;
mod keys;
mod netgroups;
mod pools;
mod wheel;

use super::owner::slab::{Peer, Slab, State};
use crate::memory;
use interface::{Cause, Index, Needs};

pub(super) use data::PeerData;
pub(crate) use netgroups::NetgroupCount;
pub(super) use netgroups::{Grouping, NetgroupLists};
pub(super) use pools::Pools;
pub(super) use wheel::Wheel;

/// Declares the indexes, and makes them one that passes each change on to all.
macro_rules! indexes {
    ($($(#[$comment:meta])* $index:ident: $of_type:ty,)*) => {
        /// Each index once. All of them together are an index as well.
        #[derive(Debug)]
        pub(super) struct Indexes {
            $($(#[$comment])* pub(super) $index: $of_type,)*
        }

        impl Indexes {
            /// The indexes of an empty slab.
            pub(super) fn new() -> Self {
                Self { $($index: <$of_type>::new(),)* }
            }
        }

        impl Index for Indexes {
            fn inserted(&mut self, slab: &mut Slab, peer: Peer) {
                $(self.$index.inserted(slab, peer);)*
            }

            fn updated(&mut self, slab: &mut Slab, slot: u32, before: State, after: State) {
                $(self.$index.updated(slab, slot, before, after);)*
            }

            fn advanced(&mut self, slab: &mut Slab, slot: u32, from: usize, to: usize) {
                $(self.$index.advanced(slab, slot, from, to);)*
            }

            fn removed(&mut self, slab: &mut Slab, peer: Peer) {
                $(self.$index.removed(slab, peer);)*
            }

            fn moved(&mut self, slab: &mut Slab, from: u32, peer: Peer) {
                $(self.$index.moved(slab, from, peer);)*
            }

            fn dropped(&mut self, slab: &Slab, slot: u32) {
                $(self.$index.dropped(slab, slot);)*
            }

            fn rebuild(&mut self, slab: &mut Slab, cause: Cause) {
                $(self.$index.rebuild(slab, cause);)*
            }

            fn renumbered(&mut self, slab: &Slab, numbers: &[u32]) {
                $(self.$index.renumbered(slab, numbers);)*
            }

            fn clear(&mut self) {
                $(self.$index.clear();)*
            }

            fn fit(&mut self, slab: &mut Slab) {
                $(self.$index.fit(slab);)*
            }

            fn has_room(&self, slab: &Slab, needs: &Needs<'_>) -> bool {
                true $(&& self.$index.has_room(slab, needs))*
            }

            fn reserve(&mut self, slab: &Slab, needs: &Needs<'_>) -> memory::Result {
                $(self.$index.reserve(slab, needs)?;)*
                Ok(())
            }

            fn looked_up(&self, slab: &Slab, slot: u32) {
                $(self.$index.looked_up(slab, slot);)*
            }

            fn prefetch(&self, slot: u32) {
                $(self.$index.prefetch(slot);)*
            }

            fn check(&self, slab: &Slab) -> Result<(), String> {
                $(self.$index.check(slab)?;)*
                Ok(())
            }
        }
    };
}

indexes! {
    /// From an address to its slot.
    keys: keys::Keys,
    /// The pools that queries draw from.
    pools: Pools,
    /// When each peer becomes due.
    wheel: Wheel,
    /// The peers of each netgroup.
    netgroups: netgroups::Netgroups,
    /// When they were heard of and reached.
    histories: history::Histories,
    /// The application's data of those that have some.
    data: PeerData,
    /// The dirty set.
    dirty: dirty::Dirty,
}
