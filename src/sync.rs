//! Locks, atomics and threads: the standard library's, or, under `--cfg shuttle`, those of the model checker that explores
//! their interleavings (`tests/interleavings`).

/// An atomic that the model checker does not see. Where the processor has no 64-bit atomics, it is made with locks.
#[cfg(not(target_has_atomic = "64"))]
pub(crate) use portable_atomic::AtomicU64 as PlainAtomicU64;
#[cfg(target_has_atomic = "64")]
pub(crate) use std::sync::atomic::AtomicU64 as PlainAtomicU64;

#[cfg(not(shuttle))]
mod real {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::{Duration, Instant};

    pub(crate) use super::PlainAtomicU64 as AtomicU64;
    pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use std::thread::{self, JoinHandle};

    /// Waits until the threads that wait for a lock which was just released have had time to wake up and take it. Yielding is
    /// not enough: where no other thread runs yet, it returns at once.
    pub(crate) fn let_others_in() {
        thread::sleep(Duration::from_micros(50));
    }

    /// A lock that is poisoned when the thread that holds it panics.
    pub(crate) trait Lock {
        /// Whether that has happened. Cost: an atomic load.
        fn is_poisoned(&self) -> bool;
    }

    impl<T> Lock for Mutex<T> {
        fn is_poisoned(&self) -> bool {
            Self::is_poisoned(self)
        }
    }

    impl<T> Lock for RwLock<T> {
        fn is_poisoned(&self) -> bool {
            Self::is_poisoned(self)
        }
    }

    /// Runs a thread's body, and returns whether it ended without a panic. What a panic leaves half done must not be
    /// used afterwards.
    pub(crate) fn ends_without_panic(body: impl FnOnce()) -> bool {
        catch_unwind(AssertUnwindSafe(body)).is_ok()
    }

    /// Waits for this long, or until `is_over` is set; the thread that sets it unparks this one.
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

    pub(crate) fn let_others_in() {
        thread::yield_now();
    }

    /// Locks are never poisoned under the checker: it ends the test when a thread panics.
    pub(crate) trait Lock {
        fn is_poisoned(&self) -> bool {
            false
        }
    }

    impl<T> Lock for Mutex<T> {}

    impl<T> Lock for RwLock<T> {}

    /// The checker must see the panic.
    pub(crate) fn ends_without_panic(body: impl FnOnce()) -> bool {
        body();
        true
    }

    /// No time passes in the model: the wait ends whenever the schedule says. Like a real wait, it uses up an `unpark` that
    /// comes before its end; otherwise the check would not notice one that is missing.
    pub(crate) fn sleep_unless(is_over: &AtomicBool, _: Duration) {
        if !is_over.load(Ordering::SeqCst) {
            thread::yield_now();
            thread::current().unpark();
            thread::park();
        }
    }
}

/// Whether a thread has panicked while it held the lock.
pub(crate) fn is_poisoned(lock: &impl Lock) -> bool {
    lock.is_poisoned()
}

#[cfg(shuttle)]
pub(crate) use model::*;
#[cfg(not(shuttle))]
pub(crate) use real::*;
