//! The bounds on a table: `max_peers` and `max_peers_per_netgroup`. Who is let in, who goes instead, and that the file
//! follows. Histories of all of it are in `bounds_model.rs`.

use crate::common::{self, START, TempDb, TestClock, address, ipv4, ipv6, name, private, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Durability, Error, Options, PeerAddress, PeerManager, PeerRecord};

fn options(max_peers: u64, max_peers_per_netgroup: u32) -> Options {
    let mut options = TestClock::at(START).options(1);
    options.max_peers = max_peers;
    options.max_peers_per_netgroup = max_peers_per_netgroup;
    options
}

fn bounded(max_peers: u64, max_peers_per_netgroup: u32) -> PeerManager {
    PeerManager::open(options(max_peers, max_peers_per_netgroup)).unwrap()
}

fn bounded_file(database: &TempDb, max_peers: u64, max_peers_per_netgroup: u32) -> PeerManager {
    let mut options = options(max_peers, max_peers_per_netgroup);
    options.db_path = Some(database.path());
    PeerManager::open(options).unwrap()
}

fn failed(address: PeerAddress, num_failures: u32) -> PeerRecord {
    record(address, START, num_failures, Inbound)
}

/// Public peers, each in a netgroup of its own.
fn apart(n: u32) -> PeerAddress {
    ipv4(n << 16)
}

/// Public peers of one netgroup.
fn together(n: u32) -> PeerAddress {
    ipv4(0xff_0000 + n)
}

/// The peers known, in order.
fn known(manager: &PeerManager) -> Vec<PeerAddress> {
    manager.check_invariants().unwrap();
    common::peers(manager).into_keys().collect()
}

fn sorted<const N: usize>(mut addresses: [PeerAddress; N]) -> Vec<PeerAddress> {
    addresses.sort();
    addresses.to_vec()
}

fn refused(manager: &PeerManager) -> u64 {
    manager.get_stats().unwrap().refused_peers
}

#[track_caller]
fn assert_limit(error: &Error) {
    assert!(matches!(error, Error::Limit(_)), "{error}");
    let message = error.to_string();
    assert!(message.contains("max_peers") && !message.contains('\n'), "{message}");
}

