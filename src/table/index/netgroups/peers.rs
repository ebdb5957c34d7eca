//! The peers of one netgroup, by pool.
//!
//! Most netgroups have few peers, which are looked through; those of a large one are kept by pool, so that the peers in
//! some pools can be counted and drawn from at a cost that does not depend on how many there are.
//!
//! After a change that found no memory, this must not be used any more.

use rand::{Rng, RngExt as _};
use smallvec::SmallVec;

use crate::memory::{self, give_back};
use crate::netgroup::Netgroup;
use crate::table::facet::{CLASSES, FACETS, class_in, facet_of, pool_number};
use crate::table::slot::slot_number;

/// A netgroup with more peers than this is kept by pool, until it has half as many.
const FEW: usize = 32;

/// How many draws of one of few peers there are before those that are admitted are counted.
const DRAWS: usize = 4;

/// See the [module](self).
#[derive(Debug)]
#[repr(align(64))] // in one line of the cache
pub(super) struct NetgroupPeers {
    pub(super) netgroup: Netgroup,
    peers: Peers,
    /// For each facet with peers, in order, the netgroup's position in the list of its lowest pool.
    pub(super) listed_at: SmallVec<[u32; 4]>,
}

#[derive(Debug)]
enum Peers {
    Few(SmallVec<[Pooled; 2]>),
    /// In cells that are sorted by pool; none of them is empty.
    Many {
        len: u32,
        cells: Vec<Cell>,
    },
}

/// A slot and its pool.
#[derive(Clone, Copy, Debug)]
struct Pooled {
    slot: u32,
    pool: u8,
}

/// The peers of a large netgroup in one pool.
#[derive(Debug)]
struct Cell {
    pool: u8,
    slots: Vec<u32>,
}

impl NetgroupPeers {
    pub(super) fn new(netgroup: Netgroup) -> Self {
        Self { netgroup, peers: Peers::Few(SmallVec::new()), listed_at: SmallVec::new() }
    }

    /// How many peers there are.
    pub(super) fn len(&self) -> u32 {
        match &self.peers {
            Peers::Few(few) => slot_number(few.len()),
            Peers::Many { len, .. } => *len,
        }
    }

