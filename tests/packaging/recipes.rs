//! The recipes of distributions: filled in for a source archive, they are what their tools read. `.ci/long` builds those whose
//! tools a Debian has.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::cc::{self, Tool};
use tempfile::TempDir;

/// vcpkg's functions that the portfile calls, saying what they were given.
const OF_VCPKG: &str = r#"
foreach(name vcpkg_execute_required_process vcpkg_fixup_pkgconfig vcpkg_install_copyright)
  cmake_language(EVAL CODE "function(${name})\nmessage(STATUS \"${name} \${ARGN}\")\nendfunction()")
endforeach()
function(vcpkg_extract_source_archive result)
  message(STATUS "vcpkg_extract_source_archive ${ARGN}")
  set(${result} "/sources" PARENT_SCOPE)
endfunction()
"#;

/// The recipes for an archive of that name; what is in it does not count.
fn recipes() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let name = concat!("peer_manager-", env!("CARGO_PKG_VERSION"), "-vendored.tar.gz");
    let archive = directory.path().join(name);
    fs::write(&archive, "an archive").expect("it is written");
    let fill = cc::root().join("packaging/distributions/fill");
    cc::run(Command::new(fill).arg(&archive).arg(directory.path()));
    directory
}

fn read(directory: &TempDir, file: &str) -> String {
    fs::read_to_string(directory.path().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Runs a tool on a recipe, if the machine has it.
fn reads(what: &str, command: &str, arguments: &[&str], directory: &Path) {
    if let Some(tool) = Tool::find_for_a_part(what, command) {
        cc::run(tool.command().args(arguments).current_dir(directory));
    }
}

#[test]
fn they_name_the_version_the_archive_and_its_checksum() {
    let directory = recipes();
    let archive = concat!("peer_manager-", env!("CARGO_PKG_VERSION"), "-vendored.tar.gz");
    for file in ["alpine/APKBUILD", "homebrew/peer_manager.rb", "vcpkg/portfile.cmake", "conan/conanfile.py"]
    {
        assert!(read(&directory, file).contains(archive), "{file}");
    }
    let files = ["rpm/peer_manager.spec", "vcpkg/vcpkg.json", "nix/default.nix"];
    for file in files {
        assert!(read(&directory, file).contains(env!("CARGO_PKG_VERSION")), "{file}");
    }
    let sums = [("sha256sum", "homebrew/peer_manager.rb"), ("sha512sum", "alpine/APKBUILD")];
    for (tool, file) in sums {
        let printed = cc::run(Command::new(tool).arg(archive).current_dir(directory.path()));
        let sum = printed.split(' ').next().expect("a checksum");
        assert!(read(&directory, file).contains(sum), "{file}");
    }
}

#[test]
fn nothing_is_filled_in_for_another_file() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let other = directory.path().join("peer_manager-0.1.0.tar.gz");
    fs::write(&other, "no archive with crates").expect("it is written");
    let mut fill = Command::new(cc::root().join("packaging/distributions/fill"));
    let output = fill.arg(&other).arg(directory.path().join("recipes")).output().expect("the script starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("is not what packaging/source --vendor has made"), "{said}");
    assert!(!directory.path().join("recipes").exists());
}

#[test]
fn their_tools_can_read_them() {
    let directory = recipes();
    let place = directory.path();
    reads("RPM", "rpmspec", &["--parse", "rpm/peer_manager.spec"], place);
    reads("Ruby", "ruby", &["-c", "homebrew/peer_manager.rb"], place);
    reads("Nix", "nix-instantiate", &["--parse", "nix/default.nix"], place);
    reads("bash", "bash", &["-n", "alpine/APKBUILD"], place);
    let compile = "compile(open('conan/conanfile.py').read(), 'conanfile.py', 'exec')";
    reads("Python", "python3", &["-c", compile], place);
    let manifest: serde_json::Value =
        serde_json::from_str(&read(&directory, "vcpkg/vcpkg.json")).expect("JSON");
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_port_of_vcpkg_installs_what_the_script_does() {
    let directory = recipes();
    let Some(cmake) = Tool::find("CMake", "cmake") else { return };
    let port = directory.path().join("vcpkg/portfile.cmake");
    let whole = directory.path().join("whole.cmake");
    fs::write(&whole, format!("{OF_VCPKG}{}", fs::read_to_string(port).expect("the port")))
        .expect("it is written");
    let packages = directory.path().join("packages");
    fs::create_dir_all(packages.join("lib")).expect("a directory");
    for file in ["libpeer_manager.a", "libpeer_manager.so", "libpeer_manager.so.0"] {
        fs::write(packages.join("lib").join(file), "").expect("it is written");
    }
    let mut run = cmake.command();
    run.arg(format!("-DCURRENT_PACKAGES_DIR={}", packages.display())).arg("-DVCPKG_LIBRARY_LINKAGE=static");
    // The program says what it does on its error output or its own, as it likes.
    let output = run.arg("-P").arg(&whole).output().expect("CMake starts");
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    let installs = format!("/sources/packaging/install;--prefix;{}", packages.display());
    assert!(
        said.contains(&installs) && said.contains("/sources/packaging/third-party/NOTICES.txt"),
        "{said}"
    );
    let left: Vec<_> = fs::read_dir(packages.join("lib")).expect("a directory").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
