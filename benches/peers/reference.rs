//! The specification's own algorithm, against which everything is compared: a hash map from (ip, port) to a record, walked from
//! end to end for every query.

use std::collections::HashMap;
use std::net::IpAddr;

use peer_manager::PeerAddress;
use rand::rngs::ChaCha12Rng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// `PeerRecord` of the specification.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) ip: String,
    pub(crate) port: u16,
    pub(crate) next_attempt: i64,
    pub(crate) num_failures: u32,
    pub(crate) peer_type: u8,
}

/// `PeerQuery` of the specification, with the types that pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) use_next_attempt: bool,
    pub(crate) max_num_failures: Option<u32>,
    pub(crate) types: [bool; 3],
}

/// `PeerManager` of the specification.
#[derive(Debug)]
pub(crate) struct Reference {
    cache: HashMap<(String, u16), Record>,
    rng: ChaCha12Rng,
}

impl FromIterator<Record> for Reference {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        let mut reference = Self::new();
        records.into_iter().for_each(|record| reference.store(record));
        reference
    }
}

impl Reference {
    pub(crate) fn new() -> Self {
        Self { cache: HashMap::new(), rng: ChaCha12Rng::seed_from_u64(1) }
    }

    pub(crate) fn store(&mut self, record: Record) {
        self.cache.insert((record.ip.clone(), record.port), record);
    }

    pub(crate) fn load(&self, ip: String, port: u16) -> Option<Record> {
        self.cache.get(&(ip, port)).cloned()
    }

    /// `update` with an outbound observation and `Increase`.
    pub(crate) fn update(&mut self, ip: &str, port: u16, now: i64) {
        self.update_type(ip, port);
        self.increase_backoff(ip, port, now);
    }

    /// `update_type` with an outbound observation.
    pub(crate) fn update_type(&mut self, ip: &str, port: u16) {
        let Some(mut record) = self.load(ip.to_owned(), port) else { return };
        record.peer_type = record.peer_type.max(1);
        self.store(record);
    }

    pub(crate) fn remove_peers_with_many_failures(&mut self, min_num_failures: u32) {
        self.cache.retain(|_, record| record.num_failures < min_num_failures);
    }

    /// `update_backoff` with `Increase`.
    pub(crate) fn increase_backoff(&mut self, ip: &str, port: u16, now: i64) {
        let Some(mut record) = self.load(ip.to_owned(), port) else { return };
        record.num_failures += 1;
        let max_seconds = 2_i64.pow(record.num_failures.min(10)) * 10;
        record.next_attempt = now + self.rng.random_range(1..=max_seconds);
        self.store(record);
    }

    pub(crate) fn load_random_peers(&mut self, query: Query, now: i64, size: usize) -> Vec<(String, u16)> {
        let mut candidates = Vec::new();
        for record in self.cache.values() {
            if query.use_next_attempt && record.next_attempt > now {
                continue;
            }
            if query.max_num_failures.is_some_and(|max| record.num_failures > max) {
                continue;
            }
            if !query.types[usize::from(record.peer_type)] {
                continue;
            }
            candidates.push((record.ip.clone(), record.port));
        }
        candidates.shuffle(&mut self.rng);
        candidates.truncate(size);
        candidates
    }

    pub(crate) fn get_peers_to_send(&self, size: usize, exclude: (&str, u16)) -> Vec<(String, u16)> {
        let mut candidates = Vec::new();
        for record in self.cache.values() {
            if (record.ip.as_str(), record.port) == exclude {
                continue;
            }
            let is_private = match record.ip.parse::<IpAddr>() {
                Ok(ip) => PeerAddress::from_ip(ip, record.port).is_ok_and(|address| address.is_private()),
                Err(_) => record.ip == "localhost",
            };
            if !is_private {
                candidates.push(record);
            }
        }
        candidates.sort_by_key(|record| std::cmp::Reverse(record.peer_type));
        candidates.iter().take(size).map(|record| (record.ip.clone(), record.port)).collect()
    }

    /// `ensure_exists` of an address that is new, and its removal.
    pub(crate) fn add_and_remove(&mut self, ip: &str, port: u16, now: i64) {
        let key = (ip.to_owned(), port);
        if !self.cache.contains_key(&key) {
            self.store(Record { ip: ip.to_owned(), port, next_attempt: now, num_failures: 0, peer_type: 0 });
        }
        self.cache.remove(&key);
    }

    pub(crate) fn get_all_peers(&self) -> Vec<Record> {
        self.cache.values().cloned().collect()
    }

    /// `load_all_from_db`.
    pub(crate) fn load_all_from_db(path: &std::path::Path) -> rusqlite::Result<Self> {
        let conn = rusqlite::Connection::open(path)?;
        let mut statement = conn.prepare("SELECT ip, port, nextattempt, numfailures, type FROM peers")?;
        let mut reference = Self::new();
        let rows = statement.query_map([], |row| {
            Ok(Record {
                ip: row.get(0)?,
                port: row.get(1)?,
                next_attempt: row.get(2)?,
                num_failures: row.get(3)?,
                peer_type: row.get(4)?,
            })
        })?;
        for row in rows {
            reference.store(row?);
        }
        Ok(reference)
    }
}
