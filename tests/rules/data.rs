//! Data of the application's that goes with a peer, and operations on a host.

use crate::common::{START, TestClock, ipv4, mixed, record, test_seed};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{BackOffUpdate, DATA_CAPACITY, Error, Host, Options, PeerAddress, PeerManager};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

fn manager() -> PeerManager {
    PeerManager::open(TestClock::at(START).options(7)).unwrap()
}

#[test]
fn what_was_set_last_is_what_is_read_whatever_its_length() {
    let manager = manager();
    manager.ensure_exists(&ipv4(1)).unwrap();
    assert!(manager.data(&ipv4(1)).unwrap().is_empty());
    for length in (0..=DATA_CAPACITY).chain((0..=DATA_CAPACITY).rev()) {
        let data = vec![u8::try_from(length).unwrap(); length];
        manager.set_data(&ipv4(1), &data).unwrap();
        assert_eq!(manager.data(&ipv4(1)).unwrap(), data);
        manager.check_invariants().unwrap();
    }
}

#[test]
fn data_of_an_unknown_peer_and_too_much_of_it_are_errors_that_say_so() {
    let manager = manager();
    manager.ensure_exists(&ipv4(1)).unwrap();
    manager.set_data(&ipv4(1), b"kept").unwrap();
    let unknown = [manager.set_data(&ipv4(2), b"x").unwrap_err(), manager.data(&ipv4(2)).unwrap_err()];
    assert!(unknown.iter().all(|error| matches!(error, Error::NotFound(address) if *address == ipv4(2))));
    let refused = manager.set_data(&ipv4(1), &[0; DATA_CAPACITY + 1]).unwrap_err();
    assert!(matches!(&refused, Error::InvalidArgument(_)), "{refused:?}");
    assert!(
        refused.to_string().contains("256 bytes") && refused.to_string().contains("at most 255"),
        "{refused}"
    );
    assert_eq!(manager.data(&ipv4(1)).unwrap(), b"kept");
    assert_eq!(manager.peer_count(), 1);
}

#[test]
fn updates_leave_data_and_removal_ends_it() {
    let manager = manager();
    let set = |n| {
        manager.ensure_exists(&ipv4(n)).unwrap();
        manager.set_data(&ipv4(n), b"data").unwrap();
    };
    set(1);
    manager.update(&ipv4(1), Outbound, false, BackOffUpdate::Reset).unwrap();
    manager.store(&record(ipv4(1), START, 12, Inbound)).unwrap();
    manager.ensure_exists(&ipv4(1)).unwrap();
    assert_eq!(manager.data(&ipv4(1)).unwrap(), b"data");
    let ends: [(&str, &dyn Fn()); 6] = [
        ("remove", &|| manager.remove(&ipv4(1)).unwrap()),
        ("remove_host", &|| assert_eq!(manager.remove_host(ipv4(1).host()).unwrap(), 1)),
        ("remove_peers_with_many_failures", &|| {
            assert_eq!(manager.remove_peers_with_many_failures(0).unwrap(), 1);
        }),
        ("set_own_addresses", &|| manager.set_own_addresses([ipv4(1)]).unwrap()),
        ("ban", &|| assert_eq!(manager.ban(&ipv4(1).host().into(), i64::MAX).unwrap(), 1)),
        ("clear_all", &|| manager.clear_all().unwrap()),
    ];
    for (what, end) in ends {
        end();
        manager.set_own_addresses([]).unwrap();
        let _ = manager.unban(&ipv4(1).host().into());
        manager.ensure_exists(&ipv4(1)).unwrap();
        assert!(manager.data(&ipv4(1)).unwrap().is_empty(), "{what}");
        set(1);
        manager.check_invariants().unwrap();
    }
}

#[test]
fn an_evicted_peer_takes_its_data_along() {
    let manager = PeerManager::open(Options { max_peers: 2, ..TestClock::at(START).options(7) }).unwrap();
    for n in [1, 2] {
        manager.store(&record(ipv4(n), START, n, Inbound)).unwrap();
        manager.set_data(&ipv4(n), &[u8::try_from(n).unwrap()]).unwrap();
    }
    manager.ensure_exists(&ipv4(3)).unwrap();
    let left: Vec<_> = [1, 2, 3].into_iter().filter_map(|n| manager.data(&ipv4(n)).ok()).collect();
    assert_eq!(left, [vec![1], vec![]], "the second had failed most often");
    manager.check_invariants().unwrap();
}

#[test]
fn a_purge_of_nearly_all_leaves_everyone_else_their_own_data() {
    let manager = manager();
    let mut rng = ChaCha12Rng::seed_from_u64(test_seed());
    let data = |n: u32| n.to_ne_bytes().repeat(1 + n as usize % 60);
    let records: Vec<_> = (0..20_000)
        .map(|n| record(ipv4(n), START, u32::from(rng.random_range(0..10) > 0), Inbound))
        .collect();
    manager.store_many(&records).unwrap();
    for n in 0..20_000 {
        manager.set_data(&ipv4(n), &data(n)).unwrap();
    }
    manager.remove_peers_with_many_failures(1).unwrap();
    manager.check_invariants().unwrap();
    for n in (0..20_000).filter(|&n| records[n as usize].num_failures == 0) {
        assert_eq!(manager.data(&ipv4(n)).unwrap(), data(n));
    }
}

#[test]
fn a_host_is_removed_on_all_its_ports_in_every_spelling_and_no_other_is() {
    let manager = manager();
    let address = |text: &str, port| PeerAddress::new(text, port).unwrap();
    for (text, spelling, other) in [
        ("203.0.113.7", "::ffff:203.0.113.7", "203.0.113.70"),
        ("2001:db8::1", "2001:0DB8:0::01", "2001:db8::10"),
        ("example.org", "EXAMPLE.org.", "www.example.org"),
    ] {
        for port in [1, 80, 65_535] {
            manager.ensure_exists(&address(text, port)).unwrap();
        }
        manager.ensure_exists(&address(other, 80)).unwrap();
        let host: Host = spelling.parse().unwrap();
        assert_eq!(manager.remove_host(&host).unwrap(), 3, "{text}");
        assert_eq!(manager.remove_host(&host).unwrap(), 0, "{text}");
        assert!(manager.load(&address(other, 80)).unwrap().is_some());
        manager.ensure_exists(&address(text, 80)).unwrap();
        assert_eq!(manager.remove_host(&text.parse().unwrap()).unwrap(), 1);
    }
    manager.check_invariants().unwrap();
    assert!(matches!("1.2.3.4:5".parse::<Host>(), Err(Error::InvalidAddress { .. })));
}

#[test]
fn a_snapshot_keeps_the_data_of_its_moment() {
    let manager = manager();
    for n in 0..30 {
        manager.ensure_exists(&mixed(n)).unwrap();
    }
    manager.set_data(&mixed(3), b"three").unwrap();
    let snapshot = manager.get_all_peers().unwrap();
    manager.set_data(&mixed(3), b"changed").unwrap();
    manager.remove(&mixed(4)).unwrap();
    let with_data: Vec<_> = (0..snapshot.len()).filter(|&index| !snapshot.data(index).is_empty()).collect();
    let [index] = with_data[..] else { panic!("{with_data:?}") };
    assert_eq!((snapshot.get(index).unwrap().address, snapshot.data(index)), (mixed(3), &b"three"[..]));
}
