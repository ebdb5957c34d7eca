//! Where files have no inodes that could be locked, the lock file alone keeps other managers away, and the system keeps a
//! file that is open from being deleted or renamed.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
#[cfg(windows)]
use crate::system::files::Status;

/// A database file that is ours.
#[derive(Debug)]
pub(super) struct Hold {
    /// Whether there was no such file.
    pub(super) is_new: bool,
}

impl Hold {
    /// Takes the file at `path`, or creates it if there is none.
    pub(super) fn try_acquire(path: &Path, action: &str) -> Result<Option<Self>> {
        #[cfg(windows)]
        if let Ok(status) = crate::system::windows::status(path) {
            check_links(status, action)?;
        }
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => Ok(Some(Self { is_new: true })),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Some(Self { is_new: false })),
            Err(error) => Err(Error::io(action, &error)),
        }
    }

    pub(super) fn is_in_use(&self) -> bool {
        true
    }
}

/// Refuses a file that has several names (hard links), because its log can have only one.
#[cfg(windows)]
pub(super) fn check_links(status: Status, action: &str) -> Result<()> {
    if status.links > 1 {
        let detail = format!(
            "the file has {} names (hard links), but its write-ahead log can have only one; remove the others, or copy the \
             file",
            status.links
        );
        return Err(Error::cannot_open(action, detail));
    }
    Ok(())
}
