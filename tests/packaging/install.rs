//! The library as it is installed: into a directory that is then moved, and used from there with pkg-config, `CMake`,
//! Meson and Go. What a machine lacks is skipped. Cargo builds it in the release profile for that.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use crate::building;
use crate::common::cc::{self, Language, Tool};
use crate::common::run::{is_full_or_skipped, is_long, skip};
use tempfile::TempDir;

/// The directory of the libraries, below the prefix: one such as Debian's, deeper than the usual one.
const LIBDIR: &str = "lib/x86_64-linux-gnu";

/// One installation for all tests. It lies in cargo's directory for tests, which outlives them.
static INSTALLATION: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installation");
    let [first, moved] = ["first", "moved to another place"].map(|name| directory.join(name));
    let _ = fs::remove_dir_all(&directory);
    install(&first, &[]);
    fs::rename(&first, &moved).expect("the installation is moved");
    moved
});

/// The prefix of the installation.
pub(crate) fn prefix() -> &'static Path {
    &INSTALLATION
}

pub(crate) fn libdir() -> PathBuf {
    prefix().join(LIBDIR)
}

/// Installs with the script.
fn install(prefix: &Path, arguments: &[&str]) {
    let mut command = Command::new(cc::root().join("packaging/install"));
    command.args(["--libdir", LIBDIR, "--prefix"]).arg(prefix).args(arguments);
    if !cfg!(feature = "bundled") {
        command.arg("--system-sqlite");
    }
    building::run(&mut command);
}

/// What a program prints that was built with the installation.
fn runs(program: &Path) {
    let printed = cc::run(Command::new(program).env("LD_LIBRARY_PATH", libdir()));
    assert!(printed.starts_with("peers 1, "), "{}: {printed}", program.display());
}

fn needs_the_shared_library(program: &Path) -> bool {
    let readelf = Tool::find("readelf", "readelf").expect("binutils come with every C compiler");
    cc::run(readelf.command().arg("-d").arg(program)).contains("[libpeer_manager.so.0]")
}

/// What pkg-config answers about the installation.
fn pkg_config(arguments: &[&str]) -> Option<Vec<String>> {
    let tool = Tool::find("pkg-config", "pkg-config")?;
    let mut command = tool.command();
    command.env("PKG_CONFIG_PATH", libdir().join("pkgconfig"));
    let printed = cc::run(command.args(arguments).arg("peer_manager"));
    // The prefix has spaces in it, before each of which pkg-config puts a backslash.
    let words = printed.trim().replace("\\ ", "\0");
    Some(words.split_whitespace().map(|word| word.replace('\0', " ")).collect())
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn every_file_is_in_its_place() {
    if !is_full_or_skipped() {
        return;
    }
    let version = env!("CARGO_PKG_VERSION");
    let mut expected: BTreeSet<String> =
        files(&cc::root().join("include")).iter().map(|header| format!("include/{header}")).collect();
    assert!(expected.contains("include/peer_manager.h") && expected.contains("include/peer_manager.hpp"));
    let libraries = [
        "lib/x86_64-linux-gnu/cmake/peer_manager/peer_manager-config-version.cmake",
        "lib/x86_64-linux-gnu/cmake/peer_manager/peer_manager-config.cmake",
        "lib/x86_64-linux-gnu/libpeer_manager.a",
        "lib/x86_64-linux-gnu/libpeer_manager.so",
        "lib/x86_64-linux-gnu/libpeer_manager.so.0",
        &format!("lib/x86_64-linux-gnu/libpeer_manager.so.{version}"),
        "lib/x86_64-linux-gnu/pkgconfig/peer_manager.pc",
        "share/doc/peer_manager/LICENSE-APACHE",
        "share/doc/peer_manager/LICENSE-MIT",
        "share/doc/peer_manager/NOTICES.txt",
        "share/doc/peer_manager/sbom.cdx.json",
    ];
    expected.extend(libraries.map(str::to_owned));
    assert_eq!(files(prefix()), expected);
    let [developers, programs] =
        ["libpeer_manager.so", "libpeer_manager.so.0"].map(|link| fs::read_link(libdir().join(link)));
    assert_eq!(developers.expect("a link"), Path::new("libpeer_manager.so.0"));
    assert_eq!(programs.expect("a link"), Path::new(&format!("libpeer_manager.so.{version}")));
}

#[test]
fn no_file_says_where_it_was_built_or_installed_first() {
    if !is_full_or_skipped() {
        return;
    }
    for file in files(prefix()).iter().filter(|file| file.contains("/pkgconfig/") || file.contains("/cmake/"))
    {
        let text = fs::read_to_string(prefix().join(file)).expect("a text");
        let is_neutral = !text.contains(env!("CARGO_TARGET_TMPDIR")) && !text.contains("usr");
        assert!(is_neutral && !text.contains('@'), "{file}: {text}");
    }
}

#[test]
fn every_symbol_has_the_version_of_the_soname() {
    if !is_full_or_skipped() {
        return;
    }
    let Some(nm) = Tool::find("nm", "nm") else { return };
    let symbols =
        cc::run(nm.command().args(["-D", "--defined-only"]).arg(libdir().join("libpeer_manager.so")));
    let names: BTreeSet<&str> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|&name| name != "PEER_MANAGER_0")
        .map(|name| name.strip_suffix("@@PEER_MANAGER_0").unwrap_or_else(|| panic!("{name}")))
        .collect();
    assert_eq!(names, cc::header_functions().iter().map(String::as_str).collect());
}

