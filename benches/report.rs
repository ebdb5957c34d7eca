//! Turns one run of `cargo bench` into the tables and the chart of docs/performance.md.
//!
//! `cargo run --release --example bench_report -- CHART.svg` writes CHART.csv as well; with `draw` before it, only the chart is
//! redrawn, from CHART.csv.

#[path = "chart/mod.rs"]
#[expect(dead_code, reason = "shared with the attack simulator, which uses the rest")]
mod chart;
mod cost;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chart::{Table, grouped};
use cost::duration;

/// Median nanoseconds by number of peers, for each side.
type Curves = BTreeMap<String, BTreeMap<u64, f64>>;

/// The operations of the first table, with what docs/performance.md calls them.
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

/// An option and what it may cost: the group, the side with it on, the one without, how many times that, and the call.
const OPTIONS: [(&str, &str, &str, f64, &str); 16] = [
    ("bounds_new_peer", "on", "off", 1.5, "`ensure_exists` of a new peer, with bounds"),
    ("bounds_new_peer", "refused", "off", 1.5, "`ensure_exists` of a new peer that is refused"),
    (
        "bounds_new_peer",
        "evicting",
        "replacing",
        1.5,
        "the same that evicts, compared with `ensure_exists` and `remove`",
    ),
    ("bans_new_peer", "on", "off", 1.2, "`ensure_exists` of a new peer, with 100,000 bans"),
    ("history_update", "on", "off", 1.3, "`update`, with histories"),
    ("history_update_commit", "on", "off", 1.5, "the same, committed to a file of 100,000 peers"),
    ("bounds_update_backoff", "on", "off", 1.5, "`update_backoff`, with bounds"),
    ("bounds_update", "on", "off", 1.5, "`update`, with bounds"),
    ("selection_8", "by_netgroup", "uniform", 4.0, "`load_random_peers(8)`, 1 of a netgroup"),
    ("selection_8", "flooded", "uniform", 4.0, "the same, 99 % in one netgroup"),
    ("selection_50", "by_netgroup", "uniform", 4.0, "`load_random_peers(50)`, 1 of a netgroup"),
    ("selection_50", "flooded", "uniform", 4.0, "the same, 99 % in one netgroup"),
    ("sharing", "on", "off", 1.5, "`get_peers_to_send(50)`, from the shared list"),
    ("sharing_by_netgroup", "off", "", 4.0, "`get_peers_to_send(50)`, 1 of a netgroup"),
    ("sharing_by_netgroup", "on", "off", 1.5, "the same, from the shared list"),
    ("sharing_by_netgroup", "on", "", 4.0, "the same, compared with neither option"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (is_drawn_only, chart) = match &arguments[..] {
        [] => (false, Path::new("cost.svg")),
        [chart] if chart != Path::new("draw") => (false, &**chart),
        [draw, chart] if draw == Path::new("draw") => (true, &**chart),
        _ => {
            return Err(
                "give the chart's file, with draw before it if only the chart is to be drawn anew".into()
            );
        }
    };
    if is_drawn_only {
        fs::write(chart, cost::svg(&Table::read_next_to(chart)?)?)?;
        return Ok(());
    }
    // This program is target/release/examples/bench_report.
    let exe = std::env::current_exe()?;
    let results = exe.ancestors().nth(3).unwrap_or(Path::new("target")).join("criterion");
    println!("Median time; in brackets, speed relative to the reference; below 1 is slower:\n");
    print_ratios(&results, &OPERATIONS);
    println!("\n16,384 random IPv6 addresses:\n");
    print_ratios(&results, &ADDRMAN);
    print_hostile(&results);
    print_options(&results);
    if let Ok(heap) = fs::read_to_string(results.join("heap.csv")) {
        println!(
            "\nHeap bytes a peer, random IPv6 addresses:\n\n| peers | ours | reference |\n|---:|---:|---:|"
        );
        for row in heap.lines().skip(1) {
            println!("| {} |", row.replace(',', " | "));
        }
    }
    let table = cost::table(|group, side| {
        let curves = curves(&results, group);
        curves.get(side).into_iter().flatten().map(|(&peers, &cost)| (peers, cost)).collect()
    });
    table.write_next_to(chart)?;
    fs::write(chart, cost::svg(&table)?)?;
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

/// A row for each option and size of table, with the limit that it is held to.
fn print_options(results: &Path) {
    println!("\n| with an option | peers | off | on | of that | at most |\n|---|---:|---:|---:|---:|---:|");
    for (group, on, off, limit, title) in OPTIONS {
        let with = curves(results, group);
        // What is drawn by netgroup is compared with the plain call.
        let without = if off.is_empty() { curves(results, "sharing") } else { with.clone() };
        let off = if off.is_empty() { "off" } else { off };
        for (&peers, &on) in with.get(on).into_iter().flatten() {
            let Some(off) = curve_at(&without, off, peers) else { continue };
            let cells = [grouped(peers), duration(off), duration(on), times(on / off), times(limit)];
            println!("| {title} | {} |", cells.join(" | "));
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
