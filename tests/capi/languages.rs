//! The bindings, each tested in its own language against the library that cargo built for this test run. A language
//! whose tools this machine lacks is skipped.
//!
//! `PEER_MANAGER_TEST_LANGUAGES=0` leaves all of them out: for a run of these tests under another build of the library,
//! which they would only repeat.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::cc::{self, Tool};
use crate::common::example;
use crate::common::lists;
use crate::common::prometheus;
use crate::common::run::{is_full_or_skipped, skip};
use crate::conformance;
use tempfile::TempDir;

/// Makes targets of the language in this directory, if these tools are there. What it generates is in a temporary
/// directory, below `build`.
pub(crate) fn make(directory: &str, targets: &[&str], tools: &[(&str, &str)]) -> Option<TempDir> {
    if !is_wanted(directory) {
        return None;
    }
    let is_there = |&(what, command): &(&str, &str)| Tool::find(what, command).is_some();
    if !tools.iter().all(is_there) {
        return None;
    }
    let temporary = tempfile::tempdir().expect("a temporary directory");
    make_in(temporary.path(), directory, targets);
    Some(temporary)
}

/// Whether this run is to test the language in this directory.
fn is_wanted(directory: &str) -> bool {
    if std::env::var_os("PEER_MANAGER_TEST_LANGUAGES").is_some_and(|value| value == "0") {
        skip("PEER_MANAGER_TEST_LANGUAGES is 0");
        return false;
    }
    // One language besides Rust is enough for a short run.
    directory == "examples/c" || is_full_or_skipped()
}

fn make_in(temporary: &Path, directory: &str, targets: &[&str]) {
    let libraries = temporary.join("libraries");
    fs::create_dir(&libraries).expect("a directory for the libraries");
    for file in ["libpeer_manager.so", "libpeer_manager.a"] {
        symlink(cc::library(file), libraries.join(file)).expect("the library is found under its name");
    }
    let printed = cc::run(
        Command::new("make")
            .arg("-C")
            .arg(cc::root().join(directory))
            .args(targets)
            .arg(format!("LIB_DIR={}", libraries.display()))
            .arg(format!("BUILD={}", build(temporary, "").display())),
    );
    println!("{printed}");
}

/// A file that was made.
pub(crate) fn build(temporary: &Path, file: &str) -> PathBuf {
    temporary.join("build").join(file)
}

#[test]
fn c() {
    let tools = &[("make", "make"), ("C compiler", "cc")];
    let Some(made) = make("examples/c", &["golden", "node"], tools) else { return };
    conformance::holds(&|file, database| {
        let mut player = Command::new(build(made.path(), "golden"));
        player.arg(file).arg(database);
        player
    });
    let node = || Command::new(build(made.path(), "node"));
    lists::keep_their_promises(&node);
    lists::half_a_list_is_never_left(&node);
    bans_are_kept(&node);
    the_node_explains_itself(&node);
}

#[test]
fn cxx() {
    // The tests themselves compile everything in every standard: `make -C examples/cpp test`.
    let tools = &[("make", "make"), ("C++ compiler", "c++")];
    let Some(made) = make("examples/cpp", &["golden", "run"], tools) else { return };
    conformance::holds(&|file, _| {
        let mut player = Command::new(build(made.path(), "golden"));
        player.arg(file);
        player
    });
    let node = || Command::new(build(made.path(), "node"));
    lists::keep_their_promises(&node);
    lists::half_a_list_is_never_left(&node);
}

/// The functions of C that C++ has no use for, and why.
const NOT_WRAPPED: &[(&str, &str)] = &[
    ("peer_manager_address_equal", "=="),
    ("peer_manager_new_with_db", "Manager::open takes options"),
    ("peer_manager_options_init", "PEER_MANAGER_OPTIONS_INIT"),
    ("peer_manager_query_init", "PEER_MANAGER_QUERY_INIT"),
    ("peer_manager_stats_init", "PEER_MANAGER_STATS_INIT"),
];

#[test]
fn cxx_wraps_every_function() {
    let directory = fs::read_dir(cc::root().join("include/peer_manager")).expect("the headers are there");
    let headers: String = directory
        .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a header is UTF-8"))
        .collect();
    for function in cc::header_functions() {
        let is_called = headers.contains(&format!("{function}("));
        let is_left_out = NOT_WRAPPED.iter().any(|(name, _)| *name == function);
        assert_ne!(is_called, is_left_out, "{function}");
    }
}

