//! The rows of a database, and those that it must have.

use std::collections::BTreeMap;

use peer_manager::PeerRecord;
use rusqlite::Connection;

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
