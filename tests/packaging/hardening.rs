//! What is installed names no directory of the machine that built it, and has the safeguards that a linker and a C compiler
//! give: what `checksec` asks for.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::cc::{self, Tool};
use crate::common::run::is_full_or_skipped;
use crate::install::{files, libdir, prefix};

/// The directories that the build had to do with.
fn builders_directories() -> BTreeSet<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let sysroot = cc::run(Command::new("rustc").args(["--print", "sysroot"]));
    let mut found = BTreeSet::from([
        cc::root().to_owned(),
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
        PathBuf::from(sysroot.trim()),
    ]);
    found.extend(cargo_home.or_else(|| Some(home?.join(".cargo"))));
    // The tests' own directory is in the target directory, two levels down.
    found.extend(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().map(Path::to_owned));
    found
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|found| found == word.as_bytes())
}

/// What readelf prints of the shared object.
fn shown(arguments: &[&str], file: &Path) -> String {
    let readelf = Tool::find("readelf", "readelf").expect("binutils come with every C compiler");
    cc::run(readelf.command().args(arguments).arg("--wide").arg(file))
}

#[test]
fn nothing_names_a_directory_of_the_builder() {
    if !is_full_or_skipped() {
        return;
    }
    let directories = builders_directories();
    for file in files(prefix()) {
        let bytes = fs::read(prefix().join(&file)).expect("a file");
        for directory in &directories {
            let name = directory.to_str().expect("the name is UTF-8");
            assert!(!contains(&bytes, name), "{file} has {name}");
        }
    }
    // The search finds what is there.
    let library = fs::read(libdir().join("libpeer_manager.a")).expect("the archive");
    assert!(contains(&library, "/crates/"), "the panics of other crates say where they are");
}

#[test]
fn the_shared_object_cannot_be_rewritten_and_its_data_not_run() {
    if !is_full_or_skipped() {
        return;
    }
    let library = libdir().join("libpeer_manager.so");
    let segments = shown(&["--program-headers"], &library);
    assert!(segments.contains(" GNU_RELRO "), "{segments}");
    let stack = segments.lines().find(|line| line.contains("GNU_STACK")).expect("the stack is described");
    assert!(!stack.contains('E') || stack.contains(" RW "), "{stack}");
    assert!(!segments.contains(" RWE "), "{segments}");
    let dynamic = shown(&["--dynamic"], &library);
    assert!(dynamic.contains("BIND_NOW") || dynamic.contains("NOW"), "{dynamic}");
    for unwanted in ["TEXTREL", "RPATH", "RUNPATH"] {
        assert!(!dynamic.contains(unwanted), "{unwanted}: {dynamic}");
    }
}

#[test]
fn sqlite_has_the_safeguards_of_the_c_compiler() {
    if !is_full_or_skipped() || !cfg!(feature = "bundled") {
        return;
    }
    let needed = shown(&["--dyn-syms"], &libdir().join("libpeer_manager.so"));
    assert!(needed.contains(" __stack_chk_fail"), "{needed}");
    let is_fortified = needed.lines().any(|line| line.contains(" UND ") && line.contains("_chk@"));
    assert!(is_fortified, "{needed}");
    if cfg!(target_arch = "x86_64") {
        // The standard library is compiled without, and the linker keeps only what all parts have: it is in the archive's.
        let notes = shown(&["--notes"], &libdir().join("libpeer_manager.a"));
        assert!(notes.contains("x86 feature: IBT, SHSTK"), "no part of the archive is ready for CET");
    }
}
