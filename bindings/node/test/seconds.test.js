"use strict";

// Seconds are numbers, never rounded ones, and what the library answers with can be written as JSON.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { isReady, newRecord } = require("peer-manager");
const { NOW, file, open, outOfRange, wrongType } = require("./helper.js");

const A = "1.2.3.4:5";
const [FIRST, LAST] = [-(2n ** 63n), 2n ** 63n - 1n];
const MOST = Number.MAX_SAFE_INTEGER;
const record = (nextAttempt) => ({ address: A, nextAttempt, numFailures: 0, peerType: "inbound" });

/** What comes out after a time went in. */
const CASES = [
  [0, 0],
  [-1, -1],
  [NOW, NOW],
  [BigInt(NOW), NOW],
  [MOST, MOST],
  [BigInt(MOST), MOST],
  [BigInt(MOST) + 1n, Infinity],
  [2n ** 60n + 1n, Infinity],
  [LAST, Infinity],
  [Infinity, Infinity],
  [null, Infinity],
  [-MOST, -MOST],
  [-BigInt(MOST) - 1n, -MOST],
  [FIRST, -MOST],
  [-Infinity, -MOST],
];

test("a time comes out as the number that it is, and what no number is exactly, as one beyond", async (t) => {
  const dbPath = file(t);
  for (const [given, expected] of CASES) {
    const pm = open(t, { dbPath });
    pm.store(record(given));
    assert.equal(pm.load(A).nextAttempt, expected, String(given));
    await pm.storeManyAsync([record(given)]);
    assert.equal(pm.getAllPeers().at(0).nextAttempt, expected, String(given));
    pm.close();
    const again = open(t, { dbPath });
    assert.equal(again.load(A).nextAttempt, expected, String(given));
    again.close();
  }
});

test("an infinity is the last time of all, or the first, and a bigint is stored as it is", (t) => {
  const pm = open(t);
  const isStoredAs = (time) => pm.limitNextAttempt(time) === 0 && pm.limitNextAttempt(time - 1n) === 1;
  for (const [given, stored] of [
    [Infinity, LAST],
    [null, LAST],
    [2n ** 60n + 1n, 2n ** 60n + 1n],
    [BigInt(MOST) + 2n, BigInt(MOST) + 2n],
    [MOST, BigInt(MOST)],
  ]) {
    pm.store(record(given));
    assert.ok(isStoredAs(stored), String(given));
  }
  pm.store(record(-Infinity));
  assert.equal(pm.limitNextAttempt(FIRST), 0);
  pm.store(record(Infinity));
  assert.equal(pm.limitNextAttempt(Infinity), 0);
  assert.equal(pm.limitNextAttempt(-Infinity), 1);
});

test("a number that may have been rounded is refused", (t) => {
  const pm = open(t);
  const refused = outOfRange(/a whole number that is exact \(a bigint where it is beyond 2\^53\)/);
  for (const time of [MOST + 1, -MOST - 1, 2 ** 63, 1e300, 0.5, NaN]) {
    assert.throws(() => pm.store(record(time)), refused);
    assert.throws(() => pm.limitNextAttempt(time), refused);
    assert.throws(() => pm.ban("1.2.3.4", time), refused);
    assert.throws(() => pm.loadRandomPeers(1, { heardSince: time }), refused);
    assert.throws(() => newRecord(A, time), refused);
  }
  for (const time of [undefined, "1", new Date(0)]) assert.throws(() => pm.store(record(time)), wrongType());
  assert.equal(pm.peerCount(), 0);
});

test("a peer that is never due is not", (t) => {
  const pm = open(t);
  pm.store(record(Infinity));
  assert.equal(isReady(pm.load(A), MOST), false);
  assert.equal(pm.nextDue(), Infinity);
  assert.deepEqual(pm.loadRandomPeers(1, { typeFilter: "any" }), []);
});

test("a ban ends at a time, or never: null, in whichever form never was given", (t) => {
  const pm = open(t);
  for (const [given, expected] of [
    [NOW + 1, NOW + 1],
    [BigInt(NOW) + 1n, NOW + 1],
    [null, null],
    [Infinity, null],
    [LAST, null],
    [2n ** 60n, null],
  ]) {
    pm.ban("203.0.113.0/24", given);
    assert.deepEqual(pm.bans(), [{ subject: "203.0.113.0/24", until: expected }]);
  }
});

/** What JSON makes of a value. */
const throughJson = (value) => JSON.parse(JSON.stringify(value));

test("everything that is answered can be written as JSON, and records read from it are stored", (t) => {
  const pm = open(t, { keepHistory: true });
  pm.ensureExists("[2001:DB8::1]:5");
  pm.updateBackoff("[2001:db8::1]:5", "hard-reset");
  pm.ban("203.0.113.0/24", NOW + 60);
  pm.ban("example.org", null);
  const address = "[2001:db8::1]:5";
  const expected = { address, nextAttempt: NOW, numFailures: 0, peerType: "inbound" };
  assert.deepEqual(throughJson(pm.load(address)), expected);
  assert.deepEqual(throughJson(pm.getAllPeers()), [expected]);
  assert.deepEqual(throughJson(pm.loadRandomPeers(1, { typeFilter: "any" })), [address]);
  assert.deepEqual(throughJson(pm.bans()), [
    { subject: "203.0.113.0/24", until: NOW + 60 },
    { subject: "example.org", until: null },
  ]);
  assert.deepEqual(throughJson(pm.loadHistory(address)), {
    firstHeard: NOW,
    lastHeard: NOW,
    firstReached: NOW,
    lastReached: NOW,
    lastAttempt: null,
  });
  assert.deepEqual(throughJson(pm.getStats()), pm.getStats());
  assert.equal(pm.getStats().peers, 1);

  const never = { ...expected, address: A, nextAttempt: Infinity };
  pm.store(never);
  const copy = open(t);
  copy.storeMany(throughJson([...pm.getAllPeers()]));
  for (const each of pm.getAllPeers()) assert.deepEqual(copy.load(each.address), each);
  assert.equal(copy.load(A).nextAttempt, Infinity);
});

test("what is known of an address has that address, and one that is canonical is used again", (t) => {
  const pm = open(t);
  pm.ensureExists("Example.ORG.:5");
  const { address } = pm.load("Example.org:5");
  assert.equal(String(address), "example.org:5");
  assert.equal(pm.load(address).address, address);
  assert.deepEqual(pm.load({ host: "EXAMPLE.org", port: 5 }).address, address);
});
