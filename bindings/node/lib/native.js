"use strict";

// The addon: where the environment says, or what the package has.

const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { addonsOf, loadFirst } = require("./find.js");

function load() {
  const named = process.env.PEER_MANAGER_ADDON;
  const paths = named ? [named].filter((path) => existsSync(path)) : addonsOf(join(__dirname, ".."));
  const { native, reasons } = loadFirst(paths);
  if (native !== undefined) return native;
  const none = named
    ? `there is no ${named}, which PEER_MANAGER_ADDON names; build it with make`
    : `it has no addon for ${process.platform}-${process.arch}; build one with: npm rebuild peer-manager`;
  throw new Error(`peer-manager cannot be loaded: ${reasons.join("; ") || none}`);
}

const native = load();

// Runs when the process, or the worker, ends by itself or by process.exit(): what DEFERRED has not written is written.
process.on("exit", native.flushAll);

module.exports = native;
