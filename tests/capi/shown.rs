//! What the documents show in C is what happens: their programs compile without a warning and run, their shorter pieces
//! compile, and the tables of the header say what the library does.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::cc::{self, Language, Tool};
use peer_manager::{PeerRecord, StoredPeerType, apply_type_update, compute_backoff, get_type_update};

/// What the pieces that are no whole programs use without declaring it.
const AROUND: &str = "\
#include <inttypes.h>
#include <peer_manager.h>
#include <stdio.h>
void shown(peer_manager *pm, peer_manager_address asker);
void shown(peer_manager *pm, peer_manager_address asker) {
  peer_manager_address address, chosen[8], answer[8];
  peer_manager_error error;
  size_t count = 0;
  (void)asker, (void)address, (void)chosen, (void)answer, (void)error, (void)count;
";

pub(crate) fn read(document: &str) -> String {
    fs::read_to_string(cc::root().join(document)).expect("a document is UTF-8")
}

/// The pieces of C in a document in Markdown.
fn pieces(document: &str) -> Vec<String> {
    let text = read(document);
    let pieces = text.split("\n```c\n").skip(1);
    pieces.map(|rest| rest.split_once("\n```").expect("the piece ends").0.to_owned()).collect()
}

/// The program at the top of the header.
fn program_of_the_header() -> String {
    let header = cc::header();
    let (_, rest) = header.split_once(" * @code\n").expect("an example");
    let (example, _) = rest.split_once(" * @endcode").expect("the example ends");
    let lines =
        example.lines().map(|line| line.strip_prefix(" *").expect("a comment").trim_start_matches(' '));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Compiles a whole program, and returns it.
fn compile(compiler: &Tool, directory: &Path, text: &str) -> PathBuf {
    let [source, program] = ["shown.c", "shown"].map(|name| directory.join(name));
    fs::write(&source, text).expect("the program is written");
    let soname = directory.join("libpeer_manager.so.0");
    if !soname.exists() {
        symlink(cc::library("libpeer_manager.so"), &soname).expect("the library is found");
    }
    let mut command = compiler.compile(Language::C, "c99");
    command.arg(&source).arg("-o").arg(&program).arg(&soname);
    cc::run(command.arg(format!("-Wl,-rpath,{}", directory.display())));
    program
}

/// Runs a program in a directory.
fn run(directory: &Path, program: &Path) -> String {
    cc::run(Command::new(program).current_dir(directory))
}

#[test]
fn the_program_of_readme_says_whom_to_dial_and_then_waits() {
    let Some(compiler) = Tool::compiler(Language::C) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pieces = pieces("README.md");
    let program = pieces.first().expect("README begins with a program in C");
    let program = compile(&compiler, directory.path(), program);
    let printed = run(directory.path(), &program);
    assert!(read("README.md").contains(&format!("It prints `{}`", printed.trim_end())), "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    // It waits for a second or more, and may be due again by now.
    let printed_again = run(directory.path(), &program);
    assert!(printed_again.is_empty() || printed_again == printed, "{printed_again}");
    assert!(directory.path().join("peers.db").exists());
}

#[test]
fn the_program_of_the_header_runs() {
    let Some(compiler) = Tool::compiler(Language::C) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let program = compile(&compiler, directory.path(), &program_of_the_header());
    assert_eq!(run(directory.path(), &program), "");
    assert!(directory.path().join("peers.db").exists());
}

#[test]
fn the_shorter_pieces_compile() {
    let Some(compiler) = Tool::compiler(Language::C) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pages = fs::read_dir(cc::root().join("docs")).expect("there are documents");
    let pages = pages.map(|entry| entry.expect("an entry").path());
    let pages = pages.filter(|page| page.extension().is_some_and(|extension| extension == "md"));
    // The steps of getting started make one program, and have a test of their own.
    let pages = pages.filter(|page| !page.ends_with("getting-started.md"));
    let pages = pages.map(|page| page.into_os_string().into_string().expect("UTF-8"));
    let documents = pages.chain(["examples/c/README.md".to_owned()]);
    let pieces: Vec<String> = documents.flat_map(|document| pieces(&document)).collect();
    let shorter: Vec<&String> = pieces.iter().filter(|piece| !piece.contains("int main(")).collect();
    assert!(shorter.len() >= 3, "{shorter:?}");
    for piece in shorter {
        compile(
            &compiler,
            directory.path(),
            &format!("{AROUND}{piece}\n}}\nint main(void) {{ return 0; }}\n"),
        );
    }
}

/// The cells of the lines of a table in the comment of a function.
fn table(function: &str) -> Vec<Vec<String>> {
    let header = cc::header();
    let end = header.find(&format!(" peer_manager_status {function}(")).expect("the function is there");
    let start = header[..end].rfind("/**").expect("it has a comment");
    let lines = header[start..end].lines().filter_map(|line| line.trim().strip_prefix("* |"));
    let lines = lines.filter(|line| !line.starts_with("--"));
    lines
        .map(|line| line.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

fn peer_type(name: &str) -> StoredPeerType {
    match name {
        "inbound" => StoredPeerType::Inbound,
        "outbound" => StoredPeerType::Outbound,
        "preferred" => StoredPeerType::Preferred,
        _ => panic!("{name} is no type"),
    }
}

#[test]
fn the_table_of_types_is_true() {
    let table = table("peer_manager_update_type");
    let (first, rows) = table.split_first().expect("a table");
    assert_eq!(rows.len(), 3);
    for row in rows {
        for (stored, cell) in first.iter().zip(row).skip(1) {
            let stored = peer_type(stored.strip_prefix("stored as ").expect("what is stored"));
            let (otherwise, known) = match cell.split_once("; ") {
                Some((otherwise, rest)) => {
                    let known = rest.strip_suffix(" if preferred_type_known is not 0");
                    (otherwise, known.expect("the condition"))
                }
                None => (&**cell, &**cell),
            };
            for (is_known, expected) in [(false, otherwise), (true, known)] {
                let address = "192.0.2.1:1".parse().expect("an address");
                let mut record = PeerRecord { peer_type: stored, ..PeerRecord::new(address, 0) };
                let update = get_type_update(&record, peer_type(&row[0]), is_known);
                apply_type_update(&mut record, update);
                assert_eq!(record.peer_type, peer_type(expected), "{} on {stored:?}, {is_known}", row[0]);
            }
        }
    }
}

#[test]
fn the_table_of_waits_is_true() {
    let table = table("peer_manager_update_backoff");
    let [failures, longest] = &table[..] else { panic!("{table:?}") };
    assert_eq!(failures.len(), 12);
    for (failures, longest) in failures.iter().zip(longest).skip(1) {
        let failures = failures.trim_end_matches(" and more").parse().expect("a number of failures");
        assert_eq!(compute_backoff(failures, || u64::MAX).as_secs().to_string(), *longest);
        assert_eq!(compute_backoff(failures, || 0).as_secs(), 1);
    }
    assert_eq!(compute_backoff(u32::MAX, || u64::MAX), compute_backoff(10, || u64::MAX));
}

#[test]
fn the_page_on_the_life_of_a_peer_has_the_tables_of_the_header() {
    let page = read("docs/life-of-a-peer.md").replace('`', "");
    let lines = page.lines().filter_map(|line| line.strip_prefix('|'));
    let rows: Vec<Vec<String>> = lines
        .map(|line| line.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    for function in ["peer_manager_update_type", "peer_manager_update_backoff"] {
        for row in table(function) {
            assert!(rows.contains(&row), "the page lacks {row:?}");
        }
    }
}
