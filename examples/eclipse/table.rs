//! The tables that are printed, in Markdown, which is plain enough to read as it is.

use std::fmt::Write as _;

use crate::chart::grouped;
use crate::flood::{Arrival, Flood, Outcome};
use crate::statistics::Proportion;
use crate::strategy::Kind;
use crate::world::{Hosts, Sides};

fn count(number: usize) -> String {
    u64::try_from(number).map_or_else(|_| number.to_string(), grouped)
}

/// The table of one flood, with a line for each strategy.
pub(crate) fn flood(flood: &Flood, outcomes: &[(Kind, Outcome)]) -> String {
    let Flood { sides, arrival, draws, trials, seed } = flood;
    let order = match arrival {
        Arrival::HonestFirst => "honest addresses come first",
        Arrival::HostileFirst => "hostile addresses come first",
        Arrival::Mixed => "both come mixed",
    };
    let trials = grouped(u64::from(*trials));
    let mut text = format!(
        "### {}; {order}\n\n{draws} draws, {trials} trials, seed {seed}\n\n\
         | strategy | all drawn are hostile | 95 % interval | calculated | honest left | hostile |\n\
         |---|---:|---:|---:|---:|---:|\n",
        describe(sides)
    );
    for (kind, outcome) in outcomes {
        let exact = outcome.exact.map_or_else(|| "–".to_owned(), probability);
        let _ = writeln!(
            text,
            "| {kind} | {} | {} | {exact} | {} | {} |",
            probability(outcome.captured.value()),
            interval(outcome.captured),
            count(outcome.honest),
            count(outcome.hostile)
        );
    }
    text
}

fn describe(sides: &Sides) -> String {
    let Sides { honest, honest_networks, hostile, hostile_networks, hostile_hosts } = *sides;
    let hostile = match hostile_hosts {
        Hosts::Ipv4 => {
            let plural = if hostile_networks == 1 { "" } else { "s" };
            format!("{} hostile addresses of {} network{plural}", count(hostile), count(hostile_networks))
        }
        Hosts::Names => format!("{} hostile names", count(hostile)),
    };
    format!("{hostile}, {} honest addresses of {}", count(honest), count(honest_networks))
}

fn interval(proportion: Proportion) -> String {
    let (low, high) = proportion.interval();
    format!("{}–{}", probability(low), probability(high))
}

/// A probability as text. What is small is not rounded to nothing.
fn probability(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        1.0 => "1".to_owned(),
        value if value < 0.001 => format!("{value:.1e}"),
        value => format!("{value:.4}"),
    }
}
