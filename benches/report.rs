//! Turns one run of `cargo bench` into the table and the chart of the README.
//!
//! `cargo run --release --example bench_report -- CHART.svg`
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Median nanoseconds by number of peers, for each side.
type Curves = BTreeMap<String, BTreeMap<u64, f64>>;

/// The operations of the first table, with what the README calls them.
const OPERATIONS: [(&str, &str); 11] = [
    ("load_random_peers", "`load_random_peers(50)`"),
    ("get_peers_to_send", "`get_peers_to_send(50)`"),
    ("load", "`load`"),
    ("update_backoff", "`update_backoff`, in memory"),
    ("update_type", "`update_type`, in memory"),
    ("update", "`update`, in memory"),
    ("store", "`store`, in memory"),
    ("remove_peers_with_many_failures", "`remove_peers_with_many_failures`"),
    ("add_and_remove", "`ensure_exists` and `remove`, in memory"),
    ("get_all_peers", "`get_all_peers`"),
    ("open", "opening a database"),
];

/// The workload of Bitcoin Core's addrman benchmark.
const ADDRMAN: [(&str, &str); 3] =
    [("addrman_add", "add all"), ("addrman_select", "select one"), ("addrman_share", "share 1,000")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chart = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("cost.svg"), PathBuf::from);
    // This program is target/release/examples/bench_report.
    let exe = std::env::current_exe()?;
    let results = exe.ancestors().nth(3).unwrap_or(Path::new("target")).join("criterion");
    println!("Median time, and how many times faster than the reference:\n");
    print_ratios(&results, &OPERATIONS);
    println!("\n16,384 random IPv6 addresses:\n");
    print_ratios(&results, &ADDRMAN);
    print_hostile(&results);
    if let Ok(heap) = fs::read_to_string(results.join("heap.csv")) {
        println!(
            "\nHeap bytes a peer, random IPv6 addresses:\n\n| peers | ours | reference |\n|---:|---:|---:|"
        );
        for row in heap.lines().skip(1) {
            println!("| {} |", row.replace(',', " | "));
        }
    }
    fs::write(&chart, svg(&curves(&results, "load_random_peers"), &curves(&results, "get_peers_to_send")))?;
    eprintln!("chart: {}", chart.display());
    Ok(())
}

/// A row for each operation, a column for each size of table, and how many times faster than the reference.
fn print_ratios(results: &Path, operations: &[(&str, &str)]) {
    let rows: Vec<(&str, Curves)> =
        operations.iter().map(|(group, title)| (*title, curves(results, group))).collect();
    let ours = rows.iter().filter_map(|(_, curves)| curves.get("ours"));
    let sizes: BTreeSet<u64> = ours.flat_map(|curve| curve.keys().copied()).collect();
    let heads: Vec<String> = sizes.iter().map(|&size| format!("{} peers", grouped(size))).collect();
    println!("| | {} |\n|---|{}", heads.join(" | "), "---:|".repeat(sizes.len()));
    for (title, curves) in &rows {
        let cells: Vec<String> = sizes
            .iter()
            .map(|size| match (curve_at(curves, "ours", *size), curve_at(curves, "reference", *size)) {
                (Some(ours), Some(reference)) => format!("{} ({})", duration(ours), times(reference / ours)),
                _ => String::new(),
            })
            .collect();
        println!("| {title} | {} |", cells.join(" | "));
    }
}

fn curve_at(curves: &Curves, side: &str, peers: u64) -> Option<f64> {
    curves.get(side)?.get(&peers).copied()
}

fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}×") } else { format!("{ratio:.0}×") }
}

fn print_hostile(results: &Path) {
    let ordinary = curves(results, "load_random_peers");
    let Some(ordinary) = curve_at(&ordinary, "ours", 1_000_000) else { return };
    println!(
        "\n| `load_random_peers(50)` of 1,000,000 peers | time | of the ordinary case |\n|---|---:|---:|"
    );
    for (name, curve) in curves(results, "hostile") {
        for nanoseconds in curve.values() {
            let title = name.replace('_', " ");
            println!("| {title} | {} | {} |", duration(*nanoseconds), times(nanoseconds / ordinary));
        }
    }
}

