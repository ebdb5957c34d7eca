//! Where files have no inodes that could be told apart and locked, the lock file alone keeps other managers away, and the
//! system keeps a file that is open from being deleted or renamed.

use std::path::Path;

use crate::error::Result;

/// A database file that is ours.
#[derive(Debug)]
pub(super) struct Hold {
    /// Whether there was no such file.
    pub(super) is_new: bool,
}

impl Hold {
    #[expect(clippy::unnecessary_wraps, reason = "as it is elsewhere")]
    pub(super) fn try_acquire(path: &Path, _action: &str) -> Result<Option<Self>> {
        Ok(Some(Self { is_new: !path.exists() }))
    }

    pub(super) fn is_in_use(&self) -> bool {
        true
    }
}
