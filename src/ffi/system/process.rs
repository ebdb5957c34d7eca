//! Signals and forks.

/// Until it is dropped, a child that is forked closes its copy of a descriptor.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct CloseInChildren;

#[cfg(unix)]
pub(crate) fn close_in_children(_fd: std::os::fd::RawFd) -> CloseInChildren {
    CloseInChildren
}
