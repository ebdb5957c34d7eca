//! Special-purpose addresses: what is private, reserved or routable, and which spellings of one host are one netgroup.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::common::model::netgroup::{Policy, Scope, scope};
use crate::common::{self, address};
use peer_manager::{NameGroups, Options, PeerAddress, PeerManager, Reach};
use proptest::arbitrary::any;
use proptest::prelude::{BoxedStrategy, Strategy};
use proptest::sample::select;
use proptest::{prop_assert_eq, prop_oneof};

/// A host, what it is, and another host of its netgroup or `-`.
const SPECIAL: &str = include_str!("data/special-addresses.txt");

fn under(policy: Policy) -> PeerManager {
    let mut options = Options::default();
    common::follow(policy, &mut options);
    PeerManager::open(options).unwrap()
}

fn policies() -> impl Iterator<Item = Policy> {
    let reaches = [Reach::Specification, Reach::Public, Reach::Private];
    let each =
        move |(names, has_asmap)| reaches.into_iter().map(move |reach| Policy { reach, names, has_asmap });
    let names = [NameGroups::Each, NameGroups::ByKey].into_iter();
    names.flat_map(|names| [(names, false), (names, true)]).flat_map(each)
}

#[test]
fn every_special_address_is_what_the_table_says() {
    let mut lines = 0;
    for line in SPECIAL.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [host, what, same] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let peer = PeerAddress::new(host, 11_625).unwrap();
        let expected = match what {
            "private" => (true, false),
            "reserved" => (false, false),
            "public" => (false, true),
            _ => panic!("{line}"),
        };
        assert_eq!((peer.is_private(), peer.is_routable()), expected, "{line}");
        if same != "-" {
            let same = PeerAddress::new(same, 1).unwrap();
            for manager in policies().map(under) {
                let netgroup = |address| manager.address_netgroup(address).unwrap();
                assert_eq!(netgroup(&peer), netgroup(&same), "{line}");
            }
        }
        lines += 1;
    }
    assert_eq!(lines, 29);
}

/// The parts of `2001::/23` that the registry calls globally reachable, and their neighbours, which are not.
#[test]
fn of_the_protocol_assignments_the_global_ones_are_routable() {
    for host in [
        "2001:1::1",
        "2001:1::2",
        "2001:1::3",
        "2001:3::",
        "2001:3:ffff::1",
        "2001:4:112::",
        "2001:4:112:ffff::1",
        "2001:20::",
        "2001:2f:ffff::",
        "2001:30::",
        "2001:3f:ffff::",
        "2001:200::",
    ] {
        assert!(PeerAddress::new(host, 1).unwrap().is_routable(), "{host}");
    }
    for host in [
        "2001:1::",
        "2001:1::4",
        "2001:2::1",
        "2001:4::",
        "2001:4:111:ffff::",
        "2001:4:113::",
        "2001:10::",
        "2001:1f:ffff::",
        "2001:40::",
        "2001:1ff:ffff::",
    ] {
        let peer = PeerAddress::new(host, 1).unwrap();
        assert!(!peer.is_routable() && !peer.is_private(), "{host}");
    }
}

/// The same host in all ways to write it as an IP address.
fn spellings(ip: Ipv4Addr) -> [Ipv6Addr; 5] {
    let [a, b, c, d] = ip.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    [
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
        Ipv6Addr::new(0x2001, 0, 5, 4, 3, 2, !high, !low),
    ]
}

