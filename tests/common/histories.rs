//! Histories and data of peers by the book: what `keep_history` and `set_data` must be indistinguishable from.

use std::collections::BTreeMap;

use super::{START, TestClock, mixed, peers, record};
use peer_manager::StoredPeerType::{self, Inbound, Outbound};
use peer_manager::{BackOffUpdate, DATA_CAPACITY, History, PeerAddress, PeerManager, PeerQuery};
use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;

/// A day, in seconds.
pub(crate) const DAY: i64 = 86_400;

/// So many addresses take part.
const ADDRESSES: u32 = 24;

/// What a manager should know of each peer's past, and a random life of both.
pub(crate) struct Lives {
    rng: ChaCha12Rng,
    clock: TestClock,
    pub(crate) expected: BTreeMap<PeerAddress, History>,
    /// The data of those that have some.
    pub(crate) data: BTreeMap<PeerAddress, Vec<u8>>,
}

/// The history of a peer that is new at this time.
pub(crate) fn new_at(now: i64) -> History {
    History { first_heard: now, last_heard: now, ..History::default() }
}

/// All histories in a file, each of which must be of a peer in it.
pub(crate) fn in_file(connection: &Connection) -> BTreeMap<PeerAddress, History> {
    let sql = "SELECT h.ip, h.port, firstheard, lastheard, firstreached, lastreached, lastattempt, \
         EXISTS (SELECT 1 FROM peers AS p WHERE p.ip = h.ip AND p.port = h.port) FROM peer_manager_history AS h";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let host: String = row.get(0)?;
        assert!(row.get::<_, bool>(7)?, "{host} is no peer");
        let history = History {
            first_heard: row.get(2)?,
            last_heard: row.get(3)?,
            first_reached: row.get(4)?,
            last_reached: row.get(5)?,
            last_attempt: row.get(6)?,
        };
        Ok((PeerAddress::new(&host, row.get(1)?).unwrap(), history))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// All data in a file, each of which must be of a peer in it.
pub(crate) fn data_in_file(connection: &Connection) -> BTreeMap<PeerAddress, Vec<u8>> {
    let tables = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'peer_manager_data')";
    if !connection.query_row(tables, [], |row| row.get::<_, bool>(0)).unwrap() {
        return BTreeMap::new();
    }
    let sql = "SELECT d.ip, d.port, data, EXISTS (SELECT 1 FROM peers AS p WHERE p.ip = d.ip AND p.port = d.port) \
         FROM peer_manager_data AS d";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let host: String = row.get(0)?;
        assert!(row.get::<_, bool>(3)?, "{host} is no peer");
        Ok((PeerAddress::new(&host, row.get(1)?).unwrap(), row.get(2)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn event(history: &mut History, backoff: BackOffUpdate, now: i64) {
    if backoff == BackOffUpdate::Increase {
        history.last_attempt = now;
        return;
    }
    if history.first_reached == 0 {
        history.first_reached = now;
    }
    history.last_reached = now;
}

impl Lives {
    pub(crate) fn new(seed: u64, clock: &TestClock) -> Self {
        Self {
            rng: ChaCha12Rng::seed_from_u64(seed),
            clock: clock.clone(),
            expected: BTreeMap::new(),
            data: BTreeMap::new(),
        }
    }

    fn any(&mut self) -> PeerAddress {
        mixed(self.rng.random_range(0..ADDRESSES))
    }

    fn hear(&mut self, address: PeerAddress) {
        let now = self.clock.now();
        let history = self.expected.entry(address).or_insert_with(|| new_at(now));
        if (history.last_heard - now).abs() >= DAY {
            history.last_heard = now;
        }
    }

    /// One random call, or two.
    pub(crate) fn step(&mut self, manager: &PeerManager) {
        self.change(manager);
        self.data.retain(|address, _| self.expected.contains_key(address));
        if self.rng.random_range(0..3) > 0 {
            self.set_data(manager);
        }
    }

    fn set_data(&mut self, manager: &PeerManager) {
        let address = self.any();
        // None, short, or as long as can be.
        let length = [0, self.rng.random_range(1..40), self.rng.random_range(1..=DATA_CAPACITY)]
            [self.rng.random_range(0..3)];
        let data: Vec<u8> = (0..length).map(|_| self.rng.random()).collect();
        let result = manager.set_data(&address, &data);
        assert_eq!(result.is_ok(), self.expected.contains_key(&address), "{result:?}");
        self.data.remove(&address);
        if result.is_ok() && length > 0 {
            self.data.insert(address, data);
        }
    }

    fn change(&mut self, manager: &PeerManager) {
        let hours = self.rng.random_range(0..40);
        // Now and then the clock steps back.
        let ahead = if self.rng.random_range(0..8) == 0 { -hours } else { hours };
        self.clock.set(self.clock.now() + ahead * 3_600 + self.rng.random_range(0..3));
        let (now, address) = (self.clock.now(), self.any());
        match self.rng.random_range(0..16) {
            0..3 => {
                let is_new = manager.ensure_exists(&address).unwrap();
                assert_eq!(is_new, !self.expected.contains_key(&address));
                self.hear(address);
            }
            3..6 => {
                let batch: Vec<_> = (0..self.rng.random_range(0..6)).map(|_| self.any()).collect();
                manager.ensure_exists_many(&batch).unwrap();
                for address in batch {
                    self.hear(address);
                }
            }
            6 => {
                let batch: Vec<_> = (0..self.rng.random_range(0..4))
                    .map(|n| record(self.any(), now, n, StoredPeerType::ALL[n as usize % 3]))
                    .collect();
                manager.store_many(&batch).unwrap();
                for record in batch {
                    self.expected.entry(record.address).or_insert_with(|| new_at(now));
                }
            }
            7 => {
                manager.update_type(&address, Outbound, false).unwrap();
                self.expected.entry(address).or_insert_with(|| new_at(now));
            }
            8..13 => {
                let backoff = [BackOffUpdate::Increase, BackOffUpdate::Reset, BackOffUpdate::HardReset]
                    [self.rng.random_range(0..3)];
                if self.rng.random_range(0..2) == 0 {
                    manager.update_backoff(&address, backoff).unwrap();
                } else {
                    manager.update(&address, Inbound, false, backoff).unwrap();
                }
                event(self.expected.entry(address).or_insert_with(|| new_at(now)), backoff, now);
            }
            13 => {
                assert_eq!(manager.remove(&address).is_ok(), self.expected.remove(&address).is_some());
            }
            14 => {
                let failures = self.rng.random_range(1..4);
                let failed: Vec<_> =
                    peers(manager).into_values().filter(|peer| peer.num_failures >= failures).collect();
                assert_eq!(manager.remove_peers_with_many_failures(failures).unwrap(), failed.len());
                for peer in failed {
                    self.expected.remove(&peer.address);
                }
            }
            15 if self.rng.random_range(0..3) == 0 => {
                let since = now - self.rng.random_range(0..8) * DAY;
                let records = peers(manager);
                let before = self.expected.len();
                self.expected.retain(|address, history| {
                    records[address].peer_type != Inbound
                        || history.first_reached != 0
                        || (if history.last_heard == 0 { history.first_heard } else { history.last_heard })
                            >= since
                });
                let removed = before - self.expected.len();
                assert_eq!(manager.remove_peers_not_heard_since(since).unwrap(), removed);
            }
            _ if self.rng.random_range(0..8) == 0 => {
                manager.clear_all().unwrap();
                self.expected.clear();
            }
            _ if self.rng.random_range(0..2) == 0 => {
                let before = self.expected.len();
                self.expected.retain(|other, _| other.host() != address.host());
                assert_eq!(manager.remove_host(address.host()).unwrap(), before - self.expected.len());
            }
            _ => manager.set_own_addresses([]).unwrap(),
        }
    }

    /// Whether the manager knows exactly what it should.
    pub(crate) fn check(&self, manager: &PeerManager) {
        manager.check_invariants().unwrap();
        for n in 0..ADDRESSES {
            match manager.data(&mixed(n)) {
                Ok(data) => assert_eq!(data, self.data.get(&mixed(n)).cloned().unwrap_or_default()),
                Err(error) => assert!(!self.expected.contains_key(&mixed(n)), "{error}"),
            }
        }
        let known: BTreeMap<_, _> = (0..ADDRESSES)
            .filter_map(|n| Some((mixed(n), manager.load_history(&mixed(n)).unwrap()?)))
            .collect();
        assert_eq!(known, self.expected);
        let snapshot = manager.get_all_peers().unwrap();
        let copied = (0..snapshot.len())
            .map(|index| (snapshot.get(index).unwrap().address, snapshot.history(index).unwrap()));
        assert_eq!(copied.collect::<BTreeMap<_, _>>(), self.expected);
        let data = (0..snapshot.len())
            .map(|index| (snapshot.get(index).unwrap().address, snapshot.data(index).to_vec()))
            .filter(|(_, data)| !data.is_empty());
        assert_eq!(data.collect::<BTreeMap<_, _>>(), self.data);
        assert!(snapshot.data(snapshot.len()).is_empty());
        assert_eq!((snapshot.has_histories(), snapshot.history(snapshot.len())), (true, None));
    }

    /// Whether the file has exactly what it should.
    pub(crate) fn check_file(&self, connection: &Connection) {
        assert_eq!(in_file(connection), self.expected);
        assert_eq!(data_in_file(connection), self.data);
    }

    /// Whether queries by history admit exactly those whom they should.
    pub(crate) fn check_queries(&mut self, manager: &PeerManager) {
        let mut some_time = || START + self.rng.random_range(-DAY..self.clock.now() - START + DAY);
        let (heard_since, reached_since) = (some_time(), some_time());
        for (heard_since, reached_since, max_per_netgroup) in
            [(heard_since, 0, 0), (0, reached_since, u32::MAX), (heard_since, reached_since, 0)]
        {
            let query = PeerQuery { heard_since, reached_since, max_per_netgroup, ..PeerQuery::everything() };
            let mut drawn = manager.load_random_peers(&query, ADDRESSES as usize).unwrap();
            drawn.sort();
            let is_since = |time: i64, since: i64| since == 0 || time != 0 && time >= since;
            let admitted = self.expected.iter().filter(|(_, history)| {
                is_since(history.last_heard.max(history.last_reached), heard_since)
                    && is_since(history.last_reached, reached_since)
            });
            let mut admitted: Vec<_> = admitted.map(|(address, _)| address.clone()).collect();
            admitted.sort();
            assert_eq!(drawn, admitted, "{query:?}");
            let mut sent = manager.get_peers_to_send(&query, None, ADDRESSES as usize).unwrap();
            sent.sort();
            assert_eq!(sent, admitted, "{query:?}");
        }
    }
}
