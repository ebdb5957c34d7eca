"use strict";

// How values look in console.log and in the REPL.

const assert = require("node:assert/strict");
const { inspect } = require("node:util");
const { test } = require("node:test");
const { PeerAddress, PeerManager, Snapshot } = require("peer-manager");
const { NOW, file, open } = require("./helper.js");

const A = "1.2.3.4:5";

test("a manager shows where it is and how many peers there are, until it is closed", async (t) => {
  const dbPath = file(t);
  const pm = open(t, { dbPath });
  pm.ensureExistsMany([A, "5.6.7.8:1"]);
  assert.equal(inspect(pm, { breakLength: Infinity }), `PeerManager { path: ${inspect(dbPath)}, peers: 2 }`);
  assert.equal(inspect([pm], { depth: 0 }), "[ [PeerManager] ]");
  pm.close();
  assert.equal(inspect(pm, { breakLength: Infinity }), `PeerManager { path: ${inspect(dbPath)}, closed: true }`);
  const memory = await PeerManager.openAsync();
  assert.equal(inspect(memory), "PeerManager { path: null, peers: 0 }");
  const closed = memory.closeAsync();
  assert.equal(inspect(memory), "PeerManager { path: null, closed: true }");
  await closed;
});

test("addresses and records are read at a glance", (t) => {
  const pm = open(t);
  pm.ensureExistsMany([A, "[2001:db8::1]:5"]);
  assert.equal(inspect(pm.load(A).address), "PeerAddress 1.2.3.4:5");
  assert.equal(inspect([PeerAddress.parse("[2001:DB8::1]:5")]), "[ PeerAddress [2001:db8::1]:5 ]");
  assert.equal(
    inspect(pm.load(A), { breakLength: Infinity }),
    `{ address: PeerAddress 1.2.3.4:5, nextAttempt: ${NOW}, numFailures: 0, peerType: 'inbound' }`,
  );
  assert.equal(inspect(PeerAddress.parse(A), { colors: true }), "PeerAddress \u001b[32m1.2.3.4:5\u001b[39m");
});

test("a snapshot is shown as an array is", (t) => {
  const pm = open(t);
  pm.ensureExistsMany(Array.from({ length: 150 }, (_, i) => ({ host: "1.2.3.4", port: i + 1 })));
  const snapshot = pm.getAllPeers();
  const shown = inspect(snapshot);
  assert.match(shown, /^Snapshot\(150\) \[\n {2}\{\n {4}address: PeerAddress 1\.2\.3\.4:\d+,/);
  assert.match(shown, /\n {2}\.\.\. 50 more items\n\]$/);
  assert.equal(shown.match(/PeerAddress/g).length, 100);
  assert.equal(inspect(snapshot, { maxArrayLength: null }).match(/PeerAddress/g).length, 150);
  assert.equal(inspect([snapshot], { depth: 0 }), "[ [Snapshot(150)] ]");
  snapshot.dispose();
  assert.equal(inspect(snapshot), "Snapshot { disposed: true }");
  assert.equal(inspect(open(t).getAllPeers()), "Snapshot(0) []");
});

test("what only looks like one is shown, too", () => {
  for (const type of [PeerAddress, PeerManager, Snapshot]) {
    assert.equal(inspect(Object.create(type.prototype)), `${type.name} {}`);
    assert.equal(typeof inspect(type.prototype), "string");
  }
});
