"use strict";

// When peers were heard of, reached and tried. Changes are made with the synchronous and with the asynchronous methods.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { MAX_FAILURES } = require("peer-manager");
const { NOW, file, open, refused } = require("./helper.js");

const DAY = 24 * 60 * 60;
const [A, B, C] = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"];
const record = (address, peerType) => ({ address, nextAttempt: 0, numFailures: 0, peerType });

/** A history whose times are seconds after NOW; what is left out is never. */
function history(times) {
  const never = { firstHeard: null, lastHeard: null, firstReached: null, lastReached: null, lastAttempt: null };
  const seconds = Object.entries(times).map(([name, second]) => [name, NOW + second]);
  return { ...never, ...Object.fromEntries(seconds) };
}

for (const kind of ["", "Async"]) {
  const change = async (pm, method, ...parameters) => pm[method + kind](...parameters);
  const both = (name, body) =>
    test(`${name}${kind && ", with promises"}`, (t) => {
      const clock = { now: NOW };
      const kept = (options) => open(t, { clock: () => clock.now, keepHistory: true, ...options });
      return body(kept, clock, t);
    });

  both("a history follows what happens", async (kept, clock) => {
    const pm = kept();
    assert.equal(pm.loadHistory(A), undefined);
    await change(pm, "ensureExists", A);
    assert.deepEqual(pm.loadHistory({ host: "192.0.2.1", port: 1 }), history({ firstHeard: 0, lastHeard: 0 }));
    clock.now = NOW + 5;
    await change(pm, "updateBackoff", A, "increase");
    clock.now = NOW + 7;
    await change(pm, "update", A, "outbound", "reset");
    clock.now = NOW + 9;
    await change(pm, "updateBackoff", A, "hard-reset");
    const expected = { firstHeard: 0, lastHeard: 0, firstReached: 7, lastReached: 9, lastAttempt: 5 };
    assert.deepEqual(pm.loadHistory(A), history(expected));
    await change(pm, "remove", A);
    assert.equal(pm.loadHistory(A), undefined);
  });

  both("gossip is noted to the day", async (kept, clock) => {
    const pm = kept();
    await change(pm, "ensureExistsMany", [A, B]);
    clock.now = NOW + DAY - 1;
    await change(pm, "ensureExistsMany", [A, B]);
    assert.deepEqual(pm.loadHistory(A), history({ firstHeard: 0, lastHeard: 0 }));
    clock.now = NOW + DAY;
    await change(pm, "ensureExistsMany", [A]);
    assert.deepEqual(pm.loadHistory(A), history({ firstHeard: 0, lastHeard: DAY }));
    assert.deepEqual(pm.loadHistory(B), history({ firstHeard: 0, lastHeard: 0 }));
  });

  both("a record that is stored is heard of at the time of the call", async (kept, clock) => {
    const pm = kept();
    clock.now = NOW + 3;
    const stored = change(pm, "store", record(A, "outbound"));
    clock.now = NOW + 4;
    await Promise.all([stored, change(pm, "storeMany", [record(B, "inbound")])]);
    assert.equal(pm.loadHistory(A).firstHeard, NOW + 3);
    assert.equal(pm.loadHistory(B).firstHeard, NOW + 4);
  });

  both("who is no longer heard of is removed", async (kept, clock) => {
    const pm = kept();
    for (const [hour, address] of [A, B, C].entries()) {
      clock.now = NOW + 3600 * hour;
      await change(pm, "ensureExists", address);
    }
    await change(pm, "updateBackoff", B, "reset");
    assert.equal(await change(pm, "removePeersNotHeardSince", NOW), 0);
    assert.equal(await change(pm, "removePeersNotHeardSince", BigInt(NOW) + 7200n), 1);
    assert.equal(pm.load(A), undefined);
    assert.equal(await change(pm, "removePeersNotHeardSince", 2n ** 63n - 1n), 1);
    assert.equal(pm.peerCount(), 1);
    assert.equal(pm.load(B).peerType, "inbound");
  });

  both("a snapshot has the histories of its moment", async (kept, clock) => {
    const pm = kept();
    pm.ensureExistsMany([A, B]);
    clock.now = NOW + 1;
    pm.updateBackoff(B, "reset");
    const snapshot = await change(pm, "getAllPeers");
    pm.updateBackoff(A, "reset");
    pm.close();
    const byAddress = Object.fromEntries(
      [0, 1].map((index) => [String(snapshot.at(index).address), snapshot.history(index)]),
    );
    assert.deepEqual(byAddress, {
      [A]: history({ firstHeard: 0, lastHeard: 0 }),
      [B]: history({ firstHeard: 0, lastHeard: 0, firstReached: 1, lastReached: 1 }),
    });
    assert.deepEqual(snapshot.history(-1), byAddress[String(snapshot.at(-1).address)]);
    for (const index of [2, -3, 2 ** 60, Infinity]) assert.equal(snapshot.history(index), undefined);
    assert.deepEqual(snapshot.history(NaN), snapshot.history(0));
  });

  for (const durability of ["commit", "sync", "deferred"]) {
    both(`histories survive a restart and an import with ${durability}`, async (kept, clock, t) => {
      const dbPath = file(t);
      const first = kept({ dbPath, durability });
      await change(first, "ensureExists", A);
      clock.now = NOW + 5;
      await change(first, "update", A, "outbound", "reset");
      await change(first, "close");
      const expected = history({ firstHeard: 0, lastHeard: 0, firstReached: 5, lastReached: 5 });
      assert.deepEqual(kept({ dbPath }).loadHistory(A), expected);
      const importer = kept();
      assert.equal(await change(importer, "importFile", dbPath), 1);
      assert.deepEqual(importer.loadHistory(A), expected);
    });
  }

  both("who was there before begins with nothing", async (kept, clock, t) => {
    const dbPath = file(t);
    const without = open(t, { dbPath });
    await change(without, "ensureExists", A);
    await change(without, "close");
    const pm = kept({ dbPath });
    assert.deepEqual(pm.loadHistory(A), history({}));
    assert.equal(await change(pm, "removePeersNotHeardSince", 2n ** 63n - 1n), 0);
    clock.now = NOW + 1;
    await change(pm, "updateBackoff", A, "increase");
    assert.equal(pm.loadHistory(A).lastAttempt, NOW + 1);
  });

  both("the dead give their places to new peers", async (kept, clock) => {
    const pm = kept({ maxPeers: 1 });
    await change(pm, "update", A, "outbound", "reset");
    for (let failure = 0; failure < MAX_FAILURES; failure++) await change(pm, "updateBackoff", A, "increase");
    await assert.rejects(change(pm, "ensureExists", B), refused("LIMIT"));
    clock.now = NOW + 31 * DAY;
    await change(pm, "ensureExists", B);
    assert.equal(pm.load(A), undefined);
    assert.notEqual(pm.load(B), undefined);
  });
}

