//! One version: every file that names it says what `Cargo.toml` says, and `packaging/version` sets it in all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::cc;
use crate::common::run::{skip, skip_part};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const MAJOR: &str = env!("CARGO_PKG_VERSION_MAJOR");

/// A tree of the sources, and the version that it is to name.
struct Tree {
    root: PathBuf,
    version: String,
}

/// The files in which a binding or an example names the version, each between two texts; every place counts.
const PLACES: [(&str, &str, &str); 17] = [
    ("bindings/go/cometbft/go.mod", "\n\tpeer-manager.example/go v", "\n"),
    ("bindings/go/peermanager/manager.go", "const Version = \"", "\""),
    ("bindings/java/README.md", "<version>", "</version>"),
    ("bindings/java/README.md", "build/peer-manager-", "."),
    ("bindings/java/pom.xml", "\n  <version>", "</version>"),
    ("bindings/node/README.md", "build/peer-manager-", ".tgz"),
    ("bindings/node/package-lock.json", "\"name\": \"peer-manager\",\n  \"version\": \"", "\""),
    ("bindings/node/package-lock.json", "\"name\": \"peer-manager\",\n      \"version\": \"", "\""),
    ("bindings/node/package.json", "\"version\": \"", "\""),
    ("bindings/python/README.md", "build/dist/peer_manager-", "."),
    ("bindings/python/peer_manager/__init__.py", "__version__ = \"", "\""),
    ("bindings/python/tests/test_install.py", "\nVERSION = \"", "\""),
    ("packaging/third-party/bundled.cdx.json", "\"pkg:cargo/peer_manager@", "\""),
    ("packaging/third-party/bundled.cdx.json", "\"name\": \"peer_manager\",\n      \"version\": \"", "\""),
    ("packaging/third-party/system-sqlite.cdx.json", "\"pkg:cargo/peer_manager@", "\""),
    (
        "packaging/third-party/system-sqlite.cdx.json",
        "\"name\": \"peer_manager\",\n      \"version\": \"",
        "\"",
    ),
    ("examples/go/go.mod", "require peer-manager.example/go v", "\n"),
];

impl Tree {
    /// The one that these tests belong to.
    fn here() -> Self {
        Self { root: cc::root().to_owned(), version: VERSION.to_owned() }
    }

    /// A file; `None` where only some of the tree is there, as in the registry's package.
    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    fn required(&self, path: &str) -> String {
        self.text(path).unwrap_or_else(|| panic!("{path} is not there"))
    }

    fn major(&self) -> &str {
        self.version.split('.').next().expect("split has a first part")
    }

    fn check_the_header(&self) {
        let header = self.required("include/peer_manager.h");
        let value =
            |name: &str| between(&header, &format!("#define PEER_MANAGER_VERSION_{name} "), "\n").to_owned();
        assert_eq!(value("STRING"), format!("\"{}\"", self.version));
        let parts = ["MAJOR", "MINOR", "PATCH"].map(value);
        assert_eq!(parts.join("."), self.version);
        let number = parts.iter().fold(0, |sum, part| sum * 1000 + part.parse::<u32>().expect("a number"));
        assert_eq!(value("NUMBER"), number.to_string());
    }

    fn check_the_changelogs(&self) {
        let changelog = self.required("CHANGELOG.md");
        assert_eq!(between(&changelog, "\n## ", "\n").split(' ').next(), Some(&*self.version));
        let debian = self.required("packaging/debian/changelog");
        assert_eq!(between(&debian, "(", "-"), self.version);
    }

    fn check_the_soname(&self) {
        let major = self.major();
        let control = self.required("packaging/debian/control");
        assert!(control.contains(&format!("\nPackage: libpeer-manager{major}\n")), "{control}");
        assert!(self.required("abi/README.md").contains(&format!("`libpeer_manager.so.{major}`")));
        assert!(self.required("docs/installing.md").contains(&format!("`libpeer_manager.so.{major}`")));
        let recorded = self.required("abi/peer_manager.abi");
        assert_eq!(between(&recorded, "soname='", "'"), format!("libpeer_manager.so.{major}"));
    }

