//! The database file itself, held open: a manager's claim to it, whatever names lead there.
//!
//! The claim is to the inode: within this process by a list of the inodes that are held, towards other processes by a lock
//! on a byte that SQLite does not use. So it survives deletion of the lock file and renaming of the directory.
//!
//! Closing a descriptor of a file drops all POSIX locks that the process has on it, SQLite's included. Ours is closed
//! after the manager's connection, and only when no other descriptor of this process leads to the file; until then it is
//! kept open.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::system::files::{self, Identity, Status};
use crate::system::process::{CloseInChildren, Process, close_in_children};

/// The files that managers of this process hold.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

struct Held {
    process: Process,
    files: HashSet<Identity>,
    /// Those that were open when this process was forked, and have not been released since. SQLite believes that it still
    /// has its locks on them, which only the parent has: a new connection in this process would run without locks.
    inherited: HashSet<Identity>,
}

/// Descriptors that could not be closed yet.
static KEPT: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A claim in the list of this process.
#[derive(Debug)]
struct Claim(Identity);

impl Claim {
    fn try_new(identity: Identity) -> Option<Self> {
        with_held(|held| held.files.insert(identity)).then(|| Self(identity))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        with_held(|held| held.files.remove(&self.0));
    }
}

/// A database file that is ours until this is dropped, which must be after the connection to it.
#[derive(Debug)]
pub(super) struct Hold {
    /// `None` only while this is being dropped.
    file: Option<File>,
    /// Whether we created the file.
    pub(super) is_new: bool,
    claim: Claim,
    in_children: Option<CloseInChildren>,
}

impl Hold {
    /// Takes the file at `path`, or creates it if there is none. `None` if another manager has it, or if another file was
    /// put in its place just now.
    pub(super) fn try_acquire(path: &Path, action: &str) -> Result<Option<Self>> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Error::database(action, "the file may only be read; make it and its directory writable")
            }
            _ => Error::io(action, &error),
        };
        let before = match std::fs::symlink_metadata(path) {
            Ok(metadata) => Some(Status::of(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io(action, &error)),
        };
        let Some(before) = before else {
            return match create(path) {
                Ok(file) => {
                    let status = Status::of(&file.metadata().map_err(failed)?);
                    Self::take(file, status.identity, true, path, action)
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(Error::io(action, &error)),
            };
        };
        check_names(path, before, action)?;
        // Before it is opened, because what is opened must be closed, and that drops locks.
        check_inherited(before, action)?;
        if with_held(|held| held.files.contains(&before.identity)) {
            return Ok(None);
        }
        let file = open(path).map_err(failed)?;
        let opened = Status::of(&file.metadata().map_err(failed)?);
        if opened.identity != before.identity {
            close(file);
            return Ok(None);
        }
        Self::take(file, opened.identity, false, path, action)
    }

    fn take(file: File, identity: Identity, is_new: bool, path: &Path, action: &str) -> Result<Option<Self>> {
        let Some(claim) = Claim::try_new(identity) else {
            close(file);
            return Ok(None);
        };
        let in_children = Some(close_in_children(file.as_raw_fd()));
        // From here on, dropping it undoes everything.
        let hold = Self { file: Some(file), is_new, claim, in_children };
        let Some(file) = &hold.file else { return Ok(None) };
        match files::lock_inode(file) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            // Where there are no such locks, the lock file has to be enough.
            Err(error) if is_unknown(&error) => {}
            Err(error) => {
                if is_new {
                    let _ = std::fs::remove_file(path);
                }
                return Err(Error::io(action, &error));
            }
        }
        let is_there =
            std::fs::symlink_metadata(path).is_ok_and(|there| Status::of(&there).identity == identity);
        Ok(is_there.then_some(hold))
    }

    pub(super) fn identity(&self) -> Identity {
        self.claim.0
    }

    /// The status of the file, wherever it is now.
    pub(super) fn status(&self) -> io::Result<Status> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        file.metadata().map(|metadata| Status::of(&metadata))
    }

    /// Whether a connection has the file open, of this process or another; `true` where that cannot be told.
    pub(super) fn is_in_use(&self) -> bool {
        self.file.as_ref().is_none_or(|file| files::is_in_use(file).unwrap_or(true))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            files::unlock_inode(&file);
            // The number may be reused as soon as the descriptor is closed.
            self.in_children.take();
            close(file);
        }
    }
}

/// Refuses a file that has several names (hard links), because its log can have only one.
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

/// Refuses a file that has several names or is itself a mount point, because its log and its lock file would be elsewhere.
fn check_names(path: &Path, status: Status, action: &str) -> Result<()> {
    check_links(status, action)?;
    if files::is_mount_point(path) {
        return Err(Error::cannot_open(
            action,
            "the file itself is a mount point, so its log and its lock file would not be next to it; mount its directory instead",
        ));
    }
    Ok(())
}

/// Closes a descriptor of a database, or keeps it as long as others in this process lead to the same file.
fn close(file: File) {
    let mut kept = locked(&KEPT);
    kept.push(file);
    let of = |file: &File| file.metadata().map(|metadata| Status::of(&metadata)).ok();
    let all: Vec<Option<Status>> = kept.iter().map(of).collect();
    let open = files::descriptors();
    let mut index = 0;
    kept.retain(|_| {
        let status = all[index];
        index += 1;
        // A deleted file can get no new connection, and the changes of those that it has are lost anyway.
        let Some(status) = status.filter(|status| status.links > 0) else { return false };
        let ours = all.iter().flatten().filter(|other| other.identity == status.identity).count();
        open.iter().filter(|&&other| other == status.identity).count() > ours
    });
}

#[cfg(unix)]
fn is_unknown(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(libc::EINVAL)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    files::above_standard(OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?)
}

/// With the mode that SQLite gives its files.
#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    files::above_standard(OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).open(path)?)
}

/// Refuses a file that was open when this process was forked.
pub(super) fn check_inherited(status: Status, action: &str) -> Result<()> {
    if with_held(|held| held.inherited.contains(&status.identity)) {
        return Err(Error::Unsupported(format!(
            "{action}: this process is a fork of one that had it open; free the peer manager that it inherited first, or open it \
             in a process that was started anew"
        )));
    }
    Ok(())
}

/// Allows a file that was open when this process was forked to be opened again.
pub(super) fn disown(identity: Identity) {
    with_held(|held| held.inherited.remove(&identity));
}

fn with_held<T>(work: impl FnOnce(&mut Held) -> T) -> T {
    let mut held = locked(&HELD);
    let new = || Held { process: Process::current(), files: HashSet::new(), inherited: HashSet::new() };
    let held = held.get_or_insert_with(new);
    if !held.process.is_current() {
        held.process = Process::current();
        held.inherited.extend(held.files.drain());
    }
    work(held)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
