"use strict";

// Run by npm when the package is installed: takes the prebuilt addon if that loads, and else builds one from the sources
// in the package, with cargo and a C compiler. With npm_config_build_from_source=true it builds in any case.
//
//   node install.js
//   node install.js --link ARCHIVE ADDON     only makes the addon, of a libpeer_manager.a that is there

const { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } = require("node:fs");
const { join, resolve } = require("node:path");
const { spawnSync } = require("node:child_process");
const { addonsOf, loadFirst } = require("./lib/find.js");

const CC = process.env.CC ?? "cc";
const C_ADVICE = "install a C compiler (Debian: gcc)";

/** What the user is told, in one line. */
class InstallError extends Error {}

/** The sources of the library: in the package, or above it in the repository. */
function library() {
  const places = [join(__dirname, "source"), join(__dirname, "../..")];
  const place = places.find((each) => existsSync(join(each, "Cargo.toml")));
  if (place === undefined) throw new InstallError("the package has lost its sources; install it anew");
  return place;
}

/** Where the headers of Node-API are: what `--nodedir` of npm says, or with Node.js itself. */
function headers() {
  const named = process.env.NODE_INCLUDE ?? join(process.env.npm_config_nodedir ?? "", "include/node");
  const place = [named, resolve(process.execPath, "../../include/node")].find((each) =>
    existsSync(join(each, "node_api.h")),
  );
  if (place === undefined) {
    throw new InstallError("node_api.h is not there; install the headers of Node.js (Debian: libnode-dev)");
  }
  return place;
}

/** Runs a tool, whose output is seen. */
function run(tool, parameters, advice, options = {}) {
  const { error, status } = spawnSync(tool, parameters, { stdio: "inherit", ...options });
  if (error) throw new InstallError(`${tool} cannot be run (${error.code}); ${advice}`);
  if (status !== 0) throw new InstallError(`${tool} failed; its output says why`);
}

/** Builds libpeer_manager.a in a directory of cargo's. */
function buildArchive(target) {
  const sources = library();
  const flags = join(sources, "sqlite-flags.txt"); // the parts of SQLite that are left out
  const environment = { ...process.env, CARGO_TARGET_DIR: target };
  if (existsSync(flags)) environment.LIBSQLITE3_FLAGS ??= readFileSync(flags, "utf8").trim();
  const build = ["rustc", "--release", "--locked", "--lib", "--crate-type", "staticlib", "--no-default-features"];
  const advice = "install Rust 1.85 or later (https://rustup.rs)";
  run(process.env.CARGO ?? "cargo", [...build, "--features", "bundled,ffi"], advice, {
    cwd: sources,
    env: environment,
  });
  return join(target, "release/libpeer_manager.a");
}

/** Links the addon with the library inside, and without what only a debugger reads. */
function link(archive, addon) {
  const header = [join(__dirname, "source/include"), join(__dirname, "../../include")].find((each) => existsSync(each));
  const sources = readdirSync(join(__dirname, "src")).filter((name) => name.endsWith(".c"));
  const flags = (process.env.CFLAGS ?? "-O2").split(" ").filter(Boolean);
  // As packaging/for-release has SQLite compiled. What CFLAGS says comes later, and wins.
  const hardened = ["-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"];
  const parameters = [
    ...["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-fPIC", "-fvisibility=hidden", "-shared"],
    ...[`-I${headers()}`, `-I${header}`, ...hardened, ...flags, "-o", addon],
    ...sources.map((name) => join(__dirname, "src", name)),
    ...[archive, "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-s"],
    ...["-lpthread", "-ldl", "-lm"],
  ];
  run(CC, parameters, C_ADVICE);
}

function build() {
  const addon = join(__dirname, "build/peer_manager.node");
  const target = process.env.CARGO_TARGET_DIR ?? join(__dirname, "build/cargo");
  headers(); // what is missing is known at once, unlike what cargo needs minutes for
  run(CC, ["--version"], C_ADVICE, { stdio: "ignore" });
  mkdirSync(join(__dirname, "build"), { recursive: true });
  link(buildArchive(target), addon);
  if (process.env.CARGO_TARGET_DIR === undefined) rmSync(target, { recursive: true });
  const { native, reasons } = loadFirst([addon]);
  if (native === undefined) throw new InstallError(reasons.join("; "));
}

function main([option, archive, addon]) {
  if (option === "--link") {
    link(resolve(archive), resolve(addon));
    return;
  }
  if (process.env.npm_config_build_from_source !== "true") {
    const { native, reasons } = loadFirst(addonsOf(__dirname));
    if (native !== undefined) return;
    console.log(["peer-manager: no prebuilt addon loads here, so it is built", ...reasons].join("; "));
  }
  build();
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  console.error(`peer-manager cannot be built for ${process.platform}-${process.arch}: ${error.message}`);
  process.exitCode = 1;
}
