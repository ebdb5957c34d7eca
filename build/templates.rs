//! The files that are installed with the library, filled in with what only the build knows.

use std::env;
use std::fs;
use std::path::Path;

use crate::{exports, variable};

/// The files, with `@NAME@` for what the build knows.
const TEMPLATES: [&str; 3] =
    ["peer_manager.pc", "cmake/peer_manager-config.cmake", "cmake/peer_manager-config-version.cmake"];

/// Writes `packaging/*.in` to `OUT_DIR`, where cargo-c and `packaging/install` take them from.
pub(crate) fn fill_in() {
    let directory = variable("OUT_DIR");
    let is_bundled = env::var_os("CARGO_FEATURE_BUNDLED").is_some();
    let mut values = versions();
    values.extend([
        ("@DESCRIPTION@", variable("CARGO_PKG_DESCRIPTION")),
        ("@REQUIRES_PRIVATE@", if is_bundled { "" } else { "sqlite3" }.to_owned()),
        ("@USES_SYSTEM_SQLITE@", if is_bundled { "FALSE" } else { "TRUE" }.to_owned()),
        ("@SYSTEM_LIBS@", system_libraries().map(|name| format!("-l{name}")).collect::<Vec<_>>().join(" ")),
        (
            "@SYSTEM_LIBRARIES@",
            system_libraries().filter(|name| *name != "pthread").collect::<Vec<_>>().join(" "),
        ),
        ("@SONAME@", exports::soname()),
        ("@RUN_PATH@", if is_apple() { " -Wl,-rpath,${libdir}" } else { "" }.to_owned()),
    ]);
    for name in TEMPLATES {
        let template = Path::new("packaging").join(format!("{name}.in"));
        println!("cargo::rerun-if-changed={}", template.display());
        let text = fs::read_to_string(&template).expect("packaging/ has the template");
        let path = Path::new(&directory).join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("OUT_DIR may be written");
        fs::write(path, replace(&text, &values)).expect("OUT_DIR may be written");
    }
}

fn is_apple() -> bool {
    variable("CARGO_CFG_TARGET_VENDOR") == "apple"
}

/// What a program needs that is linked with the archive: `rustc --print native-static-libs` for this system, without the C
/// library and the unwinder, which a C compiler adds by itself.
fn system_libraries() -> impl Iterator<Item = &'static str> {
    let libraries = match variable("CARGO_CFG_TARGET_OS").as_str() {
        _ if is_apple() => "m",
        "android" => "dl log m",
        "freebsd" => "execinfo pthread m rt util kvm memstat procstat devstat",
        "netbsd" => "execinfo pthread m rt util",
        "illumos" => "socket posix4 pthread resolv nsl umem m rt sendfile lgrp",
        _ => "pthread dl m",
    };
    libraries.split(' ')
}

/// The version, which only Cargo.toml states, in the forms that the texts use.
pub(crate) fn versions() -> Vec<(&'static str, String)> {
    let [major, minor, patch] =
        ["MAJOR", "MINOR", "PATCH"].map(|part| variable(&format!("CARGO_PKG_VERSION_{part}")));
    let number = [&major, &minor, &patch]
        .iter()
        .fold(0, |number, part| number * 1000 + part.parse::<u32>().expect("a version is made of numbers"));
    vec![
        ("@VERSION@", variable("CARGO_PKG_VERSION")),
        ("@NUMBER@", number.to_string()),
        ("@MAJOR@", major),
        ("@MINOR@", minor),
        ("@PATCH@", patch),
    ]
}

/// A text with each name's value in its place.
pub(crate) fn replace(text: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}
