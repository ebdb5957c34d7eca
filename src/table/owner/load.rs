//! Loading: filling an empty table with the peers of a file.
//!
//! Peers are taken in [groups](GROUP).

use std::cell::Cell;

use super::entry::Key;
use super::slab::Place;
use super::{GROUP, PeerTable};
use crate::address::Host;
use crate::error::{Error, Result};
use crate::memory;
use crate::peer::PeerRecord;

/// A peer and its place; no place if its host is a name, which may have no number yet.
type Read = (PeerRecord, Option<Place>);

impl PeerTable {
    /// Fills an empty table. `source` is given a function to say how many peers there will be, and one to add a peer. Returns
    /// what `source` returns, and how many peers the bounds left out; they keep the best. Cost: linear, and that of sorting
    /// if any are left out.
    pub(crate) fn load<T>(
        &mut self,
        source: impl FnOnce(&dyn Fn(usize), &mut dyn FnMut(&PeerRecord) -> Result<()>) -> Result<T>,
    ) -> Result<(T, usize)> {
        let refused = |_| Error::no_memory("for the peers of the database");
        let expected = Cell::new(0);
        let mut group: Vec<Read> = Vec::with_capacity(GROUP);
        let answer = source(&|peers| expected.set(peers), &mut |record| {
            let place = match record.address.host() {
                Host::Name(_) => None,
                Host::V4(_) | Host::V6(_) => Some(self.slab.place(Key::of(&record.address, 0))),
            };
            group.push((record.clone(), place));
            if group.len() < GROUP {
                return Ok(());
            }
            self.load_group(&mut group, expected.get()).map_err(refused)
        })?;
        self.load_group(&mut group, expected.get()).map_err(refused)?;
        let loaded = self.len();
        if self.slab.capacity() - loaded > loaded / 8 {
            // More were expected.
            self.slab.shrink();
        }
        let best = self.best_within_bounds().map_err(refused)?;
        self.keep_loaded(best.as_deref()).map_err(refused)?;
        Ok((answer, loaded - self.len()))
    }

    fn load_group(&mut self, group: &mut Vec<Read>, expected: usize) -> memory::Result {
        group
            .iter()
            .filter_map(|(_, place)| place.as_ref())
            .for_each(|place| self.indexes.keys.prefetch_home(place.hash));
        for (record, place) in group.drain(..) {
            let found = match place {
                Some(place) => self.indexes.keys.find_place(&self.slab, &place).ok_or(Some(place)),
                None => self.locate(&record.address),
            };
            if found.is_err() {
                self.reserve_load(&record, expected)?;
            }
            self.put_loaded(&record, found);
        }
        Ok(())
    }
}