    fn check_the_manual(&self) {
        assert_eq!(between(&self.required("Doxyfile"), "PROJECT_NUMBER         = ", "\n"), self.version);
    }

    fn check_the_bindings(&self) {
        for (file, before, after) in PLACES {
            let Some(text) = self.text(file) else {
                skip_part(&format!("no {file}"));
                continue;
            };
            let found: Vec<&str> = text.split(before).skip(1).collect();
            assert!(!found.is_empty(), "no {before} in {file}");
            for rest in found {
                let is_it = rest
                    .strip_prefix(&self.version)
                    .is_some_and(|rest| rest.starts_with([after, "-"].map(first)));
                assert!(is_it, "{file}: {before}{}", rest.lines().next().unwrap_or_default());
            }
        }
    }
}

fn first(text: &str) -> char {
    text.chars().next().expect("it is not empty")
}

/// What stands between the first `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} after {before}")).0
}

#[test]
fn the_header_says_it() {
    Tree::here().check_the_header();
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
    let soname = if cfg!(target_vendor = "apple") {
        format!("@rpath/libpeer_manager.{MAJOR}.dylib")
    } else {
        format!("libpeer_manager.so.{MAJOR}")
    };
    assert_eq!(between(&config, "IMPORTED_SONAME \"", "\""), soname);
}

#[test]
fn the_newest_entry_of_each_changelog_is_of_it() {
    Tree::here().check_the_changelogs();
}

#[test]
fn the_debian_packages_and_what_is_recorded_of_the_abi_are_of_the_soname() {
    Tree::here().check_the_soname();
}

#[test]
fn the_manual_says_it() {
    Tree::here().check_the_manual();
}

#[test]
fn the_bindings_say_it() {
    Tree::here().check_the_bindings();
}

/// A copy of the files of the repository; `None` where that is not one.
fn copy() -> Option<(tempfile::TempDir, Tree)> {
    if !cc::root().join(".git").exists() {
        skip("not in a git repository");
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let tree = Tree { root: directory.path().to_owned(), version: VERSION.to_owned() };
    for file in files() {
        let to = tree.root.join(&file);
        fs::create_dir_all(to.parent().expect("it is below the root")).expect("the directory is made");
        fs::copy(cc::root().join(&file), to).expect("the file is copied");
    }
    Some((directory, tree))
}

/// The files that git knows and that are there.
fn files() -> Vec<String> {
    let listed = cc::run(Command::new("git").args(["ls-files", "-z"]).current_dir(cc::root()));
    let names = listed.split_terminator('\0').map(str::to_owned);
    names.filter(|file| cc::root().join(file).exists()).collect()
}

impl Tree {
    fn set(&self, version: &str) -> Output {
        let command = self.root.join("packaging/version");
        Command::new(command).arg(version).env("SOURCE_DATE_EPOCH", "1800000000").output().expect("it starts")
    }

    fn check_all(&self) {
        self.check_the_header();
        self.check_the_changelogs();
        self.check_the_soname();
        self.check_the_manual();
        self.check_the_bindings();
        for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
            let mut metadata = Command::new(env!("CARGO"));
            metadata.args([
                "metadata",
                "--offline",
                "--locked",
                "--no-deps",
                "--format-version=1",
                "--manifest-path",
            ]);
            let metadata = cc::run(metadata.arg(self.root.join(manifest)));
            assert!(metadata.contains("\"packages\""), "{metadata}");
        }
        for (lock, expected) in [("Cargo.lock", 1), ("fuzz/Cargo.lock", 1)] {
            let entry = format!("name = \"peer_manager\"\nversion = \"{}\"\n", self.version);
            assert_eq!(self.required(lock).matches(&entry).count(), expected, "{lock}");
        }
    }

    /// The lines that name a version which is no longer the tree's, outside of history and of other packages' versions.
    fn lines_that_name(&self, version: &str) -> Vec<String> {
        let is_history = |file: &str| {
            file == "CHANGELOG.md"
                || file.starts_with("abi/")
                || file.ends_with("changelog")
                // The versions there are those of other packages.
                || file.ends_with("NOTICES.txt")
                || file.ends_with(".cdx.json")
                || file.ends_with("go.sum")
        };
        let is_version = |line: &str| {
            line.match_indices(version).any(|(at, _)| {
                let before = line[..at].trim_end_matches('v').chars().next_back();
                let after = line[at + version.len()..].trim_start_matches('.').chars().next();
                !before.is_some_and(|c| c == '.' || c.is_ascii_digit())
                    && !after.is_some_and(|c| c.is_ascii_digit())
            })
        };
        let mut found = Vec::new();
        for file in files().into_iter().filter(|file| !is_history(file)) {
            let Some(text) = self.text(&file) else { continue };
            let mut of_another_package = false;
            for line in text.lines() {
                if let Some(name) = line.strip_prefix("name = ") {
                    of_another_package = name != "\"peer_manager\"";
                }
                let is_about_the_past = line.contains("ince ") || line.contains("github.com/");
                if is_version(line)
                    && !is_about_the_past
                    && !(of_another_package && file.ends_with("Cargo.lock"))
                {
                    found.push(format!("{file}: {line}"));
                }
            }
        }
        found
    }
}

