//! How much a run of the tests tries, and what it leaves out.
//!
//! `cargo test` alone is what fits into a few minutes. `PEER_MANAGER_TEST_FULL=1`, which `.ci/run` sets, leaves out nothing that
//! the machine has the tools for, and `PEER_MANAGER_TEST_LONG=1`, which `.ci/long` sets, goes on for as long as it pays.
//!
//! A test that leaves something out says so on standard error, past the harness, which shows what a test prints only if it
//! fails. `tests/run` counts these lines.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Whether nothing is to be left out for the sake of time.
pub(crate) fn is_full() -> bool {
    is_set("PEER_MANAGER_TEST_FULL") || is_long()
}

/// Whether tests that can go on for any length are to do so.
pub(crate) fn is_long() -> bool {
    is_set("PEER_MANAGER_TEST_LONG")
}

/// Whether this is a full run; if it is not, the test is left out.
pub(crate) fn is_full_or_skipped() -> bool {
    is_full() || {
        skip("only with PEER_MANAGER_TEST_FULL=1");
        false
    }
}

/// One of how many trials is made where there are many alike: of every one, if this is a full run.
pub(crate) fn one_of(sample: usize, trials: &str) -> usize {
    if is_full() {
        return 1;
    }
    skip_part(&format!("one of {sample} {trials}, all with PEER_MANAGER_TEST_FULL=1"));
    sample
}

/// The name of the test that calls this, with its modules, as the harness knows it.
pub(crate) fn this_test() -> String {
    thread::current().name().expect("the harness names the threads of tests").to_owned()
}

/// A program that was built for the machine that these tests are for, with what `PEER_MANAGER_TEST_RUNNER` names put before
/// it: valgrind, or what emulates that machine.
pub(crate) fn program(executable: &Path) -> Command {
    let runner = env::var("PEER_MANAGER_TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    match words.next() {
        None => Command::new(executable),
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(executable);
            command
        }
    }
}

/// Says, once, that the test which calls this tries nothing, and why.
pub(crate) fn skip(reason: &str) {
    say("skipped", reason);
}

/// Says, once, that the test which calls this leaves out a part of what it tries, and why.
pub(crate) fn skip_part(reason: &str) {
    say("skipped in part", reason);
}

/// Says again what a process of this test has said of the kind.
pub(crate) fn pass_on(stderr: &str) {
    for line in stderr.lines().filter(|line| line.starts_with("skipped")) {
        say_line(&format!("{line}\n"));
    }
}

fn say(what: &str, reason: &str) {
    say_line(&format!("{what}: {}: {reason}\n", thread::current().name().unwrap_or("a test")));
}

fn say_line(line: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // At once, so that nothing that other tests say comes between.
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.to_owned()) {
        let _ = io::stderr().write_all(line.as_bytes());
    }
}
