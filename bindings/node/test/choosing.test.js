"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { PeerAddress } = require("peer-manager");
const { NOW, open, refused } = require("./helper.js");

/** Three inbound peers, one of them private; two outbound ones, one of which waits and has failed; a preferred one. */
function populated(t, options) {
  const pm = open(t, options);
  pm.ensureExistsMany(["1.1.1.1:1", "2.2.2.2:2", "10.0.0.1:3"]);
  pm.updateType("4.4.4.4:4", "outbound");
  pm.store({ address: "5.5.5.5:5", nextAttempt: NOW + 100, numFailures: 121, peerType: "outbound" });
  pm.updateType("6.6.6.6:6", "preferred");
  return pm;
}

const ports = (addresses) => addresses.map(({ port }) => port).sort();

test("a query is for outbound and preferred peers that are due, unless it says otherwise", (t) => {
  const pm = populated(t);
  assert.deepEqual(ports(pm.loadRandomPeers(10)), [4, 6]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { typeFilter: "any" })), [1, 2, 3, 4, 6]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { typeFilter: "inbound-only" })), [1, 2, 3]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { typeFilter: "outbound-only" })), [4]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { typeFilter: "preferred-only" })), [6]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { typeFilter: "not-preferred" })), [1, 2, 3, 4]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { useNextAttempt: false })), [4, 6]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { useNextAttempt: false, maxNumFailures: null })), [4, 5, 6]);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { useNextAttempt: false, maxNumFailures: 121 })), [4, 5, 6]);
});

test("the answer is of addresses, none of them excluded, no more than asked for", (t) => {
  const pm = populated(t);
  assert.ok(pm.loadRandomPeers(1)[0] instanceof PeerAddress);
  const exclude = ["4.4.4.4:4", { host: "6.6.6.6", port: 6 }];
  assert.deepEqual(pm.loadRandomPeers(10, { exclude }), []);
  assert.deepEqual(ports(pm.loadRandomPeers(10, { exclude: new Set(exclude.slice(1)) })), [4]);
  assert.equal(pm.loadRandomPeers(3, { typeFilter: "any" }).length, 3);
  assert.deepEqual(pm.loadRandomPeers(0, { typeFilter: "any" }), []);
  assert.equal(pm.loadRandomPeers(Number.MAX_SAFE_INTEGER, { typeFilter: "any" }).length, 5);
  const wrong = { exclude: ["4.4.4.4:4", "what"] };
  assert.throws(() => pm.loadRandomPeers(1, wrong), refused("INVALID_ADDRESS", /^exclude\[1\]: "what"/));
});

test("peers to send are never private nor the asker, and the preferred come first", (t) => {
  const pm = populated(t);
  assert.deepEqual(ports(pm.getPeersToSend(10)), [1, 2, 4, 5, 6]);
  assert.equal(pm.getPeersToSend(1)[0].port, 6);
  assert.deepEqual(ports(pm.getPeersToSend(10, "6.6.6.6:6")), [1, 2, 4, 5]);
  assert.deepEqual(ports(pm.getPeersToSend(10, null, { typeFilter: "any-outbound" })), [4, 6]);
  assert.deepEqual(ports(pm.getPeersToSend(10, "6.6.6.6:6", { typeFilter: "any", exclude: ["1.1.1.1:1"] })), [2, 4]);
  assert.throws(() => pm.getPeersToSend(10, "what"), refused("INVALID_ADDRESS"));
});

test("a seed repeats every choice, a number as well as a bigint, and all 64 bits of it count", (t) => {
  const choices = (rngSeed) => populated(t, { rngSeed }).loadRandomPeers(5, { typeFilter: "any" }).join();
  assert.equal(choices(42), choices(42n));
  const seeds = Array.from({ length: 20 }, (_, i) => choices(BigInt(i) << 59n));
  assert.ok(new Set(seeds).size > 5);
});
