//! The chart of README.md in this directory: the probability of capture against what the attacker has.

use crate::Failure;
use crate::chart::{self, Axis, Line, Panel, Point, Scale, grouped};
use crate::flood::{Arrival, Flood};
use crate::standard::{LINES, NETWORKS_OF_SWEEP, TOY};
use crate::statistics::in_parallel;
use crate::strategy::Kind;
use crate::world::Sides;

/// How many networks the attacker holds, with 9,000 addresses.
const NETWORKS: [usize; 9] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 9_000];

/// How many addresses it has in a fixed number of networks.
const ADDRESSES: [usize; 9] = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];

/// Runs both sweeps.
pub(crate) fn draw(draws: usize, trials: u32, seed: u64) -> Result<String, Failure> {
    let flood = |sides| Flood { sides, arrival: Arrival::HonestFirst, draws, trials, seed };
    let networks = sweep(&NETWORKS, |hostile_networks| flood(Sides { hostile_networks, ..TOY }))?;
    let addresses = sweep(&ADDRESSES, |hostile| {
        flood(Sides { hostile, hostile_networks: NETWORKS_OF_SWEEP.min(hostile), ..TOY })
    })?;
    let [honest, hostile] = [TOY.honest, TOY.hostile].map(|count| grouped(count as u64));
    let beside = format!("beside {honest} honest ones of {}", TOY.honest_networks);
    let y_title = format!("probability that all {draws} drawn are hostile");
    Ok(chart::svg(&[
        Panel {
            title: &format!("{hostile} hostile addresses {beside} networks"),
            x: axis("/16 networks that the attacker holds", &[1, 10, 100, 1_000, 9_000], &LABELS_OF_NETWORKS),
            y: probability(&y_title),
            lines: lines(&networks)?,
        },
        Panel {
            title: &format!("Hostile addresses of {NETWORKS_OF_SWEEP} networks {beside}"),
            x: axis("hostile addresses", &[100, 1_000, 10_000, 100_000, 1_000_000], &LABELS_OF_ADDRESSES),
            y: probability(&y_title),
            lines: lines(&addresses)?,
        },
    ]))
}

/// Runs a sweep against each of [`LINES`].
fn lines(sweep: &[(u32, Flood)]) -> Result<Vec<Line<'static>>, Failure> {
    let points = in_parallel(LINES.len() * sweep.len(), |job| {
        let (size, flood) = &sweep[job % sweep.len()];
        let captured = flood.run(&flood.world()?, LINES[job / sweep.len()])?.captured;
        Ok(Point { x: f64::from(*size), y: captured.value(), interval: Some(captured.interval()) })
    })?;
    Ok(LINES.iter().zip(points.chunks(sweep.len())).map(|(kind, points)| line(*kind, points)).collect())
}

const LABELS_OF_NETWORKS: [&str; 5] = ["1", "10", "100", "1,000", "9,000"];
const LABELS_OF_ADDRESSES: [&str; 5] = ["100", "1,000", "10,000", "100,000", "1,000,000"];

fn sweep(sizes: &[usize], flood: impl Fn(usize) -> Flood) -> Result<Vec<(u32, Flood)>, Failure> {
    sizes.iter().map(|&size| Ok((u32::try_from(size)?, flood(size)))).collect()
}

fn line(kind: Kind, points: &[Point]) -> Line<'static> {
    let (colour, label) = match kind {
        Kind::Window => ("#b3541e", ("stellar-core", "a window of 1,000 rows")),
        Kind::Specification => ("#d99a2b", ("the specification", "a uniform draw")),
        Kind::Library(defences) if defences.max_per_netgroup != 0 => {
            ("#1f5fa8", ("max_per_netgroup", "1, of this library"))
        }
        Kind::Library(_) => ("#3aa0a0", ("max_peers_per_netgroup", "16, of this library")),
    };
    Line { colour, label, points: points.to_vec(), is_thin: false }
}

/// A logarithmic axis from the first tick to the last.
fn axis(title: &'static str, ticks: &[u32], labels: &[&'static str]) -> Axis<'static> {
    let ticks: Vec<(f64, &str)> =
        ticks.iter().map(|&tick| f64::from(tick)).zip(labels.iter().copied()).collect();
    let ends = ticks.first().zip(ticks.last());
    let range = ends.map_or((1.0, 10.0), |((from, _), (to, _))| (*from, *to));
    Axis { title, scale: Scale::Logarithmic, range, ticks }
}

fn probability(title: &str) -> Axis<'_> {
    let ticks = vec![(0.0, "0"), (0.2, "0.2"), (0.4, "0.4"), (0.6, "0.6"), (0.8, "0.8"), (1.0, "1")];
    Axis { title, scale: Scale::Linear, range: (0.0, 1.0), ticks }
}
