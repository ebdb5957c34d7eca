//! The life of a node: it joins a network of honest addresses that are born and die, is told of an attacker's, dials, loses
//! connections and is restarted. Time passes in minutes. The world is that of the README, to the letter.

pub(crate) mod addrman;
pub(crate) mod connections;
pub(crate) mod figure;
pub(crate) mod node;
pub(crate) mod people;
pub(crate) mod policy;
pub(crate) mod queries;
pub(crate) mod report;
pub(crate) mod scenario;
pub(crate) mod search;
pub(crate) mod strategies;
#[cfg(test)]
mod tests;

use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

use crate::Failure;
use crate::statistics::derived;
use crate::world::Time;
use node::{Node, Situation};
use people::{Heard, Id, People};
use scenario::{DAY, HOUR, Scenario};
use strategies::Strategy;

/// How many connections the node wants.
pub(crate) const WANTED: usize = 8;

/// How many dials a minute it makes at most.
const DIALS: usize = 10;

/// How often connections and the flood bring gossip, in minutes.
const GOSSIP: i64 = 10;

/// How many addresses come from a new connection, from each connection every ten minutes, in a message of the flood, and from
/// the seeds.
const TOLD_AT_FIRST: usize = 250;
const TOLD_LATER: usize = 10;
const MESSAGE: usize = 100;
const SEEDS: usize = 200;

/// An honest connection ends in one of this many minutes.
const LASTING: f64 = 1_200.0;

/// How often a feeler is tried.
const FEELER: i64 = 2;

/// How often the node is restarted, how long it is away, how long it then runs, and when it is looked at.
pub(crate) const RESTARTS: usize = 4;
const AWAY: i64 = 2;
const RUNS: i64 = 20;
const LOOK: i64 = 10;

/// A peer that is younger is new to the network, or young: one in ten of the living, and two in five.
const NEW: i64 = DAY;
const YOUNG: i64 = 5 * DAY;

/// How many of the connections are hostile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) hostile: u32,
    pub(crate) all: u32,
}

/// What was seen of one life.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Before the first restart.
    pub(crate) before: View,
    /// Ten minutes after each.
    pub(crate) restarts: Vec<View>,
    /// How many dials the first restart took until all places were filled, if they were.
    pub(crate) dials: Option<u32>,
    /// Of the connections to honest peers after the first day: how many there were, and how many of those peers were new
    /// to the network, or young.
    pub(crate) made: u32,
    pub(crate) made_to_new: u32,
    pub(crate) made_to_young: u32,
}

impl View {
    pub(crate) fn share(self) -> f64 {
        if self.all == 0 { 0.0 } else { f64::from(self.hostile) / f64::from(self.all) }
    }

    pub(crate) fn is_eclipsed(self) -> bool {
        self.all > 0 && self.hostile == self.all
    }
}

/// Runs one life. What happens in the world follows the seed, whatever the strategy, until the node acts.
pub(crate) fn live(scenario: &Scenario, strategy: Strategy, seed: u64) -> Result<Outcome, Failure> {
    live_with(scenario, seed, |time, seed| strategy.node(time, seed))
}

fn live_with(
    scenario: &Scenario,
    seed: u64,
    node: impl FnOnce(&Time, u64) -> Result<Box<dyn Node>, Failure>,
) -> Result<Outcome, Failure> {
    let time = Time::new();
    let people = People::new(scenario, time.minutes(), derived(seed, 0))?;
    let life = Life {
        scenario,
        people,
        node: node(&time, derived(seed, 1))?,
        connected: Vec::new(),
        began: time.minutes(),
        is_offline: false,
        flooded: 0.0,
        dials: 0,
        heard: Vec::new(),
        outcome: Outcome::default(),
        time,
        rng: ChaCha12Rng::seed_from_u64(derived(seed, 2)),
    };
    life.run()
}

/// A node and its world.
struct Life<'a> {
    scenario: &'a Scenario,
    people: People,
    node: Box<dyn Node>,
    connected: Vec<Id>,
    time: Time,
    began: i64,
    is_offline: bool,
    /// Flooded addresses that do not make a message yet.
    flooded: f64,
    dials: u32,
    heard: Vec<Heard>,
    outcome: Outcome,
    rng: ChaCha12Rng,
}

