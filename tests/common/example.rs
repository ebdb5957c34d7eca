//! The programs of `examples/` that are Rust.

use std::path::PathBuf;
use std::process::Command;

/// Where the program is. `cargo test` builds it with the tests; here it is for a run of one test alone.
pub(crate) fn built(name: &str) -> PathBuf {
    let sqlite: &[&str] = if cfg!(feature = "bundled") {
        &[]
    } else {
        &["--no-default-features", "--features", "system-sqlite"]
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--example", name]).args(sqlite);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Beside the tests.
    let test = std::env::current_exe().expect("the test's own path");
    test.ancestors().nth(2).expect("a target directory").join("examples").join(name)
}
