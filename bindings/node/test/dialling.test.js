"use strict";

// Whom to dial and when, while the node is offline, and never the node itself.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { PeerAddress, REALLY_DEAD } = require("peer-manager");
const { NOW, open, outOfRange, refused, wrongType } = require("./helper.js");

const [PREFERRED, OUTBOUND, INBOUND] = ["8.1.0.1:5", "8.2.0.1:5", "8.3.0.1:5"];
const record = (address, peerType, changes = {}) => ({
  address,
  nextAttempt: NOW,
  numFailures: 0,
  peerType,
  ...changes,
});

/** A peer of each type in a netgroup of its own, and inbound ones in twenty more. */
function node(t, options) {
  const pm = open(t, options);
  pm.store(record(PREFERRED, "preferred"));
  pm.store(record(OUTBOUND, "outbound"));
  pm.store(record(INBOUND, "inbound"));
  for (let netgroup = 10; netgroup < 30; netgroup++) pm.ensureExists(`8.${netgroup}.0.1:5`);
  return pm;
}

test("known peers are dialled first, and none next to one that is busy", (t) => {
  const pm = node(t);
  const chosen = pm.nextToDial("connect", 3);
  assert.ok(chosen[0] instanceof PeerAddress);
  assert.deepEqual(chosen.slice(0, 2).map(String), [PREFERRED, OUTBOUND]);
  const others = pm.nextToDial("connect", 3, new Set([PREFERRED, "8.2.77.77:5"])).map(String);
  assert.equal(others.length, 3);
  assert.ok(!others.includes(PREFERRED) && !others.includes(OUTBOUND));
  assert.equal(pm.nextToDial("connect", Number.MAX_SAFE_INTEGER, [PREFERRED]).length, 22);
  assert.deepEqual(pm.nextToDial("connect", 0), []);
});

test("a feeler is a peer that was only heard of", (t) => {
  const pm = node(t);
  for (let round = 0; round < 50; round++) {
    const [feeler] = pm.nextToDial("feeler", 1, [INBOUND]);
    assert.equal(pm.load(feeler).peerType, "inbound");
    assert.notEqual(String(feeler), INBOUND);
  }
});

test("the dead and the waiting are not dialled", (t) => {
  let now = NOW;
  const pm = open(t, { clock: () => now });
  pm.store(record(PREFERRED, "preferred", { numFailures: REALLY_DEAD + 1 }));
  pm.store(record(OUTBOUND, "outbound", { numFailures: REALLY_DEAD }));
  pm.store(record(INBOUND, "inbound", { nextAttempt: NOW + 5 }));
  assert.deepEqual(pm.nextToDial("connect", 3).map(String), [OUTBOUND]);
  now = NOW + 5;
  assert.deepEqual(pm.nextToDial("connect", 3).map(String), [OUTBOUND, INBOUND]);
});

test("what makes no sense is refused", (t) => {
  const pm = node(t);
  assert.throws(() => pm.nextToDial("call", 1), wrongType(/^purpose must be one of "connect", "feeler"/));
  assert.throws(() => pm.nextToDial("connect", -1), outOfRange(/^size/));
  assert.throws(() => pm.nextToDial("connect", 1, "8.1.0.1:5"), wrongType(/^busy/));
  assert.throws(() => pm.nextToDial("connect", 1, [INBOUND, "what"]), refused("INVALID_ADDRESS", /^busy\[1\]: "what"/));
  assert.throws(() => pm.setOnline(1), wrongType(/^online must be true or false/));
  assert.throws(() => pm.setOwnAddresses(INBOUND), wrongType(/^addresses/));
  const query = (query) => () => pm.loadRandomPeers(1, query);
  assert.throws(query({ seniority: 65 }), refused("INVALID_ARGUMENT", /seniority is 65/));
  assert.throws(query({ seniority: -1 }), outOfRange(/^query\.seniority/));
  assert.throws(query({ apart: 1 }), wrongType(/^query\.apart/));
  assert.throws(query({ networks: [] }), wrongType(/^query\.networks/));
  assert.throws(query({ networks: ["ipv4", "ipx"] }), wrongType(/^query\.networks\[1\] must be one of "ipv4", "ipv6"/));
  assert.throws(() => pm.getPeersToSend(1, null, { shareKey: 16 }), refused("INVALID_ARGUMENT", /share_key is 16/));
});

