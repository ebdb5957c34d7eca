//! Two builds of the library in one process, compared through the C ABI: what a change costs, or gains.
//!
//! ```text
//! old=$(benches/versus/build 85fd036)     # a commit; 85fd036 is 0.1.0
//! benches/versus/build                    # the working tree
//! cargo bench --bench versus -- "$old"    # against target/versus/working-tree
//! cargo bench --bench versus -- OLD.so NEW.so --only open --only commit
//! cargo bench --bench versus -- "$(benches/versus/build --hash-map)"    # a hash map against the working tree
//! ```
//!
//! The hash map of `hash_map.cpp` is what a C++ node writes without a library. It runs only the rows that it names; the
//! others are skipped, and listed after the table.
//!
//! | option | |
//! |---|---|
//! | `--only NAME` | the rows whose name begins so; may be given more than once |
//! | `--peers N` | peers of a table that is changed on disk; 100,000 if not given |
//! | `--large N` | peers of a table in memory and rows of a database that is opened; 1,000,000 if not given |
//! | `--rounds N` | how many rounds there are; 31 if not given |
//! | `--slow-rounds N` | the same for the rows of which one chunk takes long; 9 if not given |
//!
//! Both sides get the same calls with the same inputs, each on files of its own. A round is a chunk of calls of each side and
//! then the same calls the other way round: old, new, new, old. So a machine that is busy for a while, or gets slower and
//! slower, is so for both, and each side runs once after itself and once after the other. The times are the medians of the
//! rounds; the ratio is the median of the rounds' own ratios, and the last column has the middle half of these: what the
//! machine makes even of two identical builds.

mod library;
#[path = "../peers/node.rs"]
#[expect(dead_code, reason = "only its records and addresses are used here")]
mod node;
#[path = "../peers/reference.rs"]
#[expect(dead_code, reason = "only its record is used here")]
mod reference;
mod rows;
mod tables;
mod waits;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use library::Library;
use rows::{Rounds, Row, Setting};

/// What the command line asks for.
struct Arguments {
    old: PathBuf,
    new: PathBuf,
    only: Vec<String>,
    peers: u32,
    large: u32,
    rounds: u32,
    slow_rounds: u32,
}

impl Arguments {
    /// Returns nothing where no library is named, as in a plain `cargo bench`.
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut paths, mut only) = (Vec::new(), Vec::new());
        let (mut peers, mut large, mut rounds, mut slow_rounds) = (100_000, 1_000_000, 31, 9);
        let mut arguments = arguments.skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            let number = |value: String| match value.replace(',', "").parse() {
                Ok(number @ 1..=u32::MAX) => Ok(number),
                _ => Err(format!("{value:?} is not a number from 1 on")),
            };
            match argument.as_str() {
                "--bench" => {}
                "--only" => only.push(value()?),
                "--peers" => peers = number(value()?)?,
                "--large" => large = number(value()?)?,
                "--rounds" => rounds = number(value()?)?,
                "--slow-rounds" => slow_rounds = number(value()?)?,
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                path => paths.push(PathBuf::from(path)),
            }
        }
        if let Some(none) = only.iter().find(|only| !rows().any(|row| row.name.starts_with(*only))) {
            let names: Vec<_> = rows().map(|row| row.name).collect();
            return Err(format!("no row begins with {none:?}; there are {}", names.join(", ")));
        }
        let mut paths = paths.into_iter();
        let Some(old) = paths.next() else { return Ok(None) };
        let working_tree = "target/versus/working-tree/libpeer_manager.so";
        let new = paths.next().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(working_tree));
        match paths.next() {
            Some(third) => {
                Err(format!("two libraries are compared, but there is a third: {}", third.display()))
            }
            None => Ok(Some(Self { old, new, only, peers, large, rounds, slow_rounds })),
        }
    }

    fn selects(&self, row: &Row) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| row.name.starts_with(only))
    }
}

fn main() -> ExitCode {
    // `cargo test` builds benchmarks and runs them without this; then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let measured = Arguments::parse(std::env::args()).and_then(|arguments| {
        arguments.map_or_else(
            || {
                println!("versus: nothing to compare; benches/versus/main.rs says how");
                Ok(())
            },
            |arguments| measure(&arguments),
        )
    });
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("versus: {why}");
            ExitCode::FAILURE
        }
    }
}

/// All rows, in the order in which they are measured.
fn rows() -> impl Iterator<Item = &'static Row> {
    rows::ROWS.iter().chain(waits::ROWS)
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let (old, new) = (Library::load(&arguments.old)?, Library::load(&arguments.new)?);
    println!("old: {} ({})", arguments.old.display(), old.build_info());
    println!("new: {} ({})\n", arguments.new.display(), new.build_info());
    println!("| row | | old | new | new/old | half of the rounds |\n|---|---|---:|---:|---:|---:|");
    let (rows, skipped): (Vec<_>, Vec<_>) = rows()
        .filter(|row| arguments.selects(row))
        .partition(|row| old.can_run(row.name) && new.can_run(row.name));
    for row in rows {
        compare(row, arguments, &old, &new);
    }
    if !skipped.is_empty() {
        let names: Vec<_> = skipped.iter().map(|row| row.name).collect();
        println!("\nskipped, because not both sides can run them: {}", names.join(", "));
    }
    Ok(())
}

/// Measures a row and prints it.
fn compare(row: &Row, arguments: &Arguments, old: &Library, new: &Library) {
    let directories = [(); 2].map(|()| tempfile::tempdir().expect("a temporary directory"));
    let side = |library, directory: usize| {
        let directory = directories[directory].path();
        (row.prepare)(Setting { library, old, directory, peers: arguments.peers, large: arguments.large })
    };
    let (mut by_old, mut by_new) = (side(old, 0), side(new, 1));
    let rounds = match row.rounds {
        Rounds::Many => arguments.rounds,
        Rounds::Few => arguments.slow_rounds,
    };
    // The first round brings code and data into the caches and is not counted.
    let rounds: Vec<(f64, f64)> = (0..=rounds)
        .map(|_| {
            let first = by_old();
            let new = f64::midpoint(by_new(), by_new());
            (f64::midpoint(first, by_old()), new)
        })
        .skip(1)
        .collect();
    let old = sorted(rounds.iter().map(|round| round.0));
    let new = sorted(rounds.iter().map(|round| round.1));
    let ratios = sorted(rounds.iter().map(|(old, new)| new / old));
    let middle = ratios.len() / 2;
    println!(
        "| {} | {} | {} | {} | {:.3} | {:.3} to {:.3} |",
        row.name,
        row.what,
        duration(old[middle]),
        duration(new[middle]),
        ratios[middle],
        ratios[ratios.len() / 4],
        ratios[ratios.len() * 3 / 4],
    );
}

fn duration(seconds: f64) -> String {
    match seconds * 1e9 {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}
