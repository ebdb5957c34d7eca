//! For each pool, the netgroups that have it as the lowest of a facet: the lists from which a netgroup is drawn.

use crate::memory::{self, give_back};
use crate::table::ends::Ends;
use crate::table::facet::POOLS;
use crate::table::slot::slot_number;

/// See the [module](self).
#[derive(Debug)]
pub(in crate::table) struct NetgroupLists {
    lists: Vec<Vec<u32>>,
    /// Where each list ends.
    ends: Ends,
}

impl NetgroupLists {
    pub(super) fn new() -> memory::Result<Self> {
        Ok(Self { lists: memory::filled(Vec::new(), POOLS)?, ends: Ends::NONE })
    }

    /// Where each list ends.
    pub(in crate::table) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// The netgroups listed for a pool.
    pub(in crate::table) fn of(&self, pool: usize) -> &[u32] {
        &self.lists[pool]
    }

    /// Adds a netgroup to the list of a pool, and returns its position there.
    pub(super) fn push(&mut self, pool: usize, netgroup: u32) -> memory::Result<u32> {
        let list = &mut self.lists[pool];
        memory::push(list, netgroup)?;
        self.ends.add(pool);
        Ok(slot_number(list.len() - 1))
    }

    /// Removes the netgroup at a position. Returns the one that fills the gap, if there is one.
    pub(super) fn swap_remove(&mut self, pool: usize, position: u32) -> Option<u32> {
        let list = &mut self.lists[pool];
        list.swap_remove(position as usize);
        give_back(list);
        self.ends.subtract(pool);
        list.get(position as usize).copied()
    }

    /// Removes all and gives the memory back.
    pub(super) fn clear(&mut self) {
        // Not with `fill`, which would keep the memory of each.
        for list in &mut self.lists {
            *list = Vec::new();
        }
        self.ends = Ends::NONE;
    }

    /// Whether it is known where each list ends.
    pub(super) fn is_consistent(&self) -> bool {
        let mut ends = Ends::NONE;
        for (pool, list) in self.iter() {
            for _ in list {
                ends.add(pool);
            }
        }
        self.ends == ends
    }

    /// Every list, with its pool.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[u32])> {
        self.lists.iter().map(Vec::as_slice).enumerate()
    }
}
