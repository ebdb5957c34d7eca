//! What compiled programs rely on is what `abi/` has recorded, and `abi/check` notices whatever would break them.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Output};

use crate::common::cc::{self, Tool};

/// Runs the comparison on a header in which `from` stands for `to`; `None` when the machine lacks what it needs.
fn compared(changes: &[(&str, &str)]) -> Option<Output> {
    for (what, tool) in [("abidw", "abidw"), ("abidiff", "abidiff"), ("C compiler", "cc")] {
        Tool::find(what, tool)?;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let header = changes.iter().fold(cc::header(), |header, (from, to)| {
        assert_eq!(header.matches(from).count(), 1, "{from}");
        header.replace(from, to)
    });
    fs::write(directory.path().join("peer_manager.h"), header).expect("the header is written");
    let mut command = Command::new(cc::root().join("abi/check"));
    Some(command.env("HEADER", directory.path()).output().expect("the script starts"))
}

fn passes(what: &str, changes: &[(&str, &str)]) {
    let Some(output) = compared(changes) else { return };
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}

fn fails(what: &str, changes: &[(&str, &str)]) {
    let Some(output) = compared(changes) else { return };
    assert_eq!(output.status.code(), Some(1), "{what}: {}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("would break"), "{what}: {said}");
}

const COUNT: &str = "size_t peer_manager_peer_count(struct peer_manager *pm);";
const LAST_OPTION: &str = "  const char *asmap_path;\n} peer_manager_options;";
const LONGER_OPTIONS: &str = "  const char *asmap_path;\n  uint64_t more;\n} peer_manager_options;";

#[test]
fn the_header_is_compatible_with_what_is_recorded() {
    passes("no change", &[]);
}

#[test]
fn additions_are_compatible() {
    passes("a function", &[(COUNT, &format!("{COUNT}\nsize_t peer_manager_more(void);"))]);
    let busy = "#define PEER_MANAGER_ERROR_BUSY 6";
    passes("a constant", &[(busy, &format!("{busy}\n#define PEER_MANAGER_ERROR_MORE 11"))]);
    passes("a member at the end of a struct that may grow", &[(LAST_OPTION, LONGER_OPTIONS)]);
}

#[test]
fn a_function_that_is_gone_or_changed_is_not_compatible() {
    fails("a function is gone", &[(COUNT, "")]);
    fails("another result", &[(COUNT, &COUNT.replace("size_t", "uint32_t"))]);
    fails("another parameter", &[(COUNT, &COUNT.replace("*pm", "**pm"))]);
    fails("one more parameter", &[(COUNT, &COUNT.replace("*pm", "*pm, int32_t more"))]);
}

#[test]
fn a_struct_with_another_layout_is_not_compatible() {
    let failures = "  uint32_t num_failures;";
    fails("a wider member", &[(failures, "  uint64_t num_failures;")]);
    fails("a fixed struct grows", &[("} peer_manager_record;", "  uint64_t more;\n} peer_manager_record;")]);
    let seed = "  uint64_t rng_seed;";
    fails("a member in the middle", &[(seed, &format!("{seed}\n  uint64_t more;"))]);
    let clock = "(*clock)(void *clock_context)";
    fails("another callback", &[(clock, "(*clock)(int32_t clock_context)")]);
    let share = ("  uint32_t share_max_percent;", "  uint16_t share_max_percent;");
    fails("a growing struct grows and changes", &[share, (LAST_OPTION, LONGER_OPTIONS)]);
}

#[test]
fn a_constant_with_another_value_is_not_compatible() {
    fails("a value", &[("#define PEER_MANAGER_ERROR_BUSY 6", "#define PEER_MANAGER_ERROR_BUSY 12")]);
    fails(
        "a capacity",
        &[("#define PEER_MANAGER_HOST_CAPACITY 254", "#define PEER_MANAGER_HOST_CAPACITY 256")],
    );
    fails("a constant is gone", &[("#define PEER_MANAGER_OK 0", "")]);
}

#[test]
fn everything_may_change_with_a_new_soname() {
    let major = ("#define PEER_MANAGER_VERSION_MAJOR 0", "#define PEER_MANAGER_VERSION_MAJOR 1");
    passes("a function is gone", &[major, (COUNT, "")]);
}

#[test]
fn what_is_recorded_is_the_whole_header() {
    let recorded = fs::read_to_string(cc::root().join("abi/symbols")).expect("it is there");
    let names = recorded.lines().map(|line| line.split_once(' ').expect("a name and a version").0.to_owned());
    assert_eq!(names.collect::<std::collections::BTreeSet<_>>(), cc::header_functions());
    // The version of each is that of its comment, which is silent about the first.
    let header = cc::header();
    for line in recorded.lines() {
        let (name, version) = line.split_once(' ').expect("a name and a version");
        let declaration =
            header.rfind(&format!("{name}(struct")).or_else(|| header.rfind(&format!("{name}(")));
        let comment = header[..declaration.expect("it is declared")].rsplit("/**").next().unwrap_or_default();
        let since = comment.split("Since ").nth(1).and_then(|rest| rest.split_whitespace().next());
        assert_eq!(since.map_or("0.1.0", |since| since.trim_end_matches('.')), version, "{name}");
    }
}
