//! Asking the processor for memory before it is needed.

/// Has what is at a place brought into the cache, and does not wait for it. It changes nothing but the timing.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would cost more than the instruction")]
pub(crate) fn prefetch<T>(place: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(place) = place {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction; it reads nothing into the program, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) }
    }
    // Elsewhere the instruction has no name in the standard library yet.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
