"use strict";

// Bytes that go with a peer, and peers by their hosts. Each test is run with the synchronous and with the asynchronous methods.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { DATA_CAPACITY } = require("peer-manager");
const { NOW, file, open, refused } = require("./helper.js");

const [A, B] = ["1.2.3.4:5", "example.org:6"];
const NONE = Buffer.alloc(0);

for (const kind of ["", "Async"]) {
  const change = async (pm, method, ...parameters) => pm[method + kind](...parameters);
  const both = (name, body) => test(`${name}${kind && ", with promises"}`, (t) => body(open(t), t));

  both("bytes go with a peer", async (pm) => {
    pm.ensureExistsMany([A, B]);
    assert.deepEqual(pm.getData(A), NONE);
    assert.equal(await change(pm, "setData", A, Uint8Array.of(0, 105, 255, 0)), undefined);
    assert.deepEqual(pm.getData({ host: "1.2.3.4", port: 5 }), Buffer.from([0, 105, 255, 0]));
    assert.deepEqual(pm.getData(B), NONE);
    await change(pm, "setData", A, Buffer.from("another"));
    await change(pm, "update", A, "outbound", "reset");
    await change(pm, "store", { address: A, nextAttempt: 0, numFailures: 7, peerType: "inbound" });
    assert.equal(String(pm.getData(A)), "another");
    await change(pm, "setData", A, NONE);
    assert.deepEqual(pm.getData(A), NONE);
  });

  both("data ends with the peer", async (pm) => {
    for (const [method, ...parameters] of [["remove", A], ["removeHost", "1.2.3.4"], ["clearAll"]]) {
      pm.ensureExists(A);
      await change(pm, "setData", A, Buffer.from("id"));
      await change(pm, method, ...parameters);
      pm.ensureExists(A);
      assert.deepEqual(pm.getData(A), NONE);
    }
  });

  both("as many bytes as there is room for", async (pm) => {
    pm.ensureExists(A);
    assert.equal(DATA_CAPACITY, 255);
    const longest = Uint8Array.from({ length: DATA_CAPACITY }, (_, i) => i);
    await change(pm, "setData", A, longest);
    for (const size of [DATA_CAPACITY + 1, 1_000_000]) {
      await assert.rejects(change(pm, "setData", A, new Uint8Array(size)), refused("INVALID_ARGUMENT"));
    }
    assert.deepEqual(pm.getData(A), Buffer.from(longest));
    assert.deepEqual(pm.getAllPeers().data(0), Buffer.from(longest));
  });

  both("a part of a larger array, and shared memory, are bytes too", async (pm) => {
    pm.ensureExists(A);
    await change(pm, "setData", A, Buffer.from("xxabcxx").subarray(2, 5));
    assert.equal(String(pm.getData(A)), "abc");
    const shared = new Uint8Array(new SharedArrayBuffer(4), 1, 2);
    shared.set([7, 8]);
    await change(pm, "setData", A, shared);
    assert.deepEqual(pm.getData(A), Buffer.from([7, 8]));
    const moved = Uint8Array.of(9);
    structuredClone(moved.buffer, { transfer: [moved.buffer] });
    await change(pm, "setData", A, moved); // it holds nothing any more
    assert.deepEqual(pm.getData(A), NONE);
  });

  both("a peer that is unknown has no data", async (pm) => {
    assert.equal(pm.getData(A), undefined);
    for (const data of [Buffer.from("id"), NONE]) {
      await assert.rejects(change(pm, "setData", A, data), refused("NOT_FOUND", /1\.2\.3\.4:5/));
    }
    assert.equal(pm.peerCount(), 0);
  });

  both("a snapshot has the data of its moment", async (pm) => {
    pm.ensureExistsMany([A, B]);
    await change(pm, "setData", A, Buffer.from("id"));
    const snapshot = await change(pm, "getAllPeers");
    await change(pm, "setData", A, Buffer.from("another"));
    await change(pm, "setData", B, Buffer.from("more"));
    pm.close();
    const byAddress = Object.fromEntries([0, 1].map((i) => [String(snapshot.at(i).address), String(snapshot.data(i))]));
    assert.deepEqual(byAddress, { [A]: "id", [B]: "" });
    assert.deepEqual(snapshot.data(-1), snapshot.data(1));
    for (const index of [2, -3, 2 ** 60, Infinity]) assert.equal(snapshot.data(index), undefined);
  });

  for (const durability of ["commit", "sync", "deferred"]) {
    both(`data survives a restart and an import with ${durability}`, async (importer, t) => {
      const options = { dbPath: file(t), durability };
      const first = open(t, options);
      first.ensureExistsMany([A, B]);
      await change(first, "setData", A, Buffer.from("id"));
      await change(first, "setData", B, Buffer.from("gone"));
      await change(first, "setData", B, NONE);
      await change(first, "close");
      const second = open(t, options);
      assert.deepEqual([String(second.getData(A)), String(second.getData(B))], ["id", ""]);
      importer.ensureExists(B);
      await change(importer, "setData", B, Buffer.from("mine"));
      assert.equal(await change(importer, "importFile", options.dbPath), 1);
      assert.deepEqual([String(importer.getData(A)), String(importer.getData(B))], ["id", "mine"]);
    });
  }

  both("a host is removed on all its ports", async (pm) => {
    for (const host of ["1.2.3.4", "::ffff:1.2.3.4"]) {
      pm.ensureExistsMany(Array.from({ length: 10 }, (_, i) => ({ host: "1.2.3.4", port: i + 1 })));
      pm.store({ address: "1.2.3.4:11", nextAttempt: NOW, numFailures: 0, peerType: "preferred" });
      pm.ensureExistsMany(["1.2.3.5:1", B]);
      assert.equal(await change(pm, "removeHost", host), 11);
      assert.equal(await change(pm, "removeHost", host), 0);
      assert.equal(pm.peerCount(), 2);
    }
    assert.equal(await change(pm, "removeHost", "Example.ORG."), 1);
    assert.equal(pm.load(B), undefined);
  });
}

test("what is answered is a copy", (t) => {
  const pm = open(t);
  pm.ensureExists(A);
  pm.setData(A, Buffer.from("id"));
  pm.getData(A).fill(0);
  assert.equal(String(pm.getData(A)), "id");
});
