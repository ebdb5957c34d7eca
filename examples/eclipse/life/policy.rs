//! This library as a node drives it: by `next_to_dial`, or by a policy with parameters that is made of its queries, to find
//! out what `next_to_dial` should do.

use std::collections::HashMap;
use std::fmt;

use foldhash::quality::RandomState;
use peer_manager::{
    BackOffUpdate, NameGroups, Options, PeerAddress, PeerManager, PeerQuery, PeerTypeFilter, Purpose,
    REALLY_DEAD, StoredPeerType,
};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::node::{Node, Situation};
use super::people::{Heard, Id};
use super::scenario::{DAY, HOUR};
use crate::Failure;
use crate::world::Time;

/// The bounds of the table.
const MAX_PEERS: u64 = 20_000;
const MAX_PEERS_PER_NETGROUP: u32 = 16;

/// The node is offline while fewer connections are up.
const ONLINE: usize = 2;

/// Whom to dial, and when to make room for others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Policy {
    pub(crate) choice: Choice,
    pub(crate) feelers: bool,
    /// After how many minutes one connection is hung up.
    pub(crate) rotation: Option<i64>,
    /// The library's option; 0 is the specification's 10.
    pub(crate) backoff_seconds: u32,
}

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Choice {
    /// The library's one call.
    Library,
    Parameters(Parameters),
}

/// What may be varied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Parameters {
    /// Of how many draws the most senior one wins a place: among peers that were reached, and among those only heard of.
    pub(crate) known_depth: u32,
    pub(crate) new_depth: u32,
    /// The same for feelers.
    pub(crate) feeler_depth: u32,
    /// Feelers go to peers with at most this many failures while there are any.
    pub(crate) feeler_failures: u32,
    /// How many of these the winner is drawn from: 1 is the most senior one.
    pub(crate) among: u32,
    /// The percentage of places that go to one draw among all, reached or not.
    pub(crate) uniform: u32,
    /// The percentage of places for which peers that were only heard of come first.
    pub(crate) new_first: u32,
    /// A peer counts as known once it was reached a second time, a day or more after the first.
    pub(crate) known_after_a_day: bool,
    /// The seniority of known peers is the order in which they were heard of, not that in which they were reached.
    pub(crate) known_by_heard: bool,
}

/// What the contract says.
pub(crate) const CONTRACT: Parameters = Parameters {
    known_depth: 8,
    new_depth: 8,
    feeler_depth: 1,
    feeler_failures: REALLY_DEAD,
    among: 1,
    uniform: 0,
    new_first: 0,
    known_after_a_day: false,
    known_by_heard: false,
};

/// What the documentation of `next_to_dial` tells a node to do.
pub(crate) const DOCUMENTED: Policy =
    Policy { choice: Choice::Library, feelers: true, rotation: Some(2 * HOUR), backoff_seconds: 0 };

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.choice {
            Choice::Library => f.write_str("`next_to_dial`")?,
            Choice::Parameters(parameters) => write!(f, "{parameters}")?,
        }
        if !self.feelers {
            f.write_str(", no feelers")?;
        }
        if self.backoff_seconds != 0 {
            write!(f, ", back-off from {} s", self.backoff_seconds)?;
        }
        match self.rotation {
            None => f.write_str(", no rotation"),
            Some(minutes) if minutes == 2 * HOUR => Ok(()),
            Some(minutes) => write!(f, ", rotation every {minutes} minutes"),
        }
    }
}

impl Parameters {
    /// Whether the order in which peers were heard of and reached is needed here; otherwise the library's own will do.
    fn ranks_itself(&self) -> bool {
        self.among != 1 || self.known_by_heard
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "depth {}/{}", self.known_depth, self.new_depth)?;
        if self.feeler_depth != 1 {
            write!(f, ", feelers {}", self.feeler_depth)?;
        }
        if self.feeler_failures != REALLY_DEAD {
            write!(f, " (first with at most {} failures)", self.feeler_failures)?;
        }
        if self.among != 1 {
            write!(f, ", any of the {} most senior", self.among)?;
        }
        if self.uniform != 0 {
            write!(f, ", {} % uniform", self.uniform)?;
        }
        if self.new_first != 0 {
            write!(f, ", {} % new first", self.new_first)?;
        }
        if self.known_after_a_day {
            f.write_str(", known after a day")?;
        }
        if self.known_by_heard {
            f.write_str(", known by when they were heard of")?;
        }
        Ok(())
    }
}

/// A node with this library.
#[derive(Debug)]
pub(crate) struct Library {
    manager: PeerManager,
    policy: Policy,
    ranks: Ranks,
    rng: ChaCha12Rng,
}

/// In which order peers were heard of and reached, and when the peers that are not known yet were first reached.
#[derive(Debug, Default)]
struct Ranks {
    heard: HashMap<Id, u32, RandomState>,
    reached: HashMap<Id, u32, RandomState>,
    on_trial: HashMap<Id, i64, RandomState>,
}

impl Library {
    /// With its table in memory: a restart loses nothing of the table, and the file's part in that has tests of its own.
    pub(crate) fn open(policy: Policy, time: &Time, seed: u64) -> Result<Self, Failure> {
        let manager = PeerManager::open(Options {
            clock: time.clock(),
            rng_seed: Some(seed),
            max_peers: MAX_PEERS,
            max_peers_per_netgroup: MAX_PEERS_PER_NETGROUP,
            name_groups: NameGroups::ByKey,
            backoff_seconds: policy.backoff_seconds,
            ..Options::default()
        })?;
        Ok(Self { manager, policy, ranks: Ranks::default(), rng: ChaCha12Rng::seed_from_u64(seed) })
    }

