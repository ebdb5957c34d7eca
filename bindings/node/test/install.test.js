"use strict";

// The package as npm installs it, in a directory where there is nothing else: what is in it, that the prebuilt addon is
// used, that one is built where none loads, and that the programs of the README run.

const assert = require("node:assert/strict");
const { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync } = require("node:fs");
const { rmSync, statSync, symlinkSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { execFileSync, spawnSync } = require("node:child_process");
const { after, before, test } = require("node:test");
const { tmpdir } = require("node:os");

const MB = 1e6;
const SYMBOL_TABLE = 2; // SHT_SYMTAB
const tarball = process.env.PEER_MANAGER_TARBALL;
const skip = !tarball && "PEER_MANAGER_TARBALL names none";
const skipLong = skip || (process.env.PEER_MANAGER_TEST_FULL !== "1" && "PEER_MANAGER_TEST_FULL is not 1");

let place;
before(() => (place = mkdtempSync(join(tmpdir(), "peer-manager-"))));
after(() => rmSync(place, { recursive: true }));

/** The path of a program, through PATH. */
function which(program) {
  const directory = process.env.PATH.split(":").find((each) => existsSync(join(each, program)));
  assert.ok(directory, `${program} is needed`);
  return join(directory, program);
}

/** An environment in which programs are only these, and nothing of this test is known. */
function environment(project, programs) {
  const bin = join(project, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  for (const program of programs) symlinkSync(which(program), join(bin, program));
  const { HOME, CARGO_HOME, RUSTUP_HOME, CARGO_TARGET_DIR } = process.env;
  const env = { HOME, CARGO_HOME, RUSTUP_HOME, CARGO_TARGET_DIR, PATH: bin };
  const known = Object.entries(env).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(known),
    npm_config_cache: join(project, "cache"),
    npm_config_update_notifier: "false",
  };
}

/** Installs the package, changed or as it is, in a project of its own; the programs are all that is there. */
function install(name, { change = () => {}, programs = [] } = {}) {
  const project = join(place, name);
  const unpacked = join(project, "unpacked");
  mkdirSync(unpacked, { recursive: true });
  execFileSync("tar", ["xzf", tarball, "-C", unpacked]);
  change(join(unpacked, "package"));
  execFileSync("tar", ["czf", join(project, "peer-manager.tgz"), "-C", unpacked, "package"]);
  writeFileSync(join(project, "package.json"), "{}");
  const options = { cwd: project, encoding: "utf8", env: environment(project, ["npm", "sh", "env", ...programs]) };
  const parameters = ["install", "--offline", "--no-audit", "--no-fund", "./peer-manager.tgz"];
  const { status, stderr, stdout } = spawnSync("npm", parameters, options);
  const installed = join(project, "node_modules/peer-manager");
  return { installed, options, output: stdout + stderr, project, status };
}

/** Runs a program in the project, by its text; the answer is what it prints. */
function run({ options, project }, text, name = "program.cjs") {
  writeFileSync(join(project, name), text);
  return execFileSync(process.execPath, [name], options);
}

const PROBE =
  'console.log(require("peer-manager").PeerManager.open().peerCount(), process.report.getReport().sharedObjects.filter((path) => path.endsWith("peer_manager.node")).join())';

const LEGAL = ["LICENSE-MIT", "LICENSE-APACHE", "NOTICES.txt", "sbom.cdx.json"];

/** The types of the sections of an ELF file of 64 bits, little-endian. */
function sectionTypes(path) {
  const elf = readFileSync(path);
  assert.equal(elf.toString("latin1", 0, 5), "\x7fELF\x02");
  const [start, size, count] = [Number(elf.readBigUInt64LE(0x28)), elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c)];
  return Array.from({ length: count }, (_, index) => elf.readUInt32LE(start + index * size + 4));
}

