//! The attack simulator: its strategies capture as often as calculation says, its figures can be reproduced, and its
//! statistics are right.

#[path = "../../examples/eclipse/exact.rs"]
mod exact;
#[path = "../../examples/eclipse/statistics.rs"]
mod statistics;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::common::cc;
use crate::common::example;
use exact::{all_marked, all_marked_in_a_window};
use statistics::{Mean, Proportion, derived, in_parallel};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn eclipse(arguments: &str) -> Command {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| example::built("eclipse"));
    let mut command = Command::new(&*PROGRAM);
    command.args(arguments.split_whitespace());
    command
}

fn printed(arguments: &str) -> String {
    cc::run(&mut eclipse(arguments))
}

/// The cells of the line about a strategy.
fn line_of(strategy: &str, printed: &str) -> Vec<String> {
    let line = printed.lines().find(|line| line.starts_with(&format!("| {strategy}")));
    let line = line.unwrap_or_else(|| panic!("no line about {strategy} in:\n{printed}"));
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What was measured, in the second column.
fn measured(strategy: &str, printed: &str) -> f64 {
    line_of(strategy, printed)[1].parse().expect("a probability")
}

fn close(left: f64, right: f64, tolerance: f64) -> bool {
    (left - right).abs() < tolerance
}

/// Four and a half standard deviations of 1,500 trials.
const TOLERANCE: f64 = 0.058;

#[test]
fn the_toy_flood_captures_as_often_as_calculated() {
    let flood = printed("flood --trials 1500");
    let uniform = (0..8).map(|n| f64::from(9_000 - n) / f64::from(10_000 - n)).product::<f64>();
    for (strategy, expected) in [
        // Of the 9,001 windows, 8,001 have hostile rows only, and the others ever fewer.
        ("stellar-core", 0.9011),
        ("the specification", uniform),
        ("this library, defences off", uniform),
    ] {
        let captured = measured(strategy, &flood);
        assert!(close(captured, expected, TOLERANCE), "{strategy}: {captured}, not {expected}\n{flood}");
        let calculated: f64 = line_of(strategy, &flood)[3].parse().unwrap();
        assert!(
            close(calculated, expected, 0.0001),
            "{strategy} is calculated as {calculated}, not {expected}"
        );
    }
}

#[test]
fn a_flood_that_comes_mixed_gains_nothing_from_the_window() {
    let flood = printed("flood --arrival mixed --trials 1500");
    assert!(close(measured("stellar-core", &flood), measured("the specification", &flood), 2.0 * TOLERANCE));
}

#[test]
fn selection_by_netgroup_is_not_captured_by_a_few_networks() {
    let flood = printed("flood --max-per-netgroup 1 --trials 1500");
    assert_eq!(line_of("`max_per_netgroup` 1", &flood)[1..3], ["0", "0–0.0026"]);
}

#[test]
fn selection_by_netgroup_is_captured_as_often_as_the_attacker_holds_networks() {
    let flood = printed("flood --max-per-netgroup 1 --hostile-networks 250 --draws 2 --trials 1500");
    let expected = 250.0 / 500.0 * 249.0 / 499.0;
    let captured = measured("`max_per_netgroup` 1", &flood);
    assert!(close(captured, expected, TOLERANCE), "{captured}, not {expected}\n{flood}");
    // A name costs nothing and is a network of its own.
    let flood =
        printed("flood --max-per-netgroup 1 --hostile-hosts names --hostile 250 --draws 2 --trials 1500");
    let captured = measured("`max_per_netgroup` 1", &flood);
    assert!(close(captured, expected, TOLERANCE), "{captured}, not {expected}\n{flood}");
}

#[test]
fn bounds_keep_a_flood_out_of_the_table() {
    let flood = printed("flood --max-peers-per-netgroup 16 --trials 1");
    assert_eq!(line_of("`max_peers_per_netgroup` 16", &flood)[4..], ["1,000", "64"]);
    let flood = printed("flood --max-peers 2000 --trials 1");
    assert_eq!(line_of("`max_peers` 2,000", &flood)[4..], ["1,000", "1,000"]);
    // Alone, a bound on the table helps those that come first.
    let flood = printed("flood --max-peers 2000 --arrival hostile --trials 100");
    let line = line_of("`max_peers` 2,000", &flood);
    assert_eq!((line[1].as_str(), &line[4..]), ("1", &["0".to_owned(), "2,000".to_owned()][..]));
}

#[test]
fn the_same_seed_prints_the_same_bytes() {
    let life = "life --trials 2 --scenario 10k/4 --strategy addrman --strategy next-to-dial --policy known=4,feeler=8";
    for arguments in ["flood --trials 200", life] {
        let first = printed(arguments);
        assert_eq!(printed(arguments), first, "{arguments}");
        let another = printed(&format!("{arguments} --seed 2"));
        assert_ne!(another.replace("seed 2", "seed 1"), first, "{arguments}");
    }
}

#[test]
fn a_life_is_reported_with_its_interval_and_the_restarts_that_were_eclipsed() {
    let report = printed("life --trials 3 --scenario 10k/4 --strategy next-to-dial");
    assert!(
        report.starts_with("### 10,000 addresses of 4 networks\n\n`10k/4`; 3 trials, seed 1; "),
        "{report}"
    );
    let line = line_of("this library: `next_to_dial`", &report);
    // The score interval of none of 12.
    assert_eq!(
        (line[1].as_str(), line[3].as_str(), line[4].as_str()),
        ("0.000 ± 0.000", "0 of 12", "0.000–0.242")
    );
}

#[test]
fn a_wrong_argument_is_refused_in_one_line() {
    for (arguments, complaint) in [
        ("floods", "\"floods\" is neither a command nor an option; see --help"),
        ("flood --sybils 3", "\"--sybils\" is neither a command nor an option; see --help"),
        ("flood --trials", "--trials needs a value; see --help"),
        ("flood --trials 0", "--trials \"0\" is not a number from 1 to 100000000; give one"),
        ("flood --draws eight", "--draws \"eight\" is not a number from 1 to 1000; give one"),
        ("flood --scenario names", "--scenario means nothing with flood; see --help"),
        ("life --arrival mixed", "--arrival means nothing with life; see --help"),
        ("search --svg x", "--svg means nothing with search; see --help"),
        ("draw --svg x --trials 3", "--trials means nothing with draw; see --help"),
        ("draw", "draw needs the chart to be drawn anew; give --svg FILE"),
        ("--hostile 3", "--hostile means nothing with no command; see --help"),
        (
            "life --strategy best",
            "--strategy \"best\" is unknown; give next-to-dial, addrman, no-rotation, contract, known-first, \
             all-options, specification, window",
        ),
        (
            "life --policy known=8,luck=3",
            "--policy \"luck=3\" is not one of known, new, feeler, failures, among, uniform, new-first, day, heard, rotation, \
             feelers, backoff with = and a number; give some, with commas between",
        ),
        (
            "flood --hostile 3",
            "3 hostile addresses cannot be in 4 networks; give --hostile-networks 3 or less",
        ),
        (
            "flood --honest 50000 --honest-networks 49999 --hostile-networks 2",
            "50001 networks are too many; give both sides 50000 or less together",
        ),
    ] {
        let Output { status, stdout, stderr } = eclipse(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&stderr), format!("eclipse: {complaint}\n"), "{arguments}");
        assert_eq!((status.code(), stdout.len()), (Some(2), 0), "{arguments}");
    }
}

