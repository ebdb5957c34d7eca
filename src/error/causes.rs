//! The failures of SQLite and the operating system, sorted into errors with advice.

use std::io;

use rusqlite::{ErrorCode, ffi};

#[cfg(unix)]
use super::ADVICE_LOCAL;
use super::{ADVICE_CORRUPT, DatabaseError, Error};

/// Advice for failures that several places report.
const ADVICE_FULL: &str = "; free some space and call again";
const ADVICE_READ_ONLY: &str = "; make the file and its directory writable";
const ADVICE_CANNOT_OPEN: &str = "; check that the directory exists and may be written";
const ADVICE_CONSTRAINT: &str = "; a constraint of the file's own refuses it";
#[cfg(unix)]
const ADVICE_DISK: &str = "; the disk could not be read: check it, and call again";
/// What Windows reports when another program has a file open and does not share it.
#[cfg(windows)]
const ERROR_SHARING_VIOLATION: i32 = 32;
#[cfg(windows)]
const ERROR_LOCK_VIOLATION: i32 = 33;
#[cfg(windows)]
const ERROR_FILENAME_EXCED_RANGE: i32 = 206;
const NO_LOCKS: &str = "the file system has no locks";

impl Error {
    /// Sorts SQLite's error into the variant with the right advice. `action` says what failed, on what.
    ///
    /// Where SQLite only says that the system refused something, this thread's last error says why. It must be the one that
    /// SQLite met: see [`forget_last_error`](crate::system::files::forget_last_error).
    pub(crate) fn sqlite(action: impl Into<String>, error: &rusqlite::Error) -> Self {
        Self::of_sqlite(action.into(), error)
    }

    /// One copy, whatever type the action has.
    #[cold]
    #[inline(never)]
    fn of_sqlite(action: String, error: &rusqlite::Error) -> Self {
        let source = error.sqlite_error().copied();
        let (kind, code) =
            source.map_or((ErrorCode::Unknown, 0), |failure| (failure.code, failure.extended_code));
        let detail = match error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        if kind == ErrorCode::OutOfMemory {
            return Self::NoMemory(format!("{action}: SQLite is out of memory; free some and call again"));
        }
        let system = io::Error::last_os_error();
        #[cfg(unix)]
        if kind == ErrorCode::DatabaseCorrupt && system.raw_os_error() == Some(libc::EIO) {
            // SQLite treats what it cannot read as damage, but a sound file must not be given up for a passing disk error.
            let code = ffi::SQLITE_IOERR_CORRUPTFS;
            let failed = DatabaseError::new(action, system.to_string(), ADVICE_DISK, code);
            return Self::Database(DatabaseError { source, ..failed });
        }
        if let Some(reason) = Reason::of(&system).filter(|reason| reason.explains(kind)) {
            let detail = format!("{detail}: {}", reason.detail);
            let failed = DatabaseError::new(action, detail, reason.advice, code);
            return (reason.variant)(DatabaseError { source, ..failed });
        }
        let sort = |variant: fn(DatabaseError) -> Self, advice| {
            variant(DatabaseError { source, ..DatabaseError::new(action, detail, advice, code) })
        };
        match kind {
            ErrorCode::DatabaseLocked => sort(
                Self::Busy,
                "; a statement on the same connection keeps it locked: finish it and call again",
            ),
            ErrorCode::DatabaseBusy => sort(
                Self::Busy,
                "; another connection keeps it locked: call again, or allow a longer busy timeout",
            ),
            ErrorCode::DiskFull => sort(Self::DiskFull, ADVICE_FULL),
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => sort(Self::Corrupt, ADVICE_CORRUPT),
            ErrorCode::ReadOnly => sort(Self::Database, ADVICE_READ_ONLY),
            ErrorCode::CannotOpen => sort(Self::Database, ADVICE_CANNOT_OPEN),
            ErrorCode::ConstraintViolation => sort(Self::Database, ADVICE_CONSTRAINT),
            _ => sort(Self::Database, ""),
        }
    }

