//! The name of the shared object, by which programs find it, and the version of its symbols.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::variable;

/// The script through which the linker is run: it gives a name to the list of exported symbols that rustc made, which has none.
/// The list cannot be added to with a second one, because linkers do not combine a list that has a name with one that has none.
/// On illumos it follows `-M`. No tool is used that differs between systems, such as `sed -i`.
const NAME_THE_EXPORTS: &str = r#"#!/bin/sh
before=
for argument; do
  list=
  case $argument in
    --version-script=*) list=${argument#*=} ;;
    *) case $before in -M | --version-script) list=$argument ;; esac ;;
  esac
  if [ -f "$list" ]; then
    named=$(sed 's/^{$/@NODE@ {/' "$list") && printf '%s\n' "$named" >"$list" || exit
  fi
  before=$argument
done
exec @LINKER@ "$@"
"#;

/// Gives the shared object the name under which it is looked for, and its symbols their version, if it is an ELF object.
pub(crate) fn name() {
    let major = variable("CARGO_PKG_VERSION_MAJOR");
    if variable("CARGO_CFG_TARGET_VENDOR") == "apple" {
        // Otherwise it would be the path where it was built. rustc itself exports nothing but the C API.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,{}", soname());
        let version = variable("CARGO_PKG_VERSION");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-current_version,{version}");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-compatibility_version,{major}.0.0");
    } else if variable("CARGO_CFG_TARGET_FAMILY").contains("unix") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{}", soname());
        name_the_exports(&format!("PEER_MANAGER_{major}"));
    }
}

/// The name under which programs that are linked with the shared object look for it.
pub(crate) fn soname() -> String {
    let major = variable("CARGO_PKG_VERSION_MAJOR");
    if variable("CARGO_CFG_TARGET_VENDOR") == "apple" {
        // In a directory that the program names: an installation may be moved.
        return format!("@rpath/libpeer_manager.{major}.dylib");
    }
    // An Android package holds no library whose name ends differently.
    let suffix =
        if variable("CARGO_CFG_TARGET_OS") == "android" { String::new() } else { format!(".{major}") };
    format!("libpeer_manager.so{suffix}")
}

/// Gives all exported symbols the version `node`, where the linker is run by a gcc or a clang. Where it is not, the library
/// is the same without it, and its symbols have no version.
fn name_the_exports(node: &str) {
    let script = Path::new(&variable("OUT_DIR")).join("name_the_exports");
    let text = NAME_THE_EXPORTS.replace("@NODE@", node);
    write_program(&script, &text.replace("@LINKER@ ", ""));
    let through_gcc = ["-wrapper".to_owned(), format!("/bin/sh,{}", script.display())];
    if links_with(&through_gcc, node) {
        return use_in_link(&through_gcc);
    }
    // Clang accepts another program in place of the linker, and does not say which one it would have run.
    if let Some(linker) = linker_of_clang() {
        write_program(&script, &text.replace("@LINKER@", &quoted(&linker)));
        let through_clang = [format!("--ld-path={}", script.display())];
        if links_with(&through_clang, node) {
            return use_in_link(&through_clang);
        }
    }
    // Where nothing at all can be linked, this only checks the code for another system.
    if links_with(&[], "probe") {
        println!(
            "cargo::warning=the symbols of the shared object get no version: the linker is run neither by a gcc nor by a clang"
        );
    }
}

fn use_in_link(arguments: &[String]) {
    for argument in arguments {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
}

/// Whether a small shared object can be linked with these arguments, and then contains `word`.
fn links_with(arguments: &[String], word: &str) -> bool {
    let (mut rustc, output) = probe();
    let _ = fs::remove_file(&output);
    rustc.args(arguments.iter().map(|argument| format!("-Clink-arg={argument}")));
    let linked = rustc.output();
    let is_said = |file: Vec<u8>| file.windows(word.len()).any(|bytes| bytes == word.as_bytes());
    linked.is_ok_and(|linked| linked.status.success()) && fs::read(&output).is_ok_and(is_said)
}

/// The program that clang runs as the linker for what rustc asks of it. That depends on the version of rustc and on what the
/// user has set, so clang is asked with rustc's own arguments.
fn linker_of_clang() -> Option<String> {
    let directory = variable("OUT_DIR");
    let [ask, answer] = ["ask_for_linker", "linker"].map(|file| Path::new(&directory).join(file));
    let driver = quoted(&driver());
    let answer_to = quoted(answer.to_str()?);
    write_program(&ask, &format!("#!/bin/sh\nexec {driver} '-###' \"$@\" 2>{answer_to}\n"));
    let _ = fs::remove_file(&answer);
    let (mut rustc, _) = probe();
    // There is no output, and rustc may complain about that.
    let _ = rustc.arg(format!("-Clinker={}", ask.display())).output();
    let commands = fs::read_to_string(answer).ok()?;
    // The last command, each word of it in quotes: ` "/usr/bin/ld" "-pie" …`.
    let last = commands.lines().rfind(|line| line.trim_start().starts_with('"'))?;
    last.trim_start().split('"').nth(1).map(str::to_owned)
}

/// The program that rustc runs to link.
fn driver() -> String {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    let flags: Vec<&str> = flags.split('\x1f').collect();
    let in_flags = flags.iter().enumerate().rev().find_map(|(at, flag)| {
        let option = match *flag {
            "-C" | "--codegen" => flags.get(at + 1)?,
            flag => flag.strip_prefix("-C").or_else(|| flag.strip_prefix("--codegen="))?,
        };
        option.strip_prefix("linker=")
    });
    in_flags.map(str::to_owned).or_else(|| env::var("RUSTC_LINKER").ok()).unwrap_or_else(|| "cc".to_owned())
}

/// A command that links a small shared object as cargo will link ours, and what it writes.
fn probe() -> (Command, PathBuf) {
    let directory = variable("OUT_DIR");
    let [source, output] = ["probe.rs", "libprobe.so"].map(|file| Path::new(&directory).join(file));
    fs::write(&source, "#[unsafe(no_mangle)] pub extern \"C\" fn probe() {}\n")
        .expect("OUT_DIR may be written");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--edition=2024", "--crate-type=cdylib", "--target", &variable("TARGET")]);
    rustc.args(env::var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}")));
    // Not under a sanitizer: that would ask for a standard library of its own, which is not there yet.
    let is_for_probe = |flag: &&str| !flag.is_empty() && !flag.starts_with("-Zsanitizer");
    rustc.args(variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(is_for_probe));
    rustc.arg("-o").arg(&output).arg(&source);
    (rustc, output)
}

/// Writes a program for `/bin/sh` that can be run.
fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("OUT_DIR may be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    }
}

/// A word, quoted for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
