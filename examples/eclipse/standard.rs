//! The scenarios that are run when no other is asked for: those of the README.

use crate::Failure;
use crate::flood::{Arrival, Flood, Outcome};
use crate::statistics::in_parallel;
use crate::strategy::{Defences, Kind};
use crate::world::{Hosts, Sides};

/// One address per network: an answer has no more of an attacker's addresses than the attacker holds networks.
const SELECTION: Defences = Defences { max_per_netgroup: 1, max_peers: 0, max_peers_per_netgroup: 0 };
/// Room for four times the honest addresses of a network here.
const NETGROUP_BOUND: Defences = Defences { max_per_netgroup: 0, max_peers: 0, max_peers_per_netgroup: 16 };
/// Room for twice the honest addresses here.
const BOUND: Defences = Defences { max_per_netgroup: 0, max_peers: 2_000, max_peers_per_netgroup: 0 };
const ALL: Defences = Defences { max_per_netgroup: 1, max_peers: 2_000, max_peers_per_netgroup: 16 };

/// What is compared in every flood.
pub(crate) const STRATEGIES: [Kind; 7] = [
    Kind::Window,
    Kind::Specification,
    Kind::Library(Defences { max_per_netgroup: 0, max_peers: 0, max_peers_per_netgroup: 0 }),
    Kind::Library(BOUND),
    Kind::Library(NETGROUP_BOUND),
    Kind::Library(SELECTION),
    Kind::Library(ALL),
];

/// The lines of the chart.
pub(crate) const LINES: [Kind; 4] =
    [Kind::Window, Kind::Specification, Kind::Library(NETGROUP_BOUND), Kind::Library(SELECTION)];

/// 1,000 honest addresses, 9,000 hostile ones of four /16 networks.
pub(crate) const TOY: Sides = Sides {
    honest: 1_000,
    honest_networks: 250,
    hostile: 9_000,
    hostile_networks: 4,
    hostile_hosts: Hosts::Ipv4,
};

/// How many networks the attacker holds where the number of its addresses is varied.
pub(crate) const NETWORKS_OF_SWEEP: usize = 64;

/// The floods whose tables are printed.
pub(crate) fn floods(draws: usize, trials: u32, seed: u64) -> Vec<Flood> {
    let flood = |sides, arrival| Flood { sides, arrival, draws, trials, seed };
    vec![
        flood(TOY, Arrival::HonestFirst),
        flood(TOY, Arrival::HostileFirst),
        flood(Sides { hostile_networks: 64, ..TOY }, Arrival::HonestFirst),
        flood(Sides { hostile_networks: 1_000, ..TOY }, Arrival::HonestFirst),
        flood(Sides { hostile_networks: 9_000, ..TOY }, Arrival::HonestFirst),
        flood(Sides { hostile_hosts: Hosts::Names, ..TOY }, Arrival::HonestFirst),
        flood(Sides { hostile: 1_000_000, hostile_networks: 64, ..TOY }, Arrival::HonestFirst),
    ]
}

/// Runs a flood against some strategies at the same time.
pub(crate) fn run_flood(flood: &Flood, kinds: &[Kind]) -> Result<Vec<(Kind, Outcome)>, Failure> {
    let world = flood.world()?;
    in_parallel(kinds.len(), |n| Ok((kinds[n], flood.run(&world, kinds[n])?)))
}
