//! The C API as its callers see it: the header, the C programs, and the bindings of other languages.

#[path = "../common/mod.rs"]
mod common;

mod c_programs;
mod conformance;
mod ffi;
#[cfg(target_os = "linux")]
mod getting_started;
mod golden;
mod header;
mod languages;
#[cfg(target_os = "linux")]
mod real_nodes;
mod shown;
