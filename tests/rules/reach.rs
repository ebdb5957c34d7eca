//! `reach`: on the Internet, addresses that no stranger can reach are refused, not drawn and not told; in a network of its
//! own, private addresses are peers like any.

use std::collections::BTreeSet;

use crate::common::{START, TempDb, TestClock, address, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{
    BackOffUpdate, Error, Options, PeerAddress, PeerManager, PeerQuery, Reach, StoredPeerType,
};

/// Not routable: private, reserved, wrapped, names.
const ELSEWHERE: [&str; 6] = [
    "10.1.2.3:11625",
    "192.0.2.1:11625",
    "[64:ff9b::a00:1]:11625",
    "[2001:db8::1]:11625",
    "nas.local:11625",
    "host.test:11625",
];

const ROUTABLE: [&str; 3] = ["8.8.8.8:11625", "[2a00:1450::1]:11625", "example.org:11625"];

fn with(reach: Reach) -> Options {
    Options { reach, ..TestClock::at(START).options(1) }
}

fn open(reach: Reach) -> PeerManager {
    PeerManager::open(with(reach)).unwrap()
}

fn store(manager: &PeerManager, text: &str, peer_type: StoredPeerType) {
    manager.store(&record(address(text), START, 0, peer_type)).unwrap();
}

fn drawn(manager: &PeerManager) -> BTreeSet<PeerAddress> {
    let uniform = PeerQuery::everything();
    let drawn: BTreeSet<_> = manager.load_random_peers(&uniform, 100).unwrap().into_iter().collect();
    let by_netgroup = PeerQuery { max_per_netgroup: 100, ..uniform };
    let drawn_by_netgroup = manager.load_random_peers(&by_netgroup, 100).unwrap();
    assert_eq!(drawn, drawn_by_netgroup.into_iter().collect());
    drawn
}

fn told(manager: &PeerManager) -> BTreeSet<PeerAddress> {
    manager.get_peers_to_send(&PeerQuery::everything(), None, 100).unwrap().into_iter().collect()
}

fn set(texts: &[&str]) -> BTreeSet<PeerAddress> {
    texts.iter().map(|text| address(text)).collect()
}

#[test]
fn on_the_internet_gossip_of_what_is_not_routable_is_refused_and_counted() {
    let manager = open(Reach::Public);
    for text in ELSEWHERE {
        let error = manager.ensure_exists(&address(text)).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error}");
    }
    for text in ROUTABLE {
        assert!(manager.ensure_exists(&address(text)).unwrap());
    }
    let stats = manager.get_stats().unwrap();
    assert_eq!((stats.peers, stats.refused_peers), (3, 6));
    let message = |text| manager.ensure_exists(&address(text)).unwrap_err().to_string();
    assert_eq!(
        message("10.1.2.3:11625"),
        "cannot add 10.1.2.3:11625: it is private, and reach PUBLIC refuses gossip of such addresses; store it if it is the \
         operator's own choice, or open with another reach"
    );
    assert!(message("192.0.2.1:1").contains("set aside by the special-purpose registries"));
}

#[test]
fn in_a_batch_they_are_left_out_and_counted() {
    let manager = open(Reach::Public);
    store(&manager, ELSEWHERE[0], Preferred);
    let batch: Vec<_> = ELSEWHERE.iter().chain(&ROUTABLE).map(|text| address(text)).collect();
    assert_eq!(manager.ensure_exists_many(&batch).unwrap(), ROUTABLE.len());
    let stats = manager.get_stats().unwrap();
    assert_eq!((stats.peers, stats.refused_peers), (4, 5), "the one that is known is not refused");
    manager.check_invariants().unwrap();
}

#[test]
fn a_batch_that_cannot_be_written_refuses_nothing() {
    let database = TempDb::new();
    let options = Options { db_path: Some(database.path()), ..with(Reach::Public) };
    let manager = PeerManager::open(options).unwrap();
    std::fs::remove_file(database.path()).unwrap();
    let batch: Vec<_> = ELSEWHERE.iter().chain(&ROUTABLE).map(|text| address(text)).collect();
    manager.ensure_exists_many(&batch).unwrap_err();
    assert_eq!(manager.get_stats().unwrap().refused_peers, 0);
}

#[test]
fn a_known_peer_is_no_news_and_is_not_refused() {
    let manager = open(Reach::Public);
    store(&manager, ELSEWHERE[0], Preferred);
    assert!(!manager.ensure_exists(&address(ELSEWHERE[0])).unwrap());
    assert_eq!(manager.get_stats().unwrap().refused_peers, 0);
}

#[test]
fn what_the_node_itself_reports_is_not_gossip() {
    let manager = open(Reach::Public);
    let [a, b, c] = [ELSEWHERE[0], ELSEWHERE[1], ELSEWHERE[2]].map(address);
    manager.update_type(&a, Outbound, false).unwrap();
    manager.update_backoff(&b, BackOffUpdate::Reset).unwrap();
    manager.update(&c, Preferred, true, BackOffUpdate::HardReset).unwrap();
    assert_eq!(manager.peer_count(), 3);
}

