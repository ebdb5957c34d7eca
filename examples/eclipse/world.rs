//! The addresses that exist: honest ones and an attacker's, each side in networks of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use peer_manager::{Clock, Host, PeerAddress};
use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;

use crate::Failure;
use crate::statistics::derived;

/// Every node listens here, unless its network has no host left.
pub(crate) const PORT: u16 = 11_625;

/// Hosts of a /16.
const HOSTS: usize = 1 << 16;

/// When every simulation begins.
const BEGINNING: i64 = 1_700_000_000;

/// How many addresses each side has, in how many /16 networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) honest: usize,
    pub(crate) honest_networks: usize,
    pub(crate) hostile: usize,
    pub(crate) hostile_networks: usize,
    pub(crate) hostile_hosts: Hosts,
}

impl Sides {
    /// The seed of what happens between these sides: another attack has other random numbers.
    pub(crate) fn seed(&self, seed: u64) -> u64 {
        let numbers = [self.honest, self.honest_networks, self.hostile, self.hostile_networks];
        let seed = derived(seed, self.hostile_hosts as u64);
        // Counts of this size are the same in 64 bits.
        numbers.iter().fold(seed, |seed, &number| derived(seed, number as u64))
    }
}

/// What the attacker's addresses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// IPv4, in the networks that the attacker holds.
    Ipv4,
    /// DNS names, which cost nothing and are a network group each.
    Names,
}

/// Both sides, and which addresses are on which.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) honest: Vec<PeerAddress>,
    pub(crate) hostile: Vec<PeerAddress>,
    /// Whether a /16 is the attacker's, by its number.
    held_by_attacker: Vec<bool>,
}

impl World {
    /// Spreads each side evenly over its networks; which networks these are follows the seed.
    pub(crate) fn new(sides: &Sides, seed: u64) -> Result<Self, Failure> {
        let mut networks = public_networks();
        networks.shuffle(&mut ChaCha12Rng::seed_from_u64(seed));
        let needed = sides.honest_networks + sides.hostile_networks;
        if needed > networks.len() {
            return Err(format!("{needed} networks are more than the {} public ones", networks.len()).into());
        }
        let (honest_networks, others) = networks.split_at(sides.honest_networks);
        let hostile_networks = &others[..sides.hostile_networks];
        let mut held_by_attacker = vec![false; HOSTS];
        for &network in hostile_networks {
            held_by_attacker[usize::from(network)] = true;
        }
        let honest = (0..sides.honest).map(|n| nth_of(honest_networks, n)).collect::<Result<_, _>>()?;
        let hostile = (0..sides.hostile).map(|n| match sides.hostile_hosts {
            Hosts::Ipv4 => nth_of(hostile_networks, n),
            Hosts::Names => Ok(PeerAddress::new(&format!("node{n}.example.com"), PORT)?),
        });
        Ok(Self { honest, hostile: hostile.collect::<Result<_, _>>()?, held_by_attacker })
    }

    pub(crate) fn is_hostile(&self, address: &PeerAddress) -> bool {
        match network_of(address) {
            Some(network) => self.held_by_attacker[usize::from(network)],
            // Honest nodes have IPv4 addresses.
            None => true,
        }
    }
}

/// The /16 of an IPv4 address.
pub(crate) fn network_of(address: &PeerAddress) -> Option<u16> {
    match address.host() {
        Host::V4(ip) => {
            let [first, second, ..] = ip.octets();
            Some(u16::from_be_bytes([first, second]))
        }
        _ => None,
    }
}

/// The numbers of all /16 networks that are on the public Internet.
pub(crate) fn public_networks() -> Vec<u16> {
    (0..=u16::MAX).filter(|&network| address(network, 0, PORT).is_ok_and(|a| !a.is_private())).collect()
}

/// The n-th address of a side: one network after the other, and then their next hosts.
fn nth_of(networks: &[u16], n: usize) -> Result<PeerAddress, Failure> {
    let (network, place) = (networks[n % networks.len()], n / networks.len());
    // Hosts are dealt out in an order that looks random: an odd factor makes a permutation of 16 bits.
    let host = u16::try_from(place % HOSTS)?.wrapping_mul(40_503);
    let port =
        PORT.checked_add(u16::try_from(place / HOSTS)?).ok_or("too many addresses for these networks")?;
    address(network, host, port)
}

/// An address of a /16 network.
pub(crate) fn address(network: u16, host: u16, port: u16) -> Result<PeerAddress, Failure> {
    let bits = u32::from(network) << 16 | u32::from(host);
    Ok(PeerAddress::from_ip(IpAddr::V4(Ipv4Addr::from_bits(bits)), port)?)
}

/// The time in a simulation.
#[derive(Clone, Debug)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Time {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(BEGINNING)))
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn minutes(&self) -> i64 {
        self.now().div_euclid(60)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }
}
