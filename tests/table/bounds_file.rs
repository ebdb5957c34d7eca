//! The bounds and the file: whom opening a file that is too large keeps, and what becomes of the rows it leaves out.

use std::collections::BTreeSet;

use crate::common::{self, START, TempDb, TestClock, ipv4, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Durability, Error, Options, PeerAddress, PeerManager, PeerRecord};

fn open(
    database: &TempDb,
    durability: Durability,
    max_peers: u64,
    max_peers_per_netgroup: u32,
) -> PeerManager {
    let mut options: Options = TestClock::at(START).options(1);
    options.db_path = Some(database.path());
    options.durability = durability;
    options.max_peers = max_peers;
    options.max_peers_per_netgroup = max_peers_per_netgroup;
    let manager = PeerManager::open(options).unwrap();
    manager.check_invariants().unwrap();
    manager
}

/// A file with these rows, in this order.
fn file_of(records: &[PeerRecord]) -> TempDb {
    let database = TempDb::new();
    open(&database, Durability::Commit, 0, 0).store_many(records).unwrap();
    database
}

fn known(manager: &PeerManager) -> BTreeSet<PeerAddress> {
    common::peers(manager).into_keys().collect()
}

fn refused(manager: &PeerManager) -> u64 {
    manager.get_stats().unwrap().refused_peers
}

/// Peers in netgroups of their own.
fn apart(n: u32) -> PeerAddress {
    ipv4(n << 16)
}

fn inbound(n: u32, num_failures: u32) -> PeerRecord {
    record(apart(n), START, num_failures, Inbound)
}

const DURABILITIES: [Durability; 3] = [Durability::Commit, Durability::Sync, Durability::Deferred];

#[test]
fn an_evicted_peer_leaves_the_file_with_the_table() {
    let database = file_of(&[inbound(1, 1), inbound(2, 2)]);
    let manager = open(&database, Durability::Commit, 2, 0);
    manager.ensure_exists(&apart(3)).unwrap();
    manager.update(&apart(4), Outbound, false, BackOffUpdate::Increase).unwrap();
    assert_eq!(known(&manager), BTreeSet::from([apart(3), apart(4)]));
    assert_eq!(common::rows(&database.connection()), common::rows_of(common::peers(&manager).values()));
    drop(manager);
    assert_eq!(known(&open(&database, Durability::Commit, 0, 0)), BTreeSet::from([apart(3), apart(4)]));
}

#[test]
fn of_a_file_that_is_too_large_the_best_are_kept_and_every_row_stays() {
    // Preferred before outbound before inbound, then fewer failures, then the order of the rows.
    let rows = [
        inbound(1, 0),
        record(apart(2), START, 30, Outbound),
        inbound(3, 7),
        record(apart(4), START, 900, Preferred),
        inbound(5, 0),
        record(apart(6), START, 17, Outbound),
        inbound(7, 6),
        inbound(8, 0),
        record(apart(9), START, 29, Outbound),
    ];
    let order = [4, 6, 9, 2, 1, 5, 8, 7, 3];
    for durability in DURABILITIES {
        let database = file_of(&rows);
        let before = common::rows(&database.connection());
        for kept in (1..=rows.len() + 1).rev() {
            let manager = open(&database, durability, kept as u64, 0);
            let best: BTreeSet<_> = order.iter().take(kept).map(|&n| apart(n)).collect();
            assert_eq!(known(&manager), best, "{kept} with {durability:?}");
            assert_eq!(refused(&manager), rows.len().saturating_sub(kept) as u64);
            assert_eq!(common::rows(&database.connection()), before);
        }
    }
}

#[test]
fn each_netgroup_keeps_its_best_and_leaves_its_place_in_the_table_to_others() {
    // The netgroup of the best is full after two; the next best are of others.
    let crowd = |n| record(ipv4(n), START, n, Preferred);
    let rows = [crowd(1), crowd(2), crowd(3), crowd(4), inbound(1, 9), inbound(2, 8), inbound(3, 7)];
    let database = file_of(&rows);
    let manager = open(&database, Durability::Commit, 4, 2);
    assert_eq!(known(&manager), BTreeSet::from([ipv4(1), ipv4(2), apart(3), apart(2)]));
    assert_eq!((refused(&manager), common::rows(&database.connection()).len()), (3, 7));
}

