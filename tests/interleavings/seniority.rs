//! Seniority: whatever order the threads run in, the order of the rows is the order of seniority.

use peer_manager::store::{Contents, Failures};
use peer_manager::{BackOffUpdate, Durability, PeerManager, StoredPeerType};
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::thread;

use crate::common::{START, ipv4, record};
use crate::schedules::explore;
use crate::world::{World, group};

/// Changes that take new rows, or must not.
const CHANGES: [fn(&PeerManager); 8] = [
    |manager| drop(manager.ensure_exists_many(&[ipv4(5), ipv4(1), ipv4(4)])),
    |manager| drop(manager.update_type(&ipv4(1), StoredPeerType::Outbound, true)),
    |manager| drop(manager.update(&ipv4(2), StoredPeerType::Preferred, true, BackOffUpdate::Reset)),
    |manager| drop(manager.store(&record(ipv4(2), START, 1, StoredPeerType::Inbound))),
    |manager| drop(manager.store_many(&group(&[3, 1, 5], 1))),
    |manager| drop(manager.update_backoff(&ipv4(3), BackOffUpdate::Increase)),
    |manager| drop(manager.remove(&ipv4(1))),
    |manager| drop(manager.ensure_exists(&ipv4(1))),
];

/// A file with three inbound peers.
fn world_of_inbound_peers(durability: Durability) -> World {
    let world = World::new(durability);
    world.manager.ensure_exists_many(&[3, 1, 2].map(ipv4)).unwrap();
    world
}

#[test]
fn after_any_changes_the_rows_are_in_the_order_of_seniority() {
    for durability in [Durability::Commit, Durability::Deferred] {
        explore(move || {
            let world = world_of_inbound_peers(durability);
            world.disk.fail(Failures::AtRandom);
            let manager = &*world.manager;
            thread::scope(|scope| {
                for _ in 0..3 {
                    let changes = [(); 3].map(|()| CHANGES[thread_rng().gen_range(0..CHANGES.len())]);
                    scope.spawn(move || changes.iter().for_each(|change| change(manager)));
                }
                scope.spawn(move || drop(manager.flush()));
            });
            match durability {
                Durability::Deferred => world.assert_settles(),
                _ => assert_eq!(world.disk.contents(), world.contents()),
            }
            world.assert_survives_the_end();
        });
    }
}

/// Where the row of a peer is, and whether it says that the peer is outbound.
fn place(file: &Contents, number: u32) -> Option<(usize, bool)> {
    let place = file.order.iter().position(|address| *address == ipv4(number))?;
    Some((place, file.rows[&ipv4(number)].peer_type == StoredPeerType::Outbound))
}

#[test]
fn at_every_moment_the_rows_are_in_the_order_in_which_peers_became_what_they_are() {
    for durability in [Durability::Commit, Durability::Deferred] {
        explore(move || {
            let world = world_of_inbound_peers(durability);
            world.disk.fail(Failures::AtRandom);
            let manager = &*world.manager;
            let promote = |n| while manager.update_type(&ipv4(n), StoredPeerType::Outbound, true).is_err() {};
            thread::scope(|scope| {
                scope.spawn(move || {
                    for n in [6, 5, 4] {
                        while manager.ensure_exists(&ipv4(n)).is_err() {}
                    }
                });
                scope.spawn(move || [2, 1].into_iter().for_each(promote));
                // What is changed in its place meanwhile stays there.
                scope.spawn(move || {
                    drop(manager.update_backoff(&ipv4(3), BackOffUpdate::Increase));
                    drop(manager.update_backoff(&ipv4(1), BackOffUpdate::Increase));
                });
                scope.spawn(move || drop(manager.flush()));
            });
            world.disk.fail(Failures::Never);
            manager.flush().unwrap();
            let history = world.disk.history();
            for file in &history {
                // One came after the other.
                for (senior, junior) in [(6, 5), (5, 4), (3, 6)] {
                    let [senior, junior] = [senior, junior].map(|n| place(file, n));
                    assert!(junior.is_none() || senior.is_some() && senior < junior, "{file:?}");
                }
                // So did those that became outbound, and both are behind those that were there and did not.
                let [first, second] = [2, 1].map(|n| place(file, n));
                if let (Some((first, first_is_out)), Some((second, second_is_out))) = (first, second) {
                    assert!(first_is_out || !second_is_out, "the second without the first: {file:?}");
                    assert_eq!(first < second, second_is_out, "{file:?}");
                    let untouched = place(file, 3).map(|(place, _)| place);
                    assert!(untouched < Some(first) && untouched < Some(second), "{file:?}");
                }
            }
            let last = &history[history.len() - 1];
            assert_eq!(last.rows.len(), 6);
            assert!([1, 2].iter().all(|&n| place(last, n).is_some_and(|(_, is_outbound)| is_outbound)));
            world.assert_survives_the_end();
        });
    }
}
