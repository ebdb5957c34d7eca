//! The addresses that exist, which of them are born and die, and what each side tells.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

use peer_manager::PeerAddress;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::scenario::{DAY, HONEST, HONEST_NETWORKS, HOUR, Hosts, Scenario};
use crate::Failure;
use crate::world;

/// An address by its number: the hostile ones come first.
pub(crate) type Id = u32;

/// Each hour, one in this many honest addresses dies.
const LIFETIME: f64 = 240.0;

/// The oldest time that honest gossip has for an address that is alive.
const OLDEST: i64 = 5 * HOUR;

/// How many autonomous systems the honest networks belong to; the sizes fall as one over the rank.
const HONEST_SYSTEMS: usize = 1_000;

/// How many network groups addrman has for onion addresses: by four bits of the key.
const ONION_GROUPS: u32 = 16;

/// Above the numbers of networks, which have 16 bits, and of autonomous systems.
const FIRST_ONION_GROUP: u32 = 1 << 17;

/// An address and what is true of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// What counts as its network.
    pub(crate) network: u32,
    pub(crate) is_hostile: bool,
    /// Whether a dial succeeds.
    pub(crate) answers: bool,
    /// Whether its network says nothing about its operator: names, and onion addresses.
    pub(crate) is_name: bool,
    pub(crate) born: i64,
    /// When it died, if it did.
    pub(crate) died: i64,
}

/// An address in a message, and when the sender says it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) id: Id,
    pub(crate) seen: i64,
}

/// All addresses.
#[derive(Debug)]
pub(crate) struct People {
    persons: Vec<Person>,
    addresses: Vec<PeerAddress>,
    ids: HashMap<PeerAddress, Id, foldhash::quality::RandomState>,
    hostile: Id,
    living: Vec<Id>,
    dead: VecDeque<Id>,
    /// The honest networks, and the autonomous system of each.
    networks: Vec<(u16, u32)>,
    /// How many addresses each network has.
    hosts: Vec<u16>,
    by_system: bool,
    rng: ChaCha12Rng,
}

impl People {
    /// The two sides of a scenario at a time: 5,000 that are alive, and as many that died in the ten days before.
    pub(crate) fn new(scenario: &Scenario, now: i64, seed: u64) -> Result<Self, Failure> {
        static PUBLIC: LazyLock<Vec<u16>> = LazyLock::new(world::public_networks);
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let mut networks = PUBLIC.clone();
        let needed = HONEST_NETWORKS + scenario.networks;
        let (networks, _) = networks.partial_shuffle(&mut rng, needed);
        let (honest, held) = networks.split_at(HONEST_NETWORKS);
        let systems = by_rank();
        let networks = honest.iter().map(|&network| (network, system(&systems, &mut rng))).collect();
        let mut people = Self {
            persons: Vec::new(),
            addresses: Vec::new(),
            ids: HashMap::default(),
            hostile: Id::try_from(scenario.hostile)?,
            living: Vec::with_capacity(HONEST),
            dead: VecDeque::with_capacity(HONEST),
            networks,
            hosts: vec![0; 1 << 16],
            by_system: scenario.systems.is_some(),
            rng,
        };
        for n in 0..scenario.hostile {
            people.add_hostile(scenario, held, n, now)?;
        }
        for n in 0..HONEST {
            let age = people.age();
            let id = people.add_honest(n % HONEST_NETWORKS, now - age)?;
            people.living.push(id);
        }
        let mut deaths: Vec<i64> = (0..HONEST).map(|_| people.rng.random_range(0..10 * DAY)).collect();
        deaths.sort_unstable();
        for (n, ago) in deaths.into_iter().rev().enumerate() {
            let age = people.age();
            let id = people.add_honest(n % HONEST_NETWORKS, now - ago - age)?;
            people.bury(id, now - ago);
        }
        Ok(people)
    }

    pub(crate) fn get(&self, id: Id) -> &Person {
        &self.persons[id as usize]
    }

    pub(crate) fn address(&self, id: Id) -> &PeerAddress {
        &self.addresses[id as usize]
    }

    pub(crate) fn id(&self, address: &PeerAddress) -> Option<Id> {
        self.ids.get(address).copied()
    }

    /// An hour ends: some die, and as many are born.
    pub(crate) fn hour(&mut self, now: i64) -> Result<(), Failure> {
        let mut place = self.next_to_die(0);
        while place < self.living.len() {
            let network = self.rng.random_range(0..HONEST_NETWORKS);
            let born = self.add_honest(network, now)?;
            let dead = std::mem::replace(&mut self.living[place], born);
            self.bury(dead, now);
            place = self.next_to_die(place + 1);
        }
        Ok(())
    }

    /// The next of the living, from a place on, that does not survive the hour: what a coin for each would say, with few of
    /// them thrown.
    fn next_to_die(&mut self, from: usize) -> usize {
        let survives = 1.0 - 1.0 / LIFETIME;
        let uniform: f64 = 1.0 - self.rng.random::<f64>();
        // At most 37 / ln(240 / 239): far below what a usize holds, and never negative.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
        let skipped = (uniform.ln() / survives.ln()) as usize;
        from + skipped
    }

