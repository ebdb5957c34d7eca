//! The tables that are measured: the same peers on both sides, and their addresses.

use std::net::IpAddr;

use peer_manager::ffi::address::peer_manager_address;
use rand::SeedableRng as _;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;

use crate::library::{Library, Node};
use crate::node;
use crate::reference::Record;

/// The port of the peers that every table has.
const PORT: u16 = 11_625;

/// The peers of a table in memory, the same for both sides.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) peers: u32,
    is_ipv6: bool,
}

impl Table {
    pub(crate) fn ipv4(peers: u32) -> Self {
        Self { peers, is_ipv6: false }
    }

    pub(crate) fn ipv6(peers: u32) -> Self {
        Self { peers, is_ipv6: true }
    }

    pub(crate) fn records(self) -> impl Iterator<Item = Record> {
        let mut rng = ChaCha12Rng::seed_from_u64(6);
        node::records(self.peers).map(move |record| {
            if self.is_ipv6 { Record { ip: node::ipv6(&mut rng), ..record } } else { record }
        })
    }

    pub(crate) fn in_memory(self, library: &Library) -> Node<'_> {
        let node = library.in_memory();
        self.fill(&node);
        node
    }

    /// A table whose peers have other next attempts.
    pub(crate) fn in_memory_due(self, library: &Library, next_attempt: impl Fn(usize) -> i64) -> Node<'_> {
        let node = library.in_memory();
        let records = self.records().enumerate();
        fill(&node, records.map(|(i, record)| Record { next_attempt: next_attempt(i), ..record }));
        node
    }

    pub(crate) fn fill(self, node: &Node<'_>) {
        fill(node, self.records());
    }
}

pub(crate) fn fill(node: &Node<'_>, mut records: impl Iterator<Item = Record>) {
    loop {
        let batch: Vec<_> = records.by_ref().take(10_000).map(|record| node::to_c(&record)).collect();
        if batch.is_empty() {
            return;
        }
        node.store_many(&batch);
    }
}

/// The addresses of a table in random order, over and over; the same for both sides. A chunk's are made before its time is
/// taken, because writing an address costs as much as some of the calls.
pub(crate) struct Known {
    hosts: Vec<IpAddr>,
    next: usize,
}

impl Known {
    pub(crate) fn of(table: Table) -> Self {
        let mut hosts: Vec<IpAddr> =
            table.records().map(|record| record.ip.parse().expect("it is an IP address")).collect();
        hosts.shuffle(&mut ChaCha12Rng::seed_from_u64(5));
        Self { hosts, next: 0 }
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<peer_manager_address> {
        let hosts = self.hosts.iter().cycle().skip(self.next).take(count);
        let addresses = hosts.map(|host| node::address(&host.to_string(), PORT)).collect();
        self.next = (self.next + count) % self.hosts.len();
        addresses
    }
}

/// The addresses from the given number on, none of which any table has.
pub(crate) fn new_addresses(from: u32, count: u32) -> Vec<peer_manager_address> {
    (from..from + count).map(|n| node::address(&node::ipv4(n), 1)).collect()
}

/// Random IPv6 addresses, none of which any table has.
pub(crate) fn new_ipv6(count: u32) -> impl Iterator<Item = peer_manager_address> {
    let mut rng = ChaCha12Rng::seed_from_u64(7);
    (0..count).map(move |_| node::address(&node::ipv6(&mut rng), 1))
}
