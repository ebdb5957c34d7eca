//! The headers' manual: doxygen understands every comment, and misses none.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Output};

use crate::common::cc::{self, Tool};

/// Runs doxygen on the headers, with `from` replaced by `to`; `None` when it is not there.
fn manual(from: &str, to: &str) -> Option<Output> {
    let doxygen = Tool::find("doxygen", "doxygen")?;
    let directory = tempfile::tempdir().expect("a temporary directory");
    cc::run(
        Command::new("cp")
            .arg("-r")
            .args(["Doxyfile", "include"].map(|name| cc::root().join(name)))
            .arg(directory.path()),
    );
    let header = directory.path().join("include/peer_manager.h");
    fs::write(header, cc::header().replace(from, to)).expect("the header is written");
    let output = doxygen.command().current_dir(directory.path()).output().expect("doxygen starts");
    let is_written = directory.path().join("target/manual/peer__manager_8h.html").exists();
    assert!(is_written, "{}", String::from_utf8_lossy(&output.stderr));
    Some(output)
}

#[test]
fn it_is_made_without_a_warning() {
    let Some(output) = manual("@nothing", "") else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn a_comment_that_is_not_understood_is_an_error() {
    let Some(output) = manual("@param subject ", "@param nobody ") else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("nobody"), "{said}");
}
