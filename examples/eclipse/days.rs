//! An attack in time: a node that has been running is flooded for a day while it dials, loses connections and dials again,
//! and is restarted each day after that. Eclipsed is a node without an honest outbound connection.
//!
//! The world is in favour of the attacker: its connections never end, its gossip always gets through (anybody may connect
//! and send some), and honest gossip only comes by honest connections.

use peer_manager::{PeerAddress, PeerTypeFilter};
use rand::rngs::ChaCha12Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::Failure;
use crate::flood::MESSAGE;
use crate::statistics::{Proportion, derived, in_parallel};
use crate::strategy::{Kind, Strategy};
use crate::world::{Sides, Time, World, network_of};

const MINUTES_OF_A_DAY: usize = 24 * 60;

/// How often a node hears gossip, in minutes.
const GOSSIP: usize = 10;

/// The minute after a restart at which the connections are looked at.
const LOOK: usize = 60;

/// An honest connection lasts as many minutes on average: twenty hours.
const LASTING: f64 = 20.0 * 60.0;

/// The node, its world and the attacker.
#[derive(Clone, Debug)]
pub(crate) struct Days {
    pub(crate) sides: Sides,
    /// How many outbound connections the node wants.
    pub(crate) draws: usize,
    pub(crate) restarts: usize,
    pub(crate) trials: u32,
    pub(crate) seed: u64,
    /// The percentage of dials that an honest address answers; others are away or have no place left.
    pub(crate) honest_answer: u32,
    /// The same of hostile ones. At 0, they are made up.
    pub(crate) hostile_answer: u32,
    pub(crate) dial: Dial,
}

/// Whom the node dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dial {
    /// Those it was connected to before; if that leaves places free, others. This is what stellar-core does.
    KnownFirst,
    /// Anyone.
    All,
}

/// One way to run a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Whether it passes over addresses of a network that it has a connection to.
    pub(crate) distinct_networks: bool,
}

/// The state of many nodes at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stage {
    pub(crate) eclipsed: Proportion,
    /// The mean number of honest connections.
    pub(crate) honest: f64,
}

impl Days {
    /// Runs as many nodes as there are trials; the stages are the end of the flood and an hour after each restart.
    pub(crate) fn run(&self, node: Node) -> Result<Vec<Stage>, Failure> {
        let own_seed = derived(self.sides.seed(self.seed), self.dial as u64);
        let world = World::new(&self.sides, derived(own_seed, 0))?;
        let trials = usize::try_from(self.trials)?;
        let lives = in_parallel(trials, |trial| {
            let seed = derived(own_seed, 1 + u64::try_from(trial)?);
            Life::begin(self, node, &world, seed)?.live()
        })?;
        let stage = |stage: usize| {
            let honest: u32 = lives.iter().map(|life| life[stage]).sum();
            Stage {
                eclipsed: Proportion::of(lives.iter().map(|life| life[stage] == 0)),
                honest: f64::from(honest) / f64::from(self.trials),
            }
        };
        Ok((0..=self.restarts).map(stage).collect())
    }
}

/// One node in one trial.
struct Life<'a> {
    setting: &'a Days,
    node: Node,
    world: &'a World,
    table: Box<dyn Strategy>,
    connections: Vec<PeerAddress>,
    time: Time,
    rng: ChaCha12Rng,
    /// Where the file is; removed when this life ends, after the table is closed.
    _directory: tempfile::TempDir,
}

impl<'a> Life<'a> {
    fn begin(setting: &'a Days, node: Node, world: &'a World, seed: u64) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let (time, file) = (Time::new(), directory.path().join("peers.db"));
        Ok(Self {
            setting,
            node,
            world,
            table: node.kind.open(&time, derived(seed, 0), Some(file))?,
            connections: Vec::new(),
            time,
            rng: ChaCha12Rng::seed_from_u64(derived(seed, 1)),
            _directory: directory,
        })
    }

    /// How many honest connections there are at each stage.
    fn live(mut self) -> Result<Vec<u32>, Failure> {
        self.table.hear_of(&self.world.honest)?;
        for minute in 0..MINUTES_OF_A_DAY {
            self.minute(minute, &[])?;
        }
        let messages = MINUTES_OF_A_DAY / GOSSIP;
        let mut flood = self.world.hostile.chunks(self.world.hostile.len().div_ceil(messages));
        for minute in 0..MINUTES_OF_A_DAY {
            let heard = if minute % GOSSIP == 0 { flood.next() } else { None };
            self.minute(minute, heard.unwrap_or_default())?;
        }
        let mut stages = vec![self.honest_connections()?];
        for _ in 0..self.setting.restarts {
            self.table.restart()?;
            self.connections.clear();
            for minute in 0..MINUTES_OF_A_DAY {
                // The attacker goes on: what was evicted from the table comes back.
                let heard = if minute % GOSSIP == 0 { self.some_of(&self.world.hostile) } else { Vec::new() };
                self.minute(minute, &heard)?;
                if minute + 1 == LOOK {
                    stages.push(self.honest_connections()?);
                }
            }
        }
        Ok(stages)
    }

    fn honest_connections(&self) -> Result<u32, Failure> {
        let honest = self.connections.iter().filter(|address| !self.world.is_hostile(address));
        Ok(u32::try_from(honest.count())?)
    }

    /// A minute passes: hostile gossip and honest, connections end, and new ones are tried.
    fn minute(&mut self, minute: usize, hostile: &[PeerAddress]) -> Result<(), Failure> {
        self.time.pass(60);
        if !hostile.is_empty() {
            self.table.hear_of(hostile)?;
        }
        if minute.is_multiple_of(GOSSIP) && self.honest_connections()? > 0 {
            let honest = self.some_of(&self.world.honest);
            self.table.hear_of(&honest)?;
        }
        let (world, rng) = (self.world, &mut self.rng);
        self.connections.retain(|address| world.is_hostile(address) || !rng.random_bool(1.0 / LASTING));
        match self.setting.dial {
            Dial::KnownFirst => {
                self.dial(PeerTypeFilter::AnyOutbound)?;
                self.dial(PeerTypeFilter::InboundOnly)
            }
            Dial::All => self.dial(PeerTypeFilter::Any),
        }
    }

    /// Dials as many peers as there are places free.
    fn dial(&mut self, types: PeerTypeFilter) -> Result<(), Failure> {
        let mut free = self.setting.draws - self.connections.len();
        if free == 0 {
            return Ok(());
        }
        // A node that is choosy looks at more than it needs.
        let looked_at = if self.node.distinct_networks { self.setting.draws } else { free };
        for address in self.table.draw(types, &self.connections, looked_at)? {
            let network = network_of(&address);
            let is_near = || self.connections.iter().any(|connected| network_of(connected) == network);
            if free == 0 || self.node.distinct_networks && network.is_some() && is_near() {
                continue;
            }
            free -= 1;
            let setting = self.setting;
            let hostile = self.world.is_hostile(&address);
            let percentage = if hostile { setting.hostile_answer } else { setting.honest_answer };
            if self.rng.random_ratio(percentage, 100) {
                self.table.reached(&address)?;
                self.connections.push(address);
            } else {
                self.table.failed(&address)?;
            }
        }
        Ok(())
    }

    /// A message of gossip: each address is any of them.
    fn some_of(&mut self, addresses: &[PeerAddress]) -> Vec<PeerAddress> {
        (0..MESSAGE).filter_map(|_| addresses.choose(&mut self.rng).cloned()).collect()
    }
}
