"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { PeerManager } = require("peer-manager");
const { NOW, open, outOfRange, refused, wrongType } = require("./helper.js");

const A = "1.2.3.4:5";

test("a clock may tell the time as a number or as a bigint", (t) => {
  for (const time of [NOW, BigInt(NOW)]) {
    const pm = open(t, { clock: () => time });
    pm.ensureExists(A);
    assert.equal(pm.load(A).nextAttempt, NOW);
  }
});

test("without a clock it is the system's time", (t) => {
  const pm = open(t, { clock: undefined });
  const before = Math.floor(Date.now() / 1000);
  pm.ensureExists(A);
  assert.ok(pm.load(A).nextAttempt >= before && pm.load(A).nextAttempt <= Date.now() / 1000);
});

test("an asynchronous call works with the time at which it was made", async (t) => {
  let now = 100;
  const pm = open(t, { clock: () => now });
  const calls = [];
  for (; now < 150; now++) calls.push(pm.ensureExistsAsync({ host: "1.2.3.4", port: now }));
  await Promise.all(calls);
  for (const { address, nextAttempt } of pm.getAllPeers()) assert.equal(nextAttempt, address.port);
  assert.equal(pm.peerCount(), 50);
});

test("what a clock throws comes out of the call, which has done nothing", async (t) => {
  let broken = false;
  const failure = new Error("the battery is flat");
  const clock = () => {
    if (broken) throw failure;
    return NOW;
  };
  const pm = open(t, { clock, keepHistory: true });
  broken = true;
  const same = (error) => error === failure;
  assert.throws(() => pm.ensureExists(A), same);
  assert.throws(() => pm.loadRandomPeers(1), same);
  assert.throws(() => pm.ban("1.2.3.4", NOW + 1), same);
  assert.throws(() => pm.unban("1.2.3.4"), same);
  assert.throws(() => pm.isBanned(A), same);
  assert.throws(() => pm.bans(), same);
  await assert.rejects(pm.banAsync("1.2.3.4", NOW + 1), same);
  await assert.rejects(pm.updateBackoffAsync(A, "increase"), same);
  assert.throws(() => PeerManager.open({ clock }), same);
  await assert.rejects(PeerManager.openAsync({ clock }), same);
  assert.equal(pm.loadHistory(A), undefined);
  assert.equal(pm.peerCount(), 0);
  broken = false;
  assert.deepEqual(pm.bans(), []);
  pm.ensureExists(A);
  assert.equal(pm.peerCount(), 1);
});

test("what is no time is refused, and the call has done nothing", async (t) => {
  let time = NOW;
  const pm = open(t, { clock: () => time });
  for (time of [undefined, null, "12", {}]) assert.throws(() => pm.ensureExists(A), wrongType(/what options\.clock/));
  for (time of [1.5, NaN, Infinity, 2 ** 60, 2n ** 63n]) assert.throws(() => pm.ensureExists(A), outOfRange());
  await assert.rejects(pm.ensureExistsAsync(A), outOfRange());
  assert.equal(pm.peerCount(), 0);
});

test("a time at the end of its range saturates", (t) => {
  const pm = open(t, { clock: () => 2n ** 63n - 1n });
  pm.updateBackoff(A, "increase");
  assert.equal(pm.load(A).nextAttempt, Infinity);
});

test("a clock may use the manager that it belongs to", (t) => {
  let pm;
  let counted = -1;
  const clock = () => {
    if (pm) counted = pm.peerCount();
    return NOW;
  };
  pm = PeerManager.open({ clock });
  t.after(() => pm.close());
  pm.ensureExists(A);
  pm.ensureExists("5.6.7.8:1");
  assert.equal(counted, 1);
});

test("a clock that closes the manager makes the call fail", async (t) => {
  let closes = false;
  const pm = open(t, {
    clock: () => {
      if (closes) pm.close();
      return NOW;
    },
  });
  closes = true;
  assert.throws(() => pm.ensureExists(A), refused("CLOSED"));
  await assert.rejects(pm.ensureExistsAsync(A), refused("CLOSED"));
});
