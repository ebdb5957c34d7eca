//! Chi-square tests of what is drawn at random.
//!
//! A test fails when its statistic is beyond what a fair draw exceeds once in a million times. The critical
//! value is the approximation of E. B. Wilson and M. M. Hilferty, "The Distribution of Chi-Square", Proceedings
//! of the National Academy of Sciences 17 (1931), pages 684 to 688.

/// The standard normal distribution is above this with a probability of 10^-6.
const Z: f64 = 4.753_424;

/// What chi-square with so many degrees of freedom exceeds as rarely as the normal distribution exceeds `z`.
pub(crate) fn critical_value(degrees: f64, z: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    degrees * (1.0 - spread + z * spread.sqrt()).powi(3)
}

/// How far counts are from being equal, and how far they may be.
#[derive(Debug)]
pub(crate) struct Verdict {
    statistic: f64,
    critical: f64,
}

impl Verdict {
    /// Pearson's test that all `cells` are equally likely, given the counts of those that came up at all.
    pub(crate) fn of(counts: impl Iterator<Item = u32>, cells: usize, draws: u32) -> Self {
        let expected = f64::from(draws) / as_f64(cells);
        assert!(expected >= 5.0, "too few draws for chi-square");
        let (mut sum, mut seen) = (0.0, 0);
        for count in counts {
            sum += (f64::from(count) - expected).powi(2) / expected;
            seen += 1;
        }
        // A cell that never came up is as far off as it can be.
        sum += as_f64(cells - seen) * expected;
        Self { statistic: sum, critical: critical_value(as_f64(cells - 1), Z) }
    }

    /// The test for how often each of `cells` was in an answer of `size`. Answers without replacement vary less
    /// than independent draws, by the factor (cells - size) / (cells - 1).
    pub(crate) fn of_inclusion(
        counts: impl Iterator<Item = u32>,
        cells: usize,
        size: usize,
        draws: u32,
    ) -> Self {
        let chosen = draws * u32::try_from(size).unwrap();
        let verdict = Self::of(counts, cells, chosen);
        let factor = as_f64(cells - size) / as_f64(cells - 1);
        Self { statistic: verdict.statistic / factor, critical: verdict.critical }
    }

    /// The test that outcomes have these probabilities, given those with the counts of what came up.
    pub(crate) fn of_probabilities(outcomes: impl Iterator<Item = (f64, u32)>, draws: u32) -> Self {
        let (mut sum, mut cells) = (0.0, 0);
        for (probability, count) in outcomes {
            let expected = probability * f64::from(draws);
            assert!(expected >= 5.0, "too few draws for chi-square");
            sum += (f64::from(count) - expected).powi(2) / expected;
            cells += 1;
        }
        Self { statistic: sum, critical: critical_value(as_f64(cells - 1), Z) }
    }

    /// Whether chance alone explains the counts.
    pub(crate) fn is_fair(&self) -> bool {
        self.statistic <= self.critical
    }
}

pub(crate) fn as_f64(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}
