//! `include/peer_manager.h`, which cbindgen makes from `src/ffi/`.

use std::fs;
use std::path::Path;

use crate::comments::lay_out;
use crate::templates::{replace, versions};
use crate::variable;

/// The files of the C API in the order of the header.
const SOURCES: [&str; 17] = [
    "version.rs",
    "error.rs",
    "address.rs",
    "sockaddr.rs",
    "record.rs",
    "options.rs",
    "opaque.rs",
    "manager.rs",
    "peers.rs",
    "import.rs",
    "query.rs",
    "dialling.rs",
    "bans.rs",
    "snapshot.rs",
    "history.rs",
    "data.rs",
    "stats.rs",
];

/// Writes the header to `OUT_DIR`, and in a checkout of this project to its place, if it differs there. A copy that was
/// vendored or came from a registry is left as it is: cargo compares it with the checksums that it came with.
pub(crate) fn write() {
    for path in ["src/ffi", "cbindgen.toml", "include/peer_manager.h"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let root = variable("CARGO_MANIFEST_DIR");
    let root = Path::new(&root);
    let mut config =
        cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is well formed");
    config.after_includes = Some(format!("\n{}", replace(include_str!("macros.h.in"), &versions())));
    let sources = SOURCES.iter().map(|file| root.join("src/ffi").join(file));
    let builder = sources.fold(cbindgen::Builder::new().with_config(config), cbindgen::Builder::with_src);
    let mut header = Vec::new();
    builder.generate().expect("cbindgen understands src/ffi").write(&mut header);
    let header = lay_out(&String::from_utf8(header).expect("the sources are UTF-8"));
    fs::write(Path::new(&variable("OUT_DIR")).join("peer_manager.h"), &header)
        .expect("OUT_DIR may be written");
    let place = root.join("include/peer_manager.h");
    let is_outdated =
        is_checkout(root) && !fs::read(&place).is_ok_and(|present| present == header.as_bytes());
    if is_outdated {
        if let Err(error) = fs::write(&place, header) {
            println!(
                "cargo::warning=include/peer_manager.h is not up to date and cannot be written: {error}"
            );
        }
    }
}

/// Whether this is a clone of the repository, and not one that cargo made of a dependency and marked as complete.
fn is_checkout(root: &Path) -> bool {
    root.join(".git").exists() && !root.join(".cargo-ok").exists()
}
