//! The C API as its callers see it: each program in `tests/c` is compiled as C99 and as C++11, without a warning,
//! against the header and the library that cargo built for this test run, and then run.
//!
//! `CC` and `CXX` choose the compilers. `PEER_MANAGER_TEST_RUNNER` is put before each program, for example
//! `valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect`. What needs
//! a tool that this machine lacks is skipped.
//!
//! `.ci/sanitize` runs all this under a sanitizer: it says with `CC` and `CXX` how programs are instrumented and
//! linked, and with `PEER_MANAGER_TEST_SANITIZER` which sanitizer must report the faults of `tests/c/planted`.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use crate::common::cc::{self, Language, Tool};
use crate::common::run::{program, skip};
use tempfile::TempDir;

/// The name under which programs find the shared object when they run.
const SONAME: &str = "libpeer_manager.so.0";

/// Makes one test for each program and language.
macro_rules! programs {
    ($($program:ident: $as_c:ident, $as_cxx:ident;)+) => {
        /// The programs that are run, one for each section of the header and a few besides.
        const PROGRAMS: &[&str] = &[$(stringify!($program)),+];

        $(
            #[test]
            fn $as_c() {
                runs_with_the_shared_object(stringify!($program), Language::C);
            }

            #[test]
            fn $as_cxx() {
                runs_with_the_shared_object(stringify!($program), Language::Cxx);
            }
        )+
    };
}

programs! {
    version: versions_agree_in_c, versions_agree_in_cxx;
    error: errors_say_what_failed_in_c, errors_say_what_failed_in_cxx;
    address: addresses_are_canonical_in_c, addresses_are_canonical_in_cxx;
    record: records_start_as_specified_in_c, records_start_as_specified_in_cxx;
    options: managers_open_as_the_options_say_in_c, managers_open_as_the_options_say_in_cxx;
    bounds: full_tables_refuse_or_evict_in_c, full_tables_refuse_or_evict_in_cxx;
    peers: peers_are_read_and_written_in_c, peers_are_read_and_written_in_cxx;
    import: peers_are_taken_over_from_another_file_in_c, peers_are_taken_over_from_another_file_in_cxx;
    query: queries_choose_eligible_peers_in_c, queries_choose_eligible_peers_in_cxx;
    asmap: systems_are_netgroups_in_c, systems_are_netgroups_in_cxx;
    reach: a_node_has_the_peers_it_can_reach_in_c, a_node_has_the_peers_it_can_reach_in_cxx;
    query_fields: queries_choose_by_age_and_network_in_c, queries_choose_by_age_and_network_in_cxx;
    bans: the_banned_are_refused_in_c, the_banned_are_refused_in_cxx;
    dialling: nodes_learn_whom_to_dial_in_c, nodes_learn_whom_to_dial_in_cxx;
    sharing: strangers_learn_what_is_shared_in_c, strangers_learn_what_is_shared_in_cxx;
    memory: calls_fail_when_memory_is_refused_in_c, calls_fail_when_memory_is_refused_in_cxx;
    snapshot: snapshots_hold_one_moment_in_c, snapshots_hold_one_moment_in_cxx;
    history: histories_are_kept_in_c, histories_are_kept_in_cxx;
    data: data_goes_with_its_peer_in_c, data_goes_with_its_peer_in_cxx;
    stats: stats_count_what_is_there_in_c, stats_count_what_is_there_in_cxx;
    alignment: misaligned_pointers_are_refused_in_c, misaligned_pointers_are_refused_in_cxx;
    deferred: changes_are_written_later_in_c, changes_are_written_later_in_cxx;
    threads: eight_threads_lose_no_update_in_c, eight_threads_lose_no_update_in_cxx;
    panic: no_panic_crosses_into_c, no_panic_crosses_into_cxx;
    quarantine: damaged_files_are_refused_or_set_aside_in_c, damaged_files_are_refused_or_set_aside_in_cxx;
    fork: a_child_leaves_the_file_to_its_parent_in_c, a_child_leaves_the_file_to_its_parent_in_cxx;
    first_start: the_first_start_is_like_every_other_in_c, the_first_start_is_like_every_other_in_cxx;
    signals: no_signal_comes_of_the_library_in_c, no_signal_comes_of_the_library_in_cxx;
    kill: what_was_acknowledged_outlives_its_process_in_c, what_was_acknowledged_outlives_its_process_in_cxx;
    stack: a_small_stack_is_enough_in_c, a_small_stack_is_enough_in_cxx;
    host: a_host_lends_its_connection_in_c, a_host_lends_its_connection_in_cxx;
}