    /// One of a netgroup that has no connection, the most senior of several draws.
    fn choose(
        &mut self,
        kind: PeerTypeFilter,
        depth: u32,
        busy: &[PeerAddress],
        situation: &Situation<'_>,
    ) -> Result<Option<Id>, Failure> {
        let Choice::Parameters(parameters) = self.policy.choice else { return Ok(None) };
        let is_asked = !parameters.ranks_itself();
        let query = PeerQuery {
            max_num_failures: Some(REALLY_DEAD),
            type_filter: kind,
            max_per_netgroup: 1,
            apart: true,
            exclude: busy,
            seniority: if is_asked { depth } else { 0 },
            ..PeerQuery::default()
        };
        let mut drawn = Vec::new();
        for _ in 0..if is_asked { 1 } else { depth } {
            let answer = self.manager.load_random_peers(&query, 1)?;
            drawn.extend(answer.first().and_then(|address| situation.people.id(address)));
        }
        let by_heard = parameters.known_by_heard || kind == PeerTypeFilter::InboundOnly;
        let ranks = if by_heard { &self.ranks.heard } else { &self.ranks.reached };
        drawn.sort_by_key(|id| ranks.get(id).copied());
        drawn.truncate(parameters.among as usize);
        let place = if drawn.is_empty() { 0 } else { self.rng.random_range(0..drawn.len()) };
        Ok(drawn.get(place).copied())
    }

    fn choose_by(
        &mut self,
        parameters: Parameters,
        busy: &[PeerAddress],
        situation: &Situation<'_>,
    ) -> Result<Option<Id>, Failure> {
        let Parameters { known_depth, new_depth, uniform, new_first, .. } = parameters;
        let dice = self.rng.random_range(0..100);
        let known = (PeerTypeFilter::AnyOutbound, known_depth);
        let new = (PeerTypeFilter::InboundOnly, new_depth);
        let order = if dice < uniform {
            [(PeerTypeFilter::Any, 1), new]
        } else if dice < uniform + new_first {
            [new, known]
        } else {
            [known, new]
        };
        for (kind, depth) in order {
            if let Some(id) = self.choose(kind, depth, busy, situation)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Whether a peer that answers becomes a known one.
    fn becomes_known(&mut self, id: Id, now: i64) -> bool {
        let Choice::Parameters(Parameters { known_after_a_day: true, .. }) = self.policy.choice else {
            return true;
        };
        now - *self.ranks.on_trial.entry(id).or_insert(now) >= DAY || self.ranks.reached.contains_key(&id)
    }
}

impl Ranks {
    fn note(ranks: &mut HashMap<Id, u32, RandomState>, id: Id) {
        // Below the number of addresses.
        let next = u32::try_from(ranks.len()).unwrap_or(u32::MAX);
        ranks.entry(id).or_insert(next);
    }
}

impl Node for Library {
    fn hear_of(&mut self, heard: &[Heard], _: Id, situation: &Situation<'_>) -> Result<(), Failure> {
        self.manager.ensure_exists_many(&situation.addresses(heard.iter().map(|heard| heard.id)))?;
        if matches!(self.policy.choice, Choice::Parameters(parameters) if parameters.ranks_itself()) {
            for heard in heard {
                Ranks::note(&mut self.ranks.heard, heard.id);
            }
        }
        Ok(())
    }

    fn next(&mut self, situation: &Situation<'_>) -> Result<Option<Id>, Failure> {
        let busy = situation.addresses(situation.connected.iter().copied());
        match self.policy.choice {
            Choice::Library => {
                let drawn = self.manager.next_to_dial(Purpose::Connect, &busy, 1)?;
                Ok(drawn.first().and_then(|address| situation.people.id(address)))
            }
            Choice::Parameters(parameters) => self.choose_by(parameters, &busy, situation),
        }
    }

    fn feeler(&mut self, situation: &Situation<'_>) -> Result<Option<Id>, Failure> {
        if !self.policy.feelers {
            return Ok(None);
        }
        let busy = situation.addresses(situation.connected.iter().copied());
        let drawn = match self.policy.choice {
            Choice::Library => self.manager.next_to_dial(Purpose::Feeler, &busy, 1)?,
            Choice::Parameters(Parameters { feeler_depth, feeler_failures, .. }) => {
                let feeler = |max_num_failures| {
                    let query = PeerQuery {
                        max_num_failures: Some(max_num_failures),
                        type_filter: PeerTypeFilter::InboundOnly,
                        max_per_netgroup: 1,
                        exclude: &busy,
                        seniority: feeler_depth,
                        ..PeerQuery::default()
                    };
                    self.manager.load_random_peers(&query, 1)
                };
                let drawn = feeler(feeler_failures)?;
                if drawn.is_empty() { feeler(REALLY_DEAD)? } else { drawn }
            }
        };
        Ok(drawn.first().and_then(|address| situation.people.id(address)))
    }

    fn dialled(&mut self, id: Id, has_answered: bool, situation: &Situation<'_>) -> Result<(), Failure> {
        let address = situation.people.address(id);
        if !has_answered {
            self.manager.set_online(situation.connected.len() >= ONLINE)?;
            return Ok(self.manager.update_backoff(address, BackOffUpdate::Increase)?);
        }
        if self.becomes_known(id, situation.now) {
            Ranks::note(&mut self.ranks.reached, id);
            let (seen, known) = (StoredPeerType::Outbound, false);
            return Ok(self.manager.update(address, seen, known, BackOffUpdate::Reset)?);
        }
        Ok(self.manager.update_backoff(address, BackOffUpdate::Reset)?)
    }

    fn hung_up(&mut self, _: Id, _: &Situation<'_>) {}

    fn restart(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn rotation(&self) -> Option<i64> {
        self.policy.rotation
    }
}
