//! Real processes of the C example (`examples/c`, `--listen`) that find each other over sockets, by gossip alone.
//!
//! That a small network stands within a minute is what is tested here, so there is a deadline; it takes a few seconds.

pub(crate) mod network;
mod strangers;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::languages;
use network::{Node, Starter, all_of, by};
use tempfile::TempDir;

/// How long a network may take to stand.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// The connections that a node makes if it is told nothing else.
const PLACES: usize = 8;
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The example, if this machine can compile it; and the directory that it is in.
fn program() -> Option<(PathBuf, TempDir)> {
    program_of(&["node"])
}

fn program_of(targets: &[&str]) -> Option<(PathBuf, TempDir)> {
    let made = languages::make("examples/c", targets, &[("make", "make"), ("C compiler", "cc")])?;
    Some((languages::build(made.path(), "node"), made))
}

/// Starts a node on each host; the seed of each is one of those before it.
fn start(starter: &Starter, hosts: &[IpAddr], seed: fn(&[Node]) -> &Node) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for &host in hosts {
        let seeds: Vec<String> = if nodes.is_empty() { vec![] } else { vec![seed(&nodes).address.clone()] };
        nodes.push(starter.start(host, &seeds));
    }
    nodes
}

fn first(nodes: &[Node]) -> &Node {
    &nodes[0]
}

fn last(nodes: &[Node]) -> &Node {
    nodes.last().expect("one before")
}

/// The addresses of all but one.
fn others(nodes: &[Node], node: &Node) -> BTreeSet<String> {
    nodes.iter().map(|node| node.address.clone()).filter(|address| *address != node.address).collect()
}

/// Whether a node has made as many connections as it may, or as there are peers, and to whom it should; the same for what it
/// knows.
fn stands(nodes: &[Node], node: &Node) -> bool {
    let others = others(nodes, node);
    let connected = node.connected();
    assert!(connected.is_subset(&others), "{} is connected to strangers: {connected:?}", node.address);
    connected.len() == PLACES.min(others.len()) && node.count("known") == others.len()
}

/// All find all others within a minute, and each makes its connections. They are kept, and told at the end.
fn the_network_stands(starter: &Starter, hosts: &[IpAddr], seed: fn(&[Node]) -> &Node) {
    let nodes = start(starter, hosts, seed);
    by(MINUTE, "all have found all others", &nodes, || nodes.iter().all(|node| stands(&nodes, node)));
    for node in &nodes {
        assert_eq!(node.count("connected"), node.connected().len(), "{}", node.said());
        assert!(!node.said().contains("--local"), "{}", node.said());
    }
    let expected: Vec<BTreeSet<String>> = nodes.iter().map(|node| others(&nodes, node)).collect();
    for (list, expected) in all_of(nodes).into_iter().zip(expected) {
        assert_eq!(list, expected);
    }
}

#[test]
fn ten_processes_on_one_address_find_each_other_along_a_chain_of_seeds() {
    let Some((program, _directory)) = program() else { return };
    the_network_stands(&Starter::new(program, &["--local"]), &[LOOPBACK; 10], last);
}

#[test]
fn ten_processes_on_one_address_find_each_other_through_one_seed() {
    let Some((program, _directory)) = program() else { return };
    the_network_stands(&Starter::new(program, &["--local"]), &[LOOPBACK; 10], first);
}

/// Twelve hosts, one half in each /16 of `1` and `2`.
fn of_two_operators(first_byte: u8) -> Vec<IpAddr> {
    (0..12).map(|n| IpAddr::V4(Ipv4Addr::new(first_byte, 1 + n % 2, 0, 1 + n))).collect()
}

#[test]
fn twelve_nodes_of_two_operators_have_eight_connections() {
    let Some((program, _directory)) = program() else { return };
    the_network_stands(&Starter::new(program, &["--local"]), &of_two_operators(127), last);
}

/// The same on the Internet, as far as the nodes can tell: without `--local`, on public addresses in two netgroups, in a
/// network namespace.
#[test]
fn twelve_nodes_of_two_operators_have_eight_connections_on_public_addresses() {
    let Some((program, _directory)) = program() else { return };
    let Some(starter) = Starter::in_a_namespace(program, &["5.1.0.0/16", "5.2.0.0/16"]) else { return };
    let nodes = start(&starter, &of_two_operators(5), last);
    by(MINUTE, "all have eight connections", &nodes, || {
        nodes.iter().all(|node| node.connected().len() == PLACES && node.count("connected") == PLACES)
    });
    for node in &nodes {
        assert!(node.connected().is_subset(&others(&nodes, node)), "{}", node.said());
        assert!(!node.said().contains("--local"), "{}", node.said());
    }
}

#[test]
fn two_nodes_that_know_all_there_are_have_one_connection_each() {
    let Some((program, _directory)) = program() else { return };
    the_network_stands(&Starter::new(program, &["--local"]), &[LOOPBACK; 2], first);
}

#[test]
fn a_node_whose_places_are_taken_finds_out_by_feelers_who_is_there() {
    let Some((program, _directory)) = program() else { return };
    let nodes = start(&Starter::new(program, &["--local", "--connections", "1"]), &[LOOPBACK; 3], first);
    // The last is connected to the first, its seed, and has heard of the second.
    let reached = format!("\nreached {}\n", nodes[1].address);
    by(MINUTE, "the second is reached", &nodes, || nodes[2].said().contains(&reached));
    assert_eq!(nodes[2].connected(), BTreeSet::from([nodes[0].address.clone()]));
}

#[test]
fn a_place_is_given_to_another_peer_each_time_it_is_that_ones_turn() {
    let Some((program, _directory)) = program_of(&["node", "CPPFLAGS=-DREAL_ROTATION=1"]) else { return };
    let nodes = start(&Starter::new(program, &["--local", "--connections", "2"]), &[LOOPBACK; 4], first);
    let has_met = |node: &Node| -> BTreeSet<String> {
        let said = node.said();
        said.lines().filter_map(|line| line.strip_prefix("connected to ")).map(str::to_owned).collect()
    };
    by(MINUTE, "all have been connected to all", &nodes, || {
        nodes.iter().all(|node| has_met(node) == others(&nodes, node))
    });
    for node in &nodes {
        assert!(node.said().contains(": another peer's turn\n"), "{}", node.said());
        assert!(node.connected().len() <= 2, "{}", node.said());
    }
}

/// Private addresses mean nothing to strangers, so on loopback there is nothing to share, and the node says so.
#[test]
fn without_local_the_nodes_say_in_one_line_why_they_share_nothing() {
    let Some((program, _directory)) = program() else { return };
    let nodes = start(&Starter::new(program, &[]), &[LOOPBACK; 4], first);
    let reasons = |node: &Node| node.said().lines().filter(|line| line.contains("--local")).count();
    by(MINUTE, "all say why", &nodes, || nodes.iter().all(|node| reasons(node) > 0));
    by(MINUTE, "the seed has heard of all", &nodes, || nodes[0].count("accepted") == 3);
    for node in &nodes {
        assert_eq!(reasons(node), 1, "{}", node.said());
        assert!(node.said().contains("private or reserved"), "{}", node.said());
    }
    // Each knows its seed, because the operator has named it, and the seed knows none.
    let seed = BTreeSet::from([nodes[0].address.clone()]);
    assert_eq!(all_of(nodes), [BTreeSet::new(), seed.clone(), seed.clone(), seed]);
}
