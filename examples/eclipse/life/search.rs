//! Looks for the policy whose worst scenario is the least bad. Report what it finds on other seeds: the best of many is
//! partly the luckiest.

use std::fmt::Write as _;

use super::policy::{CONTRACT, Choice, DOCUMENTED, Parameters, Policy};
use super::report::Cell;
use super::scenario::{HOUR, SCENARIOS, Scenario};
use super::strategies::Strategy;
use crate::Failure;

/// Scenarios that differ in what they ask of a policy, and are quick.
const LOOKED_AT: [&str; 7] =
    ["10k/500", "30k/4000", "names", "birth", "birth-12-days", "sleepers", "10k/500-8-days"];

/// What is tried.
pub(crate) fn candidates() -> Vec<Policy> {
    let policy = |parameters, rotation| Policy {
        choice: Choice::Parameters(parameters),
        rotation: Some(rotation),
        ..DOCUMENTED
    };
    let mut tried = vec![CONTRACT];
    for feeler_depth in [4, 8, 16, 32, 64] {
        tried.push(Parameters { feeler_depth, ..CONTRACT });
        tried.push(Parameters { known_depth: 16, new_depth: 16, feeler_depth, ..CONTRACT });
    }
    // With the best of these, the others.
    let base = Parameters { known_depth: 12, new_depth: 16, feeler_depth: 64, ..CONTRACT };
    for known_depth in [1, 2, 4, 8, 12, 32] {
        tried.push(Parameters { known_depth, ..base });
    }
    for new_depth in [8, 32, 64] {
        tried.push(Parameters { new_depth, ..base });
    }
    for (known_depth, among) in [(12, 2), (32, 4)] {
        tried.push(Parameters { known_depth, among, ..base });
    }
    for uniform in [12, 25] {
        tried.push(Parameters { uniform, ..base });
    }
    tried.push(Parameters { new_first: 12, ..base });
    tried.push(Parameters { feeler_failures: 0, ..base });
    tried.push(Parameters { known_by_heard: true, ..base });
    for known_depth in [4, 8, 16] {
        tried.push(Parameters { known_depth, feeler_depth: 16, known_after_a_day: true, ..base });
    }
    let rotations = [HOUR / 2, 8 * HOUR].map(|rotation| policy(base, rotation));
    tried.into_iter().map(|parameters| policy(parameters, 2 * HOUR)).chain(rotations).collect()
}

/// The scenarios that a search looks at.
pub(crate) fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    SCENARIOS.iter().filter(|scenario| LOOKED_AT.contains(&scenario.name))
}

/// The head of the table.
pub(crate) fn head(trials: u32, seed: u64) -> String {
    let mut text =
        format!("### Search: hostile share after a restart; {trials} trials, seed {seed}\n\n| policy |");
    for scenario in scenarios() {
        let _ = write!(text, " {} |", scenario.name);
    }
    let _ = write!(text, " worst | mean |\n|---|{}---:|---:|", "---:|".repeat(scenarios().count()));
    text
}

/// The line of a candidate.
pub(crate) fn line(policy: Policy, trials: u32, seed: u64) -> Result<String, Failure> {
    let mut text = format!("| {policy} |");
    let (mut worst, mut sum) = (0.0_f64, 0.0);
    for scenario in scenarios() {
        let Cell { share, .. } = Cell::run(scenario, Strategy::Policy(policy), trials, seed)?;
        let _ = write!(text, " {share} |");
        worst = worst.max(share.value);
        sum += share.value;
    }
    let mean = sum / crate::exact::as_f64(scenarios().count());
    let _ = write!(text, " {worst:.3} | {mean:.3} |");
    Ok(text)
}
