//! The panic boundary behind which every exported function runs, and what errors become in C.
//!
//! A panic is a bug in this library. It is caught here, so that it never unwinds into the caller's frames. Every later
//! call on the manager that it happened in returns INTERNAL, because what is in memory can no longer be trusted. The same
//! holds after a panic of the manager's own thread.

use std::sync::atomic::Ordering;

pub(super) use super::catch::answer;
use super::catch::{catch, discard};
use super::error::{PEER_MANAGER_OK, peer_manager_error, peer_manager_status, status_of};
use super::handle;
use super::opaque::peer_manager;
use crate::error::{Error, Result};
use crate::manager::PeerManager;

/// Runs a function that can fail and that needs no manager.
pub(super) unsafe fn call(
    function: &'static str,
    error: *mut peer_manager_error,
    body: impl FnOnce() -> Result<()>,
) -> peer_manager_status {
    let result =
        handle::check_alignment(error, "error").and_then(|()| catch(function, body).unwrap_or_else(Err));
    // SAFETY: by contract `error` is NULL or valid.
    unsafe { report(result, error) }
}

/// Runs a function of a manager that can fail. One copy of the code for all of them.
pub(super) unsafe fn call_on(
    function: &'static str,
    pm: *const peer_manager,
    error: *mut peer_manager_error,
    body: impl FnOnce(&PeerManager) -> Result<()>,
) -> peer_manager_status {
    let mut body = Some(body);
    let mut once = |manager: &PeerManager| body.take().map_or(Ok(()), |body| body(manager));
    // SAFETY: the caller keeps the same contract.
    unsafe { call_on_out_of_line(function, pm, error, &mut once) }
}

#[inline(never)]
unsafe fn call_on_out_of_line(
    function: &'static str,
    pm: *const peer_manager,
    error: *mut peer_manager_error,
    body: &mut dyn FnMut(&PeerManager) -> Result<()>,
) -> peer_manager_status {
    // SAFETY: the caller keeps the same contract.
    unsafe { call_on_inlined(function, pm, error, body) }
}

/// The same for the functions of which a node calls many in a second: each has a copy of its own.
#[inline]
pub(super) unsafe fn call_on_inlined(
    function: &'static str,
    pm: *const peer_manager,
    error: *mut peer_manager_error,
    body: impl FnOnce(&PeerManager) -> Result<()>,
) -> peer_manager_status {
    let mut failure = None;
    // SAFETY: by contract `pm` is NULL or a manager.
    match handle::check_alignment(error, "error").and_then(|()| unsafe { handle::input(pm, "pm") }) {
        Err(unusable) => failure = Some(unusable),
        Ok(pm) if pm.is_broken.load(Ordering::Acquire) => failure = Some(Error::poisoned()),
        Ok(pm) => {
            // The result is not passed on as it is: errors are large, and moving one that is not there takes time.
            let run = || {
                failure = pm.manager.check_health().and_then(|()| body(&pm.manager)).err();
            };
            if let Err(defect) = catch(function, run) {
                pm.is_broken.store(true, Ordering::Release);
                failure = Some(defect);
            }
        }
    }
    match failure {
        None => PEER_MANAGER_OK,
        // SAFETY: by contract `error` is NULL or valid.
        Some(failure) => unsafe { report_failure(failure, error) },
    }
}

/// Like [`answer`], of a manager; `neutral` also when there is none or it is broken.
pub(super) unsafe fn answer_on<T>(
    function: &'static str,
    pm: *const peer_manager,
    neutral: T,
    body: impl FnOnce(&PeerManager) -> T,
) -> T {
    // SAFETY: by contract `pm` is NULL or a manager.
    let Some(pm) = (unsafe { handle::any(pm) }) else { return neutral };
    if pm.is_broken.load(Ordering::Acquire) {
        return neutral;
    }
    if let Err(poisoned) = pm.manager.check_health() {
        discard(poisoned);
        return neutral;
    }
    catch(function, || body(&pm.manager)).unwrap_or_else(|defect| {
        pm.is_broken.store(true, Ordering::Release);
        discard(defect);
        neutral
    })
}

unsafe fn report(result: Result<()>, error: *mut peer_manager_error) -> peer_manager_status {
    match result {
        Ok(()) => PEER_MANAGER_OK,
        // SAFETY: the caller keeps the same contract.
        Err(failure) => unsafe { report_failure(failure, error) },
    }
}

#[cold]
#[inline(never)]
#[expect(clippy::needless_pass_by_value, reason = "it is dropped here, not in each function")]
unsafe fn report_failure(failure: Error, error: *mut peer_manager_error) -> peer_manager_status {
    if !error.is_null() {
        // SAFETY: by contract `error` is valid; it need not be aligned, so that its own misalignment can be reported.
        unsafe { error.write_unaligned(peer_manager_error::from(&failure)) };
    }
    status_of(&failure)
}