#[test]
fn pkg_config_names_what_a_static_program_needs() {
    if !is_full_or_skipped() {
        return;
    }
    let Some(libraries) = pkg_config(&["--static", "--libs"]) else { return };
    let has_sqlite = libraries.iter().any(|library| library == "-lsqlite3");
    assert_eq!(has_sqlite, !cfg!(feature = "bundled"), "{libraries:?}");
    let of_a_shared_one = pkg_config(&["--libs"]).expect("pkg-config was there");
    assert_eq!(of_a_shared_one.last().map(String::as_str), Some("-lpeer_manager"));
    assert_eq!(pkg_config(&["--modversion"]).expect("pkg-config was there"), [env!("CARGO_PKG_VERSION")]);
}

#[test]
fn pkg_config_serves_c_and_cxx() {
    if !is_full_or_skipped() {
        return;
    }
    for (language, standard) in [(Language::C, "c99"), (Language::Cxx, "c++17")] {
        for kind in ["shared", "static"] {
            let Some(compiler) = Tool::compiler_for_a_part(language) else { continue };
            let more = if kind == "static" { &["--static"][..] } else { &[] };
            let Some(flags) = pkg_config(&[&["--cflags", "--libs"], more].concat()) else { return };
            let directory = temporary();
            let program = directory.path().join("program");
            let mut command = compiler.command();
            command.arg(format!("-std={standard}")).args([
                "-Wall",
                "-Wextra",
                "-Werror",
                "-x",
                language.name(),
            ]);
            command.arg(cc::root().join("tests/installed/program.c")).args(["-x", "none"]).args(flags);
            command.args((kind == "static").then_some("-static")).arg("-o").arg(&program);
            cc::run(&mut command);
            assert_eq!(needs_the_shared_library(&program), kind == "shared", "{language:?}");
            runs(&program);
        }
    }
}

#[test]
fn the_example_node_runs_with_what_is_installed() {
    if !is_full_or_skipped() {
        return;
    }
    let Some(compiler) = Tool::compiler(Language::C) else { return };
    let Some(flags) = pkg_config(&["--cflags", "--libs"]) else { return };
    let directory = temporary();
    let program = directory.path().join("node");
    let sources = [
        "node.c",
        "arguments.c",
        "import.c",
        "export.c",
        "metrics.c",
        "bans.c",
        "day.c",
        "world.c",
        "report.c",
        "real.c",
        "loop.c",
        "dialling.c",
        "talk.c",
        "wire.c",
        "sockets.c",
        "events.c",
    ];
    let mut command = compiler.command();
    command.arg("-std=c99").args(sources.map(|file| cc::root().join("examples/c").join(file)));
    cc::run(command.args(flags).arg(format!("-Wl,-rpath,{}", libdir().display())).arg("-o").arg(&program));
    let printed = cc::run(
        Command::new(&program).arg(cc::root().join("examples/peers.txt")).current_dir(directory.path()),
    );
    assert!(printed.lines().count() > 5, "{printed}");
}

