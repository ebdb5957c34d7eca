//! Bans: who is refused, until when, and what becomes of peers in the table.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::common::{self, START, TempDb, TestClock, address, ipv4, mixed, name, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, Ban, BanSubject, Durability, Error, Host, Options, PeerAddress, PeerManager, PeerQuery,
};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

fn subject(text: &str) -> BanSubject {
    text.parse().unwrap()
}

fn ban(text: &str, until: i64) -> Ban {
    Ban { subject: subject(text), until }
}

#[test]
fn peers_in_a_ban_are_removed_whatever_their_type_and_the_others_stay() {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    let inside =
        [("203.0.113.7:1", Inbound), ("203.0.113.7:2", Outbound), ("[2002:cb00:7108::1]:3", Preferred)];
    let outside = [("203.0.112.255:1", Inbound), ("203.0.114.0:1", Preferred), ("[2001:db8::1]:1", Outbound)];
    for (text, peer_type) in inside.into_iter().chain(outside) {
        manager.store(&record(address(text), START, 0, peer_type)).unwrap();
    }
    assert_eq!(manager.ban(&subject("203.0.113.0/24"), i64::MAX).unwrap(), 3);
    let expected: BTreeSet<_> = outside.iter().map(|(text, _)| address(text)).collect();
    assert_eq!(common::peers(&manager).into_keys().collect::<BTreeSet<_>>(), expected);
    assert_eq!(manager.ban(&subject("203.0.113.0/24"), i64::MAX).unwrap(), 0);
    assert_eq!(manager.get_stats().unwrap().refused_peers, 0, "none was refused yet");
    manager.check_invariants().unwrap();
}

#[test]
fn the_banned_are_refused_in_every_way_and_batches_leave_them_out() {
    for durability in [None, Some(Durability::Commit), Some(Durability::Sync), Some(Durability::Deferred)] {
        let (database, source, clock) = (TempDb::fast(), TempDb::fast(), TestClock::at(START));
        let mut options = clock.options(common::test_seed());
        options.db_path = durability.map(|_| database.path());
        options.durability = durability.unwrap_or_default();
        let manager = common::open(options);
        let (banned, other) = (address("203.0.113.7:1"), address("198.51.100.1:1"));
        manager.ban(&subject("203.0.113.0/25"), START + 10).unwrap();
        manager.ban(&subject("Node.Example."), i64::MAX).unwrap();
        let message = format!(
            "cannot add 203.0.113.7:1: 203.0.113.0/25 is banned until {}; unban it, if that was a mistake",
            START + 10
        );
        for refused in [
            manager.ensure_exists(&banned).map(drop),
            manager.store(&record(banned.clone(), START, 0, Preferred)),
            manager.update_type(&banned, Preferred, true),
            manager.update_backoff(&banned, BackOffUpdate::Reset),
            manager.update(&banned, Outbound, true, BackOffUpdate::HardReset),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::Refused(_)));
            assert_eq!(error.to_string(), message);
        }
        let error = manager.ensure_exists(&address("node.example:9")).unwrap_err();
        let message =
            "cannot add node.example:9: node.example is banned for good; unban it, if that was a mistake";
        assert_eq!(error.to_string(), message);
        let refused = || manager.get_stats().unwrap().refused_peers;
        assert_eq!(refused(), 6);
        let batch = [banned.clone(), other.clone(), address("node.example:2")];
        assert_eq!(manager.ensure_exists_many(&batch).unwrap(), 1);
        assert_eq!(refused(), 8);
        manager.store_many(&batch.clone().map(|peer| record(peer, START, 1, Inbound))).unwrap();
        assert_eq!(refused(), 10);
        assert_eq!(manager.load(&other).unwrap().unwrap().num_failures, 1);
        clock.on_file(&source.path(), 1).ensure_exists_many(&batch).unwrap();
        assert_eq!(manager.import(source.path()).unwrap(), 0);
        assert_eq!(refused(), 12);
        assert_eq!(manager.get_peers_to_send(&PeerQuery::everything(), None, 9).unwrap(), [other]);
        manager.check_invariants().unwrap();
    }
}

