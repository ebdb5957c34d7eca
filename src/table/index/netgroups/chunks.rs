//! An array in chunks: it grows without moving its values, which would take long where there are many.

use std::ops::{Index, IndexMut};

use crate::memory;

/// A power of two, so that finding a value takes two shifts.
const CHUNK: usize = 1 << 13;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Chunks<T> {
    /// All of them are full except the last one.
    chunks: Vec<Vec<T>>,
}

impl<T> Chunks<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Adds a value. Cost: constant; at most that of moving a chunk.
    pub(super) fn push(&mut self, value: T) -> memory::Result {
        if let Some(last) = self.chunks.last_mut().filter(|last| last.len() < CHUNK) {
            return memory::push(last, value);
        }
        // The first chunk may stay small.
        let mut chunk = if self.chunks.is_empty() { Vec::new() } else { memory::with_capacity(CHUNK)? };
        memory::push(&mut chunk, value)?;
        memory::push(&mut self.chunks, chunk)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.chunks.iter_mut().flatten()
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.chunks[index / CHUNK][index % CHUNK]
    }
}

impl<T> IndexMut<usize> for Chunks<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.chunks[index / CHUNK][index % CHUNK]
    }
}
