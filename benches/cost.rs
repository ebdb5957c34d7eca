//! The chart of what a query costs, by the size of the table.

use super::chart::table::Series;
use super::chart::{Axis, Line, Panel, Picture, Point, Scale, Style, Table, grouped};

/// The one panel, as the table calls it.
pub(crate) const PANEL: &str = "queries";

/// The lines: group and side of the benchmark, and how they look.
pub(crate) const LINES: [(&str, &str, Style, &str); 4] = [
    ("load_random_peers", "reference", Style::Rust, "load_random_peers(50), the specification"),
    ("get_peers_to_send", "reference", Style::Ochre, "get_peers_to_send(50), the specification"),
    ("load_random_peers", "ours", Style::Blue, "load_random_peers(50), this library"),
    ("get_peers_to_send", "ours", Style::Teal, "get_peers_to_send(50), this library"),
];

/// The table of what was measured: for each group and side the nanoseconds by number of peers.
pub(crate) fn table(measured: impl Fn(&str, &str) -> Vec<(u64, f64)>) -> Table {
    let series = LINES.iter().map(|(group, side, ..)| {
        let points = measured(group, side).into_iter();
        let points =
            points.map(|(peers, cost)| Point { x: as_f64(peers), y: cost, interval: None }).collect();
        Series { panel: PANEL.to_owned(), line: name(group, side), points }
    });
    Table::new(&[("figure", &"cost"), ("unit", &"ns")], series.collect())
}

fn name(group: &str, side: &str) -> String {
    format!("{group}/{side}")
}

/// Draws it; both axes are logarithmic.
pub(crate) fn svg(table: &Table) -> Result<String, String> {
    let mut lines = Vec::new();
    for (group, side, style, label) in LINES {
        lines.push(Line { style, label, points: table.points(PANEL, &name(group, side))? });
    }
    let sizes = lines.iter().flat_map(|line| line.points.iter().map(|point| point.x));
    let largest = sizes.fold(1e6, f64::max);
    let sizes = [(1e3, "1,000"), (1e4, "10,000"), (1e5, "100,000"), (1e6, "1,000,000"), (1e7, "10,000,000")];
    let costs = ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"];
    let panel = Panel {
        title: "What a query costs, by the size of the table",
        x: Axis {
            title: "peers in the table",
            scale: Scale::Logarithmic,
            range: (1e3, largest),
            ticks: sizes.into_iter().filter(|&(size, _)| size <= largest).collect(),
            written: |peers| format!("{} peers", grouped(as_u64(peers))),
        },
        y: Axis {
            title: "time of one query",
            scale: Scale::Logarithmic,
            range: (1e3, 1e9),
            ticks: (3..).map(|exponent| 10_f64.powi(exponent)).zip(costs).collect(),
            written: duration,
        },
        lines,
    };
    let picture = Picture {
        title: panel.title,
        description: "A line chart with logarithmic axes: the time that two queries take, with this library and with the \
                      specification's own algorithm, which walks the whole table.",
        panels: vec![panel],
    };
    Ok(picture.svg())
}

pub(crate) fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

fn as_f64(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of peers")]
fn as_u64(count: f64) -> u64 {
    count.round() as u64
}
