//! A flood, and then one question: gossip fills a table with an attacker's addresses, and a node that has just started asks it
//! whom to dial. A node whose answer has no honest address is captured.

use std::collections::HashSet;

use peer_manager::{PeerAddress, PeerTypeFilter};
use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;

use crate::Failure;
use crate::exact::{all_marked, all_marked_in_a_window};
use crate::reference::WINDOW;
use crate::statistics::{Proportion, derived};
use crate::strategy::Kind;
use crate::world::{Sides, Time, World, network_of};

/// How many addresses one message of gossip has.
pub(crate) const MESSAGE: usize = 100;

/// A flood and what is asked after it.
#[derive(Clone, Debug)]
pub(crate) struct Flood {
    pub(crate) sides: Sides,
    pub(crate) arrival: Arrival,
    pub(crate) draws: usize,
    pub(crate) trials: u32,
    pub(crate) seed: u64,
}

/// Whose addresses are heard of first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A node that has been running is flooded.
    HonestFirst,
    /// A new node is flooded before it has heard of anyone.
    HostileFirst,
    /// Both at the same time.
    Mixed,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) captured: Proportion,
    /// The probability as calculated from what is in the table, where that can be done.
    pub(crate) exact: Option<f64>,
    /// How many of each side are in the table after the flood.
    pub(crate) honest: usize,
    pub(crate) hostile: usize,
}

impl Flood {
    pub(crate) fn world(&self) -> Result<World, Failure> {
        World::new(&self.sides, derived(self.own_seed(), 0))
    }

    fn own_seed(&self) -> u64 {
        derived(self.sides.seed(self.seed), self.arrival as u64)
    }

    /// Runs it against one strategy. The trials share the table and nothing else: each has random numbers of its own.
    pub(crate) fn run(&self, world: &World, kind: Kind) -> Result<Outcome, Failure> {
        let mut table = kind.open(&Time::new(), derived(self.own_seed(), 1), None)?;
        for message in self.gossip(world).chunks(MESSAGE) {
            table.hear_of(message)?;
        }
        let mut outcomes = Vec::new();
        for _ in 0..self.trials {
            table.restart()?;
            let drawn = table.draw(PeerTypeFilter::Any, &[], self.draws)?;
            outcomes.push(!drawn.is_empty() && drawn.iter().all(|address| world.is_hostile(address)));
        }
        let peers = table.peers()?;
        let hostile = peers.iter().filter(|address| world.is_hostile(address)).count();
        Ok(Outcome {
            captured: Proportion::of(outcomes.into_iter()),
            exact: self.exact(world, kind, &peers),
            honest: peers.len() - hostile,
            hostile,
        })
    }

    /// All addresses in the order in which they are heard of.
    fn gossip(&self, world: &World) -> Vec<PeerAddress> {
        let (honest, hostile) = (world.honest.iter(), world.hostile.iter());
        match self.arrival {
            Arrival::HonestFirst => honest.chain(hostile).cloned().collect(),
            Arrival::HostileFirst => hostile.chain(honest).cloned().collect(),
            Arrival::Mixed => {
                let mut both: Vec<PeerAddress> = honest.chain(hostile).cloned().collect();
                both.shuffle(&mut ChaCha12Rng::seed_from_u64(derived(self.own_seed(), 2)));
                both
            }
        }
    }

    fn exact(&self, world: &World, kind: Kind, peers: &[PeerAddress]) -> Option<f64> {
        let sides = || peers.iter().map(|address| world.is_hostile(address));
        let count = |marked| sides().filter(|&hostile| hostile == marked).count();
        match kind {
            Kind::Window => Some(all_marked_in_a_window(&sides().collect::<Vec<_>>(), WINDOW, self.draws)),
            Kind::Library(defences) if defences.max_per_netgroup > 1 => None,
            Kind::Library(defences) if defences.max_per_netgroup == 1 => {
                let groups = |marked: bool| {
                    let of_side = peers.iter().filter(|address| world.is_hostile(address) == marked);
                    // Each name is a group of its own, whatever its port.
                    let groups: HashSet<_> = of_side
                        .map(|address| network_of(address).ok_or_else(|| address.host().clone()))
                        .collect();
                    groups.len()
                };
                Some(all_marked(groups(true), groups(false), self.draws))
            }
            _ => Some(all_marked(count(true), count(false), self.draws)),
        }
    }
}