impl Life<'_> {
    fn run(mut self) -> Result<Outcome, Failure> {
        let seed = self.people.any_living();
        self.people.honest_gossip(SEEDS, self.time.minutes(), &mut self.heard);
        self.hear(seed)?;
        for _ in 0..self.scenario.honest {
            self.minute(false)?;
        }
        self.is_offline = true;
        for _ in 0..self.scenario.outage {
            self.minute(false)?;
        }
        self.is_offline = false;
        for _ in 0..self.scenario.flood {
            self.minute(true)?;
        }
        self.outcome.before = self.view();
        for restart in 0..RESTARTS {
            self.connected.clear();
            self.dials = 0;
            self.node.restart()?;
            self.time.pass(AWAY * 60);
            for minute in 1..=RUNS {
                self.minute(false)?;
                if restart == 0 && self.outcome.dials.is_none() && self.connected.len() == WANTED {
                    self.outcome.dials = Some(self.dials);
                }
                if minute == LOOK {
                    let view = self.view();
                    self.outcome.restarts.push(view);
                }
            }
        }
        Ok(self.outcome)
    }

    fn view(&self) -> View {
        self.connected.iter().fold(View::default(), |view, &id| View {
            hostile: view.hostile + u32::from(self.people.get(id).is_hostile),
            all: view.all + 1,
        })
    }

    /// A minute, of which the first brings the first gossip of the flood before the node dials.
    fn minute(&mut self, is_flooded: bool) -> Result<(), Failure> {
        let now = self.time.minutes();
        let elapsed = now - self.began;
        if elapsed % HOUR == 0 {
            self.people.hour(now)?;
        }
        self.end_connections();
        if elapsed % GOSSIP == 0 {
            if is_flooded {
                self.flood(now)?;
            }
            for place in 0..self.connected.len() {
                self.is_told_by(self.connected[place], TOLD_LATER)?;
            }
        }
        for _ in 0..DIALS {
            if self.connected.len() == WANTED || !self.dial()? {
                break;
            }
        }
        if elapsed % FEELER == 0 {
            self.feel()?;
        }
        self.time.pass(60);
        Ok(())
    }

    /// Connections end: when the peer dies or the node's line is down, by chance, and when the node makes room.
    fn end_connections(&mut self) {
        let now = self.time.minutes();
        let is_time = self.node.rotation().is_some_and(|every| (now - self.began) % every == 0);
        let rotated = if is_time && self.connected.len() == WANTED {
            Some(self.connected[self.rng.random_range(0..WANTED)])
        } else {
            None
        };
        let mut place = 0;
        while place < self.connected.len() {
            let id = self.connected[place];
            let person = self.people.get(id);
            let ends = self.is_offline
                || rotated == Some(id)
                || !person.is_hostile && (!person.answers || self.rng.random_bool(1.0 / LASTING));
            if ends {
                self.connected.swap_remove(place);
                let situation = Situation { people: &self.people, connected: &self.connected, now };
                self.node.hung_up(id, &situation);
            } else {
                place += 1;
            }
        }
    }

    /// What ten minutes of flood bring.
    fn flood(&mut self, now: i64) -> Result<(), Failure> {
        let Scenario { hostile, told, flood, .. } = *self.scenario;
        // A flood lasts a few thousand minutes.
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let times = flood as f64 / GOSSIP as f64;
        self.flooded += crate::exact::as_f64(hostile) * told / times;
        while self.flooded >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "positive, and not large"
            )]
            let message = MESSAGE.min(self.flooded as usize);
            self.flooded -= crate::exact::as_f64(message);
            let source = self.people.any_hostile();
            self.people.hostile_gossip(message, now, &mut self.heard);
            self.hear(source)?;
        }
        Ok(())
    }

    fn is_told_by(&mut self, id: Id, count: usize) -> Result<(), Failure> {
        let now = self.time.minutes();
        if self.people.get(id).is_hostile {
            self.people.hostile_gossip(count, now, &mut self.heard);
        } else {
            self.people.honest_gossip(count, now, &mut self.heard);
        }
        self.hear(id)
    }

    fn hear(&mut self, source: Id) -> Result<(), Failure> {
        let now = self.time.minutes();
        let situation = Situation { people: &self.people, connected: &self.connected, now };
        self.node.hear_of(&self.heard, source, &situation)
    }

    /// Dials for a free place, unless there is no peer to dial.
    fn dial(&mut self) -> Result<bool, Failure> {
        let now = self.time.minutes();
        let situation = Situation { people: &self.people, connected: &self.connected, now };
        let Some(id) = self.node.next(&situation)? else { return Ok(false) };
        if self.connected.contains(&id) {
            return Err("a peer that is connected was dialled".into());
        }
        self.dials += 1;
        let person = *self.people.get(id);
        let has_answered = person.answers && !self.is_offline;
        self.node.dialled(id, has_answered, &situation)?;
        if has_answered {
            if !person.is_hostile && now - self.began > DAY {
                self.outcome.made += 1;
                self.outcome.made_to_new += u32::from(now - person.born < NEW);
                self.outcome.made_to_young += u32::from(now - person.born < YOUNG);
            }
            self.connected.push(id);
            self.is_told_by(id, TOLD_AT_FIRST)?;
        }
        Ok(true)
    }

    fn feel(&mut self) -> Result<(), Failure> {
        let now = self.time.minutes();
        let situation = Situation { people: &self.people, connected: &self.connected, now };
        let Some(id) = self.node.feeler(&situation)? else { return Ok(()) };
        let has_answered = self.people.get(id).answers && !self.is_offline;
        self.node.dialled(id, has_answered, &situation)?;
        if has_answered {
            self.node.hung_up(id, &situation);
        }
        Ok(())
    }
}