test("the tarball has the addon, small and stripped, the sources, the licences and nothing else", { skip }, () => {
  const names = execFileSync("tar", ["tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  const patterns = [
    /^package\/(LICENSE-APACHE|LICENSE-MIT|NOTICES\.txt|README\.md|install\.js|package\.json|sbom\.cdx\.json)$/,
    /^package\/lib\/\w+\.(js|mjs|d\.ts|d\.mts)$/,
    /^package\/prebuilds\/linux-\w+-(glibc|musl)\/peer_manager\.node$/,
    /^package\/src\/\w+\.[ch]$/,
    /^package\/source\/(Cargo\.(toml|lock)|build\.rs|sqlite-flags\.txt|include\/peer_manager\.h)$/,
    /^package\/source\/build\/\w+\.(rs|h\.in)$/,
    /^package\/source\/packaging\/(cmake\/)?[\w.-]+\.in$/,
    /^package\/source\/src\/[\w/]+\.rs$/,
  ];
  assert.deepEqual(
    names.filter((name) => !patterns.some((pattern) => pattern.test(name))),
    [],
  );
  for (const pattern of patterns) {
    assert.ok(
      names.some((name) => pattern.test(name)),
      String(pattern),
    );
  }
  for (const file of LEGAL) assert.ok(names.includes(`package/${file}`));
  assert.ok(statSync(tarball).size < 2 * MB);
  const addon = names.find((name) => name.endsWith(".node"));
  execFileSync("tar", ["xzf", tarball, "-C", place, addon]);
  assert.ok(statSync(join(place, addon)).size < 3 * MB);
  assert.ok(!sectionTypes(join(place, addon)).includes(SYMBOL_TABLE));
});

test("the prebuilt addon is used where it loads, and the programs of the README run", { skip }, () => {
  const project = install("prebuilt"); // there is no compiler to fall back on
  assert.equal(project.status, 0, project.output);
  assert.match(run(project, PROBE), /^0 \S+\/prebuilds\/linux-\w+-(glibc|musl)\/peer_manager\.node\n$/);
  assert.ok(!existsSync(join(project.installed, "build")));
  for (const file of LEGAL) assert.ok(existsSync(join(project.installed, file)));

  const readme = readFileSync(join(__dirname, "../README.md"), "utf8");
  const programs = [...readme.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, text]) => text);
  assert.ok(programs.length >= 2, "the programs of the README are gone");
  assert.ok(readme.indexOf("```js") < readme.indexOf("```sh"), "the first example is the first block");
  const printed = programs.map((text, index) => {
    const name = `program-${index}.${/^import /m.test(text) ? "mjs" : "cjs"}`;
    return run(project, text, name);
  });
  assert.match(printed[0], /^198\.51\.100\.7:11625 answered\n/m);
  assert.match(printed[0], /^\[2001:db8::1\]:11625 answered\n/m);
  assert.match(printed[0], /^node\.example:11625 did not answer: wait \d+ s, then dial it again\n/m);
  assert.match(printed[0], /^\S+ is told of \S+ and \S+\n/m);
  assert.match(printed[0], /^PeerManager \{ path: '.+peers\.db', peers: 3 \}\n/m);
  for (const text of printed) assert.notEqual(text.trim(), "");
});

test("both module systems of one program have one copy of everything", { skip }, () => {
  const project = install("both");
  const text = `
    import { createRequire } from "node:module";
    import { PeerManager, PeerAddress } from "peer-manager";
    const required = createRequire(import.meta.url)("peer-manager");
    const pm = required.PeerManager.open();
    pm.ensureExists(PeerAddress.parse("1.2.3.4:5"));
    console.log(pm instanceof PeerManager, pm.load("1.2.3.4:5").address instanceof PeerAddress);`;
  assert.equal(run(project, text, "program.mjs"), "true true\n");
});

/** The prebuilt addon becomes one that does not load. */
function spoil(unpacked) {
  const [addon] = execFileSync("find", [unpacked, "-name", "peer_manager.node"], { encoding: "utf8" }).split("\n");
  copyFileSync(join(unpacked, "package.json"), addon);
}

const removePrebuilt = (unpacked) => rmSync(join(unpacked, "prebuilds"), { recursive: true });

test("without a prebuilt addon and without a compiler, it says what is missing", { skip }, () => {
  const missing = /^npm error peer-manager cannot be built for linux-\w+: (.*)$/m;
  const nothing = install("nothing", { change: removePrebuilt });
  assert.notEqual(nothing.status, 0);
  assert.equal(missing.exec(nothing.output)[1], "cc cannot be run (ENOENT); install a C compiler (Debian: gcc)");
  const spoilt = install("spoilt", { change: spoil, programs: ["cc"] });
  assert.notEqual(spoilt.status, 0);
  assert.match(spoilt.output, /peer-manager: no prebuilt addon loads here, so it is built; \S+peer_manager\.node: /);
  const advice = "cargo cannot be run (ENOENT); install Rust 1.85 or later (https://rustup.rs)";
  assert.equal(missing.exec(spoilt.output)[1], advice);
});

test("a package that has no addon yet says how to make one", { skip }, () => {
  const project = install("unbuilt");
  rmSync(join(project.installed, "prebuilds"), { recursive: true });
  const text = 'try { require("peer-manager") } catch (error) { console.log(error.message) }';
  assert.match(
    run(project, text),
    /^peer-manager cannot be loaded: it has no addon for linux-\w+; build one with: npm rebuild peer-manager\n$/,
  );
});

test("without a prebuilt addon, one is built from the sources in the package", { skip: skipLong }, () => {
  const project = install("built", { change: removePrebuilt, programs: ["cc", "as", "ld", "ar", "cargo", "rustc"] });
  assert.equal(project.status, 0, project.output);
  assert.match(run(project, PROBE), /^0 \S+\/peer-manager\/build\/peer_manager\.node\n$/);
  assert.ok(statSync(join(project.installed, "build/peer_manager.node")).size < 3 * MB);
  if (process.env.CARGO_TARGET_DIR === undefined) assert.ok(!existsSync(join(project.installed, "build/cargo")));
});
