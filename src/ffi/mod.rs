//! The C API: converts C types to Rust types and back, checks every argument, and lets no panic through. No policy.
//!
//! There is one file for each section of the header, which cbindgen generates from these files (`build.rs` has their
//! order). The comments on exported items become the header's, so they are in Doxygen's form. A function here reads
//! its arguments, calls the Rust function of the same name, and writes its outputs, in this order: outputs may share
//! memory with inputs, and a call that fails has written none.
//!
//! `handle` is the only place that turns pointers into references, and `catch`, on which `boundary` stands, the only one
//! that catches panics.
//!
//! # Safety
//!
//! One contract holds for every function, and the header states it: each pointer is NULL, or valid for the length that
//! is passed with it and for what the function does with it; a handle came from this library and was not
//! freed. Everything else is checked.
#![expect(non_camel_case_types, reason = "these types have the names that C sees")]
#![expect(clippy::doc_markdown, reason = "the comments of exported symbols are written for Doxygen")]

mod boundary;
mod catch;
mod handle;
mod opaque;
mod sized;

pub mod address;
pub mod bans;
pub mod data;
pub mod dialling;
pub mod error;
pub mod history;
pub mod import;
pub mod manager;
pub mod options;
pub mod peers;
pub mod query;
pub mod record;
pub mod snapshot;
#[cfg(any(unix, windows))]
pub mod sockaddr;
pub mod stats;
pub mod version;