    /// What an honest node tells: half of it is alive.
    pub(crate) fn honest_gossip(&mut self, count: usize, now: i64, heard: &mut Vec<Heard>) {
        heard.clear();
        for _ in 0..count {
            let is_alive = self.rng.random_bool(0.5);
            heard.push(if is_alive {
                let id = self.living[self.rng.random_range(0..self.living.len())];
                Heard { id, seen: now - self.rng.random_range(0..OLDEST) }
            } else {
                let id = self.dead[self.rng.random_range(0..self.dead.len())];
                Heard { id, seen: self.get(id).died }
            });
        }
    }

    /// What a hostile node tells: its own side, seen just now.
    pub(crate) fn hostile_gossip(&mut self, count: usize, now: i64, heard: &mut Vec<Heard>) {
        heard.clear();
        for _ in 0..count {
            heard.push(Heard { id: self.any_hostile(), seen: now });
        }
    }

    /// The attacker must have an address.
    pub(crate) fn any_hostile(&mut self) -> Id {
        self.rng.random_range(0..self.hostile)
    }

    pub(crate) fn any_living(&mut self) -> Id {
        self.living[self.rng.random_range(0..self.living.len())]
    }

    #[cfg(test)]
    pub(crate) fn living(&self) -> &[Id] {
        &self.living
    }

    #[cfg(test)]
    pub(crate) fn dead(&self) -> &VecDeque<Id> {
        &self.dead
    }

    /// The age of an address that is alive, or the age at which it died: the distribution has no memory.
    fn age(&mut self) -> i64 {
        let uniform: f64 = 1.0 - self.rng.random::<f64>();
        #[expect(clippy::cast_possible_truncation, reason = "at most 37 lifetimes")]
        let minutes = (-uniform.ln() * LIFETIME * 60.0) as i64;
        minutes
    }

    fn bury(&mut self, id: Id, when: i64) {
        let person = &mut self.persons[id as usize];
        person.died = when;
        person.answers = false;
        if self.dead.len() == HONEST {
            self.dead.pop_front();
        }
        self.dead.push_back(id);
    }

    fn add_honest(&mut self, network: usize, born: i64) -> Result<Id, Failure> {
        let (network, system) = self.networks[network];
        let person = Person {
            network: if self.by_system { system } else { u32::from(network) },
            is_hostile: false,
            answers: true,
            is_name: false,
            born,
            died: i64::MAX,
        };
        let address = self.new_host(network, person.network)?;
        self.add(person, address)
    }

    fn add_hostile(&mut self, scenario: &Scenario, held: &[u16], n: usize, now: i64) -> Result<Id, Failure> {
        let (place, nth) = (n % scenario.networks, n / scenario.networks);
        let answers =
            scenario.answering.is_none_or(|(addresses, networks)| nth < addresses && place < networks);
        let network = match (scenario.hosts, scenario.systems) {
            (Hosts::Names, _) => FIRST_ONION_GROUP + self.rng.random_range(0..ONION_GROUPS),
            // After those of the honest side.
            (Hosts::Ipv4, Some(systems)) => u32::try_from(HONEST_SYSTEMS + place % systems)?,
            (Hosts::Ipv4, None) => u32::from(held[place]),
        };
        let is_name = scenario.hosts == Hosts::Names;
        let address = if is_name {
            PeerAddress::new(&format!("node{n}.example.com"), world::PORT)?
        } else {
            self.new_host(held[place], network)?
        };
        let person = Person { network, is_hostile: true, answers, is_name, born: now, died: i64::MAX };
        self.add(person, address)
    }

    fn add(&mut self, person: Person, address: PeerAddress) -> Result<Id, Failure> {
        let id = Id::try_from(self.persons.len())?;
        self.persons.push(person);
        self.addresses.push(address.clone());
        self.ids.insert(address, id);
        Ok(id)
    }

    /// The next host of a network. Where an AS map is in use, the address is one whose netgroup is the autonomous system
    /// without a map: an IPv6 /32 for each.
    fn new_host(&mut self, network: u16, group: u32) -> Result<PeerAddress, Failure> {
        let hosts = &mut self.hosts[usize::from(network)];
        *hosts += 1;
        let host = hosts.wrapping_mul(40_503);
        if self.by_system {
            let prefix = u128::from(0x2400_0000 + group) << 96;
            let ip = Ipv6Addr::from_bits(prefix | u128::from(network) << 16 | u128::from(host));
            return Ok(PeerAddress::from_ip(IpAddr::V6(ip), world::PORT)?);
        }
        world::address(network, host, world::PORT)
    }
}

/// The sum of the weights of the autonomous systems up to each one.
fn by_rank() -> Vec<f64> {
    let weights = (1..=HONEST_SYSTEMS).map(|rank| 1.0 / crate::exact::as_f64(rank));
    weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

/// A random one.
fn system(sums: &[f64], rng: &mut ChaCha12Rng) -> u32 {
    let total = sums.last().copied().unwrap_or(1.0);
    let drawn = rng.random_range(0.0..total);
    u32::try_from(sums.partition_point(|&sum| sum <= drawn)).unwrap_or(u32::MAX)
}
