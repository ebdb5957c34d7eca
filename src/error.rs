//! What can go wrong, each with one line that says what failed, on what, and what to do.

use std::fmt::{self, Write as _};
use std::io;

use rusqlite::ErrorCode;

use crate::address::PeerAddress;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of a stranger's text a message repeats, in characters.
const MAX_QUOTED: usize = 64;

/// How much of what SQLite says a message repeats, in characters.
const MAX_DETAIL: usize = 512;

/// What to do about the failures that have more than one source.
const ADVICE_FULL: &str = "; free some space and call again";
const ADVICE_READ_ONLY: &str = "; make the file and its directory writable";
const ADVICE_CANNOT_OPEN: &str = "; check that the directory exists and may be written";
const ADVICE_CONSTRAINT: &str = "; a constraint of the file's own refuses it";
const ADVICE_DISK: &str = "; the disk could not be read: look at it, and call again";
const ADVICE_GONE: &str =
    "; nothing was written, memory has all peers: take a snapshot, free this, open a file anew, store them";
pub(crate) const ADVICE_CORRUPT: &str =
    "; the file is left as it is: move it away or restore a copy, or open it with on_corrupt QUARANTINE";

/// Why a call failed. When one has failed, nothing of it was done.
///
/// Its `Display` form is one line, lower case, that says what failed, on what, and what to do.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// An argument that can never be right, such as an empty path.
    InvalidArgument(String),
    /// A host or a port that is not an address.
    InvalidAddress {
        /// The text, as it was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
        /// Which element of a batch it is, such as `addresses[3]`.
        element: Option<String>,
    },
    /// No such peer.
    NotFound(PeerAddress),
    /// SQLite said no for a reason that has no variant of its own, such as an I/O error.
    Database(DatabaseError),
    /// The file is not a database, or its table `peers` is not one of peers.
    Corrupt(DatabaseError),
    /// The database stayed locked past the busy timeout. The same call may succeed later.
    Busy(DatabaseError),
    /// There is no space left for the database. The same call succeeds once there is.
    DiskFull(DatabaseError),
    /// A bound refuses the peer.
    Limit(String),
    /// This version or this build does not do that.
    Unsupported(String),
    /// The memory of the host is exhausted; nothing was done.
    NoMemory(String),
    /// A defect in this library.
    Internal(String),
}

/// A failure of the database: what was being done, and SQLite's own words.
#[derive(Debug)]
pub struct DatabaseError {
    action: String,
    detail: String,
    advice: &'static str,
    code: i32,
}

impl DatabaseError {
    /// SQLite's [extended result code](https://www.sqlite.org/rescode.html), 0 where SQLite was not asked. On a
    /// borrowed connection it is the primary code, unless the host has turned extended ones on.
    #[must_use]
    pub fn sqlite_code(&self) -> i32 {
        self.code
    }
}

impl Error {
    pub(crate) fn invalid_address(text: &str, reason: &'static str) -> Self {
        Self::InvalidAddress { text: text.to_owned(), reason, element: None }
    }

    /// Sorts SQLite's error into the variant that tells the caller what to do. `action` is what failed, on what.
    ///
    /// Where SQLite only says that the system has refused something, the last error of this thread says why: it must be
    /// the one that SQLite has met, see [`forget_last_error`](crate::system::files::forget_last_error).
    pub(crate) fn sqlite(action: impl Into<String>, error: &rusqlite::Error) -> Self {
        let failure = error.sqlite_error();
        let (kind, code) =
            failure.map_or((ErrorCode::Unknown, 0), |failure| (failure.code, failure.extended_code));
        let detail = match error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        let action = action.into();
        if kind == ErrorCode::OutOfMemory {
            return Self::NoMemory(format!("{action}: SQLite is out of memory; free some and call again"));
        }
        let system = io::Error::last_os_error();
        #[cfg(unix)]
        if kind == ErrorCode::DatabaseCorrupt && system.raw_os_error() == Some(libc::EIO) {
            // SQLite takes what it cannot read for damage, but a sound file must not be given up for a bad moment of the disk.
            let code = rusqlite::ffi::SQLITE_IOERR_CORRUPTFS;
            return Self::Database(DatabaseError {
                action,
                detail: system.to_string(),
                advice: ADVICE_DISK,
                code,
            });
        }
        if let Some(reason) = Reason::of(&system).filter(|reason| reason.explains(kind)) {
            return reason.error(action, Some(&detail), code);
        }
        let sort = |variant: fn(DatabaseError) -> Self, advice| {
            variant(DatabaseError { action, detail, advice, code })
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

    /// A file that SQLite might take, but that is not what it should be.
    pub(crate) fn corrupt(
        action: impl Into<String>,
        detail: impl Into<String>,
        advice: &'static str,
    ) -> Self {
        Self::Corrupt(DatabaseError { action: action.into(), detail: detail.into(), advice, code: 0 })
    }

    /// A database that can be opened, but not used, for a reason that SQLite does not name.
    pub(crate) fn database(action: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Database(DatabaseError { action: action.into(), detail: detail.into(), advice: "", code: 0 })
    }

    /// A failure of SQLite's for which there are better words than its own.
    pub(crate) fn database_with_code(
        action: impl Into<String>,
        detail: impl Into<String>,
        code: i32,
    ) -> Self {
        Self::Database(DatabaseError { action: action.into(), detail: detail.into(), advice: "", code })
    }

    /// A path at which there can be no database.
    pub(crate) fn cannot_open(action: impl Into<String>, detail: impl Into<String>) -> Self {
        let code = rusqlite::ffi::SQLITE_CANTOPEN;
        Self::Database(DatabaseError { action: action.into(), detail: detail.into(), advice: "", code })
    }

    /// A database that another manager has open.
    pub(crate) fn in_use(action: impl Into<String>) -> Self {
        Self::Busy(DatabaseError {
            action: action.into(),
            detail: "another peer manager has it open".to_owned(),
            advice: "; share that one, or free it and call again",
            code: 0,
        })
    }

    /// A table `peers` that another program made while we were about to.
    pub(crate) fn made_meanwhile(action: impl Into<String>) -> Self {
        Self::Busy(DatabaseError {
            action: action.into(),
            detail: "another program has just made its table peers".to_owned(),
            advice: "; call again",
            code: 0,
        })
    }

    /// What the operating system refuses to do with a file that SQLite has not been given yet.
    pub(crate) fn io(action: impl Into<String>, error: &io::Error) -> Self {
        if let Some(reason) = Reason::of(error) {
            return reason.error(action.into(), None, reason.sqlite_code);
        }
        let (advice, code) = match error.kind() {
            io::ErrorKind::PermissionDenied => (ADVICE_READ_ONLY, rusqlite::ffi::SQLITE_READONLY),
            _ => (ADVICE_CANNOT_OPEN, rusqlite::ffi::SQLITE_CANTOPEN),
        };
        Self::Database(DatabaseError { action: action.into(), detail: error.to_string(), advice, code })
    }

    /// A file that is not there any more, or not as it was, while it is open.
    pub(crate) fn gone(action: impl Into<String>, detail: &'static str) -> Self {
        let code = rusqlite::ffi::SQLITE_READONLY_DBMOVED;
        Self::Database(DatabaseError {
            action: action.into(),
            detail: detail.into(),
            advice: ADVICE_GONE,
            code,
        })
    }

    /// The same failure, of one file among several.
    pub(crate) fn about(mut self, what: &str) -> Self {
        if let Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) = &mut self {
            e.detail = format!("{what}: {}", e.detail);
        }
        self
    }

    /// Whether it says what to do.
    pub(crate) fn has_advice(&self) -> bool {
        match self {
            Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) => !e.advice.is_empty(),
            _ => true,
        }
    }

