//! Signals: our thread takes none of the application's, and our writes raise none.
//!
//! Each thread has its own mask, so all of this concerns the calling thread and the threads that it starts meanwhile.
//!
//! SIGPIPE needs no care: only a pipe or a socket without a reader raises it, and `store` makes sure that we and SQLite
//! write to regular files only.

/// Runs `work`, usually the start of a thread, with all signals blocked, and then restores the mask, also when `work`
/// panics. A thread inherits the mask of the one that starts it.
pub(crate) fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    let _restored = imp::block_all();
    work()
}

/// Runs `work`, which writes to files, so that it raises no SIGXFSZ: a write beyond `RLIMIT_FSIZE` fails with `EFBIG`,
/// and the process lives on, whatever it does about that signal.
///
/// A SIGXFSZ that was pending before stays pending. Cost: one system call where the size of files is not limited.
pub(crate) fn without_file_size_signal<T>(work: impl FnOnce() -> T) -> T {
    let _restored = imp::block_file_size_signal();
    work()
}

#[cfg(all(unix, not(shuttle)))]
mod imp {
    use std::mem::MaybeUninit;
    use std::ptr;

    use libc::{SIG_BLOCK, SIG_SETMASK, SIGXFSZ, c_int, sigset_t};

    /// The mask of this thread as it was, which it gets back when this is dropped.
    pub(super) struct Restored {
        mask: Option<sigset_t>,
        /// Whether a SIGXFSZ that is pending by then is ours, and must be consumed first.
        takes_file_size_signal: bool,
        /// A mask belongs to a thread: this must not be dropped by another one.
        _not_send: std::marker::PhantomData<*const ()>,
    }

    pub(super) fn block_all() -> Restored {
        Restored::block(&all_signals())
    }

    /// Blocks nothing where the size of files is not limited.
    pub(super) fn block_file_size_signal() -> Restored {
        if !is_file_size_limited() {
            return Restored::nothing();
        }
        let mut restored = Restored::block(&file_size_signal());
        // Our own is raised by this thread's own writes, so it can only become pending from now on.
        restored.takes_file_size_signal = restored.mask.is_some() && !is_file_size_signal_pending();
        restored
    }

    impl Restored {
        fn nothing() -> Self {
            Self { mask: None, takes_file_size_signal: false, _not_send: std::marker::PhantomData }
        }

        /// Blocks these signals in addition to those that are already blocked.
        fn block(signals: &sigset_t) -> Self {
            let mut mask = MaybeUninit::uninit();
            // SAFETY: both point to signal sets, and the second is only written.
            let status = unsafe { libc::pthread_sigmask(SIG_BLOCK, signals, mask.as_mut_ptr()) };
            if status != 0 {
                return Self::nothing();
            }
            // SAFETY: the call has succeeded, so it has written the mask.
            Self { mask: Some(unsafe { mask.assume_init() }), ..Self::nothing() }
        }
    }

    impl Drop for Restored {
        fn drop(&mut self) {
            if self.takes_file_size_signal {
                take_file_size_signal();
            }
            if let Some(mask) = &self.mask {
                // SAFETY: it points to a signal set; no old one is asked for.
                unsafe { libc::pthread_sigmask(SIG_SETMASK, mask, ptr::null_mut()) };
            }
        }
    }

    fn all_signals() -> sigset_t {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the set is initialised by this call, which cannot fail with a valid pointer.
        unsafe {
            libc::sigfillset(set.as_mut_ptr());
            set.assume_init()
        }
    }

    fn file_size_signal() -> sigset_t {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the set is initialised by the first call; neither can fail with a valid pointer and a signal's number.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), SIGXFSZ);
            set.assume_init()
        }
    }

    fn is_file_size_limited() -> bool {
        let mut limit = MaybeUninit::<libc::rlimit>::uninit();
        // SAFETY: the pointer is valid for the one struct that is written.
        let status = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, limit.as_mut_ptr()) };
        // SAFETY: the call has succeeded, so it has written the limit. Where it fails, a limit is assumed.
        status != 0 || unsafe { limit.assume_init() }.rlim_cur != libc::RLIM_INFINITY
    }

    fn is_file_size_signal_pending() -> bool {
        let mut pending = MaybeUninit::uninit();
        // SAFETY: the pointer is valid for the one set that is written.
        let status = unsafe { libc::sigpending(pending.as_mut_ptr()) };
        // SAFETY: the call has succeeded, so it has written the set; the pointer is valid while it is read.
        status == 0 && unsafe { libc::sigismember(pending.as_ptr(), SIGXFSZ) } == 1
    }

    /// Consumes a pending SIGXFSZ, if there is one.
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "netbsd"
    ))]
    fn take_file_size_signal() {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let set = file_size_signal();
        loop {
            // SAFETY: the pointers are valid while they are read; nothing is asked for about the signal.
            let taken: c_int =
                unsafe { libc::sigtimedwait(&raw const set, ptr::null_mut(), &raw const at_once) };
            let was_interrupted =
                taken < 0 && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted;
            if !was_interrupted {
                return;
            }
        }
    }

    /// Consumes a pending SIGXFSZ, if there is one. These systems have no wait with a time limit; but ours is pending for
    /// this thread alone, so no other thread can consume it in between, and waiting for it returns at once.
    #[cfg(not(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "netbsd"
    )))]
    fn take_file_size_signal() {
        if is_file_size_signal_pending() {
            let set = file_size_signal();
            let mut taken: c_int = 0;
            // SAFETY: the pointers are valid, the first while it is read, the second for the one number written.
            unsafe { libc::sigwait(&raw const set, &raw mut taken) };
        }
    }
}

/// No signals; or, under the model checker, no threads of the system's.
#[cfg(not(all(unix, not(shuttle))))]
mod imp {
    pub(super) struct Restored;

    pub(super) fn block_all() -> Restored {
        Restored
    }

    pub(super) fn block_file_size_signal() -> Restored {
        Restored
    }
}
