//! Files, as far as `std::fs` does not reach.

#[cfg(unix)]
use std::ffi::CStr;
use std::fs::File;
use std::io;
#[cfg(unix)]
use std::path::Path;

#[cfg(unix)]
use std::{ffi::CString, mem::MaybeUninit, os::fd::AsRawFd as _, os::unix::ffi::OsStrExt as _};

/// What distinguishes a file from every other one that exists at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// A file's status.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub(crate) identity: Identity,
    #[cfg(unix)]
    pub(crate) length: u64,
    /// How many names it has; 0 once it is deleted.
    pub(crate) links: u64,
}

impl Status {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            identity: Identity { device: metadata.dev(), inode: metadata.ino() },
            length: metadata.len(),
            links: metadata.nlink(),
        }
    }
}

/// Opens a directory for nothing but [`status_at`], which needs no permission to read it.
#[cfg(unix)]
pub(crate) fn open_directory(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const ONLY_A_PLACE: i32 = libc::O_PATH;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const ONLY_A_PLACE: i32 = 0;
    let flags = libc::O_DIRECTORY | libc::O_CLOEXEC | ONLY_A_PLACE;
    above_standard(std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?)
}

/// The same file with a descriptor other than the standard three. If the process had closed one of those, the next file
/// to be opened would get its number, and whatever the process prints would be written to it.
#[cfg(unix)]
pub(crate) fn above_standard(file: File) -> io::Result<File> {
    use std::os::fd::FromRawFd as _;
    if file.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(file);
    }
    // SAFETY: the descriptor is open, and the command takes a number.
    let higher = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
    if higher == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was made just now and nothing else uses it.
    Ok(unsafe { File::from_raw_fd(higher) })
}

/// The files that the descriptors of this process lead to, one for each descriptor.
#[cfg(unix)]
pub(crate) fn descriptors() -> Vec<Identity> {
    #[cfg(target_os = "linux")]
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        // The links are followed; one that was closed meanwhile leads nowhere.
        let statuses = entries.filter_map(|entry| std::fs::metadata(entry.ok()?.path()).ok());
        return statuses.map(|metadata| Status::of(&metadata).identity).collect();
    }
    // Where the system does not list them, as in a chroot, every possible number is tried.
    (0..MOST_DESCRIPTORS).filter_map(identity_of).collect()
}

/// More descriptors than a process may usually have.
#[cfg(unix)]
const MOST_DESCRIPTORS: i32 = 65_536;

#[cfg(unix)]
fn identity_of(descriptor: i32) -> Option<Identity> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: any number may be asked for, and the status has room for one.
    if unsafe { libc::fstat(descriptor, status.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call has succeeded, so it has filled the status in.
    Some(identity(&unsafe { status.assume_init() }))
}

/// The status of what has this name in a directory; a symbolic link is not followed. The directory is the one that was
/// opened, wherever its path leads now: it may have been renamed, or be out of reach after a chroot.
///
/// Linux is not asked for times: after that, it would have to give the next write to the file a new time, and the next
/// fsync would take longer for it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn status_at(directory: &File, name: &CStr) -> io::Result<Status> {
    const MASK: libc::c_uint = libc::STATX_INO | libc::STATX_SIZE | libc::STATX_NLINK;
    let mut status = MaybeUninit::<libc::statx>::uninit();
    // SAFETY: the descriptor is open, the name ends with a NUL, and the status has room for one.
    let done = unsafe {
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        extended_status(directory.as_raw_fd(), name.as_ptr(), flags, MASK, status.as_mut_ptr())
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has filled the status in.
    let status = unsafe { status.assume_init() };
    let device = libc::makedev(status.stx_dev_major, status.stx_dev_minor);
    Ok(Status {
        identity: Identity { device, inode: status.stx_ino },
        length: status.stx_size,
        links: u64::from(status.stx_nlink),
    })
}

/// As on Linux.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn status_at(directory: &File, name: &CStr) -> io::Result<Status> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the descriptor is open, the name ends with a NUL, and the status has room for one.
    let done = unsafe {
        libc::fstatat(directory.as_raw_fd(), name.as_ptr(), status.as_mut_ptr(), libc::AT_SYMLINK_NOFOLLOW)
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has filled the status in.
    let status = unsafe { status.assume_init() };
    #[allow(clippy::unnecessary_cast, reason = "this type differs between systems")]
    let links = status.st_nlink as u64;
    Ok(Status { identity: identity(&status), length: u64::try_from(status.st_size).unwrap_or(0), links })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_cast, reason = "these types differ between systems")]
