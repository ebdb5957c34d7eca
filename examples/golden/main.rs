//! Replays a script of operations and prints the transcript; see the README next to it.
//!
//! `cargo run --example golden -- examples/golden/scenario.txt`

mod operations;
mod print;
mod queries;
mod words;

use std::io::Write as _;

use operations::Player;

/// The player's error for a script that is wrong, or for a call that failed.
type Failure = Box<dyn std::error::Error>;

/// Begins an operation in a transcript.
const OPERATION: &str = "> ";

/// Begins what an operation printed.
const PRINTED: &str = "  ";

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("usage: golden SCRIPT")?;
    let script = std::fs::read_to_string(path)?;
    let is_transcript = script.lines().find(|line| !is_passed_over(line)).is_some_and(is_operation);
    let directory = tempfile::tempdir()?;
    let mut player = Player::new(directory.path());
    let mut out = std::io::stdout().lock();
    for line in script.lines() {
        let operation = if !is_transcript {
            (!is_passed_over(line)).then_some(line)
        } else if is_passed_over(line) {
            writeln!(out, "{line}")?;
            None
        } else if line.starts_with(PRINTED) {
            None
        } else {
            Some(line.strip_prefix(OPERATION).ok_or_else(|| format!("no operation: {line}"))?)
        };
        if let Some(operation) = operation {
            write!(out, "{OPERATION}{operation}\n{}", player.play(operation)?)?;
        }
    }
    Ok(())
}

/// A comment, or empty.
fn is_passed_over(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

fn is_operation(line: &str) -> bool {
    line.starts_with(OPERATION)
}
