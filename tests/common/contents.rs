//! All that a file says about peers, read by SQLite alone: their rows, what the side tables have of them, and the bans.

use std::collections::BTreeMap;
use std::fmt;

use crate::common::{TempDb, peers, rows};
use peer_manager::{BanSubject, History, PeerAddress, PeerManager, PeerRecord, StoredPeerType};
use rusqlite::{Connection, Row};

/// A peer, and all that is kept of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) record: PeerRecord,
    pub(crate) history: Option<History>,
    pub(crate) data: Vec<u8>,
}

/// Peers in the order of their addresses, and bans in that of their subjects, with their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) peers: Vec<Known>,
    pub(crate) bans: BTreeMap<BanSubject, i64>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PeerRecord { next_attempt, num_failures, peer_type, .. } = &self.record;
        write!(f, "{next_attempt} {num_failures} {peer_type:?}, {} bytes of data", self.data.len())?;
        self.history.map_or(Ok(()), |history| write!(f, ", {history:?}"))
    }
}

impl Contents {
    /// What is in a database, which SQLite must find sound. One that is not made yet has nothing.
    pub(crate) fn of_file(database: &TempDb, is_made: bool) -> Result<Self, String> {
        Self::of_connection(&database.connection(), is_made)
    }

    /// The same by a connection that there is.
    pub(crate) fn of_connection(connection: &Connection, is_made: bool) -> Result<Self, String> {
        let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
        match ask("PRAGMA integrity_check").as_deref() {
            Ok("ok") => {}
            other => return Err(format!("the file is not sound: {other:?}")),
        }
        if !has_table(connection, "peers")? {
            return if is_made { Err("the file has no table".to_owned()) } else { Ok(Self::default()) };
        }
        let histories = "peer_manager_history";
        let mut histories = of_peers(
            connection,
            histories,
            "firstheard, lastheard, firstreached, lastreached, lastattempt",
            |row| {
                Ok(History {
                    first_heard: row.get(2)?,
                    last_heard: row.get(3)?,
                    first_reached: row.get(4)?,
                    last_reached: row.get(5)?,
                    last_attempt: row.get(6)?,
                })
            },
        )?;
        let mut data = of_peers(connection, "peer_manager_data", "data", |row| row.get::<_, Vec<u8>>(2))?;
        let mut peers: Vec<_> = rows(connection)
            .into_iter()
            .map(|((ip, port), (next_attempt, num_failures, peer_type))| {
                let key = (ip, port);
                let address = PeerAddress::new(&key.0, key.1.try_into().unwrap()).unwrap();
                let num_failures = num_failures.try_into().unwrap();
                let peer_type = StoredPeerType::from_number(peer_type).unwrap();
                let record = PeerRecord { address, next_attempt, num_failures, peer_type };
                let (history, data) = (histories.remove(&key), data.remove(&key).unwrap_or_default());
                Known { record, history, data }
            })
            .collect();
        if let Some((host, port)) = histories.keys().chain(data.keys()).next() {
            return Err(format!("a side table has a row of {host} and {port}, which is no peer"));
        }
        peers.sort_by(|a, b| a.record.address.cmp(&b.record.address));
        Ok(Self { peers, bans: bans(connection)? })
    }

    /// What a manager knows at the time of this thread's clock.
    pub(crate) fn of_manager(manager: &PeerManager) -> Self {
        let known = |record: PeerRecord| Known {
            history: manager.load_history(&record.address).unwrap_or_default(),
            data: manager.data(&record.address).unwrap(),
            record,
        };
        let bans = manager.get_bans().unwrap().into_iter().map(|ban| (ban.subject, ban.until)).collect();
        Self { peers: peers(manager).into_values().map(known).collect(), bans }
    }

    /// Without the bans that have ended: they stay in a file until the bans are next changed.
    pub(crate) fn at(&self, now: i64) -> Self {
        let mut contents = self.clone();
        contents.bans.retain(|_, until| now < *until);
        contents
    }

    /// The peers that are banned at this time.
    pub(crate) fn banned(&self, now: i64) -> Vec<&PeerAddress> {
        let lasting: Vec<_> = self.bans.iter().filter(|&(_, &until)| now < until).collect();
        let addresses = self.peers.iter().map(|known| &known.record.address);
        addresses.filter(|address| lasting.iter().any(|(subject, _)| subject.contains(address))).collect()
    }
}

fn has_table(connection: &Connection, table: &str) -> Result<bool, String> {
    connection.table_exists(None, table).map_err(|error| error.to_string())
}

/// The rows of a side table, if there is one, by host and port.
fn of_peers<T>(
    connection: &Connection,
    table: &str,
    columns: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<BTreeMap<(String, i64), T>, String> {
    if !has_table(connection, table)? {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare(&format!("SELECT ip, port, {columns} FROM {table}")).unwrap();
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), read(row)?))).unwrap();
    rows.collect::<rusqlite::Result<_>>().map_err(|error| format!("{table}: {error}"))
}

fn bans(connection: &Connection) -> Result<BTreeMap<BanSubject, i64>, String> {
    if !has_table(connection, "peer_manager_bans")? {
        return Ok(BTreeMap::new());
    }
    let mut statement = connection.prepare("SELECT subject, until FROM peer_manager_bans").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).unwrap();
    rows.map(|row| {
        let (text, until) = row.map_err(|error| error.to_string())?;
        Ok((text.parse().map_err(|error| format!("{error}"))?, until))
    })
    .collect()
}
