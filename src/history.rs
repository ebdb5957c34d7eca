//! A peer's past, with [`keep_history`](crate::Options::keep_history): when it was heard of, reached and
//! tried. Values and rules; the time is an argument.

use crate::address::PeerAddress;

/// When a peer was heard of, reached and tried, in seconds since the Unix epoch; 0 for never or not known.
///
/// A time before the epoch counts as its first second, and one after the year 2106 as the last second of that range. A peer
/// that was there before its history was kept has zeros; the first event that is recorded is then the first that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct History {
    /// When the peer was inserted; for a peer that was there before its history was kept, when something was first recorded.
    pub first_heard: i64,
    /// When it was last inserted or named by gossip ([`ensure_exists`](crate::PeerManager::ensure_exists)), to the day: gossip
    /// moves it only if it differs by a day or more, so the true time may be up to a day later.
    pub last_heard: i64,
    /// When it was first reached: an update with [`Reset`](crate::BackOffUpdate::Reset) or
    /// [`HardReset`](crate::BackOffUpdate::HardReset).
    pub first_reached: i64,
    /// When it was last reached.
    pub last_reached: i64,
    /// When an attempt to reach it last failed: an update with [`Increase`](crate::BackOffUpdate::Increase).
    pub last_attempt: i64,
}

/// Something that a history records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Heard,
    Reached,
    Failed,
}

/// A history in twenty bytes, as the table holds it for each peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    first_heard: u32,
    last_heard: u32,
    first_reached: u32,
    last_reached: u32,
    last_attempt: u32,
}

const _: () = assert!(size_of::<Times>() == 20, "a history takes 20 bytes");

/// What is recorded with the record of a peer in the table or about to be inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) address: PeerAddress,
    /// Its history from now on, if that changes.
    pub(crate) times: Option<Times>,
    /// Its data from now on, if that changes.
    pub(crate) data: Option<Vec<u8>>,
}

impl Noted {
    pub(crate) fn history(address: &PeerAddress, times: Times) -> Self {
        Self { address: address.clone(), times: Some(times), data: None }
    }
}

/// Gossip of a known peer is recorded at most this often, in seconds.
const DAY: u32 = 24 * 60 * 60;

/// An outbound peer that has not been reached for this many seconds may be dead.
const DEAD_AFTER: u64 = 30 * DAY as u64;

/// The latest time that has a number of its own. One more is free for [`Times::GONE`].
const LATEST: u32 = u32::MAX - 1;

/// A time in the range that is kept, and not 0, which means that there is none.
fn kept(time: i64) -> u32 {
    u32::try_from(time.clamp(1, LATEST.into())).unwrap_or(LATEST)
}

impl Times {
    /// No peer's: marks a place that is about to be given up.
    pub(crate) const GONE: Self = Self {
        first_heard: u32::MAX,
        last_heard: u32::MAX,
        first_reached: u32::MAX,
        last_reached: u32::MAX,
        last_attempt: u32::MAX,
    };

    /// Of a peer that is inserted now.
    pub(crate) fn of_new_peer(now: i64) -> Self {
        Self::default().noted(Event::Heard, now)
    }

    /// The history after an event.
    pub(crate) fn noted(mut self, event: Event, now: i64) -> Self {
        let now = kept(now);
        let set_if_first = |time: &mut u32| *time = if *time == 0 { now } else { *time };
        set_if_first(&mut self.first_heard);
        match event {
            Event::Heard if self.is_stale_at(now) => self.last_heard = now,
            Event::Heard => {}
            Event::Reached => {
                set_if_first(&mut self.first_reached);
                self.last_reached = now;
            }
            Event::Failed => self.last_attempt = now,
        }
        self
    }

    /// Whether gossip changes anything now. It does, too, if the clock was ahead when it was last heard of.
    pub(crate) fn is_stale(&self, now: i64) -> bool {
        self.is_stale_at(kept(now))
    }

    fn is_stale_at(&self, now: u32) -> bool {
        self.last_heard == 0 || self.last_heard.abs_diff(now) >= DAY
    }

    /// Whether the peer was heard of or reached at or after `heard`, and reached at or after `reached`; 0 admits every peer.
    pub(crate) fn is_since(&self, heard: i64, reached: i64) -> bool {
        let is_since = |time: u32, since: i64| since == 0 || time != 0 && i64::from(time) >= since;
        is_since(self.last_heard.max(self.last_reached), heard) && is_since(self.last_reached, reached)
    }