#[test]
fn go() {
    let tools = &[("make", "make"), ("Go", "go"), ("pkg-config", "pkg-config")];
    let Some(_) = make("bindings/go", &["test"], tools) else { return };
    let Some(made) = make("examples/go", &["test"], tools) else { return };
    conformance::holds(&|file, _| {
        let mut player = Command::new(build(made.path(), "golden"));
        player.arg(file);
        player
    });
    let node = || Command::new(build(made.path(), "node-static"));
    lists::keep_their_promises(&node);
    // cgo has a C compiler.
    let Some(c) = make("examples/c", &["node"], &[]) else { return };
    metrics_are_the_same(&|| Command::new(build(c.path(), "node")), &node);
}

#[test]
fn java() {
    // Maven downloads what the tests themselves need: `make -C bindings/java test`.
    let find = Command::new(cc::root().join("bindings/java/find-jdk")).output();
    if !find.is_ok_and(|found| found.status.success()) {
        skip("no JDK 22 or later");
        return;
    }
    let Some(made) = make("examples/java", &["examples"], &[("make", "make")]) else { return };
    let java = |main: &str| {
        let mut command = Command::new(build(made.path(), "java"));
        command.args(["--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
        command
            .arg(format!("-Dpeer_manager.library={}", cc::library("libpeer_manager.so").display()))
            .arg("-cp")
            .arg(format!(
                "{}:{}",
                build(made.path(), "binding").display(),
                build(made.path(), "examples").display()
            ))
            .arg(main);
        command
    };
    conformance::holds(&|file, _| {
        let mut player = java("golden.Golden");
        player.arg(file);
        player
    });
    let node = || java("node.Main");
    lists::keep_their_promises(&node);
    lists::half_a_list_is_never_left(&node);
    let output = lists::run(&node, &[&"--import", &lists::examples("peers.txt"), &"--metrics"]);
    assert!(output.status.success(), "{output:?}");
    let golden = fs::read_to_string(lists::examples("golden/metrics.txt")).expect("the golden metrics");
    assert_eq!(String::from_utf8_lossy(&output.stdout), golden);
}

#[test]
fn node() {
    // The tests themselves take tools from the package index where they can: `make -C bindings/node test`.
    let Some(made) = make("examples/node", &["run"], &[("make", "make"), ("Node.js", "node")]) else {
        return;
    };
    let node = || {
        let mut command = Command::new("node");
        command.arg(lists::examples("node/day/main.js"));
        command.env("PEER_MANAGER_ADDON", build(made.path(), "peer_manager.node"));
        command
    };
    lists::keep_their_promises(&node);
    lists::half_a_list_is_never_left(&node);
}

#[test]
fn python() {
    // The tests themselves need tools from the package index: `make -C bindings/python test`.
    let directory = "examples/python";
    if !is_wanted(directory) || Tool::find("Python", "python3").is_none() {
        return;
    }
    if !can_compile_for_python() {
        skip("Python has no headers, or neither cffi with setuptools nor a package index to get them from");
        return;
    }
    let Some(made) = make(directory, &["run"], &[("make", "make"), ("C compiler", "cc")]) else { return };
    let node = || {
        // It finds the extension module, which has the library inside.
        let mut command = Command::new(build(made.path(), "python"));
        command.arg("-B").arg(lists::examples("python/node.py"));
        command
    };
    lists::keep_their_promises(&node);
    lists::half_a_list_is_never_left(&node);
}

/// Whether Python has what an extension module is compiled with, or can get it.
fn can_compile_for_python() -> bool {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let succeeds = |arguments: &[&str]| {
        let output = Command::new("python3").args(arguments).current_dir(directory.path()).output();
        output.is_ok_and(|output| output.status.success())
    };
    let headers = "import os, sysconfig; os.stat(os.path.join(sysconfig.get_path('include'), 'Python.h'))";
    succeeds(&["-c", headers])
        && (succeeds(&["-c", "import cffi, setuptools"])
            || succeeds(&["-m", "pip", "download", "-q", "--no-deps", "cffi", "setuptools"]))
}

#[test]
fn rust() {
    let node = example::built("node");
    let node = || Command::new(&node);
    lists::keep_their_promises(&node);
    lists::half_a_list_is_never_left(&node);
}

/// The node in C shows more than the others: what an outage does, and back-off by failures; and it has more options.
fn the_node_explains_itself(program: lists::Program) {
    let printed = |arguments: &[&dyn AsRef<Path>]| {
        let output = lists::run(program, arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let day = printed(&[&lists::examples("peers.txt")]);
    assert!(day.contains("\nLook at 13:00: the line was down, and 9"), "{day}");
    let backoff = day.split_once("-- back-off at work --").expect("back-off").1;
    let often =
        backoff.lines().find_map(|line| line.strip_prefix("10 or more ")).expect("peers that fail often");
    let cells: Vec<&str> = often.split_whitespace().collect();
    assert_ne!(cells[0], "0", "{day}");
    assert_eq!(cells[1], "0", "none of them is due: {day}");
    let next = day.trim_end().rsplit_once("\n\n").expect("parts").1;
    assert!(next.starts_with("Next: docs/getting-started.md "), "{next}");

    let help = printed(&[&"--help"]);
    let source = fs::read_to_string(lists::examples("c/arguments.c")).expect("the source");
    let options = source.lines().filter_map(|line| line.trim().strip_prefix("{\"")?.split_once("\", "));
    let options: Vec<&str> = options.map(|(option, _)| option).collect();
    assert_eq!(options.len(), 13, "{options:?}");
    for option in options {
        assert!(help.contains(&format!("--{option}")), "{option}: {help}");
    }
}

/// The node in C bans hosts and prefixes: their peers go, and do not come back until that is over.
fn bans_are_kept(program: lists::Program) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let [database, exported] = ["peers.db", "peers.txt"].map(|name| directory.path().join(name));
    let printed = |arguments: &[&dyn AsRef<Path>]| {
        let output =
            lists::run(program, &[&[&"--database" as &dyn AsRef<Path>, &database], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let list = lists::examples("peers.txt");
    let banned = "core-live-a.stellar.org";
    let is_there = || fs::read_to_string(&exported).expect("the exported list").contains(banned);
    assert_eq!(printed(&[&"--import", &list, &"--export", &exported, &"--bans"]), "");
    assert!(is_there());
    let said = printed(&[&"--ban", &banned, &"--ban", &"2001:DB8::/32,3600", &"--bans"]);
    let lines: Vec<_> = said.lines().collect();
    let [
        "core-live-a.stellar.org is banned; 1 peer removed",
        "2001:DB8::/32 is banned; 0 peers removed",
        until,
        forever,
    ] = lines[..]
    else {
        panic!("{said}")
    };
    assert!(until.starts_with("2001:db8::/32 until 20") && until.ends_with(" UTC"), "{until}");
    assert_eq!(forever, "core-live-a.stellar.org for good");
    printed(&[&"--import", &list, &"--export", &exported]);
    assert!(!is_there());
    printed(&[&"--unban", &banned, &"--import", &list, &"--export", &exported]);
    assert!(is_there());
    for refused in ["203.0.113.0/33", "203.0.113.7,", "203.0.113.7,0", "203.0.113.7,99999999999999999999", ""]
    {
        let output = lists::run(program, &[&"--ban", &refused]);
        assert_eq!(output.status.code(), Some(1), "{refused}: {output:?}");
        assert!(output.stderr.starts_with(b"node: cannot ban: "), "{output:?}");
    }
}

/// Both print what Prometheus reads: the same for the same table, of a new node and of one that has lived a day.
fn metrics_are_the_same(c: lists::Program, go: lists::Program) {
    let metrics = |program, option: &str, path: &Path| {
        let output = lists::run(program, &[&option, &path, &"--metrics"]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let golden = fs::read_to_string(lists::examples("golden/metrics.txt")).expect("the golden metrics");
    for program in [c, go] {
        assert_eq!(metrics(program, "--import", &lists::examples("peers.txt")), golden);
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let database = directory.path().join("peers.db");
    let day = lists::run(c, &[&lists::examples("peers.txt"), &database]);
    assert!(day.status.success(), "{day:?}");
    let printed = metrics(c, "--database", &database);
    assert_eq!(metrics(go, "--database", &database), printed);

    let samples = prometheus::parse(&printed);
    assert_eq!(
        samples.keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "peer_manager_bans",
            "peer_manager_failed_writes_total",
            "peer_manager_forgiven_failures_total",
            "peer_manager_info{durability=\"commit\"}",
            "peer_manager_log_bytes",
            "peer_manager_netgroups",
            "peer_manager_peers_ready",
            "peer_manager_peers{type=\"inbound\"}",
            "peer_manager_peers{type=\"outbound\"}",
            "peer_manager_peers{type=\"preferred\"}",
            "peer_manager_pending_writes",
            "peer_manager_refused_peers_total",
            "peer_manager_rejected_rows_total",
            "peer_manager_skipped_rows",
        ]
    );
    assert_eq!(samples["peer_manager_peers{type=\"preferred\"}"], 2);
    assert!(samples["peer_manager_peers{type=\"outbound\"}"] > 10);
}
