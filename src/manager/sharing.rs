//! Answering all peers from one shared list, for a while.
//!
//! A stranger who asks often, or from many addresses, learns the shared list and not the table. The list is drawn as it is
//! needed: the first answer draws what it takes, a longer one adds to it. It is kept as addresses in the order in which they
//! were drawn, and each answer is put together from what the table says about them now, so it never contains a peer that was
//! removed or that the query no longer admits. Their order is that of the types that they were drawn as, so that no peer moves
//! to the front when this node has reached it.
//!
//! Each type has its own part of the list, so that a query for one type leaves the other parts as they are. A peer counts
//! against the part of the type that it was drawn as, whatever its type is now; otherwise every peer that became outbound would
//! make room for another inbound one. Peers that are no longer in the table do not count: others are drawn in their place. If
//! one of them comes back after that, it has its place again, and the peer that was drawn last is left out.

use std::iter;

use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::memory;
use crate::options::Options;
use crate::peer::StoredPeerType;
use crate::query::{MAX_SHARE_KEY, TimedQuery};
use crate::sync::{self, Mutex, MutexGuard};
use crate::table::{Addresses, Listed, PeerTable};

use rand::{Rng, RngExt as _};

/// Tolerance for a caller that read the clock just before another thread renewed the shared list.
const LATE: i64 = 2;

/// Peers that left the table keep their places in case they come back, but at most this many, or as many as there are
/// listed peers in the table, so that neither the memory nor the cost of an answer grows with what comes and goes.
const MAX_GONE: usize = 1_000;

/// The shared list, how long it lives, and how large it may get.
#[derive(Debug)]
pub(super) struct Sharing {
    seconds: u32,
    max_percent: u32,
    /// One for each key.
    choices: [Mutex<Choice>; MAX_SHARE_KEY as usize + 1],
}

/// The shared list until it expires.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// When it was begun, in seconds since the Unix epoch, and for how long it is used.
    begin: i64,
    seconds: u64,
    /// For each type, the most peers in its part; `None` before the first of them is drawn.
    parts: [Option<usize>; 3],
    drawn: Vec<Drawn>,
}

/// A peer of the shared list.
#[derive(Debug)]
struct Drawn {
    address: PeerAddress,
    drawn_as: StoredPeerType,
}

impl Sharing {
    /// `None` if the options do not ask for it.
    pub(super) fn new(options: &Options) -> Option<Self> {
        let max_percent = if options.share_max_percent == 0 { 100 } else { options.share_max_percent };
        (options.share_cache_seconds > 0).then(|| Self {
            seconds: options.share_cache_seconds,
            max_percent,
            choices: Default::default(),
        })
    }

    /// Whether a panic has left a shared list half drawn.
    pub(super) fn is_poisoned(&self) -> bool {
        self.choices.iter().any(sync::is_poisoned)
    }

    /// The shared list of a valid key as of `now`, begun anew if it has expired. It is locked before the table.
    pub(super) fn at(&self, key: u32, now: i64, rng: &mut impl Rng) -> Result<MutexGuard<'_, Choice>> {
        let mut choice = self.choices[key as usize].lock().map_err(|_| Error::poisoned())?;
        // The clock may have stepped back.
        if now < choice.begin.saturating_sub(LATE) || now.abs_diff(choice.begin) >= choice.seconds {
            let seconds = u64::from(self.seconds) + u64::from(rng.random_range(0..=self.seconds / 2));
            *choice = Choice { begin: now, seconds, ..Choice::default() };
        }
        Ok(choice)
    }

    /// Puts an answer together, and draws what it lacks into the shared list as far as there is room.
    ///
    /// Cost: a look-up for each peer drawn so far, and that of the new draws.
    pub(super) fn answer(
        &self,
        choice: &mut Choice,
        table: &PeerTable,
        timed: TimedQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
        rng: &mut impl Rng,
    ) -> Result<Addresses> {
        let present = choice.present(table)?;
        let answer = table.admitted(&choice.within_parts(&present)?, timed, exclude, size)?;
        let missing = size - answer.len();
        if missing == 0 {
            return Ok(answer);
        }
        // Measured once, when the first peer of the type is drawn, so that a flood does not enlarge it.
        let parts = StoredPeerType::ALL.map(|peer_type| {
            choice.parts[peer_type as usize].unwrap_or_else(|| self.part_of(table.count_of(peer_type)))
        });
        let rooms = StoredPeerType::ALL.map(|peer_type| {
            let taken = present.iter().filter(|(_, drawn)| drawn.drawn_as == peer_type).count();
            parts[peer_type as usize].saturating_sub(taken)
        });
        let gone = choice.drawn.len() - present.len();
        let are_too_many_gone = gone > present.len().max(MAX_GONE);
        let listed = choice.drawn.iter().map(|drawn| &drawn.address);
        let (more, counts) =
            table.draw_to_send(timed, listed.chain(exclude), &answer, rooms, missing, rng)?;
        if more.is_empty() {
            return Ok(answer);
        }
        if are_too_many_gone {
            choice.drawn.retain(|drawn| table.contains(&drawn.address));
        }
        choice.drawn.try_reserve(more.len()).map_err(memory::Refused::from)?;
        let types = counts.iter().flat_map(|&(drawn_as, count)| iter::repeat_n(drawn_as, count));
        for (address, drawn_as) in more.into_iter().zip(types) {
            choice.parts[drawn_as as usize] = Some(parts[drawn_as as usize]);
            choice.drawn.push(Drawn { address, drawn_as });
        }
        Ok(table.admitted(&choice.within_parts(&choice.present(table)?)?, timed, exclude, size)?)
    }

    /// The size of the part of a type that has this many peers; without a limit if it may hold 100 per cent.
    fn part_of(&self, peers: usize) -> usize {
        if self.max_percent == 100 {
            return usize::MAX;
        }
        let part = peers as u128 * u128::from(self.max_percent) / 100;
        usize::try_from(part).unwrap_or(usize::MAX).max(1)
    }
}

impl Choice {
    /// The listed peers that are in the table, with their slots, in the order in which they were drawn.
    fn present<'a>(&'a self, table: &PeerTable) -> memory::Result<Vec<(u32, &'a Drawn)>> {
        let present = |drawn: &'a Drawn| Some((table.find(&drawn.address)?, drawn));
        memory::collect(self.drawn.iter().filter_map(present))
    }

    /// Those of them within their type's part: all, unless some came back after others were drawn in their place.
    fn within_parts<'a>(&self, present: &[(u32, &'a Drawn)]) -> memory::Result<Vec<Listed<'a>>> {
        let mut rooms = self.parts.map(Option::unwrap_or_default);
        let mut within = memory::with_capacity(present.len())?;
        for &(slot, drawn) in present {
            let room = &mut rooms[drawn.drawn_as as usize];
            if *room > 0 {
                *room -= 1;
                within.push(Listed { slot, address: &drawn.address, drawn_as: drawn.drawn_as });
            }
        }
        Ok(within)
    }
}
