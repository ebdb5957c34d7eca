//! Mutations of the schema, at the level of its text: a file made from a random `CREATE TABLE`, a statement more in a file
//! that is there, and words changed in what it says of its tables. All of it is SQLite's own work, so the files are well
//! formed wherever the schema is not.

use std::fs;
use std::path::Path;

use peer_manager::SCHEMA;
use rusqlite::{Connection, ffi};

use super::dice::Dice;
use crate::scratch::Scratch;

/// The columns of the specification; the first of each is what it says.
const COLUMNS: [[&str; 6]; 5] = [
    [
        "ip VARCHAR(15) NOT NULL",
        "ip TEXT",
        "ip TEXT COLLATE NOCASE",
        "ip BLOB",
        "IP CHAR(3) NOT NULL UNIQUE",
        "ip TEXT REFERENCES other (name) ON DELETE CASCADE",
    ],
    [
        "port INT NOT NULL CHECK (port > 0 AND port <= 65535)",
        "port INTEGER",
        "port INT CHECK (port > 1024)",
        "port REAL",
        "port INT DEFAULT 80 UNIQUE ON CONFLICT REPLACE",
        "port INT GENERATED ALWAYS AS (80) STORED",
    ],
    [
        "nextattempt INTEGER NOT NULL",
        "nextattempt TIMESTAMP NOT NULL",
        "nextattempt INT NOT NULL ON CONFLICT IGNORE",
        "nextattempt",
        "nextattempt INT AS (port) VIRTUAL",
        "nextattempt BIGINT CHECK (nextattempt < 1800000000)",
    ],
    [
        "numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL",
        "numfailures INT",
        "numfailures INT CHECK (numfailures < 5)",
        "numfailures INT GENERATED ALWAYS AS (port % 7) STORED",
        "numfailures TEXT",
        "numfailures INTEGER REFERENCES other (id)",
    ],
    [
        "type INT NOT NULL",
        "type INT",
        "type INT CHECK (type IN (0, 1))",
        "type TEXT",
        "\"type\" INT UNIQUE",
        "[Type] INT",
    ],
];

/// Columns of somebody else's.
const OTHERS: [&str; 12] = [
    "note TEXT",
    "seen INT DEFAULT 7",
    "score REAL NOT NULL DEFAULT 0.5",
    "must INT NOT NULL",
    "key TEXT UNIQUE",
    "twice INT AS (port * 2) STORED",
    "half INT AS (port / 2) VIRTUAL",
    "host TEXT GENERATED ALWAYS AS (upper(ip)) STORED UNIQUE",
    "endless INT CHECK (length(hex(zeroblob(port))) >= 0)",
    "parent INT REFERENCES other (id) ON DELETE CASCADE",
    "at TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
    "data BLOB DEFAULT (zeroblob(40))",
];

const KEYS: [&str; 8] = [
    ", PRIMARY KEY (ip, port)",
    ", PRIMARY KEY (port, ip)",
    ", PRIMARY KEY (ip COLLATE NOCASE, port DESC)",
    ", UNIQUE (ip, port)",
    ", PRIMARY KEY (ip, port) ON CONFLICT IGNORE",
    ", PRIMARY KEY (ip, port), UNIQUE (port) ON CONFLICT REPLACE",
    ", PRIMARY KEY (ip, port), FOREIGN KEY (type) REFERENCES other (id)",
    "",
];