#[test]
fn a_ban_lasts_while_the_clock_is_before_its_end() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let peer = address("[2001:db8::1]:7");
    manager.ban(&subject("2001:db8::/32"), START + 60).unwrap();
    for (now, is_banned) in
        [(-5, true), (START, true), (START + 59, true), (START + 60, false), (i64::MAX, false)]
    {
        clock.set(now);
        assert_eq!(manager.is_banned(&peer).unwrap(), is_banned, "{now}");
        assert_eq!(manager.get_bans().unwrap().len(), usize::from(is_banned), "{now}");
        assert_eq!(manager.get_stats().unwrap().bans, u64::from(is_banned), "{now}");
        assert_eq!(manager.ensure_exists(&peer).is_ok(), !is_banned, "{now}");
    }
    assert!(matches!(manager.unban(&subject("2001:db8::/32")), Err(Error::NotBanned(_))), "it has ended");
    // For good is for good, even in the last second there is.
    for now in [i64::MAX - 1, i64::MAX] {
        clock.set(now);
        manager.ban(&subject("2001:db8::/32"), i64::MAX).unwrap();
        assert!(manager.is_banned(&peer).unwrap());
        assert!(
            manager.ensure_exists(&peer).is_err()
                && manager.store(&record(peer.clone(), 0, 0, Inbound)).is_err()
        );
        assert_eq!(manager.get_bans().unwrap(), [ban("2001:db8::/32", i64::MAX)]);
        assert_eq!(manager.get_stats().unwrap().bans, 1);
    }
    manager.unban(&subject("2001:db8::/32")).unwrap();
    assert!(!manager.is_banned(&peer).unwrap());
}

#[test]
fn banning_again_moves_the_end_and_unbanning_needs_the_same_subject() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let peer = address("203.0.113.7:1");
    manager.ban(&subject("203.0.113.7"), START + 10).unwrap();
    manager.ban(&subject("::ffff:203.0.113.7"), START + 5).unwrap();
    manager.ban(&subject("64:ff9b::203.0.113.7"), START + 20).unwrap();
    assert_eq!(manager.get_bans().unwrap(), [ban("203.0.113.7", START + 20)]);
    clock.set(START + 19);
    assert!(manager.is_banned(&peer).unwrap());
    let error = manager.unban(&subject("203.0.113.0/24")).unwrap_err();
    assert!(matches!(error, Error::NotBanned(_)));
    assert_eq!(error.to_string(), "203.0.113.0/24 is not banned");
    manager.unban(&subject("203.0.113.7/32")).unwrap();
    assert!(!manager.is_banned(&peer).unwrap());
    assert!(manager.ensure_exists(&peer).unwrap());
    manager.check_invariants().unwrap();
}

#[test]
fn an_address_is_banned_as_long_as_any_ban_of_it_lasts() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let peer = address("203.0.113.7:1");
    for (text, end) in [("203.0.113.7", 10), ("203.0.113.0/24", 30), ("203.0.0.0/16", 20), ("0.0.0.0/0", 40)]
    {
        manager.ban(&subject(text), START + end).unwrap();
    }
    // The refusal names the longest prefix that lasts.
    for (now, named) in
        [(0, "203.0.113.7 "), (10, "203.0.113.0/24"), (29, "203.0.113.0/24"), (30, "0.0.0.0/0")]
    {
        clock.set(START + now);
        let refusal = manager.ensure_exists(&peer).unwrap_err().to_string();
        assert!(refusal.contains(&format!(": {named}")), "{now}: {refusal}");
    }
    clock.set(START + 40);
    assert!(manager.ensure_exists(&peer).unwrap());
}

#[test]
fn an_end_that_has_passed_bans_no_one_and_removes_nothing() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    manager.ensure_exists(&ipv4(1)).unwrap();
    for until in [i64::MIN, 0, START - 1, START] {
        let error = manager.ban(&BanSubject::from(ipv4(1).host()), until).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)));
        let message =
            format!("cannot ban 52.0.0.1 until {until}, because it is {START} now; give a later time");
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(manager.peer_count(), 1);
    assert_eq!(manager.get_bans().unwrap(), []);
}

#[test]
fn a_text_that_is_no_subject_is_an_error_that_says_why() {
    let error = "203.0.113.0/33".parse::<BanSubject>().unwrap_err();
    assert!(matches!(error, Error::InvalidSubject { .. }));
    let message = "\"203.0.113.0/33\" is neither a host nor a prefix: the length of an IPv4 prefix is a number from 0 to 32";
    assert_eq!(error.to_string(), message);
}

#[test]
fn bans_are_listed_by_family_and_in_the_order_of_addresses() {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    let texts = ["9.0.0.0/8", "9.0.0.0/9", "10.0.0.1", "::/0", "2001:db8::/32", "a.example", "b.example"];
    for text in texts.iter().rev() {
        manager.ban(&subject(text), START + 1).unwrap();
    }
    assert_eq!(manager.get_bans().unwrap(), texts.map(|text| ban(text, START + 1)));
}

#[test]
fn clearing_the_table_leaves_the_bans() {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    manager.ban(&subject("203.0.113.7"), START + 1).unwrap();
    manager.clear_all().unwrap();
    assert_eq!(manager.get_bans().unwrap(), [ban("203.0.113.7", START + 1)]);
}