test("the next peer to become due is known", (t) => {
  let now = NOW;
  const pm = node(t, { clock: () => now });
  assert.equal(pm.nextDue(), undefined);
  pm.store(record(PREFERRED, "preferred", { nextAttempt: NOW + 9 }));
  pm.store(record(OUTBOUND, "outbound", { nextAttempt: NOW + 7 }));
  assert.equal(pm.nextDue(), NOW + 7);
  now = NOW + 7;
  assert.equal(pm.nextDue(), NOW + 9);
  pm.store(record(PREFERRED, "preferred", { nextAttempt: 2n ** 63n - 1n }));
  assert.equal(pm.nextDue(), Infinity);
});

test("no peer is to blame while the node is offline", (t) => {
  const pm = node(t);
  assert.equal(pm.setOnline(false), undefined);
  for (let round = 0; round < 20; round++) {
    pm.updateBackoff(PREFERRED, "increase");
    const { numFailures, nextAttempt } = pm.load(PREFERRED);
    assert.equal(numFailures, 0);
    assert.ok(nextAttempt > NOW && nextAttempt <= NOW + 60);
  }
  pm.setOnline(true);
  pm.updateBackoff(PREFERRED, "increase");
  assert.equal(pm.load(PREFERRED).numFailures, 1);
  assert.equal(pm.getStats().forgivenFailures, 20);
});

for (const kind of ["", "Async"]) {
  test(`a node is never a peer of its own${kind && ", with promises"}`, async (t) => {
    const pm = node(t);
    const set = async (addresses) => pm[`setOwnAddresses${kind}`](addresses);
    assert.equal(await set(["[::ffff:8.1.0.1]:5", "node.example:5"]), undefined);
    assert.equal(pm.load(PREFERRED), undefined);
    assert.throws(() => pm.ensureExists(PREFERRED), refused("REFUSED", /8\.1\.0\.1:5.*this node itself/));
    await assert.rejects(pm.updateAsync("Node.Example:5", "outbound", "reset"), refused("REFUSED"));
    assert.equal(pm.ensureExistsMany([PREFERRED, "9.9.9.9:9"]), 1);
    assert.equal(pm.getStats().refusedPeers, 3);
    await assert.rejects(set([OUTBOUND, "what"]), refused("INVALID_ADDRESS", /^addresses\[1\]/));
    assert.notEqual(pm.load(OUTBOUND), undefined);
    await set([]);
    pm.ensureExists(PREFERRED);
  });
}

test("a query keeps to networks", (t) => {
  const pm = open(t);
  const hosts = {
    ipv4: "1.2.3.4:5",
    ipv6: "[2001:db8::1]:5",
    onion: "a.onion:5",
    i2p: "b.i2p:5",
    name: "example.org:5",
  };
  pm.ensureExistsMany(Object.values(hosts));
  const admitted = (networks) => pm.loadRandomPeers(9, { typeFilter: "any", networks }).map(String);
  assert.equal(admitted(undefined).length, 5);
  for (const [network, address] of Object.entries(hosts)) assert.deepEqual(admitted([network]), [address]);
  assert.deepEqual(admitted(new Set(["ipv4", "onion"])).sort(), [hosts.ipv4, hosts.onion]);
  assert.equal(admitted(Object.keys(hosts)).length, 5);
});

test("a query prefers the senior and keeps apart", (t) => {
  const pm = open(t);
  pm.ensureExistsMany(["1.1.0.1:5", "2.2.0.1:5"]);
  for (let n = 1; n <= 20; n++) pm.ensureExists(`3.3.0.${n}:5`);
  const query = { typeFilter: "any", exclude: ["3.3.200.200:5"], apart: true };
  assert.equal(pm.loadRandomPeers(50, { ...query, apart: false }).length, 22);
  assert.equal(pm.loadRandomPeers(50, query).length, 2);
  for (let round = 0; round < 50; round++) {
    assert.equal(String(pm.loadRandomPeers(1, { ...query, seniority: 64 })[0]), "1.1.0.1:5");
  }
});

test("each share key has a list of its own", (t) => {
  const pm = open(t, { shareCacheSeconds: 3600, shareMaxPercent: 10 });
  pm.ensureExistsMany(Array.from({ length: 200 }, (_, i) => ({ host: "8.8.8.8", port: i + 1 })));
  const told = (shareKey) => pm.getPeersToSend(20, null, { typeFilter: "any", shareKey }).map(String);
  assert.deepEqual(told(0), told(0));
  assert.deepEqual(told(15), told(15));
  assert.notDeepEqual(told(0), told(15));
});
