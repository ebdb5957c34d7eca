//! Importing into a table with bounds: who finds no room is left out and counted, who gives way is gone from the file.

use std::path::Path;

use crate::common::damage::by_address;
use crate::common::import::{self, source};
use crate::common::stellar_core::{DURABILITIES, StellarCore};
use crate::common::{self, START, TempDb, address, ipv4, ipv6, name, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{Durability, Options, PeerManager, PeerRecord};

fn options(path: &Path, durability: Durability, max_peers: u64, max_peers_per_netgroup: u32) -> Options {
    let mut options = import::options(path, durability);
    options.max_peers = max_peers;
    options.max_peers_per_netgroup = max_peers_per_netgroup;
    options
}

fn refused_peers(manager: &PeerManager) -> u64 {
    manager.get_stats().unwrap().refused_peers
}

/// Peers of other networks, one of each.
fn far(n: u8) -> PeerRecord {
    record(address(&format!("{}.1.1.1:1", 60 + n)), START, 0, Outbound)
}

#[test]
fn who_finds_no_room_in_the_table_is_left_out_and_counted() {
    let place = source(&(0..5).map(far).collect::<Vec<_>>());
    for durability in DURABILITIES {
        let database = TempDb::new();
        let options = options(&database.path(), durability, 4, 0);
        let manager = PeerManager::open(options.clone()).unwrap();
        manager.store_many(&[far(0), record(name(1), START, 0, Preferred)]).unwrap();
        // One of them is known, and two find room.
        assert_eq!(manager.import(place.path()).unwrap(), 2, "{durability:?}");
        assert_eq!(refused_peers(&manager), 2);
        assert_eq!(manager.import(place.path()).unwrap(), 0);
        assert_eq!(refused_peers(&manager), 4);
        manager.check_invariants().unwrap();
        let expected = by_address([far(0), far(1), far(2), record(name(1), START, 0, Preferred)]);
        assert_eq!(common::peers(&manager), expected);
        drop(manager);
        assert_eq!(common::rows(&database.connection()), common::rows_of(expected.values()));
        assert_eq!(refused_peers(&PeerManager::open(options).unwrap()), 0);
    }
}

#[test]
fn who_finds_no_room_in_the_network_group_is_left_out_and_counted() {
    let near = [1, 2, 3].map(|n| record(address(&format!("70.1.1.{n}:1")), START, 0, Outbound));
    let place = source(&[&near[..], &[far(0)]].concat());
    let database = TempDb::new();
    let manager = PeerManager::open(options(&database.path(), Durability::Commit, 0, 2)).unwrap();
    assert_eq!(manager.import(place.path()).unwrap(), 3);
    assert_eq!(refused_peers(&manager), 1);
    assert_eq!(common::peers(&manager), by_address([near[0].clone(), near[1].clone(), far(0)]));
}

#[test]
fn inbound_peers_that_have_failed_give_way_and_are_gone_from_the_file() {
    let place = source(&(0..4).map(far).collect::<Vec<_>>());
    for durability in DURABILITIES {
        let database = TempDb::new();
        let manager = PeerManager::open(options(&database.path(), durability, 4, 0)).unwrap();
        let stays = [record(ipv4(1), START, 9, Outbound), record(ipv6(1), START, 0, Inbound)];
        let give_way = [record(ipv4(2), START, 1, Inbound), record(name(2), START, 20, Inbound)];
        manager.store_many(&[&stays[..], &give_way[..]].concat()).unwrap();
        manager.flush().unwrap();
        assert_eq!(manager.import(place.path()).unwrap(), 2, "{durability:?}");
        assert_eq!(refused_peers(&manager), 2);
        let expected = by_address([&stays[..], &[far(0), far(1)]].concat());
        assert_eq!(common::peers(&manager), expected, "{durability:?}");
        manager.check_invariants().unwrap();
        manager.flush().unwrap();
        assert_eq!(common::rows(&database.connection()), common::rows_of(expected.values()));
    }
}

#[test]
fn the_row_of_a_peer_that_the_bounds_left_out_is_overwritten_when_there_is_room() {
    let database = TempDb::new();
    let rows = [far(0), far(1)].map(|far| PeerRecord { num_failures: 7, ..far });
    PeerManager::new_with_db(database.path()).unwrap().store_many(&rows).unwrap();
    let manager = PeerManager::open(options(&database.path(), Durability::Commit, 1, 0)).unwrap();
    assert_eq!((manager.peer_count(), refused_peers(&manager)), (1, 1));
    manager.remove(&far(0).address).unwrap();
    assert_eq!(manager.import(source(&[far(1)]).path()).unwrap(), 1);
    assert_eq!(common::rows(&database.connection()), common::rows_of(&[far(1)]));
}

#[test]
fn in_a_file_of_stellar_core_peers_that_are_held_in_memory_give_way_and_evict_like_others() {
    for durability in DURABILITIES {
        let database = TempDb::new();
        let core = StellarCore::new_db(&database.path());
        let manager = PeerManager::open(options(&database.path(), durability, 3, 0)).unwrap();
        let stays = record(ipv4(1), START, 0, Preferred);
        let give_way = [record(ipv6(2), START, 3, Inbound), record(ipv4(2), START, 1, Inbound)];
        manager.store_many(&[std::slice::from_ref(&stays), &give_way].concat()).unwrap();
        manager.flush().unwrap();
        assert_eq!(core.load_all().len(), 2, "{durability:?}");
        let new_peers = [record(name(3), START, 0, Inbound), far(3), record(ipv6(3), START, 0, Inbound)];
        assert_eq!(manager.import(source(&new_peers).path()).unwrap(), 2, "{durability:?}");
        assert_eq!(refused_peers(&manager), 1);
        let expected = by_address([stays.clone(), new_peers[0].clone(), far(3)]);
        assert_eq!(common::peers(&manager), expected, "{durability:?}");
        manager.flush().unwrap();
        assert_eq!(core.load_all(), by_address([stays, far(3)]), "{durability:?}");
        manager.check_invariants().unwrap();
    }
}