#[test]
fn a_chart_that_cannot_be_written_is_said_before_anything_is_run() {
    let Output { status, stdout, stderr } = eclipse("--svg no/such/directory/chart.svg").output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    assert!(said.starts_with("eclipse: cannot write no/such/directory/chart.svg: "), "{said}");
    assert_eq!((said.lines().count(), status.code(), stdout.len()), (1, Some(1), 0));
    let Output { status, stderr, .. } = eclipse("draw --svg no/such/directory/chart.svg").output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    assert!(said.starts_with("eclipse: cannot read no/such/directory/chart.csv: "), "{said}");
    assert_eq!((said.lines().count(), status.code()), (1, Some(1)));
}

#[test]
fn help_names_every_option_of_the_library() {
    let help = printed("--help");
    for option in
        ["--max-per-netgroup", "--max-peers ", "--max-peers-per-netgroup", "--seed", "--trials", "--svg"]
    {
        assert!(help.contains(option), "{option}");
    }
}

#[test]
fn the_interval_is_that_of_the_literature() {
    // R. G. Newcombe, "Two-Sided Confidence Intervals for the Single Proportion", Statistics in Medicine 17 (1998),
    // pages 857 to 872, table I, method 3.
    for (happened, trials, low, high) in
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    {
        let interval = Proportion { happened, trials }.interval();
        assert!(close(interval.0, low, 0.00005) && close(interval.1, high, 0.00005), "{interval:?}");
        // And it treats success and failure alike.
        let mirrored = Proportion { happened: trials - happened, trials }.interval();
        assert!(
            close(1.0 - mirrored.1, low, 0.00005) && close(1.0 - mirrored.0, high, 0.00005),
            "{mirrored:?}"
        );
    }
}

