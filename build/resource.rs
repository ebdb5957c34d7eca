//! The version that Windows shows among the properties of the DLL.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::templates::{replace, versions};
use crate::variable;

const TEMPLATE: &str = "packaging/windows/peer_manager.rc.in";

/// Links the version into the DLL. Resources are compiled by `windres`, which comes with MinGW's linker, or for MSVC by the
/// program that the variable `RC` names (`rc` or `llvm-rc`). Without one, the library is the same except for this.
pub(crate) fn link() {
    if variable("CARGO_CFG_TARGET_OS") != "windows" {
        return;
    }
    for (what, name) in [("changed", TEMPLATE), ("env-changed", "WINDRES"), ("env-changed", "RC")] {
        println!("cargo::rerun-if-{what}={name}");
    }
    let directory = variable("OUT_DIR");
    let [source, resource, object] = ["peer_manager.rc", "peer_manager.res", "peer_manager.res.o"]
        .map(|file| Path::new(&directory).join(file));
    let text = fs::read_to_string(TEMPLATE).expect("packaging/ has the template");
    fs::write(&source, replace(&text, &versions())).expect("OUT_DIR may be written");
    let (compilers, output) = if variable("CARGO_CFG_TARGET_ENV") == "msvc" {
        (env::var("RC").into_iter().collect(), resource)
    } else {
        let architecture = match &*variable("CARGO_CFG_TARGET_ARCH") {
            "x86" => "i686".to_owned(),
            other => other.to_owned(),
        };
        let usual = [format!("{architecture}-w64-mingw32-windres"), "windres".to_owned()];
        (env::var("WINDRES").map_or_else(|_| usual.to_vec(), |named| vec![named]), object)
    };
    let is_msvc = output.extension().is_some_and(|extension| extension == "res");
    let is_made_by = |compiler: &String| {
        let mut command = Command::new(compiler);
        if is_msvc {
            command.arg("/fo").arg(&output).arg(&source);
        } else {
            command.args(["-O", "coff", "-i"]).arg(&source).arg("-o").arg(&output);
        }
        command.status().is_ok_and(|status| status.success())
    };
    if compilers.iter().any(is_made_by) {
        println!("cargo::rustc-cdylib-link-arg={}", output.display());
    } else if !is_msvc {
        println!(
            "cargo::warning=the DLL has no version resource, because windres is not there; WINDRES names it"
        );
    }
}
