//! The rows of histories.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::guard::Guard;
use super::rows::Failure;
use super::side::{HISTORY, ReadRows};
use crate::address::{HostText, PeerAddress};
use crate::error::{Error, Result};
use crate::history::Times;

/// Writes histories, in place of any that exist.
pub(super) fn write<'a>(
    conn: &Connection,
    histories: impl IntoIterator<Item = (&'a PeerAddress, Times)>,
) -> std::result::Result<(), Failure> {
    let mut histories = histories.into_iter().peekable();
    if histories.peek().is_none() {
        return Ok(());
    }
    let mut put = HISTORY.put(conn)?;
    for (address, times) in histories {
        let host = HostText::of(address.host());
        let [first_heard, last_heard, first_reached, last_reached, last_attempt] = times.to_array();
        put.execute(params![
            address.port(),
            host.as_str(),
            first_heard,
            last_heard,
            first_reached,
            last_reached,
            last_attempt
        ])?;
    }
    Ok(())
}

/// Gives each valid history to `each`, which returns whether there is such a peer; returns how many rows there are.
pub(super) fn read(
    conn: &Connection,
    name: &str,
    guard: Option<&Guard>,
    each: &mut dyn FnMut(PeerAddress, Times) -> Result<bool>,
) -> Result<ReadRows> {
    HISTORY.read(conn, name, guard, &mut |address, row| {
        let times = times_from_row(row)
            .map_err(|error| Error::sqlite(format!("cannot read the histories of {name}"), &error))?;
        times.map_or(Ok(false), |times| each(address, times))
    })
}

fn times_from_row(row: &Row<'_>) -> rusqlite::Result<Option<Times>> {
    let mut times = [0; 5];
    for (column, time) in (2..).zip(&mut times) {
        let ValueRef::Integer(number) = row.get_ref(column)? else { return Ok(None) };
        *time = number;
    }
    Ok(Times::from_array(times))
}
