//! Numbers that a file contains, each mapped to another number.
//!
//! Sets are maps whose values do not matter: one type, and functions that are not inlined, so that its code is there once.
//! The keys are hashed under a secret, because strangers choose them.

use std::collections::{HashMap, TryReserveError};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<u64, u64>);

impl Numbers {
    #[inline(never)]
    pub(super) fn get(&self, number: u64) -> Option<u64> {
        self.0.get(&number).copied()
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.get(number).is_some()
    }

    /// Inserts a number or replaces its value; returns whether it is new.
    #[inline(never)]
    pub(super) fn insert(&mut self, number: u64, value: u64) -> Result<bool, TryReserveError> {
        self.0.try_reserve(1)?;
        Ok(self.0.insert(number, value).is_none())
    }

    pub(super) fn add(&mut self, number: u64) -> Result<bool, TryReserveError> {
        self.insert(number, 0)
    }

    #[inline(never)]
    pub(super) fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        self.0.keys().copied()
    }

    /// Removes the numbers above this one.
    pub(super) fn cut(&mut self, greatest: u64) {
        self.0.retain(|&number, _| number <= greatest);
    }
}
