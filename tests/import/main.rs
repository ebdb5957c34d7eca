//! Taking over the peers of another file.

#[path = "../common/mod.rs"]
mod common;

mod faults_import;
mod import;
mod import_bounds;
mod import_files;
