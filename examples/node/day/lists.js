"use strict";

// Lists of addresses, one a line: how they come in and go out. All languages' examples read and write the same.

const fs = require("node:fs");
const { PeerAddress, PeerManagerError } = require("peer-manager");

const DEFAULT_PORT = 11625;

/** Without the white space at both ends. String.prototype.trim would cut off more: a byte order mark too. */
function trim(line) {
  const isWhite = (index) => " \t\r".includes(line[index]);
  let [start, end] = [0, line.length];
  while (start < end && isWhite(start)) start++;
  while (end > start && isWhite(end - 1)) end--;
  return line.slice(start, end);
}

/** The address of a line, or why there is none. */
function parse(line) {
  if (line.includes("\0")) return { reason: "a NUL is in no address" };
  try {
    return { address: PeerAddress.parse(line, DEFAULT_PORT) };
  } catch (error) {
    if (error instanceof PeerManagerError) return { reason: error.message };
    throw error;
  }
}

/**
 * Adds the addresses of a text file; the first of them become preferred. A line that is no address is reported and
 * skipped.
 */
async function importPeers(peers, path, preferred = 0) {
  const addresses = [];
  let bad = 0;
  for (const [index, line] of fs.readFileSync(path, "utf8").split("\n").map(trim).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const { address, reason } = parse(line);
    if (address !== undefined) {
      addresses.push(address);
    } else {
      console.error(`${path}:${index + 1}: ${reason}`);
      bad++;
    }
  }
  const added = await peers.ensureExistsManyAsync(addresses);
  for (const address of addresses.slice(0, preferred)) await peers.updateTypeAsync(address, "preferred");
  return { read: addresses.length, added, bad };
}

/** An error as those of node:fs are. */
function cannotWrite(path, reason) {
  return Object.assign(new Error(`cannot write '${path}': ${reason}`), { syscall: "rename", path });
}

/**
 * Writes the addresses of all peers, sorted. It writes a file next to the one that is wanted, which then takes its place
 * at once: whatever happens meanwhile, no reader finds half a list.
 */
function exportPeers(peers, path) {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    throw cannotWrite(path, "it is there and no regular file; give another path");
  }
  const snapshot = peers.getAllPeers();
  const lines = Array.from(snapshot, ({ address }) => `${address}\n`).sort();
  snapshot.dispose();
  const temporary = `${path}.tmp-${process.pid}`;
  const file = fs.openSync(temporary, "wx");
  try {
    try {
      fs.writeFileSync(file, lines.join(""));
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

module.exports = { exportPeers, importPeers };
