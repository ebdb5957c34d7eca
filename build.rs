//! Makes what belongs to the library for C: the header, the shared object's SONAME and its symbols' version, and the files that
//! are installed with it. For a library that only Rust uses, makes nothing.

#[cfg(feature = "capi")]
#[path = "build/comments.rs"]
mod comments;
#[cfg(feature = "ffi")]
#[path = "build/exports.rs"]
mod exports;
#[cfg(feature = "capi")]
#[path = "build/header.rs"]
mod header;
#[cfg(feature = "ffi")]
#[path = "build/resource.rs"]
mod resource;
#[cfg(feature = "ffi")]
#[path = "build/templates.rs"]
mod templates;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family.contains("wasm")) {
        // Before the code of SQLite and others fails for reasons of its own; src/lib.rs repeats the message.
        println!(
            "cargo::error=peer_manager cannot be built for WebAssembly, which has no threads and no files with locks: \
             build it for the system that the node runs on"
        );
    } else {
        for_c();
    }
}

/// What only C programs need.
fn for_c() {
    #[cfg(feature = "ffi")]
    {
        println!("cargo::rustc-env=PEER_MANAGER_TARGET={}", variable("TARGET"));
        exports::name();
        resource::link();
        templates::fill_in();
    }
    #[cfg(feature = "capi")]
    header::write();
}

/// What cargo tells a build script.
#[cfg(feature = "ffi")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
