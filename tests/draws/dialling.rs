//! Whom to dial: `next_to_dial`, `next_due`, `set_online`, `set_own_addresses`.

use std::collections::{BTreeSet, HashMap};

use crate::common::{self, START, TempDb, TestClock, ipv4, mixed, name, netgroup, record};
use peer_manager::StoredPeerType::{Inbound, Outbound, Preferred};
use peer_manager::{BackOffUpdate, Error, PeerAddress, PeerManager, Purpose, StoredPeerType};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

/// The `n`th peer of a netgroup.
fn of_netgroup(netgroup: u32, n: u32) -> PeerAddress {
    ipv4(netgroup << 16 | n)
}

fn types(manager: &PeerManager, peers: &[PeerAddress]) -> Vec<StoredPeerType> {
    peers.iter().map(|peer| manager.load(peer).unwrap().unwrap().peer_type).collect()
}

/// A manager with some peers of each type in many netgroups: a type in every third.
fn of_all_types() -> PeerManager {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    let records: Vec<_> = (0..90)
        .flat_map(|netgroup| (0..4).map(move |n| (netgroup, n)))
        .map(|(netgroup, n)| {
            record(of_netgroup(netgroup, n), START, 0, StoredPeerType::ALL[netgroup as usize % 3])
        })
        .collect();
    manager.store_many(&records).unwrap();
    manager
}

#[test]
fn preferred_peers_come_first_then_outbound_then_inbound_ones() {
    let manager = of_all_types();
    for (size, expected) in [(0, [0, 0, 0]), (100, [100, 0, 0]), (130, [120, 10, 0]), (150, [120, 30, 0])] {
        let answer = manager.next_to_dial(Purpose::Connect, &[], size).unwrap();
        let types = types(&manager, &answer);
        assert!(types.is_sorted_by(|a, b| a >= b), "{types:?}");
        // While there are fewer netgroups than twice the places, all that there are may come.
        if size <= 45 {
            assert_eq!(
                [2, 1, 0].map(|t| types.iter().filter(|&&other| other as usize == t).count()),
                expected
            );
        }
        assert_eq!(answer.iter().collect::<BTreeSet<_>>().len(), answer.len());
        assert_eq!(answer.len(), size);
    }
}

#[test]
fn of_those_that_are_not_preferred_no_netgroup_comes_twice_and_none_that_is_busy() {
    let preferred: Vec<_> = (0..30).map(|g| of_netgroup(g, 1)).collect();
    let manager = TestClock::at(START).in_memory(common::test_seed());
    let others = (0..250).flat_map(|g| [(g, 7, Inbound), (g, 8, Outbound)]);
    let others = others.map(|(g, n, peer_type)| record(of_netgroup(g, n), START, 0, peer_type));
    let records = preferred.iter().map(|peer| record(peer.clone(), START, 0, Preferred)).chain(others);
    manager.store_many(&records.collect::<Vec<_>>()).unwrap();
    let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
    for _ in 0..300 {
        // All but two preferred peers are connected, and some others, not all of them in the table.
        let mut busy = preferred[2..].to_vec();
        busy.extend(
            (0..rng.random_range(0..6))
                .map(|_| of_netgroup(rng.random_range(0..250), rng.random_range(7..9))),
        );
        let answer = manager.next_to_dial(Purpose::Connect, &busy, 8).unwrap();
        assert_eq!(types(&manager, &answer)[..3], [Preferred, Preferred, Outbound]);
        assert_eq!(answer.len(), 8);
        let all: Vec<_> = answer[2..].iter().map(netgroup).collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "no netgroup comes twice");
        let taken: BTreeSet<_> = busy.iter().chain(&answer[..2]).map(netgroup).collect();
        assert!(all.iter().all(|netgroup| !taken.contains(netgroup)));
    }
}

#[test]
fn a_small_network_of_few_operators_can_form() {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    let peers: Vec<_> = (0..12).map(|n| of_netgroup(n % 2, n)).collect();
    manager.ensure_exists_many(&peers).unwrap();
    // Two netgroups for eight places.
    assert_eq!(manager.next_to_dial(Purpose::Connect, &[], 8).unwrap().len(), 8);
    assert_eq!(manager.next_to_dial(Purpose::Connect, &peers[..7], 1).unwrap().len(), 1);
    // Sixteen netgroups are enough to look at them, fifteen are not.
    for (netgroups, at_most_one) in [(15, false), (16, true)] {
        manager.clear_all().unwrap();
        let one_each = (0..netgroups).map(|g| of_netgroup(g, 0));
        manager
            .ensure_exists_many(&one_each.chain((1..200).map(|n| of_netgroup(0, n))).collect::<Vec<_>>())
            .unwrap();
        let busy = [of_netgroup(0, 0)];
        let mut of_first = 0;
        for _ in 0..200 {
            let answer = manager.next_to_dial(Purpose::Connect, &busy, 7).unwrap();
            of_first += answer.iter().filter(|peer| netgroup(peer) == netgroup(&busy[0])).count();
        }
        assert_eq!(of_first == 0, at_most_one, "{netgroups} netgroups: {of_first}");
    }
}

