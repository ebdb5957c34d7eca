//! Writes `include/peer_manager.h` from `src/ffi/`, and gives the shared object its SONAME.

use std::env;
use std::path::Path;

/// The files of the C API in the order of the header.
const SOURCES: [&str; 11] = [
    "version.rs",
    "error.rs",
    "address.rs",
    "sockaddr.rs",
    "record.rs",
    "options.rs",
    "manager.rs",
    "peers.rs",
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
    }
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
    std::fs::write(&copy, &header).expect("OUT_DIR may be written");
    println!("cargo::rustc-env=PEER_MANAGER_GENERATED_HEADER={}", copy.display());
    if std::fs::read(&path).is_ok_and(|present| present == header) {
        return;
    }
    if let Err(error) = std::fs::write(&path, header) {
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
  {{ sizeof(peer_manager_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }}

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
