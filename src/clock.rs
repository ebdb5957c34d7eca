//! The clock that a manager reads: the system's, or the caller's own.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::system::time::coarse_seconds;

/// Where a manager takes the time from, in whole seconds since the Unix epoch.
///
/// ```
/// use peer_manager::Clock;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// let time = Arc::new(AtomicI64::new(1_000));
/// let clock = Clock::from_fn({ let time = time.clone(); move || time.load(Ordering::Relaxed) });
/// time.store(2_000, Ordering::Relaxed);
/// assert_eq!(clock.now(), 2_000);
/// ```
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> i64 + Send + Sync>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that is read by calling `now`.
    ///
    /// It is called on the thread that uses the manager, with no lock held, so it may use the manager itself.
    pub fn from_fn(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    /// The time, in seconds since the Unix epoch; negative before it.
    #[must_use]
    pub fn now(&self) -> i64 {
        match &self.0 {
            Some(now) => now(),
            None => coarse_seconds().unwrap_or_else(system_now),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock::from_fn(..)" } else { "Clock::system()" })
    }
}

fn system_now() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(error) => i64::try_from(error.duration().as_secs()).map_or(i64::MIN, |before| -before),
    }
}