    /// Whether the peer is known never to have been reached and was last heard of before `since`. A peer of which nothing is
    /// known is not.
    pub(crate) fn is_forgotten(&self, since: i64) -> bool {
        let heard = self.heard();
        self.last_reached == 0 && heard != 0 && i64::from(heard) < since
    }

    /// From when on an outbound peer counts as dead if it has failed often enough: 30 days after it was last reached, or
    /// after its history began. Nothing if there is no history yet.
    pub(crate) fn dead_from(&self) -> Option<u64> {
        let since = self.first_heard.min(self.heard()).max(self.last_reached);
        (since != 0).then(|| u64::from(since) + DEAD_AFTER)
    }

    /// When it was last heard of. If the clock was once ahead, that may be before it was first heard of.
    fn heard(&self) -> u32 {
        if self.last_heard == 0 { self.first_heard } else { self.last_heard }
    }

    /// The times in the order of [`History`].
    pub(crate) fn to_array(self) -> [u32; 5] {
        [self.first_heard, self.last_heard, self.first_reached, self.last_reached, self.last_attempt]
    }

    /// The reverse; `None` if one of them is out of range.
    pub(crate) fn from_array(times: [i64; 5]) -> Option<Self> {
        let mut numbers = [0; 5];
        for (number, time) in numbers.iter_mut().zip(times) {
            *number = u32::try_from(time).ok().filter(|&number| number <= LATEST)?;
        }
        let [first_heard, last_heard, first_reached, last_reached, last_attempt] = numbers;
        Some(Self { first_heard, last_heard, first_reached, last_reached, last_attempt })
    }
}

impl From<Times> for History {
    fn from(times: Times) -> Self {
        let [first_heard, last_heard, first_reached, last_reached, last_attempt] =
            times.to_array().map(i64::from);
        Self { first_heard, last_heard, first_reached, last_reached, last_attempt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gossip_moves_a_time_only_by_a_day_or_more_in_either_direction() {
        let times = Times::of_new_peer(1_000_000);
        for (now, moves) in
            [(1_000_000, false), (1_086_399, false), (1_086_400, true), (913_601, false), (913_600, true)]
        {
            assert_eq!(times.is_stale(now), moves, "{now}");
            let heard = times.noted(Event::Heard, now);
            assert_eq!(History::from(heard).last_heard, if moves { now } else { 1_000_000 });
            assert_eq!(History::from(heard).first_heard, 1_000_000);
        }
    }

    #[test]
    fn times_outside_of_the_range_count_as_its_ends_and_never_as_unknown() {
        for (now, is_kept_as) in [(i64::MIN, 1), (-1, 1), (0, 1), (i64::MAX, i64::from(LATEST))] {
            let times = Times::of_new_peer(now).noted(Event::Reached, now).noted(Event::Failed, now);
            assert_eq!(times.to_array().map(i64::from), [is_kept_as; 5]);
            assert_ne!(times, Times::GONE);
            assert_eq!(Times::from_array(times.to_array().map(i64::from)), Some(times));
        }
        assert_eq!(Times::from_array([0, 0, 0, 0, -1]), None);
        assert_eq!(Times::from_array([i64::from(u32::MAX), 0, 0, 0, 0]), None);
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_no_peer_for_ever() {
        let ahead = Times::of_new_peer(4_000_000_000);
        let heard = ahead.noted(Event::Heard, 1_700_000_000);
        assert!(heard.is_forgotten(1_700_000_001) && !heard.is_forgotten(1_700_000_000));
        assert_eq!(heard.dead_from(), Some(1_700_000_000 + DEAD_AFTER));
    }

    #[test]
    fn nothing_is_held_against_a_peer_of_which_nothing_is_known() {
        let unknown = Times::default();
        assert!(unknown.is_since(0, 0) && !unknown.is_since(i64::MIN, 0) && !unknown.is_since(0, 1));
        assert!(!unknown.is_forgotten(i64::MAX));
        assert_eq!(unknown.dead_from(), None);
        let failed = unknown.noted(Event::Failed, 500);
        assert_eq!(failed.dead_from(), Some(500 + DEAD_AFTER));
        assert!(failed.is_forgotten(501) && !failed.is_forgotten(500));
    }
}
