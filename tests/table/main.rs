//! The peers in memory: the bounds on their number, many threads, floods of new peers, and the memory that a table takes.

#[path = "../common/mod.rs"]
mod common;

mod allocator;
mod bounds;
mod bounds_file;
mod bounds_model;
mod concurrency;
mod dead;
mod floods;
mod memory;
mod out_of_memory;
