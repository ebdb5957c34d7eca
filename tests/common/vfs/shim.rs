//! The VFS itself: SQLite's own, with every call on a watched file judged first and noted afterwards.
//!
//! A watched file is never synchronised in earnest, because what that would bring about is in the model, and tests
//! do it thousands of times. No function here panics, and one that did would end the process rather than unwind
//! into SQLite.
#![expect(unsafe_code, reason = "a VFS is a table of C functions")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Once};

use super::disk::Event;
use super::{Kind, Verdict, Watch};
use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

/// The VFS that was the default one before.
static REAL: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// The bits of a synchronisation's flags that say of which kind it is.
const SYNC_KINDS: c_int = 0x0f;

/// The head of a file; that of the real VFS follows it in memory.
#[repr(C)]
struct Shim {
    base: sqlite3_file,
    /// Owned; null for a file that is not watched.
    watched: *mut Watched,
}

struct Watched {
    watch: Arc<Watch>,
    name: String,
    /// Whether its first synchronisation includes the directory, as with a new journal.
    synchronises_directory: AtomicBool,
}

impl Watched {
    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Makes this VFS the one that connections use which ask for none.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: SQLite's VFS lives as long as the process, and so does the one made here. Those of its methods that
        // are the real one's find the real one's `pAppData` in it, and make no other use of it.
        unsafe {
            let real = ffi::sqlite3_vfs_find(ptr::null());
            REAL.store(real, Ordering::SeqCst);
            let mut shim = Box::new(*real);
            shim.szOsFile += c_int::try_from(size_of::<Shim>()).unwrap_or(0);
            shim.pNext = ptr::null_mut();
            shim.zName = c"failing".as_ptr();
            shim.xOpen = Some(open);
            shim.xDelete = Some(delete);
            shim.xAccess = Some(access);
            let _ = ffi::sqlite3_vfs_register(Box::into_raw(shim), 1);
        }
    });
}

/// Sets the number that `errno` has in C.
pub(super) fn set_errno(errno: i32) {
    #[cfg(any(target_os = "solaris", target_os = "illumos"))]
    use libc::___errno as location;
    #[cfg(any(target_os = "netbsd", target_os = "openbsd", target_os = "android"))]
    use libc::__errno as location;
    #[cfg(target_os = "linux")]
    use libc::__errno_location as location;
    #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"))]
    use libc::__error as location;
    // SAFETY: the function returns where this thread has its error number.
    unsafe { *location() = errno };
}

/// The name of the real VFS.
pub(super) fn real_name() -> &'static CStr {
    register();
    // SAFETY: it was stored at registration and lives as long as the process, with its name.
    unsafe { CStr::from_ptr((*REAL.load(Ordering::SeqCst)).zName) }
}

/// The real file behind a shim.
///
/// # Safety
/// `file` is one that SQLite has allocated for this VFS.
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: `szOsFile` has room for both, and the size of the first is a multiple of a pointer's.
    unsafe { file.cast::<Shim>().add(1).cast() }
}

/// Who watches a file, and its name, if anybody does.
///
/// # Safety
/// `file` is open, and stays so while the result is used.
unsafe fn watched<'a>(file: *mut sqlite3_file) -> Option<&'a Watched> {
    // SAFETY: `open` has set the pointer, and `close` has not freed it yet.
    unsafe { (*file.cast::<Shim>()).watched.as_ref() }
}

/// # Safety
/// `file` is open, as for [`watched`].
unsafe fn judge(file: *mut sqlite3_file, kind: Kind) -> Verdict {
    // SAFETY: the caller's promise.
    unsafe { watched(file) }.map_or(Verdict::GoOn, |watched| watched.watch.judge(kind))
}

