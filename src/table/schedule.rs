//! Peers in the order of their next attempt: a heap of slots that knows where each slot stands.
//!
//! The table keeps two. The *waiting* schedule has the peer that becomes due soonest on top; the *ready* one has
//! the peer that became due last on top, so that a clock which steps back finds those that must wait again
//! without looking at the others. Each peer is in exactly one of them, so one stored position serves both.
//!
//! The heaps are 4-ary: half as deep as binary ones, and the children of a node share a cache line.

use super::entry::Entry;

const ARITY: usize = 4;

/// Which peer is on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The one with the smallest `next_attempt`.
    Soonest,
    /// The one with the greatest `next_attempt`.
    Latest,
}

/// A heap of slots. `entries[slot].schedule_position` is the slot's place in it.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    heap: Vec<u32>,
    order: Order,
}

impl Schedule {
    pub(super) fn new(order: Order) -> Self {
        Self { heap: Vec::new(), order }
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn slots(&self) -> &[u32] {
        &self.heap
    }

    /// The slot on top.
    pub(super) fn peek(&self) -> Option<u32> {
        self.heap.first().copied()
    }

    /// Adds a slot. Cost: logarithmic, constant when the newcomer does not belong near the top.
    pub(super) fn push(&mut self, entries: &mut [Entry], slot: u32) {
        self.heap.push(slot);
        let position = self.heap.len() - 1;
        entries[slot as usize].schedule_position = super::slot_number(position);
        self.sift_up(entries, position);
    }

    /// Takes a slot out, wherever it stands. Cost: logarithmic.
    pub(super) fn remove(&mut self, entries: &mut [Entry], slot: u32) {
        let position = entries[slot as usize].schedule_position as usize;
        self.heap.swap_remove(position);
        if let Some(&moved) = self.heap.get(position) {
            entries[moved as usize].schedule_position = super::slot_number(position);
            self.settle(entries, position);
        }
        super::give_back(&mut self.heap);
    }

    /// Restores the order after the slot's `next_attempt` changed.
    pub(super) fn update(&mut self, entries: &mut [Entry], slot: u32) {
        self.settle(entries, entries[slot as usize].schedule_position as usize);
    }

    /// Notes that the entry at `position` has moved to another slot.
    pub(super) fn relocate(&mut self, position: u32, slot: u32) {
        self.heap[position as usize] = slot;
    }

    /// Takes all slots that pass out, and adds `others`. Cost: linear in the size of both.
    pub(super) fn exchange(
        &mut self,
        entries: &mut [Entry],
        mut leaves: impl FnMut(&Entry) -> bool,
        others: &[u32],
    ) -> Vec<u32> {
        let mut left = Vec::new();
        self.heap.retain(|&slot| {
            let leaves = leaves(&entries[slot as usize]);
            if leaves {
                left.push(slot);
            }
            !leaves
        });
        self.heap.extend_from_slice(others);
        for (position, &slot) in self.heap.iter().enumerate() {
            entries[slot as usize].schedule_position = super::slot_number(position);
        }
        for position in (0..self.heap.len().div_ceil(ARITY)).rev() {
            self.sift_down(entries, position);
        }
        super::give_back(&mut self.heap);
        left
    }

    /// Whether the order holds and every slot knows its place.
    pub(super) fn is_consistent(&self, entries: &[Entry]) -> bool {
        self.heap.iter().enumerate().all(|(position, &slot)| {
            entries[slot as usize].schedule_position as usize == position
                && (position == 0 || !self.precedes(entries, slot, self.heap[(position - 1) / ARITY]))
        })
    }

    fn precedes(&self, entries: &[Entry], a: u32, b: u32) -> bool {
        let (a, b) = (entries[a as usize].next_attempt, entries[b as usize].next_attempt);
        match self.order {
            Order::Soonest => a < b,
            Order::Latest => a > b,
        }
    }

    fn settle(&mut self, entries: &mut [Entry], position: usize) {
        let position = self.sift_up(entries, position);
        self.sift_down(entries, position);
    }

    fn sift_up(&mut self, entries: &mut [Entry], mut position: usize) -> usize {
        let slot = self.heap[position];
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if !self.precedes(entries, slot, self.heap[parent]) {
                break;
            }
            self.place(entries, self.heap[parent], position);
            position = parent;
        }
        self.place(entries, slot, position);
        position
    }

    fn sift_down(&mut self, entries: &mut [Entry], mut position: usize) {
        let slot = self.heap[position];
        loop {
            let first = position * ARITY + 1;
            let children = first..(first + ARITY).min(self.heap.len());
            let best = children.reduce(|best, child| {
                if self.precedes(entries, self.heap[child], self.heap[best]) { child } else { best }
            });
            match best {
                Some(child) if self.precedes(entries, self.heap[child], slot) => {
                    self.place(entries, self.heap[child], position);
                    position = child;
                }
                _ => break,
            }
        }
        self.place(entries, slot, position);
    }

    fn place(&mut self, entries: &mut [Entry], slot: u32, position: usize) {
        self.heap[position] = slot;
        entries[slot as usize].schedule_position = super::slot_number(position);
    }
}
