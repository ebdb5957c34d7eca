//! Sharing one random choice with everyone who asks, for a while.
//!
//! A stranger who asks often, or from many addresses, learns what the shared list holds and not the table. The list is
//! drawn as it is needed: the first answer draws what it takes, a longer one adds to it. It is kept as addresses in the
//! order in which they were drawn, and each answer is put together from what is known of them now, so a peer that was
//! removed, or that the query no longer admits, is in none.
//!
//! Each type has its own part of the list, so that a query for one type leaves the others theirs. A peer counts against
//! the part of the type that it was drawn as, whatever it is now, or every peer that became outbound would make room for
//! another inbound one. Peers that are no longer in the table do not count: others are drawn in their place. Where one of
//! them comes back then, it has its place again, and the one that was drawn last is left out.

use crate::address::PeerAddress;
use crate::error::{Error, Result};
use crate::memory;
use crate::options::Options;
use crate::peer::StoredPeerType;
use crate::query::PeerQuery;
use crate::sync::{self, Mutex, MutexGuard};
use crate::table::PeerTable;

use rand::{Rng, RngExt as _};

/// Tolerance for a caller that read the clock just before another thread renewed the shared list.
const LATE: i64 = 2;

/// Peers that are gone keep their places for when they come back, but no more of them than this, or than peers that are
/// there, so that neither the memory nor the cost of an answer grows with what comes and goes.
const MAX_GONE: usize = 1_000;

/// The shared list, and how long it lives and how large it may get.
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
    /// For each type, the most peers of its part; nothing before the first of them is drawn.
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
    /// Nothing if the options do not ask for it.
    pub(super) fn new(options: &Options) -> Option<Self> {
        let max_percent = if options.share_max_percent == 0 { 100 } else { options.share_max_percent };
        (options.share_cache_seconds > 0).then(|| Self {
            seconds: options.share_cache_seconds,
            max_percent,
            choice: Mutex::default(),
        })
    }

    /// Whether a panic has left the choice half made.
    pub(super) fn is_poisoned(&self) -> bool {
        sync::is_poisoned(&self.choice)
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

    /// Puts an answer together, and adds to the shared list what the answer lacks if there is room.
    ///
    /// Cost: that of looking up all that was drawn so far, and of what must be drawn.
    pub(super) fn answer(
        &self,
        choice: &mut Choice,
        table: &PeerTable,
        query: &PeerQuery<'_>,
        exclude: Option<&PeerAddress>,
        size: usize,
        rng: &mut impl Rng,
    ) -> Result<Vec<PeerAddress>> {
        let present = choice.present(table);
        let answer = table.admitted(&choice.within_parts(&present), query, exclude, size);
        let missing = size - answer.len();
        if missing == 0 {
            return Ok(answer);
        }
        // Measured once, when the first one is drawn, so that a flood does not make it larger.
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
        let more = table.draw_to_send(query, listed.chain(exclude), &answer, rooms, missing, rng)?;
        if more.is_empty() {
            return Ok(answer);
        }
        if are_too_many_gone {
            choice.drawn.retain(|drawn| table.contains(&drawn.address));
        }
        choice.drawn.try_reserve(more.len()).map_err(memory::Refused::from)?;
        for (address, drawn_as) in more {
            choice.parts[drawn_as as usize] = Some(parts[drawn_as as usize]);
            choice.drawn.push(Drawn { address, drawn_as });
        }
        Ok(table.admitted(&choice.within_parts(&choice.present(table)), query, exclude, size))
    }

    /// The part of a type that has this many peers. All of them is all that there will be.
    fn part_of(&self, peers: usize) -> usize {
        if self.max_percent == 100 {
            return usize::MAX;
        }
        let part = peers as u128 * u128::from(self.max_percent) / 100;
        usize::try_from(part).unwrap_or(usize::MAX).max(1)
    }
}

impl Choice {
    /// The peers of the list that are in the table, with their slots, in the order in which they were drawn.
    fn present<'a>(&'a self, table: &PeerTable) -> Vec<(u32, &'a Drawn)> {
        self.drawn.iter().filter_map(|drawn| Some((table.find(&drawn.address)?, drawn))).collect()
    }

    /// Those of them that are in their type's part: all, unless some came back after others were drawn in their place.
    fn within_parts<'a>(&self, present: &[(u32, &'a Drawn)]) -> Vec<(u32, &'a PeerAddress)> {
        let mut rooms = self.parts.map(Option::unwrap_or_default);
        let mut within = Vec::with_capacity(present.len());
        for &(slot, drawn) in present {
            let room = &mut rooms[drawn.drawn_as as usize];
            if *room > 0 {
                *room -= 1;
                within.push((slot, &drawn.address));
            }
        }
        within
    }
}
