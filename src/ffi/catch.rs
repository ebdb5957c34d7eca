//! Catching panics, below [`boundary`](super::boundary): for what needs no manager and reports no error.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};
use crate::system::fault::inject_panic;

/// Runs a function that has no way to report failure; `neutral` is its answer after a panic.
pub(super) fn answer<T>(function: &'static str, neutral: T, body: impl FnOnce() -> T) -> T {
    catch(function, body).unwrap_or_else(|defect| {
        discard(defect);
        neutral
    })
}

/// Runs a function, and returns a panic in it as an error.
#[inline]
pub(super) fn catch<T>(function: &'static str, body: impl FnOnce() -> T) -> Result<T> {
    // Unwind safety: whatever the panic left half done belongs to a manager, which is not used again.
    catch_unwind(AssertUnwindSafe(|| {
        inject_panic(function);
        body()
    }))
    .map_err(|panic| defect(function, panic))
}

/// Drops an error that cannot be reported; one copy, out of the way of the calls that succeed.
#[cold]
#[inline(never)]
pub(super) fn discard(_: Error) {}

#[cold]
#[inline(never)]
#[expect(clippy::needless_pass_by_value, reason = "it is dropped here, not in each function")]
fn defect(function: &str, panic: Box<dyn Any + Send>) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::Internal(format!("{function} panicked ({message}), a bug in peer_manager: please report it"))
}
