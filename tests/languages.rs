//! The bindings, each tested in its own language against the library that cargo built for this test run. A language
//! whose tools this machine lacks is skipped, and said on stderr.
//!
//! `PEER_MANAGER_TEST_LANGUAGES=0` leaves all of them out: for a run of these tests under another build of the library,
//! which they would only repeat.
#![cfg(target_os = "linux")]

#[path = "common/cc.rs"]
mod cc;

use std::os::unix::fs::symlink;
use std::process::Command;

use cc::Tool;

/// Makes a target of the language in this directory, if these tools are there. What it generates is in a temporary
/// directory.
fn make(directory: &str, target: &str, tools: &[(&str, &str)]) {
    if std::env::var_os("PEER_MANAGER_TEST_LANGUAGES").is_some_and(|value| value == "0") {
        eprintln!("skipped: PEER_MANAGER_TEST_LANGUAGES is 0");
        return;
    }
    let is_there = |&(what, command): &(&str, &str)| Tool::find(what, command).is_some();
    if !tools.iter().all(is_there) {
        eprintln!("skipped: {directory}");
        return;
    }
    let build = tempfile::tempdir().expect("a temporary directory");
    let libraries = build.path().join("libraries");
    std::fs::create_dir(&libraries).expect("a directory for the libraries");
    for file in ["libpeer_manager.so", "libpeer_manager.a"] {
        symlink(cc::library(file), libraries.join(file)).expect("the library is found under its name");
    }
    let printed = cc::run(
        Command::new("make")
            .arg("-C")
            .arg(cc::root().join("examples").join(directory))
            .arg(target)
            .arg(format!("LIB_DIR={}", libraries.display()))
            .arg(format!("BUILD={}", build.path().join("build").display())),
    );
    println!("{printed}");
}

#[test]
fn c() {
    make("c", "golden", &[("make", "make"), ("C compiler", "cc")]);
}

#[test]
fn cxx() {
    // The tests themselves compile everything in every standard: `make -C examples/cpp test`.
    make("cpp", "run", &[("make", "make"), ("C++ compiler", "c++")]);
}

#[test]
fn go() {
    make("go", "test", &[("make", "make"), ("Go", "go"), ("pkg-config", "pkg-config")]);
}

#[test]
fn node() {
    // The tests themselves take tools from the package index where they can: `make -C examples/node test`.
    make("node", "run", &[("make", "make"), ("Node.js", "node")]);
}

#[test]
fn python() {
    // The tests themselves need tools from the package index: `make -C examples/python test`.
    make("python", "run", &[("make", "make"), ("Python", "python3")]);
}
