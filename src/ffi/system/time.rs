//! The system's coarse clock, which costs a fraction of the exact one: it is read from memory, where the system writes the time
//! a few hundred times in a second.

/// The seconds since the Unix epoch, if the coarse clock is so far from the next second that the exact one reads the same.
/// Nothing where there is no such clock.
#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64"))]
pub(crate) fn coarse_seconds() -> Option<i64> {
    /// The time is written a hundred times in a second at the least; this is ten times as long, for a system that is so busy
    /// that it comes late.
    const MARGIN: i64 = 100_000_000;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for a time.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut time) };
    (status == 0 && time.tv_nsec < 1_000_000_000 - MARGIN).then_some(time.tv_sec)
}

/// See above.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64")))]
pub(crate) fn coarse_seconds() -> Option<i64> {
    None
}

#[cfg(all(test, not(miri)))]
mod tests {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::*;

    fn exact_seconds() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
        i64::try_from(since.as_secs()).expect("a time before the end of the sun")
    }

    #[test]
    fn the_coarse_clock_reads_the_same_second_as_the_exact_one() {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(1_200) {
            let (before, coarse, after) = (exact_seconds(), coarse_seconds(), exact_seconds());
            assert!(
                coarse.is_none_or(|coarse| before <= coarse && coarse <= after),
                "{before} {coarse:?} {after}"
            );
        }
    }
}
