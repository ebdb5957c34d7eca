//! Who is in each network group, by pool: what it takes to draw a group before a peer in it, and to find the worst peer
//! of a group.
//!
//! A group has a *cell* for each pool that holds peers of it; the cells are sorted, so those of one facet (the pools that
//! differ only in the class of failures) stand together, least class first. And for each pool there is a list of the
//! groups whose *least* cell of that facet is there. So the groups that have an admitted peer are the union of the lists of
//! the admitted pools, in which a group stands at most once for each facet, whatever the number of its peers.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::Netgroup;
use crate::table::pools::{POOLS, facet_of};
use crate::table::{MIN_CAPACITY, give_back, slot_number};

/// The groups and their peers.
#[derive(Debug)]
pub(in crate::table) struct Members {
    numbers: HashTable<u32>,
    hasher: RandomState,
    /// Numbered. A number is free again when the last peer of its group is gone.
    groups: Vec<Group>,
    free: Vec<u32>,
    /// Where each slot of the slab is.
    places: Vec<Place>,
    /// For each pool the groups whose least cell of its facet it is.
    least: Vec<Vec<u32>>,
}

#[derive(Debug)]
struct Group {
    netgroup: Netgroup,
    /// Sorted by pool; none of them is empty.
    cells: SmallVec<[Cell; 1]>,
}

/// The peers of one group in one pool.
#[derive(Debug)]
pub(in crate::table) struct Cell {
    pool: u16,
    /// The place in the pool's list of groups, where this is the least cell of its facet.
    listed_at: u32,
    slots: SmallVec<[u32; 4]>,
}

/// The group of a slot, and where in its cell the slot is.
#[derive(Clone, Copy, Debug)]
struct Place {
    group: u32,
    position: u32,
}

impl Cell {
    pub(in crate::table) fn pool(&self) -> usize {
        usize::from(self.pool)
    }

    pub(in crate::table) fn slots(&self) -> &[u32] {
        &self.slots
    }
}

impl Members {
    /// No groups yet, and room to note the places of this many slots.
    pub(in crate::table) fn with_capacity(slots: usize) -> Self {
        Self {
            numbers: HashTable::new(),
            hasher: RandomState::new(),
            groups: Vec::new(),
            free: Vec::new(),
            places: Vec::with_capacity(slots),
            least: vec![Vec::new(); POOLS],
        }
    }

    /// The number of a group that has peers. Cost: constant.
    pub(in crate::table) fn find(&self, netgroup: Netgroup) -> Option<u32> {
        let is_it = |&number: &u32| self.groups[number as usize].netgroup == netgroup;
        self.numbers.find(self.hasher.hash_one(netgroup), is_it).copied()
    }

    /// The group of a slot. Cost: constant.
    pub(in crate::table) fn group_of(&self, slot: u32) -> u32 {
        self.places[slot as usize].group
    }

    /// The cells of a group, sorted by pool.
    pub(in crate::table) fn cells(&self, group: u32) -> &[Cell] {
        &self.groups[group as usize].cells
    }

    /// For each pool the groups that have peers in it and none in a pool of the same facet with fewer failures.
    pub(in crate::table) fn least(&self) -> &[Vec<u32>] {
        &self.least
    }

    /// Adds the next slot of the slab. Cost: constant, amortised.
    pub(in crate::table) fn push(&mut self, netgroup: Netgroup, pool: usize) {
        let slot = slot_number(self.places.len());
        let group = self.acquire(netgroup);
        self.places.push(Place { group, position: 0 });
        self.put(slot, group, pool);
    }

    /// Notes that a slot has changed pools. Cost: constant.
    pub(in crate::table) fn shift(&mut self, slot: u32, from: usize, to: usize) {
        let place = self.places[slot as usize];
        self.take(place, from);
        self.put(slot, place.group, to);
    }

    /// Takes a slot out, and fills the gap with the last one, which is in the pool `pool_of_last`, as the slab does. Cost:
    /// constant, amortised.
    pub(in crate::table) fn swap_remove(&mut self, slot: u32, pool: usize, pool_of_last: usize) {
        let place = self.places[slot as usize];
        self.take(place, pool);
        self.release(place.group);
        self.places.swap_remove(slot as usize);
        if let Some(&Place { group, position }) = self.places.get(slot as usize)
            && let Ok(cell) = self.cell(group, pool_of_last)
        {
            self.groups[group as usize].cells[cell].slots[position as usize] = slot;
        }
        give_back(&mut self.places);
    }

    /// Whether so many numbers are free that the groups should be noted anew.
    pub(in crate::table) fn is_sparse(&self) -> bool {
        self.free.len() > self.groups.len() / 2 + MIN_CAPACITY
    }

    fn acquire(&mut self, netgroup: Netgroup) -> u32 {
        if let Some(number) = self.find(netgroup) {
            return number;
        }
        let group = Group { netgroup, cells: SmallVec::new() };
        let number = if let Some(number) = self.free.pop() {
            self.groups[number as usize] = group;
            number
        } else {
            self.groups.push(group);
            slot_number(self.groups.len() - 1)
        };
        let (groups, hasher) = (&self.groups, &self.hasher);
        let hash_of = |&number: &u32| hasher.hash_one(groups[number as usize].netgroup);
        self.numbers.insert_unique(hasher.hash_one(netgroup), number, hash_of);
        number
    }

    /// Forgets a group if it has no peers left.
    fn release(&mut self, number: u32) {
        let group = &self.groups[number as usize];
        if !group.cells.is_empty() {
            return;
        }
        let hash = self.hasher.hash_one(group.netgroup);
        if let Ok(occupied) = self.numbers.find_entry(hash, |&other| other == number) {
            occupied.remove();
        }
        self.free.push(number);
    }

