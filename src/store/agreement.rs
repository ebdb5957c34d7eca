//! Whether the index of a table has the same rows as the table: after the write of a page was lost, one of them may be
//! older than the other, with as many rows.
//!
//! The keys of both are hashed under a secret and the hashes are added up, so their order does not matter. The secret is
//! made anew for each check; without it, nobody can write a file in which two different sets of keys have the same sum,
//! except by chance, 1 in 2^64.

use std::hash::{BuildHasher as _, Hasher};

use foldhash::quality::RandomState;
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
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
        hasher.write_u128(u128::from(port.cast_unsigned()) << 64 | u128::from(rowid.cast_unsigned()));
        hasher.finish()
    }

    /// The sum over an index. SQLite computes it as an aggregate, in one step: returning the entries one by one would take
    /// twice as long.
    pub(super) fn of_index(&self, conn: &Connection, index: &str, rowid: &str) -> rusqlite::Result<Sum> {
        const NAME: &str = "peer_manager_key_sum";
        // DIRECTONLY: the schema of a file may not call it.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        conn.create_aggregate_function(NAME, 3, flags, self.clone())?;
        let sql = format!("SELECT {NAME}(ip, port, {rowid}) FROM main.peers INDEXED BY {index}");
        let found = conn.query_row(&sql, [], |row| row.get(0));
        conn.remove_function(NAME, 3)?;
        // In the format that `finalize` wrote.
        let both: [u8; 16] = found?;
        let [entries, of_hashes] = [0, 8].map(|at| u64::from_ne_bytes(std::array::from_fn(|n| both[at + n])));
        Ok(Sum { entries, of_hashes })
    }
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

impl Aggregate<Sum, Vec<u8>> for KeyHash {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Sum> {
        Ok(Sum::default())
    }

    fn step(&self, entry: &mut Context<'_>, sum: &mut Sum) -> rusqlite::Result<()> {
        if let ValueRef::Integer(rowid) = entry.get_raw(2) {
            sum.add(self.of(entry.get_raw(0), entry.get_raw(1), rowid));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Sum>) -> rusqlite::Result<Vec<u8>> {
        let Sum { entries, of_hashes } = sum.unwrap_or_default();
        Ok([entries, of_hashes].map(u64::to_ne_bytes).concat())
    }
}
