//! A table on a connection that the application has set up.

use rusqlite::Connection;

use super::{PeerManager, load};
use crate::error::Result;
use crate::options::Options;
use crate::store::Store;
use crate::system::signals::without_file_size_signal;

impl PeerManager {
    /// Opens the table in the `main` database of a connection that the application has set up.
    ///
    /// The connection's settings stay as they are: no PRAGMA is run, changes are single statements or a
    /// SAVEPOINT (so they become part of an open transaction), and no statement is kept between calls.
    ///
    /// When the disk fails or is full, SQLite usually rolls back the application's whole transaction;
    /// [`is_autocommit`](rusqlite::Connection::is_autocommit) shows that after [`Error::Database`](crate::Error::Database) or
    /// [`Error::DiskFull`](crate::Error::DiskFull). Memory then still has the changes of earlier calls in that transaction:
    /// store them again, or reopen the manager.
    ///
    /// ```
    /// use peer_manager::{PeerManager, rusqlite::Connection};
    ///
    /// let manager = PeerManager::from_connection(Connection::open_in_memory()?)?;
    /// manager.ensure_exists(&"192.0.2.1:11625".parse()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[cfg(feature = "rusqlite")]
    pub fn from_connection(conn: Connection) -> Result<Self> {
        Self::borrow(conn)
    }

    /// As [`from_connection`](Self::from_connection), which is public only with the feature `rusqlite`.
    #[cfg_attr(
        all(test, not(feature = "rusqlite")),
        expect(dead_code, reason = "ffi calls it, which unit tests are built without")
    )]
    pub(crate) fn borrow(conn: Connection) -> Result<Self> {
        let options = Options::default();
        let policy = options.grouping_policy()?;
        without_file_size_signal(|| Self::with(load(Store::borrow(conn)?, &options, policy)?, options))
    }
}
