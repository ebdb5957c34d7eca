//! Services of the operating system that the standard library does not offer: calls out of Rust, where the rest of `ffi`
//! is calls into it.
//!
//! It is below `store` and `manager`, and knows nothing of peers. Everything here is safe to call; each `unsafe` block is
//! one call, with the reason why its arguments are right.

pub(crate) mod fault;
pub(crate) mod files;
pub(crate) mod pages;
pub(crate) mod prefetch;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod time;
#[cfg(windows)]
pub(crate) mod windows;