#[test]
fn a_mean_has_the_interval_of_the_textbook() {
    // The values 2, 4, 4, 4, 5, 5, 7, 9 have a mean of 5 and squares that add up to 32.
    let mean = Mean::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter());
    assert!(
        close(mean.value, 5.0, 1e-12) && close(mean.margin, 1.959_964 * (32.0_f64 / 7.0 / 8.0).sqrt(), 1e-9)
    );
    assert_eq!(
        (mean.to_string(), format!("{mean:.1}")),
        ("5.000 ± 1.482".to_owned(), "5.0 ± 1.5".to_owned())
    );
    assert_eq!(Mean::of(std::iter::once(3.0)), Mean { value: 3.0, margin: 0.0, count: 1 });
    assert_eq!(Mean::of(std::iter::empty()).to_string(), "–");
}

#[test]
fn each_trial_has_a_seed_of_its_own_and_its_result_a_place() {
    let seeds = in_parallel(1_000, |n| Ok::<_, Failure>(derived(1, u64::try_from(n)?))).unwrap();
    assert_eq!(seeds, (0..1_000).map(|n| derived(1, n)).collect::<Vec<_>>());
    let distinct: std::collections::HashSet<_> = seeds.iter().collect();
    assert_eq!(distinct.len(), seeds.len());
    assert!(in_parallel(3, |n| if n == 1 { Err("the second fails".into()) } else { Ok(n) }).is_err());
    assert_eq!(Proportion::of([true, false, true].into_iter()), Proportion { happened: 2, trials: 3 });
}

#[test]
fn what_is_calculated_agrees_with_counting_by_hand() {
    // Two of three marked: of the pairs ab, ac, bc one is marked.
    assert!(close(all_marked(2, 1, 2), 1.0 / 3.0, 1e-12));
    assert!(close(all_marked(5, 5, 6), 0.0, 1e-12));
    // All that there is is drawn.
    assert!(close(all_marked(3, 0, 8), 1.0, 1e-12) && close(all_marked(0, 0, 8), 0.0, 1e-12));
    // Windows of three rows: oox, oxx, xxx; two draws of each are marked with 0, 1/3, 1.
    let rows = [false, false, true, true, true];
    assert!(close(all_marked_in_a_window(&rows, 3, 2), 4.0 / 9.0, 1e-12));
    // A table that is smaller than the window is all of it.
    assert!(close(all_marked_in_a_window(&rows, 1_000, 2), 0.3, 1e-12));
}
