//! A node that asks its table one query for each dial, as nodes did before there was a call for it: known peers first, or
//! anyone.

use peer_manager::PeerTypeFilter;

use super::node::{Node, Situation};
use super::people::{Heard, Id};
use crate::Failure;
use crate::strategy::Strategy;

/// A table and how it is asked.
pub(crate) struct Queries {
    pub(crate) table: Box<dyn Strategy>,
    pub(crate) known_first: bool,
}

impl Node for Queries {
    fn hear_of(&mut self, heard: &[Heard], _: Id, situation: &Situation<'_>) -> Result<(), Failure> {
        self.table.hear_of(&situation.addresses(heard.iter().map(|heard| heard.id)))
    }

    fn next(&mut self, situation: &Situation<'_>) -> Result<Option<Id>, Failure> {
        let connected = situation.addresses(situation.connected.iter().copied());
        let kinds: &[PeerTypeFilter] = if self.known_first {
            &[PeerTypeFilter::AnyOutbound, PeerTypeFilter::InboundOnly]
        } else {
            &[PeerTypeFilter::Any]
        };
        for &kind in kinds {
            if let Some(address) = self.table.draw(kind, &connected, 1)?.first() {
                return Ok(situation.people.id(address));
            }
        }
        Ok(None)
    }

    fn feeler(&mut self, _: &Situation<'_>) -> Result<Option<Id>, Failure> {
        Ok(None)
    }

    fn dialled(&mut self, id: Id, has_answered: bool, situation: &Situation<'_>) -> Result<(), Failure> {
        let address = situation.people.address(id);
        if has_answered { self.table.reached(address) } else { self.table.failed(address) }
    }

    fn hung_up(&mut self, _: Id, _: &Situation<'_>) {}

    fn restart(&mut self) -> Result<(), Failure> {
        self.table.restart()
    }

    fn rotation(&self) -> Option<i64> {
        None
    }
}