#[test]
fn the_static_library_does_for_c() {
    let Some(program) = Program::new("threads", Language::C) else { return };
    program.link_statically();
    program.run();
}

#[test]
fn the_static_library_does_for_cxx() {
    let Some(program) = Program::new("threads", Language::Cxx) else { return };
    program.link_statically();
    program.run();
}

#[test]
fn every_program_in_the_directory_is_run() {
    assert_eq!(programs_in("tests/c"), PROGRAMS.iter().map(|&program| program.to_owned()).collect());
}

/// A program in `tests/c/planted`, with a fault that is there to be reported.
struct Planted {
    program: &'static str,
    sanitizer: &'static str,
    link: fn(&Program),
    /// What the report says: the kind of the fault, and whose code was seen at it.
    report: &'static [&'static str],
}

/// At least one fault for every part that must be instrumented to be watched.
const PLANTED: &[Planted] = &[
    Planted {
        program: "use_after_free",
        sanitizer: "address",
        link: Program::link_to_the_shared_object,
        report: &["AddressSanitizer: heap-use-after-free", "in peer_manager_peer_count ", "/src/ffi/"],
    },
    Planted {
        program: "short_output",
        sanitizer: "address",
        link: Program::link_to_the_shared_object,
        report: &["AddressSanitizer: stack-buffer-overflow", "in peer_manager_address_format ", "'text'"],
    },
    Planted {
        program: "leak",
        sanitizer: "address",
        link: Program::link_to_the_shared_object,
        report: &["LeakSanitizer: detected memory leaks", "in peer_manager_get_all_peers "],
    },
    Planted {
        program: "sqlite_use_after_free",
        sanitizer: "address",
        link: Program::link_statically,
        report: &["AddressSanitizer: heap-use-after-free", "in sqlite3_complete "],
    },
    Planted {
        program: "data_race",
        sanitizer: "thread",
        link: Program::link_to_the_shared_object,
        report: &[
            "ThreadSanitizer: data race",
            "  Write of size 8",
            "  Previous write of size 8",
            " peer_manager_ensure_exists_many ",
            "global 'inserted'",
        ],
    },
    Planted {
        program: "sqlite_data_race",
        sanitizer: "thread",
        link: Program::link_statically,
        report: &["ThreadSanitizer: data race", "#0 sqlite3_complete ", "#0 main ", "global 'text'"],
    },
];

#[test]
fn the_sanitizer_reports_every_planted_fault() {
    let Ok(sanitizer) = env::var("PEER_MANAGER_TEST_SANITIZER") else {
        skip("not under a sanitizer");
        return;
    };
    let planted: Vec<&Planted> = PLANTED.iter().filter(|planted| planted.sanitizer == sanitizer).collect();
    assert!(!planted.is_empty(), "no fault is planted for {sanitizer}");
    for Planted { program: name, link, report, .. } in planted {
        // Nothing may be lacking here: programs that are skipped would be faultless.
        let program = Program::new(&format!("planted/{name}"), Language::C).expect("there is a compiler");
        link(&program);
        let output = program.command().output().expect("the program starts");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name} ended as if all were well: {printed}");
        for said in *report {
            assert!(printed.contains(said), "the report of {name} does not say \"{said}\": {printed}");
        }
    }
}

#[test]
fn every_planted_fault_in_the_directory_is_run() {
    let planted = PLANTED.iter().map(|planted| planted.program.to_owned()).collect();
    assert_eq!(programs_in("tests/c/planted"), planted);
}

#[test]
fn a_panic_is_put_into_every_function_of_the_header() {
    let source = fs::read_to_string(cc::root().join("tests/c/panic.c")).expect("panic.c is UTF-8");
    let rows = source.lines().filter_map(|line| line.strip_prefix("  X("));
    let listed: Vec<String> =
        rows.filter_map(|row| row.split_once(',')).map(|(name, _)| name.to_owned()).collect();
    let distinct: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(distinct.len(), listed.len(), "a function is listed twice");
    assert_eq!(distinct, cc::header_functions());
}

#[test]
fn the_stack_of_every_function_of_the_header_is_measured() {
    let source = fs::read_to_string(cc::root().join("tests/c/stack.c")).expect("stack.c is UTF-8");
    let calls = source.lines().filter_map(|line| {
        line.trim_start().strip_prefix("CALL(").or_else(|| line.trim_start().strip_prefix("CALL_ANY("))
    });
    let measured: BTreeSet<String> =
        calls.filter_map(|call| call.split_once(',')).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(measured, cc::header_functions());
}

