//! What the nodes in miniature of all languages promise, tried on each: what one exports, any other imports, and each
//! explains itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::cc;

/// How a program is started, without arguments.
pub(crate) type Program<'a> = &'a dyn Fn() -> Command;

/// All that is promised.
pub(crate) fn keep_their_promises(program: Program) {
    the_golden_list_comes_out(program);
    a_list_comes_back_as_it_went(program);
    bad_lines_are_reported_and_skipped(program);
    a_database_is_filled_and_read(program);
    what_cannot_be_read_is_an_error(program);
    what_cannot_be_written_is_an_error(program);
    a_day_ends_with_a_list(program);
    a_day_explains_itself(program);
    help_has_every_option(program);
    senseless_arguments_are_refused(program);
}

pub(crate) fn examples(file: &str) -> std::path::PathBuf {
    cc::root().join("examples").join(file)
}

/// Runs the program; what it printed, and how it ended.
pub(crate) fn run(program: Program, arguments: &[&dyn AsRef<Path>]) -> Output {
    let mut command = program();
    command.args(arguments.iter().map(AsRef::as_ref));
    command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Imports a text and exports what came of it. Nothing else may be left beside the two files.
fn round_trip(program: Program, text: &[u8]) -> (Vec<u8>, Vec<String>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let [list, exported] = ["in.txt", "out.txt"].map(|name| directory.path().join(name));
    fs::write(&list, text).expect("the list is written");
    fs::write(&exported, "an old list\n").expect("the old list is written");
    let output = run(program, &[&"--import", &list, &"--export", &exported]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 2);
    // A report is `path:line: reason`.
    let place = format!("{}:", list.display());
    let reports = said(&output);
    let numbers = reports.lines().map(|line| {
        assert!(line.len() < 1000, "a report of {} bytes", line.len());
        let rest =
            line.strip_prefix(&place).unwrap_or_else(|| panic!("it does not begin with the path: {line}"));
        let (number, reason) = rest.split_once(": ").expect("a number and a reason");
        assert!(!reason.is_empty(), "{line}");
        number.to_owned()
    });
    (fs::read(exported).expect("the exported list"), numbers.collect())
}

fn the_golden_list_comes_out(program: Program) {
    let list = fs::read(examples("peers.txt")).expect("the list");
    let (exported, bad) = round_trip(program, &list);
    let expected = fs::read(examples("golden/peers.txt")).expect("the golden list");
    assert_eq!(String::from_utf8_lossy(&exported), String::from_utf8_lossy(&expected));
    assert_eq!(bad, ["43", "44", "45"]);
}

fn a_list_comes_back_as_it_went(program: Program) {
    let golden = fs::read(examples("golden/peers.txt")).expect("the golden list");
    assert_eq!(round_trip(program, &golden), (golden, Vec::new()));
    assert_eq!(round_trip(program, b""), (Vec::new(), Vec::new()));
}

fn bad_lines_are_reported_and_skipped(program: Program) {
    let long = [b"x".as_slice(), &vec![b' '; 1_000_000], b"x"].concat();
    let lines: [&[u8]; 14] = [
        b"# a comment\r",
        b"\r",
        b"1.2.3",
        b" \t1.2.3.4 \r",
        &long,
        b"\xFF\xFE",
        b"1.2.3.5\0",
        b"1.2.3.6\x0C",
        b"1.2.3.7\xC2\xA0",
        b"\xEF\xBB\xBF1.2.3.8",
        b"1.2.3.9 # a comment",
        b"  # another",
        b"1.2.3.4:11625",
        b"example.org:1",
    ];
    let (exported, bad) = round_trip(program, &lines.join(&b'\n'));
    assert_eq!(String::from_utf8_lossy(&exported), "1.2.3.4:11625\nexample.org:1\n");
    assert_eq!(bad, ["3", "5", "6", "7", "8", "9", "10", "11"]);
}

fn a_database_is_filled_and_read(program: Program) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let [database, exported] = ["peers.db", "out.txt"].map(|name| directory.path().join(name));
    let golden = examples("golden/peers.txt");
    for arguments in [["--import".as_ref(), golden.as_path()], ["--export".as_ref(), exported.as_path()]] {
        let output = run(program, &[&"--database", &database, &arguments[0], &arguments[1]]);
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(fs::read(exported).expect("the exported list"), fs::read(golden).expect("the golden list"));
}

/// The program says in one line what is wrong with this file, and ends with 1.
fn fails_on(program: Program, option: &str, path: &Path) {
    let output = run(program, &[&option, &path]);
    assert_eq!(output.status.code(), Some(1), "{option} {}: {output:?}", path.display());
    let said = said(&output);
    assert!(said.starts_with("node: ") && said.lines().count() == 1, "{said}");
    assert!(said.contains(&path.display().to_string()), "{said}");
}

fn what_cannot_be_read_is_an_error(program: Program) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fails_on(program, "--import", &directory.path().join("none.txt"));
    let exported = directory.path().join("out.txt");
    let output = run(program, &[&"--import", &directory.path(), &"--export", &exported]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!exported.exists(), "a list was written although the other one was not read");
}

