//! What threads share, from the standard library; or, under `--cfg shuttle`, from the model checker that tries out
//! their interleavings (`tests/interleavings`).

#[cfg(not(shuttle))]
mod real {
    use std::time::{Duration, Instant};

    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use std::thread::{self, JoinHandle};

    /// Lets other readers in again.
    pub(crate) fn downgrade<T>(guard: RwLockWriteGuard<'_, T>) -> RwLockReadGuard<'_, T> {
        RwLockWriteGuard::downgrade(guard)
    }

    /// Waits, unless it is over before: whoever makes it so unparks the thread.
    pub(crate) fn sleep_unless(is_over: &AtomicBool, wait: Duration) {
        let began = Instant::now();
        while let Some(left) = wait.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            if is_over.load(Ordering::SeqCst) {
                return;
            }
            thread::park_timeout(left);
        }
    }
}

#[cfg(shuttle)]
mod model {
    use std::time::Duration;

    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use shuttle::thread::{self, JoinHandle};

    /// The checker has no such thing: other readers stay out.
    pub(crate) fn downgrade<T>(guard: RwLockWriteGuard<'_, T>) -> RwLockWriteGuard<'_, T> {
        guard
    }

    /// No time passes in the model: the wait ends whenever the schedule says. Like a real one it uses up an `unpark`
    /// that comes before its end, or the check would not notice if that was one too few.
    pub(crate) fn sleep_unless(is_over: &AtomicBool, _: Duration) {
        if !is_over.load(Ordering::SeqCst) {
            thread::yield_now();
            thread::current().unpark();
            thread::park();
        }
    }
}

#[cfg(shuttle)]
pub(crate) use model::*;
#[cfg(not(shuttle))]
pub(crate) use real::*;
