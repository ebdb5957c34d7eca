//! Writes `include/peer_manager.h` from `src/ffi/`, gives the shared object its SONAME and its symbols their version,
//! and fills in the files that are installed beside the library.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

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

/// Files that are installed, with `@NAME@` for what the build knows.
const TEMPLATES: [&str; 3] =
    ["peer_manager.pc", "cmake/peer_manager-config.cmake", "cmake/peer_manager-config-version.cmake"];

/// The files of the C API in the order of the header.
const SOURCES: [&str; 12] = [
    "version.rs",
    "error.rs",
    "address.rs",
    "sockaddr.rs",
    "record.rs",
    "options.rs",
    "manager.rs",
    "peers.rs",
    "import.rs",
    "query.rs",
    "snapshot.rs",
    "stats.rs",
];

fn main() {
    println!("cargo::rerun-if-changed=src/ffi");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=include/peer_manager.h");
    println!("cargo::rustc-env=PEER_MANAGER_TARGET={}", variable("TARGET"));
    write_header();
    let is_elf = variable("CARGO_CFG_TARGET_FAMILY").contains("unix")
        && variable("CARGO_CFG_TARGET_VENDOR") != "apple";
    if is_elf {
        let major = variable("CARGO_PKG_VERSION_MAJOR");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpeer_manager.so.{major}");
        name_the_exports(&format!("PEER_MANAGER_{major}"));
    }
    fill_in_templates();
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Rewrites the header when it differs from what the sources say. Where the sources may not be written, as in the
/// registry, the header is the one that they were published with.
fn write_header() {
    let root = variable("CARGO_MANIFEST_DIR");
    let root = Path::new(&root);
    let mut config =
        cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is well formed");
    config.after_includes = Some(macros());
    let sources = SOURCES.iter().map(|file| root.join("src/ffi").join(file));
    let builder = sources.fold(cbindgen::Builder::new().with_config(config), cbindgen::Builder::with_src);
    let bindings = builder.generate().expect("cbindgen understands src/ffi");
    let path = root.join("include/peer_manager.h");
    let mut header = Vec::new();
    bindings.write(&mut header);
    // For the test that compares the two where the sources may not be written.
    let copy = Path::new(&variable("OUT_DIR")).join("peer_manager.h");
    fs::write(&copy, &header).expect("OUT_DIR may be written");
    println!("cargo::rustc-env=PEER_MANAGER_GENERATED_HEADER={}", copy.display());
    if fs::read(&path).is_ok_and(|present| present == header) {
        return;
    }
    if let Err(error) = fs::write(&path, header) {
        println!("cargo::warning=include/peer_manager.h is not up to date and cannot be written: {error}");
    }
}

/// What cbindgen cannot derive: the version, whose one place is Cargo.toml, the initialisers, and the types of other
/// libraries, which are declared so that no other header is needed.
fn macros() -> String {
    let version = variable("CARGO_PKG_VERSION");
    let [major, minor, patch] =
        ["MAJOR", "MINOR", "PATCH"].map(|part| variable(&format!("CARGO_PKG_VERSION_{part}")));
    let number: u32 = [&major, &minor, &patch]
        .iter()
        .fold(0, |number, part| number * 1000 + part.parse::<u32>().expect("a version is made of numbers"));
    format!(
        r#"
/** The version of this header: incompatible changes. Since 0.1.0. */
#define PEER_MANAGER_VERSION_MAJOR {major}
/** The version of this header: additions. Since 0.1.0. */
#define PEER_MANAGER_VERSION_MINOR {minor}
/** The version of this header: corrections. Since 0.1.0. */
#define PEER_MANAGER_VERSION_PATCH {patch}
/** The version of this header as one number: major * 1000000 + minor * 1000 + patch. Since 0.1.0. */
#define PEER_MANAGER_VERSION_NUMBER {number}
/** The version of this header as text. Since 0.1.0. */
#define PEER_MANAGER_VERSION_STRING "{version}"

/** Initialises peer_manager_options: a table in memory, COMMIT durability, the system's clock, no bounds.
 * Since 0.1.0. */
#define PEER_MANAGER_OPTIONS_INIT \
  {{ sizeof(peer_manager_options), 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, 0, 0, 0 }}
/** Initialises peer_manager_query: outbound and preferred peers whose next attempt is due and that have failed at most
 * 10 times. Since 0.1.0. */
#define PEER_MANAGER_QUERY_INIT \
  {{ sizeof(peer_manager_query), PEER_MANAGER_FILTER_ANY_OUTBOUND, 1, 1, PEER_MANAGER_MAX_FAILURES, 0, NULL, 0 }}
/** Initialises peer_manager_stats: all zero. Since 0.1.0. */
#define PEER_MANAGER_STATS_INIT \
  {{ sizeof(peer_manager_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }}

#if !defined(_WIN32)
/** Defined where the two functions for socket addresses are: everywhere but on Windows. Since 0.1.0. */
#define PEER_MANAGER_HAS_SOCKADDR 1
struct sockaddr;
struct sockaddr_storage;
#endif
struct sqlite3;
"#
    )
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

/// Writes `packaging/*.in` to `OUT_DIR`, where cargo-c and `packaging/install` take them from.
fn fill_in_templates() {
    let directory = variable("OUT_DIR");
    let is_bundled = env::var_os("CARGO_FEATURE_BUNDLED").is_some();
    let values = [
        ("@VERSION@", variable("CARGO_PKG_VERSION")),
        ("@MAJOR@", variable("CARGO_PKG_VERSION_MAJOR")),
        ("@DESCRIPTION@", variable("CARGO_PKG_DESCRIPTION")),
        ("@REQUIRES_PRIVATE@", if is_bundled { "" } else { "sqlite3" }.to_owned()),
        ("@USES_SYSTEM_SQLITE@", if is_bundled { "FALSE" } else { "TRUE" }.to_owned()),
    ];
    for name in TEMPLATES {
        let template = Path::new("packaging").join(format!("{name}.in"));
        println!("cargo::rerun-if-changed={}", template.display());
        let text = fs::read_to_string(&template).expect("packaging/ has the template");
        let text = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
        let path = Path::new(&directory).join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("OUT_DIR may be written");
        fs::write(path, text).expect("OUT_DIR may be written");
    }
}
