//! Loading: filling an empty table with the peers of a file.
//!
//! Peers are taken in [groups](GROUP).

use std::cell::Cell;

use super::{GROUP, PeerTable};
use crate::error::{Error, Result};
use crate::memory;
use crate::peer::PeerRecord;

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
        let mut group = Vec::with_capacity(GROUP);
        let answer = source(&|peers| expected.set(peers), &mut |record| {
            group.push(record.clone());
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

    fn load_group(&mut self, group: &mut Vec<PeerRecord>, expected: usize) -> memory::Result {
        let hashes = self.hashes(group.iter().map(|record| &record.address), &[]);
        for (record, hash) in group.drain(..).zip(hashes) {
            let found = self.locate_hashed(&record.address, Some(hash));
            if found.is_err() {
                self.reserve_load(&record, expected)?;
            }
            self.put_loaded(&record, found);
        }
        Ok(())
    }
}
