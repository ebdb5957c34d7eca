//! What SQLite, and nothing else, finds out about a file.

use peer_manager::{PeerAddress, SCHEMA};
use rusqlite::{Connection, OptionalExtension as _};

use super::input::Input;
use super::place;

/// The columns of the specification: name, type, place in the key.
const COLUMNS: [(&str, &str, i64); 5] = [
    ("ip", "VARCHAR(15)", 1),
    ("port", "INT", 2),
    ("nextattempt", "INTEGER", 0),
    ("numfailures", "INT", 0),
    ("type", "INT", 0),
];

/// What the complaints of SQLite are about that concern the index of the key only.
const STALE: [&str; 2] =
    ["missing from index sqlite_autoindex_peers_1", "wrong # of entries in index sqlite_autoindex_peers_1"];

/// After so many thousand steps SQLite is not asked any more; there is no verdict then.
const TURNS: u32 = 20_000;

/// A file with whose structure SQLite finds no fault, and whose table is the specification's.
pub(super) struct Sound {
    rows: u64,
    /// Some addresses that rows have, of valid peers or not.
    pub(super) addresses: Vec<PeerAddress>,
}

pub(super) enum Verdict {
    Sound(Sound),
    /// There is no fault in it, and its table has all columns of the specification and others that may be left out.
    Wider {
        rows: u64,
    },
    /// The only fault is that the index of the key does not have what the table has.
    Stale,
    /// It is damaged, or too strange to say what must become of it.
    Unknown,
}

/// What the schema of a file is like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Schema {
    Specification,
    Wider,
    Strange,
}

impl Verdict {
    /// Looks at a copy.
    pub(super) fn of(input: &Input<'_>) -> Self {
        Self::look_at(input).unwrap_or(Self::Unknown)
    }

    /// How many rows there are, if that is known.
    pub(super) fn rows(&self) -> Option<u64> {
        match self {
            Self::Sound(Sound { rows, .. }) | Self::Wider { rows } => Some(*rows),
            Self::Stale | Self::Unknown => None,
        }
    }

    /// Whether nothing in the file is a reason not to open it. What is in a log, and the numbers of the header that
    /// SQLite does not look at before it writes, may be one.
    pub(super) fn must_open(&self, input: &Input<'_>) -> bool {
        let Some(header) = input.file.first_chunk::<100>() else { return false };
        let is_plain = matches!(header[18..20], [1, 1] | [2, 2]) && header[72..92] == [0; 20];
        let page_size = u64::from(u16::from_be_bytes([header[16], header[17]]));
        let is_whole = page_size > 1 && input.file.len() as u64 % page_size == 0;
        self.rows().is_some() && is_plain && is_whole && input.wal.is_empty()
    }

    fn look_at(input: &Input<'_>) -> Option<Self> {
        let scratch = place(input);
        let conn = Connection::open(scratch.path()).ok()?;
        let mut left = TURNS;
        let is_enough = move || {
            left = left.saturating_sub(1);
            left == 0
        };
        conn.progress_handler(1_000, Some(is_enough)).ok()?;
        // A log may have pages that are none of the file's.
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok()?;
        let schema = schema(&conn).ok()?;
        if schema == Schema::Strange {
            return None;
        }
        let is_stale = match complaints(&conn)? {
            Complaints::None => false,
            Complaints::Stale => true,
        };
        let has_table = conn
            .query_row("SELECT 1 FROM sqlite_master WHERE lower(name) = 'peers'", [], |_| Ok(()))
            .optional()
            .ok()?;
        if has_table.is_none() {
            return Some(Self::Sound(Sound { rows: 0, addresses: Vec::new() }));
        }
        if is_stale {
            return Some(Self::Stale);
        }
        // An index would be counted otherwise.
        let rows: i64 =
            conn.query_row("SELECT count(*) FROM peers NOT INDEXED", [], |row| row.get(0)).ok()?;
        let rows = rows.unsigned_abs();
        match schema {
            Schema::Wider => Some(Self::Wider { rows }),
            _ => Some(Self::Sound(Sound { rows, addresses: addresses(&conn).ok()? })),
        }
    }
}

