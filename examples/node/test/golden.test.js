"use strict";

const assert = require("node:assert/strict");
const { execFileSync, spawnSync } = require("node:child_process");
const { join } = require("node:path");
const { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require("node:fs");
const { test } = require("node:test");
const { tmpdir } = require("node:os");

const golden = join(__dirname, "../../golden");
const conformance = join(__dirname, "../../../tests/conformance");
const player = join(__dirname, "../golden.js");

/** The transcript of a script. */
function played(script) {
  return execFileSync(process.execPath, [player, script], { encoding: "utf8" });
}

test("the golden scenario gives the golden transcript", () => {
  assert.equal(played(join(golden, "scenario.txt")), readFileSync(join(golden, "transcript.txt"), "utf8"));
});

test("a transcript is a script that gives itself", () => {
  const transcript = join(golden, "transcript.txt");
  assert.equal(played(transcript), readFileSync(transcript, "utf8"));
});

for (const name of existsSync(conformance) ? readdirSync(conformance).filter((each) => each.endsWith(".txt")) : []) {
  test(`the conformance suite holds: ${name}`, () => {
    const path = join(conformance, name);
    assert.equal(played(path), readFileSync(path, "utf8"));
  });
}

test("a line that is neither an operation nor printed is refused, and so is an unknown operation", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "peer-manager-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const script = join(directory, "script.txt");
  for (const [text, message] of [
    ["# A comment.\n\n> clock 5\npeer_count\n", /not a line of a transcript: peer_count/],
    ["clock 5\nconstructor\n", /no such operation: constructor/],
  ]) {
    writeFileSync(script, text);
    const { status, stderr } = spawnSync(process.execPath, [player, script], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, message);
  }
});
