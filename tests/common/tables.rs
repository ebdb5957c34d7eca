//! Tables of peers that are not as the specification writes them down, but hold the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::common::damage::{Image, Place, pages};
use crate::common::{START, address, record};
use peer_manager::{PeerAddress, PeerRecord, StoredPeerType};
use rusqlite::Connection;

/// A kind of table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) what: &'static str,
    pub(crate) encoding: &'static str,
    pub(crate) create: &'static str,
    /// What is done to the table when half of its rows are there.
    pub(crate) later: &'static str,
    /// Whether the rows are told from each other by an index beside the table.
    pub(crate) has_index: bool,
    /// Whether it can be read without its schema: our columns come first, and in the usual order.
    pub(crate) is_plain: bool,
}

const USUAL: Kind = Kind {
    what: "the usual one",
    encoding: "UTF-8",
    create: "CREATE TABLE peers (ip VARCHAR(15) NOT NULL, port INT NOT NULL CHECK (port > 0 AND port <= 65535), \
             nextattempt INTEGER NOT NULL, numfailures INT DEFAULT 0 CHECK (numfailures >= 0) NOT NULL, \
             type INT NOT NULL, PRIMARY KEY (ip, port))",
    later: "",
    has_index: true,
    is_plain: true,
};

/// What stands for a long text in the statements below.
pub(crate) const LONG: usize = 5_000;

pub(crate) const KINDS: [Kind; 16] = [
    Kind { what: "UTF-16, little-endian", encoding: "UTF-16le", ..USUAL },
    Kind { what: "UTF-16, big-endian", encoding: "UTF-16be", ..USUAL },
    Kind {
        what: "WITHOUT ROWID",
        create: "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER NOT NULL, numfailures INT NOT NULL, \
                 type INT NOT NULL, PRIMARY KEY (ip, port)) WITHOUT ROWID",
        has_index: false,
        ..USUAL
    },
    Kind {
        what: "WITHOUT ROWID, in UTF-16, by port, with further columns",
        encoding: "UTF-16be",
        create: "CREATE TABLE peers (type INT NOT NULL, note TEXT, ip TEXT, numfailures INT NOT NULL, port INT, \
                 twice INT AS (port * 2) VIRTUAL, thrice INT AS (port * 3) STORED, nextattempt INTEGER NOT NULL, \
                 PRIMARY KEY (port DESC, ip)) WITHOUT ROWID",
        has_index: false,
        is_plain: false,
        ..USUAL
    },
    Kind {
        what: "WITHOUT ROWID, downwards",
        create: "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER NOT NULL, numfailures INT NOT NULL, \
                 type INT NOT NULL, PRIMARY KEY (ip DESC, port DESC)) WITHOUT ROWID",
        has_index: false,
        ..USUAL
    },
    Kind {
        what: "columns in another order",
        create: "CREATE TABLE peers (type INT NOT NULL, numfailures INT DEFAULT 0 NOT NULL, nextattempt INTEGER NOT NULL, \
                 port INT NOT NULL, ip VARCHAR(15) NOT NULL, PRIMARY KEY (ip, port))",
        is_plain: false,
        ..USUAL
    },
    Kind {
        what: "columns in another order, in UTF-16, and a key in another order",
        encoding: "UTF-16le",
        create: "CREATE TABLE peers (port INT, numfailures INT DEFAULT 0 NOT NULL, ip TEXT, type INT NOT NULL, \
                 nextattempt INTEGER NOT NULL, PRIMARY KEY (port, ip))",
        is_plain: false,
        ..USUAL
    },
    Kind {
        what: "one more column",
        create: "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER NOT NULL, numfailures INT NOT NULL, \
                 type INT NOT NULL, note TEXT, PRIMARY KEY (ip, port))",
        ..USUAL
    },
    Kind {
        what: "one more column, which the older rows do not have",
        later: "ALTER TABLE peers ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",
        ..USUAL
    },
    Kind {
        what: "a column of ours that the older rows do not have",
        create: "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER NOT NULL, type INT NOT NULL, \
                 PRIMARY KEY (ip, port))",
        later: "ALTER TABLE peers ADD COLUMN numfailures INT NOT NULL DEFAULT '4'",
        is_plain: false,
        ..USUAL
    },
    Kind {
        what: "a long column in front, so that the rows continue on other pages",
        create: "CREATE TABLE peers (note TEXT DEFAULT '<long>', ip TEXT, port INT, nextattempt INTEGER NOT NULL, \
                 numfailures INT NOT NULL, type INT NOT NULL, PRIMARY KEY (ip, port))",
        is_plain: false,
        ..USUAL
    },
    Kind {
        what: "a long column behind",
        create: "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER NOT NULL, numfailures INT NOT NULL, \
                 type INT NOT NULL, note TEXT DEFAULT '<long>', PRIMARY KEY (ip, port))",
        ..USUAL
    },
    Kind {
        what: "columns that follow from others",
        create: "CREATE TABLE peers (a INT AS (port + 1) VIRTUAL, ip TEXT, b INT AS (port + 2) STORED, port INT, \
                 nextattempt INTEGER NOT NULL, c TEXT AS (substr(ip, 4)) STORED, numfailures INT NOT NULL, \
                 type INT NOT NULL, PRIMARY KEY (ip, port))",
        is_plain: false,
        ..USUAL
    },
    Kind {
        what: "STRICT",
        create: "CREATE TABLE peers (ip TEXT, port INT, nextattempt INTEGER NOT NULL, numfailures INT NOT NULL, \
                 type INT NOT NULL, more ANY, PRIMARY KEY (ip, port)) STRICT",
        ..USUAL
    },
    Kind {
        what: "with another index of the same columns",
        later: "CREATE INDEX by_type ON peers (ip, type)",
        ..USUAL
    },
    Kind {
        what: "stellar-core's, in UTF-16",
        encoding: "UTF-16le",
        create: "CREATE TABLE peers (ip VARCHAR(15) NOT NULL, port INT DEFAULT 0 NOT NULL, nextattempt TIMESTAMP NOT NULL, \
                 numfailures INT DEFAULT 0 NOT NULL, type INT NOT NULL, PRIMARY KEY (ip, port))",
        ..USUAL
    },
];

