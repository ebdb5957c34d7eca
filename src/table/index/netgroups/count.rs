//! How many netgroups have peers, where the peers of each are not kept. Looking at every peer is linear in the table, so it is
//! done in parts between which the table is unlocked; sorting what was seen can wait until then.
//!
//! The last slots are looked at first. A peer that moves to the slot of one that is removed comes from the end of the table, so
//! it is seen again rather than missed.

use std::collections::HashSet;
use std::ops::Range;

use crate::memory;
use crate::netgroup::Netgroup;
use crate::sort::sort;
use crate::table::slot::slot_number;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct NetgroupCount {
    known: usize,
    /// How many of the first slots are still to be looked at.
    left: usize,
    /// How often the names had been renumbered, because the netgroups of names are known by numbers.
    renumberings: u64,
    /// Whether each IPv4 netgroup was seen; nothing before the first.
    v4: Vec<bool>,
    /// The IPv6 netgroup of each peer that has one of 32 bits.
    v6: Vec<u32>,
    /// The netgroups of other kinds.
    others: HashSet<Netgroup>,
}

impl NetgroupCount {
    /// For a table with this many peers, none of which has been looked at yet.
    pub(in crate::table) fn of_table(peers: usize) -> Self {
        Self {
            known: 0,
            left: peers,
            renumberings: 0,
            v4: Vec::new(),
            v6: Vec::new(),
            others: HashSet::new(),
        }
    }

    /// This many netgroups.
    pub(super) fn known(known: usize) -> Self {
        Self { known, ..Self::of_table(0) }
    }

    /// Begins anew, with a table of this many peers, if the names have been renumbered. That is rare.
    pub(super) fn begin_anew_if_renumbered(&mut self, renumberings: u64, peers: usize) {
        if self.renumberings != renumberings {
            *self = Self { renumberings, ..Self::of_table(peers) };
        }
    }

    /// Replaces the number of netgroups that need not be seen.
    pub(super) fn set_known(&mut self, known: usize) {
        self.known = known;
    }

    /// Whether all peers were looked at.
    pub(crate) fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// The slots to look at next, of a table with this many peers.
    pub(super) fn next_slots(&mut self, peers: usize, at_most: u32) -> Range<u32> {
        let end = self.left.min(peers);
        self.left = end.saturating_sub(at_most as usize);
        slot_number(self.left)..slot_number(end)
    }

    /// Records a peer's netgroup, unless that is a name's and those are counted already.
    pub(super) fn see(&mut self, netgroup: Netgroup, are_names_counted: bool) -> memory::Result {
        if let Some(number) = netgroup.v4_number() {
            if self.v4.is_empty() {
                self.v4 = memory::filled(false, Netgroup::V4_COUNT)?;
            }
            self.v4[usize::from(number)] = true;
        } else if let Some(number) = netgroup.v6_number() {
            memory::push(&mut self.v6, number)?;
        } else if !are_names_counted || netgroup.name_number().is_none() {
            memory::insert(&mut self.others, netgroup)?;
        }
        Ok(())
    }

    /// How many different netgroups there are.
    pub(crate) fn finish(mut self) -> usize {
        sort(&mut self.v6, &mut |a, b| a.cmp(&b));
        self.v6.dedup();
        let v4 = self.v4.iter().filter(|&&is_seen| is_seen).count();
        self.known + v4 + self.v6.len() + self.others.len()
    }
}
