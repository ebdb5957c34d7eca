//! What leaves the repository: installations, packages, the ABI, the documents, and that they agree.

#[path = "../common/mod.rs"]
mod common;

mod abi;
mod building;
mod deb;
mod dependent;
mod hardening;
mod install;
mod linkers;
mod manual;
mod monitoring;
mod readme;
mod recipes;
mod source;
mod third_party;
mod versions;
