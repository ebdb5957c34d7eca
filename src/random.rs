//! The source of every random choice: one key, and independent streams under it.
//!
//! The changes, of which there is one at a time, share a stream of ChaCha12; each query takes one of its own. So draws are
//! unpredictable to strangers (the key comes from the system), repeatable when a seed is given, and made without a lock:
//! threads that draw at the same time share nothing but a counter.
//!
//! A fork gives the child the key and the counter, so streams that begin after a fork use a key of their own: parent, child
//! and siblings draw differently, whether or not there is a seed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::{ChaCha12Rng, SysRng};
use rand::{SeedableRng, TryRng as _};

use crate::error::{Error, Result};
use crate::system::process::Process;

/// Hands out independent streams of random numbers.
pub(crate) struct RandomSource {
    key: [u8; 32],
    next_stream: AtomicU64,
    /// The process in which the key is used as it is.
    process: Process,
}

impl fmt::Debug for RandomSource {
    /// Without the key: whoever knows it can predict every draw.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomSource").finish_non_exhaustive()
    }
}

impl RandomSource {
    /// A source that follows `seed`, or one that nobody can predict.
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
        Ok(Self { key, next_stream: AtomicU64::new(0), process: Process::current() })
    }

    /// The generator for one query, or for all changes.
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