/// Bans as anybody would write them down: a list, of which each look-up reads all.
#[derive(Default)]
struct Model {
    bans: Vec<(Range, i64)>,
    peers: BTreeSet<PeerAddress>,
    refused: u64,
}

/// The addresses of a subject, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    text: String,
    hosts: Hosts,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    V4(u32, u32),
    V6(u128, u128),
    Name(String),
}

impl Hosts {
    fn have(&self, address: &PeerAddress) -> bool {
        match (self, address.host()) {
            (&Self::V4(first, last), Host::V4(ip)) => (first..=last).contains(&ip.to_bits()),
            // Only 6to4 and NAT64 are drawn.
            (&Self::V4(first, last), Host::V6(ip)) => match ip.segments() {
                [0x2002, high, low, ..] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    (first..=last).contains(&(u32::from(high) << 16 | u32::from(low)))
                }
                _ => false,
            },
            (&Self::V6(first, last), Host::V6(ip)) => (first..=last).contains(&ip.to_bits()),
            (Self::Name(name), Host::Name(other)) => **name == **other,
            _ => false,
        }
    }
}

/// Few hosts, so that they meet the bans often.
fn some_v4(rng: &mut ChaCha12Rng) -> u32 {
    0x3400_0000 | rng.random_range(0..4) << 16 | rng.random_range(0..4) << 8 | rng.random_range(0..4)
}

fn some_v6(rng: &mut ChaCha12Rng) -> u128 {
    0x2a01_u128 << 112 | rng.random_range(0..4_u128) << 64 | rng.random_range(0..4_u128)
}

impl Range {
    fn random(rng: &mut ChaCha12Rng) -> Self {
        match rng.random_range(0..5) {
            0 | 1 => {
                let (bits, len) =
                    (some_v4(rng), [0, 6, 8, 14, 15, 16, 23, 24, 30, 31, 32][rng.random_range(0..11)]);
                let rest = u32::MAX.checked_shr(len).unwrap_or(0);
                let text = format!("{}/{len}", Ipv4Addr::from_bits(bits));
                Self { text, hosts: Hosts::V4(bits & !rest, bits | rest) }
            }
            2 | 3 => {
                let (bits, len) =
                    (some_v6(rng), [0, 15, 16, 62, 63, 64, 65, 126, 127, 128][rng.random_range(0..10)]);
                let rest = u128::MAX.checked_shr(len).unwrap_or(0);
                let text = format!("{}/{len}", Ipv6Addr::from_bits(bits));
                Self { text, hosts: Hosts::V6(bits & !rest, bits | rest) }
            }
            _ => {
                let text = format!("node-{}.example.org", rng.random_range(0..4));
                Self { hosts: Hosts::Name(text.clone()), text }
            }
        }
    }
}

fn some_address(rng: &mut ChaCha12Rng) -> PeerAddress {
    let port = rng.random_range(1..3);
    let ip = match rng.random_range(0..5) {
        0 => Ipv4Addr::from_bits(some_v4(rng)).into(),
        1 => Ipv6Addr::from_bits(some_v6(rng)).into(),
        2 => Ipv6Addr::from_bits(0x2002_u128 << 112 | u128::from(some_v4(rng)) << 80 | 1).into(),
        3 => Ipv6Addr::from_bits(0x64_ff9b_u128 << 96 | u128::from(some_v4(rng))).into(),
        _ => return name(rng.random_range(0..4)),
    };
    PeerAddress::from_ip(ip, port).unwrap()
}

impl Model {
    fn is_banned(&self, address: &PeerAddress, now: i64) -> bool {
        self.bans.iter().any(|(range, until)| now < *until && range.hosts.have(address))
    }

    /// Adds an address, if it is not banned; returns whether it is there.
    fn add(&mut self, address: &PeerAddress, now: i64, is_gossip: bool) -> bool {
        if is_gossip && self.peers.contains(address) {
            return true;
        }
        let is_banned = self.is_banned(address, now);
        self.refused += u64::from(is_banned);
        if !is_banned {
            self.peers.insert(address.clone());
        }
        !is_banned
    }
}