/// Our own connections run without triggers, views and references, so these may say what they like. Further indices and
/// other constraints may refuse a row, or remove another one. Another table in place of that of the bans is a reason not to
/// open: who is banned would be let in.
fn schema(conn: &Connection) -> rusqlite::Result<Schema> {
    let strange = "SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index', 'trigger', 'view') OR \
                   lower(tbl_name) = 'peers' AND type = 'index' AND sql IS NOT NULL OR \
                   lower(name) = 'peers' AND (type != 'table' OR sql IS NULL) OR \
                   lower(name) = 'peer_manager_bans' AND sql IS NOT 'CREATE TABLE peer_manager_bans \
                     (subject TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID'";
    if conn.query_row(strange, [], |row| row.get::<_, i64>(0))? != 0 {
        return Ok(Schema::Strange);
    }
    let table = "SELECT sql FROM sqlite_master WHERE lower(name) = 'peers'";
    let texts: Vec<String> =
        conn.prepare(table)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    match texts.as_slice() {
        [] => Ok(Schema::Specification),
        [text] if text == SCHEMA => Ok(Schema::Specification),
        [text] if is_wider(conn, text)? => Ok(Schema::Wider),
        _ => Ok(Schema::Strange),
    }
}

/// Whether a table has the columns of the specification, in any order, and further ones that a row need not give.
fn is_wider(conn: &Connection, text: &str) -> rusqlite::Result<bool> {
    let text = text.to_uppercase();
    let strange = ["COLLATE", "CONFLICT", "WITHOUT", "STRICT", "AUTOINCREMENT", " DESC"];
    if strange.iter().any(|word| text.contains(word)) {
        return Ok(false);
    }
    let columns = "SELECT name, type, pk, hidden, \"notnull\" AND dflt_value IS NULL \
                   FROM pragma_table_xinfo('peers', 'main')";
    let mut statement = conn.prepare(columns)?;
    let mut rows = statement.query([])?;
    let (mut ours, mut others) = (0, 0);
    while let Some(row) = rows.next()? {
        let (name, declared, key): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (hidden, is_needed): (i64, bool) = (row.get(3)?, row.get(4)?);
        if COLUMNS.contains(&(name.as_str(), declared.as_str(), key)) && hidden == 0 {
            ours += 1;
        } else if key == 0 && hidden == 0 && !is_needed {
            others += 1;
        } else {
            return Ok(false);
        }
    }
    Ok(ours == COLUMNS.len() && others > 0)
}

enum Complaints {
    None,
    Stale,
}

/// What is wrong with the structure of the file; nothing where that is more than is told apart here.
fn complaints(conn: &Connection) -> Option<Complaints> {
    let mut statement = conn.prepare("PRAGMA integrity_check").ok()?;
    let mut result = Complaints::None;
    for complaint in statement.query_map([], |row| row.get::<_, String>(0)).ok()? {
        let complaint = complaint.ok()?;
        // Values that are no peer's are the library's to pass over.
        let is_of_values =
            ["CHECK constraint failed in ", "NULL value in "].iter().any(|of| complaint.starts_with(of))
                || complaint.contains(" value in peers.");
        if STALE.iter().any(|of| complaint.ends_with(of)) {
            result = Complaints::Stale;
        } else if complaint != "ok" && !is_of_values {
            return None;
        }
    }
    Some(result)
}

/// Some addresses that rows have.
fn addresses(conn: &Connection) -> rusqlite::Result<Vec<PeerAddress>> {
    let mut statement = conn.prepare("SELECT CAST(ip AS TEXT), CAST(port AS INTEGER) FROM peers LIMIT 8")?;
    let rows = statement.query_map([], |row| Ok((row.get(0).ok(), row.get(1).ok())))?;
    let address = |row: rusqlite::Result<(Option<String>, Option<u16>)>| match row {
        Ok((Some(ip), Some(port))) => PeerAddress::new(&ip, port).ok(),
        _ => None,
    };
    Ok(rows.filter_map(address).collect())
}
