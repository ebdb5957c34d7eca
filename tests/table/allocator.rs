//! The allocator of this test program: the system's, which counts what is in use, and refuses large blocks when it is told
//! to, on the thread that tells it.
#![expect(unsafe_code, reason = "an allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Blocks of at least this size are large. Smaller ones are never refused: the library promises nothing about them.
pub(crate) const LARGE: usize = 9 << 10;

/// Which large blocks are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// None.
    Never,
    /// The one after so many others.
    Once(usize),
    /// All after so many.
    From(usize),
}

static IN_USE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The calls of this thread: the test harness has threads of its own, which may allocate at any time.
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static REFUSAL: Cell<Refusal> = const { Cell::new(Refusal::Never) };
    static REFUSED: Cell<usize> = const { Cell::new(0) };
}

struct Watched;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// The bytes that the whole process has in use.
pub(crate) fn bytes_in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// How often this asks the allocator for memory.
pub(crate) fn calls<T>(ask: impl FnOnce() -> T) -> usize {
    let before = CALLS.get();
    let answer = ask();
    let calls = CALLS.get() - before;
    drop(answer);
    calls
}

fn is_refused(size: usize) -> bool {
    if size < LARGE {
        return false;
    }
    let (is_refused, next) = match REFUSAL.get() {
        Refusal::Once(0) => (true, Refusal::Never),
        Refusal::From(0) => (true, Refusal::From(0)),
        Refusal::Once(others) => (false, Refusal::Once(others - 1)),
        Refusal::From(others) => (false, Refusal::From(others - 1)),
        Refusal::Never => (false, Refusal::Never),
    };
    REFUSAL.set(next);
    REFUSED.set(REFUSED.get() + usize::from(is_refused));
    is_refused
}

// SAFETY: every call is the system allocator's with the same arguments, or fails, which callers must expect.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_refused(layout.size()) {
            return ptr::null_mut();
        }
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if is_refused(new_size) {
            return ptr::null_mut();
        }
        IN_USE.fetch_add(new_size, Ordering::Relaxed);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        CALLS.set(CALLS.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Does something while memory is refused; says how often it was. A block that is refused where there is no way to say so
/// ends the process.
pub(crate) fn refusing<T>(refusal: Refusal, call: impl FnOnce() -> T) -> (T, usize) {
    REFUSED.set(0);
    REFUSAL.set(refusal);
    let answer = call();
    REFUSAL.set(Refusal::Never);
    (answer, REFUSED.get())
}
