"use strict";

// Bounds of the table, and the choice that is shared with everyone.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { newRecord } = require("peer-manager");
const { NOW, open, refused } = require("./helper.js");

/** Public addresses of one netgroup. */
function addresses(netgroup, count) {
  return Array.from({ length: count }, (_, i) => `${netgroup}.${Math.floor(i / 250)}.${(i % 250) + 1}:11625`);
}

test("a full table refuses new peers until a peer has failed", async (t) => {
  const pm = open(t, { maxPeers: 2n });
  assert.equal(pm.ensureExistsMany(["1.2.3.4:5", "5.6.7.8:5", "9.9.9.9:5"]), 2);
  assert.throws(() => pm.ensureExists("9.9.9.9:5"), refused("LIMIT", /9\.9\.9\.9:5/));
  await assert.rejects(pm.storeAsync(newRecord("9.9.9.9:5", NOW)), refused("LIMIT"));
  assert.equal(pm.getStats().refusedPeers, 3);
  pm.updateBackoff("1.2.3.4:5", "increase");
  pm.ensureExists("9.9.9.9:5");
  assert.equal(pm.load("1.2.3.4:5"), undefined);
  assert.equal(pm.peerCount(), 2);
});

test("a netgroup is bounded by itself", (t) => {
  const pm = open(t, { maxPeersPerNetgroup: 3 });
  assert.equal(pm.ensureExistsMany([...addresses("1.2", 10), ...addresses("1.3", 2)]), 5);
  assert.throws(() => pm.ensureExists("1.2.255.1:5"), refused("LIMIT"));
  pm.ensureExists("1.3.255.1:5");
});

test("a query takes no more of a netgroup than it says", (t) => {
  const pm = open(t);
  pm.ensureExistsMany([...addresses("1.2", 500), "1.3.0.1:5"]);
  for (const [maxPerNetgroup, expected] of [
    [1, 2],
    [3, 4],
    [600, 501],
  ]) {
    const drawn = pm.loadRandomPeers(1000, { typeFilter: "any", maxPerNetgroup });
    assert.equal(drawn.length, expected);
    assert.ok(drawn.map(String).includes("1.3.0.1:5"));
  }
});

test("everyone is told the same until the shared list ends", (t) => {
  let now = NOW;
  const pm = open(t, { clock: () => now, shareCacheSeconds: 60, shareMaxPercent: 10 });
  pm.ensureExistsMany(addresses("8.8", 200));
  const first = pm.getPeersToSend(50, "1.2.3.4:5");
  assert.equal(first.length, 20);
  now = NOW + 59;
  assert.deepEqual(pm.getPeersToSend(50, "5.6.7.8:5"), first);
  now = NOW + 91;
  assert.notDeepEqual(pm.getPeersToSend(50, "1.2.3.4:5"), first);
});
