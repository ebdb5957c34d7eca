//! Writes the seeds of the target `database` to the directory that is given: real files of few and small pages, each with
//! the four bytes behind it that say what is done with it.

use std::fs;
use std::path::{Path, PathBuf};

use peer_manager::{PeerManager, SCHEMA};
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
const SEEDS: [(&str, u32, &[&str]); 17] = [
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
        write(&into, name, &read(&path), &[]);
        if name == "peers" {
            // What the library leaves behind: the same in the mode of the write-ahead log.
            drop(PeerManager::new_with_db(&path).expect("the file is one of peers"));
            write(&into, "peers-wal-mode", &read(&path), &[]);
            with_log(&into, &path);
        }
    }
    write(&into, "empty", &[], &[]);
    write(&into, "text", b"This is not a database, but it is longer than the header of one, which has one hundred bytes, all of them.", &[]);
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
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("the file can be read")
}

fn write(into: &Path, name: &str, file: &[u8], log: &[u8]) {
    let [low, high] = u16::try_from(log.len()).expect("a log is short").to_le_bytes();
    let seed = [file, log, &[low, high, 1, 0xff]].concat();
    fs::write(into.join(name), seed).expect("the seed can be written");
}
