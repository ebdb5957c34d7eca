//! How likely is it that a flood of gossip captures a node, with which strategy to choose peers? See the README in this
//! directory.
//!
//! `cargo run --release --example eclipse -- --help`

mod arguments;
#[path = "../../benches/chart/mod.rs"]
mod chart;
mod exact;
mod figure;
mod flood;
mod life;
mod reference;
mod standard;
mod statistics;
mod strategy;
mod table;
mod world;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use arguments::Command;
use chart::Table;
use life::report::{self, Cell};
use life::search;

/// Why a simulation could not be finished.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let command = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("eclipse: {error}");
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eclipse: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match command {
        Command::Draw { chart } => draw(&chart, &Table::read_next_to(&chart)?)?,
        Command::Help => write!(out, "{}", arguments::help())?,
        Command::Flood(flood, kinds) => {
            write!(out, "{}", table::flood(&flood, &standard::run_flood(&flood, &kinds)?))?;
        }
        Command::Life { scenarios, strategies, trials, seed, chart } => {
            chart.as_deref().map(create).transpose()?;
            for scenario in &scenarios {
                writeln!(out, "{}", report::head(scenario, trials, seed))?;
                for &strategy in &strategies {
                    let cell = Cell::run(scenario, strategy, trials, seed)?;
                    writeln!(out, "{}", report::line(strategy, &cell))?;
                }
                writeln!(out)?;
            }
            if let Some(chart) = chart {
                let table = life::figure::measure(trials, seed)?;
                table.write_next_to(&chart)?;
                draw(&chart, &table)?;
            }
        }
        Command::Search { trials, seed } => {
            writeln!(out, "{}", search::head(trials, seed))?;
            for policy in search::candidates() {
                writeln!(out, "{}", search::line(policy, trials, seed)?)?;
            }
        }
        Command::Standard { draws, trials, seed, chart } => {
            chart.as_deref().map(create).transpose()?;
            for flood in standard::floods(draws, trials, seed) {
                let outcomes = standard::run_flood(&flood, &standard::STRATEGIES)?;
                writeln!(out, "{}", table::flood(&flood, &outcomes))?;
            }
            if let Some(chart) = chart {
                let table = figure::measure(draws, trials, seed)?;
                table.write_next_to(&chart)?;
                draw(&chart, &table)?;
            }
        }
    }
    Ok(())
}

/// Writes the chart of a table, whichever chart that is.
fn draw(chart: &Path, table: &Table) -> Result<(), Failure> {
    let svg = match table.about("figure")? {
        figure::NAME => figure::svg(table)?,
        life::figure::NAME => life::figure::svg(table)?,
        other => return Err(format!("there is no figure {other:?}; there are capture and life").into()),
    };
    create(chart)?.write_all(svg.as_bytes())?;
    Ok(())
}

/// A chart's file, opened before anything is run: minutes are a long time to wait for the news that the path is wrong.
fn create(path: &Path) -> Result<fs::File, String> {
    let cannot_write = |error| format!("cannot write {}: {error}; give another file", path.display());
    fs::File::create(path).map_err(cannot_write)
}