/// Reads `<group>/<side>/<peers>/new/estimates.json`, criterion's layout.
fn curves(results: &Path, group: &str) -> Curves {
    let mut curves = Curves::new();
    for side in subdirectories(&results.join(group)) {
        for peers in subdirectories(&side) {
            let (Some(side), Some(Ok(count))) = (name(&side), name(&peers).map(str::parse)) else {
                continue;
            };
            let estimates = fs::read(peers.join("new/estimates.json")).ok();
            let json: Option<serde_json::Value> =
                estimates.and_then(|text| serde_json::from_slice(&text).ok());
            if let Some(median) = json.and_then(|json| json["median"]["point_estimate"].as_f64()) {
                curves.entry(side.to_owned()).or_default().insert(count, median);
            }
        }
    }
    curves
}

fn subdirectories(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).collect()
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// Both axes are logarithmic: 1,000 to 10,000,000 peers, 1 µs to 1 s.
fn x(peers: f64, largest: f64) -> f64 {
    LEFT + (peers.log10() - 3.0) / (largest.log10() - 3.0) * (WIDTH - LEFT - RIGHT)
}

fn y(nanoseconds: f64) -> f64 {
    HEIGHT - BOTTOM - (nanoseconds.log10() - 3.0) / 6.0 * (HEIGHT - TOP - BOTTOM)
}

/// Cost against the size of the table.
fn svg(choosing: &Curves, sharing: &Curves) -> String {
    let lines = [
        (choosing.get("reference"), "#b3541e", "load_random_peers(50), reference"),
        (sharing.get("reference"), "#d99a2b", "get_peers_to_send(50), reference"),
        (choosing.get("ours"), "#1f5fa8", "load_random_peers(50)"),
        (sharing.get("ours"), "#3aa0a0", "get_peers_to_send(50)"),
    ];
    let peers = lines.iter().filter_map(|(curve, ..)| curve.and_then(|curve| curve.keys().max())).max();
    let largest = f64::from(u32::try_from(peers.copied().unwrap_or(1_000_000)).unwrap_or(u32::MAX));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">What a question costs, by the size of the table</text>\n"
    );
    let bottom = HEIGHT - BOTTOM;
    for (exponent, label) in (3_i32..).zip(["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"]) {
        let y = y(10_f64.powi(exponent));
        let (end, text) = (WIDTH - RIGHT, y + 4.0);
        let _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{end}\" stroke=\"#ddd\"/>");
        let _ =
            writeln!(svg, "<text x=\"{}\" y=\"{text:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 8.0);
    }
    for (exponent, label) in (3_i32..).zip(["1,000", "10,000", "100,000", "1,000,000", "10,000,000"]) {
        let peers = 10_f64.powi(exponent);
        if peers <= largest {
            let x = x(peers, largest);
            let _ = writeln!(svg, "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#eee\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                bottom + 18.0
            );
        }
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">peers in the table</text>",
        HEIGHT - 10.0
    );
    for (index, (curve, colour, label)) in (0_u8..).zip(lines) {
        let Some(curve) = curve else { continue };
        let points: Vec<(f64, f64)> = curve
            .iter()
            .filter_map(|(&peers, &cost)| Some((x(f64::from(u32::try_from(peers).ok()?), largest), y(cost))))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for (x, y) in &points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let (x, y) = (WIDTH - RIGHT + 10.0, TOP + 20.0 + 34.0 * f64::from(index));
        let (call, side) = label.split_once(", ").unwrap_or((label, "this library"));
        let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/>", x + 4.0, y - 4.0);
        let _ = writeln!(
            svg,
            "<text x=\"{0}\" y=\"{y}\">{call}</text><text x=\"{0}\" y=\"{1}\" fill=\"#555\">{side}</text>",
            x + 14.0,
            y + 14.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}