/// Peer `n` of these tables. The text of each host is in no other's.
pub(crate) fn peer(n: u32, kind: &Kind) -> PeerRecord {
    let is_core = kind.create.contains("TIMESTAMP");
    let host = match n % 3 {
        0 if !is_core => format!("node-{n:05}.example.org"),
        _ => format!("52.100.{}.{}", 100 + n / 100, 100 + n % 100),
    };
    // The older rows of one table have no failures of their own.
    let failures = if kind.create.contains("numfailures") || n >= PEERS / 2 { n % 12 } else { 4 };
    let port = u16::try_from(1 + n * 7_919 % 60_000).unwrap();
    record(
        address(&format!("{host}:{port}")),
        START + i64::from(n),
        failures,
        StoredPeerType::ALL[n as usize % 3],
    )
}

/// As many as in the examples of these kinds.
pub(crate) const PEERS: u32 = 600;

/// A sound file with a table of this kind.
pub(crate) fn place(kind: &Kind, page_size: usize) -> Place {
    let place = Place::new(&Image::default());
    let connection = place.connection();
    let create = kind.create.replace("<long>", &"x".repeat(LONG));
    // What is deleted leaves no trace, so that each row stands on one page.
    connection
        .execute_batch(&format!(
            "PRAGMA secure_delete = ON; PRAGMA encoding = '{}'; PRAGMA page_size = {page_size}; {create}",
            kind.encoding
        ))
        .unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for n in 0..PEERS {
        if n == PEERS / 2 {
            connection.execute_batch(kind.later).unwrap();
        }
        let peer = peer(n, kind);
        let is_short = !kind.create.contains("numfailures") && n < PEERS / 2;
        let failures = if is_short { "" } else { ", numfailures" };
        let value = if is_short { String::new() } else { format!(", {}", peer.num_failures) };
        let time = if kind.create.contains("TIMESTAMP") {
            format!("datetime({}, 'unixepoch')", peer.next_attempt)
        } else {
            peer.next_attempt.to_string()
        };
        let sql = format!(
            "INSERT INTO peers (ip, port, nextattempt, type{failures}) VALUES ('{}', {}, {time}, {}{value})",
            peer.address.host(),
            peer.address.port(),
            peer.peer_type as u8,
        );
        connection.execute_batch(&sql).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    place
}

/// Its peers.
pub(crate) fn peers(kind: &Kind) -> BTreeMap<PeerAddress, PeerRecord> {
    (0..PEERS).map(|n| peer(n, kind)).map(|record| (record.address.clone(), record)).collect()
}

/// The peers on each page of the table; each peer is on one.
pub(crate) fn on_pages(kind: &Kind, place: &Place) -> BTreeMap<usize, BTreeSet<PeerAddress>> {
    let connection = place.connection();
    let bytes = place.image().database.unwrap();
    let page_size: usize = number(&connection, "PRAGMA page_size");
    let pages = pages_of(&connection, &bytes, "peers");
    let encoded = |text: &str| -> Vec<u8> {
        match kind.encoding {
            "UTF-8" => text.as_bytes().to_vec(),
            "UTF-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    };
    let hosts: HashMap<Vec<u8>, PeerAddress> =
        peers(kind).into_keys().map(|address| (encoded(&address.host().to_string()), address)).collect();
    let lengths: BTreeSet<usize> = hosts.keys().map(Vec::len).collect();
    let starts = [encoded("node-"), encoded("52.100.")];
    let mut on_pages: BTreeMap<usize, BTreeSet<PeerAddress>> = BTreeMap::new();
    let mut found = 0;
    for page in pages {
        let bytes = &bytes[(page - 1) * page_size..page * page_size];
        for at in (0..bytes.len()).filter(|&at| starts.iter().any(|start| bytes[at..].starts_with(start))) {
            let here = lengths.iter().find_map(|length| hosts.get(bytes.get(at..at + length)?));
            if let Some(address) = here {
                found += 1;
                on_pages.entry(page).or_default().insert(address.clone());
            }
        }
    }
    let peers: BTreeSet<&PeerAddress> = on_pages.values().flatten().collect();
    assert_eq!((found, peers.len()), (hosts.len(), hosts.len()), "{}: each stands on one page", kind.what);
    on_pages
}

/// The pages of a table, with those on which its rows continue.
pub(crate) fn pages_of(connection: &Connection, bytes: &[u8], table: &str) -> Vec<usize> {
    pages(connection, bytes, table).into_iter().map(|page| page.number).collect()
}

fn number(connection: &Connection, sql: &str) -> usize {
    let number: u32 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    number as usize
}
