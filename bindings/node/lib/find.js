"use strict";

// Where an addon may be, and which of them works here.

const { existsSync, readdirSync } = require("node:fs");
const { join } = require("node:path");

const FILE = "peer_manager.node";

/**
 * The addons of a package that may be for this platform: what was built where it is installed (or by make), then those
 * that came with it, prebuilds/linux-x64-glibc and the like. Whether the C library suits, loading it says.
 */
function addonsOf(root) {
  const prebuilds = join(root, "prebuilds");
  const platform = `${process.platform}-${process.arch}`;
  const names = existsSync(prebuilds) ? readdirSync(prebuilds).sort() : [];
  const suitable = names.filter((name) => name === platform || name.startsWith(`${platform}-`));
  const paths = [join(root, "build", FILE), ...suitable.map((name) => join(prebuilds, name, FILE))];
  return paths.filter((path) => existsSync(path));
}

/** Loads an addon, unless it is linked with a library that is older than the header that it was compiled with. */
function loadAddon(path) {
  const native = require(path);
  if (native.versionNumber < native.headerVersionNumber) {
    throw new Error(`libpeer_manager ${native.version} is older than the addon; install a newer one`);
  }
  return native;
}

/** The first that loads, and why others did not. */
function loadFirst(paths) {
  const reasons = [];
  for (const path of paths) {
    try {
      return { native: loadAddon(path), reasons };
    } catch (error) {
      reasons.push(error.message.includes(path) ? error.message : `${path}: ${error.message}`);
    }
  }
  return { reasons };
}

module.exports = { addonsOf, loadFirst };
