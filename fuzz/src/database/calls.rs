//! The calls that are made upon what was opened.

use peer_manager::{
    BackOffUpdate, Error, PeerAddress, PeerManager, PeerQuery, PeerRecord, PeerTypeFilter, StoredPeerType,
};

use super::input::Plan;
use super::{check_refusal, peers};

type Call = fn(&PeerManager, &PeerAddress) -> Result<(), Error>;

/// By the bits of the plan. Each is made with an address that the file may have, and with a new one.
const CALLS: [Call; 8] = [
    |manager, address| manager.ensure_exists(address).map(drop),
    |manager, address| {
        let others = ["9.9.9.9:1", "[2a01::9]:2", "example.org:3"];
        let mut addresses: Vec<_> = others.iter().filter_map(|text| text.parse().ok()).collect();
        addresses.push(address.clone());
        manager.ensure_exists_many(&addresses).map(drop)
    },
    |manager, address| {
        let (next_attempt, num_failures) = (i64::MIN, u32::MAX);
        let peer_type = StoredPeerType::Preferred;
        manager.store(&PeerRecord { address: address.clone(), next_attempt, num_failures, peer_type })
    },
    |manager, address| manager.update_backoff(address, BackOffUpdate::Increase),
    |manager, address| {
        manager.update(address, StoredPeerType::Outbound, true, BackOffUpdate::HardReset)?;
        let anyone = PeerQuery { type_filter: PeerTypeFilter::Any, ..PeerQuery::default() };
        manager.load_random_peers(&anyone, 20)?;
        manager.get_peers_to_send(&PeerQuery::everything(), Some(address), 20).map(drop)
    },
    |manager, address| match manager.remove(address) {
        Err(Error::NotFound(_)) => Ok(()),
        removed => removed,
    },
    |manager, _| manager.remove_peers_with_many_failures(12).map(drop),
    |manager, _| manager.flush(),
];

/// Makes the calls of the plan. Upon a sound file all of them succeed; one that fails has changed nothing.
pub(super) fn make(manager: &PeerManager, plan: Plan, known: &[PeerAddress], is_sound: bool) {
    let mut addresses: Vec<_> = known.to_vec();
    // The first that memory has, for a file that is not sound.
    addresses.extend(peers(manager).into_keys().take(2));
    addresses.extend("52.1.2.3:11625".parse::<PeerAddress>());
    if plan.has_data_and_bans() {
        beside(manager, &addresses, is_sound);
    }
    let has_bans = manager.get_bans().is_ok_and(|bans| !bans.is_empty());
    for address in &addresses {
        for (bit, call) in CALLS.iter().enumerate() {
            if plan.calls >> bit & 1 == 0 {
                continue;
            }
            let (max_peers, count) = (plan.max_peers(), manager.peer_count());
            let before = (!is_sound || max_peers != 0 || has_bans).then(|| peers(manager));
            if let Err(error) = call(manager, address) {
                if matches!(error, Error::Limit(_)) {
                    assert_eq!(count as u64, max_peers, "there is room: {error}");
                } else if matches!(error, Error::Refused(_)) {
                    let is_banned = manager.is_banned(address).expect("the manager answers");
                    assert!(is_banned, "it is not banned: {error}");
                } else {
                    assert!(!is_sound, "a sound file is not written to: {error}");
                    check_refusal(&error);
                }
                assert_eq!(before, Some(peers(manager)), "a call that failed has changed memory");
            }
            manager.check_invariants().expect("the invariants hold");
            assert!(
                max_peers == 0 || manager.peer_count() as u64 <= max_peers,
                "more peers than there may be"
            );
        }
    }
    if plan.flushes() {
        let flushed = manager.flush();
        assert!(flushed.is_ok() || !is_sound, "a sound file is not written to: {flushed:?}");
    }
}

/// Gives peers data, bans some hosts, and lets one of them in again. In a sound file all of that is written, and a call that
/// fails has changed nothing.
fn beside(manager: &PeerManager, addresses: &[PeerAddress], is_sound: bool) {
    let check = |done: Result<(), Error>| {
        if let Err(error) = done {
            assert!(!is_sound, "a sound file is not written to: {error}");
            check_refusal(&error);
        }
        manager.check_invariants().expect("the invariants hold");
    };
    for (address, length) in addresses.iter().zip([3, 255, 0].into_iter().cycle()) {
        let (before, data) = (manager.data(address), vec![7; length]);
        match manager.set_data(address, &data) {
            Err(Error::NotFound(_)) => assert!(before.is_err(), "{address} is there"),
            Ok(()) => assert_eq!(manager.data(address).ok(), Some(data)),
            Err(error) => {
                assert_eq!(manager.data(address).ok(), before.ok(), "a call that failed has changed data");
                check(Err(error));
            }
        }
    }
    for (text, until) in [("10.0.0.0/8", i64::MAX), ("example.org", i64::MAX), ("2001:db8::/32", 1 << 40)] {
        let subject = text.parse().expect("it is a subject");
        let banned = manager.ban(&subject, until).map(drop);
        let is_listed = manager.get_bans().is_ok_and(|bans| bans.iter().any(|ban| ban.subject == subject));
        assert!(banned.is_err() || is_listed, "{text} is banned");
        check(banned);
    }
    let subject = "example.org".parse().expect("it is a subject");
    match manager.unban(&subject) {
        Err(Error::NotBanned(_)) => assert!(!is_sound, "it was banned"),
        done => check(done),
    }
}
