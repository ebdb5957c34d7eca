"use strict";

// Each test is run with the synchronous and with the asynchronous methods.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { MAX_FAILURES, Snapshot } = require("peer-manager");
const { NOW, open, refused } = require("./helper.js");

const A = "1.2.3.4:5";
const record = (address, changes = {}) => ({
  address,
  nextAttempt: NOW,
  numFailures: 0,
  peerType: "inbound",
  ...changes,
});
/** A record as what `record` makes. */
const plain = (loaded) => loaded && { ...loaded, address: String(loaded.address) };

for (const kind of ["", "Async"]) {
  /** Calls the method of that kind; both answer the same when they are awaited. */
  const change = async (pm, method, ...parameters) => pm[method + kind](...parameters);
  const both = (name, body) => test(`${name}${kind && ", with promises"}`, (t) => body(open(t)));

  both("a new address is inbound and ready, a known one stays as it is", async (pm) => {
    assert.equal(await change(pm, "ensureExists", A), undefined);
    assert.deepEqual(plain(pm.load(A)), record(A));
    pm.store(record(A, { numFailures: 3 }));
    await change(pm, "ensureExists", A);
    assert.equal(pm.load(A).numFailures, 3);
  });

  both("many addresses are added at once, all or none", async (pm) => {
    assert.equal(await change(pm, "ensureExistsMany", [A, "5.6.7.8:1", { host: "1.2.3.4", port: 5 }]), 2);
    assert.equal(await change(pm, "ensureExistsMany", new Set(["9.9.9.9:9"])), 1);
    assert.equal(await change(pm, "ensureExistsMany", []), 0);
    const wrong = change(pm, "ensureExistsMany", ["8.8.8.8:1", "8.8.8.8:2", "what"]);
    await assert.rejects(wrong, refused("INVALID_ADDRESS", /^addresses\[2\]: "what" is not a peer address/));
    assert.equal(pm.peerCount(), 3);
  });

  both("a record is stored as it is, at the ends of all ranges", async (pm) => {
    for (const nextAttempt of [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Infinity]) {
      const extreme = record(A, { nextAttempt, numFailures: 2 ** 32 - 1, peerType: "preferred" });
      assert.equal(await change(pm, "store", extreme), undefined);
      assert.deepEqual(plain(pm.load(A)), extreme);
    }
  });

  both("records are stored at once, all or none, and the later one counts", async (pm) => {
    await change(pm, "storeMany", [record(A), record("5.6.7.8:1"), record(A, { numFailures: 7 })]);
    assert.equal(pm.load(A).numFailures, 7);
    const wrong = change(pm, "storeMany", [record("8.8.8.8:1"), record("what")]);
    await assert.rejects(wrong, refused("INVALID_ADDRESS", /^records\[1\]: "what"/));
    assert.equal(pm.peerCount(), 2);
    await change(pm, "storeMany", [...pm.getAllPeers()]);
    assert.equal(pm.peerCount(), 2);
  });

  both("an observation changes the type", async (pm) => {
    await change(pm, "updateType", A, "preferred");
    await change(pm, "updateType", A, "outbound");
    assert.equal(pm.load(A).peerType, "preferred");
    await change(pm, "updateType", A, "outbound", true);
    assert.equal(pm.load(A).peerType, "outbound");
  });

  both("a failure counts and waits, a success forgets", async (pm) => {
    await change(pm, "updateBackoff", A, "increase");
    assert.equal(pm.load(A).numFailures, 1);
    assert.ok(pm.load(A).nextAttempt > NOW);
    await change(pm, "updateBackoff", A, "reset");
    assert.equal(pm.load(A).numFailures, 0);
    await change(pm, "updateBackoff", A, "hard-reset");
    assert.deepEqual(plain(pm.load(A)), record(A));
  });

  both("update does both", async (pm) => {
    await change(pm, "update", A, "preferred", "increase");
    assert.deepEqual([pm.load(A).peerType, pm.load(A).numFailures], ["preferred", 1]);
    await change(pm, "update", A, "outbound", "hard-reset", true);
    assert.deepEqual(plain(pm.load(A)), record(A, { peerType: "outbound" }));
  });

  both("a peer is removed, and an unknown one is an error", async (pm) => {
    pm.ensureExists(A);
    assert.equal(await change(pm, "remove", A), undefined);
    assert.equal(pm.load(A), undefined);
    await assert.rejects(change(pm, "remove", A), refused("NOT_FOUND", /^no peer 1\.2\.3\.4:5 in the table$/));
  });

  both("peers that failed often are removed, then all", async (pm) => {
    pm.storeMany([record(A, { numFailures: MAX_FAILURES }), record("5.6.7.8:1", { numFailures: 9 })]);
    assert.equal(await change(pm, "removePeersWithManyFailures", MAX_FAILURES), 1);
    assert.equal(pm.peerCount(), 1);
    assert.equal(await change(pm, "clearAll"), undefined);
    assert.equal(pm.peerCount(), 0);
    assert.equal(await change(pm, "flush"), undefined);
  });

  both("no peer waits beyond the limit", async (pm) => {
    const times = [-(2n ** 63n), -1n, 0n, 1n, 2n ** 63n - 1n];
    pm.storeMany(times.map((nextAttempt, i) => record(`1.2.3.${i}:5`, { nextAttempt, numFailures: 7 })));
    assert.equal(await change(pm, "limitNextAttempt", 2n ** 63n - 1n), 0);
    assert.equal(await change(pm, "limitNextAttempt", 0), 2);
    assert.equal(await change(pm, "limitNextAttempt", -2n), 4);
    const peers = [...pm.getAllPeers()];
    assert.ok(peers.every(({ nextAttempt, numFailures }) => nextAttempt <= -2 && numFailures === 7));
    assert.equal(await change(pm, "limitNextAttempt", -(2n ** 63n)), 4);
  });

  both("a snapshot is what was there when it was taken", async (pm) => {
    pm.storeMany(Array.from({ length: 100 }, (_, i) => record(`1.2.3.${i}:5`, { numFailures: i })));
    const snapshot = await change(pm, "getAllPeers");
    pm.clearAll();
    pm.close();
    assert.ok(snapshot instanceof Snapshot);
    assert.equal(snapshot.length, 100);
    assert.equal(
      [...snapshot].reduce((sum, { numFailures }) => sum + numFailures, 0),
      4950,
    );
    assert.deepEqual(snapshot.at(-1), [...snapshot].at(-1));
    for (const index of [100, -101, 2 ** 60, Infinity]) assert.equal(snapshot.at(index), undefined);
    assert.deepEqual(snapshot.at(NaN), snapshot.at(0));
    snapshot.dispose();
    snapshot[Symbol.dispose]();
    assert.throws(() => snapshot.length, refused("CLOSED"));
    assert.throws(() => snapshot.at(0), refused("CLOSED"));
    assert.throws(() => snapshot.history(0), refused("CLOSED"));
    assert.throws(() => snapshot.data(0), refused("CLOSED"));
    assert.throws(() => [...snapshot], refused("CLOSED"));
  });

  both("the stats count", async (pm) => {
    pm.storeMany([record(A), record("5.6.7.8:1", { peerType: "preferred", nextAttempt: NOW + 1 })]);
    assert.deepEqual(await change(pm, "getStats"), {
      durability: "commit",
      peers: 2,
      inbound: 1,
      outbound: 0,
      preferred: 1,
      ready: 1,
      netgroups: 2,
      pendingWrites: 0,
      failedWrites: 0,
      skippedRows: 0,
      refusedPeers: 0,
      bans: 0,
      logBytes: 0,
      forgivenFailures: 0,
      rejectedRows: 0,
    });
  });
}

test("a snapshot that is disposed of while it is iterated ends the loop with an error", (t) => {
  const pm = open(t);
  pm.ensureExistsMany([A, "5.6.7.8:1"]);
  const snapshot = pm.getAllPeers();
  assert.throws(() => {
    for (const _ of snapshot) snapshot.dispose();
  }, refused("CLOSED"));
});
