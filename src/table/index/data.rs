//! The data of the peers that have some: bytes of the application, opaque here. A table in which no peer ever had any pays
//! nothing; any other pays four bytes for each peer, and the bytes themselves.

use super::interface::{Cause, Index, Needs, ensure};
use crate::memory;
use crate::table::blocks::{Blocks, Place};
use crate::table::owner::slab::{Peer, Slab};

/// See the [module](self).
#[derive(Clone, Debug)]
pub(in crate::table) struct PeerData {
    /// One for each slot, once a peer has data: where it is, 0 for none; with [`UNWRITTEN`] if the file does not have it.
    places: Option<Vec<u32>>,
    blocks: Blocks,
}

/// The file has another state of this peer's data, which may be that it has none.
const UNWRITTEN: u32 = 1 << 31;

/// Marks a place that is about to be given up.
const GONE: u32 = u32::MAX;

const _: () = assert!(Place::MAX | UNWRITTEN < GONE, "no place is taken for one that is given up");

impl Index for PeerData {
    fn inserted(&mut self, _: &mut Slab, _: Peer) {
        if let Some(places) = &mut self.places {
            places.push(0);
        }
    }

    fn removed(&mut self, _: &mut Slab, peer: Peer) {
        if let Some(places) = &mut self.places {
            // The last one fills the gap, as in the slab.
            let place = places.swap_remove(peer.slot as usize);
            remove(&mut self.blocks, place);
        }
    }

    fn moved(&mut self, _: &mut Slab, _: u32, _: Peer) {}

    fn dropped(&mut self, _: &Slab, slot: u32) {
        if let Some(places) = &mut self.places {
            let place = std::mem::replace(&mut places[slot as usize], GONE);
            remove(&mut self.blocks, place);
        }
    }

    fn rebuild(&mut self, slab: &mut Slab, cause: Cause) {
        let Some(places) = &mut self.places else { return };
        match cause {
            Cause::Loaded => places.resize(slab.len(), 0),
            // The gaps are closed in order, as in the slab.
            Cause::Dropped => places.retain(|&place| place != GONE),
        }
    }

    fn clear(&mut self) {
        *self = Self::new();
    }

    fn fit(&mut self, _: &mut Slab) {
        if let Some(places) = &mut self.places {
            memory::give_back(places);
            self.blocks.fit(places.iter_mut(), place_of);
        }
    }

    fn has_room(&self, slab: &Slab, needs: &Needs<'_>) -> bool {
        let wanted = slab.len().saturating_add(needs.inserts);
        self.places.as_ref().is_none_or(|places| places.capacity() >= wanted)
    }

    fn reserve(&mut self, slab: &Slab, needs: &Needs<'_>) -> memory::Result {
        if self.has_room(slab, needs) {
            return Ok(());
        }
        self.places.as_mut().map_or(Ok(()), |places| memory::reserve(places, needs.inserts))
    }

    fn check(&self, slab: &Slab) -> Result<(), String> {
        let Some(places) = &self.places else { return Ok(()) };
        ensure(places.len() == slab.len(), "every peer has a place for data")?;
        ensure(!places.contains(&GONE), "no data is that of a peer that is gone")?;
        self.blocks.check(places.iter().filter_map(|&place| Place::from_number(place_of(place))))
    }
}

impl PeerData {
    /// For a table in which no peer has any.
    pub(super) fn new() -> Self {
        Self { places: None, blocks: Blocks::default() }
    }

    /// Asks for memory to give peers data of these lengths, after this many were inserted. Cost: constant for each, amortised;
    /// the first time in a table, linear.
    pub(in crate::table) fn reserve_data(
        &mut self,
        slab: &Slab,
        inserts: usize,
        lengths: impl Iterator<Item = usize>,
    ) -> memory::Result {
        let lengths = &mut lengths.filter(|&length| length > 0).peekable();
        if lengths.peek().is_none() {
            return Ok(());
        }
        self.blocks.reserve(lengths)?;
        if self.places.is_none() {
            let mut places = memory::with_capacity(slab.len().saturating_add(inserts))?;
            places.resize(slab.len(), 0);
            self.places = Some(places);
        }
        Ok(())
    }

    /// The data of the peer in a slot; empty if it has none. Cost: constant.
    pub(in crate::table) fn of(&self, slot: u32) -> &[u8] {
        let place = self.places.as_ref().and_then(|places| places.get(slot as usize));
        let place = place.and_then(|&place| Place::from_number(place_of(place)));
        place.map_or(&[], |place| self.blocks.get(place))
    }

    /// Replaces the data of the peer in a slot, for which memory was [reserved](Self::reserve_data), with at most 255 bytes;
    /// with none, removes it. Cost: constant.
    pub(in crate::table) fn set(&mut self, slot: u32, bytes: &[u8], is_written: bool) {
        let Some(places) = &mut self.places else { return };
        let place = &mut places[slot as usize];
        remove(&mut self.blocks, *place);
        *place = if bytes.is_empty() { 0 } else { self.blocks.add(bytes).number() };
        if !is_written {
            *place |= UNWRITTEN;
        }
    }

    /// A copy of the data of the peer in a slot, if the file has a different state.
    pub(in crate::table) fn unwritten(&self, slot: u32) -> memory::Result<Option<Vec<u8>>> {
        let place = self.places.as_ref().and_then(|places| places.get(slot as usize));
        if place.is_none_or(|place| place & UNWRITTEN == 0) {
            return Ok(None);
        }
        memory::collect(self.of(slot).iter().copied()).map(Some)
    }

    /// Records that the data of the peer in a slot is about to be written.
    pub(in crate::table) fn take(&mut self, slot: u32) {
        if let Some(place) = self.places.as_mut().and_then(|places| places.get_mut(slot as usize)) {
            *place &= !UNWRITTEN;
        }
    }

    /// Records that the data of the peer in a slot was not written, if it has some.
    pub(in crate::table) fn give_back(&mut self, slot: u32) {
        let place = self.places.as_mut().and_then(|places| places.get_mut(slot as usize));
        if let Some(place) = place.filter(|place| **place != 0) {
            *place |= UNWRITTEN;
        }
    }

    /// A copy of all, if there is any. Cost: that of copying two arrays.
    pub(in crate::table) fn copy(&self) -> memory::Result<Option<Self>> {
        let Some(places) = &self.places else { return Ok(None) };
        let places = Some(memory::collect(places.iter().copied())?);
        Ok(Some(Self { places, blocks: self.blocks.try_clone()? }))
    }
}

/// Where the data is, as a number, without what is known about the file.
fn place_of(place: u32) -> u32 {
    place & !UNWRITTEN
}

fn remove(blocks: &mut Blocks, place: u32) {
    if let Some(place) = Place::from_number(place_of(place)) {
        blocks.remove(place);
    }
}
