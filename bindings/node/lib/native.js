"use strict";

// Finds the addon, and refuses a library that is older than the header that the addon was compiled with.

const { existsSync } = require("node:fs");
const { join } = require("node:path");

/** In the order in which they are looked for: where it was said to be, in the package, where make builds it. */
function candidates() {
  const named = process.env.PEER_MANAGER_ADDON;
  return named ? [named] : [join(__dirname, "peer_manager.node"), join(__dirname, "../build/peer_manager.node")];
}

function load() {
  const paths = candidates();
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Error(`peer-manager cannot be loaded: there is no ${paths.join(" and no ")}; build it with make`);
  }
  const native = require(path);
  if (native.versionNumber < native.headerVersionNumber) {
    throw new Error(
      `peer-manager cannot be loaded: libpeer_manager ${native.version} is older than the addon; install a newer one`,
    );
  }
  return native;
}

const native = load();

// Runs when the process, or the worker, ends by itself or by process.exit(): what DEFERRED has not written is written.
process.on("exit", native.flushAll);

module.exports = native;
