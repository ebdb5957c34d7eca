//! The locks under a model checker, [shuttle](https://docs.rs/shuttle): whatever order the threads run in, the manager
//! keeps its promises.
//!
//! ```sh
//! RUSTFLAGS='--cfg shuttle' cargo test --target-dir target/shuttle --test interleavings
//! ```
//!
//! Each test is tried with many schedules, `PEER_MANAGER_TEST_LONG=1` makes them many more, and `PEER_MANAGER_TEST_SEED`
//! others; with the same seed a test that fails fails again.
//!
//! The database is rows in memory ([`peer_manager::store`]). What the model does not have: memory orderings weaker than
//! `SeqCst`, time, and readers that come in while another has just made the table ready for its query.

#![cfg(shuttle)]

#[path = "../common/mod.rs"]
mod common;

mod bans;
mod beside;
mod commit;
mod deferred;
mod options;
mod queries;
mod schedules;
mod seniority;
mod wake_up;
mod world;