#[test]
fn six_spellings_of_one_host_are_one_netgroup_and_mean_the_same_to_strangers() {
    let managers: Vec<_> = policies().map(under).collect();
    common::runner(1_000)
        .run(&(ipv4(), 1..=u16::MAX), |(ip, port)| {
            let plain = PeerAddress::from_ip(ip.into(), port).unwrap();
            for spelling in spellings(ip) {
                let peer = PeerAddress::from_ip(spelling.into(), port).unwrap();
                prop_assert_eq!(peer.is_private(), plain.is_private(), "{}", peer);
                prop_assert_eq!(peer.is_routable(), plain.is_routable(), "{}", peer);
                for manager in &managers {
                    let [a, b] = [&plain, &peer].map(|peer| manager.address_netgroup(peer).unwrap());
                    prop_assert_eq!(a, b, "{} and {}", plain, peer);
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Often special.
fn ipv4() -> BoxedStrategy<Ipv4Addr> {
    let special = select(vec![
        [10, 0, 0, 0],
        [100, 64, 0, 0],
        [172, 16, 0, 0],
        [172, 32, 0, 0],
        [192, 0, 0, 0],
        [192, 0, 2, 0],
        [192, 88, 99, 0],
        [192, 168, 0, 0],
        [198, 18, 0, 0],
        [198, 51, 100, 0],
        [203, 0, 113, 0],
        [8, 8, 0, 0],
    ]);
    let near = (special, any::<u32>(), 0..32_u32)
        .prop_map(|(ip, noise, bits)| Ipv4Addr::from_bits(u32::from_be_bytes(ip) ^ (noise >> bits)));
    prop_oneof![3 => near, 1 => any::<u32>().prop_map(Ipv4Addr::from_bits)].boxed()
}

/// Often special, and often of the netgroup of another.
fn ip() -> BoxedStrategy<IpAddr> {
    let special = select(vec![
        "::",
        "64:ff9b::",
        "64:ff9b:1::",
        "100::",
        "2001::",
        "2001:1::1",
        "2001:3::",
        "2001:4:112::",
        "2001:20::",
        "2001:470::",
        "2001:db8::",
        "2002::",
        "2a00:1450::",
        "3fff::",
        "5f00::",
        "fc00::",
        "fe80::",
        "fec0::",
        "ff00::",
        "::ffff:0:0:0",
    ]);
    let near = (special, any::<u128>(), 0..128_u32).prop_map(|(ip, noise, bits)| {
        let ip: Ipv6Addr = ip.parse().unwrap();
        Ipv6Addr::from_bits(ip.to_bits() ^ (noise >> bits))
    });
    let wrapped = (ipv4(), 0..5_usize).prop_map(|(ip, spelling)| spellings(ip)[spelling]);
    prop_oneof![
        2 => ipv4().prop_map(IpAddr::V4),
        2 => near.prop_map(IpAddr::V6),
        1 => wrapped.prop_map(IpAddr::V6),
    ]
    .boxed()
}

fn peer() -> BoxedStrategy<PeerAddress> {
    let labels = "[a-c2-4]{1,3}(\\.[a-d]{1,2})?";
    let ends = select(vec![
        "",
        ".onion",
        ".i2p",
        ".b32.i2p",
        ".org",
        ".localhost",
        ".local",
        ".internal",
        ".home.arpa",
        ".arpa",
        ".test",
        ".example",
        ".invalid",
        ".onion.org",
    ]);
    let name = (labels, ends).prop_map(|(labels, end)| format!("a{labels}{end}"));
    let port = || 1..4_u16;
    prop_oneof![
        (ip(), port()).prop_map(|(ip, port)| PeerAddress::from_ip(ip, port).unwrap()),
        (name, port()).prop_map(|(name, port)| PeerAddress::new(&name, port).unwrap()),
        port().prop_map(|port| PeerAddress::new("localhost", port).unwrap()),
    ]
    .boxed()
}

#[test]
fn every_address_is_private_or_routable_or_neither_as_the_model_says() {
    common::runner(4_000)
        .run(&peer(), |peer| {
            let expected = scope(peer.host());
            prop_assert_eq!(peer.is_private(), expected == Scope::Private, "{}", peer);
            prop_assert_eq!(peer.is_routable(), expected == Scope::Public, "{}", peer);
            Ok(())
        })
        .unwrap();
}

#[test]
fn two_addresses_share_a_netgroup_exactly_if_the_model_says_so() {
    let managers: Vec<_> = policies().map(|policy| (policy, under(policy))).collect();
    let shared = Cell::new(0_u32);
    common::runner(3_000)
        .run(&(peer(), peer()), |(a, b)| {
            for (policy, manager) in &managers {
                let is_one = policy.netgroup(&a) == policy.netgroup(&b);
                let [x, y] = [&a, &b].map(|peer| manager.address_netgroup(peer).unwrap());
                prop_assert_eq!(x == y, is_one, "{} and {} under {:?}", a, b, policy);
                shared.set(shared.get() + u32::from(is_one));
            }
            Ok(())
        })
        .unwrap();
    assert!(shared.get() > 300, "only {} pairs share a netgroup", shared.get());
}

#[test]
fn a_name_is_of_the_same_netgroup_in_the_table_and_outside() {
    for policy in policies() {
        let manager = under(policy);
        let names: Vec<_> = (0..300).map(|n| address(&format!("node-{n}.example.org:1"))).collect();
        let before: Vec<_> = names.iter().map(|name| manager.address_netgroup(name).unwrap()).collect();
        manager.ensure_exists_many(&names).unwrap();
        // So many are removed that the names are numbered anew.
        names[..250].iter().for_each(|name| manager.remove(name).unwrap());
        let after: Vec<_> = names.iter().map(|name| manager.address_netgroup(name).unwrap()).collect();
        assert_eq!(before, after, "{policy:?}");
        let netgroups = if policy.names == NameGroups::Each { 50 } else { 1 };
        assert_eq!(manager.get_stats().unwrap().netgroups, netgroups);
        manager.check_invariants().unwrap();
    }
}

#[test]
fn a_host_that_a_resolver_takes_for_a_number_is_refused_with_a_reason() {
    for host in [
        "0x7f000001",
        "0X7F000001",
        "127.0.0.0x1",
        "0x7f.0x0.0x0.0x1",
        "127.0x1",
        "0x",
        "0x7f000001.",
        "a.0xff",
        "example.0x",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "2130706433",
        "127.0.0.01",
    ] {
        let error = PeerAddress::new(host, 11_625).unwrap_err().to_string();
        assert!(error.contains("it ends in a "), "{error}");
        assert_eq!(PeerAddress::parse(host, Some(1)).unwrap_err().to_string(), error);
    }
    let error = PeerAddress::new("0x7f000001", 1).unwrap_err().to_string();
    assert_eq!(
        error,
        "\"0x7f000001\" is not a peer address: it ends in a hexadecimal number, so a resolver may take it for an IPv4 \
         address; write one in decimal"
    );
    for host in ["0x7g", "0x7f.example", "x7f", "00x1", "a0x7f", "0x-1", "0x7f.onion", "0b1", "1e3"] {
        assert!(PeerAddress::new(host, 1).is_ok(), "{host}");
    }
}

#[test]
fn a_row_whose_host_is_a_number_is_no_peer() {
    let database = common::TempDb::new();
    drop(PeerManager::new_with_db(database.path()).unwrap());
    database.connection().execute("INSERT INTO peers VALUES ('0x7f000001', 11625, 0, 0, 0)", []).unwrap();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!((manager.peer_count(), manager.get_stats().unwrap().skipped_rows), (0, 1));
}

#[test]
fn names_that_only_look_special_are_routable() {
    for name in [
        "localhost.org",
        "local",
        "internal",
        "home.arpa",
        "arpa",
        "test",
        "example",
        "invalid",
        "example.org",
        "mylocal",
        "my.test.org",
        "1.168.192.in-addr.arpa",
        "axyz.onion",
    ] {
        let peer = PeerAddress::new(name, 1).unwrap();
        assert!(peer.is_routable() && !peer.is_private(), "{name}");
    }
}

#[test]
fn a_special_name_is_special_in_every_spelling() {
    for name in ["NAS.Local", "nas.local.", "FOO.LOCALHOST", "Fritz.Home.ARPA.", "Api.INTERNAL"] {
        assert!(PeerAddress::new(name, 1).unwrap().is_private(), "{name}");
    }
    for name in ["Host.TEST", "printer.example.", "x.INVALID"] {
        let peer = PeerAddress::new(name, 1).unwrap();
        assert!(!peer.is_private() && !peer.is_routable(), "{name}");
    }
}
