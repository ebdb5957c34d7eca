//! The peers of one network group, by pool.
//!
//! Most groups have few peers, which are looked through; those of a large one are kept by pool, so that the peers in some
//! pools can be counted and drawn from at a cost that does not depend on how many there are.
//!
//! A group that finds no memory for a change is not to be used any more.

use smallvec::SmallVec;

use super::Netgroup;
use crate::memory::{self, give_back};
use crate::table::pools::{CLASSES, POOLS};
use crate::table::slot_number;

/// A group with more peers than this is kept by pool, until it has half as many.
const FEW: usize = 32;

/// One group.
#[derive(Debug)]
#[repr(align(64))] // in one line of the cache
pub(super) struct Group {
    pub(super) netgroup: Netgroup,
    peers: Peers,
    /// For each facet with peers, in order, the place in the list of its least pool.
    pub(super) listed_at: SmallVec<[u32; 4]>,
}

#[derive(Debug)]
enum Peers {
    Few(SmallVec<[Member; 2]>),
    /// In cells that are sorted by pool; none of them is empty.
    Many {
        len: u32,
        cells: Vec<Cell>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Member {
    slot: u32,
    pool: u16,
}

/// The peers of a large group in one pool.
#[derive(Debug)]
struct Cell {
    pool: u16,
    slots: Vec<u32>,
}

impl Group {
    pub(super) fn new(netgroup: Netgroup) -> Self {
        Self { netgroup, peers: Peers::Few(SmallVec::new()), listed_at: SmallVec::new() }
    }

    /// How many peers there are.
    pub(super) fn len(&self) -> u32 {
        match &self.peers {
            Peers::Few(members) => slot_number(members.len()),
            Peers::Many { len, .. } => *len,
        }
    }

    /// The peers, in pieces that are each of one pool.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let (few, many) = match &self.peers {
            Peers::Few(members) => (&members[..], &[][..]),
            Peers::Many { cells, .. } => (&[][..], &cells[..]),
        };
        let few = few.iter().map(|member| (usize::from(member.pool), std::slice::from_ref(&member.slot)));
        few.chain(many.iter().map(|cell| (usize::from(cell.pool), &cell.slots[..])))
    }

    /// Adds a slot, and tells each slot whose position changes its new one. Cost: constant, amortised.
    pub(super) fn add(
        &mut self,
        slot: u32,
        pool: usize,
        set_position: &mut impl FnMut(u32, u32),
    ) -> memory::Result {
        match &mut self.peers {
            Peers::Few(members) => {
                set_position(slot, slot_number(members.len()));
                members.try_reserve(1)?;
                members.push(Member { slot, pool: pool_number(pool) });
                if members.len() > FEW {
                    let members = std::mem::take(members);
                    self.peers = Peers::Many { len: 0, cells: Vec::new() };
                    return members
                        .iter()
                        .try_for_each(|m| self.add(m.slot, usize::from(m.pool), set_position));
                }
            }
            Peers::Many { len, cells } => {
                *len += 1;
                cells.try_reserve(1)?;
                let cell = find(cells, pool).unwrap_or_else(|cell| {
                    cells.insert(cell, Cell { pool: pool_number(pool), slots: Vec::new() });
                    cell
                });
                let slots = &mut cells[cell].slots;
                set_position(slot, slot_number(slots.len()));
                memory::push(slots, slot)?;
            }
        }
        Ok(())
    }

    /// Takes the slot out that is at a position in a pool, and tells each slot whose position changes its new one. Cost:
    /// constant, amortised.
    pub(super) fn take(
        &mut self,
        position: u32,
        pool: usize,
        set_position: &mut impl FnMut(u32, u32),
    ) -> memory::Result {
        match &mut self.peers {
            Peers::Few(members) => {
                members.swap_remove(position as usize);
                if let Some(moved) = members.get(position as usize) {
                    set_position(moved.slot, position);
                }
                if members.spilled() && members.len() <= members.capacity() / 4 {
                    members.shrink_to_fit();
                }
                return Ok(());
            }
            Peers::Many { len, cells } => {
                let Ok(cell) = find(cells, pool) else { return Ok(()) };
                *len -= 1;
                let slots = &mut cells[cell].slots;
                slots.swap_remove(position as usize);
                if let Some(&moved) = slots.get(position as usize) {
                    set_position(moved, position);
                }
                give_back(slots);
                if slots.is_empty() {
                    cells.remove(cell);
                }
            }
        }
        self.simplify(set_position)
    }

