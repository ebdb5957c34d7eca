//! `asmap_path`: the addresses of an autonomous system are one netgroup, wherever netgroups count: who is let in, who is drawn,
//! who is told. The model's histories have the map, too; how it is read is tested where that is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::common::asmap::{Prefix, asn_of, encode};
use crate::common::chance::Verdict;
use crate::common::{self, START, TempDb, TestClock, address, record};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{Error, Options, PeerAddress, PeerManager, PeerQuery, Reach};

/// A system with many networks, one with one, one whose only network is a part of another's, and one with IPv6 alone.
fn table() -> Vec<Prefix> {
    [
        ("52.0.0.0/10", 64_500),
        ("2a01:4f8::/29", 64_500),
        ("52.128.0.0/16", 64_501),
        ("52.7.128.0/17", 64_502),
        ("2a02::/16", 64_503),
    ]
    .map(|(prefix, asn)| Prefix::new(prefix, asn))
    .to_vec()
}

/// Options with the map of the table, which is a file there.
fn with_map(directory: &Path) -> Options {
    let path = directory.join("asmap.dat");
    fs::write(&path, encode(&table())).unwrap();
    Options { asmap_path: Some(path), ..TestClock::at(START).options(common::test_seed()) }
}

fn open(change: impl FnOnce(&mut Options)) -> PeerManager {
    let directory = tempfile::tempdir().unwrap();
    let mut options = with_map(directory.path());
    change(&mut options);
    common::open(options)
}

/// Peers of 40 networks of one system, 10 of another, 10 of a third, 4 of IPv6, and 3 networks that the map does not know.
fn peers() -> Vec<PeerAddress> {
    let of = |count: u8, text: &dyn Fn(u8) -> String| -> Vec<_> {
        (0..count).map(|n| address(&text(n))).collect()
    };
    [
        of(40, &|n| format!("52.{n}.0.1:1")),
        of(5, &|n| format!("[2a01:4f8:{n}::1]:1")),
        of(10, &|n| format!("52.128.{n}.1:1")),
        of(10, &|n| format!("52.7.200.{n}:1")),
        of(4, &|n| format!("[2a02:{n}::1]:1")),
        of(3, &|n| format!("9.{n}.0.1:1")),
        of(2, &|n| format!("9.0.{n}.9:1")),
        of(2, &|n| format!("node-{n}.example.org:1")),
    ]
    .concat()
}

/// What a peer counts as: its system, its prefix, or its name.
fn netgroup(peer: &PeerAddress) -> String {
    let ip = match peer.host() {
        peer_manager::Host::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        peer_manager::Host::V6(ip) => ip.to_bits(),
        peer_manager::Host::Name(_) => return common::netgroup(peer),
    };
    asn_of(&table(), ip).map_or_else(|| common::netgroup(peer), |asn| format!("AS {asn}"))
}

fn by_netgroup<'a>(peers: impl IntoIterator<Item = &'a PeerAddress>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    peers.into_iter().for_each(|peer| *counts.entry(netgroup(peer)).or_default() += 1);
    counts
}

const NETGROUPS: usize = 4 + 3 + 2;

#[test]
fn addresses_of_one_system_are_of_one_netgroup_and_others_are_as_without_a_map() {
    let (manager, plain) = (open(|_| {}), PeerManager::new_in_memory().unwrap());
    let number = |manager: &PeerManager, address: &PeerAddress| manager.address_netgroup(address).unwrap();
    let peers = peers();
    for a in &peers {
        for b in &peers {
            let is_one = number(&manager, a) == number(&manager, b);
            assert_eq!(is_one, netgroup(a) == netgroup(b), "{a} and {b}");
            if !(netgroup(a).starts_with("AS") || netgroup(b).starts_with("AS")) {
                assert_eq!(is_one, number(&plain, a) == number(&plain, b), "{a} and {b}");
            }
        }
    }
    // An address that wraps another is of its system.
    for wrapped in
        ["[64:ff9b::52.1.2.3]:9", "[2002:3401:203::]:9", "[2001:0:1::cbfe:fdfc]:9", "[::ffff:52.1.2.3]:9"]
    {
        assert_eq!(
            number(&manager, &address(wrapped)),
            number(&manager, &address("52.60.0.1:1")),
            "{wrapped}"
        );
    }
}

#[test]
fn a_private_address_that_is_a_netgroup_of_its_own_is_no_system_s() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = with_map(directory.path());
    let path = options.asmap_path.clone().unwrap();
    fs::write(path, encode(&[Prefix::new("10.0.0.0/8", 1), Prefix::new("9.0.0.0/8", 1)])).unwrap();
    for (reach, is_one) in [(Reach::Specification, true), (Reach::Public, true), (Reach::Private, false)] {
        options.reach = reach;
        let manager = common::open(options.clone());
        let [private, public] =
            ["10.0.0.1:1", "9.9.9.9:1"].map(|text| manager.address_netgroup(&address(text)).unwrap());
        assert_eq!(private == public, is_one, "{reach:?}");
    }
}

