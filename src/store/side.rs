//! Side tables: what is kept about peers in addition to their rows, each kind in a table of its own, which is created when it
//! is first needed, and never in stellar-core's file.
//!
//! The rows of a side table belong to those of `peers`, and are written and deleted in the same transactions. A row without a
//! peer (left by an older version, or by another program) is ignored, and deleted at the next opening that reads it.
//!
//! The key begins with the port, so that no page of these tables looks like one of peers or of their index: what reads a
//! damaged file page by page must not take them for peers.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::guard::{self, Guard};
use super::layout::Layout;
use super::row::key_from_row;
use super::rows::Failure;
use crate::address::{HostText, PeerAddress};
use crate::error::{ADVICE_CORRUPT, Error, Result};

/// One kind of side table, and what is done with it in SQL.
pub(super) struct SideTable {
    name: &'static str,
    /// Word for word: no other table of that name is read or written.
    schema: &'static str,
    find: &'static str,
    read: &'static str,
    put: &'static str,
    delete: &'static str,
    delete_all: &'static str,
    delete_failed: &'static str,
    delete_strays: &'static str,
}

macro_rules! side_table {
    ($name:literal, $columns:literal, $schema:literal, $parameters:literal) => {
        SideTable {
            name: $name,
            schema: concat!(
                "CREATE TABLE ",
                $name,
                " (\n    port INT NOT NULL,\n    ip TEXT NOT NULL,\n",
                $schema,
                "    PRIMARY KEY (port, ip)\n) WITHOUT ROWID"
            ),
            find: concat!("SELECT sql FROM main.sqlite_master WHERE lower(name) = '", $name, "'"),
            read: concat!("SELECT port, ip, ", $columns, " FROM main.", $name),
            put: concat!(
                "INSERT OR REPLACE INTO main.",
                $name,
                " (port, ip, ",
                $columns,
                ") VALUES (?1, ?2, ",
                $parameters,
                ")"
            ),
            delete: concat!("DELETE FROM main.", $name, " WHERE port = ?1 AND ip = ?2"),
            delete_all: concat!("DELETE FROM main.", $name),
            delete_failed: concat!(
                "DELETE FROM main.",
                $name,
                " WHERE (port, ip) IN \
                 (SELECT port, ip FROM main.peers NOT INDEXED WHERE numfailures >= ?1)"
            ),
            delete_strays: concat!(
                "DELETE FROM main.",
                $name,
                " WHERE NOT EXISTS \
                 (SELECT 1 FROM main.peers AS peer WHERE peer.ip = ",
                $name,
                ".ip AND peer.port = ",
                $name,
                ".port)"
            ),
        }
    };
}

/// The histories, in seconds since the Unix epoch, 0 for never.
pub(super) static HISTORY: SideTable = side_table!(
    "peer_manager_history",
    "firstheard, lastheard, firstreached, lastreached, lastattempt",
    "    firstheard INTEGER NOT NULL,
    lastheard INTEGER NOT NULL,
    firstreached INTEGER NOT NULL,
    lastreached INTEGER NOT NULL,
    lastattempt INTEGER NOT NULL,
",
    "?3, ?4, ?5, ?6, ?7"
);

/// The application's data.
pub(super) static DATA: SideTable =
    side_table!("peer_manager_data", "data", "    data BLOB NOT NULL,\n", "?3");

/// A row takes at least this many bytes of the file.
const SHORTEST_ROW: i64 = 6;

/// How many rows were read, and how many of them belong to no peer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadRows {
    pub(super) all: u64,
    pub(super) strays: u64,
}

/// Whether a database has a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Absent,
    Present,
    /// Something else has its name, and is left alone: what belongs in it is held in memory only.
    Another,
}

/// Which side tables a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SideTables {
    pub(super) history: Presence,
    pub(super) data: Presence,
}

impl SideTable {
    /// Whether there is one. Writes nothing.
    fn inspect(&self, conn: &Connection) -> rusqlite::Result<Presence> {
        let found: Option<Option<String>> = conn.query_row(self.find, [], |row| row.get(0)).optional()?;
        Ok(match found {
            None => Presence::Absent,
            Some(Some(sql)) if sql == self.schema => Presence::Present,
            Some(_) => Presence::Another,
        })
    }

    pub(super) fn create(&self, conn: &Connection) -> std::result::Result<(), Failure> {
        Ok(conn.execute_batch(self.schema)?)
    }

