//! The name of the shared object and the version of its symbols, whichever program links it. A crate of one function takes the
//! place of the library, so that each way to link it takes a second.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::cc::{self, Tool};
use crate::common::run::skip_part;

const MANIFEST: &str = concat!(
    "[package]\nname = \"peer_manager\"\nversion = \"",
    env!("CARGO_PKG_VERSION"),
    "\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n[workspace]\n"
);

/// What the crate exports, and what it does not.
const SOURCE: &str = "#[unsafe(no_mangle)] pub extern \"C\" fn peer_manager_probe() -> i32 { std::process::id() as i32 }\n\
                      pub extern \"C\" fn hidden() {}\n";

/// A crate that is linked as the library is, by its own part of `build.rs`.
fn write_crate(directory: &Path) {
    let exports = cc::root().join("build/exports.rs");
    let exports = exports.to_str().expect("the path is UTF-8");
    let build = format!(
        "#[path = {exports:?}]\nmod exports;\nfn main() {{ exports::name(); }}\n\
         fn variable(name: &str) -> String {{ std::env::var(name).unwrap_or_default() }}\n"
    );
    fs::create_dir(directory.join("src")).expect("a directory is made");
    for (file, text) in [("Cargo.toml", MANIFEST), ("build.rs", &build), ("src/lib.rs", SOURCE)] {
        fs::write(directory.join(file), text).expect("the file is written");
    }
}

/// Links the crate by this driver and linker, and returns what the shared object exports.
fn exports(directory: &Path, driver: &str, linker: Option<&str>) -> BTreeSet<String> {
    let mut flags = vec![format!("-Clinker={driver}")];
    flags.extend(linker.map(|linker| format!("-Clink-arg=-fuse-ld={linker}")));
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--offline", "--target-dir"]).arg(directory.join("target"));
    build.env_remove("RUSTFLAGS").env_remove("RUSTC_LINKER");
    cc::run(build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).current_dir(directory));
    let library = directory.join("target/debug/libpeer_manager.so");
    let readelf = Tool::find("readelf", "readelf").expect("binutils come with every C compiler");
    let dynamic = cc::run(readelf.command().arg("-d").arg(&library));
    assert!(dynamic.contains("Library soname: [libpeer_manager.so.0]"), "{driver}, {linker:?}: {dynamic}");
    let nm = Tool::find("nm", "nm").expect("binutils come with every C compiler");
    let symbols = cc::run(nm.command().args(["-D", "--defined-only", "--extern-only"]).arg(&library));
    symbols.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

#[test]
fn gcc_and_clang_give_the_exports_their_version_with_each_linker() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    write_crate(directory.path());
    let mut tried = 0;
    for driver in ["gcc", "clang"] {
        if Tool::find_for_a_part(driver, driver).is_none() {
            continue;
        }
        for linker in [None, Some("bfd"), Some("gold"), Some("lld"), Some("mold")] {
            let is_there = |linker| Command::new(format!("ld.{linker}")).arg("--version").output().is_ok();
            if let Some(linker) = linker.filter(|&linker| !is_there(linker)) {
                skip_part(&format!("no ld.{linker}"));
                continue;
            }
            let mut exports = exports(directory.path(), driver, linker);
            // GNU's linkers list the version itself.
            exports.retain(|name| name != "PEER_MANAGER_0");
            let expected = BTreeSet::from(["peer_manager_probe@@PEER_MANAGER_0".to_owned()]);
            assert_eq!(exports, expected, "{driver}, {linker:?}");
            tried += 1;
        }
    }
    assert!(tried > 0, "neither gcc nor clang is there, so Rust links nothing either");
}
