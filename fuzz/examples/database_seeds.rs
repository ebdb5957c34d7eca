//! Writes the seeds of the target `database` to the directory that is given: real files of few and small pages, each with
//! the five bytes behind it that say what is done with it.

use std::fs;
use std::path::{Path, PathBuf};

use peer_manager::{Options, PeerManager, SCHEMA};
use rusqlite::Connection;

const ROWS: &str = "INSERT INTO peers VALUES ('9.9.9.9', 1, 1700000000, 0, 0), ('10.0.0.1', 65535, -1, 3, 1),
    ('2001:db8::1', 11625, 9223372036854775807, 4294967295, 2), ('example.org', 80, 0, 11, 1),
    ('localhost', 1, -9223372036854775808, 1, 0)";

const INVALID_ROWS: &str = "PRAGMA ignore_check_constraints = 1;
    INSERT INTO peers VALUES ('EXAMPLE.org', 80, 0, 0, 0), ('::ffff:9.9.9.9', 80, 0, 0, 0), ('', 1, 0, 0, 0),
    ('a b', 1, 0, 0, 0), (x'312e322e332e34', 80, 0, 0, 0), ('1.2.3.4', 0, 0, 0, 0), ('1.2.3.4', 65536, 0, 0, 0),
    ('1.2.3.4', 'http', 0, 0, 0), ('1.2.3.4', 81, 0.5, 0, 0), ('1.2.3.4', 82, 0, -1, 0), ('1.2.3.4', 83, 0, 0, 3),
    ('1.2.3.4', 84, 0, 4294967296, 0), ('1.2.3.4', 85, x'00', 0, 0), ('1.2.3.4', 86, 0, 0, 'x')";

/// The table with a column of another type, which keeps numbers with a fraction as they are; afterwards the schema is said
/// to be the specification's.
const REAL_PORTS: &str =
    "CREATE TABLE peers (ip VARCHAR(15) NOT NULL, port NOT NULL, nextattempt INTEGER NOT NULL,
    numfailures INT, type INT NOT NULL, PRIMARY KEY (ip, port));
    INSERT INTO peers VALUES ('1.2.3.4', 80.0, 0, 0, 0), ('9.9.9.9', 80, 0, 0, 0)";

const STELLAR_CORE: &str = "CREATE TABLE peers (ip VARCHAR(15) NOT NULL, port INT DEFAULT 0 CHECK (port > 0 AND port
    <= 65535) NOT NULL, nextattempt TIMESTAMP NOT NULL, numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL,
    type INT NOT NULL, PRIMARY KEY (ip, port));
    INSERT INTO peers VALUES ('1.2.3.4', 11625, '2024-01-01 00:00:00', 0, 1)";

