//! Whether the index of a table has the same rows as the table: after the write of a page was lost, one of them may be
//! older than the other, with as many rows.
//!
//! The keys of both are hashed under a secret and the hashes are added up, so their order does not matter. The secret is made
//! anew for each check; without it, a file in which two different sets of keys have the same sum can be written only by chance,
//! 1 in 2^64.

use std::hash::{BuildHasher as _, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// Hashes the keys of rows.
#[derive(Clone, Default)]
pub(super) struct KeyHash(RandomState);

impl KeyHash {
    /// The hash of a row with this address and row number.
    pub(super) fn of(&self, ip: ValueRef<'_>, port: ValueRef<'_>, rowid: i64) -> u64 {
        let mut hasher = self.0.build_hasher();
        let port = match port {
            ValueRef::Integer(port) => port,
            // Not a peer.
            other => {
                write(&mut hasher, other);
                -1
            }
        };
        write(&mut hasher, ip);
        hasher.write_u128(u128::from(unsigned(port)) << 64 | u128::from(unsigned(rowid)));
        hasher.finish()
    }

    /// The sum over an index.
    pub(super) fn of_index(&self, conn: &Connection, index: &str, rowid: &str) -> rusqlite::Result<Sum> {
        let keys = self.clone();
        let sum = Arc::new(Mutex::new(Sum::default()));
        let shared = Arc::clone(&sum);
        let see = move |entry: &Context<'_>| {
            if let ValueRef::Integer(rowid) = entry.get_raw(2) {
                locked(&shared).add(keys.of(entry.get_raw(0), entry.get_raw(1), rowid));
            }
            false
        };
        let columns = format!("ip, port, {rowid}");
        see_rows(conn, &format!("INDEXED BY {index}"), &columns, Box::new(see), &mut || true)?;
        let sum = *locked(&sum);
        Ok(sum)
    }
}

/// A function that looks at a row, and returns whether SQLite should stop at it for a moment.
type Seer = Box<dyn Fn(&Context<'_>) -> bool + Send>;

/// Has a function of ours see these columns of each row that is found in a certain way, inside SQLite: handing the rows out one
/// by one would take half as long again. `go_on` is called at each stop, and returns whether to go on.
pub(super) fn see_rows(
    conn: &Connection,
    way: &str,
    columns: &str,
    see: Seer,
    go_on: &mut dyn FnMut() -> bool,
) -> rusqlite::Result<()> {
    const NAME: &str = "peer_manager_row";
    // DIRECTONLY: the schema of a file may not call it.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    conn.create_scalar_function(NAME, -1, flags, move |row| Ok(see(row)))?;
    let sql = format!("SELECT 1 FROM main.peers {way} WHERE {NAME}({columns})");
    let mut read = || -> rusqlite::Result<()> {
        let mut statement = conn.prepare(&sql)?;
        let mut stops = statement.query([])?;
        while stops.next()?.is_some() && go_on() {}
        Ok(())
    };
    let read = read();
    conn.remove_function(NAME, -1)?;
    read
}

/// What this guards is always consistent.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(hasher: &mut impl Hasher, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => hasher.write_u8(0),
        ValueRef::Integer(number) => hasher.write_i64(number),
        ValueRef::Real(number) => hasher.write_u64(number.to_bits()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => hasher.write(bytes),
    }
}

/// How many keys there are, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) entries: u64,
    of_hashes: u64,
}

impl Sum {
    pub(super) fn add(&mut self, hash: u64) {
        self.entries += 1;
        self.of_hashes = self.of_hashes.wrapping_add(hash);
    }
}

/// The same bits.
fn unsigned(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}