    /// A refusal by the operating system, outside SQLite.
    pub(crate) fn io(action: impl Into<String>, error: &io::Error) -> Self {
        Self::of_io(action.into(), error)
    }

    #[cold]
    #[inline(never)]
    fn of_io(action: String, error: &io::Error) -> Self {
        if let Some(reason) = Reason::of(error) {
            let failed =
                DatabaseError::new(action, reason.detail.to_owned(), reason.advice, reason.sqlite_code);
            return (reason.variant)(failed);
        }
        let (advice, code) = match error.kind() {
            io::ErrorKind::PermissionDenied => (ADVICE_READ_ONLY, ffi::SQLITE_READONLY),
            _ => (ADVICE_CANNOT_OPEN, ffi::SQLITE_CANTOPEN),
        };
        Self::Database(DatabaseError::new(action, error.to_string(), advice, code))
    }
}

/// Why the operating system has refused something, where there is more to say than its own words.
#[derive(Clone, Copy)]
struct Reason {
    variant: fn(DatabaseError) -> Error,
    detail: &'static str,
    advice: &'static str,
    /// The code for a failure that SQLite did not meet itself.
    sqlite_code: i32,
}

impl Reason {
    fn of(error: &io::Error) -> Option<Self> {
        use ffi::{SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_READONLY};
        let reason =
            |variant, sqlite_code, detail, advice| Some(Self { variant, detail, advice, sqlite_code });
        match error.kind() {
            io::ErrorKind::StorageFull => {
                reason(Error::DiskFull, SQLITE_FULL, "there is no space left on the file system", ADVICE_FULL)
            }
            io::ErrorKind::QuotaExceeded => reason(
                Error::DiskFull,
                SQLITE_FULL,
                "the disk quota of this user is used up",
                "; free some space, or raise the quota, and call again",
            ),
            io::ErrorKind::FileTooLarge => reason(
                Error::DiskFull,
                SQLITE_FULL,
                "the file would be larger than this process may make one",
                "; raise the limit (ulimit -f) and call again",
            ),
            io::ErrorKind::ReadOnlyFilesystem => reason(
                Error::Database,
                SQLITE_READONLY,
                "the file system is read-only",
                "; use another path, or mount it writable",
            ),
            _ => match error.raw_os_error() {
                #[cfg(unix)]
                Some(libc::EMFILE) => reason(
                    Error::Database,
                    SQLITE_CANTOPEN,
                    "this process has as many files open as it may",
                    "; close some, or raise the limit (ulimit -n), and call again",
                ),
                #[cfg(unix)]
                Some(libc::ENFILE) => reason(
                    Error::Database,
                    SQLITE_CANTOPEN,
                    "the system has as many files open as it may",
                    "; close some and call again",
                ),
                #[cfg(unix)]
                Some(libc::ENAMETOOLONG) => reason(
                    Error::Database,
                    SQLITE_CANTOPEN,
                    "the path, or the name of a file beside it, is too long",
                    "; use a shorter one",
                ),
                #[cfg(windows)]
                Some(ERROR_FILENAME_EXCED_RANGE) => reason(
                    Error::Database,
                    SQLITE_CANTOPEN,
                    "the path, or the name of a file beside it, is too long",
                    "; use a shorter one",
                ),
                #[cfg(windows)]
                Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION) => reason(
                    Error::Busy,
                    SQLITE_BUSY,
                    "another program has the file open",
                    "; close it there and call again",
                ),
                #[cfg(unix)]
                Some(libc::ENOLCK) => reason(Error::Database, SQLITE_BUSY, NO_LOCKS, ADVICE_LOCAL),
                _ => None,
            },
        }
    }

    /// Whether this may be why SQLite failed in this way.
    fn explains(&self, kind: ErrorCode) -> bool {
        match kind {
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => true,
            ErrorCode::DatabaseBusy | ErrorCode::FileLockingProtocolFailed => self.detail == NO_LOCKS,
            _ => false,
        }
    }
}
