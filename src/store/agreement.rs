//! Whether the index of a table has the same rows as the table: after a lost write of a page, either may be of another
//! moment, with as many rows.
//!
//! The keys of both are hashed under a secret, and the hashes added up, so their order does not count. Without the secret,
//! which is made anew for each look, no file can be written so that two different sets of keys have the same sum but by
//! chance, which is 2^-64.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::RandomState;
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// The hashes of keys.
#[derive(Clone, Default)]
pub(super) struct KeyHash(RandomState);

impl KeyHash {
    /// Of a row with this address and row number.
    pub(super) fn of(&self, ip: ValueRef<'_>, port: ValueRef<'_>, rowid: i64) -> u64 {
        let mut hasher = self.0.build_hasher();
        for value in [ip, port] {
            match value {
                ValueRef::Null => hasher.write_u8(0),
                ValueRef::Integer(number) => hasher.write_i64(number),
                ValueRef::Real(number) => hasher.write_u64(number.to_bits()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    hasher.write(bytes);
                    hasher.write_usize(bytes.len());
                }
            }
        }
        hasher.write_i64(rowid);
        hasher.finish()
    }

    /// How many entries the index has, and the sum of the hashes of their keys. Both are made inside SQLite, in one step:
    /// handing the rows out one by one would take twice as long.
    pub(super) fn of_index(
        &self,
        conn: &Connection,
        index: &str,
        rowid: &str,
    ) -> rusqlite::Result<(i64, u64)> {
        const NAME: &str = "peer_manager_key_sum";
        // DIRECTONLY: not for the schema of a file.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        conn.create_aggregate_function(NAME, 3, flags, self.clone())?;
        let sql = format!("SELECT count(*), {NAME}(ip, port, {rowid}) FROM main.peers INDEXED BY {index}");
        let found = conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())));
        conn.remove_function(NAME, 3)?;
        found
    }
}

impl Aggregate<u64, i64> for KeyHash {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<u64> {
        Ok(0)
    }

    fn step(&self, entry: &mut Context<'_>, sum: &mut u64) -> rusqlite::Result<()> {
        let rowid = match entry.get_raw(2) {
            ValueRef::Integer(rowid) => rowid,
            _ => 0,
        };
        *sum = sum.wrapping_add(self.of(entry.get_raw(0), entry.get_raw(1), rowid));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<u64>) -> rusqlite::Result<i64> {
        Ok(sum.unwrap_or(0).cast_signed())
    }
}
