//! The conformance suite, tests/conformance: each of its files is a transcript, which a player of any language must print as
//! it is. And what the suite says of itself is true.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::cc;

/// How many scenarios there are at least.
const FEWEST_SCENARIOS: usize = 80;

/// How many cases of other projects' suites hold at least.
const FEWEST_CASES: usize = 90;

fn directory() -> PathBuf {
    cc::root().join("tests/conformance")
}

/// The text files of a directory whose names begin so, in order.
fn files_in(directory: &Path, beginning: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let paths = entries.map(|entry| entry.expect("an entry of the directory").path());
    let is_one = |path: &PathBuf| {
        let name = path.file_stem().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(beginning))
            && path.extension().is_some_and(|end| end == "txt")
    };
    let mut files: Vec<PathBuf> = paths.filter(is_one).collect();
    files.sort_unstable();
    files
}

/// The files of the suite.
fn suite() -> Vec<PathBuf> {
    files_in(&directory(), "")
}

/// Has a player print the files of the suite and the golden transcripts, which must come out as they are. Players that need a
/// database are given the path of one that is not there yet.
pub(crate) fn holds(player: &dyn Fn(&Path, &Path) -> Command) {
    let golden = files_in(&cc::root().join("examples/golden"), "transcript");
    for file in suite().iter().chain(&golden) {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let printed = cc::run(&mut player(file, &temporary.path().join("peers.db")));
        assert_is_printed(file, &printed);
    }
}

/// The files of the suite with another seed, and on a file with this durability where the table is in memory only.
pub(crate) fn variants(seed: u64, durability: Option<&str>) -> Vec<String> {
    let vary = |line: &str| {
        let Some(open) = line.strip_prefix("> open ") else { return line.to_owned() };
        let words: Vec<&str> = open.split(' ').collect();
        match (&words[..], durability) {
            (["memory", _, options @ ..], None) => join("> open memory", seed, options),
            (["memory", _, options @ ..], Some(durability)) => {
                join(&format!("> new_file\n> open file {durability}"), seed, options)
            }
            (["file", durability, _, options @ ..], _) => {
                join(&format!("> open file {durability}"), seed, options)
            }
            _ => panic!("{line}"),
        }
    };
    suite().iter().map(|file| read(file).lines().map(|line| vary(line) + "\n").collect()).collect()
}

fn join(open: &str, seed: u64, options: &[&str]) -> String {
    options.iter().fold(format!("{open} {seed}"), |line, option| format!("{line} {option}"))
}

/// Compares by line, so that a difference is found at a glance.
pub(crate) fn assert_is_printed(file: &Path, printed: &str) {
    let expected = read(file);
    let mut scenario = "";
    for (number, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
        scenario = expected.strip_prefix(SCENARIO).unwrap_or(scenario);
        assert_eq!(printed, expected, "{}:{}: {scenario}", file.display(), number + 1);
    }
    assert_eq!(printed, expected, "{}", file.display());
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Begins the line with a scenario's name.
const SCENARIO: &str = "## ";

/// The scenarios of the suite: `file#name`, and the lines below the name.
fn scenarios() -> BTreeMap<String, Vec<String>> {
    let mut scenarios = BTreeMap::new();
    for file in suite() {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("the name of a file").to_owned();
        let text = read(&file);
        let mut parts = text.split("\n## ");
        let head = parts.next().expect("what stands above the first scenario");
        let operations: Vec<&str> =
            head.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert_eq!(operations, ["> clock 1700000000"], "{stem}: each file begins with the clock");
        for part in parts {
            let mut lines = part.lines().map(str::to_owned);
            let name = format!("{stem}#{}", lines.next().expect("the name"));
            assert!(scenarios.insert(name.clone(), lines.collect()).is_none(), "{name} is there twice");
        }
    }
    scenarios
}

#[test]
fn each_scenario_says_who_relies_on_it_and_leaves_nothing_open() {
    let scenarios = scenarios();
    assert!(scenarios.len() >= FEWEST_SCENARIOS, "{} scenarios", scenarios.len());
    for (name, lines) in &scenarios {
        let sentence = &lines[0];
        assert!(sentence.starts_with("# Users of ") && sentence.contains(" rely on "), "{name}: {sentence}");
        assert!(sentence.ends_with('.'), "{name}: {sentence}");
        let operations: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("> ")).collect();
        let is_open = operations.iter().fold(None, |is_open, operation| match *operation {
            "close" => Some(false),
            operation if operation.starts_with("open ") => Some(true),
            _ => is_open,
        });
        assert_ne!(is_open, Some(true), "{name} leaves its table open");
        let clock = operations.iter().rfind(|operation| operation.starts_with("clock "));
        assert!(
            clock.is_none_or(|clock| *clock == "clock 1700000000"),
            "{name} leaves the clock at {clock:?}"
        );
    }
}

/// What the README's tables say: the suite and the case, whether it holds, and the rest of the row.
fn cases(readme: &str) -> Vec<(String, bool, String)> {
    let mut cases = Vec::new();
    let mut suite = "";
    for line in readme.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            suite = heading;
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if let [case, holds @ ("yes" | "no"), rest] = cells[..] {
            cases.push((format!("{suite}: {case}"), holds == "yes", rest.to_owned()));
        }
    }
    cases
}

#[test]
fn the_table_of_cases_names_scenarios_and_tests_that_are_there() {
    let scenarios = scenarios();
    let readme = read(&directory().join("README.md"));
    for (case, holds, rest) in cases(&readme) {
        let mut places = 0;
        for place in rest.split('`').skip(1).step_by(2) {
            if place.contains('#') {
                assert!(scenarios.contains_key(place), "{case}: there is no {place}");
                places += 1;
            } else if place.contains('/') {
                assert!(cc::root().join(place).exists(), "{case}: there is no {place}");
                places += 1;
            }
        }
        assert!(!holds || places > 0, "{case}: holds where?");
        assert!(holds || !rest.is_empty(), "{case}: why does it not hold?");
    }
}

#[test]
fn the_numbers_of_the_table_of_cases_are_its_rows() {
    let readme = read(&directory().join("README.md"));
    let cases = cases(&readme);
    let held = cases.iter().filter(|case| case.1).count();
    assert!(held >= FEWEST_CASES, "{held} of {} cases hold", cases.len());
    let total = format!("**{held} of {} cases hold.**", cases.len());
    assert!(readme.contains(&total), "the README should say: {total}");
    let suites: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(suites.len(), 8, "{suites:?}");
    for suite in suites {
        let of_suite: Vec<_> =
            cases.iter().filter(|case| case.0.starts_with(&format!("{suite}: "))).collect();
        let held = of_suite.iter().filter(|case| case.1).count();
        let numbers = format!("{held} of {}", of_suite.len());
        assert!(suite.ends_with(&numbers), "{suite}: {numbers}");
    }
}
