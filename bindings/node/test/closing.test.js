"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { PeerManager } = require("peer-manager");
const { file, open, refused } = require("./helper.js");

const A = "1.2.3.4:5";
const RECORD = { address: A, nextAttempt: 1, numFailures: 0, peerType: "inbound" };

/** Every method that needs an open manager. */
const CALLS = {
  ensureExists: [A],
  ensureExistsMany: [[A]],
  importFile: ["peers.db"],
  store: [RECORD],
  storeMany: [[RECORD]],
  updateType: [A, "inbound"],
  updateBackoff: [A, "reset"],
  update: [A, "inbound", "reset"],
  remove: [A],
  removePeersWithManyFailures: [1],
  removeHost: ["1.2.3.4"],
  setData: [A, new Uint8Array(1)],
  removePeersNotHeardSince: [0],
  limitNextAttempt: [0],
  ban: ["1.2.3.4", null],
  unban: ["1.2.3.4"],
  setOwnAddresses: [[A]],
  clearAll: [],
  flush: [],
  load: [A],
  getData: [A],
  loadHistory: [A],
  isBanned: [A],
  bans: [],
  netgroup: [A],
  nextToDial: ["connect", 1],
  nextDue: [],
  setOnline: [true],
  loadRandomPeers: [1],
  getPeersToSend: [1],
  peerCount: [],
  getAllPeers: [],
  getStats: [],
  getQuarantine: [],
};

test("every call on a closed manager is refused", async (t) => {
  const methods = Object.getOwnPropertyNames(PeerManager.prototype).filter((name) => !/Async$/.test(name));
  assert.deepEqual(methods.sort(), ["close", "constructor", ...Object.keys(CALLS)].sort());
  for (const close of ["close", "closeAsync"]) {
    const pm = open(t);
    await pm[close]();
    for (const [method, parameters] of Object.entries(CALLS)) {
      assert.throws(() => pm[method](...parameters), refused("CLOSED", /is closed; open another one/), method);
      const later = pm[`${method}Async`];
      if (later) await assert.rejects(later.apply(pm, parameters), refused("CLOSED"), method);
    }
  }
});

test("closing again does nothing, in any order", async () => {
  for (const order of ["ss", "sa", "as", "aa", "aas", "sas"]) {
    const pm = PeerManager.open();
    await Promise.all([...order].map((kind) => (kind === "s" ? pm.close() : pm.closeAsync())));
    assert.throws(() => pm.peerCount(), refused("CLOSED"), order);
  }
});

for (const close of ["close", "closeAsync"]) {
  test(`calls that were made before ${close} are carried out, and their promises are settled`, async (t) => {
    const dbPath = file(t);
    const pm = PeerManager.open({ dbPath, durability: "sync" });
    const calls = Array.from({ length: 50 }, (_, i) => pm.ensureExistsAsync({ host: "1.2.3.4", port: i + 1 }));
    const wrong = assert.rejects(pm.removeAsync("9.9.9.9:9"), refused("NOT_FOUND"));
    const snapshot = pm.getAllPeersAsync();
    const closed = pm[close]();
    assert.throws(() => pm.ensureExists(A), refused("CLOSED"));
    await closed;
    // The file is free at once: no waiting for it here.
    const again = open(t, { dbPath, busyTimeoutMs: 1 });
    assert.equal(again.peerCount(), 50);
    await Promise.all([...calls, wrong]);
    assert.equal((await snapshot).length, 50);
  });
}

test("close waits for a closeAsync that is under way", async (t) => {
  const dbPath = file(t);
  const pm = PeerManager.open(dbPath);
  const calls = Array.from({ length: 50 }, (_, i) => pm.ensureExistsAsync({ host: "1.2.3.4", port: i + 1 }));
  const closed = pm.closeAsync();
  pm.close();
  assert.equal(open(t, { dbPath, busyTimeoutMs: 1 }).peerCount(), 50);
  await Promise.all([...calls, closed]);
});

test("a manager is closed when its scope ends", async (t) => {
  const dbPath = file(t);
  const pm = PeerManager.open(dbPath);
  pm[Symbol.dispose]();
  assert.throws(() => pm.peerCount(), refused("CLOSED"));
  const other = await PeerManager.openAsync(dbPath);
  await other[Symbol.asyncDispose]();
  assert.throws(() => other.peerCount(), refused("CLOSED"));
});

test("many managers come and go while calls are under way", async () => {
  for (let round = 0; round < 200; round++) {
    const pm = PeerManager.open();
    const calls = [pm.ensureExistsAsync(A), pm.getStatsAsync(), pm.flushAsync()];
    if (round % 2) pm.close();
    else calls.push(pm.closeAsync());
    await Promise.all(calls);
  }
});
