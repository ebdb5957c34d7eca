//! The file: what is made, read and refused, what becomes of damaged ones, and who else uses it.

#[path = "../common/mod.rs"]
mod common;

mod bans;
mod borrowed;
mod damage;
mod data;
mod endless;
mod history;
mod in_place;
mod lies;
mod one_file;
mod other_users;
mod paths;
mod quarantine;
mod reasons;
mod seniority;
mod sparse;
mod stellar_core;
mod stellar_core_rows;
mod storage;
mod strangers;
mod tables;
mod unusable;
mod windows;

/// Another process that uses a file: [`common::process`] starts this test for it.
#[test]
fn a_process_of_its_own() {
    common::process::play();
}
