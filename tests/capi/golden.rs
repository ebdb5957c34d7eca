//! The golden scenarios and the conformance suite, replayed through the Rust API: the transcripts are those that all
//! languages print.

use std::path::PathBuf;
use std::process::Command;

use crate::common::cc;
use crate::common::run::is_full_or_skipped;
use crate::conformance;

/// Cargo builds examples with the tests, beside them.
fn player() -> Command {
    let test = std::env::current_exe().expect("the test's own path");
    Command::new(test.ancestors().nth(2).expect("a target directory").join("examples/golden"))
}

fn golden(file: &str) -> PathBuf {
    cc::root().join("examples/golden").join(file)
}

#[test]
fn the_transcripts_of_rust_are_those_that_are_expected() {
    for (scenario, transcript) in [("scenario.txt", "transcript.txt"), ("scenario2.txt", "transcript2.txt")] {
        let printed = cc::run(player().arg(golden(scenario)));
        conformance::assert_is_printed(&golden(transcript), &printed);
    }
}

#[test]
fn the_conformance_suite_holds_in_rust() {
    conformance::holds(&|file, _| {
        let mut player = player();
        player.arg(file);
        player
    });
}

/// With another seed, and on files.
fn the_suite_holds_with(seed: u64, durability: Option<&str>) {
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let file = temporary.path().join("variant.txt");
    for variant in conformance::variants(seed, durability) {
        std::fs::write(&file, &variant).expect("the variant is written");
        conformance::assert_is_printed(&file, &cc::run(player().arg(&file)));
    }
}

#[test]
fn the_conformance_suite_does_not_depend_on_chance() {
    for seed in [0, 2, 987_654_321, u64::MAX] {
        the_suite_holds_with(seed, None);
    }
}

#[test]
fn the_conformance_suite_holds_on_files_as_in_memory() {
    if is_full_or_skipped() {
        the_suite_holds_with(3, Some("COMMIT"));
        the_suite_holds_with(4, Some("DEFERRED"));
    }
}
