//! What can go wrong, each with one line that says what failed, on what, and what to do.

mod causes;

use std::fmt::{self, Write as _};

use rusqlite::ffi;

use crate::address::PeerAddress;
use crate::bans::{Ban, BanSubject};
use crate::data::DATA_CAPACITY;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of a stranger's text a message repeats, in characters.
const MAX_QUOTED: usize = 64;

/// How much of SQLite's own text a message repeats, in characters.
const MAX_DETAIL: usize = 512;

/// What to do about failures that are found in several places.
pub(crate) const ADVICE_CORRUPT: &str =
    "; the file is left as it is: move it away or restore a copy, or open it with on_corrupt QUARANTINE";
pub(crate) const ADVICE_LOCAL: &str = "; use a local file system with locks and shared memory";
const ADVICE_GONE: &str =
    "; nothing was written, memory has all peers: take a snapshot, free this, open a file anew, store them";

/// Why a call failed. A call that failed has done nothing.
///
/// Its `Display` form is one line, lower case, that says what failed, on what, and what to do. Where SQLite has failed,
/// [`source`](std::error::Error::source) is its error, with the code and SQLite's name for it.
///
/// ```
/// use peer_manager::{Error, PeerManager};
/// use std::error::Error as _;
///
/// let path = std::env::temp_dir().join(format!("peers-{}.txt", std::process::id()));
/// std::fs::write(&path, "This is not a database. ".repeat(100))?;
/// let error = PeerManager::new_with_db(&path).unwrap_err();
/// assert!(matches!(error, Error::Corrupt(_)));
/// assert!(error.source().is_some_and(|sqlite| sqlite.to_string().contains("not a database")));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
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
    /// A text that is neither a host nor a prefix.
    InvalidSubject {
        /// The text, as it was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No such peer.
    NotFound(PeerAddress),
    /// There is no such ban, or it has ended.
    NotBanned(BanSubject),
    /// No peer waits for its next attempt.
    NoneWaits,
    /// SQLite failed for a reason that has no variant of its own, such as an I/O error.
    Database(DatabaseError),
    /// The file is damaged or not a database, or its table `peers` is not a table of peers.
    Corrupt(DatabaseError),
    /// The database stayed locked past the busy timeout. The same call may succeed later.
    Busy(DatabaseError),
    /// There is no space left for the database. The same call succeeds once there is.
    DiskFull(DatabaseError),
    /// A bound refuses the peer.
    Limit(String),
    /// This version or this build does not do that.
    Unsupported(String),
    /// There is not enough memory; nothing was done.
    NoMemory(String),
    /// A policy refuses the address: it is [banned](crate::PeerManager::ban), one of the node's
    /// [own](crate::PeerManager::set_own_addresses), or not one that its [reach](crate::Options::reach) admits.
    Refused(String),
    /// A bug in this library.
    Internal(String),
}

/// A failure of the database: what was being done, and SQLite's own words.
#[derive(Debug)]
pub struct DatabaseError {
    action: String,
    detail: String,
    advice: &'static str,
    code: i32,
    /// SQLite's error, if there was one.
    source: Option<ffi::Error>,
}

impl DatabaseError {
    /// One copy, out of line: errors are made in many places, and seldom.
    #[cold]
    #[inline(never)]
    fn new(action: String, detail: String, advice: &'static str, code: i32) -> Self {
        Self { action, detail, advice, code, source: None }
    }

    /// SQLite's [extended result code](https://www.sqlite.org/rescode.html), 0 where SQLite was not involved. On a
    /// borrowed connection it is the primary code, unless the application has turned extended codes on.
    #[must_use]
    pub fn sqlite_code(&self) -> i32 {
        self.code
    }
}

impl Error {
    #[cold]
    #[inline(never)]
    pub(crate) fn invalid_address(text: &str, reason: &'static str) -> Self {
        Self::InvalidAddress { text: text.to_owned(), reason, element: None }
    }

    /// A file that SQLite might accept, but that is not what it should be.
    pub(crate) fn corrupt(
        action: impl Into<String>,
        detail: impl Into<String>,
        advice: &'static str,
    ) -> Self {
        Self::Corrupt(DatabaseError::new(action.into(), detail.into(), advice, 0))
    }

    /// A database that can be opened, but not used, for a reason that SQLite does not name.
    pub(crate) fn database(action: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Database(DatabaseError::new(action.into(), detail.into(), "", 0))
    }

    /// A failure of SQLite's, described better than by its own message.
    pub(crate) fn database_with_code(
        action: impl Into<String>,
        detail: impl Into<String>,
        code: i32,
    ) -> Self {
        Self::Database(DatabaseError {
            source: Some(ffi::Error::new(code)),
            ..DatabaseError::new(action.into(), detail.into(), "", code)
        })
    }

