//! The strategies to compare with: tables without any defence, which differ in how they draw. Both are written anew from
//! what they do; rows stand in the order in which they were heard of, as SQLite returns them where no order is asked for.

use std::collections::HashMap;

use peer_manager::{
    BackOffUpdate, MAX_FAILURES, PeerAddress, PeerRecord, PeerTypeFilter, TypeUpdate, apply_backoff_update,
    apply_type_update,
};
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use crate::Failure;
use crate::strategy::Strategy;
use crate::world::Time;

/// How many consecutive rows stellar-core reads (`BATCH_SIZE` in its src/overlay/PeerManager.cpp).
pub(crate) const WINDOW: usize = 1_000;

/// How a reference draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// Every eligible peer is equally likely: what the specification's pseudocode does.
    Uniform,
    /// Of the eligible rows, a window at a random offset is read and shuffled; answers come from it until it has too few
    /// left, then from another one. A restart forgets it. (`loadRandomPeers` in stellar-core's src/overlay/PeerManager.cpp,
    /// `getRandomPeers` in its src/overlay/RandomPeerSource.cpp.)
    Window,
}

/// A table and how it is drawn from.
#[derive(Debug)]
pub(crate) struct Reference {
    draw: Draw,
    rows: Vec<PeerRecord>,
    /// Where an address's row is.
    index: HashMap<PeerAddress, usize>,
    /// The windows that are in use, one for each type that is asked for.
    windows: Vec<(PeerTypeFilter, Vec<PeerAddress>)>,
    time: Time,
    rng: ChaCha12Rng,
}

impl Reference {
    pub(crate) fn new(draw: Draw, time: &Time, seed: u64) -> Self {
        let rng = ChaCha12Rng::seed_from_u64(seed);
        let (rows, index, windows) = (Vec::new(), HashMap::new(), Vec::new());
        Self { draw, rows, index, windows, time: time.clone(), rng }
    }

    fn draw_uniformly(
        &mut self,
        types: PeerTypeFilter,
        exclude: &[PeerAddress],
        size: usize,
    ) -> Vec<PeerAddress> {
        let mut eligible: Vec<&PeerRecord> = eligible(&self.rows, self.time.now(), types)
            .filter(|row| !exclude.contains(&row.address))
            .collect();
        let (drawn, _) = eligible.partial_shuffle(&mut self.rng, size);
        drawn.iter().map(|row| row.address.clone()).collect()
    }

    fn draw_from_window(
        &mut self,
        types: PeerTypeFilter,
        exclude: &[PeerAddress],
        size: usize,
    ) -> Vec<PeerAddress> {
        let known = self.windows.iter().position(|(of, _)| *of == types);
        let mut window = known.map_or_else(Vec::new, |place| self.windows.swap_remove(place).1);
        if window.len() < size {
            window = self.new_window(types, size.max(WINDOW));
        }
        let mut drawn = Vec::with_capacity(size);
        while drawn.len() < size {
            let Some(address) = window.pop() else { break };
            // What is excluded is used up all the same.
            if !exclude.contains(&address) {
                drawn.push(address);
            }
        }
        self.windows.push((types, window));
        drawn
    }

    fn new_window(&mut self, types: PeerTypeFilter, length: usize) -> Vec<PeerAddress> {
        let now = self.time.now();
        let count = eligible(&self.rows, now, types).count();
        let offset = self.rng.random_range(0..=count.saturating_sub(length));
        let rows = eligible(&self.rows, now, types).skip(offset).take(length);
        let mut window: Vec<PeerAddress> = rows.map(|row| row.address.clone()).collect();
        window.shuffle(&mut self.rng);
        window
    }

    /// Changes the row of a peer that was drawn.
    fn change(
        &mut self,
        address: &PeerAddress,
        rule: impl FnOnce(&mut PeerRecord, i64, &mut ChaCha12Rng),
    ) -> Result<(), Failure> {
        let place = self.index.get(address).ok_or("a peer that was drawn has no row")?;
        rule(&mut self.rows[*place], self.time.now(), &mut self.rng);
        Ok(())
    }
}

/// The rows that a node may dial now.
fn eligible(rows: &[PeerRecord], now: i64, types: PeerTypeFilter) -> impl Iterator<Item = &PeerRecord> {
    let is_eligible = move |row: &&PeerRecord| {
        row.is_ready(now) && row.num_failures <= MAX_FAILURES && types.admits(row.peer_type)
    };
    rows.iter().filter(is_eligible)
}

impl Strategy for Reference {
    fn hear_of(&mut self, addresses: &[PeerAddress]) -> Result<(), Failure> {
        for address in addresses {
            if !self.index.contains_key(address) {
                self.index.insert(address.clone(), self.rows.len());
                self.rows.push(PeerRecord::new(address.clone(), self.time.now()));
            }
        }
        Ok(())
    }

    fn draw(
        &mut self,
        types: PeerTypeFilter,
        exclude: &[PeerAddress],
        size: usize,
    ) -> Result<Vec<PeerAddress>, Failure> {
        Ok(match self.draw {
            Draw::Uniform => self.draw_uniformly(types, exclude, size),
            Draw::Window => self.draw_from_window(types, exclude, size),
        })
    }

    fn reached(&mut self, address: &PeerAddress) -> Result<(), Failure> {
        self.change(address, |row, now, rng| {
            apply_type_update(row, TypeUpdate::EnsureOutbound);
            apply_backoff_update(row, BackOffUpdate::Reset, now, || rng.next_u64());
        })
    }

    fn failed(&mut self, address: &PeerAddress) -> Result<(), Failure> {
        self.change(address, |row, now, rng| {
            apply_backoff_update(row, BackOffUpdate::Increase, now, || rng.next_u64());
        })
    }

    fn restart(&mut self) -> Result<(), Failure> {
        self.windows.clear();
        Ok(())
    }

    fn peers(&self) -> Result<Vec<PeerAddress>, Failure> {
        Ok(self.rows.iter().map(|row| row.address.clone()).collect())
    }
}
