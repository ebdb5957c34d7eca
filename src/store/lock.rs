//! One manager to a file: a lock that the system drops when the process ends, however it ends.
//!
//! It is held on a file of its own beside the database. The database itself cannot carry it: closing a second
//! descriptor of that file would drop the locks of SQLite's in this process
//! (<https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>).
//! Only managers look at it; other programs may read the database meanwhile.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::open::RETRY;
use crate::error::{Error, Result};
#[cfg(unix)]
use crate::system::process::{CloseInChildren, close_in_children};

/// The lock, until it is dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    /// First, so that it is dropped before the descriptor is closed and its number is another file's.
    #[cfg(unix)]
    _in_children: CloseInChildren,
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Waits at most `timeout` for another manager to let go of the database at `path`, which messages call `name`.
    pub(super) fn acquire(path: &Path, name: &str, timeout: Duration) -> Result<Self> {
        let path = super::beside(path, "-lock");
        let began = Instant::now();
        loop {
            match Self::try_acquire(&path) {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) if began.elapsed() < timeout => std::thread::sleep(RETRY),
                Ok(None) => return Err(Error::in_use(format!("cannot open {name}"))),
                Err(error) => return Err(Error::io(format!("cannot open {name}"), &error)),
            }
        }
    }

    /// The lock, unless somebody else has it.
    fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        // Should it be a pipe, to open it for writing alone would wait for a reader.
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            // A file system without locks can have no second manager on another machine either way.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Who had it before may have removed the file that we opened: then another may lock the next one.
        Ok(is_at(&file, path)?.then(|| Self {
            #[cfg(unix)]
            _in_children: close_in_children(std::os::fd::AsRawFd::as_raw_fd(&file)),
            file,
            path: path.to_owned(),
        }))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // While the lock is held the file is ours. Where it cannot be removed it stays, and does no harm.
        if cfg!(unix) {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    // There the file is not removed.
    Ok(true)
}
