//! The source archive: the same bytes each time, and complete enough to build from without a network.

use std::fs;
use std::process::Command;

use crate::common::cc;
use crate::common::run::{is_full_or_skipped, is_long, skip};

#[test]
fn the_archive_is_reproducible_and_builds() {
    if !is_full_or_skipped() {
        return;
    }
    if !cc::root().join(".git").exists() {
        skip("not in a git repository");
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let name = concat!("peer_manager-", env!("CARGO_PKG_VERSION"));
    let [one, other] = ["one", "other"].map(|place| {
        let place = directory.path().join(place);
        cc::run(Command::new(cc::root().join("packaging/source")).arg(&place));
        fs::read(place.join(format!("{name}.tar.gz"))).expect("the archive is named after the version")
    });
    assert!(one == other, "two archives of one commit differ");
    let archive = directory.path().join("one").join(format!("{name}.tar.gz"));
    cc::run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(directory.path()));
    // In another directory than the tests' own: both would write their libraries to the same place.
    let mut check = Command::new(env!("CARGO"));
    check
        .args(["check", "--offline", "--locked", "--lib", "--target-dir"])
        .arg(directory.path().join("target"));
    cc::run(check.current_dir(directory.path().join(name)));
}

#[test]
fn the_archive_with_the_crates_builds_without_a_network_and_with_an_empty_cargo_home() {
    if !is_long() {
        skip("only with PEER_MANAGER_TEST_LONG=1");
        return;
    }
    if !cc::root().join(".git").exists() {
        skip("not in a git repository");
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = directory.path();
    cc::run(Command::new(cc::root().join("packaging/source")).arg("--vendor").arg(place));
    let name = concat!("peer_manager-", env!("CARGO_PKG_VERSION"));
    let archive = place.join(format!("{name}-vendored.tar.gz"));
    cc::run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(place));
    let mut check = Command::new(env!("CARGO"));
    check.args(["check", "--locked", "--lib", "--no-default-features", "--features", "bundled,ffi"]);
    check.env("CARGO_HOME", place.join("home")).env("CARGO_NET_OFFLINE", "true");
    check.env("CARGO_TARGET_DIR", place.join("target")).current_dir(place.join(name));
    cc::run(&mut check);
    // Nothing came from elsewhere.
    assert!(!place.join("home/registry/src").exists());
}

/// Products of a build that were once added by mistake would stay in every clone.
#[test]
fn nothing_that_a_build_makes_is_in_the_repository() {
    if !cc::root().join(".git").exists() {
        skip("not in a git repository");
        return;
    }
    let files = cc::run(Command::new("git").args(["ls-files", "-z"]).current_dir(cc::root()));
    let is_made = |file: &&str| {
        // The directory at the root has the parts of build.rs.
        let is_below = |name: &str| file.split('/').rev().skip(1).any(|directory| directory == name);
        let is_binary = || fs::read(cc::root().join(file)).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"));
        is_below("node_modules")
            || is_below("target")
            || is_below("build") && !file.starts_with("build/")
            || is_binary()
    };
    let made: Vec<&str> = files.split('\0').filter(is_made).collect();
    assert!(made.is_empty(), "{} files, such as {:?}", made.len(), made.first());
}