fn identity(status: &libc::stat) -> Identity {
    Identity { device: status.st_dev as u64, inode: status.st_ino as u64 }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(target_env = "musl")))]
use libc::statx as extended_status;

/// The system call itself: musl has had the function since 1.2.4, and Debian 12 has an older one.
///
/// # Safety
/// As of the function: the name ends with a NUL, and the status has room for one.
#[cfg(all(target_os = "linux", target_env = "musl"))]
unsafe fn extended_status(
    directory: libc::c_int,
    name: *const libc::c_char,
    flags: libc::c_int,
    mask: libc::c_uint,
    status: *mut libc::statx,
) -> libc::c_long {
    // SAFETY: the caller's promise is what the call asks for.
    unsafe { libc::syscall(libc::SYS_statx, directory, name, flags, mask, status) }
}

/// Whether something is mounted at a path, as containers do with single files; `false` where the system does not say.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_mount_point(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let mut status = MaybeUninit::<libc::statx>::uninit();
    // SAFETY: the path ends with a NUL, and the status has room for one.
    let done = unsafe {
        extended_status(libc::AT_FDCWD, path.as_ptr(), libc::AT_SYMLINK_NOFOLLOW, 0, status.as_mut_ptr())
    };
    if done != 0 {
        return false;
    }
    // SAFETY: the call has succeeded, so it has filled the status in.
    let status = unsafe { status.assume_init() };
    let mount_root = u64::from(libc::STATX_ATTR_MOUNT_ROOT as u32);
    status.stx_attributes & status.stx_attributes_mask & mount_root != 0
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn is_mount_point(_path: &Path) -> bool {
    false
}

/// Whether this process may write to a file, found out without opening it: closing it again would drop locks.
///
/// # Errors
/// Any reason but a lack of permission, such as a read-only file system.
#[cfg(unix)]
pub(crate) fn may_write(path: &Path) -> io::Result<bool> {
    // Android's C library refuses the flag; its programs do not change their effective user.
    #[cfg(target_os = "android")]
    const FLAGS: i32 = 0;
    #[cfg(not(target_os = "android"))]
    const FLAGS: i32 = libc::AT_EACCESS;
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path ends with a NUL.
    let done = unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, FLAGS) };
    if done == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        error => Err(error),
    }
}

/// Has the drive write out what a file holds, or the names that a directory holds.
pub(crate) fn fsync(file: &File) -> io::Result<()> {
    let done = file.sync_all();
    // On Apple's systems the standard library asks for `F_FULLFSYNC`, which not every file system has.
    #[cfg(target_vendor = "apple")]
    if done.is_err() {
        // SAFETY: the descriptor is open.
        return if unsafe { libc::fsync(file.as_raw_fd()) } == 0 { Ok(()) } else { done };
    }
    done
}

/// Locks a file, until it is unlocked or its last descriptor is closed; `false` if another open file has it locked.
///
/// The standard library has the same, but not yet in the oldest version of Rust that we want to be built with.
///
/// # Errors
/// `Unsupported` where there are no such locks, and what the file system says.
#[cfg(all(unix, not(target_os = "solaris")))]
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        error => Err(error),
    }
}

#[cfg(target_os = "solaris")]
pub(crate) fn try_lock(_file: &File) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(crate) fn try_lock(_file: &File) -> io::Result<bool> {
    // Having it open is the lock.
    Ok(true)
}

/// Ends the lock at once, also where a child process has the same open file.
#[cfg(all(unix, not(target_os = "solaris")))]
pub(crate) fn unlock(file: &File) {
    // SAFETY: the descriptor is open.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) };
}

#[cfg(not(all(unix, not(target_os = "solaris"))))]
pub(crate) fn unlock(_file: &File) {}

/// Clears this thread's last error, so that the next one seen is not an old one.
#[cfg(unix)]
pub(crate) fn forget_last_error() {
    #[cfg(any(target_os = "solaris", target_os = "illumos"))]
    use libc::___errno as location;
    #[cfg(any(target_os = "netbsd", target_os = "openbsd", target_os = "android"))]
    use libc::__errno as location;
    #[cfg(any(
        target_os = "linux",
        target_os = "emscripten",
        target_os = "fuchsia",
        target_os = "hurd"
    ))]
    use libc::__errno_location as location;
    #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"))]
    use libc::__error as location;
    // SAFETY: the function returns where this thread has its error number.
    unsafe { *location() = 0 };
}

#[cfg(windows)]
pub(crate) use super::windows::forget_last_error;

#[cfg(not(any(unix, windows)))]
pub(crate) fn forget_last_error() {}

