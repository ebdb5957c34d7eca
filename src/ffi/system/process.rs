//! Forks: which process this is, and what a child must not keep of its parent's.
//!
//! A handler that the system runs in each child (`pthread_atfork`) changes a stamp and closes descriptors. So comparing
//! stamps, an atomic load without a system call, shows whether this is still the process in which something began. At the
//! fork, other threads of the parent may have been anywhere, even in the allocator, so the handler takes no lock and calls
//! only what POSIX calls async-signal-safe. A process made by a bare `clone` or `vfork` runs no handlers, and is not
//! distinguished from its parent.

/// A process, to be compared with the current one later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(imp::Mark);

impl Process {
    /// The process that calls this.
    pub(crate) fn current() -> Self {
        Self(imp::mark())
    }

    /// Whether the caller is in this process, and not in a fork of it. Cost: an atomic load.
    pub(crate) fn is_current(self) -> bool {
        self.fork_since().is_none()
    }

    /// A number that is different in every fork of this process and in their forks; `None` in the process itself.
    pub(crate) fn fork_since(self) -> Option<u64> {
        imp::changed(self.0)
    }
}

/// Makes each child that is forked from now on close the descriptor at once, until the returned value is dropped, which
/// must be before the descriptor is closed here. In a child the descriptor's owner must be leaked, not dropped, because
/// its number may be reused by then.
///
/// A lock on a file (`flock`) ends when the last process has closed it. Without this, a child that knows nothing of us
/// would keep the file of a dead parent locked.
#[cfg(unix)]
#[must_use]
pub(crate) fn close_in_children(fd: imp::Descriptor) -> CloseInChildren {
    CloseInChildren { _registered: imp::Registered::new(fd) }
}

/// See [`close_in_children`].
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct CloseInChildren {
    /// Held until it is dropped.
    _registered: imp::Registered,
}

#[cfg(unix)]
mod imp {
    use std::ptr;
    use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

    use super::Process;

    pub(super) type Descriptor = std::os::fd::RawFd;

    /// 0 in a process that was not forked since its program was started; else different from its parent's and from its
    /// siblings'. No larger than the processor's own atomics are, because a lock could be taken at the fork.
    static FORK_STAMP: AtomicUsize = AtomicUsize::new(0);

    fn stamp() -> u64 {
        FORK_STAMP.load(Ordering::Relaxed) as u64
    }

    /// How a process is recognised.
    #[derive(Clone, Copy, Debug)]
    pub(super) enum Mark {
        Stamp(u64),
        /// Where the system had no memory for the handler.
        Pid(u32),
    }

    pub(super) fn mark() -> Mark {
        if is_watched() { Mark::Stamp(stamp()) } else { Mark::Pid(std::process::id()) }
    }

    /// The current stamp, if it is a different one.
    pub(super) fn changed(mark: Mark) -> Option<u64> {
        // Relaxed: only the child's only thread changes the stamp, before it does anything else.
        let (then, now) = match mark {
            Mark::Stamp(then) => (then, stamp()),
            Mark::Pid(pid) => (pid.into(), std::process::id().into()),
        };
        (now != then).then_some(now)
    }

    /// Whether the handler is registered; registers it at the first call. Without a lock, because a fork in the middle would
    /// leave it taken. So two first calls at once may register it twice; its second run in a child changes the stamp once
    /// more and finds no descriptor left to close.
    fn is_watched() -> bool {
        static IS_WATCHED: AtomicBool = AtomicBool::new(false);
        if !IS_WATCHED.load(Ordering::Relaxed) {
            // SAFETY: the handler may run in any child: see there.
            if unsafe { libc::pthread_atfork(None, None, Some(in_child)) } != 0 {
                return false;
            }
            IS_WATCHED.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Runs first in a child. It must not allocate, lock or panic.
    extern "C" fn in_child() {
        let parents = FORK_STAMP.load(Ordering::Relaxed);
        let mixed = mix(mix(parents as u64 ^ u64::from(std::process::id())) ^ nanoseconds());
        #[expect(clippy::cast_possible_truncation, reason = "as many bits of it as there are")]
        let mut stamp = mixed as usize;
        // 0 is for a process that was never forked.
        while stamp == parents || stamp == 0 {
            stamp = stamp.wrapping_add(1);
        }
        FORK_STAMP.store(stamp, Ordering::Relaxed);
        close_registered();
    }

    /// The time of a clock that only goes forward, so that two forks get different ones.
    fn nanoseconds() -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is valid for the one struct that is written. It stays 0 where there is no such clock.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
        #[expect(clippy::cast_sign_loss, reason = "only that it is another one matters")]
        let (seconds, nanoseconds) = (time.tv_sec as u64, time.tv_nsec as u64);
        seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds)
    }

    /// A bijection whose values look random (the finaliser of `SplitMix64`), so that numbers that differ stay different.
    fn mix(mut x: u64) -> u64 {
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// A free place.
    const NONE: i32 = -1;

    /// A place for a descriptor in a linked list. Places are reused and never freed, so that a child can walk the list
    /// whatever another thread was doing to it.
    #[derive(Debug)]
    struct Node {
        fd: AtomicI32,
        next: Option<&'static Node>,
    }

    static NODES: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

    fn first() -> Option<&'static Node> {
        // SAFETY: it is null or a node that was leaked, complete before it was stored (Release) and unchanged but for
        // its atomic.
        unsafe { NODES.load(Ordering::Acquire).as_ref() }
    }

    fn nodes() -> impl Iterator<Item = &'static Node> {
        std::iter::successors(first(), |node| node.next)
    }

    fn close_registered() {
        for node in nodes() {
            let fd = node.fd.swap(NONE, Ordering::Relaxed);
            if fd != NONE {
                // SAFETY: the owner that registered it has it open, and gives it up in this process.
                unsafe { libc::close(fd) };
            }
        }
    }

    /// A descriptor in the list.
    #[derive(Debug)]
    pub(super) struct Registered {
        node: &'static Node,
        process: Process,
    }

    impl Registered {
        pub(super) fn new(fd: Descriptor) -> Self {
            let process = Process::current();
            let take = |node: &&'static Node| {
                node.fd.compare_exchange(NONE, fd, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            };
            let node = nodes().find(take).unwrap_or_else(|| add(fd));
            Self { node, process }
        }
    }

    impl Drop for Registered {
        fn drop(&mut self) {
            // In a child the place is empty, or another one's.
            if self.process.is_current() {
                self.node.fd.store(NONE, Ordering::Relaxed);
            }
        }
    }

    /// Adds a place to the list.
    fn add(fd: Descriptor) -> &'static Node {
        let node = Box::into_raw(Box::new(Node { fd: AtomicI32::new(fd), next: first() }));
        loop {
            // SAFETY: the node is valid, and no other thread can reach it until the exchange succeeds.
            let expected =
                unsafe { (*node).next }.map_or(ptr::null_mut(), |next| ptr::from_ref(next).cast_mut());
            if NODES.compare_exchange(expected, node, Ordering::Release, Ordering::Relaxed).is_ok() {
                // SAFETY: it was leaked, and only its atomic changes from now on.
                return unsafe { &*node };
            }
            // SAFETY: as above, no other thread can reach it yet.
            unsafe { (*node).next = first() };
        }
    }
}

/// No forks.
#[cfg(not(unix))]
mod imp {
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Mark;

    pub(super) fn mark() -> Mark {
        Mark
    }

    pub(super) fn changed(_: Mark) -> Option<u64> {
        None
    }
}
