"use strict";

// What a user of the package sees: its version, its names and their types, in both module systems.

const assert = require("node:assert/strict");
const { readFileSync, readdirSync } = require("node:fs");
const { execFileSync } = require("node:child_process");
const { join } = require("node:path");
const { inspect } = require("node:util");
const { test } = require("node:test");
const peers = require("peer-manager");

const read = (path) => readFileSync(join(__dirname, "..", path), "utf8");

test("the versions of package, library, header and crate agree", () => {
  const { version } = JSON.parse(read("package.json"));
  assert.equal(version, peers.version);
  assert.equal(version, /^version = "(.*)"$/m.exec(read("../../Cargo.toml"))[1]);
  const [major, minor, patch] = version.split(".").map(Number);
  assert.equal(peers.versionNumber, major * 1_000_000 + minor * 1000 + patch);
  assert.equal(JSON.parse(read("package-lock.json")).version, version);
  assert.ok(peers.buildInfo.includes(version));
});

test("an ES module imports every name, and the same objects as a CommonJS module", async () => {
  const module = await import("peer-manager");
  assert.deepEqual(Object.keys(module).sort(), Object.keys(peers).sort());
  for (const name of Object.keys(peers)) assert.equal(module[name], peers[name], name);
});

/** How a type writes a well-known symbol. */
function nameOf(symbol) {
  return `[Symbol.${["iterator", "dispose", "asyncDispose"].find((name) => Symbol[name] === symbol)}]`;
}

test("every name, method and property has its type, and every type its name", () => {
  const types = read("lib/index.d.ts");
  const declared = [...types.matchAll(/^export (?:class|const|function) (\w+)/gm)].map((match) => match[1]);
  assert.deepEqual(declared.sort(), Object.keys(peers).sort());
  for (const name of ["PeerAddress", "PeerManager", "Snapshot"]) {
    const body = new RegExp(`^export class ${name} [^]*?^}`, "m").exec(types)[0];
    const members = [...body.matchAll(/^ {2}(?:static |readonly |get )*(\w+|\[[\w.]+\])[(:]/gm)].map(
      (match) => match[1],
    );
    const real = [peers[name].prototype, peers[name]].flatMap((object) =>
      Reflect.ownKeys(object)
        .filter((key) => key !== inspect.custom)
        .map((key) => (typeof key === "symbol" ? nameOf(key) : key)),
    );
    const ofFunctions = ["constructor", "length", "name", "prototype"];
    const known = name === "PeerAddress" ? ["host", "port"] : name === "Snapshot" ? ["length"] : [];
    const expected = real.filter((key) => !ofFunctions.includes(key)).concat(known);
    const found = members.filter((key) => key !== "constructor");
    assert.deepEqual([...new Set(found)].sort(), expected.sort(), name);
  }
});

test("every function of the header is called somewhere", () => {
  const header = read("../../include/peer_manager.h");
  const functions = new Set([...header.matchAll(/^(?:\w+ )+\*?(peer_manager_\w+)\(/gm)].map((match) => match[1]));
  assert.ok(functions.size > 35, `${functions.size} functions`);
  // Node.js has no sockaddr and no sqlite3 to hand over, and PeerManager.open does what the two others do.
  // An address that is canonical is written as text in JavaScript.
  const without = [
    ...["address_format", "address_from_sockaddr", "address_to_sockaddr"],
    ...["from_connection", "new_in_memory", "new_with_db"],
  ];
  const sources = readdirSync(join(__dirname, "../src")).filter((name) => name.endsWith(".c"));
  const code = sources.map((name) => read(`src/${name}`)).join("");
  const uncalled = [...functions].filter((name) => !new RegExp(`\\b${name}\\(`).test(code));
  assert.deepEqual(uncalled.sort(), without.map((name) => `peer_manager_${name}`).sort());
});

test("the numbers of the header are those that names stand for", () => {
  const header = read("../../include/peer_manager.h");
  const names = require("../lib/names.js");
  const prefixes = {
    PEER_TYPES: "TYPE",
    BACKOFFS: "BACKOFF",
    FILTERS: "FILTER",
    PURPOSES: "DIAL",
    DURABILITIES: "DURABILITY",
    ON_CORRUPT: "ON_CORRUPT",
    REACHES: "REACH",
  };
  for (const [list, prefix] of Object.entries(prefixes)) {
    const defined = [...header.matchAll(new RegExp(`^#define PEER_MANAGER_${prefix}_(\\w+) (\\d+)$`, "gm"))];
    const expected = [];
    for (const [, name, number] of defined) expected[number] = name.toLowerCase().replaceAll("_", "-");
    assert.deepEqual(names[list], expected);
  }
  const networks = [...header.matchAll(/^#define PEER_MANAGER_NETWORK_(\w+) (\d+)$/gm)];
  const bits = names.NETWORKS.map((name, index) => [name, 1 << index]);
  assert.deepEqual(networks.map(([, name, number]) => [name.toLowerCase(), Number(number)]), bits); // prettier-ignore
  for (const name of ["MAX_FAILURES", "REALLY_DEAD", "DATA_CAPACITY"]) {
    const [, number] = new RegExp(`^#define PEER_MANAGER_${name} (\\d+)$`, "m").exec(header);
    assert.equal(peers[name], Number(number), name);
  }
});

test("an addon that is missing is an error that says where it was looked for", () => {
  const env = { ...process.env, PEER_MANAGER_ADDON: "/nowhere/peer_manager.node" };
  const script = 'try { require("peer-manager") } catch (error) { console.log(error.message) }';
  const printed = execFileSync(process.execPath, ["-e", script], { cwd: join(__dirname, ".."), env, encoding: "utf8" });
  assert.match(
    printed,
    /^peer-manager cannot be loaded: there is no \/nowhere\/peer_manager\.node, which PEER_MANAGER_ADDON names; build it with make$/m,
  );
});