#[test]
fn the_header_declares_exactly_what_the_sources_export() {
    assert_eq!(cc::header_functions(), cc::exported_functions());
}

#[test]
fn the_shared_object_exports_exactly_what_the_header_declares() {
    let Some(nm) = Tool::find("nm", "nm") else { return };
    let symbols = cc::run(nm.command().args(["-D", "--defined-only"]).arg(shared_object()));
    let exported = symbols.lines().filter_map(|line| line.split_whitespace().last());
    // The version itself is listed too.
    let versioned: BTreeSet<String> =
        exported.filter(|&name| name != "PEER_MANAGER_0").map(str::to_owned).collect();
    let expected = cc::header_functions();
    assert_eq!(versioned, expected.iter().map(|name| format!("{name}@@PEER_MANAGER_0")).collect());
}

#[test]
fn the_shared_object_is_known_by_its_soname() {
    let Some(readelf) = Tool::find("readelf", "readelf") else { return };
    let dynamic = cc::run(readelf.command().arg("-d").arg(shared_object()));
    let sonames: Vec<&str> = dynamic.lines().filter(|line| line.contains("(SONAME)")).collect();
    assert_eq!(sonames.len(), 1, "{dynamic}");
    assert!(sonames[0].ends_with(&format!("[{SONAME}]")), "{}", sonames[0]);
}

fn runs_with_the_shared_object(name: &str, language: Language) {
    let Some(program) = Program::new(name, language) else { return };
    program.link_to_the_shared_object();
    program.run();
}

/// The names of the C files in a directory, without those below it.
fn programs_in(directory: &str) -> BTreeSet<String> {
    let directory = fs::read_dir(cc::root().join(directory)).expect("the directory is there");
    let files = directory.map(|entry| entry.expect("an entry").path());
    let sources = files.filter(|file| file.extension().is_some_and(|extension| extension == "c"));
    sources.map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

fn shared_object() -> PathBuf {
    cc::library("libpeer_manager.so")
}

/// A C program on its way: its compiler, and a directory for the executable and for the files that it makes.
struct Program {
    name: String,
    language: Language,
    compiler: Tool,
    directory: TempDir,
}

impl Program {
    /// `None` when this machine lacks what the program needs.
    fn new(name: &str, language: Language) -> Option<Self> {
        let compiler = Tool::compiler(language)?;
        if name == "host" && !compiler.can_preprocess(language, standard(language), "#include <sqlite3.h>\n")
        {
            skip("no sqlite3.h");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        Some(Self { name: name.to_owned(), language, compiler, directory })
    }

    fn executable(&self) -> PathBuf {
        self.directory.path().join("program")
    }

    fn link_to_the_shared_object(&self) {
        let library = self.directory.path().join(SONAME);
        symlink(shared_object(), &library).expect("the library gets its SONAME as a name");
        let mut command = self.compile();
        command.arg(&library).arg(format!("-Wl,-rpath,{}", self.directory.path().display()));
        command.arg("-lpthread");
        if self.name == "host" {
            command.arg("-lsqlite3");
        }
        cc::run(&mut command);
    }

    fn link_statically(&self) {
        let mut command = self.compile();
        command.arg(cc::library("libpeer_manager.a")).args(["-lpthread", "-ldl", "-lm"]);
        if !cfg!(feature = "bundled") {
            command.arg("-lsqlite3");
        }
        cc::run(&mut command);
    }

    /// The compilation, up to the libraries.
    fn compile(&self) -> Command {
        let source = cc::root().join("tests/c").join(&self.name).with_extension("c");
        let mut command = self.compiler.compile(self.language, standard(self.language));
        command.args(["-g", "-D_POSIX_C_SOURCE=200809L", "-o"]).arg(self.executable());
        command.args(["-x", self.language.name()]).arg(source).args(["-x", "none"]);
        command
    }

    /// The program on an empty directory.
    fn command(&self) -> Command {
        let files = self.directory.path().join("files");
        fs::create_dir(&files).expect("a directory for the program's files");
        let mut command = program(&self.executable());
        // The backtraces of injected panics are of no interest, and slow to make.
        command.arg(files).env("RUST_BACKTRACE", "0").env_remove("PEER_MANAGER_PANIC_IN");
        command
    }

    /// Runs the program; it must exit with 0.
    fn run(&self) {
        let printed = cc::run(&mut self.command());
        assert!(printed.contains(" checks, 0 failures"), "{} checked nothing: {printed}", self.name);
    }
}

/// The oldest standard of each language that the header promises to work with.
fn standard(language: Language) -> &'static str {
    match language {
        Language::C => "c99",
        Language::Cxx => "c++11",
    }
}