    /// The statement that writes a row, in place of any that exists.
    pub(super) fn put<'a>(&self, conn: &'a Connection) -> rusqlite::Result<rusqlite::CachedStatement<'a>> {
        conn.prepare_cached(self.put)
    }

    /// Deletes the rows of these peers, if they have any.
    pub(super) fn delete_each<'a>(
        &self,
        conn: &Connection,
        addresses: impl IntoIterator<Item = &'a PeerAddress>,
    ) -> std::result::Result<(), Failure> {
        let mut delete = conn.prepare_cached(self.delete)?;
        for address in addresses {
            delete.execute(params![address.port(), HostText::of(address.host()).as_str()])?;
        }
        Ok(())
    }

    /// Deletes the rows that have no peer.
    pub(super) fn delete_strays(&self, conn: &Connection) -> std::result::Result<(), Failure> {
        conn.prepare(self.delete_strays)?.execute([])?;
        Ok(())
    }

    /// Gives each row that has a valid key to `each`, which reads its other columns, from the third on, and returns whether it
    /// belongs to a peer.
    ///
    /// Cost: one pass over the table, which is limited by the size of the file: its pages may point to each other in a circle.
    pub(super) fn read(
        &self,
        conn: &Connection,
        name: &str,
        guard: Option<&Guard>,
        each: &mut dyn FnMut(PeerAddress, &Row<'_>) -> Result<bool>,
    ) -> Result<ReadRows> {
        let action = || format!("cannot read the table {} of {name}", self.name);
        if let Some(guard) = guard {
            guard.begin_rows();
        }
        let failed =
            |error: rusqlite::Error| guard::explain_limit(Error::sqlite(action(), &error), &action());
        let bytes = "SELECT page_count * page_size FROM pragma_page_count('main'), pragma_page_size('main')";
        let bytes: i64 = conn.query_row(bytes, [], |row| row.get(0)).map_err(failed)?;
        let mut statement = conn.prepare(self.read).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let (mut left, mut read) = (bytes / SHORTEST_ROW, ReadRows::default());
        while let Some(row) = rows.next().map_err(failed)? {
            left -= 1;
            if left < 0 {
                let detail = "its pages refer to more than the file has room for";
                return Err(Error::corrupt(action(), detail, ADVICE_CORRUPT));
            }
            let is_known = match address_from_row(row, 1, 0).map_err(failed)? {
                Some(address) => each(address, row)?,
                None => false,
            };
            read.all += 1;
            read.strays += u64::from(!is_known);
        }
        Ok(read)
    }
}

/// The tables that exist are written even where what they hold is not used now: a removed peer must be gone from them, too.
impl SideTables {
    const NONE: Self = Self { history: Presence::Absent, data: Presence::Absent };

    /// Looks for the tables. Writes nothing.
    pub(super) fn inspect(conn: &Connection, layout: Layout) -> rusqlite::Result<Self> {
        if layout != Layout::Specification {
            return Ok(Self::NONE);
        }
        Ok(Self { history: HISTORY.inspect(conn)?, data: DATA.inspect(conn)? })
    }

    /// Whether there is one.
    pub(super) fn is_any(self) -> bool {
        self.present().next().is_some()
    }

    /// Deletes the rows of these peers.
    pub(super) fn delete_each(
        self,
        conn: &Connection,
        addresses: &[PeerAddress],
    ) -> std::result::Result<(), Failure> {
        self.present().try_for_each(|table| table.delete_each(conn, addresses))
    }

    /// Deletes the rows of the peers that have failed at least this often; the peers must still be there.
    pub(super) fn delete_with_failures(
        self,
        conn: &Connection,
        min_num_failures: u32,
    ) -> std::result::Result<(), Failure> {
        self.present().try_for_each(|table| {
            conn.prepare_cached(table.delete_failed)?.execute([min_num_failures])?;
            Ok(())
        })
    }

    pub(super) fn delete_all(self, conn: &Connection) -> std::result::Result<(), Failure> {
        self.present().try_for_each(|table| {
            conn.prepare_cached(table.delete_all)?.execute([])?;
            Ok(())
        })
    }

    fn present(self) -> impl Iterator<Item = &'static SideTable> {
        let tables = [(self.history, &HISTORY), (self.data, &DATA)];
        tables.into_iter().filter(|(presence, _)| *presence == Presence::Present).map(|(_, table)| table)
    }
}

/// The peer whose row this is, if its key, in these columns, is canonical.
pub(super) fn address_from_row(
    row: &Row<'_>,
    ip: usize,
    port: usize,
) -> rusqlite::Result<Option<PeerAddress>> {
    let (ValueRef::Integer(port), ValueRef::Text(ip)) = (row.get_ref(port)?, row.get_ref(ip)?) else {
        return Ok(None);
    };
    Ok(key_from_row(ip, port))
}
