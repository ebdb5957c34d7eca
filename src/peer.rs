//! One peer and the rules by which it changes: the specification's, as pure functions.
//!
//! Nothing here reads a clock, locks or does I/O: `now` and the source of randomness are arguments.

use std::convert::Infallible;
use std::time::Duration;

use rand::{RngExt as _, TryRng};

use crate::address::PeerAddress;

/// The number of failures from which a node usually gives up on a peer.
pub const MAX_FAILURES: u32 = 10;

/// The most failures with which a peer is still dialled. stellar-core stops dialling a peer there, and removes it;
/// [`MAX_FAILURES`] is its limit for telling others about one.
pub const REALLY_DEAD: u32 = 120;

/// The unit of the back-off, in seconds.
pub const SECONDS_PER_BACKOFF: u64 = 10;

/// The back-off doubles with each failure until it has doubled this many times.
pub const MAX_BACKOFF_EXPONENT: u32 = 10;

/// A peer's type: what it is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum StoredPeerType {
    /// Known from an incoming connection or from gossip: not yet dialled successfully.
    Inbound = 0,
    /// Dialled successfully at least once.
    Outbound = 1,
    /// Chosen by the operator.
    Preferred = 2,
}

impl StoredPeerType {
    /// All types, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Inbound, Self::Outbound, Self::Preferred];

    /// The type with this number in the database and in C, if there is one.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|index| Self::ALL.get(index).copied())
    }
}

/// Whether a peer that changes from one type to another becomes outbound or preferred: it has been reached, and its seniority
/// begins anew.
pub(crate) fn is_promoted(from: StoredPeerType, to: StoredPeerType) -> bool {
    from == StoredPeerType::Inbound && to != StoredPeerType::Inbound
}

/// The change that an observation makes to a peer's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TypeUpdate {
    /// An inbound peer becomes outbound; a preferred one stays preferred.
    EnsureOutbound,
    /// Whatever it was, it is preferred now.
    SetPreferred,
    /// A preferred peer becomes outbound; others stay what they are.
    EnsureNotPreferred,
}

/// How to update the back-off after an attempt to reach a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum BackOffUpdate {
    /// Reset the failures to 0 and make the peer due now: for a peer that the operator wants dialled at once.
    HardReset,
    /// Reset the failures to 0 and wait for 1 to 10 seconds
    /// ([`backoff_seconds`](crate::Options::backoff_seconds)): what to do after a successful dial.
    Reset,
    /// Count one more failure and wait for the random time that [`compute_backoff`] draws: what to do after a failed dial.
    Increase,
}

/// All that is known about one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerRecord {
    /// Where it listens.
    pub address: PeerAddress,
    /// When it may be dialled next, in seconds since the Unix epoch.
    pub next_attempt: i64,
    /// Failures since the last success.
    pub num_failures: u32,
    /// What it is known to be.
    pub peer_type: StoredPeerType,
}

impl PeerRecord {
    /// A peer that was just heard of: inbound, no failures, due at `now`.
    #[must_use]
    pub fn new(address: PeerAddress, now: i64) -> Self {
        Self { address, next_attempt: now, num_failures: 0, peer_type: StoredPeerType::Inbound }
    }

    /// Whether the next attempt is due at `now`.
    ///
    /// ```
    /// use peer_manager::PeerRecord;
    ///
    /// let record = PeerRecord::new("example.org:11625".parse()?, 1_000);
    /// assert!(record.is_ready(1_000) && !record.is_ready(999));
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    #[must_use]
    pub fn is_ready(&self, now: i64) -> bool {
        self.next_attempt <= now
    }
}