/// The bytes of a database that SQLite locks (<https://www.sqlite.org/src/file/src/os.h>, `PENDING_BYTE`); ours is beyond
/// them.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SQLITE_LOCKS: (i32, i32) = (0x4000_0000, 512);
#[cfg(any(target_os = "linux", target_os = "android"))]
const OUR_LOCK: (i32, i32) = (0x4000_1000, 1);

/// Locks a byte of a file that SQLite does not use, unless another descriptor has locked it. The lock belongs to this
/// descriptor, not to the process, and ends when the last copy of the descriptor is closed.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where there are no such locks.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn lock_inode(file: &File) -> io::Result<bool> {
    match record_lock(file, libc::F_OFD_SETLK, libc::F_WRLCK, OUR_LOCK) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Releases the lock, also for copies of the descriptor that a forked process may have.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn unlock_inode(file: &File) {
    // If this fails, closing the descriptor releases it.
    let _ = record_lock(file, libc::F_OFD_SETLK, libc::F_UNLCK, OUR_LOCK);
}

/// Whether any process, this one included, has one of SQLite's locks on a file: a connection that uses the write-ahead log
/// always has one.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_in_use(file: &File) -> io::Result<bool> {
    record_lock(file, libc::F_OFD_GETLK, libc::F_WRLCK, SQLITE_LOCKS).map(|found| found != libc::F_UNLCK)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn record_lock(file: &File, command: i32, kind: i32, (start, length): (i32, i32)) -> io::Result<i32> {
    // The struct for fcntl: where offsets have 32 bits, glibc reads one of these for every command. Android passes on what it
    // is given, and Linux reads the other.
    #[cfg(target_os = "linux")]
    use libc::flock as Lock;
    #[cfg(target_os = "android")]
    use libc::flock64 as Lock;
    // SAFETY: all zeros is a value of this struct of numbers.
    let mut lock: Lock = unsafe { std::mem::zeroed() };
    lock.l_type = i16::try_from(kind).unwrap_or_default();
    lock.l_whence = i16::try_from(libc::SEEK_SET).unwrap_or_default();
    lock.l_start = start.into();
    lock.l_len = length.into();
    // SAFETY: the descriptor is open, and these commands take a lock.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(i32::from(lock.l_type)) }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn lock_inode(_file: &File) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn unlock_inode(_file: &File) {}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn is_in_use(_file: &File) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Where the first data at or after `offset` begin, skipping the holes of a sparse file; `None` if there are none up to its
/// end. Where the system cannot tell, that is `offset` itself, and a hole is read as zeros.
///
/// Moves the position of `file`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn next_data(file: &File, offset: u64) -> io::Result<Option<u64>> {
    use std::os::fd::AsRawFd as _;

    // More than a file can be long.
    let Ok(from) = libc::off_t::try_from(offset) else { return Ok(None) };
    // SAFETY: the call takes numbers only, and the descriptor is open as long as `file` is borrowed.
    let at = unsafe { libc::lseek(file.as_raw_fd(), from, libc::SEEK_DATA) };
    if let Ok(at) = u64::try_from(at) {
        return Ok(Some(at));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENXIO) => Ok(None),
        // An old file system, or one over the network.
        Some(libc::EINVAL | libc::EOPNOTSUPP) => Ok(Some(offset)),
        _ => Err(error),
    }
}

/// Where the first data at or after `offset` begin. Holes are not looked for on this system, so that is `offset` itself, and
/// a hole is read as zeros.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that can say")]
pub(crate) fn next_data(_: &File, offset: u64) -> io::Result<Option<u64>> {
    Ok(Some(offset))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Seek as _, SeekFrom, Write as _};

    use super::next_data;

    #[test]
    fn holes_are_skipped_and_what_is_behind_them_is_found() {
        const FAR: u64 = 1 << 36;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 4096]).unwrap();
        file.seek(SeekFrom::Start(FAR)).unwrap();
        file.write_all(&[2; 4096]).unwrap();
        file.set_len(FAR * 2).unwrap();
        assert_eq!(next_data(&file, 0).unwrap(), Some(0));
        let found = next_data(&file, 1 << 20).unwrap().unwrap();
        if found == 1 << 20 {
            println!("skipped: this file system does not tell where its holes are");
            return;
        }
        // File systems keep data in blocks of different sizes.
        assert!(found <= FAR && found > FAR - (1 << 20), "{found}");
        assert_eq!(next_data(&file, FAR + (1 << 20)).unwrap(), None);
        assert_eq!(next_data(&file, FAR * 4).unwrap(), None);
    }
}