/// # Safety
/// `name` is null or a C string.
unsafe fn watch_over(name: *const c_char) -> Option<(Arc<Watch>, String)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    Watch::over(Path::new(OsStr::from_bytes(name.to_bytes())))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    const JOURNALS: c_int =
        ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
    let real_vfs = REAL.load(Ordering::SeqCst);
    // SAFETY: SQLite gives memory of `szOsFile` bytes for the file and the other arguments as the real VFS expects
    // them. `pMethods` is set first, for it says whether SQLite will close the file.
    unsafe {
        let shim = file.cast::<Shim>();
        (*shim).base.pMethods = ptr::null();
        (*shim).watched = ptr::null_mut();
        let watch = watch_over(name);
        if let Some((watch, _)) = &watch {
            if let Verdict::Fail(code) | Verdict::Tear(code) = watch.judge(Kind::Open) {
                return code;
            }
        }
        let Some(real_open) = (*real_vfs).xOpen else { return ffi::SQLITE_CANTOPEN };
        let real = real(file);
        (*real).pMethods = ptr::null();
        let result = real_open(real_vfs, name, real, flags, out_flags);
        if (*real).pMethods.is_null() {
            return result;
        }
        (*shim).base.pMethods = &raw const METHODS;
        if let Some((watch, name)) = watch {
            watch.note(Event::Open { name: name.clone() });
            let is_new_journal = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & JOURNALS != 0;
            let synchronises_directory = AtomicBool::new(is_new_journal);
            (*shim).watched = Box::into_raw(Box::new(Watched { watch, name, synchronises_directory }));
        }
        result
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    let real_vfs = REAL.load(Ordering::SeqCst);
    // SAFETY: the arguments are SQLite's own, for the method of the same name.
    unsafe {
        let Some(real_delete) = (*real_vfs).xDelete else { return ffi::SQLITE_IOERR_DELETE };
        let Some((watch, file_name)) = watch_over(name) else {
            return real_delete(real_vfs, name, sync_directory);
        };
        if let Verdict::Fail(code) | Verdict::Tear(code) = watch.judge(Kind::Delete) {
            return code;
        }
        let result = real_delete(real_vfs, name, 0);
        if result == ffi::SQLITE_OK {
            watch.note(Event::Delete { name: file_name, with_directory: sync_directory != 0 });
        }
        result
    }
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    result: *mut c_int,
) -> c_int {
    let real_vfs = REAL.load(Ordering::SeqCst);
    // SAFETY: the arguments are SQLite's own, for the method of the same name.
    unsafe {
        if let Some((watch, _)) = watch_over(name) {
            if let Verdict::Fail(code) | Verdict::Tear(code) = watch.judge(Kind::Access) {
                return code;
            }
        }
        (*real_vfs)
            .xAccess
            .map_or(ffi::SQLITE_IOERR_ACCESS, |real_access| real_access(real_vfs, name, flags, result))
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let shim = file.cast::<Shim>();
    // SAFETY: the file is open, the pointer is null or came from a box, and the file is not used from here on.
    unsafe {
        let result = real_close(file);
        if !(*shim).watched.is_null() {
            drop(Box::from_raw((*shim).watched));
            (*shim).watched = ptr::null_mut();
        }
        result
    }
}

unsafe extern "C" fn read(file: *mut sqlite3_file, bytes: *mut c_void, size: c_int, offset: i64) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        match judge(file, Kind::Read) {
            Verdict::Fail(code) | Verdict::Tear(code) => code,
            Verdict::GoOn => real_read(file, bytes, size, offset),
        }
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, bytes: *const c_void, size: c_int, offset: i64) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name; a part of what is
    // to be written can be written as well.
    unsafe {
        let (size, code) = match judge(file, Kind::Write) {
            Verdict::Fail(code) => return code,
            Verdict::Tear(code) => (tear(file, bytes, size, offset), code),
            Verdict::GoOn => (size, ffi::SQLITE_OK),
        };
        let result = real_write(file, bytes, size, offset);
        if result != ffi::SQLITE_OK {
            return result;
        }
        if let (Some(watched), Ok(offset), Ok(size)) =
            (watched(file), usize::try_from(offset), usize::try_from(size))
        {
            let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), size).to_vec();
            watched.watch.note(Event::Write { name: watched.name(), offset, bytes });
        }
        code
    }
}

