//! A ban and the removal of its peers: one moment in memory, one transaction of the file.

use std::collections::BTreeSet;

use peer_manager::store::Failures;
use peer_manager::{BanSubject, Durability};
use shuttle::thread;

use crate::common::ipv4;
use crate::schedules::explore;
use crate::world::{World, group};

/// Bans peers 1 and 2 and lets them in again while others add them, with a disk that fails now and then.
fn no_peer_is_banned(durability: Durability) {
    explore(move || {
        let world = World::with_peers(durability, &[1, 2, 3]);
        world.disk.fail(Failures::AtRandom);
        let manager = &*world.manager;
        thread::scope(|scope| {
            for n in [1, 2] {
                scope.spawn(move || {
                    let subject = BanSubject::from(ipv4(n).host());
                    let is_banned = manager.ban(&subject, i64::MAX).is_ok();
                    // It is refused from the moment that the call has returned, by all.
                    assert!(!is_banned || manager.ensure_exists(&ipv4(n)).is_err());
                    assert!(!is_banned || manager.load(&ipv4(n)).unwrap().is_none());
                    drop(manager.unban(&subject));
                    drop(manager.ban(&subject, i64::MAX));
                });
            }
            scope.spawn(move || {
                drop(manager.ensure_exists_many(&[ipv4(1), ipv4(2)]));
                drop(manager.store_many(&group(&[1, 2], 5)));
            });
            scope.spawn(move || drop(manager.flush()));
        });
        manager.check_invariants().unwrap();
        for ban in manager.get_bans().unwrap() {
            assert!(
                [1, 2]
                    .iter()
                    .all(|&n| !ban.subject.contains(&ipv4(n)) || manager.load(&ipv4(n)).unwrap().is_none())
            );
        }
        world.assert_settles();
        let mut states = BTreeSet::new();
        for file in world.disk.history() {
            let banned = |address| file.bans.keys().any(|subject| subject.contains(address));
            assert!(!file.rows.keys().any(banned), "a banned peer is on file: {file:?}");
            states.insert(file.bans.len());
        }
        assert!(states.contains(&0), "it began without bans");
    });
}

#[test]
fn with_commit_no_peer_is_on_file_while_it_is_banned() {
    no_peer_is_banned(Durability::Commit);
}

#[test]
fn with_deferred_no_peer_is_on_file_while_it_is_banned() {
    no_peer_is_banned(Durability::Deferred);
}
