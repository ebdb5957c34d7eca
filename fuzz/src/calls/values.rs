//! Values of the history for C and for Rust, and what the file holds.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;

use peer_manager::ffi::options::{peer_manager_options, peer_manager_options_init};
use peer_manager::ffi::record::peer_manager_record;
use peer_manager::{BackOffUpdate, PeerAddress, PeerRecord, StoredPeerType};
use rusqlite::Connection;

use super::steps::{Peer, Values};

/// The rows of the database: (ip, port), then next attempt, failures and type.
pub(super) type Rows = BTreeMap<(String, i64), (i64, i64, i64)>;

pub(super) fn peer_type(number: u32) -> StoredPeerType {
    StoredPeerType::ALL[number as usize]
}

pub(super) fn backoff(number: u32) -> BackOffUpdate {
    [BackOffUpdate::HardReset, BackOffUpdate::Reset, BackOffUpdate::Increase][number as usize]
}

pub(super) fn to_c(peer: Peer, (next_attempt, num_failures, peer_type): Values) -> peer_manager_record {
    peer_manager_record { address: peer.spelled(), next_attempt, num_failures, peer_type }
}

pub(super) fn to_rust(peer: Peer, (next_attempt, num_failures, number): Values) -> PeerRecord {
    PeerRecord { address: peer.address(), next_attempt, num_failures, peer_type: peer_type(number) }
}

pub(super) fn by_address(records: impl IntoIterator<Item = PeerRecord>) -> BTreeMap<PeerAddress, PeerRecord> {
    let mut peers = BTreeMap::new();
    for record in records {
        let twice = peers.insert(record.address.clone(), record);
        assert!(twice.is_none(), "an address is there twice: {twice:?}");
    }
    peers
}

/// The rows of the table `peers`, all of which must be of the declared types.
pub(super) fn rows(connection: &Connection) -> Rows {
    let sql = "SELECT ip, port, nextattempt, numfailures, type FROM peers";
    let mut statement = connection.prepare_cached(sql).expect("the table is there");
    let rows = statement
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?, row.get(4)?))))
        .expect("the table can be read");
    rows.map(|row| row.expect("a row has the declared types")).collect()
}

/// The options that the library initialises.
pub(super) fn default_options() -> peer_manager_options {
    let mut options = MaybeUninit::uninit();
    // SAFETY: the pointer is valid for the call, which initialises all of it.
    unsafe {
        peer_manager_options_init(options.as_mut_ptr(), size_of::<peer_manager_options>());
        options.assume_init()
    }
}

/// The rows that a database of these peers must have.
pub(super) fn rows_of<'a>(records: impl IntoIterator<Item = &'a PeerRecord>) -> Rows {
    let row = |record: &PeerRecord| {
        let key = (record.address.host().to_string(), i64::from(record.address.port()));
        (key, (record.next_attempt, i64::from(record.num_failures), record.peer_type as i64))
    };
    records.into_iter().map(row).collect()
}