/// What may be in a file besides, or done to it. Some are refused by some tables, which does not matter.
const STATEMENTS: [&str; 36] = [
    "CREATE TABLE other (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE child (ip TEXT, port INT, FOREIGN KEY (ip, port) REFERENCES peers ON DELETE RESTRICT)",
    "INSERT INTO child SELECT ip, port FROM peers",
    "CREATE TRIGGER t BEFORE INSERT ON peers BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER t BEFORE DELETE ON peers BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER t AFTER INSERT ON peers WHEN new.port = 1 BEGIN SELECT RAISE(ABORT, 'no'); END",
    "CREATE TRIGGER u AFTER INSERT ON peers BEGIN DELETE FROM peers; END",
    "CREATE TRIGGER u AFTER UPDATE ON peers BEGIN UPDATE peers SET type = 9; END",
    "CREATE TRIGGER v AFTER INSERT ON peers BEGIN INSERT INTO peers SELECT 'a', n, 0, 0, 0 FROM
        (WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT n FROM n); END",
    "CREATE VIEW w AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n FROM n) SELECT n FROM n",
    "CREATE VIEW v AS SELECT * FROM peers",
    "CREATE INDEX i ON peers (port)",
    "CREATE INDEX i ON peers (lower(ip), numfailures) WHERE type > 0",
    "CREATE UNIQUE INDEX j ON peers (nextattempt)",
    "CREATE INDEX k ON peers (ip, port, type)",
    "CREATE INDEX l ON peers (abs(nextattempt))",
    "ALTER TABLE peers ADD COLUMN note TEXT",
    "ALTER TABLE peers ADD COLUMN seen INT NOT NULL DEFAULT 7",
    "ALTER TABLE peers ADD COLUMN half INT AS (port / 2) VIRTUAL",
    "ALTER TABLE peers RENAME COLUMN type TO kind",
    "ALTER TABLE peers RENAME TO PEERS_",
    "ALTER TABLE peers DROP COLUMN numfailures",
    "DROP TABLE peers",
    "DELETE FROM peers WHERE rowid % 2",
    "DELETE FROM peers",
    "INSERT INTO peers (ip, port, nextattempt, numfailures, type) VALUES ('52.1.2.3', 11625, 1, 1, 1)",
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60) INSERT OR IGNORE INTO peers
        (ip, port, nextattempt, numfailures, type) SELECT '52.0.' || n || '.1', n, n, n % 20, n % 3 FROM n",
    "UPDATE peers SET numfailures = 7 WHERE port < 100",
    "UPDATE peers SET ip = '2001:db8::' || rowid",
    "CREATE VIRTUAL TABLE x USING rtree(a, b, c)",
    "ANALYZE",
    "REINDEX",
    "VACUUM",
    "PRAGMA page_size = 1024; VACUUM",
    "PRAGMA user_version = 7; PRAGMA application_id = 8",
    "PRAGMA journal_mode = WAL",
];

/// What takes the place of a word of the schema, or comes behind it.
const WORDS: [&str; 40] = [
    "peers",
    "PEERS",
    "other",
    "ip",
    "port",
    "nextattempt",
    "numfailures",
    "type",
    "rowid",
    "INT",
    "INTEGER",
    "TEXT",
    "BLOB",
    "REAL",
    "VARCHAR(15)",
    "TIMESTAMP",
    "ANY",
    "NOT NULL",
    "NULL",
    "UNIQUE",
    "PRIMARY KEY",
    "CHECK (0)",
    "CHECK (port > 80)",
    "DEFAULT 0",
    "DEFAULT (1 / 0)",
    "COLLATE NOCASE",
    "COLLATE nowhere",
    "REFERENCES other",
    "AS (port) STORED",
    "AS (port) VIRTUAL",
    "STRICT",
    "WITHOUT ROWID",
    ", more INT",
    ", more AS (1)",
    "(",
    ")",
    ",",
    "AUTOINCREMENT",
    "TEMP",
    "/*",
];

/// A statement of a mutation ends after so many thousand steps of SQLite: the file may be hostile already.
const TURNS: u32 = 200;

