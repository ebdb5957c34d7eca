"use strict";

const assert = require("node:assert/strict");
const { execFileSync, spawnSync } = require("node:child_process");
const { basename, join } = require("node:path");
const { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require("node:fs");
const { test } = require("node:test");
const { tmpdir } = require("node:os");

const golden = join(__dirname, "../../golden");
const conformance = join(__dirname, "../../../tests/conformance");
const player = join(__dirname, "../golden.js");

/** The texts in a directory whose names begin so. */
function textsIn(place, prefix) {
  const names = existsSync(place) ? readdirSync(place) : [];
  return names.filter((name) => name.startsWith(prefix) && name.endsWith(".txt")).map((name) => join(place, name));
}

/** The transcript of a script. */
function played(script) {
  return execFileSync(process.execPath, [player, script], { encoding: "utf8" });
}

for (const scenario of textsIn(golden, "scenario")) {
  test(`a golden scenario gives its golden transcript: ${basename(scenario)}`, () => {
    assert.equal(played(scenario), readFileSync(scenario.replace(/scenario(?=\d*\.txt$)/, "transcript"), "utf8"));
  });
}

for (const transcript of [...textsIn(golden, "transcript"), ...textsIn(conformance, "")]) {
  test(`a transcript is a script that gives itself: ${basename(transcript)}`, () => {
    assert.equal(played(transcript), readFileSync(transcript, "utf8"));
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
