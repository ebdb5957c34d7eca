//! Taking over the peers of another file.

use std::path::Path;

use super::PeerManager;
use super::history::Notes;
use crate::error::{Error, Result};
use crate::history::{Noted, Times};
use crate::peer::PeerRecord;
use crate::store::{Import, is_same_file, read_peers};
use crate::system::signals::without_file_size_signal;

impl PeerManager {
    /// Copies the valid peers of another database file, stellar-core's or one of this library's, into this table, in one
    /// transaction; returns how many were new. They come with their type, failures, next attempt and [data](Self::set_data),
    /// and, if this manager [keeps histories](crate::Options::keep_history), with the histories that the file has. Peers that
    /// are known already stay as they are. Rows that are not valid peers are skipped. New peers that a
    /// [bound](crate::Options::max_peers) refuses, or that are banned or the node's own, are left out, and counted in the
    /// [stats](Self::get_stats). Bans of the file are not taken over. New peers for which others are evicted count as new, and
    /// the evicted ones are gone from memory and from this table's own file.
    ///
    /// The file is only read, in one consistent snapshot, so another program, or another manager, may have it open.
    /// Nothing is created next to it, except that SQLite creates the index of a write-ahead log (`-shm`) that has none.
    /// Like every database file, it must not be open in this process through another copy of SQLite. Importing the
    /// manager's own file adds nothing.
    ///
    /// Cost: linear in the file; memory for its peers until it returns, and one transaction.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an empty path; [`Error::Corrupt`] when the file is no database of peers, or
    /// damaged; [`Error::Database`] when it is missing or cannot be read; [`Error::Busy`] when it stays locked past the
    /// busy timeout. When the peers cannot be added, as [`store_many`](Self::store_many), with [`Error::Limit`] only if the
    /// table would grow larger than a table can be. Nothing is added then.
    ///
    /// ```
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("old.db");
    /// use peer_manager::PeerManager;
    ///
    /// PeerManager::new_with_db(&path)?.ensure_exists(&"example.org:11625".parse()?)?;
    /// let manager = PeerManager::new_in_memory()?;
    /// assert_eq!(manager.import(&path)?, 1);
    /// assert_eq!(manager.import(&path)?, 0);
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    pub fn import(&self, path: impl AsRef<Path>) -> Result<usize> {
        self.check_health()?;
        let path = path.as_ref();
        if path.as_os_str().is_empty() {
            return Err(Error::InvalidArgument(
                "path \"\" is not the path of a file; give that of a database of peers".to_owned(),
            ));
        }
        // A peer that the file has but memory does not was removed, and is about to be removed from the file as well.
        if self.path.as_ref().is_some_and(|own| is_same_file(own, path)) {
            return Ok(0);
        }
        // A bounded table needs the known peers as well, so that none of them is evicted for another peer of the file.
        let is_bounded = self.read()?.is_bounded();
        let is_wanted = |record: &PeerRecord| {
            is_bounded || !self.read().is_ok_and(|table| table.contains(&record.address))
        };
        let Import { records, more } = without_file_size_signal(|| {
            read_peers(path, self.busy_timeout, &is_wanted, self.keeps_histories)
        })?;
        let now = self.now_for_history();
        let of_new = |record: &PeerRecord| {
            let address = &record.address;
            let (times, data) = more.get(address).map_or((None, None), |(times, data)| (*times, Some(data)));
            let times = now.map(|now| times.unwrap_or_else(|| Times::of_new_peer(now)));
            let data = data.filter(|data| !data.is_empty()).cloned();
            (times.is_some() || data.is_some()).then(|| Noted { address: address.clone(), times, data })
        };
        let notes = Notes::of_new_peers(now, &of_new);
        let admitted = self.admit_unknown(
            (&records, &[]),
            |record| &record.address,
            None,
            Some(notes),
            |record| Some(record.clone()),
        );
        admitted.map(|admitted| admitted.added)
    }
}
