//! The calls that change what is kept beside the rows of peers: histories, data and bans.

use crate::common::calls::{self, Call};
use crate::common::{START, TempDb, ipv4, mixed, record};
use peer_manager::StoredPeerType::{Inbound, Outbound};
use peer_manager::{BackOffUpdate, BanSubject, Clock, Host, Options, PeerAddress, PeerManager};

fn subject(text: &str) -> BanSubject {
    text.parse().unwrap()
}

fn host(n: u32) -> Host {
    mixed(n).host().clone()
}

/// Each changes something as long as the standing peers and all that is kept of them are there, and nothing that it writes is
/// drawn by chance.
pub(crate) const CALLS: [Call; 17] = [
    Call { name: "ban of a prefix", run: |m| m.ban(&subject("52.0.0.0/29"), i64::MAX).map(drop) },
    Call { name: "ban of a name", run: |m| m.ban(&subject("node-2.example.org"), START + 9).map(drop) },
    Call { name: "ban with another end", run: |m| m.ban(&subject("198.51.100.0/24"), START + 7).map(drop) },
    Call { name: "unban", run: |m| m.unban(&subject("198.51.100.0/24")) },
    Call { name: "first data of a peer", run: |m| m.set_data(&mixed(10), &[7; 255]) },
    Call { name: "other data of a peer", run: |m| m.set_data(&mixed(11), b"another") },
    Call { name: "the end of data", run: |m| m.set_data(&mixed(12), b"") },
    Call { name: "remove_host", run: |m| m.remove_host(&host(13)).map(drop) },
    Call { name: "remove of a peer with data", run: |m| m.remove(&mixed(14)) },
    Call { name: "gossip of a known peer", run: |m| m.ensure_exists(&mixed(15)).map(drop) },
    Call {
        name: "gossip of new and known peers",
        run: |m| m.ensure_exists_many(&[mixed(16), ipv4(3_000), mixed(17), ipv4(3_001)]).map(drop),
    },
    Call { name: "a connection", run: |m| m.update_backoff(&mixed(18), BackOffUpdate::HardReset) },
    Call {
        name: "a connection of a new peer",
        run: |m| m.update(&ipv4(3_002), Outbound, false, BackOffUpdate::HardReset),
    },
    Call { name: "store of a new peer", run: |m| m.store(&record(ipv4(3_003), START - 7, 7, Inbound)) },
    Call {
        name: "remove_peers_not_heard_since",
        run: |m| m.remove_peers_not_heard_since(BEFORE + 1).map(drop),
    },
    Call {
        name: "remove_peers_with_many_failures",
        run: |m| m.remove_peers_with_many_failures(19).map(drop),
    },
    Call { name: "clear_all", run: PeerManager::clear_all },
];

/// The calls that change something in a file without data and bans, and make a table there.
pub(crate) const FIRST: [Call; 3] = [CALLS[0], CALLS[1], CALLS[4]];

/// Two changes of one peer, which is there in the end and has nothing of what it had.
pub(crate) const COMES_BACK: Call = Call {
    name: "a peer that goes and comes back",
    run: |m| {
        m.remove(&mixed(19))?;
        m.ensure_exists(&mixed(19)).map(drop)
    },
};

/// When the standing peers were heard of: more than a day ago.
const BEFORE: i64 = START - 100_000;

/// Makes the standing peers in a database, with histories, and if asked for with data and a ban.
pub(crate) fn stand(database: &TempDb, has_data_and_bans: bool) {
    let options = Options {
        db_path: Some(database.path()),
        keep_history: true,
        clock: Clock::from_fn(|| BEFORE),
        ..Options::default()
    };
    let manager = PeerManager::open(options).unwrap();
    manager.store_many(&calls::standing()).unwrap();
    let on_another_port = PeerAddress::new(&host(13).to_string(), 9).unwrap();
    manager
        .store_many(&[record(on_another_port, START, 0, Inbound), record(ipv4(21), START, 1, Inbound)])
        .unwrap();
    if !has_data_and_bans {
        return;
    }
    for n in [2, 6, 8, 11, 12, 13, 14, 18, 19] {
        manager.set_data(&mixed(n), &mixed(n).host().to_string().into_bytes()).unwrap();
    }
    manager.ban(&subject("198.51.100.0/24"), i64::MAX).unwrap();
}
