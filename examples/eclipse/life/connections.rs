//! Bitcoin Core's connection thread, as it drives addrman.

use super::addrman::{AddrMan, PENALTY};
use super::node::{Node, Situation};
use super::people::{Heard, Id};
use crate::Failure;

/// How many addresses it looks at for one dial, and for how many of them it matters that they were tried just now.
const LOOKS: u32 = 100;
const CHOOSY_LOOKS: u32 = 30;
const JUST_NOW: i64 = 10;

/// A failure counts while this many connections are up.
const ONLINE: usize = 2;

/// A node with addrman.
#[derive(Debug)]
pub(crate) struct Connections {
    table: AddrMan,
}

impl Connections {
    pub(crate) fn new(seed: u64) -> Self {
        Self { table: AddrMan::new(seed) }
    }

    fn was_tried_just_now(&self, id: Id, now: i64) -> bool {
        self.table.get(id).is_some_and(|entry| now - entry.last_try < JUST_NOW)
    }
}

impl Node for Connections {
    fn hear_of(&mut self, heard: &[Heard], source: Id, situation: &Situation<'_>) -> Result<(), Failure> {
        let people = situation.people;
        let source = (source, people.get(source).network);
        for &heard in heard {
            self.table.add(heard, people.get(heard.id).network, source, PENALTY, situation.now);
        }
        Ok(())
    }

    fn next(&mut self, situation: &Situation<'_>) -> Result<Option<Id>, Failure> {
        let Situation { people, connected, now } = *situation;
        self.table.resolve_collisions(now);
        for look in 1..=LOOKS {
            let Some(id) = self.table.select(false, now) else { return Ok(None) };
            let person = people.get(id);
            // The groups of onion addresses say nothing, and keep nothing apart.
            let is_near =
                |&other: &Id| other == id || !person.is_name && people.get(other).network == person.network;
            if connected.iter().any(is_near) || look < CHOOSY_LOOKS && self.was_tried_just_now(id, now) {
                continue;
            }
            return Ok(Some(id));
        }
        Ok(None)
    }

    fn feeler(&mut self, situation: &Situation<'_>) -> Result<Option<Id>, Failure> {
        let Situation { connected, now, .. } = *situation;
        self.table.resolve_collisions(now);
        for look in 1..=LOOKS {
            let tested = self.table.select_collision();
            if let Some(id) = tested.filter(|id| connected.contains(id)) {
                // It is reached this very moment.
                self.table.good(id, now);
            }
            let tested = tested.filter(|id| !connected.contains(id));
            let Some(id) = tested.or_else(|| self.table.select(true, now)) else { return Ok(None) };
            if connected.contains(&id) || look < CHOOSY_LOOKS && self.was_tried_just_now(id, now) {
                continue;
            }
            return Ok(Some(id));
        }
        Ok(None)
    }

    fn dialled(&mut self, id: Id, has_answered: bool, situation: &Situation<'_>) -> Result<(), Failure> {
        self.table.attempt(id, situation.connected.len() >= ONLINE, situation.now);
        if has_answered {
            self.table.good(id, situation.now);
        }
        Ok(())
    }

    fn hung_up(&mut self, id: Id, situation: &Situation<'_>) {
        self.table.hung_up(id, situation.now);
    }

    fn restart(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn rotation(&self) -> Option<i64> {
        None
    }
}
