//! The Debian packages: what is in them, and a program that is built and run with them. They are unpacked into a
//! directory; with `PEER_MANAGER_TEST_INSTALL=1`, as root, they are installed into the system, used, and removed.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::building;
use crate::common::cc::{self, Language, Tool};
use crate::common::run::{is_full_or_skipped, skip, skip_part};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn field(package: &Path, name: &str) -> String {
    cc::run(Command::new("dpkg-deb").arg("--field").arg(package).arg(name)).trim().to_owned()
}

fn dpkg(arguments: &[&str]) -> String {
    cc::run(Command::new("dpkg").args(arguments))
}

/// Compiles the program of `tests/installed` with what pkg-config says, and runs it.
fn builds_and_runs(pkg_config_path: Option<&Path>, library_path: Option<&Path>) {
    let Some(compiler) = Tool::compiler(Language::C) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let program = directory.path().join("program");
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.args(["--cflags", "--libs", "peer_manager"]);
    pkg_config.envs(pkg_config_path.map(|path| ("PKG_CONFIG_PATH", path)));
    let flags = cc::run(&mut pkg_config);
    let mut compile = compiler.command();
    compile.arg(cc::root().join("tests/installed/program.c")).args(flags.split_whitespace());
    cc::run(compile.arg("-o").arg(&program));
    let mut run = Command::new(&program);
    let printed = cc::run(run.envs(library_path.map(|path| ("LD_LIBRARY_PATH", path))));
    assert!(printed.starts_with("peers 1, "), "{printed}");
}

#[test]
fn the_packages_are_complete_and_can_be_used() {
    if !is_full_or_skipped() {
        return;
    }
    for tool in ["dpkg-gensymbols", "dpkg-shlibdeps", "dpkg-deb", "pkg-config", "strip"] {
        if Tool::find(tool, tool).is_none() {
            return;
        }
    }
    let mut has_sqlite = Command::new("pkg-config");
    if !has_sqlite.args(["--exists", "sqlite3"]).status().is_ok_and(|status| status.success()) {
        skip("no sqlite3.h");
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    building::run(Command::new(cc::root().join("packaging/deb")).arg(directory.path()));
    let architecture = dpkg(&["--print-architecture"]);
    let file = |name: &str| directory.path().join(format!("{name}_{VERSION}-1_{}.deb", architecture.trim()));
    let [runtime, development] = ["libpeer-manager0", "libpeer-manager-dev"].map(file);

    let needed = field(&runtime, "Depends");
    assert!(needed.contains("libc6 (>= ") && needed.contains("libsqlite3-0 (>= "), "{needed}");
    let needed = field(&development, "Depends");
    assert!(needed.contains(&format!("libpeer-manager0 (= {VERSION}-1)")), "{needed}");
    assert!(needed.contains("libsqlite3-dev"), "{needed}");
    let control = |name| cc::run(Command::new("dpkg-deb").arg("--info").arg(&runtime).arg(name));
    assert_eq!(control("shlibs"), format!("libpeer_manager 0 libpeer-manager0 (>= {VERSION})\n"));
    assert!(control("triggers").contains("activate-noawait ldconfig"));
    let symbols = control("symbols");
    let since = fs::read_to_string("abi/symbols").unwrap();
    for function in cc::header_functions() {
        let (_, rest) = since.split_once(&format!("{function} ")).expect(&function);
        let version = rest.lines().next().unwrap();
        assert!(
            symbols.contains(&format!("\n {function}@PEER_MANAGER_0 {version}\n")),
            "{function}: {symbols}"
        );
    }

    let root = directory.path().join("root");
    for package in [&runtime, &development] {
        cc::run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&root));
        let name = field(package, "Package");
        let documents = root.join("usr/share/doc").join(&name);
        for document in
            ["copyright", "NOTICES.txt", "system-sqlite.cdx.json", "changelog.gz", "changelog.Debian.gz"]
        {
            assert!(documents.join(document).exists(), "{name} has no {document}");
        }
    }
    let libraries = fs::read_dir(root.join("usr/lib")).expect("usr/lib").next().expect("a directory");
    let libraries = libraries.expect("an entry").path();
    builds_and_runs(Some(&libraries.join("pkgconfig")), Some(&libraries));

    if env::var_os("PEER_MANAGER_TEST_INSTALL").is_none() {
        skip_part("the system is left as it is without PEER_MANAGER_TEST_INSTALL=1");
        return;
    }
    let packages = [&runtime, &development].map(|path| path.to_str().expect("UTF-8"));
    dpkg(&[&["--install"], &packages[..]].concat());
    // Removed whatever happens.
    let used = std::panic::catch_unwind(|| builds_and_runs(None, None));
    dpkg(&["--purge", "libpeer-manager-dev", "libpeer-manager0"]);
    used.expect("the installed packages can be used");
}
