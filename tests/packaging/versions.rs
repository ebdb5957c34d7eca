//! One version: every file that names it says what `Cargo.toml` says.

use std::fs;
use std::path::Path;

use crate::common::run::skip_part;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const MAJOR: &str = env!("CARGO_PKG_VERSION_MAJOR");

/// A file of the repository; `None` where only some of it is there, as in the registry's package.
fn text(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

fn required(path: &str) -> String {
    text(path).unwrap_or_else(|| panic!("{path} is not there"))
}

/// What stands between the first `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} after {before}")).0
}

#[test]
fn the_header_says_it() {
    let header = required("include/peer_manager.h");
    assert_eq!(between(&header, "PEER_MANAGER_VERSION_STRING \"", "\""), VERSION);
    assert_eq!(between(&header, "PEER_MANAGER_VERSION_MAJOR ", "\n"), MAJOR);
}

#[test]
fn the_files_that_are_installed_say_it() {
    let built = Path::new(env!("OUT_DIR"));
    let read = |file| fs::read_to_string(built.join(file)).expect("the build wrote it");
    assert_eq!(between(&read("peer_manager.pc"), "\nVersion: ", "\n"), VERSION);
    let version = read("cmake/peer_manager-config-version.cmake");
    assert_eq!(between(&version, "set(PACKAGE_VERSION \"", "\""), VERSION);
    assert!(version.contains(&format!("STREQUAL \"{MAJOR}\"")), "{version}");
    let config = read("cmake/peer_manager-config.cmake");
    assert_eq!(between(&config, "IMPORTED_SONAME \"", "\""), format!("libpeer_manager.so.{MAJOR}"));
}

#[test]
fn the_newest_entry_of_each_changelog_is_of_it() {
    let changelog = required("CHANGELOG.md");
    assert_eq!(between(&changelog, "\n## ", "\n").split(' ').next(), Some(VERSION));
    let debian = required("packaging/debian/changelog");
    assert_eq!(between(&debian, "(", "-"), VERSION);
}

#[test]
fn the_debian_packages_are_named_after_the_soname() {
    let control = required("packaging/debian/control");
    assert!(control.contains(&format!("\nPackage: libpeer-manager{MAJOR}\n")), "{control}");
}

#[test]
fn what_is_recorded_of_the_abi_is_of_this_soname() {
    let recorded = required("abi/peer_manager.abi");
    assert_eq!(between(&recorded, "soname='", "'"), format!("libpeer_manager.so.{MAJOR}"));
}

#[test]
fn the_manual_says_it() {
    assert_eq!(between(&required("Doxyfile"), "PROJECT_NUMBER         = ", "\n"), VERSION);
}

#[test]
fn the_readme_says_it() {
    assert!(required("README.md").contains(&format!("libpeer_manager.so.{MAJOR}")));
}

/// The bindings' own files, each where the binding is.
#[test]
fn the_bindings_say_it() {
    let files = [
        ("bindings/go/peermanager/manager.go", "const Version = \"", "\""),
        ("bindings/java/pom.xml", "\n  <version>", "</version>"),
        ("bindings/node/package.json", "\"version\": \"", "\""),
        ("bindings/python/peer_manager/__init__.py", "__version__ = \"", "\""),
    ];
    for (file, before, after) in files {
        match text(file) {
            Some(text) => assert_eq!(between(&text, before, after), VERSION, "{file}"),
            None => skip_part(&format!("no {file}")),
        }
    }
}
