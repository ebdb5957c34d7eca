"use strict";

// Where a node's peers are, which netgroups they are of, and the constants of the back-off.

const assert = require("node:assert/strict");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { test } = require("node:test");
const { newRecord } = require("peer-manager");
const { NOW, open, refused } = require("./helper.js");

const EXAMPLE = "192.0.2.1:5";

test("a public node hears nothing of what is not routable", async (t) => {
  const pm = open(t, { reach: "public" });
  assert.throws(() => pm.ensureExists(EXAMPLE), refused("REFUSED", /192\.0\.2\.1:5/));
  await assert.rejects(pm.ensureExistsAsync("10.0.0.1:5"), refused("REFUSED"));
  assert.equal(pm.ensureExistsMany([EXAMPLE, "8.8.8.8:5"]), 1);
  assert.equal(pm.getStats().refusedPeers, 3);
  pm.store({ ...newRecord(EXAMPLE, NOW), peerType: "preferred" });
  assert.deepEqual(pm.loadRandomPeers(9).map(String), [EXAMPLE]);
  assert.deepEqual(pm.getPeersToSend(9).map(String), ["8.8.8.8:5"]);
});

test("a private node tells of private addresses, and each with its port is a netgroup", (t) => {
  const told = (reach) => {
    const pm = open(t, { reach });
    pm.ensureExistsMany(["10.0.0.1:5", "10.0.0.1:6"]);
    return [pm.getPeersToSend(9).map(String).sort(), pm.netgroup("10.0.0.1:5") === pm.netgroup("10.0.0.1:6")];
  };
  assert.deepEqual(told("private"), [["10.0.0.1:5", "10.0.0.1:6"], false]);
  assert.deepEqual(told("specification"), [[], true]);
  assert.deepEqual(told(undefined), [[], true]);
});

test("a netgroup is a number that its addresses have in common", (t) => {
  const pm = open(t);
  const netgroup = pm.netgroup("1.2.3.4:5");
  assert.equal(typeof netgroup, "bigint");
  assert.equal(pm.netgroup({ host: "1.2.200.1", port: 7 }), netgroup);
  assert.notEqual(pm.netgroup("1.3.3.4:5"), netgroup);
  const numbers = Array.from({ length: 256 }, (_, i) => pm.netgroup(`${i}.1.1.1:5`));
  assert.ok(numbers.every((number) => number >= 0n && number < 2n ** 64n));
  assert.equal(new Set(numbers).size, 256);
  pm.close();
  assert.throws(() => pm.netgroup("1.2.3.4:5"), refused("CLOSED"));
});

test("names are a netgroup each, or one together", (t) => {
  for (const nameGroups of [undefined, false, true]) {
    const pm = open(t, { nameGroups });
    assert.equal(pm.netgroup("a.example.org:5") === pm.netgroup("b.example.net:5"), nameGroups === true);
  }
});

test("with a map, an autonomous system is a netgroup", (t) => {
  const map = join(__dirname, "../../../tests/common/asmap/few.dat");
  for (const asmapPath of [map, pathToFileURL(map)]) {
    const pm = open(t, { asmapPath });
    assert.equal(pm.netgroup("52.0.1.1:5"), pm.netgroup("52.1.1.1:5"));
  }
  const without = open(t);
  assert.notEqual(without.netgroup("52.0.1.1:5"), without.netgroup("52.1.1.1:5"));
});

test("the back-off has the unit and the limit that the options say", (t) => {
  const pm = open(t, { backoffSeconds: 3600, maxBackoffExponent: 1 });
  const waits = Array.from({ length: 100 }, () => {
    pm.updateBackoff("1.2.3.4:5", "increase");
    return pm.load("1.2.3.4:5").nextAttempt - NOW;
  });
  assert.ok(waits.every((wait) => wait >= 1 && wait <= 7200));
  assert.ok(waits.slice(0, 10).some((wait) => wait > 100));
});