fn what_cannot_be_written_is_an_error(program: Program) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let link = directory.path().join("link");
    symlink("/dev/null", &link).expect("a link");
    fails_on(program, "--export", &directory.path().join("none/out.txt"));
    fails_on(program, "--export", directory.path());
    fails_on(program, "--export", &link);
    let left: Vec<_> = fs::read_dir(directory.path()).expect("the directory").collect();
    assert!(left.len() == 1 && fs::symlink_metadata(&link).is_ok_and(|link| link.is_symlink()), "{left:?}");
}

/// Where no file may grow, a list cannot be written to its end; then the old one stays, and nothing else.
///
/// Not for Go, whose runtime ends the program at once where other languages ignore what the system signals then.
pub(crate) fn half_a_list_is_never_left(program: Program) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let [list, exported] = ["in.txt", "out.txt"].map(|name| directory.path().join(name));
    fs::write(&list, "1.2.3.4:5\n").expect("the list is written");
    fs::write(&exported, "an old list\n").expect("the old list is written");
    let unlimited = program();
    let limited = || {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]);
        command.arg(unlimited.get_program()).args(unlimited.get_args());
        command.envs(unlimited.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    };
    let output = run(&limited, &[&"--import", &list, &"--export", &exported]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = said(&output);
    assert!(said.starts_with("node: ") && said.lines().count() == 1, "{said}");
    assert_eq!(fs::read_to_string(&exported).expect("the old list"), "an old list\n");
    assert_eq!(fs::read_dir(directory.path()).expect("the directory").count(), 2);
}

fn a_day_ends_with_a_list(program: Program) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let exported = directory.path().join("out.txt");
    let output = run(program, &[&"--export", &exported, &examples("peers.txt")]);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("33 addresses read") && printed.contains("came back as they were"), "{printed}");
    let list = fs::read_to_string(exported).expect("the exported list");
    let golden = fs::read_to_string(examples("golden/peers.txt")).expect("the golden list");
    assert!(list.lines().any(|line| !golden.contains(line)), "the node has heard of no peer: {list}");
}

/// The first line says that nothing is real, each column and the back-off are explained, and the last paragraph names files
/// that exist.
fn a_day_explains_itself(program: Program) {
    let output = run(program, &[&examples("peers.txt")]);
    let day = String::from_utf8_lossy(&output.stdout);
    assert!(day.starts_with("A node in miniature: clock and network are simulated"), "{day}");
    let (before, rows) = day.split_once("\n hour ").expect("a table of hours");
    let columns: Vec<&str> = rows.lines().next().expect("its header").split_whitespace().collect();
    let legend: Vec<&str> =
        before.lines().filter_map(|line| line.split_once("  ")).flat_map(|l| l.0.split(", ")).collect();
    assert!(columns.len() > 6 && columns.iter().all(|column| legend.contains(column)), "{day}");
    assert!(day.contains("10 * 2^n"), "{day}");
    assert!(day.contains("addresses were shared") && day.contains("none private"), "{day}");
    let next = day.trim_end().rsplit_once("\n\n").expect("paragraphs").1;
    let files = next.split([' ', ',', ';']).filter(|word| word.contains('/'));
    assert!(next.starts_with("Next: ") && files.clone().count() > 0, "{next}");
    for file in files {
        assert!(cc::root().join(file).exists(), "{file}");
    }
}

fn help_has_every_option(program: Program) {
    for option in ["--help", "-h"] {
        let output = run(program, &[&option]);
        assert!(output.status.success() && output.stderr.is_empty(), "{option}: {output:?}");
        let help = String::from_utf8_lossy(&output.stdout);
        for word in ["usage: ", "LIST", "--import", "--export", "--database", "--help"] {
            assert!(help.contains(word), "{word}: {help}");
        }
    }
}

fn senseless_arguments_are_refused(program: Program) {
    for arguments in [&["a", "b", "c"][..], &["--what"], &["--import"], &["--database", "x"]] {
        let words: Vec<&dyn AsRef<Path>> = arguments.iter().map(|word| word as &dyn AsRef<Path>).collect();
        let output = run(program, &words);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let said = said(&output);
        assert!(said.contains("usage: ") && output.stdout.is_empty(), "{arguments:?}: {output:?}");
        // Languages differ in whether the reason stands before the usage or after it.
        let is_reason =
            |line: &str| line.contains(": ") && line.contains("node") && !line.starts_with("usage: ");
        assert_eq!(said.lines().filter(|line| is_reason(line)).count(), 1, "{arguments:?}: {said}");
    }
}