    /// The same failure, with what to do about it.
    pub(crate) fn advise(mut self, advice: &'static str) -> Self {
        if let Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) = &mut self {
            e.advice = advice;
        }
        self
    }

    /// A process that was forked off the one that opened the database.
    pub(crate) fn forked(action: impl Into<String>) -> Self {
        Self::Unsupported(format!(
            "{}: this process is a fork of the one that opened it; open a peer manager of its own, after its parent's \
             is freed",
            action.into()
        ))
    }

    /// Memory that could not be had for `what`.
    pub(crate) fn no_memory(what: &str) -> Self {
        Self::NoMemory(format!(
            "there is not enough memory {what}; nothing was done: free some and call again"
        ))
    }

    /// The state after a panic: a lock is poisoned, and what it guards cannot be trusted.
    pub(crate) fn poisoned() -> Self {
        Self::Internal(
            "an earlier call panicked, so this peer manager answers no more; free it and open it again"
                .to_owned(),
        )
    }

    /// SQLite's extended result code, 0 where SQLite was not involved.
    #[must_use]
    pub fn sqlite_code(&self) -> i32 {
        match self {
            Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) => e.code,
            _ => 0,
        }
    }
}

/// Why the operating system has refused something, where there is more to say than its own words.
#[derive(Clone, Copy)]
struct Reason {
    variant: fn(DatabaseError) -> Error,
    detail: &'static str,
    advice: &'static str,
    /// For what SQLite has not met itself.
    sqlite_code: i32,
}

impl Reason {
    fn of(error: &io::Error) -> Option<Self> {
        use rusqlite::ffi::{SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_READONLY};
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
                "; use another path, or have it mounted to be written",
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
                #[cfg(unix)]
                Some(libc::ENOLCK) => reason(Error::Database, SQLITE_BUSY, NO_LOCKS, ADVICE_LOCAL),
                _ => None,
            },
        }
    }

    /// Whether SQLite may have failed so because of this.
    fn explains(&self, kind: ErrorCode) -> bool {
        match kind {
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => true,
            ErrorCode::DatabaseBusy | ErrorCode::FileLockingProtocolFailed => self.detail == NO_LOCKS,
            _ => false,
        }
    }

    fn error(self, action: String, said: Option<&str>, code: i32) -> Error {
        let detail = said.map_or_else(|| self.detail.to_owned(), |said| format!("{said}: {}", self.detail));
        (self.variant)(DatabaseError { action, detail, advice: self.advice, code })
    }
}

const NO_LOCKS: &str = "the file system has no locks to give";
pub(crate) const ADVICE_LOCAL: &str = "; use a local file system with locks and shared memory";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidAddress { text, reason, element } => {
                if let Some(element) = element {
                    write!(f, "{element}: ")?;
                }
                write!(f, "{} is not a peer address: {reason}", Quoted(text))
            }
            Self::NotFound(address) => write!(f, "no peer {address} in the table"),
            Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) => {
                write!(f, "{}: {}{}", e.action, OneLine(&e.detail), e.advice)
            }
            Self::InvalidArgument(message)
            | Self::Limit(message)
            | Self::Unsupported(message)
            | Self::NoMemory(message)
            | Self::Internal(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

/// A stranger's text made fit for one line of a log: quoted, escaped, and cut when it is long.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_QUOTED) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
        }
    }
}

/// What SQLite says, made fit for one line of a log: it repeats names from the file, which may be anything.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for c in characters.by_ref().take(MAX_DETAIL) {
            f.write_char(if c.is_control() { ' ' } else { c })?;
        }
        if characters.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}
