"use strict";

// Who is refused until a time. Each test is run with the synchronous and with the asynchronous methods.

const assert = require("node:assert/strict");
const { join } = require("node:path");
const { test } = require("node:test");
const { PeerManager } = require("peer-manager");
const { NOW, directory, file, open, refused } = require("./helper.js");

const BANNED = "203.0.113.7:9";
const RECORD = { address: BANNED, nextAttempt: NOW, numFailures: 0, peerType: "preferred" };

for (const kind of ["", "Async"]) {
  const change = async (pm, method, ...parameters) => pm[method + kind](...parameters);
  const both = (name, body) =>
    test(`${name}${kind && ", with promises"}`, (t) => {
      const clock = { now: NOW };
      return body(open(t, { clock: () => clock.now }), clock, t);
    });

  both("the banned are removed and refused until the end", async (pm, clock) => {
    pm.ensureExistsMany(["203.0.113.7:1", "[::ffff:203.0.113.8]:1", "203.0.114.1:1"]);
    pm.store(RECORD);
    assert.equal(await change(pm, "ban", "203.0.113.99/24", NOW + 60), 3);
    assert.deepEqual(
      Array.from(pm.getAllPeers(), ({ address }) => String(address)),
      ["203.0.114.1:1"],
    );
    assert.deepEqual([pm.getStats().bans, pm.getStats().refusedPeers], [1, 0]);
    const banned = refused("REFUSED", new RegExp(`203\\.0\\.113\\.0/24 is banned until ${NOW + 60}`));
    for (const [method, ...parameters] of [
      ["ensureExists", BANNED],
      ["store", RECORD],
      ["updateType", BANNED, "preferred"],
      ["updateBackoff", BANNED, "reset"],
      ["update", BANNED, "outbound", "reset"],
    ]) {
      await assert.rejects(change(pm, method, ...parameters), banned, method);
    }
    await change(pm, "storeMany", [RECORD]);
    assert.equal(await change(pm, "ensureExistsMany", [BANNED, "203.0.114.2:1"]), 1);
    assert.equal(pm.load(BANNED), undefined);
    assert.equal(pm.getStats().refusedPeers, 7);
    clock.now += 59;
    assert.equal(pm.isBanned("203.0.113.255:1"), true);
    clock.now += 1;
    assert.equal(pm.isBanned("203.0.113.255:1"), false);
    assert.equal(pm.getStats().bans, 0);
    assert.deepEqual(await change(pm, "bans"), []);
    await change(pm, "store", RECORD);
    assert.equal(pm.peerCount(), 3);
  });

  both("a ban is moved and ended", async (pm, clock) => {
    assert.equal(await change(pm, "ban", "example.org", BigInt(NOW) + 1n), 0);
    assert.equal(await change(pm, "ban", "Example.ORG.", null), 0);
    clock.now = 2n ** 63n - 2n;
    assert.ok(pm.isBanned("example.org:1"));
    assert.ok(!pm.isBanned({ host: "a.example.org", port: 1 }));
    assert.deepEqual(await change(pm, "bans"), [{ subject: "example.org", until: null }]);
    assert.equal(await change(pm, "unban", "EXAMPLE.org"), undefined);
    assert.ok(!pm.isBanned("example.org:1"));
    await assert.rejects(change(pm, "unban", "example.org"), refused("NOT_FOUND", /^example\.org is not banned$/));
  });

  both("a host stays refused as long as one ban lasts", async (pm, clock) => {
    await change(pm, "ban", "203.0.113.0/24", NOW + 2);
    await change(pm, "ban", "203.0.113.7", NOW + 1);
    await change(pm, "unban", "203.0.113.7");
    assert.ok(pm.isBanned(BANNED));
    await change(pm, "ban", "203.0.113.7", NOW + 3);
    clock.now += 2;
    assert.ok(pm.isBanned(BANNED));
    assert.ok(!pm.isBanned("203.0.113.8:9"));
  });

  both("a ban has a canonical form, and a host is one in every spelling", async (pm) => {
    for (const [subject, canonical, within, beyond] of [
      ["203.0.113.7", "203.0.113.7", "[2002:cb00:7107::1]:5", "203.0.113.6:5"],
      ["203.0.113.7/32", "203.0.113.7", "203.0.113.7:5", "203.0.113.6:5"],
      ["2001:DB8::1", "2001:db8::1", "[2001:db8:0::1]:5", "[2001:db8::2]:5"],
      ["0.0.0.0/0", "0.0.0.0/0", "255.255.255.255:5", "[2001:db8::2]:5"],
      ["2001:db8:7fff::/33", "2001:db8::/33", "[2001:db8::]:5", "[2001:db8:8000::]:5"],
    ]) {
      await change(pm, "ban", subject, NOW + 5);
      assert.deepEqual(await change(pm, "bans"), [{ subject: canonical, until: NOW + 5 }]);
      assert.ok(pm.isBanned(within), within);
      assert.ok(!pm.isBanned(beyond), beyond);
      await change(pm, "unban", subject);
    }
  });

  both("bans are listed in order, whole, and as they are now", async (pm, clock) => {
    const longest = Array(4).fill("a".repeat(62)).join(".");
    for (const subject of [longest, "2001:db8::/32", "203.0.113.0/24", "198.51.100.1"]) {
      await change(pm, "ban", subject, NOW + subject.length);
    }
    const order = ["198.51.100.1", "203.0.113.0/24", "2001:db8::/32", longest];
    const expected = order.map((subject) => ({ subject, until: NOW + subject.length }));
    assert.deepEqual(await change(pm, "bans"), expected);
    assert.equal(pm.getStats().bans, 4);
    clock.now += 13;
    assert.deepEqual(await change(pm, "bans"), [expected[1], expected[3]]);
    const many = Array.from({ length: 3000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
    for (const subject of many) pm.ban(subject, null);
    assert.deepEqual(
      (await change(pm, "bans")).map(({ subject }) => subject),
      [...many, ...order.filter((subject) => subject !== "198.51.100.1" && !subject.includes(":"))],
    );
  });

  for (const durability of ["commit", "sync", "deferred"]) {
    both(`bans survive a restart and an import with ${durability}`, async (_pm, clock, t) => {
      const place = directory(t);
      const other = open(t, { dbPath: join(place, "other.db") });
      other.ensureExistsMany([BANNED, "example.org:1"]);
      other.ban("198.51.100.1", null);
      const options = { dbPath: join(place, "peers.db"), durability, clock: () => clock.now };
      const first = open(t, options);
      first.ensureExistsMany([BANNED, "example.org:2"]);
      assert.equal(await change(first, "ban", "203.0.113.0/24", null), 1);
      await change(first, "close");
      const second = open(t, options);
      assert.deepEqual(await change(second, "bans"), [{ subject: "203.0.113.0/24", until: null }]);
      await assert.rejects(change(second, "ensureExists", BANNED), refused("REFUSED", /banned for good/));
      assert.equal(await change(second, "importFile", join(place, "other.db")), 1);
      assert.equal(second.getStats().refusedPeers, 2);
      assert.equal(second.getStats().bans, 1);
      await change(second, "unban", "203.0.113.0/24");
      await change(second, "close");
      const third = open(t, options);
      assert.deepEqual(third.bans(), []);
      assert.equal(await change(third, "importFile", join(place, "other.db")), 1);
    });
  }
}

test("a ban that is asked for takes its place among the changes before and after it", async (t) => {
  const pm = open(t, { dbPath: file(t) });
  const calls = [
    pm.ensureExistsAsync(BANNED),
    pm.banAsync("203.0.113.0/24", null),
    pm.bansAsync(),
    pm.ensureExistsAsync(BANNED),
    pm.unbanAsync("203.0.113.0/24"),
    pm.ensureExistsAsync(BANNED),
  ];
  const results = await Promise.allSettled(calls);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
  assert.equal(results[1].value, 1);
  assert.equal(results[2].value.length, 1);
});

test("without a clock a ban lasts until the system's time", async (t) => {
  const pm = PeerManager.open();
  t.after(() => pm.close());
  const now = Math.floor(Date.now() / 1000);
  pm.ban("203.0.113.7", now + 3600);
  assert.ok(pm.isBanned(BANNED));
  assert.throws(() => pm.ban("203.0.113.7", now - 1), refused("INVALID_ARGUMENT"));
});
