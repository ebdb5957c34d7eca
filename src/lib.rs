//! The table of peers that a peer-to-peer node keeps: which peers to dial next, which to tell others about, how each
//! address has behaved.
//!
//! # Overview
//!
//! A [`PeerManager`] holds the table in memory and, if it is given a database file, on disk. A node
//!
//! - adds the addresses that it hears of ([`ensure_exists`](PeerManager::ensure_exists)),
//! - draws peers to dial ([`load_random_peers`](PeerManager::load_random_peers)),
//! - reports how that went ([`update`](PeerManager::update)),
//! - draws peers to tell others about ([`get_peers_to_send`](PeerManager::get_peers_to_send)).
//!
//! ```
//! use peer_manager::{BackOffUpdate, PeerManager, PeerQuery, PeerTypeFilter};
//!
//! let manager = PeerManager::new_in_memory()?;
//! manager.ensure_exists(&"core-live-a.stellar.org:11625".parse()?)?;
//!
//! let anyone = PeerQuery { type_filter: PeerTypeFilter::Any, ..PeerQuery::default() };
//! for address in manager.load_random_peers(&anyone, 8)? {
//!     // The dial failed: wait before the next attempt, and longer each time.
//!     manager.update_backoff(&address, BackOffUpdate::Increase)?;
//! }
//! # Ok::<(), peer_manager::Error>(())
//! ```
//!
//! # Design
//!
//! Memory is the truth and SQLite is its journal: no query is ever answered by SQL, so none waits for the
//! disk, and drawing peers costs no more in a larger table. A change is committed before it is applied, so a write
//! that fails changes nothing; or, if [`Durability::Deferred`] asks for it, applied at once and committed later.
//!
//! # Features
//!
//! - `bundled` (default) compiles SQLite in; `system-sqlite` links the system's instead.
//! - `capi` (default) is the C API, and has cbindgen write its header. A Rust program can do without it: `default-features =
//!   false, features = ["bundled"]`. `ffi` is the C API with the header as it is.
//! - `rusqlite` adds the functions that take a connection of the crate rusqlite: `PeerManager::from_connection` and
//!   `load_all_from_db`.
//! - `serde` serialises and deserialises addresses (as text), records and enumerations.
//!
//! # The C API
//!
//! The same is offered to C and to everything that calls C: see `include/peer_manager.h`, which is generated
//! from the module `ffi`.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![cfg_attr(shuttle, expect(dead_code, unused_imports, reason = "what only SQLite needs"))]

mod address;
mod asmap;
mod bans;
mod changes;
mod clock;
mod data;
mod error;
mod history;
mod manager;
mod memory;
mod netgroup;
mod network;
mod options;
mod peer;
mod query;
mod random;
mod reach;
mod sort;
mod stats;
#[cfg(not(shuttle))]
mod store;
mod sync;
mod table;

// Under the model checker, a file that is a map in memory.
#[cfg(shuttle)]
#[doc(hidden)]
#[path = "../tests/interleavings/store.rs"]
pub mod store;

// Not in unit tests: a dev-dependency links them with this crate a second time, which exports the same symbols.
#[cfg(all(feature = "ffi", not(test)))]
#[doc(hidden)]
#[expect(unsafe_code, reason = "the C boundary: pointers come from the caller")]
pub mod ffi;

// Kept under `ffi`, the only place for `unsafe`, but it is not part of the C API: `store` and `manager` build on it.
#[expect(unsafe_code, reason = "calls of the operating system")]
#[path = "ffi/system/mod.rs"]
mod system;

#[cfg(target_family = "wasm")]
compile_error!(
    "peer_manager cannot be built for WebAssembly, which has no threads and no files with locks: build it for the \
     system that the node runs on"
);
#[cfg(not(any(feature = "bundled", feature = "system-sqlite")))]
compile_error!("choose where SQLite comes from: feature `bundled` (the default) or `system-sqlite`");

pub use address::{HOST_CAPACITY, Host, PeerAddress};
pub use bans::{Ban, BanSubject};
pub use clock::Clock;
pub use data::DATA_CAPACITY;
pub use error::{DatabaseError, Error, Result};
pub use history::History;
pub use manager::{PeerManager, Purpose};
pub use netgroup::NameGroups;
pub use network::Networks;
pub use options::{Durability, OnCorrupt, Options};
pub use peer::{
    BackOffUpdate, MAX_BACKOFF_EXPONENT, MAX_FAILURES, PeerRecord, REALLY_DEAD, SECONDS_PER_BACKOFF,
    StoredPeerType, TypeUpdate, apply_backoff_update, apply_type_update, compute_backoff, get_type_update,
};
pub use query::{MAX_SENIORITY, MAX_SHARE_KEY, PeerQuery, PeerTypeFilter};
pub use reach::Reach;
pub use stats::Stats;
// So that a program has the version whose connections this crate takes.
#[cfg(feature = "rusqlite")]
pub use rusqlite;
#[cfg(feature = "rusqlite")]
pub use store::load_all_from_db;
pub use store::{Quarantine, SCHEMA};
pub use table::Snapshot;