/// Calls that bring a new peer, whose number is given.
type NewPeer = (&'static str, fn(&PeerManager, &PeerAddress) -> peer_manager::Result<()>);

const NEW_PEERS: [NewPeer; 5] = [
    ("ensure_exists", |m, a| m.ensure_exists(a).map(|is_new| assert!(is_new))),
    ("store", |m, a| m.store(&record(a.clone(), START, 3, Preferred))),
    ("update_type", |m, a| m.update_type(a, Preferred, false)),
    ("update_backoff", |m, a| m.update_backoff(a, BackOffUpdate::Increase)),
    ("update", |m, a| m.update(a, Outbound, false, BackOffUpdate::HardReset)),
];

#[test]
fn without_bounds_no_peer_is_refused() {
    let manager = bounded(0, 0);
    let many: Vec<_> = (0..5_000).map(together).collect();
    assert_eq!(manager.ensure_exists_many(&many).unwrap(), 5_000);
    assert_eq!((manager.peer_count(), refused(&manager)), (5_000, 0));
}

#[test]
fn the_largest_bounds_are_as_good_as_none() {
    let manager = bounded(u64::MAX, u32::MAX);
    let many: Vec<_> = (0..5_000).map(together).collect();
    assert_eq!(manager.ensure_exists_many(&many).unwrap(), 5_000);
    assert_eq!(refused(&manager), 0);
}

#[test]
fn a_single_call_that_is_refused_says_so_in_one_line_and_changes_nothing() {
    for (max_peers, max_peers_per_netgroup) in [(2, 0), (0, 2), (2, 2)] {
        let database = TempDb::new();
        let manager = bounded_file(&database, max_peers, max_peers_per_netgroup);
        manager.ensure_exists_many(&[together(1), together(2)]).unwrap();
        let before = common::peers(&manager);
        for (count, (call, new_peer)) in (1..).zip(NEW_PEERS) {
            let error = new_peer(&manager, &together(9)).unwrap_err();
            assert_limit(&error);
            assert_eq!(common::peers(&manager), before, "{call}");
            assert_eq!(common::rows(&database.connection()), common::rows_of(before.values()), "{call}");
            assert_eq!(refused(&manager), count, "{call}");
        }
        manager.check_invariants().unwrap();
    }
}

#[test]
fn every_call_that_brings_a_peer_evicts_the_worst() {
    for (call, new_peer) in NEW_PEERS {
        for (max_peers, max_peers_per_netgroup) in [(3, 0), (0, 3), (3, 3)] {
            let manager = bounded(max_peers, max_peers_per_netgroup);
            manager.store_many(&[1, 3, 2].map(|n| failed(together(n), n))).unwrap();
            new_peer(&manager, &together(9)).unwrap();
            assert_eq!(known(&manager), sorted([together(1), together(2), together(9)]), "{call}");
            assert_eq!(refused(&manager), 0, "{call}");
        }
    }
}

#[test]
fn a_known_peer_is_stored_and_updated_however_full_the_table_is() {
    let manager = bounded(2, 2);
    manager.ensure_exists_many(&[together(1), together(2)]).unwrap();
    assert!(!manager.ensure_exists(&together(1)).unwrap());
    manager.store(&failed(together(1), 7)).unwrap();
    manager.store_many(&[failed(together(2), 8), failed(together(1), 9)]).unwrap();
    manager.update_type(&together(1), Outbound, false).unwrap();
    manager.update_backoff(&together(2), BackOffUpdate::Increase).unwrap();
    manager.update(&together(1), Preferred, false, BackOffUpdate::Increase).unwrap();
    assert_eq!(manager.ensure_exists_many(&[together(1), together(2)]).unwrap(), 0);
    let peers = common::peers(&manager);
    assert_eq!(peers.values().map(|peer| peer.num_failures).collect::<Vec<_>>(), [10, 9]);
    assert_eq!(refused(&manager), 0);
}

#[test]
fn a_peer_without_failures_is_never_evicted() {
    let manager = bounded(2, 0);
    manager.ensure_exists_many(&[apart(1), apart(2)]).unwrap();
    assert_limit(&manager.ensure_exists(&apart(3)).unwrap_err());
    manager.update_backoff(&apart(1), BackOffUpdate::Increase).unwrap();
    assert!(manager.ensure_exists(&apart(3)).unwrap());
    assert_eq!(known(&manager), sorted([apart(2), apart(3)]));
    // And one that has failed and succeeded since has none.
    manager.update_backoff(&apart(2), BackOffUpdate::Increase).unwrap();
    manager.update_backoff(&apart(2), BackOffUpdate::Reset).unwrap();
    assert_limit(&manager.ensure_exists(&apart(4)).unwrap_err());
}

#[test]
fn outbound_and_preferred_peers_are_never_evicted() {
    let manager = bounded(3, 3);
    let bad = |n, peer_type| record(together(n), START, u32::MAX, peer_type);
    manager.store_many(&[bad(1, Outbound), bad(2, Preferred), failed(together(3), 1)]).unwrap();
    manager.ensure_exists(&together(4)).unwrap();
    assert_eq!(known(&manager), sorted([together(1), together(2), together(4)]));
    assert_limit(&manager.ensure_exists(&together(5)).unwrap_err());
    // What a peer is now counts: one that becomes outbound is safe from then on.
    manager.store(&failed(together(4), 5)).unwrap();
    manager.update_type(&together(4), Outbound, false).unwrap();
    assert_limit(&manager.ensure_exists(&together(5)).unwrap_err());
    assert_eq!(refused(&manager), 2);
}

#[test]
fn the_worst_of_the_new_peers_own_netgroup_goes_before_worse_ones_of_others() {
    let manager = bounded(3, 0);
    manager.store_many(&[failed(apart(1), 15), failed(together(1), 1), failed(together(2), 2)]).unwrap();
    manager.ensure_exists(&together(3)).unwrap();
    assert_eq!(known(&manager), sorted([apart(1), together(1), together(3)]));
    // Where its netgroup has no peer that failed, the worst of the table.
    manager.ensure_exists(&apart(2)).unwrap();
    assert_eq!(known(&manager), sorted([apart(2), together(1), together(3)]));
}

#[test]
fn when_the_netgroup_is_full_only_one_of_its_own_can_go() {
    let manager = bounded(100, 2);
    manager.store_many(&[failed(apart(1), 15), failed(apart(2), u32::MAX)]).unwrap();
    manager.ensure_exists_many(&[together(1), together(2)]).unwrap();
    assert_limit(&manager.ensure_exists(&together(3)).unwrap_err());
    manager.update_backoff(&together(2), BackOffUpdate::Increase).unwrap();
    manager.ensure_exists(&together(3)).unwrap();
    assert_eq!(known(&manager), sorted([apart(1), apart(2), together(1), together(3)]));
}

#[test]
fn when_table_and_netgroup_are_full_only_one_of_the_netgroup_can_go() {
    let manager = bounded(3, 2);
    manager.ensure_exists_many(&[together(1), together(2)]).unwrap();
    manager.store(&failed(apart(1), 40)).unwrap();
    assert_limit(&manager.ensure_exists(&together(3)).unwrap_err());
    manager.ensure_exists(&apart(2)).unwrap();
    assert_eq!(known(&manager), sorted([apart(2), together(1), together(2)]));
}

#[test]
fn more_failures_are_worse_exactly_up_to_15_and_by_their_range_beyond() {
    let survives = |failures: [u32; 2]| {
        let manager = bounded(2, 0);
        manager.store_many(&[failed(apart(1), failures[0]), failed(apart(2), failures[1])]).unwrap();
        manager.ensure_exists(&apart(3)).unwrap();
        assert_eq!(manager.peer_count(), 2);
        manager.load(&apart(1)).unwrap().is_some()
    };
    let ranges = [1, 2, 3, 14, 15, 16, 32, 64, 121];
    for pair in ranges.windows(2) {
        assert!(survives([pair[0], pair[1]]) && !survives([pair[1], pair[0]]), "{pair:?}");
    }
    // The last of a range against the first of the next.
    for first in [16, 32, 64, 121] {
        assert!(survives([first - 1, first]) && !survives([first, first - 1]), "{first}");
    }
}

#[test]
fn a_batch_leaves_out_whom_it_finds_no_room_for_and_goes_on() {
    let manager = bounded(4, 2);
    let batch = [together(1), together(2), together(3), apart(1), together(4), apart(2), apart(3)];
    assert_eq!(manager.ensure_exists_many(&batch).unwrap(), 4);
    assert_eq!(known(&manager), sorted([together(1), together(2), apart(1), apart(2)]));
    assert_eq!(refused(&manager), 3);
    // The same for records, of which the known ones are stored.
    let batch = [failed(apart(4), 1), failed(apart(1), 6), record(apart(5), START, 0, Preferred)];
    manager.store_many(&batch).unwrap();
    assert_eq!(known(&manager), sorted([together(1), together(2), apart(1), apart(2)]));
    assert_eq!(manager.load(&apart(1)).unwrap(), Some(failed(apart(1), 6)));
    assert_eq!(refused(&manager), 5);
}

#[test]
fn a_batch_that_is_refused_as_a_whole_is_no_error() {
    let manager = bounded(1, 0);
    manager.ensure_exists(&apart(1)).unwrap();
    assert_eq!(manager.ensure_exists_many(&[apart(2), apart(3)]).unwrap(), 0);
    manager.store_many(&[failed(apart(2), 1)]).unwrap();
    assert_eq!((known(&manager), refused(&manager)), (vec![apart(1)], 3));
}

#[test]
fn a_batch_never_evicts_its_own_peers() {
    // Those that it has just brought, though they have failed most …
    let manager = bounded(2, 0);
    manager.store_many(&[1, 2, 3].map(|n| failed(apart(n), 50))).unwrap();
    assert_eq!((known(&manager), refused(&manager)), (sorted([apart(1), apart(2)]), 1));
    // … and known ones, wherever in the batch they are.
    assert_eq!(manager.ensure_exists_many(&[apart(3), apart(1), apart(4)]).unwrap(), 1);
    assert_eq!((known(&manager), refused(&manager)), (sorted([apart(1), apart(3)]), 2));
}

#[test]
fn the_same_new_peer_twice_in_a_batch_is_one_new_peer() {
    let manager = bounded(2, 0);
    manager.store(&failed(apart(1), 1)).unwrap();
    assert_eq!(manager.ensure_exists_many(&[apart(2), apart(2), apart(2)]).unwrap(), 1);
    assert_eq!((known(&manager), refused(&manager)), (sorted([apart(1), apart(2)]), 0));
    // Of records, the later one counts.
    manager.store_many(&[failed(apart(3), 4), failed(apart(3), 5)]).unwrap();
    assert_eq!(manager.load(&apart(3)).unwrap(), Some(failed(apart(3), 5)));
    assert_eq!((known(&manager), refused(&manager)), (sorted([apart(2), apart(3)]), 0));
    // One that is refused is refused each time.
    let full = bounded(1, 0);
    full.ensure_exists(&apart(1)).unwrap();
    assert_eq!(full.ensure_exists_many(&[apart(2), apart(2)]).unwrap(), 0);
    assert_eq!(refused(&full), 2);
}

#[test]
fn a_table_of_one_peer_works() {
    let manager = bounded(1, 0);
    manager.update_backoff(&apart(1), BackOffUpdate::Increase).unwrap();
    for n in 2..50 {
        manager.update_backoff(&apart(n), BackOffUpdate::Increase).unwrap();
        assert_eq!(known(&manager), [apart(n)]);
    }
    manager.update_backoff(&apart(49), BackOffUpdate::Reset).unwrap();
    assert_limit(&manager.ensure_exists(&apart(50)).unwrap_err());
    manager.remove(&apart(49)).unwrap();
    assert!(manager.ensure_exists(&apart(50)).unwrap());
    manager.clear_all().unwrap();
    assert!(manager.ensure_exists(&apart(51)).unwrap());
}

#[test]
fn a_netgroup_is_an_ipv4_16_an_ipv6_32_and_a_name_whatever_its_port() {
    // Two of one netgroup, and one that is just beyond it.
    for [one, other, beyond] in [
        ["52.7.0.1:1", "52.7.255.255:9", "52.8.0.1:1"],
        ["[2a01:4f8::1]:1", "[2a01:4f8:ffff:ffff::9]:9", "[2a01:4f9::1]:1"],
        ["node.example.org:1", "node.example.org:2", "other.example.org:1"],
        ["[::ffff:52.7.0.1]:1", "52.7.9.9:1", "[2a01:4f8::1]:1"],
        // Private and local ones are bounded as all are.
        ["10.1.0.1:1", "10.1.2.3:1", "10.2.0.1:1"],
        ["localhost:1", "localhost:2", "127.0.0.1:1"],
    ] {
        let manager = bounded(0, 1);
        assert!(manager.ensure_exists(&address(one)).unwrap());
        assert_limit(&manager.ensure_exists(&address(other)).unwrap_err());
        assert!(manager.ensure_exists(&address(beyond)).unwrap(), "{beyond}");
    }
}

#[test]
fn peers_that_leave_make_room() {
    let leaves: [fn(&PeerManager); 3] = [
        |m| m.remove(&together(1)).unwrap(),
        |m| assert_eq!(m.remove_peers_with_many_failures(0).unwrap(), 3),
        |m| m.clear_all().unwrap(),
    ];
    for leave in leaves {
        for (max_peers, max_peers_per_netgroup) in [(3, 0), (0, 3)] {
            let manager = bounded(max_peers, max_peers_per_netgroup);
            manager.ensure_exists_many(&[together(1), together(2), together(3)]).unwrap();
            leave(&manager);
            assert!(manager.ensure_exists(&together(4)).unwrap());
            assert_eq!(refused(&manager), 0);
        }
    }
}

#[test]
fn a_small_table_lives_through_a_flood_of_every_kind_of_address() {
    let kinds: [fn(u32) -> PeerAddress; 4] = [ipv4, ipv6, name, private];
    let manager = bounded(50, 4);
    manager.store(&record(name(1_000_000), START, 9, Preferred)).unwrap();
    for round in 0..3_000_u32 {
        let peer = kinds[round as usize % 4](round);
        if manager.update_backoff(&peer, BackOffUpdate::Increase).is_ok() {
            assert!(manager.load(&peer).unwrap().is_some());
        }
        assert!(manager.peer_count() <= 50);
    }
    manager.check_invariants().unwrap();
    assert_eq!(manager.peer_count(), 50);
    assert!(manager.load(&name(1_000_000)).unwrap().is_some());
}

#[test]
fn in_every_durability_the_bounds_are_the_same() {
    for durability in [Durability::Commit, Durability::Sync, Durability::Deferred] {
        let database = TempDb::new();
        let mut options = options(2, 0);
        options.db_path = Some(database.path());
        options.durability = durability;
        let manager = PeerManager::open(options).unwrap();
        manager.store_many(&[failed(apart(1), 1), failed(apart(2), 2)]).unwrap();
        manager.ensure_exists(&apart(3)).unwrap();
        manager.ensure_exists(&apart(4)).unwrap();
        assert_limit(&manager.ensure_exists(&apart(5)).unwrap_err());
        assert_eq!(known(&manager), sorted([apart(3), apart(4)]));
        manager.flush().unwrap();
        assert_eq!(
            common::rows(&database.connection()),
            common::rows_of(common::peers(&manager).values()),
            "{durability:?}"
        );
    }
}