#[test]
fn one_command_sets_it_everywhere() {
    let Some((_directory, mut tree)) = copy() else { return };
    let (minor, patch) =
        VERSION.split_once('.').and_then(|(_, rest)| rest.split_once('.')).expect("three numbers");
    let number = |text: &str| text.parse::<u32>().expect("a number");
    // The first is for an entry of the changelog that may be unreleased, the second for one that is released.
    let next_minor = format!("{MAJOR}.{}.0", number(minor) + 77);
    let next_patch = format!("{MAJOR}.{}.{}", number(minor) + 77, number(patch) + 9);
    for version in [next_minor, next_patch] {
        let output = tree.set(&version);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        if said.contains("for want of") {
            skip_part("the ABI is not recorded without abidw");
        }
        let old = std::mem::replace(&mut tree.version, version);
        tree.check_all();
        let left: Vec<String> = tree.lines_that_name(&old);
        assert!(left.is_empty(), "{}", left.join("\n"));
        let changelog = tree.required("CHANGELOG.md");
        let released = changelog.replacen(" (unreleased)", " (1 January 2027)", 1);
        assert!(released != changelog, "a new entry is unreleased");
        fs::write(tree.root.join("CHANGELOG.md"), released).expect("the changelog is written");
    }
    let debian = tree.required("packaging/debian/changelog");
    let entry = debian.split("\n\n").take(3).collect::<Vec<_>>();
    let [title, change, end] = entry[..] else { panic!("{debian}") };
    assert_eq!(title, format!("peer-manager ({}-1) unstable; urgency=medium", tree.version));
    assert!(change.starts_with("  * ") && end.starts_with(" -- The peer_manager authors <"), "{debian}");
    assert!(end.ends_with(">  Fri, 15 Jan 2027 08:00:00 +0000"), "{debian}");
    // The same again changes nothing.
    assert!(tree.set(&tree.version).status.success());
    assert_eq!(tree.required("packaging/debian/changelog"), debian);
}

#[test]
fn what_is_no_version_of_this_soname_is_refused_and_changes_nothing() {
    let Some((_directory, tree)) = copy() else { return };
    let before = tree.required("Cargo.toml");
    for version in ["", "1", "0.3", "v0.3.0", "0.3.0-rc1", "0.03.0", "0.1000.0", "9.0.0"] {
        let output = tree.set(version);
        assert!(!output.status.success() && !output.stderr.is_empty(), "{version}");
    }
    assert_eq!(tree.required("Cargo.toml"), before);
    tree.check_the_header();
}