#[test]
fn a_row_that_was_left_out_is_overwritten_when_its_peer_is_brought_again() {
    let calls: [fn(&PeerManager) -> peer_manager::Result<()>; 5] = [
        |m| m.ensure_exists(&apart(2)).map(|is_new| assert!(is_new)),
        |m| m.ensure_exists_many(&[apart(2)]).map(|new| assert_eq!(new, 1)),
        |m| m.store(&record(apart(2), 5, 5, Outbound)),
        |m| m.store_many(&[record(apart(2), 5, 5, Outbound)]),
        |m| m.update(&apart(2), Preferred, false, BackOffUpdate::HardReset),
    ];
    for durability in DURABILITIES {
        for call in calls {
            let database = file_of(&[inbound(1, 0), inbound(2, 77)]);
            let manager = open(&database, durability, 1, 0);
            assert_eq!(known(&manager), BTreeSet::from([apart(1)]));
            assert!(matches!(manager.ensure_exists(&apart(2)), Err(Error::Limit(_))));
            assert_eq!(common::rows(&database.connection()).len(), 2, "a refusal leaves the row");
            manager.remove(&apart(1)).unwrap();
            call(&manager).unwrap();
            manager.flush().unwrap();
            let peers = common::peers(&manager);
            assert!(peers[&apart(2)].num_failures < 77);
            assert_eq!(common::rows(&database.connection()), common::rows_of(peers.values()));
            drop(manager);
            assert_eq!(common::peers(&open(&database, durability, 0, 0)), peers, "{durability:?}");
        }
    }
}

#[test]
fn a_row_that_was_left_out_keeps_its_time_when_no_other_peer_may_wait_so_long() {
    for durability in DURABILITIES {
        let database = file_of(&[inbound(1, 0), inbound(2, 0), inbound(3, 5)]);
        let manager = open(&database, durability, 2, 0);
        assert_eq!(manager.limit_next_attempt(START - 100).unwrap(), 2);
        drop(manager);
        let times = |manager: &PeerManager| {
            common::peers(manager).values().map(|record| record.next_attempt).collect::<Vec<_>>()
        };
        let manager = open(&database, durability, 0, 0);
        assert_eq!(times(&manager), [START - 100, START - 100, START]);
        // With larger bounds, it is called again.
        assert_eq!(manager.limit_next_attempt(START - 100).unwrap(), 1);
        drop(manager);
        assert_eq!(times(&open(&database, durability, 0, 0)), [START - 100; 3]);
    }
}

#[test]
fn a_peer_whose_row_was_left_out_is_gone_from_the_file_when_it_has_come_and_gone_again() {
    // Written later, it goes before it was ever written; the old row must go with it all the same.
    let goes: [fn(&PeerManager); 2] = [
        |m| m.remove(&apart(2)).unwrap(),
        |m| {
            m.update_backoff(&apart(2), BackOffUpdate::Increase).unwrap();
            assert!(m.ensure_exists(&apart(3)).unwrap());
        },
    ];
    for durability in DURABILITIES {
        for go in goes {
            let database = file_of(&[inbound(1, 0), inbound(2, 77)]);
            let manager = open(&database, durability, 1, 0);
            manager.remove(&apart(1)).unwrap();
            assert!(manager.ensure_exists(&apart(2)).unwrap());
            go(&manager);
            manager.flush().unwrap();
            let rows = common::rows_of(common::peers(&manager).values());
            assert_eq!(common::rows(&database.connection()), rows, "{durability:?}");
        }
    }
}