    /// The peers, in pieces that are each of one pool.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let (few, many) = match &self.peers {
            Peers::Few(peers) => (&peers[..], &[][..]),
            Peers::Many { cells, .. } => (&[][..], &cells[..]),
        };
        let few = few.iter().map(|peer| (usize::from(peer.pool), std::slice::from_ref(&peer.slot)));
        few.chain(many.iter().map(|cell| (usize::from(cell.pool), &cell.slots[..])))
    }

    /// Draws one of the peers that are in the first classes of each facet, as many as are given: each equally likely.
    pub(super) fn any_admitted(&self, classes: &[u8; FACETS], rng: &mut impl Rng) -> Option<u32> {
        if let Peers::Few(few) = &self.peers {
            // Most often most of them are admitted. Giving up says nothing about which one is next.
            for _ in 0..DRAWS {
                let peer = few.get(rng.random_range(0..few.len().max(1)))?;
                if is_admitted(peer.pool, classes) {
                    return Some(peer.slot);
                }
            }
        }
        let admitted =
            || self.cells().filter(|&(pool, _)| is_admitted(pool, classes)).map(|(_, slots)| slots);
        let size: usize = admitted().map(<[u32]>::len).sum();
        let mut position = rng.random_range(0..size.max(1));
        for slots in admitted() {
            match slots.get(position) {
                Some(&slot) => return Some(slot),
                None => position -= slots.len(),
            }
        }
        None
    }

    /// Brings the peers into the cache, or the first of them if there are many.
    pub(super) fn prefetch(&self) {
        std::hint::black_box(match &self.peers {
            Peers::Few(few) => few.first().map(|peer| peer.slot),
            Peers::Many { cells, .. } => cells.first().map(|cell| u32::from(cell.pool)),
        });
    }

    /// Adds a slot; `set_position` is given each slot whose position changes, and the new one. Cost: constant, amortised.
    pub(super) fn add(
        &mut self,
        slot: u32,
        pool: usize,
        set_position: &mut impl FnMut(u32, u32),
    ) -> memory::Result {
        match &mut self.peers {
            Peers::Few(few) => {
                set_position(slot, slot_number(few.len()));
                few.try_reserve(1)?;
                few.push(Pooled { slot, pool: pool_number(pool) });
                if few.len() > FEW {
                    let few = std::mem::take(few);
                    self.peers = Peers::Many { len: 0, cells: Vec::new() };
                    return few
                        .iter()
                        .try_for_each(|peer| self.add(peer.slot, usize::from(peer.pool), set_position));
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

    /// Removes the slot at a position in a pool, with `set_position` as for [`add`](Self::add). Cost: constant, amortised.
    pub(super) fn remove(
        &mut self,
        position: u32,
        pool: usize,
        set_position: &mut impl FnMut(u32, u32),
    ) -> memory::Result {
        match &mut self.peers {
            Peers::Few(few) => {
                few.swap_remove(position as usize);
                if let Some(moved) = few.get(position as usize) {
                    set_position(moved.slot, position);
                }
                if few.spilled() && few.len() <= few.capacity() / 4 {
                    few.shrink_to_fit();
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

    /// Keeps the peers as those of a small netgroup if it has become one.
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

    /// Moves the slot at a position from one pool to another, with `set_position` as for [`add`](Self::add).
    pub(super) fn shift(
        &mut self,
        slot: u32,
        position: u32,
        (from, to): (usize, usize),
        set_position: &mut impl FnMut(u32, u32),
    ) -> memory::Result {
        if let Peers::Few(few) = &mut self.peers {
            few[position as usize].pool = pool_number(to);
            Ok(())
        } else {
            // Added first: removing may make it a small netgroup, in which positions are different.
            self.add(slot, to, set_position)?;
            self.remove(position, from, set_position)
        }
    }

    /// Replaces the slot at a position in a pool.
    pub(super) fn relocate(&mut self, position: u32, pool: usize, slot: u32) {
        match &mut self.peers {
            Peers::Few(few) => few[position as usize].slot = slot,
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
            Peers::Few(few) => few.get(position as usize).map(|member| member.slot),
            Peers::Many { cells, .. } => cells[find(cells, pool).ok()?].slots.get(position as usize).copied(),
        }
    }

    /// The lowest pool of a facet that has peers.
    pub(super) fn lowest_pool(&self, facet: usize) -> Option<usize> {
        let pools = facet * CLASSES..(facet + 1) * CLASSES;
        match &self.peers {
            Peers::Few(few) => {
                few.iter().map(|peer| usize::from(peer.pool)).filter(|pool| pools.contains(pool)).min()
            }
            Peers::Many { cells, .. } => {
                let first = cells.get(find(cells, pools.start).unwrap_or_else(|cell| cell))?;
                Some(usize::from(first.pool)).filter(|pool| pools.contains(pool))
            }
        }
    }
}

/// Whether a pool is in the first classes of its facet, as many as are given.
fn is_admitted(pool: impl Into<usize>, classes: &[u8; FACETS]) -> bool {
    let pool = pool.into();
    class_in(pool) < classes[facet_of(pool)]
}

/// Where the cell of a pool is, or would be.
fn find(cells: &[Cell], pool: usize) -> Result<usize, usize> {
    cells.binary_search_by_key(&pool, |cell| usize::from(cell.pool))
}

const _: () = assert!(size_of::<NetgroupPeers>() == 64, "a netgroup fills a line of the cache");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netgroup::GroupingPolicy;

    #[test]
    fn a_netgroup_that_has_become_small_gives_its_memory_back() {
        for most in [FEW, 2 * FEW] {
            let mut peers = NetgroupPeers::new(GroupingPolicy::default().of_v4([10, 0, 0, 0], 1));
            (0..slot_number(most)).try_for_each(|slot| peers.add(slot, 0, &mut |_, _| ())).expect("memory");
            (1..most).try_for_each(|_| peers.remove(0, 0, &mut |_, _| ())).expect("memory");
            assert!(matches!(&peers.peers, Peers::Few(few) if few.len() == 1 && !few.spilled()));
        }
    }
}
