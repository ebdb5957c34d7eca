//! The golden path of a node's first day: open a new database, hear of 60,000 peers, close. For comparison, the floor: the bare
//! INSERT on a database with the same schema, pragmas and durability, created, filled in one transaction and closed.

use std::path::Path;
use std::time::Duration;

use peer_manager::SCHEMA;
use peer_manager::ffi::address::peer_manager_address;
use peer_manager::ffi::options::{PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED};
use rusqlite::Connection;

use crate::node::{self, NOW, Node};
use crate::{median, new_peers, report, timed};

const HEARD: u32 = 60_000;

/// What is timed on a database that does not exist yet.
type Fill<'a> = Box<dyn Fn(&Path) + 'a>;

pub(crate) fn measure() {
    let heard = new_peers(0, HEARD);
    let ips: Vec<String> = (0..HEARD).map(node::ipv4).collect();
    let mut sorted = ips.clone();
    sorted.sort_unstable();
    let ours =
        |durability, heard, batch| -> Fill { Box::new(move |path| hear(path, durability, heard, batch)) };
    let (commit, deferred) = (PEER_MANAGER_DURABILITY_COMMIT, PEER_MANAGER_DURABILITY_DEFERRED);
    let all = HEARD as usize;
    let (one, sorted_one) = ("in one transaction", "in one transaction, in the order of the key");
    let some = 20_000;
    let pairs: [(&str, Fill, &str, Fill); 7] = [
        ("60,000, `DEFERRED`, batches of 1,000", ours(deferred, &heard, 1_000), one, bare(&ips, all)),
        ("60,000, `DEFERRED`, one by one", ours(deferred, &heard, 1), one, bare(&ips, all)),
        ("60,000, `DEFERRED`, one by one", ours(deferred, &heard, 1), sorted_one, bare(&sorted, all)),
        ("60,000, `COMMIT`, one batch", ours(commit, &heard, all), one, bare(&ips, all)),
        ("20,000, `COMMIT`, one batch", ours(commit, &heard[..some], some), one, bare(&ips[..some], some)),
        ("60,000, `COMMIT`, batches of 1,000", ours(commit, &heard, 1_000), "so, too", bare(&ips, 1_000)),
        ("20,000, `COMMIT`, one by one", ours(commit, &heard[..some], 1), "so, too", bare(&ips[..some], 1)),
    ];
    for (what, ours, beside, theirs) in &pairs {
        let (mut our_times, mut their_times): (Vec<_>, Vec<_>) =
            (0..9).map(|_| (in_new_file(ours), in_new_file(theirs))).unzip();
        report(
            &format!("a new file from open to close, peers: {what}"),
            median(&mut our_times),
            &format!("the bare INSERT, {beside}"),
            median(&mut their_times),
        );
    }
}

fn in_new_file(fill: &Fill) -> Duration {
    let directory = tempfile::tempdir().expect("a temporary directory");
    timed(1, || fill(&directory.path().join("peers.db")))
}

fn hear(path: &Path, durability: u32, heard: &[peer_manager_address], batch: usize) {
    let ours = Node::open_with(Some(path), durability);
    match batch {
        1 => heard.iter().for_each(|address| ours.ensure_exists(address)),
        _ => heard.chunks(batch).for_each(|batch| ours.ensure_exists_many(batch)),
    }
}

fn bare(ips: &[String], batch: usize) -> Fill<'_> {
    Box::new(move |path| {
        let mut conn = Connection::open(path).expect("the database opens");
        let pragmas = "PRAGMA cell_size_check = ON; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; \
             PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 4194304";
        conn.execute_batch(&format!("{pragmas}; {SCHEMA}")).expect("the schema");
        for ips in ips.chunks(batch) {
            let transaction = conn.transaction().expect("a transaction");
            let mut statement = transaction
                .prepare_cached("INSERT INTO peers VALUES (?1, ?2, ?3, ?4, ?5)")
                .expect("the statement");
            for ip in ips {
                statement.execute((ip, 11_625, NOW, 0, 0)).expect("the row is written");
            }
            drop(statement);
            transaction.commit().expect("the commit");
        }
    })
}
