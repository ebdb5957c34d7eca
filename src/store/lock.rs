//! The lock file next to a database, which keeps other managers away, those of older versions included.
//!
//! The database file itself is locked as well, by its inode ([`hold`](super::hold)). This lock is taken first, because
//! the other one means opening the database, and closing a descriptor of a file drops all locks of SQLite's that this
//! process has on it
//! (<https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>).
//! On Windows this lock is the only one, and enough: a file that is open can be neither deleted nor renamed there, the lock
//! file included, and a database that has several names is refused.
//!
//! Only managers look at either lock: other programs may read and write the database meanwhile, under SQLite's own locks.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::companions;
use crate::error::{Error, Result};
use crate::system::files;
#[cfg(unix)]
use crate::system::process::{CloseInChildren, close_in_children};

/// The lock, until it is dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    /// First, so that it is dropped before the descriptor is closed and its number is reused.
    #[cfg(unix)]
    _in_children: CloseInChildren,
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock of the database at `database`, unless another manager has it.
    pub(super) fn try_acquire(database: &Path, action: &str) -> Result<Option<Self>> {
        let path = companions::sibling(database, "-lock");
        let failed = |error: io::Error| match std::fs::symlink_metadata(&path) {
            Ok(_) => companions::cannot_use(action, "lock file", &path, &error),
            // It cannot be created.
            Err(_) => Error::io(action, &error),
        };
        let Some(file) = open(&path, database).map_err(failed)? else { return Ok(None) };
        Self::take(file, &path).map_err(failed)
    }

    /// Locks the file that was opened at `path`, unless another manager has locked it or it is no longer there.
    fn take(file: File, path: &Path) -> io::Result<Option<Self>> {
        match files::try_lock(&file) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            // On a file system without locks, opening the database fails later, with SQLite's reason.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
        // The manager that held it before may have removed the file that we opened, and then a third may lock a new one.
        Ok(is_at(&file, path).then(|| Self {
            #[cfg(unix)]
            _in_children: close_in_children(std::os::fd::AsRawFd::as_raw_fd(&file)),
            file,
            path: path.to_owned(),
        }))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Only our own: the directory may have been renamed or replaced, or the process may have called chroot.
        // On Windows, closing it removes it.
        if cfg!(unix) && is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
        files::unlock(&self.file);
    }
}

/// Opens the lock file, or creates it if there is none. `None` if another process created it in between.
#[cfg(unix)]
fn open(path: &Path, database: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
    // A link in its place would make us create a file somewhere else, and a pipe would make us wait. Opening it for
    // reading is enough to lock it.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) if file.metadata()?.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return files::above_standard(opened?).map(Some),
    }
    // It gets the mode of the database, as SQLite's own files do, and from root the owner and the group. If we are not root,
    // another user who may write to the database may be refused the lock file; the error then names it.
    let database = std::fs::metadata(database).ok();
    let mode = database.as_ref().map_or(0o644, |database| database.mode() & 0o666);
    let flags = flags | libc::O_CREAT | libc::O_EXCL;
    let file = match OpenOptions::new().read(true).custom_flags(flags).mode(mode).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        opened => files::above_standard(opened?)?,
    };
    if let Some(database) = database {
        // Failures do not matter: the lock is ours, and in some containers root may not do this.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(mode));
        let _ = companions::give_owner_of(&database, &file);
    }
    Ok(Some(file))
}

/// Opens the lock file, or creates it if there is none. `None` if another manager has it open: there, that is the lock. No
/// other handle can be opened meanwhile, so the file can be neither deleted nor renamed; and when ours is closed, if only
/// because the process was killed, the system deletes the file.
#[cfg(windows)]
fn open(path: &Path, _database: &Path) -> io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt as _;

    use crate::system::windows::{FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_OPEN_REPARSE_POINT, is_in_use};
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.is_symlink() => return Err(io::ErrorKind::InvalidInput.into()),
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).share_mode(0);
    options.custom_flags(FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OPEN_REPARSE_POINT);
    let mut attempts = 0..ATTEMPTS;
    loop {
        match options.open(path) {
            Err(error) if is_in_use(&error) => return Ok(None),
            // A file that is just being deleted is refused as well.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && attempts.next().is_some() => {
                std::thread::sleep(super::file::RETRY);
            }
            opened => return opened.map(Some),
        }
    }
}

/// How often the lock file is tried again when the system refuses it.
#[cfg(windows)]
const ATTEMPTS: u32 = 10;

#[cfg(not(any(unix, windows)))]
fn open(path: &Path, _database: &Path) -> io::Result<Option<File>> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map(Some)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    let identity =
        |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|m| files::Status::of(&m).identity);
    let ours = identity(file.metadata());
    ours.is_some() && identity(std::fs::symlink_metadata(path)) == ours
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    // Nothing removes it while it is open.
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_removed_after_it_was_opened_is_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("peers.db");
        let path = directory.path().join("peers.db-lock");
        let opened = open(&path, &database).unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(FileLock::take(opened, &path).unwrap().is_none());
        let (first, second) =
            (open(&path, &database).unwrap().unwrap(), open(&path, &database).unwrap().unwrap());
        let lock = FileLock::take(first, &path).unwrap().unwrap();
        // Its file goes with it, and the next manager's is another one.
        drop(lock);
        let next = FileLock::try_acquire(&database, "cannot open it").unwrap().unwrap();
        assert!(FileLock::take(second, &path).unwrap().is_none());
        drop(next);
        assert!(!path.exists());
    }

    #[test]
    fn the_lock_file_of_another_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("peers.db");
        let lock = FileLock::try_acquire(&database, "cannot open it").unwrap().unwrap();
        std::fs::remove_file(&lock.path).unwrap();
        let next = FileLock::try_acquire(&database, "cannot open it").unwrap().unwrap();
        let path = lock.path.clone();
        drop(lock);
        assert!(path.exists());
        assert!(FileLock::try_acquire(&database, "cannot open it").unwrap().is_none());
        drop(next);
        assert!(!path.exists());
    }
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_cannot_be_removed_and_goes_with_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("peers.db");
        let path = directory.path().join("peers.db-lock");
        let lock = FileLock::try_acquire(&database, "cannot open it").unwrap().unwrap();
        assert!(std::fs::remove_file(&path).is_err());
        assert!(std::fs::rename(&path, directory.path().join("elsewhere")).is_err());
        assert!(FileLock::try_acquire(&database, "cannot open it").unwrap().is_none());
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_file_that_was_left_is_no_obstacle_and_a_directory_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("peers.db");
        let path = directory.path().join("peers.db-lock");
        std::fs::write(&path, "left").unwrap();
        drop(FileLock::try_acquire(&database, "cannot open it").unwrap().unwrap());
        assert!(!path.exists());
        std::fs::create_dir(&path).unwrap();
        let error = FileLock::try_acquire(&database, "cannot open it").unwrap_err().to_string();
        assert!(error.contains("lock file \"peers.db-lock\""), "{error}");
    }
}
