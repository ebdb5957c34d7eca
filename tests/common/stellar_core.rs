//! stellar-core's side of its file: its table and its statements, and how it writes and reads a time.
//!
//! Sources: stellar-core's `src/overlay/PeerManager.cpp`; the sqlite3 backend and `src/core/common.cpp` of SOCI.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use crate::common::{START, TestClock};
use peer_manager::{Durability, Host, Options, PeerAddress, PeerRecord, StoredPeerType};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The table, since 2019.
pub(crate) const TABLE: &str = "CREATE TABLE peers (ip VARCHAR(15) NOT NULL, port INT DEFAULT 0 CHECK (port > 0 AND port \
    <= 65535) NOT NULL, nextattempt TIMESTAMP NOT NULL, numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL, type \
    INT NOT NULL, PRIMARY KEY (ip, port));";

pub(crate) const DURABILITIES: [Durability; 3] = [Durability::Commit, Durability::Sync, Durability::Deferred];

/// The first and the last second of the years that a file can hold.
pub(crate) const EARLIEST: i64 = -30_610_224_000;
pub(crate) const LATEST: i64 = 253_402_300_799;

/// Past 2038, where 32 bits end, and a second before ten digits become eleven, in 2286.
pub(crate) const CLOCKS: [i64; 3] = [START, (1 << 31) + 5, 9_999_999_999];

/// stellar-core, as far as its file knows it.
#[derive(Debug)]
pub(crate) struct StellarCore(pub(crate) Connection);

impl StellarCore {
    /// A new database.
    pub(crate) fn new_db(path: &Path) -> Self {
        let core = Self::start(path);
        core.0.execute_batch(TABLE).unwrap();
        core.0
            .execute_batch("CREATE TABLE storestate (statename CHARACTER(70) NOT NULL, state TEXT)")
            .unwrap();
        core
    }

    pub(crate) fn start(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        Self(connection)
    }

    /// What it knows of an address.
    pub(crate) fn load(&self, address: &PeerAddress) -> Option<PeerRecord> {
        let sql = "SELECT numfailures, nextattempt, type FROM peers WHERE ip = :v1 AND port = :v2";
        let values = self.0.query_row(sql, params![address.host().to_string(), address.port()], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
        });
        values.optional().unwrap().map(|(num_failures, next_attempt, peer_type)| PeerRecord {
            address: address.clone(),
            next_attempt: self.to_seconds(&next_attempt),
            num_failures,
            peer_type: StoredPeerType::from_number(peer_type).unwrap(),
        })
    }

    /// Writes a peer, and must find exactly one row to write.
    pub(crate) fn store(&self, record: &PeerRecord, is_in_database: bool) {
        let sql = if is_in_database {
            "UPDATE peers SET nextattempt = :v1, numfailures = :v2, type = :v3 WHERE ip = :v4 AND port = :v5"
        } else {
            "INSERT INTO peers (nextattempt, numfailures, type, ip, port) VALUES (:v1, :v2, :v3, :v4, :v5)"
        };
        let next_attempt = self.to_text(record.next_attempt);
        let (host, port) = (record.address.host().to_string(), record.address.port());
        let affected = self
            .0
            .execute(sql, params![next_attempt, record.num_failures, record.peer_type as u8, host, port]);
        assert_eq!(affected, Ok(1));
    }

    pub(crate) fn remove_peers_with_many_failures(&self, least: u32) {
        self.0.execute("DELETE FROM peers WHERE numfailures >= :minNumFailures", [least]).unwrap();
    }

    /// Everybody, with each of whom it must be able to do what it does with its own: make a wire address of the host,
    /// and write the next attempt back as it is.
    pub(crate) fn load_all(&self) -> BTreeMap<PeerAddress, PeerRecord> {
        let mut statement =
            self.0.prepare("SELECT ip, port, nextattempt, numfailures, type FROM peers").unwrap();
        let rows = statement.query_map([], |row| {
            let (ip, port, next_attempt): (String, u16, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((ip, port, next_attempt, row.get(3)?, row.get(4)?))
        });
        let records = rows.unwrap().map(|row| {
            let (ip, port, next_attempt, num_failures, peer_type) = row.unwrap();
            let address = PeerAddress::from_ip(ip.parse::<Ipv4Addr>().expect(&ip).into(), port).unwrap();
            let next_attempt_read = self.to_seconds(&next_attempt);
            assert_eq!(self.to_text(next_attempt_read), next_attempt, "as it would write it itself");
            let peer_type = StoredPeerType::from_number(peer_type).unwrap();
            PeerRecord { address, next_attempt: next_attempt_read, num_failures, peer_type }
        });
        records.map(|record| (record.address.clone(), record)).collect()
    }

    /// Whom it takes for due at a time.
    pub(crate) fn due(&self, now: i64) -> Vec<PeerAddress> {
        let mut statement =
            self.0.prepare("SELECT ip, port FROM peers WHERE nextattempt <= :nextattempt").unwrap();
        let rows = statement
            .query_map([self.to_text(now)], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
            .unwrap();
        let mut due: Vec<_> =
            rows.map(Result::unwrap).map(|(ip, port)| PeerAddress::new(&ip, port).unwrap()).collect();
        due.sort();
        due
    }

    /// A time as SOCI prints its fields: the year with as many digits as it has.
    pub(crate) fn to_text(&self, seconds: i64) -> String {
        let text: String =
            self.0.query_row("SELECT datetime(?, 'unixepoch')", [seconds], |row| row.get(0)).unwrap();
        let (year, rest) = text.split_once('-').unwrap();
        format!("{}-{rest}", year.parse::<u16>().unwrap())
    }

    /// A time as SOCI reads it: six numbers, with any one character between two of them.
    pub(crate) fn to_seconds(&self, text: &str) -> i64 {
        let numbers: Vec<i64> =
            text.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().expect(text)).collect();
        let [year, month, day, hour, minute, second] = numbers[..] else { panic!("six numbers: {text}") };
        let sql = "SELECT CAST(strftime('%s', printf('%04d-%02d-%02d', ?, ?, ?)) AS INTEGER)";
        let midnight: i64 = self.0.query_row(sql, [year, month, day], |row| row.get(0)).expect(text);
        midnight + (hour * 60 + minute) * 60 + second
    }
}

/// The peers that stellar-core can know.
pub(crate) fn with_ipv4(peers: BTreeMap<PeerAddress, PeerRecord>) -> BTreeMap<PeerAddress, PeerRecord> {
    peers.into_iter().filter(|(address, _)| matches!(address.host(), Host::V4(_))).collect()
}

/// The rows, of whatever types.
pub(crate) fn raw_rows(connection: &Connection) -> Vec<String> {
    let sql = "SELECT quote(ip) || ' ' || quote(port) || ' ' || quote(nextattempt) || ' ' || quote(numfailures) || ' ' \
               || quote(type) FROM peers ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

pub(crate) fn table_of(connection: &Connection) -> String {
    let sql = "SELECT sql FROM sqlite_master WHERE name = 'peers'";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(crate) fn options(path: &Path, durability: Durability, clock: &TestClock) -> Options {
    let mut options = clock.options(1);
    options.db_path = Some(path.to_owned());
    options.durability = durability;
    options.flush_interval = Duration::from_millis(1);
    options
}

/// Peers as a manager gives them.
pub(crate) fn by_address(records: impl IntoIterator<Item = PeerRecord>) -> BTreeMap<PeerAddress, PeerRecord> {
    records.into_iter().map(|record| (record.address.clone(), record)).collect()
}
