//! The golden scenario, replayed through the Rust API: the transcript is the one that all languages print.

use std::process::Command;

use crate::common::cc;

#[test]
fn the_transcript_of_rust_is_the_one_that_is_expected() {
    // Cargo builds examples with the tests, beside them.
    let test = std::env::current_exe().expect("the test's own path");
    let player = test.ancestors().nth(2).expect("a target directory").join("examples/golden");
    let directory = cc::root().join("examples/golden");
    let printed = cc::run(Command::new(player).arg(directory.join("scenario.txt")));
    let expected = std::fs::read_to_string(directory.join("transcript.txt")).expect("the transcript");
    for (number, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
        assert_eq!(printed, expected, "line {} of the transcript", number + 1);
    }
    assert_eq!(printed, expected);
}
