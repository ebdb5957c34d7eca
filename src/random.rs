//! The source of every random choice: one key, and independent streams of ChaCha12 under it.
//!
//! Changes, of which there is one at a time, share a stream. Queries take turns with a few streams: beginning one costs as much
//! as many draws, so a free one is used again. A query takes the first free one, and none waits for another; if all are taken,
//! it begins a stream of its own. Draws are unpredictable to strangers, because the key comes from the system.
//!
//! With a seed they can be repeated, so there each query begins a stream of its own, whatever other threads do.
//!
//! A fork gives the child the key and the streams, so what is drawn after a fork is drawn with a key of its own: parent,
//! child and siblings draw differently, whether or not there is a seed.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::{ChaCha12Rng, SysRng};
use rand::{SeedableRng, TryRng as _};

use crate::error::{Error, Result};
use crate::sync::{Mutex, MutexGuard, PlainAtomicU64};
use crate::system::process::Process;

/// How many streams queries take turns with: more threads than that seldom draw at the same moment.
const SHARED: usize = 8;

/// Hands out independent streams of random numbers.
pub(crate) struct RandomSource {
    key: [u8; 32],
    next_stream: PlainAtomicU64,
    /// The process in which the key is used as it is.
    process: Process,
    is_seeded: bool,
    /// The streams that queries take turns with, [`SHARED`] of them.
    shared: Vec<Turns>,
}

/// A stream that queries take turns with, in cache lines that no other stream shares.
#[repr(align(64))]
struct Turns(Mutex<Stream>);

/// A stream, and the process in which it began.
pub(crate) struct Stream {
    rng: ChaCha12Rng,
    process: Process,
}

/// The generator of one query.
pub(crate) enum Generator<'a> {
    Shared(MutexGuard<'a, Stream>),
    Own(Box<ChaCha12Rng>),
}

impl Generator<'_> {
    pub(crate) fn rng(&mut self) -> &mut ChaCha12Rng {
        match self {
            Self::Shared(stream) => &mut stream.rng,
            Self::Own(rng) => rng,
        }
    }
}

impl fmt::Debug for RandomSource {
    /// Without the key, from which every draw can be predicted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomSource").finish_non_exhaustive()
    }
}

impl RandomSource {
    /// A source that follows `seed`, or one that cannot be predicted.
    pub(crate) fn new(seed: Option<u64>) -> Result<Self> {
        let key = if let Some(seed) = seed {
            ChaCha12Rng::seed_from_u64(seed).get_seed()
        } else {
            let mut key = [0; 32];
            SysRng.try_fill_bytes(&mut key).map_err(|error| {
                Error::Unsupported(format!("cannot get random numbers from the system: {error}; give a seed"))
            })?;
            key
        };
        let process = Process::current();
        let is_seeded = seed.is_some();
        let mut source =
            Self { key, next_stream: PlainAtomicU64::new(0), process, is_seeded, shared: Vec::new() };
        // With a seed, each is replaced before it is used.
        let rng = || if is_seeded { ChaCha12Rng::from_seed(key) } else { source.stream() };
        let turns = (0..SHARED).map(|_| Turns(Mutex::new(Stream { rng: rng(), process })));
        source.shared = turns.collect();
        Ok(source)
    }

    /// The generator for one query. The same stream is never used by two at once. Cost: constant; a thread prefers the same
    /// stream each time.
    pub(crate) fn generator(&self) -> Generator<'_> {
        let first = number_of_thread();
        for turn in 0..SHARED {
            let Turns(stream) = &self.shared[first.wrapping_add(turn) % SHARED];
            // Never waits, so no order of locks has to be kept, and a stream that a fork has left locked is passed over.
            if let Ok(mut stream) = stream.try_lock() {
                if self.is_seeded || !stream.process.is_current() {
                    // After a fork, the parent goes on using the same stream.
                    *stream = Stream { rng: self.stream(), process: Process::current() };
                }
                return Generator::Shared(stream);
            }
        }
        Generator::Own(Box::new(self.stream()))
    }

    /// A stream of its own, for all changes or for one query.
    pub(crate) fn stream(&self) -> ChaCha12Rng {
        let mut rng = ChaCha12Rng::from_seed(self.key_here());
        // Relaxed: all that matters is that no two calls get the same number.
        rng.set_stream(self.next_stream.fetch_add(1, Ordering::Relaxed));
        rng
    }

    /// The key of this process. Cost: an atomic load.
    fn key_here(&self) -> [u8; 32] {
        let mut key = self.key;
        if let Some(stamp) = self.process.fork_since() {
            // The stamp is no secret, and need not be one: the rest of the key is.
            key.iter_mut().zip(stamp.to_le_bytes()).for_each(|(byte, stamp)| *byte ^= stamp);
        }
        key
    }
}

/// A different number for each thread, until there are more threads than numbers.
fn number_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    // A thread that is ending, and has no such number any more, takes any.
    let number = NUMBER.try_with(|number| {
        number.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(next));
            next
        })
    });
    number.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::Rng as _;

    use super::*;

    fn first_numbers(generators: &mut [Generator<'_>]) -> HashSet<u64> {
        generators.iter_mut().map(|generator| generator.rng().next_u64()).collect()
    }

    #[test]
    fn queries_at_the_same_time_draw_differently_however_many_they_are() {
        for seed in [None, Some(1)] {
            let source = RandomSource::new(seed).expect("the system has random numbers");
            let mut generators: Vec<_> = (0..3 * SHARED).map(|_| source.generator()).collect();
            assert_eq!(first_numbers(&mut generators).len(), 3 * SHARED);
        }
    }

    #[test]
    fn a_stream_that_is_used_again_goes_on() {
        let source = RandomSource::new(None).expect("the system has random numbers");
        let numbers: HashSet<u64> = (0..1_000).map(|_| source.generator().rng().next_u64()).collect();
        assert_eq!(numbers.len(), 1_000);
    }

    #[test]
    fn with_a_seed_the_nth_query_draws_the_same_whatever_others_do_meanwhile() {
        let [alone, among_others] = [(); 2].map(|()| RandomSource::new(Some(7)).expect("nothing is asked"));
        let first = alone.generator().rng().next_u64();
        let second = alone.generator().rng().next_u64();
        let mut at_once: Vec<_> = (0..2).map(|_| among_others.generator()).collect();
        assert_eq!(at_once[1].rng().next_u64(), second);
        assert_eq!(at_once[0].rng().next_u64(), first);
    }
}
