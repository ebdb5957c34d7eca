"use strict";

const assert = require("node:assert/strict");
const { setImmediate: turn } = require("node:timers/promises");
const { test } = require("node:test");
const { PeerManager } = require("peer-manager");
const { NOW, file, open, refused } = require("./helper.js");

const A = "1.2.3.4:5";
const many = (count) => Array.from({ length: count }, (_, i) => `7.${i >> 16}.${(i >> 8) & 255}.${i & 255}:1`);

/** Whether it is still pending after this turn of the event loop. */
async function isPending(promise) {
  const pending = Symbol("pending");
  return (await Promise.race([promise, turn(pending)])) === pending;
}

test("the event loop turns, and queries are answered, while a change is written", async (t) => {
  const pm = open(t, { dbPath: file(t), durability: "sync" });
  pm.ensureExists(A);
  const change = pm.ensureExistsManyAsync(many(50_000));
  let turns = 0;
  for (; await isPending(change); turns++) assert.ok(pm.load(A));
  assert.ok(turns > 1, `${turns} turns`);
  assert.equal(await change, 50_000);
});

test("calls are carried out in the order in which they were made", async (t) => {
  const pm = open(t);
  const calls = [];
  const order = [];
  for (let i = 0; i < 500; i++) {
    const record = { address: A, nextAttempt: NOW, numFailures: i, peerType: "inbound" };
    calls.push(pm.storeAsync(record).then(() => order.push(2 * i)));
    if (i % 2 === 0) calls.push(pm.removeAsync(A).then(() => order.push(2 * i + 1)));
  }
  await Promise.all(calls); // each remove found its peer
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.equal(pm.load(A).numFailures, 499);
});

test("a short call does not overtake a long one", async (t) => {
  const pm = open(t);
  await Promise.all([pm.ensureExistsManyAsync(many(50_000)), pm.clearAllAsync(), pm.ensureExistsAsync(A)]);
  assert.equal(pm.peerCount(), 1);
});

test("a call that fails does not stop those behind it", async (t) => {
  const pm = open(t);
  const calls = [pm.ensureExistsAsync(A), pm.removeAsync("9.9.9.9:9"), pm.updateBackoffAsync(A, "increase")];
  const results = await Promise.allSettled(calls);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(pm.load(A).numFailures, 1);
});

test("many managers work at once", async (t) => {
  const managers = await Promise.all(Array.from({ length: 20 }, () => PeerManager.openAsync(file(t))));
  await Promise.all(managers.flatMap((pm) => many(50).map((address) => pm.ensureExistsAsync(address))));
  for (const pm of managers) assert.equal(pm.peerCount(), 50);
  await Promise.all(managers.map((pm) => pm.closeAsync()));
});

test("a caller may change what it has passed once the call is made", async (t) => {
  const pm = open(t);
  const addresses = ["1.1.1.1:1", "2.2.2.2:2"];
  const record = { address: { host: "3.3.3.3", port: 3 }, nextAttempt: 1, numFailures: 0, peerType: "inbound" };
  const data = Buffer.from("id");
  const calls = [pm.ensureExistsManyAsync(addresses), pm.storeAsync(record), pm.setDataAsync("3.3.3.3:3", data)];
  addresses.length = 0;
  record.address.host = "what";
  data.fill(0);
  await Promise.all(calls);
  assert.equal(pm.peerCount(), 3);
  assert.equal(String(pm.getData("3.3.3.3:3")), "id");
});

test("synchronous and asynchronous changes may be mixed", async (t) => {
  const pm = open(t, { dbPath: file(t) });
  const addresses = many(400);
  const calls = addresses.map((address, i) => (i % 2 ? pm.ensureExistsAsync(address) : pm.ensureExists(address)));
  await Promise.all(calls);
  assert.equal(pm.peerCount(), 400);
  assert.equal((await pm.getAllPeersAsync()).length, 400);
  assert.throws(() => pm.remove("9.9.9.9:9"), refused("NOT_FOUND"));
});
