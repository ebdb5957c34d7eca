//! How likely is it that a flood of gossip captures a node, with which strategy to choose peers? See the README beside this.
//!
//! `cargo run --release --example eclipse -- --help`

mod arguments;
#[path = "../../benches/chart.rs"]
mod chart;
mod days;
mod exact;
mod figure;
mod flood;
mod reference;
mod standard;
mod statistics;
mod strategy;
mod table;
mod world;

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use arguments::Command;

/// Why a simulation could not be finished.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An attack in time takes longer than a draw from a table: it has fewer trials by this factor.
const TRIALS_OF_A_LIFE: u32 = 50;

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
        Command::Help => write!(out, "{}", arguments::help())?,
        Command::Flood(flood, kinds) => {
            write!(out, "{}", table::flood(&flood, &standard::run_flood(&flood, &kinds)?))?;
        }
        Command::Days(days, nodes) => {
            write!(out, "{}", table::days(&days, &standard::run_days(&days, &nodes)?))?;
        }
        Command::Standard { draws, trials, seed, chart } => {
            // Opened first: nobody wants to wait for minutes and then hear that the path is wrong.
            let chart = chart.map(|path| {
                let cannot_write =
                    |error| format!("cannot write {}: {error}; give another file", path.display());
                fs::File::create(&path).map_err(cannot_write)
            });
            let chart = chart.transpose()?;
            for flood in standard::floods(draws, trials, seed) {
                let outcomes = standard::run_flood(&flood, &standard::STRATEGIES)?;
                writeln!(out, "{}", table::flood(&flood, &outcomes))?;
            }
            for days in standard::days(draws, trials.div_ceil(TRIALS_OF_A_LIFE), seed) {
                let outcomes = standard::run_days(&days, &standard::nodes())?;
                writeln!(out, "{}", table::days(&days, &outcomes))?;
            }
            if let Some(mut file) = chart {
                file.write_all(figure::draw(draws, trials, seed)?.as_bytes())?;
            }
        }
    }
    Ok(())
}
