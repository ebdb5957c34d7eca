//! Whom addrman would dial.

use rand::RngExt as _;
use rand::seq::IteratorRandom as _;

use super::place::{NEW_BUCKETS, SIZE, TRIED_BUCKETS};
use super::{AddrMan, Entry, Id};

/// What each failure leaves of the chance of an address, and how many failures count.
const DECAY: f64 = 0.66;
const DECAYS: u32 = 8;

/// What is left of it after a dial, for ten minutes.
const TRIED_JUST_NOW: f64 = 0.01;
const JUST_NOW: i64 = 10;

/// With each address that is passed over, the next has a better chance.
const PATIENCE: f64 = 1.2;

impl AddrMan {
    /// A random address: of the new table, or of either with the same chance.
    pub(crate) fn select(&mut self, only_new: bool, now: i64) -> Option<Id> {
        let is_tried = match (self.new_count, self.tried_count) {
            (0, 0) => return None,
            (0, _) if only_new => return None,
            (_, 0) => false,
            _ if only_new => false,
            (0, _) => true,
            _ => self.rng.random(),
        };
        let buckets = if is_tried { TRIED_BUCKETS } else { NEW_BUCKETS };
        let mut factor = 1.0;
        loop {
            let bucket = self.rng.random_range(0..buckets);
            let from = self.rng.random_range(0..SIZE);
            let Some(id) = self.places.first_of(is_tried, bucket, from) else { continue };
            let chance = self.get(id).map_or(0.0, |entry| entry.chance(now));
            if self.rng.random::<f64>() < factor * chance {
                return Some(id);
            }
            factor *= PATIENCE;
        }
    }

    /// An address of the tried table whose place another one waits for.
    pub(crate) fn select_collision(&mut self) -> Option<Id> {
        let id = self.collisions.iter().choose(&mut self.rng).copied()?;
        let Some(entry) = self.get(id) else {
            self.collisions.remove(&id);
            return None;
        };
        self.places.tried_at(self.places.tried_slot(id, entry.network))
    }
}

impl Entry {
    pub(super) fn chance(&self, now: i64) -> f64 {
        let just_now = if now - self.last_try < JUST_NOW { TRIED_JUST_NOW } else { 1.0 };
        // At most 8.
        let failures = i32::try_from(self.attempts.min(DECAYS)).unwrap_or(0);
        just_now * DECAY.powi(failures)
    }
}