/// Decides what an observed type means for a peer's current type.
///
/// `preferred_type_known` means that the caller knows the whole list of preferred peers, so that a preferred
/// peer observed as outbound is no longer preferred.
#[must_use]
pub fn get_type_update(
    record: &PeerRecord,
    observed_type: StoredPeerType,
    preferred_type_known: bool,
) -> TypeUpdate {
    match observed_type {
        StoredPeerType::Preferred => TypeUpdate::SetPreferred,
        StoredPeerType::Outbound => {
            if record.peer_type == StoredPeerType::Preferred && preferred_type_known {
                TypeUpdate::EnsureNotPreferred
            } else {
                TypeUpdate::EnsureOutbound
            }
        }
        StoredPeerType::Inbound => TypeUpdate::EnsureNotPreferred,
    }
}

/// Applies a [`TypeUpdate`].
pub fn apply_type_update(record: &mut PeerRecord, update: TypeUpdate) {
    record.peer_type = match (update, record.peer_type) {
        (TypeUpdate::EnsureOutbound, StoredPeerType::Inbound)
        | (TypeUpdate::EnsureNotPreferred, StoredPeerType::Preferred) => StoredPeerType::Outbound,
        (TypeUpdate::SetPreferred, _) => StoredPeerType::Preferred,
        (_, unchanged) => unchanged,
    };
}

/// Draws how long to wait after `num_failures` failures: uniformly from the whole seconds
/// 1 to 10·2^min(`num_failures`, 10) ([`SECONDS_PER_BACKOFF`], [`MAX_BACKOFF_EXPONENT`]).
///
/// `random` returns 64 random bits at each call, such as `|| rng.next_u64()` with a generator of the crate `rand`.
///
/// ```
/// use peer_manager::compute_backoff;
///
/// let longest = compute_backoff(3, || u64::MAX);
/// assert_eq!(longest.as_secs(), 80);
/// ```
pub fn compute_backoff(num_failures: u32, random: impl FnMut() -> u64) -> Duration {
    BackOffScale::default().compute_backoff(num_failures, random)
}

/// Carries a [`BackOffUpdate`] out at `now`. Failures and times saturate instead of wrapping round. `random` is as for
/// [`compute_backoff`].
pub fn apply_backoff_update(
    record: &mut PeerRecord,
    update: BackOffUpdate,
    now: i64,
    random: impl FnMut() -> u64,
) {
    BackOffScale::default().apply_backoff_update(record, update, now, random);
}

/// How long peers wait: the specification's rules, with its two constants as arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackOffScale {
    /// In place of [`SECONDS_PER_BACKOFF`].
    pub(crate) seconds: u64,
    /// In place of [`MAX_BACKOFF_EXPONENT`].
    pub(crate) max_exponent: u32,
}

impl Default for BackOffScale {
    fn default() -> Self {
        Self { seconds: SECONDS_PER_BACKOFF, max_exponent: MAX_BACKOFF_EXPONENT }
    }
}

impl BackOffScale {
    /// See [`compute_backoff`].
    fn compute_backoff(self, num_failures: u32, random: impl FnMut() -> u64) -> Duration {
        let max_seconds = self.seconds << num_failures.min(self.max_exponent);
        Duration::from_secs(Bits(random).random_range(1..=max_seconds))
    }

    /// See [`apply_backoff_update`].
    pub(crate) fn apply_backoff_update(
        self,
        record: &mut PeerRecord,
        update: BackOffUpdate,
        now: i64,
        random: impl FnMut() -> u64,
    ) {
        record.num_failures = match update {
            BackOffUpdate::HardReset | BackOffUpdate::Reset => 0,
            BackOffUpdate::Increase => record.num_failures.saturating_add(1),
        };
        record.next_attempt = match update {
            BackOffUpdate::HardReset => now,
            BackOffUpdate::Reset | BackOffUpdate::Increase => {
                now.saturating_add_unsigned(self.compute_backoff(record.num_failures, random).as_secs())
            }
        };
    }
}

/// Random bits from a function, in the form that the crate `rand` needs: the crate is not part of the public API.
struct Bits<F>(F);

impl<F: FnMut() -> u64> TryRng for Bits<F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        // The upper half.
        self.try_next_u64().map(|bits| (bits >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok((self.0)())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(size_of::<u64>()) {
            chunk.copy_from_slice(&(self.0)().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
