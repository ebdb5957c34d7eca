"use strict";

const { execFile } = require("node:child_process");
const { mkdtempSync, rmSync } = require("node:fs");
const { join } = require("node:path");
const { promisify } = require("node:util");
const { tmpdir } = require("node:os");
const { PeerManager } = require("peer-manager");

const NOW = 1_700_000_000;

/** A directory that is gone after the test. */
function directory(t) {
  const path = mkdtempSync(join(tmpdir(), "peer-manager-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The path of a database that is gone after the test. */
function file(t) {
  return join(directory(t), "peers.db");
}

/** A table in memory, or as the options say, with a clock that stands still; closed after the test. */
function open(t, options = {}) {
  const pm = PeerManager.open({ clock: () => NOW, rngSeed: 1, ...options });
  t.after(() => pm.close());
  return pm;
}

/** Runs a script in another process, with `...words` in process.argv from [1] on; what it prints is the answer. */
async function run(script, words = [], flags = []) {
  const cwd = join(__dirname, "..");
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "-e", script, ...words], { cwd });
  return stdout.trim();
}

/** What `assert.throws` compares a PeerManagerError with. */
function refused(status, message = /./) {
  return { name: "PeerManagerError", code: `ERR_PEER_MANAGER_${status}`, status, message };
}

const wrongType = (message = /./) => ({ name: "TypeError", code: /^ERR_INVALID_ARG_(TYPE|VALUE)$/, message });
const outOfRange = (message = /./) => ({ name: "RangeError", code: "ERR_OUT_OF_RANGE", message });

module.exports = { NOW, directory, file, open, outOfRange, refused, run, wrongType };
