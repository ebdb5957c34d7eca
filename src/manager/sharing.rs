//! Sharing one random choice with everyone who asks, for a while.
//!
//! A stranger who asks often, or from many addresses, learns what the choice holds and not the table. The choice is drawn
//! as it is needed: the first answer draws what it takes, a longer one adds to it, up to a part of the table. It is kept as
//! addresses in the order in which they were drawn, and each answer is put together from what is known of them now, so a
//! peer that was removed, or that the query no longer admits, is in none.

use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::memory;
use crate::options::Options;
use crate::query::PeerQuery;
use crate::sync::{Mutex, MutexGuard};
use crate::table::PeerTable;

use rand::{Rng, RngExt as _};

/// By so many seconds a question may come late that has read the clock before another one began the choice.
const LATE: i64 = 2;

/// The choice, and how long and how large it may get.
#[derive(Debug)]
pub(super) struct Sharing {
    seconds: u32,
    max_percent: u32,
    choice: Mutex<Choice>,
}

/// What everyone is told until the time is over.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// From this second on, so many.
    begin: i64,
    seconds: u64,
    /// The most addresses.
    max: usize,
    addresses: Vec<PeerAddress>,
}

impl Sharing {
    /// Nothing if the options do not ask for it.
    pub(super) fn new(options: &Options) -> Option<Self> {
        let max_percent = if options.share_max_percent == 0 { 100 } else { options.share_max_percent };
        (options.share_cache_seconds > 0).then(|| Self {
            seconds: options.share_cache_seconds,
            max_percent,
            choice: Mutex::default(),
        })
    }

    /// The choice of this moment. It is locked before the table.
    pub(super) fn at(&self, now: i64, rng: &mut impl Rng) -> Result<MutexGuard<'_, Choice>> {
        let mut choice = self.choice.lock().map_err(|_| Error::poisoned())?;
        // The clock may have been set back.
        if now < choice.begin.saturating_sub(LATE) || now.abs_diff(choice.begin) >= choice.seconds {
            let seconds = u64::from(self.seconds) + u64::from(rng.random_range(0..=self.seconds / 2));
            *choice = Choice { begin: now, seconds, ..Choice::default() };
        }
        Ok(choice)
    }

    /// Puts an answer together, and adds to the choice what it lacks if there is room.
    ///
    /// Cost: that of looking up all that was chosen so far, and of what must be drawn.
    pub(super) fn answer(
        &self,
        choice: &mut Choice,
        table: &PeerTable,
        query: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
        rng: &mut impl Rng,
    ) -> Result<Vec<PeerAddress>> {
        let answer = table.admitted_of(&choice.addresses, query, exclude, size);
        if choice.addresses.is_empty() {
            // Counted once, so that a flood does not make it larger.
            choice.max = self.max_of(table.len());
        }
        let missing = (size - answer.len()).min(choice.max - choice.addresses.len());
        if missing == 0 {
            return Ok(answer);
        }
        let unwanted = choice.addresses.iter().chain(exclude);
        let more = table.choose_to_send(query, unwanted, &answer, missing, rng)?;
        if more.is_empty() {
            return Ok(answer);
        }
        memory::extend(&mut choice.addresses, more)?;
        Ok(table.admitted_of(&choice.addresses, query, exclude, size))
    }

    /// How large a choice may get that is begun with a table of this size. All of the table is all that it will have.
    fn max_of(&self, peers: usize) -> usize {
        if self.max_percent == 100 {
            return usize::MAX;
        }
        let part = peers as u128 * u128::from(self.max_percent) / 100;
        usize::try_from(part).unwrap_or(usize::MAX).max(1)
    }
}