#[test]
fn the_bound_is_on_a_system() {
    for is_drawn_first in [false, true] {
        let manager = open(|options| options.max_peers_per_netgroup = 3);
        if is_drawn_first {
            manager
                .load_random_peers(&PeerQuery { max_per_netgroup: 1, ..PeerQuery::everything() }, 1)
                .unwrap();
        }
        let peers = peers();
        manager.ensure_exists_many(&peers).unwrap();
        let kept: BTreeSet<_> = common::peers(&manager).into_keys().collect();
        let counts = by_netgroup(&kept);
        assert_eq!(counts, by_netgroup(&peers).into_iter().map(|(group, n)| (group, n.min(3))).collect());
        let stats = manager.get_stats().unwrap();
        assert_eq!(stats.netgroups, NETGROUPS as u64);
        assert_eq!(stats.refused_peers, (peers.len() - kept.len()) as u64);
        let error = manager.ensure_exists(&address("52.50.9.9:1")).unwrap_err();
        assert!(matches!(error, Error::Limit(_)), "{error}");
        // One that has failed makes room for another network of its system.
        manager.update_backoff(&peers[0], peer_manager::BackOffUpdate::Increase).unwrap();
        assert!(manager.ensure_exists(&address("[2a01:4f9::1]:1")).unwrap());
        assert_eq!(manager.load(&peers[0]).unwrap(), None);
        manager.check_invariants().unwrap();
    }
}

#[test]
fn netgroups_are_counted_by_system_with_and_without_a_bound() {
    let manager = open(|_| {});
    manager.ensure_exists_many(&peers()).unwrap();
    assert_eq!(manager.get_stats().unwrap().netgroups, NETGROUPS as u64);
}

#[test]
fn of_a_file_so_many_are_loaded_of_each_system() {
    let (db, directory) = (TempDb::new(), tempfile::tempdir().unwrap());
    let peers = peers();
    let mut options = with_map(directory.path());
    options.db_path = Some(db.path());
    options.max_peers_per_netgroup = 2;
    let plain = PeerManager::new_with_db(db.path()).unwrap();
    plain.ensure_exists_many(&peers).unwrap();
    drop(plain);
    let manager = common::open(options);
    assert!(by_netgroup(common::peers(&manager).keys()).values().all(|&count| count <= 2));
    assert_eq!(manager.peer_count(), by_netgroup(&peers).values().map(|&count| count.min(2)).sum::<usize>());
    manager.check_invariants().unwrap();
    drop(manager);
    assert_eq!(
        PeerManager::new_with_db(db.path()).unwrap().peer_count(),
        peers.len(),
        "the others stay in the file"
    );
}

#[test]
fn each_system_is_as_likely_to_be_drawn_whatever_its_networks() {
    const DRAWS: u32 = 9_000;
    let manager = open(|_| {});
    manager.ensure_exists_many(&peers()).unwrap();
    let query = PeerQuery { max_per_netgroup: 1, ..PeerQuery::everything() };
    let mut counts = BTreeMap::new();
    for _ in 0..DRAWS {
        let drawn = manager.load_random_peers(&query, 1).unwrap();
        *counts.entry(netgroup(&drawn[0])).or_insert(0) += 1;
    }
    let verdict = Verdict::of(counts.values().copied(), NETGROUPS, DRAWS);
    assert!(verdict.is_fair(), "{verdict:?}: {counts:?}");
    let all = manager.load_random_peers(&query, 100).unwrap();
    assert_eq!((all.len(), by_netgroup(&all).len()), (NETGROUPS, NETGROUPS));
}

#[test]
fn what_is_told_is_bounded_by_system_drawn_anew_or_shared() {
    for seconds in [0, 1_000] {
        let manager = open(|options| options.share_cache_seconds = seconds);
        let records: Vec<_> = (0..)
            .zip(peers())
            .map(|(n, peer)| record(peer, START, 0, if n % 2 == 0 { Inbound } else { Outbound }))
            .collect();
        manager.store_many(&records).unwrap();
        for (max_per_netgroup, told) in [(1, NETGROUPS), (2, 2 * NETGROUPS - 2 - 2)] {
            let query = PeerQuery { max_per_netgroup, ..PeerQuery::everything() };
            let answer = manager.get_peers_to_send(&query, None, 100).unwrap();
            let most = by_netgroup(&answer).into_values().max();
            assert_eq!((answer.len(), most), (told, Some(max_per_netgroup as usize)), "{answer:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_map_is_refused_before_anything_is_made() {
    let db = TempDb::new();
    let map = db.directory().join("asmap.dat");
    fs::write(&map, "not a map").unwrap();
    let mut options =
        Options { asmap_path: Some(map.clone()), db_path: Some(db.path()), ..Options::default() };
    let refused = |options: &Options| match PeerManager::open(options.clone()) {
        Err(Error::InvalidArgument(message)) => message,
        other => panic!("{other:?}"),
    };
    let message = refused(&options);
    assert!(message.starts_with("asmap_path \"") && message.contains("asmap.dat"), "{message}");
    assert!(message.contains("cannot be used: it is "), "{message}");
    options.asmap_path = Some(db.directory().join("nothing.dat"));
    assert!(refused(&options).contains("No such file"));
    let names: Vec<_> =
        fs::read_dir(db.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["asmap.dat"]);
}

#[test]
fn the_file_is_read_once() {
    let directory = tempfile::tempdir().unwrap();
    let options = with_map(directory.path());
    let manager = common::open(options.clone());
    fs::write(options.asmap_path.unwrap(), "not a map").unwrap();
    let [one, other] =
        ["52.0.0.1:1", "[2a01:4f8::1]:1"].map(|text| manager.address_netgroup(&address(text)).unwrap());
    assert_eq!(one, other);
}
