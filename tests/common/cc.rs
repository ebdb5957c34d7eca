//! What the tests of the C API share: compilers and tools, the library that cargo built for this very test run, and
//! a reader of the header that knows just enough C.

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::run::{skip, skip_part};

/// The language a program is compiled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    C,
    Cxx,
}

impl Language {
    /// The default compiler's name and the environment variable that names another.
    fn compiler(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::C => ("C compiler", "cc", "CC"),
            Self::Cxx => ("C++ compiler", "c++", "CXX"),
        }
    }

    /// What the compiler is called, and its command.
    fn chosen_compiler(self) -> (&'static str, String) {
        let (what, default, variable) = self.compiler();
        let chosen = env::var(variable).ok().filter(|command| !command.trim().is_empty());
        (what, chosen.unwrap_or_else(|| default.to_owned()))
    }

    /// What every compilation is held to.
    fn warnings(self) -> &'static [&'static str] {
        match self {
            Self::C => &["-Wall", "-Wextra", "-Wpedantic", "-Wstrict-prototypes", "-Werror"],
            Self::Cxx => &["-Wall", "-Wextra", "-Wpedantic", "-Werror"],
        }
    }

    /// How the compiler is told that the file that follows is in this language.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Cxx => "c++",
        }
    }
}

/// A command with the arguments that always go with it, as in `CC="ccache gcc"`.
#[derive(Clone, Debug)]
pub(crate) struct Tool(Vec<String>);

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[0])
    }
}

impl Tool {
    /// This tool, if it is there; otherwise the test is skipped.
    pub(crate) fn find(what: &str, command: &str) -> Option<Self> {
        Self::find_or(skip, what, command)
    }

    /// As [`find`](Self::find), where the test goes on without it.
    pub(crate) fn find_for_a_part(what: &str, command: &str) -> Option<Self> {
        Self::find_or(skip_part, what, command)
    }

    fn find_or(skip: fn(&str), what: &str, command: &str) -> Option<Self> {
        let tool = Self(command.split_whitespace().map(str::to_owned).collect());
        let is_there = !tool.0.is_empty() && tool.command().arg("--version").output().is_ok();
        if !is_there {
            skip(&format!("no {what}"));
        }
        is_there.then_some(tool)
    }

    /// The compiler of a language, from the environment or the system's.
    pub(crate) fn compiler(language: Language) -> Option<Self> {
        let (what, command) = language.chosen_compiler();
        Self::find(what, &command)
    }

    /// As [`compiler`](Self::compiler), where the test goes on without it.
    pub(crate) fn compiler_for_a_part(language: Language) -> Option<Self> {
        let (what, command) = language.chosen_compiler();
        Self::find_for_a_part(what, &command)
    }

    /// A command to which arguments can be added.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.0[0]);
        command.args(&self.0[1..]);
        command
    }

    /// A compilation of the language against the header, with all warnings as errors.
    pub(crate) fn compile(&self, language: Language, standard: &str) -> Command {
        let mut command = self.command();
        command.arg(format!("-std={standard}")).args(language.warnings());
        command.arg("-I").arg(root().join("include"));
        command
    }

    /// Whether the compiler can preprocess this text in this standard: a standard or a header it may not know.
    pub(crate) fn can_preprocess(&self, language: Language, standard: &str, text: &str) -> bool {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("probe.h");
        fs::write(&file, text).expect("the probe is written");
        let mut command = self.command();
        command.arg(format!("-std={standard}")).args(["-E", "-x", language.name()]).arg(&file);
        command.output().is_ok_and(|output| output.status.success())
    }
}

/// Runs a command that must succeed, and gives back what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout.into_owned()
}

/// Where Cargo.toml is.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of the header as it is checked in.
pub(crate) fn header() -> String {
    let header = fs::read_to_string(root().join("include/peer_manager.h"));
    header.expect("the header is there and is UTF-8")
}

/// A library that cargo built for this test run: it lies beside the test executable.
pub(crate) fn library(file: &str) -> PathBuf {
    let executable = env::current_exe().expect("a test knows its own path");
    let library = executable.with_file_name(file);
    assert!(library.exists(), "{} is not beside the test", library.display());
    library
}

/// The names of the functions that the header declares.
pub(crate) fn header_functions() -> BTreeSet<String> {
    let without_comments: String = header()
        .split("/*")
        .enumerate()
        .map(|(index, part)| match index {
            0 => part,
            _ => part.split_once("*/").expect("a comment ends").1,
        })
        .collect();
    let functions: BTreeSet<String> = words_before(&without_comments, "(")
        .into_iter()
        .filter(|word| word.starts_with("peer_manager_"))
        .collect();
    assert!(functions.len() > 40, "the header was not understood: {functions:?}");
    functions
}

/// The names of the functions that `src/ffi` exports.
pub(crate) fn exported_functions() -> BTreeSet<String> {
    let sources = ffi_sources();
    let declarations = sources.split("extern \"C\" fn ").skip(1);
    declarations.filter_map(|text| text.split_once('(')).map(|(name, _)| name.to_owned()).collect()
}

/// All of `src/ffi` that is exported as one text; what is in a directory there is the library's own.
pub(crate) fn ffi_sources() -> String {
    let directory = fs::read_dir(root().join("src/ffi")).expect("src/ffi is there");
    let mut files: Vec<PathBuf> = directory.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).expect("a source is UTF-8")).collect()
}

/// Each identifier that stands right before the mark.
fn words_before(text: &str, mark: &str) -> Vec<String> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words: Vec<String> =
        text.split(mark).map(|part| part[part.trim_end_matches(is_of_word).len()..].to_owned()).collect();
    words.pop();
    words
}