#[test]
fn a_peer_that_was_left_out_is_not_known() {
    let database = file_of(&[inbound(1, 0), inbound(2, 1)]);
    let manager = open(&database, Durability::Commit, 1, 0);
    assert_eq!(manager.load(&apart(2)).unwrap(), None);
    assert!(matches!(manager.remove(&apart(2)), Err(Error::NotFound(_))));
    assert_eq!(common::rows(&database.connection()).len(), 2);
}

#[test]
fn forgetting_everything_forgets_the_rows_that_were_left_out_too() {
    for durability in DURABILITIES {
        let database = file_of(&(0..9).map(|n| inbound(n, n)).collect::<Vec<_>>());
        let manager = open(&database, durability, 3, 0);
        manager.clear_all().unwrap();
        manager.flush().unwrap();
        assert!(common::rows(&database.connection()).is_empty(), "{durability:?}");
    }
}

#[test]
fn a_purge_of_those_that_failed_reaches_the_rows_that_were_left_out_unless_written_later() {
    for durability in DURABILITIES {
        let database = file_of(&(0..9).map(|n| inbound(n, n)).collect::<Vec<_>>());
        let manager = open(&database, durability, 5, 0);
        assert_eq!(manager.remove_peers_with_many_failures(4).unwrap(), 1, "of those in the table");
        manager.flush().unwrap();
        let expected: BTreeSet<u32> = if durability == Durability::Deferred {
            (0..9).filter(|&n| n != 4).collect()
        } else {
            (0..4).collect()
        };
        let rows = common::rows(&database.connection());
        let found: BTreeSet<u32> = rows.values().map(|row| u32::try_from(row.1).unwrap()).collect();
        assert_eq!(found, expected, "{durability:?}");
    }
}

#[test]
fn a_file_is_opened_with_other_bounds_each_time() {
    let database = TempDb::new();
    let all: Vec<_> = (0..60).map(mixed).collect();
    assert_eq!(open(&database, Durability::Commit, 0, 0).ensure_exists_many(&all).unwrap(), 60);
    for (max_peers, expected) in [(10, 10), (1, 1), (59, 59), (0, 60), (u64::MAX, 60)] {
        let manager = open(&database, Durability::Commit, max_peers, 0);
        assert_eq!((manager.peer_count(), refused(&manager)), (expected, 60 - expected as u64));
    }
    assert_eq!(common::rows(&database.connection()).len(), 60);
}

#[test]
fn rows_that_are_no_peers_are_not_refused_peers() {
    let database = file_of(&[inbound(1, 0), inbound(2, 0)]);
    database.connection().execute("INSERT INTO peers VALUES ('not a host', 1, 0, 0, 2)", []).unwrap();
    let manager = open(&database, Durability::Commit, 1, 0);
    let stats = manager.get_stats().unwrap();
    assert_eq!((stats.peers, stats.refused_peers, stats.skipped_rows), (1, 1, 1));
}

#[test]
fn what_is_imported_finds_room_or_evicts_as_any_batch_does() {
    let database = file_of(&[inbound(1, 1), inbound(2, 2), inbound(3, 3)]);
    let (other, own) = (TempDb::new(), [2, 4, 5, 6].map(|n| record(apart(n), START, 9, Inbound)));
    open(&other, Durability::Commit, 0, 0).store_many(&own).unwrap();
    let manager = open(&database, Durability::Commit, 4, 0);
    // One finds room, two evict others, and one that is known already is not evicted, nor replaced.
    assert_eq!(manager.import(other.path()).unwrap(), 3);
    assert_eq!(known(&manager), [2, 4, 5, 6].map(apart).into());
    assert_eq!(manager.load(&apart(2)).unwrap(), Some(inbound(2, 2)));
    assert_eq!(refused(&manager), 0);
    assert_eq!(common::rows(&database.connection()), common::rows_of(common::peers(&manager).values()));
    // A peer that finds none is left out, and counted.
    let database = file_of(&[inbound(1, 0), inbound(7, 0)]);
    let full = open(&database, Durability::Commit, 3, 0);
    assert_eq!((full.import(other.path()).unwrap(), refused(&full), full.peer_count()), (1, 3, 3));
}