/// A file of a random schema, with some rows.
pub(super) fn random_file(dice: &mut Dice) -> Option<Vec<u8>> {
    let scratch = Scratch::new();
    let conn = open(&scratch.path())?;
    let page_size = dice.one_of(&[512, 512, 512, 1_024, 4_096]);
    let encoding = dice.one_of(&["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]);
    let auto_vacuum = dice.one_of(&["NONE", "NONE", "FULL", "INCREMENTAL"]);
    conn.execute_batch(&format!(
        "PRAGMA page_size = {page_size}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {auto_vacuum}"
    ))
    .ok()?;
    if dice.below(4) == 0 {
        reserve(&conn, dice.one_of(&[1, 8, 12, 32]));
    }
    let table = if dice.below(4) == 0 { SCHEMA.to_owned() } else { random_table(dice) };
    // One that SQLite refuses leaves a file without the table.
    let _ = conn.execute_batch(&table);
    let row = "INSERT OR IGNORE INTO peers (ip, port, nextattempt, numfailures, type) VALUES";
    for (ip, port) in [("9.9.9.9", 80), ("10.0.0.1", 65_535), ("2001:db8::1", 11_625), ("example.org", 1)] {
        let [next_attempt, failures, kind] = [1_700_000_000, 20, 4].map(|bound| dice.below(bound));
        let _ = conn.execute_batch(&format!("{row} ('{ip}', {port}, {next_attempt}, {failures}, {kind})"));
    }
    for _ in 0..dice.below(4) {
        let _ = conn.execute_batch(dice.one_of(&STATEMENTS));
    }
    close(conn, &scratch.path())
}

/// A table that is somewhat like the specification's.
fn random_table(dice: &mut Dice) -> String {
    let mut columns: Vec<&str> = COLUMNS
        .iter()
        .map(|choices| if dice.below(4) == 0 { dice.one_of(choices) } else { choices[0] })
        .collect();
    for _ in 0..dice.below(3) {
        columns.insert(dice.below(columns.len() + 1), dice.one_of(&OTHERS));
    }
    if dice.below(3) == 0 {
        for last in (1..columns.len()).rev() {
            columns.swap(last, dice.below(last + 1));
        }
    }
    if dice.below(8) == 0 {
        columns.remove(dice.below(columns.len()));
    }
    let key = if dice.below(3) == 0 { dice.one_of(&KEYS) } else { KEYS[0] };
    let options = dice.one_of(&["", "", "", "", " WITHOUT ROWID", " STRICT", " WITHOUT ROWID, STRICT"]);
    format!("CREATE TABLE peers ({}{key}){options}", columns.join(", "))
}

/// The file with one statement carried out, or with other words in its schema; nothing where SQLite cannot read it.
pub(super) fn change(file: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let scratch = Scratch::new();
    fs::write(scratch.path(), file).ok()?;
    let conn = open(&scratch.path())?;
    if dice.below(2) == 0 {
        conn.execute_batch(dice.one_of(&STATEMENTS)).ok()?;
        return close(conn, &scratch.path());
    }
    let texts: Vec<(i64, String)> = conn
        .prepare("SELECT rowid, sql FROM sqlite_master WHERE sql IS NOT NULL LIMIT 20")
        .ok()?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .ok()?
        .filter_map(Result::ok)
        .collect();
    if texts.is_empty() {
        return None;
    }
    let (row, text) = &texts[dice.below(texts.len())];
    conn.execute_batch("PRAGMA writable_schema = ON").ok()?;
    conn.execute("UPDATE sqlite_master SET sql = ?1 WHERE rowid = ?2", (other_words(text, dice), row))
        .ok()?;
    close(conn, &scratch.path())
}

/// The text with one to three of its words gone, doubled, exchanged, replaced or followed by another one.
fn other_words(text: &str, dice: &mut Dice) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut words: Vec<String> = Vec::new();
    let mut was_part = false;
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if was_part && is_part(c) => word.push(c),
            _ => words.push(c.to_string()),
        }
        was_part = is_part(c);
    }
    for _ in 0..=dice.below(3) {
        let (at, other) = (dice.below(words.len()), dice.below(words.len()));
        match dice.below(5) {
            0 if words.len() > 1 => drop(words.remove(at)),
            1 => words.insert(at, words[other].clone()),
            2 => words.swap(at, other),
            3 => dice.one_of(&WORDS).clone_into(&mut words[at]),
            _ => words.insert(at, format!(" {} ", dice.one_of(&WORDS))),
        }
    }
    words.concat()
}

fn open(path: &Path) -> Option<Connection> {
    let conn = Connection::open(path).ok()?;
    let mut left = TURNS;
    let is_enough = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    conn.progress_handler(1_000, Some(is_enough)).ok()?;
    Some(conn)
}

/// What the file is when everything is in it.
fn close(conn: Connection, path: &Path) -> Option<Vec<u8>> {
    conn.close().ok()?;
    fs::read(path).ok()
}

/// Has the pages of a file that is still empty end in so many bytes that SQLite does not use.
fn reserve(conn: &Connection, bytes: i32) {
    let mut bytes = bytes;
    // SAFETY: the connection is open, and this operation reads and writes one int.
    unsafe {
        ffi::sqlite3_file_control(
            conn.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_RESERVE_BYTES,
            (&raw mut bytes).cast(),
        );
    }
}
