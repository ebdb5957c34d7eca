//! Bans: hosts and prefixes that are refused until a time.
//!
//! A ban and the removal of the peers that it covers are one change: one transaction of the database, and a single step for all
//! other threads. So no peer in the table is banned, and only the code that admits new peers has to ask. (If the clock steps
//! back to before the end of a ban, a peer that was added after that end stays.)

use super::PeerManager;
use crate::address::PeerAddress;
use crate::bans::{self, Ban, BanSubject};
use crate::error::{Error, Result};
use crate::memory;

/// Bans. They are kept in the database, in a table of their own that is created with the first of them, and survive a restart.
/// In a file with stellar-core's layout, which gets no further table, they last until the manager is dropped; and a quarantine
/// loses them.
///
/// # Errors
/// In addition to what each method lists: [`Error::Database`], [`Error::Busy`], [`Error::DiskFull`] or [`Error::Corrupt`] when
/// the database refuses a change, which leaves bans and peers as they were; [`Error::Internal`] after a panic.
impl PeerManager {
    /// Bans a host, on all its ports, or a prefix, until a time in seconds since the Unix epoch, or for good with [`i64::MAX`].
    /// The peers that it covers, preferred ones included, are removed in the same transaction; returns how many there were.
    /// From then on, and while the clock is before `until`, they are refused with [`Error::Refused`]; in a batch and in an
    /// import they are left out and counted in the [stats](Self::get_stats). So they are never drawn and never sent to others.
    ///
    /// Banning the same subject again moves the end. Where several bans cover an address, it is refused as long as one of them
    /// lasts. Bans that have ended are removed when the bans are next changed.
    ///
    /// Cost: linear in the table, one transaction. Bans cost other calls a look-up for each new address, linear in the
    /// length of the address, whatever the number of bans.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when `until` is not later than now; [`Error::NoMemory`].
    ///
    /// ```
    /// use peer_manager::{Error, PeerManager};
    ///
    /// let manager = PeerManager::new_in_memory()?;
    /// manager.ensure_exists(&"203.0.113.7:11625".parse()?)?;
    /// assert_eq!(manager.ban(&"203.0.113.0/24".parse()?, i64::MAX)?, 1);
    /// assert!(manager.is_banned(&"203.0.113.99:80".parse()?)?);
    /// let refused = manager.ensure_exists(&"203.0.113.7:11625".parse()?);
    /// assert!(matches!(refused, Err(Error::Refused(_))));
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    pub fn ban(&self, subject: &BanSubject, until: i64) -> Result<usize> {
        let now = self.clock.now();
        if !bans::lasts(until, now) {
            return Err(Error::InvalidArgument(format!(
                "cannot ban {subject} until {until}, because it is {now} now; give a later time"
            )));
        }
        self.change_bans(subject, Some(until), now)
    }

    /// Ends the ban of exactly this subject. Addresses that another ban covers stay refused.
    ///
    /// Cost: one transaction.
    ///
    /// # Errors
    /// [`Error::NotBanned`] when there is no such ban, or it has ended.
    pub fn unban(&self, subject: &BanSubject) -> Result<()> {
        self.change_bans(subject, None, self.clock.now()).map(drop)
    }

    /// Whether an address is banned now. Cost: linear in the length of the address; never waits for the disk.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic.
    pub fn is_banned(&self, address: &PeerAddress) -> Result<bool> {
        let now = self.clock.now();
        Ok(self.read()?.bans().find(address, now).is_some())
    }

    /// All bans that are in force now: IPv4 first, then IPv6, each in the order of addresses, then names in alphabetical order.
    /// Cost: that of sorting them.
    ///
    /// # Errors
    /// [`Error::Internal`] after a panic; [`Error::NoMemory`].
    pub fn get_bans(&self) -> Result<Vec<Ban>> {
        let now = self.clock.now();
        let bans = self.read()?.bans().list(now);
        // Other threads need not wait for the sorting.
        bans.and_then(|bans| bans::in_order(&bans)).map_err(|_| Error::no_memory("for a list of the bans"))
    }

    /// Moves the end of a ban, or removes it, and removes the bans that have ended. Returns how many peers were removed.
    fn change_bans(&self, subject: &BanSubject, until: Option<i64>, now: i64) -> Result<usize> {
        let mut writer = self.lock_writer()?;
        // Slots and bans stay as they are until the writer is unlocked.
        let table = self.read_table()?;
        if until.is_none() && !table.bans().has(subject, now) {
            return Err(Error::NotBanned(subject.clone()));
        }
        let mut slots = if until.is_some() { table.within(subject)? } else { Vec::new() };
        let removed = memory::collect(table.addresses(&slots))?;
        let changes = table.bans().plan(subject, until, now)?;
        drop(table);
        self.change(
            self.write_table()?,
            &mut writer,
            &|table| {
                table.reserve_remove(removed.len())?;
                table.bans_mut().reserve(changes.len()).map_err(|_| Error::no_memory("for another ban"))
            },
            &|store| store.write_bans(&removed, &changes),
            &mut |table| {
                table.remove_many(&mut slots);
                table.bans_mut().apply(&changes);
            },
        )?;
        Ok(removed.len())
    }

    /// The time as of which bans count, if there are any: the clock is read only then.
    pub(super) fn time_for_bans(&self) -> Result<Option<i64>> {
        let has_bans = !self.read_table()?.bans().is_empty();
        Ok(has_bans.then(|| self.clock.now()))
    }
}