test("without the option there are no histories", (t) => {
  const pm = open(t);
  pm.ensureExists(A);
  const unsupported = refused("UNSUPPORTED", /keep_history/);
  for (const address of [A, B]) assert.throws(() => pm.loadHistory(address), unsupported);
  assert.throws(() => pm.removePeersNotHeardSince(NOW), unsupported);
  assert.throws(() => pm.getAllPeers().history(0), unsupported);
  for (const query of [{ heardSince: 1 }, { reachedSince: 1n }]) {
    assert.throws(() => pm.loadRandomPeers(1, query), refused("INVALID_ARGUMENT", /keep_history/));
    assert.throws(() => pm.getPeersToSend(1, null, query), refused("INVALID_ARGUMENT", /keep_history/));
  }
  assert.equal(pm.loadRandomPeers(1, { typeFilter: "any", heardSince: 0, reachedSince: 0n }).length, 1);
});

test("queries ask for the past", (t) => {
  let now = NOW;
  const pm = open(t, { clock: () => now, keepHistory: true });
  for (const address of ["8.8.8.8:1", "8.8.8.8:2", "8.8.8.8:3"]) {
    pm.ensureExists(address);
    now += 3600;
  }
  now = NOW + 10_000;
  pm.updateBackoff("8.8.8.8:1", "hard-reset");
  const ports = (since) => {
    const query = { typeFilter: "any", ...since };
    const drawn = pm.loadRandomPeers(9, query).map(({ port }) => port);
    const told = pm.getPeersToSend(9, null, query).map(({ port }) => port);
    assert.deepEqual(told.sort(), drawn.sort());
    return drawn;
  };
  assert.deepEqual(ports({}), [1, 2, 3]);
  assert.deepEqual(ports({ heardSince: NOW + 3601 }), [1, 3]);
  assert.deepEqual(ports({ heardSince: BigInt(NOW) + 7200n }), [1, 3]);
  assert.deepEqual(ports({ heardSince: NOW + 7201 }), [1]);
  assert.deepEqual(ports({ reachedSince: 1 }), [1]);
  assert.deepEqual(ports({ reachedSince: NOW + 10_000 }), [1]);
  assert.deepEqual(ports({ reachedSince: NOW + 10_001 }), []);
  assert.deepEqual(ports({ heardSince: -(2n ** 63n), reachedSince: NOW }), [1]);
});