#[test]
fn only_peers_that_are_due_and_have_failed_at_most_120_times_are_dialled() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let records = [
        record(mixed(0), START, 120, Outbound),
        record(mixed(1), START, 121, Outbound),
        record(mixed(2), START + 1, 0, Preferred),
        record(mixed(3), START, 121, Preferred),
        record(mixed(4), START, 120, Inbound),
        record(mixed(5), START, 121, Inbound),
    ];
    manager.store_many(&records).unwrap();
    assert_eq!(manager.next_to_dial(Purpose::Connect, &[], 9).unwrap(), [mixed(0), mixed(4)]);
    assert_eq!(manager.next_to_dial(Purpose::Feeler, &[], 9).unwrap(), [mixed(4)]);
    clock.set(START + 1);
    assert_eq!(manager.next_to_dial(Purpose::Connect, &[], 9).unwrap(), [mixed(2), mixed(0), mixed(4)]);
    assert_eq!(manager.next_to_dial(Purpose::Connect, &[mixed(2), mixed(4)], 9).unwrap(), [mixed(0)]);
}

#[test]
fn a_flood_wins_hardly_any_place_against_peers_that_are_senior() {
    let manager = TestClock::at(START).in_memory(common::test_seed());
    let honest: Vec<_> = (0..100).map(|g| of_netgroup(g, 1)).collect();
    manager.ensure_exists_many(&honest).unwrap();
    // As many netgroups, and a hundred times as many addresses.
    let flood: Vec<_> = (100..200).flat_map(|g| (0..100).map(move |n| of_netgroup(g, n))).collect();
    manager.ensure_exists_many(&flood).unwrap();
    let (mut hostile, mut by_feelers) = (0, 0);
    for _ in 0..1_000 {
        let is_hostile = |peer: &&PeerAddress| !honest.contains(peer);
        hostile += manager.next_to_dial(Purpose::Connect, &[], 1).unwrap().iter().filter(is_hostile).count();
        by_feelers +=
            manager.next_to_dial(Purpose::Feeler, &[], 1).unwrap().iter().filter(is_hostile).count();
    }
    // A place is hostile if all sixteen draws are: one in 65,536. Of feelers, 64 draws compete.
    assert!(hostile <= 2, "{hostile} of 1,000");
    assert_eq!(by_feelers, 0, "of 1,000 feelers");
    // Of peers that were reached, twelve draws compete: with twice as many hostile netgroups, one in 130.
    for peer in honest[..50].iter().chain(&flood) {
        manager.update_type(peer, Outbound, false).unwrap();
    }
    let mut of_known = 0;
    for _ in 0..1_000 {
        of_known += manager
            .next_to_dial(Purpose::Connect, &[], 1)
            .unwrap()
            .iter()
            .filter(|peer| !honest.contains(peer))
            .count();
    }
    assert!((1..30).contains(&of_known), "{of_known} of 1,000");
}

#[test]
fn the_next_to_become_due_is_the_first_of_those_that_wait() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    assert_eq!(manager.next_due().unwrap(), None);
    let mut rng = ChaCha12Rng::seed_from_u64(common::test_seed());
    let mut times: HashMap<PeerAddress, i64> = HashMap::new();
    for round in 0..3_000_i64 {
        let peer = mixed(rng.random_range(0..40));
        // Most wait for less than a turn of the wheel, some for many, a few for ever, and some are due.
        let far = [50, 2_000, 100_000, i64::MAX / 2][rng.random_range(0..4)];
        let time = START + round / 3 + rng.random_range(-20..far);
        manager.store(&record(peer.clone(), time, 0, Inbound)).unwrap();
        times.insert(peer, time);
        if rng.random_range(0..30) == 0 {
            manager.clear_all().unwrap();
            times.clear();
        }
        let now = START + round / 3 - rng.random_range(0..4);
        clock.set(now);
        let expected = times.values().copied().filter(|&time| time > now).min();
        assert_eq!(manager.next_due().unwrap(), expected, "round {round}");
    }
    clock.set(i64::MAX);
    assert_eq!(manager.next_due().unwrap(), None);
}

