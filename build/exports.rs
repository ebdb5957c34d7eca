//! The SONAME of the shared object, and the version of its symbols.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::variable;

/// What the linker is run through: it gives a name to the list of exported symbols that rustc made, which has none. The
/// list cannot be added to with a second one, because linkers do not combine a list that has a name with one that has none.
const NAME_THE_EXPORTS: &str = r#"#!/bin/sh
for argument; do
  case $argument in
    --version-script=*) sed -i 's/^{$/@NODE@ {/' "${argument#*=}" || exit ;;
  esac
done
exec "$@"
"#;

/// Gives the shared object its SONAME, and its symbols their version, where it is an ELF.
pub(crate) fn name() {
    let is_elf = variable("CARGO_CFG_TARGET_FAMILY").contains("unix")
        && variable("CARGO_CFG_TARGET_VENDOR") != "apple";
    if is_elf {
        let major = variable("CARGO_PKG_VERSION_MAJOR");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpeer_manager.so.{major}");
        name_the_exports(&format!("PEER_MANAGER_{major}"));
    }
}

/// Gives all exported symbols the version `node`, where the linker is run by a gcc. Where it is not, the library is the
/// same without it, and its symbols have no version.
fn name_the_exports(node: &str) {
    let directory = variable("OUT_DIR");
    let script = Path::new(&directory).join("name_the_exports");
    fs::write(&script, NAME_THE_EXPORTS.replace("@NODE@", node)).expect("OUT_DIR may be written");
    let arguments = ["-wrapper".to_owned(), format!("/bin/sh,{}", script.display())];
    if links_with(&arguments, node) {
        for argument in arguments {
            println!("cargo::rustc-cdylib-link-arg={argument}");
        }
    } else {
        println!(
            "cargo::warning=the symbols of the shared object get no version: the linker is not run by a gcc"
        );
    }
}

/// Whether a small shared object can be linked so, and says `word` then.
fn links_with(arguments: &[String], word: &str) -> bool {
    let directory = variable("OUT_DIR");
    let [source, output] = ["probe.rs", "libprobe.so"].map(|file| Path::new(&directory).join(file));
    fs::write(&source, "#[unsafe(no_mangle)] pub extern \"C\" fn probe() {}\n")
        .expect("OUT_DIR may be written");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--edition=2024", "--crate-type=cdylib", "--target", &variable("TARGET")]);
    // Not under a sanitizer: that would ask for a standard library of its own, which is not there yet.
    let is_for_probe = |flag: &&str| !flag.is_empty() && !flag.starts_with("-Zsanitizer");
    rustc.args(variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(is_for_probe));
    rustc.args(env::var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}")));
    rustc.args(arguments.iter().map(|argument| format!("-Clink-arg={argument}")));
    let linked = rustc.arg("-o").arg(&output).arg(&source).output();
    let is_said = |file: Vec<u8>| file.windows(word.len()).any(|bytes| bytes == word.as_bytes());
    linked.is_ok_and(|linked| linked.status.success()) && fs::read(&output).is_ok_and(is_said)
}
