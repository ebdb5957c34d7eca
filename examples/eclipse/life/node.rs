//! A node's part in its life: what it makes of gossip, whom it dials, and what it remembers of how that went.

use peer_manager::PeerAddress;

use super::people::{Heard, Id, People};
use crate::Failure;

/// What a strategy may look at when it chooses.
pub(crate) struct Situation<'a> {
    pub(crate) people: &'a People,
    pub(crate) connected: &'a [Id],
    /// In minutes.
    pub(crate) now: i64,
}

/// One way to choose peers.
pub(crate) trait Node {
    /// A message of gossip arrives.
    fn hear_of(&mut self, heard: &[Heard], source: Id, situation: &Situation<'_>) -> Result<(), Failure>;

    /// Whom to dial for a free place.
    fn next(&mut self, situation: &Situation<'_>) -> Result<Option<Id>, Failure>;

    /// Whom to try and hang up on; asked every two minutes.
    fn feeler(&mut self, situation: &Situation<'_>) -> Result<Option<Id>, Failure>;

    /// How a dial ended. When it has succeeded, and is not a feeler, the peer is not among the connected ones yet.
    fn dialled(&mut self, id: Id, has_answered: bool, situation: &Situation<'_>) -> Result<(), Failure>;

    /// A connection ends, a feeler's too.
    fn hung_up(&mut self, id: Id, situation: &Situation<'_>);

    /// What the node keeps in memory only is lost.
    fn restart(&mut self) -> Result<(), Failure>;

    /// After how many minutes it hangs up a random connection to make room for another.
    fn rotation(&self) -> Option<i64>;
}

impl Situation<'_> {
    /// As a table of peers takes them.
    pub(crate) fn addresses(&self, ids: impl Iterator<Item = Id>) -> Vec<PeerAddress> {
        ids.map(|id| self.people.address(id).clone()).collect()
    }
}