/// A random step in both.
fn step(manager: &PeerManager, model: &mut Model, clock: &TestClock, rng: &mut ChaCha12Rng) {
    let now = clock.now();
    match rng.random_range(0..10) {
        0 | 1 => {
            let range = Range::random(rng);
            let until = if rng.random_range(0..8) == 0 { i64::MAX } else { now + rng.random_range(1..60) };
            let before = model.peers.len();
            model.peers.retain(|peer| !range.hosts.have(peer));
            let removed = before - model.peers.len();
            assert_eq!(manager.ban(&subject(&range.text), until).unwrap(), removed, "{}", range.text);
            model.bans.retain(|(other, _)| other.hosts != range.hosts);
            model.bans.push((range, until));
        }
        2 => {
            let range = match model.bans.len() {
                0 => Range::random(rng),
                len => model.bans[rng.random_range(0..len)].0.clone(),
            };
            let lasts = model.bans.iter().any(|(other, until)| other.hosts == range.hosts && now < *until);
            assert_eq!(manager.unban(&subject(&range.text)).is_ok(), lasts, "{}", range.text);
            model.bans.retain(|(other, _)| other.hosts != range.hosts);
        }
        3 => clock.set(now + rng.random_range(0..20)),
        4 => {
            let batch: Vec<_> = (0..rng.random_range(0..20)).map(|_| some_address(rng)).collect();
            let known = model.peers.len();
            // One that is there twice in a batch is refused twice.
            for peer in &batch {
                model.add(peer, now, true);
            }
            assert_eq!(manager.ensure_exists_many(&batch).unwrap(), model.peers.len() - known);
        }
        5 => {
            let peer = some_address(rng);
            let is_there = model.add(&peer, now, false);
            assert_eq!(manager.store(&record(peer, now, 0, Preferred)).is_ok(), is_there);
        }
        6 => {
            let peer = some_address(rng);
            let is_there = model.peers.contains(&peer) || model.add(&peer, now, false);
            assert_eq!(manager.update_type(&peer, Outbound, false).is_ok(), is_there);
        }
        _ => {
            let peer = some_address(rng);
            let is_there = model.add(&peer, now, true);
            assert_eq!(manager.ensure_exists(&peer).is_ok(), is_there, "{peer}");
        }
    }
}

fn compare(manager: &PeerManager, model: &Model, now: i64, rng: &mut ChaCha12Rng) {
    assert_eq!(common::peers(manager).into_keys().collect::<BTreeSet<_>>(), model.peers);
    let expected: BTreeMap<_, _> = model
        .bans
        .iter()
        .filter(|(_, until)| now < *until)
        .map(|(r, until)| (subject(&r.text), *until))
        .collect();
    let bans = manager.get_bans().unwrap();
    assert_eq!(manager.get_stats().unwrap().bans, bans.len() as u64);
    assert_eq!(bans.into_iter().map(|ban| (ban.subject, ban.until)).collect::<BTreeMap<_, _>>(), expected);
    for _ in 0..5 {
        let peer = some_address(rng);
        assert_eq!(manager.is_banned(&peer).unwrap(), model.is_banned(&peer, now), "{peer}");
    }
    manager.check_invariants().unwrap();
}

fn options(durability: Option<Durability>, clock: &TestClock, database: &TempDb, seed: u64) -> Options {
    let mut options = clock.options(seed);
    options.db_path = durability.map(|_| database.path());
    options.durability = durability.unwrap_or_default();
    options
}

#[test]
fn whatever_happens_bans_are_as_a_plain_list_says_and_so_after_every_restart() {
    let seed = common::test_seed();
    for (n, durability) in
        (0..).zip([None, Some(Durability::Commit), Some(Durability::Sync), Some(Durability::Deferred)])
    {
        let mut rng = ChaCha12Rng::seed_from_u64(seed + n);
        let (database, clock, mut model) = (TempDb::fast(), TestClock::at(START), Model::default());
        let mut manager = common::open(options(durability, &clock, &database, seed));
        for _ in 0..if durability.is_none() { 10_000 } else { 2_000 } {
            if durability.is_some() && rng.random_range(0..40) == 0 {
                drop(manager);
                manager = common::open(options(durability, &clock, &database, seed));
                model.refused = 0;
            }
            step(&manager, &mut model, &clock, &mut rng);
            compare(&manager, &model, clock.now(), &mut rng);
            assert_eq!(manager.get_stats().unwrap().refused_peers, model.refused);
        }
    }
}

#[test]
fn many_bans_are_all_found_and_nothing_else() {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    manager.ensure_exists_many(&(0..300).map(mixed).collect::<Vec<_>>()).unwrap();
    let mut removed = 0;
    for n in (0..9_000).filter(|n| n % 2 == 0) {
        removed += manager.ban(&BanSubject::from(mixed(n).host()), START + 1 + i64::from(n)).unwrap();
    }
    assert_eq!(removed, 150);
    for n in 0..9_000 {
        assert_eq!(manager.is_banned(&mixed(n)).unwrap(), n % 2 == 0, "{n}");
    }
    assert_eq!(manager.get_bans().unwrap().len(), 4_500);
    manager.check_invariants().unwrap();
}
