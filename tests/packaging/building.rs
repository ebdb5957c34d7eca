//! Cargo, run by the tests themselves: by one at a time, and in a target directory of its own. What is packaged is built with
//! other features than the tests, under the same names.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::common::cc;

/// Cargo's target directory for what is packaged, in that of the tests.
fn target_directory() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("packaging")
}

/// Runs a command that runs cargo and must succeed, and gives back what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    cc::run(command.env("CARGO_TARGET_DIR", target_directory()))
}
