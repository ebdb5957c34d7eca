//! What makes a count of trials a figure: independent random numbers for each trial, an interval for each probability, and
//! all processors at work without any effect on the result.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rand::rngs::ChaCha12Rng;
use rand::{Rng as _, SeedableRng as _};

use super::Failure;

/// The standard normal distribution lies within this of 0 with a probability of 95 %.
const Z: f64 = 1.959_964;

/// How often something happened in how many independent trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proportion {
    pub(crate) happened: u32,
    pub(crate) trials: u32,
}

impl Proportion {
    pub(crate) fn of(outcomes: impl Iterator<Item = bool>) -> Self {
        outcomes.fold(Self::default(), |count, happened| Self {
            happened: count.happened + u32::from(happened),
            trials: count.trials + 1,
        })
    }

    pub(crate) fn value(self) -> f64 {
        f64::from(self.happened) / f64::from(self.trials)
    }

    /// The interval that holds the true probability in 95 of 100 such experiments: the score interval of E. B. Wilson,
    /// "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American Statistical
    /// Association 22 (1927), pages 209 to 212. Unlike the textbook's, it says something when nothing happened: then it
    /// goes from 0 to about 4 / trials.
    pub(crate) fn interval(self) -> (f64, f64) {
        let (trials, value) = (f64::from(self.trials), self.value());
        let weight = Z * Z / trials;
        let centre = (value + weight / 2.0) / (1.0 + weight);
        let spread = (value * (1.0 - value) * weight + weight * weight / 4.0).sqrt() / (1.0 + weight);
        // At the ends the interval is exact; rounding must not say otherwise.
        let low = if self.happened == 0 { 0.0 } else { centre - spread };
        let high = if self.happened == self.trials { 1.0 } else { centre + spread };
        (low, high)
    }
}

/// A seed of its own for the `n`-th of the things that follow from one seed.
pub(crate) fn derived(seed: u64, n: u64) -> u64 {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(n);
    rng.next_u64()
}

/// The results of `job` for 0 to `count`, in this order, whichever thread did which.
pub(crate) fn in_parallel<T: Send>(
    count: usize,
    job: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count);
    let work = || {
        let mut done = Vec::new();
        loop {
            // Relaxed: only that no two threads get the same number matters.
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            done.push((index, job(index)));
        }
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut results = Vec::with_capacity(count);
        for worker in workers {
            results.extend(worker.join().map_err(|_| "a thread of the simulation panicked")?);
        }
        Ok::<_, Failure>(results)
    })?;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A mean of independent values, and how far off it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mean {
    pub(crate) value: f64,
    /// The 95 % interval goes this far to either side, by the normal distribution.
    pub(crate) margin: f64,
    pub(crate) count: u32,
}

impl Mean {
    pub(crate) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().fold(0_u32, |count, _| count + 1);
        if count == 0 {
            return Self::default();
        }
        let n = f64::from(count);
        let value = values.clone().sum::<f64>() / n;
        let squares = values.map(|one| (one - value).powi(2)).sum::<f64>();
        let variance = if count > 1 { squares / (n - 1.0) } else { 0.0 };
        Self { value, margin: Z * (variance / n).sqrt(), count }
    }
}

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        if self.count == 0 {
            return f.write_str("–");
        }
        write!(f, "{:.digits$} ± {:.digits$}", self.value, self.margin)
    }
}
