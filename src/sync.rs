//! What threads share, from the standard library; or, under `--cfg shuttle`, from the model checker that tries out
//! their interleavings (`tests/interleavings.rs`).

#[cfg(not(shuttle))]
mod real {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use std::thread::{self, JoinHandle};

    /// Lets other readers in again.
    pub(crate) fn downgrade<T>(guard: RwLockWriteGuard<'_, T>) -> RwLockReadGuard<'_, T> {
        RwLockWriteGuard::downgrade(guard)
    }
}

#[cfg(not(shuttle))]
pub(crate) use real::*;
