//! Filling an empty table with what a file has.
//!
//! Peers are taken in groups. Each leads to a place in the index that is not in the cache; asked for together, the
//! processor waits for many such places in the time of one.

use std::cell::Cell;

use super::entry::{Entry, Key};
use super::{PeerTable, Place};
use crate::address::Host;
use crate::error::{Error, Result};
use crate::memory;
use crate::peer::PeerRecord;

/// As many as the processor can wait for at once, and some more.
const GROUP: usize = 32;

/// A peer, and where in the index it belongs; nothing if its host is a name, which may have no number yet.
type Waiting = (PeerRecord, Option<Place>);

impl PeerTable {
    /// Adds peers to an empty table, sorting them into pools at the end. `source` is given a way to say how many there will
    /// be, and one to add a peer; its answer is passed on, with the number of peers that the bounds left out, which keep the
    /// best. Cost: linear, and with bounds that do leave some out that of sorting them.
    pub(crate) fn load<T>(
        &mut self,
        source: impl FnOnce(&dyn Fn(usize), &mut dyn FnMut(&PeerRecord) -> Result<()>) -> Result<T>,
    ) -> Result<(T, usize)> {
        let refused = |_| Error::no_memory("for the peers of the database");
        let expected = Cell::new(0);
        let mut group: Vec<Waiting> = Vec::with_capacity(GROUP);
        let answer = source(&|peers| expected.set(peers), &mut |record| {
            let place = match record.address.host() {
                Host::Name(_) => None,
                Host::V4(_) | Host::V6(_) => Some(self.place(Key::of(&record.address, 0))),
            };
            group.push((record.clone(), place));
            if group.len() < GROUP {
                return Ok(());
            }
            self.load_group(&mut group, expected.get()).map_err(refused)
        })?;
        self.load_group(&mut group, expected.get()).map_err(refused)?;
        let loaded = self.len();
        if self.entries.capacity() - loaded > loaded / 8 {
            // There were to be more.
            self.entries.shrink_to_fit();
        }
        self.arrange_loaded().map_err(refused)?;
        self.leaves_rows = loaded > self.len();
        Ok((answer, loaded - self.len()))
    }

    fn load_group(&mut self, group: &mut Vec<Waiting>, expected: usize) -> memory::Result {
        group.iter().filter_map(|(_, place)| place.as_ref()).for_each(|place| self.index.warm(place.hash));
        for (record, place) in group.drain(..) {
            let found = match place {
                Some(place) => self.find_place(&place).ok_or(Some(place)),
                None => self.locate(&record.address),
            };
            match found {
                Ok(slot) => self.entries[slot as usize].assign(&record),
                Err(place) => {
                    self.reserve_to_load(&record, expected)?;
                    self.append(&record, place);
                }
            }
        }
        Ok(())
    }

    /// Keeps the best that the bounds allow, and puts them into the pools.
    fn arrange_loaded(&mut self) -> memory::Result {
        self.reserve_pools()?;
        if let Some(is_best) = self.best()? {
            let keeps = |slot: u32, _: &Entry| is_best[slot as usize];
            let members = self.members_of(keeps)?;
            self.retain(keeps, Some(members));
        } else {
            self.sort();
            if self.is_bounded() {
                self.group()?;
            }
        }
        Ok(())
    }
}
