"use strict";

// The network that is made up: no host is contacted. Each address has a character that follows from a hash of its text:
// some never answer, the others more or less often. A real node has sockets where this example has this file.

const { createHash } = require("node:crypto");

const HOUR = 3600;
const DEAD_PERCENT = 12;
const WORST_PERCENT = 40;

function hash(...parts) {
  return createHash("sha256").update(parts.join(" ")).digest().readUInt32LE(0);
}

/** Whether our own line is cut: for an hour after lunch. All peers seem dead then, and none is to blame. */
function isDown(now) {
  return Math.floor((now % (24 * HOUR)) / HOUR) === 13;
}

/** What a dial does in a real node: it takes a moment, and fails or not. */
async function dial(peer, now) {
  await new Promise(setImmediate);
  const reliability = WORST_PERCENT + (hash("reliability", peer) % (100 - WORST_PERCENT));
  return (
    !isDown(now) &&
    !peer.isPrivate &&
    hash("alive", peer) % 100 >= DEAD_PERCENT &&
    hash("answers", peer, now) % 100 < reliability
  );
}

/** The addresses that a peer sends now. Some are private, because nodes do gossip about those. */
function gossip(teller, now) {
  return ["198.51.100.", "203.0.113.", "2001:db8::", "192.168.1."].map((network) => {
    return { host: `${network}${(hash("gossip", network, teller, now) % 40) + 1}`, port: 11625 };
  });
}

module.exports = { HOUR, dial, gossip, hash, isDown };
