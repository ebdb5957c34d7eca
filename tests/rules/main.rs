//! The specification's rules: types, back-off, records, addresses, and whole histories against a model of it.

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod bans;
mod data;
mod history;
mod model;
mod options;
mod reach;
mod rules;
mod rust_api;
mod special;
