//! Pages of memory.

/// From this size on, an array is large: some pages of the larger size.
const LARGE: usize = 4 << 20;

/// Whether this many bytes are better off in large pages.
pub(crate) fn is_large(bytes: usize) -> bool {
    bytes >= LARGE
}

/// Asks the system for large pages for an array that is large, before it is filled. It is only a request: where the system has
/// none, nothing changes.
///
/// A look-up leads to memory anywhere in the table, and with pages of 4 KiB the processor must first look up most of those
/// pages, too, which takes as long again.
pub(crate) fn prefer_large_pages<T>(array: &mut Vec<T>) {
    let bytes = array.capacity().saturating_mul(size_of::<T>());
    if is_large(bytes) {
        advise(array.as_mut_ptr().cast(), bytes);
    }
}

#[cfg(target_os = "linux")]
fn advise(start: *mut libc::c_void, bytes: usize) {
    // The smallest that there is. What else is on the first page is not changed either.
    const PAGE: usize = 4096;
    let before = start.addr() % PAGE;
    // SAFETY: the advice changes no memory, and the system checks the addresses.
    unsafe { libc::madvise(start.wrapping_byte_sub(before), bytes + before, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *mut libc::c_void, _: usize) {}