#[test]
fn on_the_internet_only_preferred_peers_are_drawn_from_elsewhere_and_none_is_told() {
    let manager = open(Reach::Public);
    for (text, peer_type) in ELSEWHERE.into_iter().zip([Inbound, Outbound, Preferred].into_iter().cycle()) {
        store(&manager, text, peer_type);
    }
    for text in ROUTABLE {
        store(&manager, text, Inbound);
    }
    let preferred = set(&[ELSEWHERE[2], ELSEWHERE[5]]);
    assert_eq!(drawn(&manager), &preferred | &set(&ROUTABLE));
    assert_eq!(told(&manager), set(&ROUTABLE));
    // A peer that is no longer preferred is no longer drawn.
    manager.update_type(&address(ELSEWHERE[2]), Outbound, true).unwrap();
    assert_eq!(drawn(&manager), &set(&[ELSEWHERE[5]]) | &set(&ROUTABLE));
    manager.check_invariants().unwrap();
}

#[test]
fn a_file_from_another_reach_is_kept_and_drawn_by_this_one() {
    let database = TempDb::new();
    let on_file =
        |reach| PeerManager::open(Options { db_path: Some(database.path()), ..with(reach) }).unwrap();
    let manager = on_file(Reach::Specification);
    ELSEWHERE.iter().chain(&ROUTABLE).for_each(|text| store(&manager, text, Inbound));
    let public_for_the_specification = ["192.0.2.1:11625", "[2001:db8::1]:11625", "host.test:11625"];
    assert_eq!(drawn(&manager).len(), 9);
    assert_eq!(told(&manager), &set(&public_for_the_specification) | &set(&ROUTABLE));
    drop(manager);
    let manager = on_file(Reach::Public);
    assert_eq!(manager.peer_count(), 9);
    assert_eq!((drawn(&manager), told(&manager)), (set(&ROUTABLE), set(&ROUTABLE)));
    drop(manager);
    let manager = on_file(Reach::Private);
    assert_eq!((drawn(&manager).len(), told(&manager).len()), (9, 9));
}

#[test]
fn from_the_shared_list_no_more_is_told() {
    for (reach, expected) in [(Reach::Public, 3), (Reach::Specification, 6), (Reach::Private, 9)] {
        let options = Options { share_cache_seconds: 60, ..with(reach) };
        let manager = PeerManager::open(options).unwrap();
        ELSEWHERE.iter().chain(&ROUTABLE).for_each(|text| store(&manager, text, Preferred));
        assert_eq!(told(&manager).len(), expected, "{reach:?}");
        assert_eq!(told(&manager).len(), expected, "{reach:?}, from the list");
    }
}

#[test]
fn ten_nodes_on_one_machine_find_each_other_through_gossip_alone() {
    let at = |node: usize| address(&format!("127.0.0.1:{}", 11_000 + node));
    let nodes: Vec<_> = (0..10).map(|_| open(Reach::Private)).collect();
    // Each knows the one before it.
    (1..10).for_each(|node| assert!(nodes[node].ensure_exists(&at(node - 1)).unwrap()));
    for _ in 0..10 {
        for node in 0..10 {
            for peer in nodes[node].load_random_peers(&PeerQuery::everything(), 10).unwrap() {
                let asked = &nodes[usize::from(peer.port()) - 11_000];
                if peer != at(node) {
                    asked.ensure_exists(&at(node)).unwrap();
                    let heard =
                        asked.get_peers_to_send(&PeerQuery::everything(), Some(&at(node)), 50).unwrap();
                    nodes[node].ensure_exists_many(&heard).unwrap();
                }
            }
        }
    }
    for (number, node) in nodes.iter().enumerate() {
        let others = PeerQuery { max_per_netgroup: 1, exclude: &[at(number)], ..PeerQuery::everything() };
        assert_eq!(node.load_random_peers(&others, 100).unwrap().len(), 9, "node {number}");
    }
}

#[test]
fn a_bound_on_netgroups_does_not_keep_a_network_of_private_addresses_from_forming() {
    let options = Options { max_peers_per_netgroup: 1, ..with(Reach::Private) };
    let manager = PeerManager::open(options).unwrap();
    for n in 1..=50 {
        assert!(manager.ensure_exists(&address(&format!("127.0.0.1:{n}"))).unwrap());
        assert!(manager.ensure_exists(&address(&format!("[fd00::{n:x}]:1"))).unwrap());
        assert!(manager.ensure_exists(&address(&format!("localhost:{n}"))).unwrap());
    }
    assert_eq!(manager.get_stats().unwrap().netgroups, 150);
    manager.ensure_exists(&address("8.8.8.8:1")).unwrap();
    assert!(matches!(manager.ensure_exists(&address("8.8.9.9:2")), Err(Error::Limit(_))));
    manager.check_invariants().unwrap();
}
