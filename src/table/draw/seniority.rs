//! Seniority: each place in an answer goes to the most senior of some draws.
//!
//! An attacker who floods the table is the most junior there, so it wins a place only where all draws are its own. The
//! principle is that of Kademlia, which prefers old contacts so that a flood of new nodes cannot flush the table (P. Maymounkov
//! and D. Mazières, Kademlia: A Peer-to-peer Information System Based on the XOR Metric, 2002, section 2.2).

use crate::memory;
use crate::table::owner::slab::Slab;

/// How many draws there are for each place, and which peer is senior.
#[derive(Clone, Copy)]
pub(super) struct Seniority<'a> {
    slab: &'a Slab,
    draws: usize,
}

impl<'a> Seniority<'a> {
    /// The most senior of this many draws; of 0 or 1, the first one.
    pub(super) fn of(slab: &'a Slab, draws: u32) -> Self {
        Self { slab, draws: draws.max(1) as usize }
    }

    pub(super) fn slots(self) -> usize {
        self.slab.len()
    }

    pub(super) fn draws(self) -> usize {
        self.draws
    }

    /// The most senior of as many draws as are to be made, if there is one to draw. Draws are independent: the same peer may
    /// be drawn again.
    pub(super) fn choose<T>(
        self,
        mut draw: impl FnMut() -> memory::Result<Option<T>>,
        slot: impl Fn(&T) -> u32,
    ) -> memory::Result<Option<T>> {
        let rank = |drawn: &T| self.slab.entry(slot(drawn)).rank();
        let Some(mut senior) = draw()? else { return Ok(None) };
        for _ in 1..self.draws {
            let Some(other) = draw()? else { break };
            if rank(&other) < rank(&senior) {
                senior = other;
            }
        }
        Ok(Some(senior))
    }
}
