//! The rows of a database, and those that it must have.

use std::collections::BTreeMap;

use peer_manager::PeerRecord;
use rusqlite::{Connection, Row};

/// A row of the database: (ip, port), then next attempt, failures and type.
pub(crate) type Rows = BTreeMap<(String, i64), (i64, i64, i64)>;

/// The rows of the table `peers`, all of which must be of the declared types.
pub(crate) fn rows(connection: &Connection) -> Rows {
    let mut statement =
        connection.prepare_cached("SELECT ip, port, nextattempt, numfailures, type FROM peers").unwrap();
    let rows = statement
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?, row.get(4)?))))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

/// The rows of the side tables and of the bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowsBeside {
    pub(crate) histories: BTreeMap<(String, i64), [i64; 5]>,
    pub(crate) data: BTreeMap<(String, i64), Vec<u8>>,
    pub(crate) bans: BTreeMap<String, i64>,
}

/// Those of a database, which may have none of these tables.
pub(crate) fn rows_beside(connection: &Connection) -> RowsBeside {
    let key = |row: &Row<'_>| -> rusqlite::Result<_> { Ok((row.get(0)?, row.get(1)?)) };
    RowsBeside {
        histories: all(
            connection,
            "peer_manager_history",
            "ip, port, firstheard, lastheard, firstreached, lastreached, lastattempt",
            |row| Ok((key(row)?, [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?])),
        ),
        data: all(connection, "peer_manager_data", "ip, port, data", |row| Ok((key(row)?, row.get(2)?))),
        bans: all(connection, "peer_manager_bans", "subject, until", |row| Ok((row.get(0)?, row.get(1)?))),
    }
}

fn all<K: Ord, V>(
    connection: &Connection,
    table: &str,
    columns: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<(K, V)>,
) -> BTreeMap<K, V> {
    if !connection.table_exists(None, table).unwrap() {
        return BTreeMap::new();
    }
    let mut statement = connection.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
    let rows = statement.query_map([], read).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The rows that a database of these peers must have.
pub(crate) fn rows_of<'a>(records: impl IntoIterator<Item = &'a PeerRecord>) -> Rows {
    records
        .into_iter()
        .map(|record| {
            let key = (record.address.host().to_string(), i64::from(record.address.port()));
            (key, (record.next_attempt, i64::from(record.num_failures), record.peer_type as i64))
        })
        .collect()
}
