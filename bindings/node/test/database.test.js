"use strict";

const assert = require("node:assert/strict");
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { pathToFileURL } = require("node:url");
const { setTimeout: wait } = require("node:timers/promises");
const { test } = require("node:test");
const { PeerManager } = require("peer-manager");
const { directory, file, open, refused } = require("./helper.js");

const A = "1.2.3.4:5";

test("peers come back from the file, with every durability, however the path is given", async (t) => {
  for (const durability of ["commit", "sync", "deferred"]) {
    const dbPath = file(t);
    const pm = await PeerManager.openAsync({ dbPath: pathToFileURL(dbPath), durability });
    pm.ensureExists(A);
    await pm.ensureExistsAsync("5.6.7.8:1");
    assert.equal(pm.getStats().durability, durability);
    await pm.closeAsync();
    const again = PeerManager.open(dbPath);
    assert.equal(again.peerCount(), 2);
    again.close();
  }
});

test("a path may hold any character but NUL", (t) => {
  const dbPath = `${directory(t)}/péers % ?mode=ro 'x' \u{1f600}.db`;
  open(t, { dbPath }).ensureExists(A);
  assert.ok(existsSync(dbPath));
});

test("deferred changes wait for their time or for a flush", async (t) => {
  const pm = open(t, { dbPath: file(t), durability: "deferred", flushIntervalMs: 3_600_000 });
  pm.ensureExists(A);
  assert.equal(pm.getStats().pendingWrites, 1);
  await pm.flushAsync();
  assert.equal(pm.getStats().pendingWrites, 0);
});

test("a file has one manager at a time", async (t) => {
  const dbPath = file(t);
  open(t, { dbPath });
  const busy = refused("BUSY", /another peer manager has it open/);
  assert.throws(() => open(t, { dbPath, busyTimeoutMs: 1 }), busy);
  await assert.rejects(PeerManager.openAsync({ dbPath, busyTimeoutMs: 1 }), busy);
});

test("an asynchronous open waits for the first manager without stopping the event loop", async (t) => {
  const dbPath = file(t);
  const first = open(t, { dbPath });
  let isOpen = false;
  const second = PeerManager.openAsync({ dbPath, busyTimeoutMs: 60_000 }).finally(() => (isOpen = true));
  for (let tick = 0; tick < 20; tick++) await wait(1); // had it waited on this thread, it would have given up
  assert.ok(!isOpen);
  first.close();
  await (await second).closeAsync();
});

test("a damaged file is refused and left alone, or moved away and replaced", async (t) => {
  const dbPath = file(t);
  writeFileSync(dbPath, "this is no database, but it is long enough to look at".repeat(100));
  const before = readFileSync(dbPath);
  await assert.rejects(PeerManager.openAsync(dbPath), refused("CORRUPT"));
  assert.deepEqual(readFileSync(dbPath), before);

  const pm = open(t, { dbPath, onCorrupt: "quarantine" });
  const quarantine = pm.getQuarantine();
  assert.deepEqual(readFileSync(quarantine.path), before);
  assert.deepEqual([quarantine.saved, quarantine.lost], [0, 0]);
  assert.equal(open(t).getQuarantine(), undefined);
});

test("SQLite's code is handed on", (t) => {
  const CANTOPEN = 14; // the low byte; above it SQLite says more
  assert.throws(
    () => open(t, { dbPath: directory(t) }),
    (error) => error.status === "DATABASE" && (error.sqliteCode & 0xff) === CANTOPEN,
  );
});