/// How much of a write to carry out so that it is torn: half, or less if the rest is what the file has already.
///
/// # Safety
/// As for `write`.
unsafe fn tear(file: *mut sqlite3_file, bytes: *const c_void, size: c_int, offset: i64) -> c_int {
    let Ok(length) = usize::try_from(size) else { return 0 };
    let mut present = vec![0_u8; length];
    // SAFETY: the caller's promise, and there is room for as many bytes as are read.
    let bytes = unsafe {
        // What the file does not have is read as zeros.
        real_read(file, present.as_mut_ptr().cast(), size, offset);
        std::slice::from_raw_parts(bytes.cast::<u8>(), length)
    };
    let last_change = present.iter().zip(bytes).rposition(|(old, new)| old != new).unwrap_or(0);
    (size / 2).min(c_int::try_from(last_change).unwrap_or(0))
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        if let Verdict::Fail(code) | Verdict::Tear(code) = judge(file, Kind::Truncate) {
            return code;
        }
        let result = real_truncate(file, size);
        if let (ffi::SQLITE_OK, Some(watched), Ok(size)) = (result, watched(file), usize::try_from(size)) {
            watched.watch.note(Event::Truncate { name: watched.name(), size });
        }
        result
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        let Some(watched) = watched(file) else { return real_sync(file, flags) };
        if let Verdict::Fail(code) | Verdict::Tear(code) = watched.watch.judge(Kind::Sync) {
            return code;
        }
        // As on macOS: a simple one ends in the drive's cache, which a loss of power empties.
        if flags & SYNC_KINDS == ffi::SQLITE_SYNC_FULL {
            let with_directory = watched.synchronises_directory.swap(false, Ordering::SeqCst);
            watched.watch.note(Event::Sync { name: watched.name(), with_directory });
        }
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    mapped: *mut *mut c_void,
) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        match judge(file, Kind::MapShared) {
            Verdict::Fail(code) | Verdict::Tear(code) => {
                *mapped = ptr::null_mut();
                code
            }
            Verdict::GoOn => real_shm_map(file, region, size, extend, mapped),
        }
    }
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        // To unlock always works.
        if flags & ffi::SQLITE_SHM_LOCK != 0 {
            if let Verdict::Fail(code) | Verdict::Tear(code) = judge(file, Kind::LockShared) {
                return code;
            }
        }
        real_shm_lock(file, offset, count, flags)
    }
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: the file is open, and so is the real one, which keeps its methods until it is closed.
    unsafe {
        let real = real(file);
        if let Some(method) = (*(*real).pMethods).xShmBarrier {
            method(real);
        }
    }
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        match judge(file, Kind::Size) {
            Verdict::Fail(code) | Verdict::Tear(code) => code,
            Verdict::GoOn => real_file_size(file, size),
        }
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        match judge(file, Kind::Lock) {
            Verdict::Fail(code) | Verdict::Tear(code) => code,
            Verdict::GoOn => real_lock(file, level),
        }
    }
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: the file is open and the arguments are SQLite's own, for the method of the same name.
    unsafe {
        match judge(file, Kind::Control) {
            Verdict::Fail(code) | Verdict::Tear(code) => code,
            Verdict::GoOn => real_file_control(file, operation, argument),
        }
    }
}

/// Functions that call the real file's methods.
macro_rules! pass_on {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*) or $code:ident;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) -> c_int {
            // SAFETY: SQLite calls methods of open files only, with arguments as the real method of the same name
            // expects them, and an open file's shim is followed by a real file that is open too.
            unsafe {
                let real = real(file);
                (*(*real).pMethods).$method.map_or(ffi::$code, |method| method(real, $($argument),*))
            }
        }
    )*};
}

pass_on! {
    real_close = xClose() or SQLITE_IOERR_CLOSE;
    real_read = xRead(bytes: *mut c_void, size: c_int, offset: i64) or SQLITE_IOERR_READ;
    real_write = xWrite(bytes: *const c_void, size: c_int, offset: i64) or SQLITE_IOERR_WRITE;
    real_truncate = xTruncate(size: i64) or SQLITE_IOERR_TRUNCATE;
    real_sync = xSync(flags: c_int) or SQLITE_IOERR_FSYNC;
    real_file_size = xFileSize(size: *mut i64) or SQLITE_IOERR_FSTAT;
    real_lock = xLock(level: c_int) or SQLITE_IOERR_LOCK;
    unlock = xUnlock(level: c_int) or SQLITE_IOERR_UNLOCK;
    check_reserved_lock = xCheckReservedLock(result: *mut c_int) or SQLITE_IOERR_CHECKRESERVEDLOCK;
    real_file_control = xFileControl(operation: c_int, argument: *mut c_void) or SQLITE_NOTFOUND;
    sector_size = xSectorSize() or SQLITE_OK;
    device_characteristics = xDeviceCharacteristics() or SQLITE_OK;
    real_shm_map = xShmMap(region: c_int, size: c_int, extend: c_int, mapped: *mut *mut c_void) or SQLITE_IOERR_SHMMAP;
    real_shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int) or SQLITE_IOERR_SHMLOCK;
    shm_unmap = xShmUnmap(deletes: c_int) or SQLITE_OK;
    fetch = xFetch(offset: i64, size: c_int, mapped: *mut *mut c_void) or SQLITE_IOERR_MMAP;
    unfetch = xUnfetch(offset: i64, mapped: *mut c_void) or SQLITE_OK;
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};
