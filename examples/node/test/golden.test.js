"use strict";

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const { join } = require("node:path");
const { readFileSync } = require("node:fs");
const { test } = require("node:test");

const golden = join(__dirname, "../../golden");

test("the golden scenario gives the golden transcript", () => {
  const player = join(__dirname, "../golden.js");
  const transcript = execFileSync(process.execPath, [player, join(golden, "scenario.txt")], { encoding: "utf8" });
  assert.equal(transcript, readFileSync(join(golden, "transcript.txt"), "utf8"));
});
