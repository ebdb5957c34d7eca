//! What the operating system is asked for that the standard library does not offer: calls out of Rust, as the rest of
//! `ffi` is calls into it.
//!
//! It stands at the bottom, below `store` and `manager`, and knows nothing of peers. Everything here is safe to call; each
//! `unsafe` block is one call, with the reason why its arguments are right.

pub(crate) mod fault;
pub(crate) mod files;
pub(crate) mod prefetch;
pub(crate) mod process;
pub(crate) mod signals;