#[test]
fn cmake_finds_both_libraries_for_c_and_cxx() {
    if !is_full_or_skipped() {
        return;
    }
    let Some(cmake) = Tool::find("CMake", "cmake") else { return };
    if Tool::compiler(Language::Cxx).is_none() {
        return;
    }
    let directory = temporary();
    let mut configure = cmake.command();
    configure.arg("-S").arg(cc::root().join("tests/installed")).arg("-B").arg(directory.path());
    cc::run(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    cc::run(cmake.command().arg("--build").arg(directory.path()));
    all_four_run(directory.path());
}

#[test]
fn meson_finds_both_libraries_for_c_and_cxx() {
    if !is_full_or_skipped() {
        return;
    }
    let tools = [Tool::find("Meson", "meson"), Tool::find("Ninja", "ninja")];
    let [Some(meson), Some(ninja)] = tools else { return };
    if Tool::compiler(Language::Cxx).is_none() || Tool::find("pkg-config", "pkg-config").is_none() {
        return;
    }
    let directory = temporary();
    let mut setup = meson.command();
    setup.arg("setup").arg(directory.path()).arg(cc::root().join("tests/installed"));
    cc::run(setup.arg("--pkg-config-path").arg(libdir().join("pkgconfig")));
    cc::run(ninja.command().arg("-C").arg(directory.path()));
    all_four_run(directory.path());
}

/// The programs of `tests/installed/CMakeLists.txt` and `meson.build`.
fn all_four_run(directory: &Path) {
    for language in ["c", "cxx"] {
        for kind in ["shared", "static"] {
            let program = directory.join(format!("{language}_{kind}"));
            assert_eq!(needs_the_shared_library(&program), kind == "shared", "{}", program.display());
            runs(&program);
        }
    }
}

#[test]
fn go_uses_it_through_cgo() {
    if !is_full_or_skipped() {
        return;
    }
    // Go's own option is without the dashes.
    if Command::new("go").arg("version").output().is_err() {
        skip("no Go");
        return;
    }
    if pkg_config(&["--exists"]).is_none() {
        return;
    }
    let directory = temporary();
    let program = directory.path().join("program");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).current_dir(cc::root().join("tests/installed/go"));
    build.env("PKG_CONFIG_PATH", libdir().join("pkgconfig")).env("CGO_ENABLED", "1").env("GOFLAGS", "");
    cc::run(build.env("GOTOOLCHAIN", "local").env("GOPROXY", "off"));
    runs(&program);
}

#[test]
fn cargo_c_installs_the_same() {
    if !is_long() {
        skip("only with PEER_MANAGER_TEST_LONG=1");
        return;
    }
    let has_cargo_c = Command::new("cargo-cinstall").arg("--version").output();
    if !has_cargo_c.is_ok_and(|output| output.status.success()) {
        skip("no cargo-c");
        return;
    }
    let directory = temporary();
    let there = directory.path().join("there");
    let mut command = Command::new("cargo-cinstall");
    command.args(["cinstall", "--locked", "--libdir", LIBDIR, "--datadir", LIBDIR, "--prefix"]).arg(&there);
    if !cfg!(feature = "bundled") {
        command.args(["--no-default-features", "--features", "system-sqlite"]);
    }
    building::run(command.current_dir(cc::root()));
    // It knows no place for documents.
    let others = files(prefix()).into_iter().filter(|file| !file.starts_with("share/doc/"));
    assert_eq!(files(&there), others.collect());
    for file in files(prefix()).iter().filter(|file| file.contains("/cmake/") || file.contains("include/")) {
        let [one, other] = [&there, prefix()].map(|root| fs::read(root.join(file)).expect("a file"));
        assert!(one == other, "{file}");
    }
    let readelf = Tool::find("readelf", "readelf").expect("binutils come with every C compiler");
    let library = there.join(LIBDIR).join("libpeer_manager.so");
    let dynamic = cc::run(readelf.command().args(["-d", "--dyn-syms", "--wide"]).arg(library));
    assert!(dynamic.contains("Library soname: [libpeer_manager.so.0]"), "{dynamic}");
    assert!(dynamic.contains(" peer_manager_open@@PEER_MANAGER_0"), "{dynamic}");
}

#[test]
fn a_package_is_installed_below_its_own_root() {
    if !is_full_or_skipped() {
        return;
    }
    let directory = temporary();
    let root = directory.path().to_str().expect("the name is UTF-8");
    install(Path::new("/usr"), &["--destdir", root]);
    assert_eq!(files(&directory.path().join("usr")), files(prefix()));
}

#[test]
fn wrong_arguments_are_refused_before_anything_is_built() {
    for arguments in [&["--prefix"][..], &["--prefix", "relative"], &["--libdir", "../lib"], &["--what"]] {
        let mut command = Command::new(cc::root().join("packaging/install"));
        let output = command.args(arguments).output().expect("the script starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

/// All files and links below a directory.
pub(crate) fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                directories.push(entry.path());
            } else {
                let path = entry.path();
                let below = path.strip_prefix(root).expect("it is below");
                found.insert(below.to_str().expect("the name is UTF-8").to_owned());
            }
        }
    }
    found
}