    /// Where the cell of a pool is among those of a group, or would be.
    fn cell(&self, group: u32, pool: usize) -> Result<usize, usize> {
        self.groups[group as usize].cells.binary_search_by_key(&pool, Cell::pool)
    }

    fn put(&mut self, slot: u32, group: u32, pool: usize) {
        let cell = self.cell(group, pool).unwrap_or_else(|cell| {
            self.open(group, cell, pool);
            cell
        });
        let slots = &mut self.groups[group as usize].cells[cell].slots;
        self.places[slot as usize] = Place { group, position: slot_number(slots.len()) };
        slots.push(slot);
    }

    /// Takes the slot in this place out of its cell; its group stays, even without peers.
    fn take(&mut self, Place { group, position }: Place, pool: usize) {
        let Ok(cell) = self.cell(group, pool) else { return };
        let slots = &mut self.groups[group as usize].cells[cell].slots;
        slots.swap_remove(position as usize);
        if let Some(&moved) = slots.get(position as usize) {
            self.places[moved as usize].position = position;
        }
        if slots.is_empty() {
            self.close(group, cell);
        } else if slots.spilled() && slots.len() < slots.capacity() / 4 {
            let mut smaller = SmallVec::with_capacity(slots.len() * 2);
            smaller.extend_from_slice(slots);
            *slots = smaller;
        }
    }

    /// Makes an empty cell where there is none, and lists the group there if that has become its least.
    fn open(&mut self, group: u32, cell: usize, pool: usize) {
        let cells = &mut self.groups[group as usize].cells;
        // Most groups have few cells, so no more room than needed.
        if cells.len() == cells.capacity() {
            cells.reserve_exact(cells.len().div_ceil(2));
        }
        cells.insert(cell, Cell { pool: pool_number(pool), listed_at: 0, slots: SmallVec::new() });
        if self.is_least(group, cell) {
            if self.is_facet_shared(group, cell) {
                self.unlist(group, cell + 1);
            }
            self.list(group, cell);
        }
    }

    /// Drops an empty cell, and lists the group at the next one if this was the least of the facet.
    fn close(&mut self, group: u32, cell: usize) {
        let was_least = self.is_least(group, cell);
        let has_next = self.is_facet_shared(group, cell);
        if was_least {
            self.unlist(group, cell);
        }
        self.groups[group as usize].cells.remove(cell);
        if was_least && has_next {
            self.list(group, cell);
        }
    }

    /// Whether no cell of the same facet is before this one.
    fn is_least(&self, group: u32, cell: usize) -> bool {
        cell == 0 || !self.is_facet_shared(group, cell - 1)
    }

    /// Whether the next cell is of the same facet.
    fn is_facet_shared(&self, group: u32, cell: usize) -> bool {
        let cells = self.cells(group);
        cells.get(cell + 1).is_some_and(|next| facet_of(next.pool()) == facet_of(cells[cell].pool()))
    }

    fn list(&mut self, group: u32, cell: usize) {
        let cell = &mut self.groups[group as usize].cells[cell];
        let list = &mut self.least[cell.pool()];
        cell.listed_at = slot_number(list.len());
        list.push(group);
    }

    fn unlist(&mut self, group: u32, cell: usize) {
        let cell = &self.groups[group as usize].cells[cell];
        let (pool, position) = (cell.pool(), cell.listed_at);
        let list = &mut self.least[pool];
        list.swap_remove(position as usize);
        give_back(list);
        if let Some(&moved) = list.get(position as usize)
            && let Ok(cell) = self.cell(moved, pool)
        {
            self.groups[moved as usize].cells[cell].listed_at = position;
        }
    }

    /// Whether all of this agrees with itself and with what the table says of each slot.
    pub(in crate::table) fn is_consistent(&self, of: impl Fn(u32) -> (Netgroup, usize)) -> bool {
        let is_at_home = |slot: usize| {
            let Place { group, position } = self.places[slot];
            let (netgroup, pool) = of(slot_number(slot));
            self.find(netgroup) == Some(group)
                && self.cell(group, pool).is_ok_and(|cell| {
                    self.cells(group)[cell].slots.get(position as usize) == Some(&slot_number(slot))
                })
        };
        let free: HashSet<u32> = self.free.iter().copied().collect();
        let used = || (0..slot_number(self.groups.len())).filter(|number| !free.contains(number));
        let in_cells: usize = used().flat_map(|group| self.cells(group)).map(|cell| cell.slots.len()).sum();
        let is_listed = |group: u32, cell: usize| {
            let Cell { pool, listed_at, .. } = self.cells(group)[cell];
            self.least[usize::from(pool)].get(listed_at as usize) == Some(&group)
        };
        let least = || {
            used()
                .flat_map(|group| (0..self.cells(group).len()).map(move |cell| (group, cell)))
                .filter(|&(group, cell)| self.is_least(group, cell))
        };
        (0..self.places.len()).all(is_at_home)
            && in_cells == self.places.len()
            && self.numbers.len() == used().count()
            && used().all(|group| self.cells(group).iter().all(|cell| !cell.slots.is_empty()))
            && least().all(|(group, cell)| is_listed(group, cell))
            && least().count() == self.least.iter().map(Vec::len).sum::<usize>()
    }

    /// How many slots there are.
    pub(in crate::table) fn len(&self) -> usize {
        self.places.len()
    }
}

/// There are some hundreds of pools.
#[expect(clippy::cast_possible_truncation, reason = "POOLS fits")]
fn pool_number(pool: usize) -> u16 {
    const { assert!(POOLS <= u16::MAX as usize, "the number of a pool takes two bytes") };
    pool as u16
}
