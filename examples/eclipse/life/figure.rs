//! The chart of the README: what the attacker gets against the netgroups that it holds.

use super::report::Cell;
use super::scenario::{DAY, HONEST_NETWORKS, Scenario};
use super::strategies::{STRATEGIES, Strategy};
use crate::Failure;
use crate::chart::table::Series;
use crate::chart::{Axis, Line, Panel, Picture, Point, Scale, Style, Table, grouped};
use crate::figure::{netgroups, probability};

/// How many netgroups the attacker holds, with 10,000 addresses.
const NETGROUPS: [u16; 7] = [4, 20, 100, 250, 500, 1_000, 4_000];

/// What has a line: the strategy, how the line looks, and what the legend says.
const LINES: [(&str, Style, &str); 5] = [
    ("next-to-dial", Style::Blue, "this library: next_to_dial"),
    ("addrman", Style::Purple, "Bitcoin Core: a model of addrman"),
    ("known-first", Style::Teal, "this library, defences off, known peers first"),
    ("specification", Style::Ochre, "the specification: a uniform draw"),
    ("window", Style::Rust, "stellar-core: a window of 1,000 rows"),
];

/// What the table calls the chart, and its panels: what they are called there, how long the node lived before the flood, and
/// what stands above.
pub(crate) const NAME: &str = "life";
const PANELS: [(&str, i64, &str); 2] = [
    ("after-two-days", 2 * DAY, "10,000 hostile addresses: two honest days, then two days of flood"),
    ("from-birth", 0, "10,000 hostile addresses: two days of flood from the node's birth"),
];

/// Runs both sweeps.
pub(crate) fn measure(trials: u32, seed: u64) -> Result<Table, Failure> {
    let mut series = Vec::new();
    for (panel, honest, _) in PANELS {
        for (name, ..) in LINES {
            let strategy =
                STRATEGIES.iter().find(|(of, _)| *of == name).ok_or("a line without a strategy")?.1;
            let points = points(strategy, honest, trials, seed)?;
            series.push(Series { panel: panel.to_owned(), line: name.to_owned(), points });
        }
    }
    Ok(Table::new(&[("figure", &NAME), ("trials", &trials), ("seed", &seed)], series))
}

fn points(strategy: Strategy, honest: i64, trials: u32, seed: u64) -> Result<Vec<Point>, Failure> {
    let mut points = Vec::new();
    for held in NETGROUPS {
        let scenario = Scenario::of_networks(usize::from(held), honest);
        let share = Cell::run(&scenario, strategy, trials, seed)?.share;
        let interval = Some(((share.value - share.margin).max(0.0), (share.value + share.margin).min(1.0)));
        points.push(Point { x: f64::from(held), y: share.value, interval });
    }
    Ok(points)
}

/// Draws what was measured.
pub(crate) fn svg(table: &Table) -> Result<String, Failure> {
    let description = format!(
        "Two line charts: the mean hostile share of a node's eight connections after a restart, by the number of netgroups \
         that hold the attacker's addresses; {} lives for each point.",
        grouped(table.about("trials")?.parse()?)
    );
    let mut panels = Vec::new();
    for (panel, _, title) in PANELS {
        panels.push(Panel {
            title,
            x: held(),
            y: probability("hostile share of eight connections after a restart"),
            lines: lines(table, panel)?,
        });
    }
    let picture = Picture {
        title: "What the attacker gets against the netgroups that it holds",
        description: &description,
        panels,
    };
    Ok(picture.svg())
}

fn lines(table: &Table, panel: &str) -> Result<Vec<Line<'static>>, Failure> {
    let mut lines = Vec::new();
    for (name, style, label) in LINES {
        lines.push(Line { style, label, points: table.points(panel, name)? });
    }
    let held = |count: u16| f64::from(count) / (f64::from(count) + crate::exact::as_f64(HONEST_NETWORKS));
    let points = NETGROUPS.map(|count| Point { x: f64::from(count), y: held(count), interval: None });
    let label = "the attacker's share of the netgroups";
    lines.push(Line { style: Style::Grey, label, points: points.to_vec() });
    Ok(lines)
}

fn held() -> Axis<'static> {
    let ticks = vec![(4.0, "4"), (20.0, "20"), (100.0, "100"), (500.0, "500"), (4_000.0, "4,000")];
    Axis {
        title: "the attacker's netgroups (/16); honest ones: 2,000",
        scale: Scale::Logarithmic,
        range: (4.0, 4_000.0),
        ticks,
        written: netgroups,
    }
}
