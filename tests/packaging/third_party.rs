//! What each package says about the parts inside it: nothing is left out, and it is of the versions in `Cargo.lock`.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::cc::{self, Tool};

fn read(file: &str) -> String {
    let path = cc::root().join("packaging/third-party").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The crates inside a library for this machine, with their versions, as cargo names them.
fn crates_inside() -> BTreeSet<(String, String)> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none", "-f", "{p}"]);
    tree.args(["--no-default-features", "--features", "bundled,ffi"]).current_dir(cc::root());
    let printed = cc::run(&mut tree);
    let mut found = BTreeSet::new();
    for line in printed.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        if name != "peer_manager" {
            let version = version.strip_prefix('v').expect("a version");
            found.insert((name.to_owned(), version.to_owned()));
        }
    }
    assert!(found.len() > 10, "{printed}");
    found
}

#[test]
fn the_notices_name_every_crate_and_have_its_license() {
    let notices = read("NOTICES.txt");
    let rule = "-".repeat(80);
    for (name, version) in crates_inside() {
        let heading = format!("\n{name} {version} (");
        let (_, rest) =
            notices.split_once(&heading).unwrap_or_else(|| panic!("{name} {version} is not named"));
        let text = rest.split(&rule).nth(1).expect("a text follows");
        assert!(text.contains("WITHOUT WARRANTY") || text.contains("'as-is'"), "{name}: {text}");
    }
    assert!(notices.contains("\nThe standard library of Rust (here that of "));
}

#[test]
fn the_bills_of_materials_name_every_crate_and_sqlite() {
    for (file, is_bundled) in [("bundled.cdx.json", true), ("system-sqlite.cdx.json", false)] {
        let bill: Value = serde_json::from_str(&read(file)).expect("JSON");
        assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
        assert_eq!(bill["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
        let components = bill["components"].as_array().expect("a list");
        for (name, version) in crates_inside() {
            let purl = format!("pkg:cargo/{name}@{version}");
            let component = components.iter().find(|component| component["purl"] == purl.as_str());
            let component = component.unwrap_or_else(|| panic!("{file} has no {purl}"));
            assert_eq!(component["hashes"][0]["content"].as_str().map(str::len), Some(64), "{purl}");
        }
        let sqlite = components.iter().find(|component| component["name"] == "sqlite").expect("SQLite");
        // The tests have the same SQLite inside, unless they are built with the system's.
        if is_bundled && cfg!(feature = "bundled") {
            assert_eq!(sqlite["version"], rusqlite::version(), "{file}");
        }
        assert_eq!(sqlite.get("version").is_some(), is_bundled, "{file}");
    }
}

#[test]
fn what_is_recorded_is_what_the_script_makes() {
    let Some(python) = Tool::find("Python", "python3") else { return };
    cc::run(python.command().arg(cc::root().join("packaging/third-party/update")).arg("--check"));
}
