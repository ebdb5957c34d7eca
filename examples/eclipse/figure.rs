//! The chart of README.md in this directory: the probability of capture against what the attacker has.

use crate::Failure;
use crate::chart::table::Series;
use crate::chart::{Axis, Line, Panel, Picture, Point, Scale, Style, Table, grouped};
use crate::flood::{Arrival, Flood};
use crate::standard::{LINES, NETWORKS_OF_SWEEP, TOY};
use crate::statistics::in_parallel;
use crate::strategy::Kind;
use crate::world::Sides;

/// How many netgroups the attacker holds, with 9,000 addresses.
const NETGROUPS: [usize; 9] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 9_000];

/// How many addresses it has in a fixed number of netgroups.
const ADDRESSES: [usize; 9] = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];

/// What the table calls the chart and its panels.
pub(crate) const NAME: &str = "capture";
const PANELS: [&str; 2] = ["netgroups", "addresses"];

/// Runs both sweeps.
pub(crate) fn measure(draws: usize, trials: u32, seed: u64) -> Result<Table, Failure> {
    let flood = |sides| Flood { sides, arrival: Arrival::HonestFirst, draws, trials, seed };
    let netgroups = sweep(&NETGROUPS, |hostile_networks| flood(Sides { hostile_networks, ..TOY }))?;
    let addresses = sweep(&ADDRESSES, |hostile| {
        flood(Sides { hostile, hostile_networks: NETWORKS_OF_SWEEP.min(hostile), ..TOY })
    })?;
    let mut series = Vec::new();
    for (panel, sweep) in PANELS.into_iter().zip([netgroups, addresses]) {
        series.extend(measured(panel, &sweep)?);
    }
    let about: [(&str, &dyn ToString); 4] =
        [("figure", &NAME), ("draws", &draws), ("trials", &trials), ("seed", &seed)];
    Ok(Table::new(&about, series))
}

/// Runs a sweep against each of [`LINES`].
fn measured(panel: &str, sweep: &[(u32, Flood)]) -> Result<Vec<Series>, Failure> {
    let points = in_parallel(LINES.len() * sweep.len(), |job| {
        let (size, flood) = &sweep[job % sweep.len()];
        let captured = flood.run(&flood.world()?, LINES[job / sweep.len()])?.captured;
        Ok(Point { x: f64::from(*size), y: captured.value(), interval: Some(captured.interval()) })
    })?;
    let series = LINES.iter().zip(points.chunks(sweep.len())).map(|(kind, points)| Series {
        panel: panel.to_owned(),
        line: look(*kind).0.to_owned(),
        points: points.to_vec(),
    });
    Ok(series.collect())
}

fn sweep(sizes: &[usize], flood: impl Fn(usize) -> Flood) -> Result<Vec<(u32, Flood)>, Failure> {
    sizes.iter().map(|&size| Ok((u32::try_from(size)?, flood(size)))).collect()
}

/// What a line is called in the table, how it looks, and what the legend says.
fn look(kind: Kind) -> (&'static str, Style, &'static str) {
    match kind {
        Kind::Window => ("window", Style::Rust, "stellar-core: a window of 1,000 rows"),
        Kind::Specification => ("specification", Style::Ochre, "the specification: a uniform draw"),
        Kind::Library(defences) if defences.max_per_netgroup != 0 => {
            ("max_per_netgroup", Style::Blue, "this library, max_per_netgroup 1")
        }
        Kind::Library(_) => {
            ("max_peers_per_netgroup", Style::Teal, "this library, max_peers_per_netgroup 16")
        }
    }
}

/// Draws what was measured.
pub(crate) fn svg(table: &Table) -> Result<String, Failure> {
    let [honest, hostile] = [TOY.honest, TOY.hostile].map(|count| grouped(count as u64));
    let others = format!("{honest} honest ones of {} netgroups", TOY.honest_networks);
    let titles = [
        format!("{hostile} hostile addresses, and {others}"),
        format!("Hostile addresses of {NETWORKS_OF_SWEEP} netgroups, and {others}"),
    ];
    let y_title = format!("probability that all {} drawn are hostile", table.about("draws")?);
    let description = format!(
        "Two line charts: how likely a flood of addresses captures a node that draws {} peers, by the attacker's netgroups \
         and by its addresses; {} trials for each point.",
        table.about("draws")?,
        grouped(table.about("trials")?.parse()?)
    );
    let lines = |panel| {
        let line = |kind: &Kind| {
            let (name, style, label) = look(*kind);
            Ok(Line { style, label, points: table.points(panel, name)? })
        };
        LINES.iter().map(line).collect::<Result<Vec<_>, String>>()
    };
    let picture = Picture {
        title: "The probability of capture against what the attacker has",
        description: &description,
        panels: vec![
            Panel {
                title: &titles[0],
                x: axis("netgroups (/16) that the attacker holds", "netgroups", &TICKS_OF_NETGROUPS),
                y: probability(&y_title),
                lines: lines(PANELS[0])?,
            },
            Panel {
                title: &titles[1],
                x: axis("hostile addresses", "addresses", &TICKS_OF_ADDRESSES),
                y: probability(&y_title),
                lines: lines(PANELS[1])?,
            },
        ],
    };
    Ok(picture.svg())
}

const TICKS_OF_NETGROUPS: [(u32, &str); 5] =
    [(1, "1"), (10, "10"), (100, "100"), (1_000, "1,000"), (9_000, "9,000")];
const TICKS_OF_ADDRESSES: [(u32, &str); 5] =
    [(100, "100"), (1_000, "1,000"), (10_000, "10,000"), (100_000, "100,000"), (1_000_000, "1,000,000")];

/// A logarithmic axis from the first tick to the last.
fn axis(title: &'static str, unit: &str, ticks: &[(u32, &'static str)]) -> Axis<'static> {
    let ticks: Vec<(f64, &str)> = ticks.iter().map(|&(tick, label)| (f64::from(tick), label)).collect();
    let ends = ticks.first().zip(ticks.last());
    let range = ends.map_or((1.0, 10.0), |((from, _), (to, _))| (*from, *to));
    let written = if unit == "addresses" { addresses } else { netgroups };
    Axis { title, scale: Scale::Logarithmic, range, ticks, written }
}

fn addresses(count: f64) -> String {
    format!("{} addresses", whole(count))
}

/// A number of netgroups, in words.
pub(crate) fn netgroups(count: f64) -> String {
    if whole(count) == "1" { "1 netgroup".to_owned() } else { format!("{} netgroups", whole(count)) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of the table's")]
fn whole(count: f64) -> String {
    grouped(count.round() as u64)
}

/// A linear axis from 0 to 1.
pub(crate) fn probability(title: &str) -> Axis<'_> {
    let ticks = vec![(0.0, "0"), (0.2, "0.2"), (0.4, "0.4"), (0.6, "0.6"), (0.8, "0.8"), (1.0, "1")];
    let written = |value: f64| format!("{value:.2}");
    Axis { title, scale: Scale::Linear, range: (0.0, 1.0), ticks, written }
}
