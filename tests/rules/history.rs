//! Histories: when a peer was heard of, reached and tried.

use crate::common::histories::{DAY, Lives, new_at};
use crate::common::{START, TestClock, ipv4, mixed, open, record, test_seed};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{BackOffUpdate, Error, History, Options, PeerManager, PeerQuery};

fn with_history(clock: &TestClock) -> PeerManager {
    open(Options { keep_history: true, ..clock.options(7) })
}

fn history(manager: &PeerManager, n: u32) -> History {
    manager.load_history(&mixed(n)).unwrap().unwrap()
}

#[test]
fn a_new_peer_is_heard_of_now_whichever_way_it_came() {
    let clock = TestClock::at(START);
    let manager = with_history(&clock);
    manager.ensure_exists(&mixed(0)).unwrap();
    manager.ensure_exists_many(&[mixed(1)]).unwrap();
    manager.store(&record(mixed(2), 5, 3, Outbound)).unwrap();
    manager.update_type(&mixed(3), Outbound, false).unwrap();
    for n in 0..4 {
        assert_eq!(history(&manager, n), new_at(START));
    }
    assert_eq!(manager.load_history(&mixed(4)).unwrap(), None);
}

#[test]
fn a_reset_is_a_peer_reached_and_an_increase_an_attempt_that_failed() {
    let clock = TestClock::at(START);
    let manager = with_history(&clock);
    manager.update_backoff(&mixed(1), BackOffUpdate::Increase).unwrap();
    assert_eq!(history(&manager, 1), History { last_attempt: START, ..new_at(START) });
    for (after, backoff) in [(10, BackOffUpdate::Reset), (20, BackOffUpdate::HardReset)] {
        clock.set(START + after);
        manager.update(&mixed(1), Outbound, false, backoff).unwrap();
        let expected = History {
            first_reached: START + 10,
            last_reached: START + after,
            last_attempt: START,
            ..new_at(START)
        };
        assert_eq!(history(&manager, 1), expected);
    }
    clock.set(START + 30);
    manager.update_type(&mixed(1), Inbound, false).unwrap();
    manager.store(&record(mixed(1), 0, 0, Inbound)).unwrap();
    assert_eq!(history(&manager, 1).last_reached, START + 20, "neither says that it was reached");
    // The node itself is offline, and still it has tried.
    manager.set_online(false).unwrap();
    manager.update_backoff(&mixed(1), BackOffUpdate::Increase).unwrap();
    assert_eq!(history(&manager, 1).last_attempt, START + 30);
}

#[test]
fn gossip_about_a_known_peer_counts_once_a_day() {
    let clock = TestClock::at(START);
    let manager = with_history(&clock);
    manager.ensure_exists(&mixed(1)).unwrap();
    for (after, last_heard) in [(DAY - 1, 0), (DAY, DAY), (2 * DAY - 1, DAY), (2 * DAY, 2 * DAY)] {
        clock.set(START + after);
        assert!(!manager.ensure_exists(&mixed(1)).unwrap());
        assert_eq!(manager.ensure_exists_many(&[mixed(1), mixed(1)]).unwrap(), 0);
        assert_eq!(history(&manager, 1).last_heard, START + last_heard, "{after}");
        assert_eq!(history(&manager, 1).first_heard, START);
    }
}

#[test]
fn removal_ends_a_history_and_the_others_keep_theirs() {
    let clock = TestClock::at(START);
    let manager = with_history(&clock);
    for n in 0..200 {
        clock.set(START + i64::from(n));
        manager.store(&record(mixed(n), 0, n % 7, Inbound)).unwrap();
    }
    manager.remove(&mixed(3)).unwrap();
    // Most of the table, which is made anew, and then a few.
    manager.remove_peers_with_many_failures(2).unwrap();
    manager.remove_peers_with_many_failures(1).unwrap();
    manager.check_invariants().unwrap();
    for n in 0..200 {
        let expected = (n % 7 == 0).then(|| new_at(START + i64::from(n)));
        assert_eq!(manager.load_history(&mixed(n)).unwrap(), expected, "{n}");
    }
    clock.set(START + DAY);
    manager.ensure_exists(&mixed(3)).unwrap();
    assert_eq!(history(&manager, 3), new_at(START + DAY));
    manager.clear_all().unwrap();
    assert_eq!(manager.load_history(&mixed(3)).unwrap(), None);
    manager.check_invariants().unwrap();
}

#[test]
fn without_the_option_there_is_no_history_to_ask_for() {
    let manager = TestClock::at(START).in_memory(7);
    manager.ensure_exists(&ipv4(1)).unwrap();
    let refused = manager.load_history(&ipv4(1)).unwrap_err();
    assert!(matches!(refused, Error::Unsupported(_)), "{refused}");
    assert_eq!(refused.to_string(), "no history of the peers is kept; open with keep_history");
    for (heard_since, reached_since) in [(1, 0), (0, -1)] {
        let query = PeerQuery { heard_since, reached_since, ..PeerQuery::everything() };
        let refused = manager.load_random_peers(&query, 1).unwrap_err();
        assert!(matches!(refused, Error::InvalidArgument(_)), "{refused}");
        assert_eq!(manager.get_peers_to_send(&query, None, 1).unwrap_err().to_string(), refused.to_string());
    }
}

#[test]
fn inbound_peers_that_were_never_reached_go_once_they_were_not_heard_of_for_long() {
    let clock = TestClock::at(START);
    let manager = with_history(&clock);
    manager.store(&record(mixed(0), 0, 0, Outbound)).unwrap();
    manager.update_backoff(&mixed(1), BackOffUpdate::Reset).unwrap();
    manager.update_backoff(&mixed(2), BackOffUpdate::Increase).unwrap();
    manager.ensure_exists_many(&[mixed(3), mixed(4)]).unwrap();
    clock.set(START + DAY);
    manager.ensure_exists(&mixed(4)).unwrap();
    assert_eq!(manager.remove_peers_not_heard_since(START).unwrap(), 0);
    assert_eq!(manager.remove_peers_not_heard_since(START + 1).unwrap(), 2);
    let left = || -> Vec<u32> { (0..5).filter(|&n| manager.load(&mixed(n)).unwrap().is_some()).collect() };
    assert_eq!(left(), [0, 1, 4]);
    assert_eq!(manager.remove_peers_not_heard_since(i64::MAX).unwrap(), 1);
    assert_eq!(left(), [0, 1]);
    manager.check_invariants().unwrap();
    let refused = TestClock::at(START).in_memory(7).remove_peers_not_heard_since(0).unwrap_err();
    assert!(matches!(refused, Error::Unsupported(_)), "{refused}");
}

#[test]
fn a_random_life_leaves_the_histories_that_it_should() {
    let seed = test_seed();
    for life in 0..20 {
        let clock = TestClock::at(START);
        let manager = open(Options { keep_history: true, ..clock.options(seed + life) });
        let mut lives = Lives::new(seed + life, &clock);
        for _ in 0..200 {
            lives.step(&manager);
            lives.check(&manager);
            lives.check_queries(&manager);
        }
    }
}
