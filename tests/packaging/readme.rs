//! What the documents show is what happens: their commands for the `sqlite3` shell, and their excerpt of the metrics.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::cc::{self, Tool};
use peer_manager::{Clock, Options, PeerAddress, PeerManager, PeerRecord, StoredPeerType};

/// The lines of a document between a heading and the next.
fn chapter(document: &str, heading: &str) -> String {
    let text = fs::read_to_string(cc::root().join(document)).expect("the document is UTF-8");
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).expect("the chapter is there");
    rest.split_once("\n## ").map_or(rest, |(chapter, _)| chapter).to_owned()
}

/// The commands of the chapter on the shell, without the file that the last one writes, and what they must print.
fn commands() -> Vec<(String, &'static [&'static str])> {
    let chapter = chapter("docs/database.md", "With the shell");
    let commands = chapter.lines().filter(|line| line.starts_with("sqlite3 "));
    let commands: Vec<String> =
        commands.map(|line| line.strip_suffix(" >peers.txt").unwrap_or(line).to_owned()).collect();
    let expected: [&[&str]; 3] = [
        &["0|0|2", "0|3|1", "1|0|1", "2|12|1"],
        &[
            "2001:db8::1|11625|2001-01-01 00:00:00",
            "example.org|5|2001-01-01 00:01:40",
            "198.51.100.1|11625|2001-01-01 01:00:00",
        ],
        &[
            "198.51.100.1:11625",
            "198.51.100.2:11625",
            "[2001:db8::1]:11625",
            "[2001:db8::2]:11625",
            "example.org:5",
        ],
    ];
    assert_eq!(commands.len(), expected.len(), "{commands:?}");
    commands.into_iter().zip(expected).collect()
}

/// A node with peers that are due, and others that are not for a long time.
fn node(directory: &Path) -> PeerManager {
    const NEW_YEAR: i64 = 978_307_200;
    const FAR: i64 = 40_000_000_000;
    let options = Options {
        db_path: Some(directory.join("peers.db")),
        clock: Clock::from_fn(|| NEW_YEAR),
        ..Options::default()
    };
    let manager = PeerManager::open(options).expect("the database is made");
    for (address, next_attempt, num_failures, peer_type) in [
        ("198.51.100.1:11625", NEW_YEAR + 3600, 3, StoredPeerType::Inbound),
        ("198.51.100.2:11625", FAR, 0, StoredPeerType::Inbound),
        ("[2001:db8::1]:11625", NEW_YEAR, 0, StoredPeerType::Inbound),
        ("[2001:db8::2]:11625", FAR, 12, StoredPeerType::Preferred),
        ("example.org:5", NEW_YEAR + 100, 0, StoredPeerType::Outbound),
    ] {
        let address = PeerAddress::parse(address, None).expect("an address");
        let record = PeerRecord { next_attempt, num_failures, peer_type, ..PeerRecord::new(address, 0) };
        manager.store(&record).expect("the peer is stored");
    }
    manager
}

#[test]
fn the_commands_of_the_documents_read_the_table_while_the_node_runs_and_afterwards() {
    if Tool::find("sqlite3 shell", "sqlite3").is_none() {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let manager = node(directory.path());
    let all_answer = || {
        for (command, expected) in commands() {
            let printed = cc::run(Command::new("sh").args(["-c", &command]).current_dir(directory.path()));
            let mut lines: Vec<&str> = printed.lines().collect();
            if !command.contains("ORDER BY") {
                lines.sort_unstable();
            }
            assert_eq!(lines, expected, "{command}");
        }
    };
    all_answer();
    // The node goes on as before.
    let new_peer = PeerAddress::parse("203.0.113.1:11625", None).expect("an address");
    manager.ensure_exists(&new_peer).expect("the node still writes");
    manager.remove(&new_peer).expect("and again");
    drop(manager);
    all_answer();
    assert_eq!(node(directory.path()).peer_count(), 5);
}

#[test]
fn the_queries_of_the_documents_answer_in_the_librarys_own_sqlite() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let _manager = node(directory.path());
    let connection = rusqlite::Connection::open(directory.path().join("peers.db")).expect("a connection");
    for (command, expected) in commands() {
        let (_, quoted) = command.split_once("peers.db ").expect("a query");
        let query = quoted.trim_matches(['"', '\'']);
        let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
            values
                .collect::<Result<Vec<_>, _>>()
                .map(|values| values.iter().map(text).collect::<Vec<_>>().join("|"))
        });
        let rows: BTreeSet<String> =
            rows.and_then(Iterator::collect).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(rows, expected.iter().map(|&row| row.to_owned()).collect(), "{query}");
    }
}

/// A value as the shell prints it.
fn text(value: &rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text.clone(),
        other => panic!("the queries have no {other:?}"),
    }
}

#[test]
fn the_metrics_of_the_documents_are_those_that_the_examples_print() {
    let golden =
        fs::read_to_string(cc::root().join("examples/golden/metrics.txt")).expect("the golden metrics");
    let chapter = chapter("docs/operations.md", "Metrics");
    let (_, rest) = chapter.split_once("```text\n").expect("an excerpt");
    let (excerpt, _) = rest.split_once("```").expect("its end");
    let [golden, excerpt] =
        [&golden, excerpt].map(|text| text.lines().map(without_value).collect::<Vec<_>>());
    assert!(excerpt.len() > 5, "{excerpt:?}");
    let at_a_time = golden.windows(excerpt.len());
    assert!(at_a_time.into_iter().any(|lines| lines == excerpt), "these are not printed: {excerpt:?}");
}

#[test]
fn the_front_page_is_short() {
    let readme = fs::read_to_string(cc::root().join("README.md")).expect("README is UTF-8");
    let lines = readme.lines().count();
    assert!(lines <= 130, "README has {lines} lines: what is not for the first visit belongs into docs/");
}

/// A line of metrics but for its count, which is another each time.
fn without_value(line: &str) -> &str {
    if line.starts_with('#') { line } else { line.rsplit_once(' ').map_or(line, |(series, _)| series) }
}
