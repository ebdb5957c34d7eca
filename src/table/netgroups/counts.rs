//! How many peers each network group has.

use std::collections::HashMap;

use super::Netgroup;
use crate::table::MIN_CAPACITY;
use crate::table::entry::{HostKind, Key};
use crate::table::names::Names;

/// The groups that are networks. Names know by themselves how many peers have them.
#[derive(Debug, Default)]
pub(in crate::table) struct Counts {
    networks: HashMap<Netgroup, u32>,
}

impl Counts {
    /// Counts one peer more. Cost: constant, amortised.
    pub(super) fn add(&mut self, key: Key) {
        if !key.is_name() {
            *self.networks.entry(key.netgroup()).or_default() += 1;
        }
    }

    /// Counts one peer less. Cost: constant, amortised.
    pub(super) fn remove(&mut self, key: Key) {
        if let Some(count) = self.networks.get_mut(&key.netgroup()) {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&key.netgroup());
                self.give_back();
            }
        }
    }

    /// How many peers a group has. Cost: constant.
    pub(super) fn of(&self, group: Netgroup, names: &Names) -> u32 {
        match group.kind {
            HostKind::Name => names.uses(u32::from_ne_bytes(group.prefix)),
            HostKind::V4 | HostKind::V6 => self.networks.get(&group).copied().unwrap_or(0),
        }
    }

    /// How many groups have peers. Cost: constant.
    pub(super) fn groups(&self, names: &Names) -> usize {
        self.networks.len() + names.len()
    }

    fn give_back(&mut self) {
        if self.networks.capacity() > MIN_CAPACITY && self.networks.len() < self.networks.capacity() / 8 {
            self.networks.shrink_to(self.networks.len() * 2);
        }
    }
}
