//! What the attacker has and does, and what happens to the node.

/// Minutes of an hour and of a day.
pub(crate) const HOUR: i64 = 60;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The honest side, the same in all scenarios.
pub(crate) const HONEST: usize = 5_000;
pub(crate) const HONEST_NETWORKS: usize = 2_000;

/// What the attacker's addresses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    Ipv4,
    /// DNS names for this library and its relatives, onion addresses with random keys for addrman, which knows no names.
    Names,
}

/// An attack, and the life of the node that meets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scenario {
    /// On the command line.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// How many addresses the attacker has, in how many networks of its own.
    pub(crate) hostile: usize,
    pub(crate) networks: usize,
    pub(crate) hosts: Hosts,
    /// How many of each network's addresses answer, and in how many of the networks; all if not given.
    pub(crate) answering: Option<(usize, usize)>,
    /// How often each address is sent during the flood.
    pub(crate) told: f64,
    /// How long the node lives before the flood, in minutes.
    pub(crate) honest: i64,
    /// How long its line is down between that and the flood.
    pub(crate) outage: i64,
    pub(crate) flood: i64,
    /// With an AS map: a network is an autonomous system. The attacker's networks belong to this many of them.
    pub(crate) systems: Option<usize>,
}

const WARM: Scenario = Scenario {
    name: "",
    title: "",
    hostile: 10_000,
    networks: 500,
    hosts: Hosts::Ipv4,
    answering: None,
    told: 5.0,
    honest: 2 * DAY,
    outage: 0,
    flood: 2 * DAY,
    systems: None,
};

/// All scenarios of the table, in its order.
pub(crate) const SCENARIOS: [Scenario; 20] = [
    Scenario { name: "10k/4", title: "10,000 addresses of 4 networks", networks: 4, ..WARM },
    Scenario { name: "10k/500", title: "10,000 of 500", ..WARM },
    Scenario {
        name: "10k/500-8-days",
        title: "10,000 of 500, 8 days of flood",
        flood: 8 * DAY,
        told: 8.0,
        ..WARM
    },
    Scenario {
        name: "10k/500-20-days",
        title: "10,000 of 500, 20 days of flood",
        flood: 20 * DAY,
        told: 20.0,
        ..WARM
    },
    Scenario {
        name: "10k/500-40-days",
        title: "10,000 of 500, 40 days of flood",
        flood: 40 * DAY,
        told: 40.0,
        ..WARM
    },
    Scenario {
        name: "30k/4000",
        title: "30,000 of 4,000",
        hostile: 30_000,
        networks: 4_000,
        told: 2.0,
        ..WARM
    },
    Scenario {
        name: "100k/4000",
        title: "100,000 of 4,000",
        hostile: 100_000,
        networks: 4_000,
        told: 2.0,
        ..WARM
    },
    Scenario { name: "names", title: "10,000 names", hosts: Hosts::Names, ..WARM },
    Scenario { name: "birth", title: "10,000 of 500 from birth", honest: 0, ..WARM },
    Scenario {
        name: "birth-12-days",
        title: "10,000 of 500 from birth, 12 days",
        honest: 0,
        flood: 12 * DAY,
        told: 12.0,
        ..WARM
    },
    Scenario {
        name: "sleepers",
        title: "200 of 100 from birth, 12 days",
        hostile: 200,
        networks: 100,
        honest: 0,
        flood: 12 * DAY,
        told: 100.0,
        ..WARM
    },
    Scenario {
        name: "sleepers-30-days",
        title: "200 of 100 from birth, 30 days",
        hostile: 200,
        networks: 100,
        honest: 0,
        flood: 30 * DAY,
        told: 250.0,
        ..WARM
    },
    Scenario { name: "outage", title: "an outage of 24 h, then 10,000 of 500", outage: DAY, ..WARM },
    Scenario {
        name: "trash",
        title: "100,000 of 4,000, of which 200 of 50 answer",
        hostile: 100_000,
        networks: 4_000,
        answering: Some((4, 50)),
        told: 2.0,
        ..WARM
    },
    Scenario {
        name: "trash-only",
        title: "100,000 of 4,000 that do not answer",
        hostile: 100_000,
        networks: 4_000,
        answering: Some((0, 0)),
        told: 2.0,
        ..WARM
    },
    Scenario { name: "quiet", title: "no attacker, 10 days", hostile: 0, told: 0.0, flood: 8 * DAY, ..WARM },
    Scenario {
        name: "systems",
        title: "10,000 of 500 networks of 10 autonomous systems, with an AS map",
        systems: Some(10),
        ..WARM
    },
    Scenario {
        name: "systems-200",
        title: "10,000 of 500 networks of 200 autonomous systems, with an AS map",
        systems: Some(200),
        ..WARM
    },
    Scenario {
        name: "systems-birth",
        title: "10,000 of 500 networks of 10 autonomous systems from birth, with an AS map",
        systems: Some(10),
        honest: 0,
        ..WARM
    },
    Scenario { name: "10k/2000", title: "10,000 of 2,000", networks: 2_000, ..WARM },
];

impl Scenario {
    /// The attack of the chart: 10,000 addresses of this many networks, from birth or not.
    pub(crate) fn of_networks(networks: usize, honest: i64) -> Self {
        Self { networks, honest, ..WARM }
    }

    /// The attacker's share of the networks that answer.
    pub(crate) fn share_of_networks(&self) -> f64 {
        let held = match (self.hosts, self.answering) {
            (Hosts::Names, _) | (_, Some((0, _))) => 0,
            (_, Some((_, networks))) => networks,
            _ if self.hostile == 0 => 0,
            _ => self.networks,
        };
        crate::exact::as_f64(held) / crate::exact::as_f64(held + HONEST_NETWORKS)
    }
}
