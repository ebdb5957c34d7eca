//! Setting a damaged file aside, and looking at all that must hold afterwards.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::damage::{Place, assert_same};
use crate::common::{self, ipv4};
use peer_manager::{OnCorrupt, PeerAddress, PeerRecord, Quarantine};

/// Opens a file that is refused otherwise, and looks at all that must hold afterwards.
pub(crate) fn set_aside(what: &str, place: &Place) -> (BTreeMap<PeerAddress, PeerRecord>, Quarantine) {
    let before = place.files();
    let image = place.image();
    let manager = place.open(OnCorrupt::Quarantine).unwrap_or_else(|error| panic!("{what}: {error}"));
    let quarantine = manager.quarantine().unwrap_or_else(|| panic!("{what}: not set aside")).clone();
    let peers = common::peers(&manager);
    let stats = manager.get_stats().unwrap();
    assert_eq!((stats.peers, stats.skipped_rows), (quarantine.saved_peers, quarantine.lost_rows), "{what}");
    assert_eq!(peers.len() as u64, quarantine.saved_peers, "{what}");
    manager.check_invariants().unwrap();
    manager.ensure_exists(&ipv4(777_777)).unwrap();
    manager.remove(&ipv4(777_777)).unwrap();
    drop(manager);

    assert_is_stamped(&quarantine.path);
    let aside = quarantine.path.file_name().unwrap().to_str().unwrap();
    let mut after = place.files();
    assert!(after.remove(aside) == image.database, "{what}: the bytes are there");
    assert!(after.remove(&format!("{aside}-wal")) == image.log, "{what}: the log's, too");
    after.remove(&format!("{aside}-shm"));
    let others = |files: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        let is_other = |name: &str| !["peers.db", "peers.db-wal", "peers.db-shm"].contains(&name);
        files.iter().filter(|(name, _)| is_other(name)).map(|(n, b)| (n.clone(), b.clone())).collect()
    };
    assert!(
        after.contains_key("peers.db") && !after.contains_key("peers.db-wal"),
        "{what}: {:?}",
        after.keys()
    );
    assert_same(what, &others(&after), &others(&before));

    let connection = place.connection();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok", "{what}");
    assert_eq!(common::rows(&connection), common::rows_of(peers.values()), "{what}: the file is the memory");
    drop(connection);
    let again = place.open(OnCorrupt::Quarantine).unwrap();
    assert_eq!(
        (again.quarantine(), again.get_stats().unwrap().skipped_rows),
        (None, 0),
        "{what}: once is enough"
    );
    assert_eq!(common::peers(&again), peers, "{what}");
    (peers, quarantine)
}

/// `<database>.damaged-20260102T030405Z`, perhaps with a number behind it.
pub(crate) fn assert_is_stamped(path: &Path) {
    let text = path.to_str().unwrap();
    let (database, stamp) = text.rsplit_once(".damaged-").expect(text);
    assert!(path.is_absolute() && database.ends_with("/peers.db"), "{text}");
    let pattern: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert!(pattern == "00000000T000000Z" || pattern.starts_with("00000000T000000Z-0"), "{text}");
}
