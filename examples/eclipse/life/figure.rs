//! The chart of the README: what the attacker gets against the networks that it holds.

use super::report::Cell;
use super::scenario::{DAY, HONEST_NETWORKS, Scenario};
use super::strategies::{STRATEGIES, Strategy};
use crate::Failure;
use crate::chart::{self, Axis, Line, Panel, Point, Scale};

/// How many networks the attacker holds, with 10,000 addresses.
const NETWORKS: [u16; 7] = [4, 20, 100, 250, 500, 1_000, 4_000];

/// Who has a line, and how it looks.
const LINES: [(&str, &str, (&str, &str)); 5] = [
    ("next-to-dial", "#1f5fa8", ("this library", "next_to_dial")),
    ("addrman", "#7a3fa0", ("Bitcoin Core", "a model of addrman")),
    ("known-first", "#3aa0a0", ("this library", "defences off, known first")),
    ("specification", "#d99a2b", ("the specification", "a uniform draw")),
    ("window", "#b3541e", ("stellar-core", "a window of 1,000 rows")),
];

/// Runs both sweeps.
pub(crate) fn draw(trials: u32, seed: u64) -> Result<String, Failure> {
    Ok(chart::svg(&[
        Panel {
            title: "10,000 hostile addresses; the node lived two honest days before two days of flood",
            x: networks(),
            y: share(),
            lines: lines(2 * DAY, trials, seed)?,
        },
        Panel {
            title: "10,000 hostile addresses; the node is flooded for two days from its birth",
            x: networks(),
            y: share(),
            lines: lines(0, trials, seed)?,
        },
    ]))
}

fn lines(honest: i64, trials: u32, seed: u64) -> Result<Vec<Line<'static>>, Failure> {
    let mut lines = Vec::new();
    for (name, colour, label) in LINES {
        let strategy = STRATEGIES.iter().find(|(of, _)| *of == name).ok_or("a line without a strategy")?.1;
        lines.push(Line { colour, label, points: points(strategy, honest, trials, seed)?, is_thin: false });
    }
    let held =
        |networks: u16| f64::from(networks) / (f64::from(networks) + crate::exact::as_f64(HONEST_NETWORKS));
    let points = NETWORKS.map(|networks| Point { x: f64::from(networks), y: held(networks), interval: None });
    let label = ("the attacker's share", "of the networks");
    lines.push(Line { colour: "#555", label, points: points.to_vec(), is_thin: true });
    Ok(lines)
}

fn points(strategy: Strategy, honest: i64, trials: u32, seed: u64) -> Result<Vec<Point>, Failure> {
    let mut points = Vec::new();
    for networks in NETWORKS {
        let scenario = Scenario::of_networks(usize::from(networks), honest);
        let share = Cell::run(&scenario, strategy, trials, seed)?.share;
        let interval = Some(((share.value - share.margin).max(0.0), (share.value + share.margin).min(1.0)));
        points.push(Point { x: f64::from(networks), y: share.value, interval });
    }
    Ok(points)
}

fn networks() -> Axis<'static> {
    let ticks = vec![(4.0, "4"), (20.0, "20"), (100.0, "100"), (500.0, "500"), (4_000.0, "4,000")];
    Axis {
        title: "/16 networks that the attacker holds, beside 2,000 honest ones",
        scale: Scale::Logarithmic,
        range: (4.0, 4_000.0),
        ticks,
    }
}

fn share() -> Axis<'static> {
    let ticks = vec![(0.0, "0"), (0.2, "0.2"), (0.4, "0.4"), (0.6, "0.6"), (0.8, "0.8"), (1.0, "1")];
    Axis {
        title: "hostile share of eight connections after a restart",
        scale: Scale::Linear,
        range: (0.0, 1.0),
        ticks,
    }
}
