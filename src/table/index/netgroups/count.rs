//! How many netgroups have peers, where who is in each is not kept: what is linear in the peers is a look at each of them,
//! and putting them in order can wait until the table is unlocked.

use std::collections::HashSet;

use crate::memory;
use crate::netgroup::Netgroup;
use crate::sort::sort;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct NetgroupCount {
    known: usize,
    /// Whether each IPv4 netgroup was seen; nothing before the first.
    v4: Vec<bool>,
    /// The IPv6 netgroup of each peer that has one of 32 bits.
    v6: Vec<u32>,
    /// The netgroups of other kinds.
    others: HashSet<Netgroup>,
}

impl NetgroupCount {
    /// So many netgroups, and those that are seen.
    pub(super) fn known(known: usize) -> Self {
        Self { known, v4: Vec::new(), v6: Vec::new(), others: HashSet::new() }
    }

    /// Notes a peer's netgroup, unless that is a name's and those are counted already.
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

    /// How many different ones there are.
    pub(crate) fn finish(mut self) -> usize {
        sort(&mut self.v6, &mut |a, b| a.cmp(&b));
        self.v6.dedup();
        let v4 = self.v4.iter().filter(|&&is_seen| is_seen).count();
        self.known + v4 + self.v6.len() + self.others.len()
    }
}