    /// A path at which there can be no database.
    pub(crate) fn cannot_open(action: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Database(DatabaseError::new(action.into(), detail.into(), "", ffi::SQLITE_CANTOPEN))
    }

    /// A database that another manager has open.
    pub(crate) fn in_use(action: impl Into<String>) -> Self {
        Self::Busy(DatabaseError::new(
            action.into(),
            "another peer manager has it open".to_owned(),
            "; share that one, or free it and call again",
            0,
        ))
    }

    /// A table `peers` that another program created just before we did.
    pub(crate) fn made_meanwhile(action: impl Into<String>) -> Self {
        Self::Busy(DatabaseError::new(
            action.into(),
            "another program has just made its table peers".to_owned(),
            "; call again",
            0,
        ))
    }

    /// An open file that is no longer there, or no longer as it was.
    pub(crate) fn gone(action: impl Into<String>, detail: &'static str) -> Self {
        Self::Database(DatabaseError::new(
            action.into(),
            detail.into(),
            ADVICE_GONE,
            ffi::SQLITE_READONLY_DBMOVED,
        ))
    }

    /// The same failure, with a word on which of several files it is about.
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

    /// The same failure, with advice on what to do about it.
    pub(crate) fn advise(mut self, advice: &'static str) -> Self {
        if let Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) = &mut self {
            e.advice = advice;
        }
        self
    }

    /// A change in a fork of the process that opened the database.
    pub(crate) fn forked(action: impl Into<String>) -> Self {
        Self::Unsupported(format!(
            "{}: this process is a fork of the one that opened it; open a peer manager of its own, after its parent's \
             is freed",
            action.into()
        ))
    }

    /// A history that is asked for where none are kept.
    #[cold]
    #[inline(never)]
    pub(crate) fn no_histories() -> Self {
        Self::Unsupported("no history of the peers is kept; open with keep_history".to_owned())
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn too_much_data(address: &PeerAddress, size: usize) -> Self {
        Self::InvalidArgument(format!(
            "cannot keep {size} bytes of data for {address}; a peer has at most {DATA_CAPACITY}"
        ))
    }

    /// Memory that could not be allocated for `what`.
    #[cold]
    #[inline(never)]
    pub(crate) fn no_memory(what: &str) -> Self {
        Self::NoMemory(format!(
            "there is not enough memory {what}; nothing was done: free some and call again"
        ))
    }

    /// An address of the node itself.
    #[cold]
    #[inline(never)]
    pub(crate) fn own_address(address: &PeerAddress) -> Self {
        Self::Refused(format!(
            "cannot add {address}: it is an address of this node itself; if it no longer is, set the node's own addresses again"
        ))
    }

    /// An address that is banned.
    #[cold]
    #[inline(never)]
    pub(crate) fn banned(address: &PeerAddress, ban: &Ban) -> Self {
        let end = match ban.until {
            i64::MAX => "for good".to_owned(),
            until => format!("until {until}"),
        };
        Self::Refused(format!(
            "cannot add {address}: {} is banned {end}; unban it, if that was a mistake",
            ban.subject
        ))
    }

    /// Gossip that [`Reach::Public`](crate::Reach::Public) refuses.
    #[cold]
    #[inline(never)]
    pub(crate) fn not_routable(address: &PeerAddress) -> Self {
        let what =
            if address.is_private() { "private" } else { "set aside by the special-purpose registries" };
        Self::Refused(format!(
            "cannot add {address}: it is {what}, and reach PUBLIC refuses gossip of such addresses; store it if it is the \
             operator's own choice, or open with another reach"
        ))
    }

    /// The state after a panic: a lock is poisoned, and what it guards cannot be trusted.
    pub(crate) fn poisoned() -> Self {
        Self::Internal(
            "an earlier call panicked, so this peer manager cannot be used any more; free it and open it again"
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidAddress { text, reason, element } => {
                if let Some(element) = element {
                    write!(f, "{element}: ")?;
                }
                write!(f, "{} is not a peer address: {reason}", Quoted(text))
            }
            Self::InvalidSubject { text, reason } => {
                write!(f, "{} is neither a host nor a prefix: {reason}", Quoted(text))
            }
            Self::NotFound(address) => write!(f, "no peer {address} in the table"),
            Self::NotBanned(subject) => write!(f, "{subject} is not banned"),
            Self::NoneWaits => f.write_str("no peer waits: all that there are can be dialled now"),
            Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) => {
                write!(f, "{}: {}{}", e.action, OneLine(&e.detail), e.advice)
            }
            Self::InvalidArgument(message)
            | Self::Limit(message)
            | Self::Unsupported(message)
            | Self::NoMemory(message)
            | Self::Refused(message)
            | Self::Internal(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(e) | Self::Corrupt(e) | Self::Busy(e) | Self::DiskFull(e) => {
                e.source.as_ref().map(|source| source as _)
            }
            _ => None,
        }
    }
}

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
