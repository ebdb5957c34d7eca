//! Runs the trials of a scenario, and says what came of them.

use std::fmt::Write as _;

use super::scenario::Scenario;
use super::strategies::Strategy;
use super::{Outcome, live};
use crate::Failure;
use crate::statistics::{Mean, Proportion, derived, in_parallel};

/// The trials of one strategy in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// The hostile share of the connections ten minutes after the first restart, and before it.
    pub(crate) share: Mean,
    pub(crate) before: Mean,
    /// Restarts after which all connections were hostile.
    pub(crate) eclipsed: Proportion,
    /// Dials until all places were filled.
    pub(crate) dials: Mean,
    /// Of the connections to honest peers, the share of those that were new to the network, or young.
    pub(crate) new: Mean,
    pub(crate) young: Mean,
}

impl Cell {
    /// Runs as many lives as there are trials. The same trials meet the same world, whatever the strategy.
    pub(crate) fn run(
        scenario: &Scenario,
        strategy: Strategy,
        trials: u32,
        seed: u64,
    ) -> Result<Self, Failure> {
        let seed = scenario.name.bytes().fold(seed, |seed, byte| derived(seed, u64::from(byte)));
        let trials = usize::try_from(trials)?;
        let lives =
            in_parallel(trials, |trial| live(scenario, strategy, derived(seed, u64::try_from(trial)?)))?;
        Ok(Self::of(&lives))
    }

    pub(crate) fn of(lives: &[Outcome]) -> Self {
        fn among<'a>(
            lives: &'a [Outcome],
            part: impl Fn(&Outcome) -> u32 + Clone + 'a,
        ) -> impl Iterator<Item = f64> + Clone + 'a {
            let active = lives.iter().filter(|life| life.made > 0);
            active.map(move |life| f64::from(part(life)) / f64::from(life.made))
        }
        let restarts = || lives.iter().flat_map(|life| &life.restarts);
        Self {
            share: Mean::of(lives.iter().filter_map(|life| life.restarts.first()).map(|view| view.share())),
            before: Mean::of(lives.iter().map(|life| life.before.share())),
            eclipsed: Proportion::of(restarts().map(|view| view.is_eclipsed())),
            dials: Mean::of(lives.iter().filter_map(|life| life.dials).map(f64::from)),
            new: Mean::of(among(lives, |life| life.made_to_new)),
            young: Mean::of(among(lives, |life| life.made_to_young)),
        }
    }
}

/// The head of a scenario's table.
pub(crate) fn head(scenario: &Scenario, trials: u32, seed: u64) -> String {
    format!(
        "### {}\n\n`{}`; {trials} trials, seed {seed}; the attacker's share of the networks is {:.3}\n\n\
         | strategy | hostile after a restart | before it | eclipsed restarts | 95 % interval | dials to eight | new peers | young peers |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|",
        scenario.title,
        scenario.name,
        scenario.share_of_networks()
    )
}

/// The line of a strategy.
pub(crate) fn line(strategy: Strategy, cell: &Cell) -> String {
    let Cell { share, before, eclipsed, dials, new, young } = cell;
    let mut text = format!("| {strategy} |");
    let (low, high) = eclipsed.interval();
    let _ = write!(
        text,
        " {share} | {before} | {} of {} | {low:.3}–{high:.3} | {dials:.1} | {new} | {young} |",
        eclipsed.happened, eclipsed.trials
    );
    text
}