    /// Keeps the peers as those of a small group if it has become one.
    fn simplify(&mut self, set_position: &mut impl FnMut(u32, u32)) -> memory::Result {
        if self.len() as usize > FEW / 2 {
            return Ok(());
        }
        let peers = std::mem::replace(&mut self.peers, Peers::Few(SmallVec::new()));
        let Peers::Many { cells, .. } = peers else { return Ok(()) };
        for Cell { pool, slots } in cells {
            for slot in slots {
                self.add(slot, usize::from(pool), set_position)?;
            }
        }
        Ok(())
    }

    /// Moves the slot at a position from one pool to another, and tells each slot whose position changes its new one.
    pub(super) fn shift(
        &mut self,
        slot: u32,
        position: u32,
        (from, to): (usize, usize),
        set_position: &mut impl FnMut(u32, u32),
    ) -> memory::Result {
        if let Peers::Few(members) = &mut self.peers {
            members[position as usize].pool = pool_number(to);
            Ok(())
        } else {
            // Added first, or the group might become a small one, and the positions others.
            self.add(slot, to, set_position)?;
            self.take(position, from, set_position)
        }
    }

    /// Notes that the entry at a position has moved to another slot.
    pub(super) fn relocate(&mut self, position: u32, pool: usize, slot: u32) {
        match &mut self.peers {
            Peers::Few(members) => members[position as usize].slot = slot,
            Peers::Many { cells, .. } => {
                if let Ok(cell) = find(cells, pool) {
                    cells[cell].slots[position as usize] = slot;
                }
            }
        }
    }

    /// The slot at a position in a pool.
    pub(super) fn slot_at(&self, position: u32, pool: usize) -> Option<u32> {
        match &self.peers {
            Peers::Few(members) => members.get(position as usize).map(|member| member.slot),
            Peers::Many { cells, .. } => cells[find(cells, pool).ok()?].slots.get(position as usize).copied(),
        }
    }

    /// The least pool with peers of this facet.
    pub(super) fn least_pool(&self, facet: usize) -> Option<usize> {
        let pools = facet * CLASSES..(facet + 1) * CLASSES;
        match &self.peers {
            Peers::Few(members) => {
                members.iter().map(|m| usize::from(m.pool)).filter(|pool| pools.contains(pool)).min()
            }
            Peers::Many { cells, .. } => {
                let first = cells.get(find(cells, pools.start).unwrap_or_else(|cell| cell))?;
                Some(usize::from(first.pool)).filter(|pool| pools.contains(pool))
            }
        }
    }
}

/// Where the cell of a pool is, or would be.
fn find(cells: &[Cell], pool: usize) -> Result<usize, usize> {
    cells.binary_search_by_key(&pool, |cell| usize::from(cell.pool))
}

/// There are some hundreds of pools.
#[expect(clippy::cast_possible_truncation, reason = "POOLS fits")]
fn pool_number(pool: usize) -> u16 {
    const { assert!(POOLS <= u16::MAX as usize, "the number of a pool takes two bytes") };
    pool as u16
}

const _: () = assert!(size_of::<Group>() == 64, "a group fills a line of the cache");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::entry::HostKind;

    #[test]
    fn a_group_that_has_become_small_gives_its_memory_back() {
        for most in [FEW, 2 * FEW] {
            let mut group = Group::new(Netgroup { kind: HostKind::V4, prefix: [10, 0, 0, 0] });
            (0..slot_number(most)).try_for_each(|slot| group.add(slot, 0, &mut |_, _| ())).expect("memory");
            (1..most).try_for_each(|_| group.take(0, 0, &mut |_, _| ())).expect("memory");
            assert!(matches!(&group.peers, Peers::Few(members) if members.len() == 1 && !members.spilled()));
        }
    }
}
