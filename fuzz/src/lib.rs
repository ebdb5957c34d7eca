//! What the fuzz targets do with their input. It is a library so that `cargo test` can run the corpus without a fuzzer.

pub mod address;
pub mod asmap;
mod c;
pub mod calls;
pub mod database;
mod scratch;
mod subject;
