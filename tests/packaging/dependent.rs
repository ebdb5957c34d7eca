//! The crate as others have it: a Rust program that depends on it builds only what runs, and a copy that was vendored
//! builds as it is.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::cc::{self, Tool};
use tempfile::TempDir;

/// The most crates that a Rust program gets by this one, which is among them. Five of them are the prefix tree of the bans and
/// what it needs.
const MOST_CRATES: usize = 27;

/// A stand-in for cbindgen, of a version that writes another header, and that is quickly built.
const OTHER_CBINDGEN: &str = r#"
pub struct Config { pub after_includes: Option<String> }
impl Config {
    pub fn from_file(_: impl AsRef<std::path::Path>) -> Result<Self, String> { Ok(Self { after_includes: None }) }
}
pub struct Builder;
impl Builder {
    pub fn new() -> Self { Self }
    pub fn with_config(self, _: Config) -> Self { self }
    pub fn with_src(self, _: impl AsRef<std::path::Path>) -> Self { self }
    pub fn generate(self) -> Result<Self, String> { Ok(self) }
    pub fn write(&self, mut to: impl std::io::Write) { to.write_all(b"/* another header */").unwrap() }
}
"#;

/// A program that depends on the crate in this way. It takes the versions that this project has, which are there without
/// a network.
fn dependent(dependency: &str, more: &str) -> TempDir {
    let program = tempfile::tempdir().expect("a temporary directory");
    let manifest = format!(
        "[package]\nname = \"dependent\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\npeer_manager = {{ {dependency} }}\n{more}"
    );
    let main =
        "fn main() { println!(\"{}\", peer_manager::PeerManager::new_in_memory().unwrap().peer_count()) }\n";
    write(program.path(), "Cargo.toml", &manifest);
    write(program.path(), "src/main.rs", main);
    let versions = fs::read_to_string(cc::root().join("Cargo.lock")).expect("the versions are there");
    // A stand-in is taken only for what is not fixed.
    let is_fixed = |package: &&str| !package.starts_with("\nname = \"cbindgen\"");
    let versions: Vec<&str> = versions.split("[[package]]").filter(is_fixed).collect();
    write(program.path(), "Cargo.lock", &versions.join("[[package]]"));
    program
}

/// Writes a file below a directory.
fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory is made");
    fs::write(path, text).expect("the file is written");
}

fn cargo(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).arg("--offline").current_dir(directory);
    // What a user of this project has set for its own builds, such as a sanitizer, is not for these.
    cc::run(command.env_remove("RUSTFLAGS").env("CARGO_TARGET_DIR", directory.join("target")))
}

#[test]
fn a_rust_program_builds_only_what_runs() {
    let path = cc::root().display();
    let program =
        dependent(&format!("path = \"{path}\", default-features = false, features = [\"bundled\"]"), "");
    let tree = cargo(program.path(), &["tree", "-e", "normal,build", "--prefix", "none", "--no-dedupe"]);
    let mut crates: Vec<&str> = tree.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    crates.sort_unstable();
    crates.dedup();
    assert!(crates.contains(&"peer_manager") && crates.contains(&"rusqlite"), "{crates:?}");
    assert!(
        !crates.contains(&"cbindgen") && crates.len() <= MOST_CRATES,
        "{} crates: {crates:?}",
        crates.len()
    );
}

#[test]
fn no_setting_reaches_only_this_project_s_own_builds() {
    assert!(!cc::root().join(".cargo").exists(), "no dependent reads .cargo/config.toml");
}

/// What a registry would hand out, unpacked below a directory as `cargo vendor` does it, with the checksum of each file.
fn vendor(directory: &Path) -> PathBuf {
    let packaged = tempfile::tempdir().expect("a temporary directory");
    let target = packaged.path().to_str().expect("the name is UTF-8");
    cargo(cc::root(), &["package", "--quiet", "--no-verify", "--allow-dirty", "--target-dir", target]);
    let name = format!("peer_manager-{}", env!("CARGO_PKG_VERSION"));
    let archive = packaged.path().join("package").join(format!("{name}.crate"));
    cc::run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(directory));
    let copy = directory.join(name);
    let files = files(&copy);
    let sums = cc::run(Command::new("sha256sum").args(files.keys()).current_dir(&copy));
    let sums: Vec<String> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, file)| format!("\"{file}\":\"{sum}\""))
        .collect();
    assert_eq!(sums.len(), files.len());
    let checksums = format!("{{\"files\":{{{}}}}}", sums.join(","));
    write(&copy, ".cargo-checksum.json", &checksums);
    copy
}

/// All files below a directory, and what they hold.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let below =
                    path.strip_prefix(root).expect("it is below").to_str().expect("the name is UTF-8");
                found.insert(below.to_owned(), fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

/// With the C API, whose header is generated, and another one than that in the copy. Cargo compares each file with its checksum whenever it builds the crate.
#[test]
fn a_vendored_copy_is_built_twice_and_not_touched() {
    for tool in ["tar", "sha256sum"] {
        if Tool::find(tool, tool).is_none() {
            return;
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let program = dependent(
        // Nothing is linked, so it does not matter whether the system has SQLite.
        &format!(
            "version = \"{version}\", registry = \"copies\", default-features = false, \
             features = [\"system-sqlite\", \"capi\"]"
        ),
        "\n[patch.crates-io]\ncbindgen = { path = \"cbindgen\" }\n",
    );
    let root = program.path();
    let cbindgen = "[package]\nname = \"cbindgen\"\nversion = \"0.29.99\"\nedition = \"2024\"\n";
    write(root, "cbindgen/Cargo.toml", cbindgen);
    write(root, "cbindgen/src/lib.rs", OTHER_CBINDGEN);
    // A registry that is nowhere, and whose crates are in the directory.
    let config = "[registries.copies]\nindex = \"sparse+https://registry.invalid/\"\n\n\
         [source.copies]\nregistry = \"sparse+https://registry.invalid/\"\nreplace-with = \"vendored\"\n\n\
         [source.vendored]\ndirectory = \"vendor\"\n";
    write(root, ".cargo/config.toml", config);
    fs::create_dir(root.join("vendor")).expect("a directory is made");
    let copy = vendor(&root.join("vendor"));
    let before = files(&copy);
    cargo(root, &["check"]);
    assert!(files(&copy) == before, "the build has changed the copy");
    cargo(root, &["clean", "--package", "peer_manager"]);
    cargo(root, &["check"]);
    assert!(files(&copy) == before, "the second build has changed the copy");
}