#[test]
fn while_the_node_is_offline_failures_do_not_count_and_peers_wait_a_minute_at_most() {
    let clock = TestClock::at(START);
    let manager = clock.in_memory(common::test_seed());
    let peer = mixed(0);
    manager.store(&record(peer.clone(), START, 9, Outbound)).unwrap();
    manager.set_online(false).unwrap();
    let mut waits = BTreeSet::new();
    for _ in 0..100 {
        manager.update_backoff(&peer, BackOffUpdate::Increase).unwrap();
        manager.update(&peer, Outbound, false, BackOffUpdate::Increase).unwrap();
        let record = manager.load(&peer).unwrap().unwrap();
        assert_eq!(record.num_failures, 9);
        waits.insert(record.next_attempt - START);
    }
    assert!(waits.first().is_some_and(|&wait| wait > 0) && waits.last() == Some(&60), "{waits:?}");
    assert_eq!(manager.get_stats().unwrap().forgiven_failures, 200);
    // A success counts; so does a failure of a peer that is unknown so far, once the node is online.
    manager.update_backoff(&peer, BackOffUpdate::Reset).unwrap();
    assert_eq!(manager.load(&peer).unwrap().unwrap().num_failures, 0);
    manager.update_backoff(&mixed(1), BackOffUpdate::Increase).unwrap();
    assert_eq!(manager.load(&mixed(1)).unwrap().unwrap().num_failures, 0);
    manager.set_online(true).unwrap();
    manager.update_backoff(&mixed(1), BackOffUpdate::Increase).unwrap();
    assert_eq!(manager.load(&mixed(1)).unwrap().unwrap().num_failures, 1);
    assert_eq!(manager.get_stats().unwrap().forgiven_failures, 201);
}

#[test]
fn own_addresses_are_removed_refused_and_left_out() {
    let (database, source, clock) = (TempDb::new(), TempDb::new(), TestClock::at(START));
    for durability in [peer_manager::Durability::Commit, peer_manager::Durability::Deferred] {
        let mut options = clock.options(common::test_seed());
        (options.db_path, options.durability) = (Some(database.path()), durability);
        let manager = common::open(options.clone());
        manager.clear_all().unwrap();
        let (own, others) = ([ipv4(1), name(2)], [ipv4(3), ipv4(4)]);
        manager.ensure_exists_many(&[own[0].clone(), others[0].clone()]).unwrap();
        manager.set_own_addresses(own.clone()).unwrap();
        assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), others[..1]);

        let message = format!(
            "cannot add {}: it is an address of this node itself; if it no longer is, set the node's own addresses again",
            own[0]
        );
        for refused in [
            manager.ensure_exists(&own[0]).map(drop),
            manager.store(&record(own[0].clone(), START, 0, Preferred)),
            manager.update_type(&own[0], Outbound, false),
            manager.update_backoff(&own[0], BackOffUpdate::Increase),
            manager.update(&own[0], Outbound, true, BackOffUpdate::Reset),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::Refused(_)));
            assert_eq!(error.to_string(), message);
        }
        let refused = || manager.get_stats().unwrap().refused_peers;
        assert_eq!(refused(), 5);
        let batch = [own[0].clone(), others[1].clone(), own[1].clone()];
        assert_eq!(manager.ensure_exists_many(&batch).unwrap(), 1);
        manager.store_many(&batch.clone().map(|peer| record(peer, START, 1, Inbound))).unwrap();
        assert_eq!(refused(), 9);
        assert_eq!(manager.load(&others[1]).unwrap().unwrap().num_failures, 1);
        clock.on_file(&source.path(), 1).ensure_exists_many(&batch).unwrap();
        assert_eq!(manager.import(source.path()).unwrap(), 0);
        assert_eq!(refused(), 11);

        // Another list takes the place of the first.
        manager.set_own_addresses([others[0].clone()]).unwrap();
        assert!(manager.ensure_exists(&own[0]).unwrap());
        manager.set_own_addresses([]).unwrap();
        manager.ensure_exists(&others[0]).unwrap();
        manager.check_invariants().unwrap();
        drop(manager);
        let expected: BTreeSet<_> = [&own[0], &others[0], &others[1]].into_iter().cloned().collect();
        let reopened = common::open(options);
        assert_eq!(common::peers(&reopened).into_keys().collect::<BTreeSet<_>>(), expected);
    }
}
