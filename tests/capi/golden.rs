//! The golden scenarios and the conformance suite, replayed through the Rust API: the transcripts are those that all
//! languages print.

use std::path::PathBuf;
use std::process::Command;

use crate::common::cc;
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
