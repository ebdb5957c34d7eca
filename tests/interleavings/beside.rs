//! Histories and data beside the rows of peers: in whatever order peers are banned, removed, updated and given data, the tables
//! are of one moment.

use peer_manager::store::{Contents, Failures};
use peer_manager::{BackOffUpdate, BanSubject, Durability, StoredPeerType};
use shuttle::thread;

use crate::common::{START, ipv4};
use crate::schedules::explore;
use crate::world::{World, set_clock};

/// What the peers have in the beginning. One that was removed never has it again.
const OLD: &[u8] = b"old";

/// More than a day, so that gossip is noted.
const LATER: i64 = START + 100_000;

fn check(file: &Contents) {
    assert!(
        file.rows.keys().eq(file.histories.keys()),
        "a peer without a history, or the opposite: {file:?}"
    );
    assert!(file.data.keys().all(|address| file.rows.contains_key(address)), "data without a peer: {file:?}");
    let banned = |address| file.bans.keys().any(|subject| subject.contains(address));
    assert!(!file.rows.keys().any(banned), "a banned peer is on file: {file:?}");
}

fn the_tables_agree(durability: Durability) {
    explore(move || {
        let world = World::with_side_tables(durability, &[1, 2], OLD);
        world.disk.fail(Failures::AtRandom);
        let manager = &*world.manager;
        thread::scope(|scope| {
            scope.spawn(move || {
                let subject = BanSubject::from(ipv4(1).host());
                if manager.ban(&subject, i64::MAX).is_ok() {
                    assert!(manager.set_data(&ipv4(1), b"banned").is_err());
                    assert_eq!(manager.load_history(&ipv4(1)).unwrap(), None);
                }
                drop(manager.unban(&subject));
            });
            scope.spawn(move || {
                drop(manager.set_data(&ipv4(1), b"new"));
                drop(manager.set_data(&ipv4(2), b"new"));
                drop(manager.set_data(&ipv4(2), b""));
            });
            scope.spawn(move || {
                if manager.remove(&ipv4(1)).is_ok() {
                    drop(manager.ensure_exists(&ipv4(1)));
                    assert!(manager.data(&ipv4(1)).map_or(true, |data| data != OLD));
                }
                drop(manager.remove_host(ipv4(2).host()));
            });
            scope.spawn(move || {
                set_clock(LATER);
                let (kind, backoff) = (StoredPeerType::Preferred, BackOffUpdate::HardReset);
                drop(manager.update(&ipv4(1), kind, true, backoff));
                drop(manager.ensure_exists_many(&[ipv4(1), ipv4(2)]));
                drop(manager.flush());
            });
        });
        world.assert_settles();
        let history = world.disk.history();
        // The empty file, the peers, and their data, one after the other.
        for n in [1, 2] {
            let address = ipv4(n);
            let had_it = |file: &&Contents| file.data.get(&address).is_some_and(|data| data == OLD);
            let first = history.iter().position(|file| had_it(&file)).unwrap();
            let mut since = history[first..].iter().skip_while(had_it);
            assert!(!since.any(|file| had_it(&file)), "data of a peer that was removed is back: {history:?}");
        }
        for file in &history {
            check(file);
        }
        world.assert_survives_the_end();
    });
}

#[test]
fn with_commit_the_tables_agree_whatever_the_order() {
    the_tables_agree(Durability::Commit);
}

#[test]
fn with_deferred_the_tables_agree_whatever_the_order() {
    the_tables_agree(Durability::Deferred);
}

#[test]
fn with_deferred_what_is_known_of_a_peer_reaches_the_file_without_a_flush() {
    explore(|| {
        let world = World::with_side_tables(Durability::Deferred, &[1, 2, 3], OLD);
        let manager = &*world.manager;
        thread::scope(|scope| {
            scope.spawn(move || manager.set_data(&ipv4(1), b"new").unwrap());
            scope.spawn(move || {
                manager.remove(&ipv4(2)).unwrap();
                manager.ensure_exists(&ipv4(2)).unwrap();
            });
            scope.spawn(move || manager.update_backoff(&ipv4(3), BackOffUpdate::HardReset).unwrap());
        });
        world.assert_settles();
        let file = world.disk.contents();
        assert_eq!(file.data.get(&ipv4(1)).map(Vec::as_slice), Some(&b"new"[..]));
        assert_eq!((file.data.get(&ipv4(2)), file.data.get(&ipv4(3)).map(Vec::as_slice)), (None, Some(OLD)));
        assert_eq!(file.histories[&ipv4(3)].last_reached, START);
    });
}