/// The page size, and what makes the file.
const SEEDS: [(&str, u32, &[&str]); 26] = [
    ("peers", 512, &[SCHEMA, ROWS]),
    ("peers-4096", 4096, &[SCHEMA, ROWS]),
    ("no-rows", 512, &[SCHEMA]),
    ("no-table", 512, &["PRAGMA user_version = 1"]),
    ("invalid-rows", 512, &[SCHEMA, ROWS, INVALID_ROWS]),
    ("real-ports", 512, &[REAL_PORTS]),
    ("many-rows", 512, &[SCHEMA, "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 70)
        INSERT INTO peers SELECT '52.0.0.' || n, n, n, n, n % 3 FROM n", "DELETE FROM peers WHERE port BETWEEN 20 AND 40"]),
    ("long-names", 512, &[SCHEMA, "INSERT INTO peers VALUES
        (replace(hex(zeroblob(30)) || '.' || hex(zeroblob(30)) || '.' || hex(zeroblob(31)) || '.' || hex(zeroblob(30)), '0', 'a'), 1, 0, 0, 0),
        (replace(hex(zeroblob(60)), '0', 'b'), 1, 0, 0, 0)"]),
    ("utf-16", 512, &["PRAGMA encoding = 'UTF-16le'", SCHEMA, ROWS]),
    ("auto-vacuum", 512, &["PRAGMA auto_vacuum = FULL", SCHEMA, ROWS]),
    ("stellar-core", 512, &[STELLAR_CORE]),
    ("other-columns", 512, &["CREATE TABLE peers (host TEXT, port INT)", "INSERT INTO peers VALUES ('a', 1)"]),
    ("view", 512, &["CREATE VIEW peers AS SELECT 1 AS ip, 2 AS port, 3 AS nextattempt, 4 AS numfailures, 5 AS type"]),
    ("without-rowid", 512, &["CREATE TABLE peers (ip TEXT, port INT, nextattempt INT, numfailures INT, type INT,
        PRIMARY KEY (ip, port)) WITHOUT ROWID", ROWS]),
    ("other-tables", 512, &["CREATE TABLE config (key TEXT PRIMARY KEY, value)", SCHEMA, ROWS,
        "INSERT INTO config VALUES ('a', 1), ('b', x'00')"]),
    ("trigger", 512, &[SCHEMA, ROWS, "CREATE TRIGGER t BEFORE INSERT ON peers BEGIN SELECT RAISE(ABORT, 'no'); END"]),
    ("index", 512, &[SCHEMA, ROWS, "CREATE INDEX i ON peers (lower(ip), numfailures) WHERE type > 0"]),
    ("trigger-ignore", 512, &[SCHEMA, ROWS, "CREATE TRIGGER t BEFORE INSERT ON peers BEGIN SELECT RAISE(IGNORE); END"]),
    ("trigger-endless", 512, &[SCHEMA, ROWS, "CREATE TRIGGER t AFTER INSERT ON peers BEGIN
        INSERT INTO peers SELECT 'a', n, 0, 0, 0 FROM (WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT n FROM n);
        END"]),
    ("references", 512, &[SCHEMA, ROWS, "CREATE TABLE child (ip TEXT, port INT, FOREIGN KEY (ip, port) REFERENCES peers)",
        "INSERT INTO child SELECT ip, port FROM peers"]),
    ("check", 512, &["CREATE TABLE peers (ip VARCHAR(15) NOT NULL, port INT NOT NULL CHECK (port > 79),
        nextattempt INTEGER NOT NULL, numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL,
        type INT NOT NULL, PRIMARY KEY (ip, port))", "INSERT INTO peers VALUES ('9.9.9.9', 80, 0, 0, 0)"]),
    ("more-columns", 512, &[SCHEMA, ROWS, "ALTER TABLE peers ADD COLUMN note TEXT DEFAULT 'a'; ALTER TABLE peers ADD COLUMN seen INT"]),
    ("generated", 512, &["CREATE TABLE peers (twice INT AS (port * 2) STORED, ip VARCHAR(15) NOT NULL, port INT NOT NULL,
        nextattempt INTEGER NOT NULL, half INT AS (port / 2) VIRTUAL, numfailures INT NOT NULL, type INT NOT NULL,
        PRIMARY KEY (ip, port))", "INSERT INTO peers VALUES ('9.9.9.9', 80, 0, 0, 0)"]),
    ("column-order", 1024, &["PRAGMA encoding = 'UTF-16be'", "CREATE TABLE peers (type INT NOT NULL, numfailures INT DEFAULT 0 NOT NULL,
        port INT NOT NULL, ip VARCHAR(15) NOT NULL, nextattempt INTEGER NOT NULL, PRIMARY KEY (ip, port))",
        "INSERT INTO peers VALUES (1, 2, 80, '9.9.9.9', 1700000000)"]),
    ("stale-index", 512, &[SCHEMA, ROWS]),
    ("side-tables", 512, &[SCHEMA, ROWS]),
];

/// Lengths that the file `peers` seems to have: what the fifth byte says, and the number of pages in its header.
const SPARSE: [(&str, u8, Option<u32>); 4] = [
    ("sparse-8-mib", 0x01, Some(16_384)),
    ("sparse-100-gib", 0x0f, Some(209_715_200)),
    ("sparse-header-true", 0x0f, None),
    ("sparse-header-unset", 0x0a, Some(0)),
];

fn main() {
    let into = PathBuf::from(std::env::args_os().nth(1).expect("give the directory to write to"));
    let scratch = tempfile::tempdir().expect("a directory can be made");
    for (name, page_size, statements) in SEEDS {
        let path = scratch.path().join(name);
        let connection = Connection::open(&path).expect("the file can be made");
        connection.pragma_update(None, "page_size", page_size).expect("the page size is one");
        for sql in statements {
            connection.execute_batch(sql).expect("the statements are right");
        }
        if name == "real-ports" {
            let sql = "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = ";
            let schema = SCHEMA.replace('\'', "''");
            connection
                .execute_batch(&format!("{sql}'{schema}' WHERE name = 'peers'"))
                .expect("the schema is kept");
        }
        drop(connection);
        if name == "side-tables" {
            with_side_tables(&into, &path);
        }
        let mut file = read(&path);
        if name == "stale-index" {
            change_index(&mut file, page_size);
        }
        write(&into, name, &file, &[]);
        if name == "many-rows" {
            for (name, inner) in INNER {
                let mut file = read(&path);
                lead_everywhere(&mut file, page_size, inner);
                for (lengths, pages) in [(0, file.len() / page_size as usize), (0x0f, 209_715_200)] {
                    file[28..32]
                        .copy_from_slice(&u32::try_from(pages).expect("a number of pages").to_be_bytes());
                    let length = if lengths == 0 { "" } else { "-100-gib" };
                    write_as(&into, &format!("{name}{length}"), &file, &[], lengths);
                }
            }
        }
        if name == "peers" {
            for (name, lengths, pages) in SPARSE {
                let mut file = read(&path);
                if let Some(pages) = pages {
                    file[28..32].copy_from_slice(&u32::to_be_bytes(pages));
                }
                write_as(&into, name, &file, &[], lengths);
            }
            // What the library leaves behind: the same in the mode of the write-ahead log.
            drop(PeerManager::new_with_db(&path).expect("the file is one of peers"));
            write(&into, "peers-wal-mode", &read(&path), &[]);
            with_log(&into, &path);
        }
    }
    write(&into, "empty", &[], &[]);
    write(&into, "text", b"This is not a database, but it is longer than the header of one, which has one hundred bytes, all of them.", &[]);
}

/// The type of an inner page of an index, and of one of a table.
const INNER: [(&str, u8); 2] = [("wide-index", 2), ("wide-table", 5)];

/// Has the first inner page of that type lead to more rows than anybody can read: ten levels of pages, each of which has
/// the next one for all its children.
fn lead_everywhere(file: &mut Vec<u8>, page_size: u32, inner: u8) {
    const LEVELS: u32 = 10;
    let size = page_size as usize;
    let place =
        (size..file.len()).step_by(size).find(|&start| file[start] == inner).expect("there is such a page");
    let mut page = file[place..place + size].to_vec();
    let leaf = page[8..12].try_into().map(u32::from_be_bytes).expect("four bytes");
    let first = u32::try_from(file.len() / size).expect("the file is small") + 1;
    let mut lead_to = |child: u32| {
        let cells = usize::from(u16::from_be_bytes([page[3], page[4]]));
        for cell in 0..cells {
            let at = usize::from(u16::from_be_bytes([page[12 + 2 * cell], page[13 + 2 * cell]]));
            page[at..at + 4].copy_from_slice(&child.to_be_bytes());
        }
        page[8..12].copy_from_slice(&child.to_be_bytes());
        page.clone()
    };
    file[place..place + size].copy_from_slice(&lead_to(first));
    for level in 1..=LEVELS {
        file.extend(lead_to(if level < LEVELS { first + level } else { leaf }));
    }
}

/// Has the index of the key say another address than the table, as if the write of its page had been lost.
fn change_index(file: &mut [u8], page_size: u32) {
    const LEAF_OF_AN_INDEX: u8 = 10;
    let pages = file.chunks_mut(page_size as usize).skip(1).filter(|page| page[0] == LEAF_OF_AN_INDEX);
    for page in pages {
        if let Some(at) = page.windows(7).position(|bytes| bytes == b"9.9.9.9") {
            page[at + 6] = b'8';
        }
    }
}

/// A file whose last changes are in its log only, and one that is all log.
fn with_log(into: &Path, path: &Path) {
    let connection = Connection::open(path).expect("the file can be opened");
    connection
        .execute_batch("INSERT INTO peers VALUES ('52.1.2.3', 9, 9, 9, 1); DELETE FROM peers WHERE port = 80")
        .expect("the statements are right");
    let log = read(&PathBuf::from(format!("{}-wal", path.display())));
    write(into, "log", &read(path), &log);
    write(into, "log-only", &[], &log);
    write_as(into, "log-sparse", &read(path), &log, 0xf0);
}

/// A file with histories, data and bans; what is banned by then, by another program, is in its table of peers.
fn with_side_tables(into: &Path, path: &Path) {
    let options = Options { db_path: Some(path.to_owned()), keep_history: true, ..Options::default() };
    let manager = PeerManager::open(options).expect("the file is one of peers");
    for (text, data) in
        [("9.9.9.9:1", &b"id"[..]), ("52.9.9.9:9", &[7; 255]), ("example.org:80", b"services")]
    {
        let address = text.parse().expect("it is an address");
        manager.ensure_exists(&address).expect("there is room");
        manager.set_data(&address, data).expect("it is there");
    }
    let ban = |text: &str, until| {
        manager.ban(&text.parse().expect("it is a subject"), until).expect("it can be banned");
    };
    ban("203.0.113.0/24", i64::MAX);
    ban("2001:db8:7::/48", 1 << 40);
    ban("node.example.org", i64::MAX);
    drop(manager);
    let connection = Connection::open(path).expect("the file can be opened");
    connection
        .execute_batch(
            "INSERT INTO peers VALUES ('203.0.113.7', 80, 0, 0, 1);
            INSERT INTO peer_manager_history VALUES (81, '203.0.113.8', 1, 1, 0, 0, 0);
            INSERT INTO peer_manager_data VALUES (81, '203.0.113.8', x'00');
            INSERT INTO peer_manager_bans VALUES ('10.0.0.1/8', 7), ('EXAMPLE', 7)",
        )
        .expect("the statements are right");
    drop(connection);
    for (name, bits) in [("side-tables-kept", 0xc3), ("side-tables-full", 0x8d)] {
        let trailer = [0, 0, bits, 0xff, 0];
        fs::write(into.join(name), [&read(path)[..], &trailer].concat()).expect("the seed can be written");
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("the file can be read")
}

fn write(into: &Path, name: &str, file: &[u8], log: &[u8]) {
    write_as(into, name, file, log, 0);
}

fn write_as(into: &Path, name: &str, file: &[u8], log: &[u8], lengths: u8) {
    let [low, high] = u16::try_from(log.len()).expect("a log is short").to_le_bytes();
    let seed = [file, log, &[low, high, 1, 0xff, lengths]].concat();
    fs::write(into.join(name), seed).expect("the seed can be written");
}
