"use strict";

// What becomes of a manager that is never closed: collected, left open at the end of the process, or of a worker.

const assert = require("node:assert/strict");
const { Worker } = require("node:worker_threads");
const { once } = require("node:events");
const { join } = require("node:path");
const { test } = require("node:test");
const { PeerManager } = require("peer-manager");
const { file, open, run } = require("./helper.js");

const COLLECT = `
  const { PeerManager } = require("peer-manager");
  const { setImmediate: turn } = require("node:timers/promises");
  const [, dbPath] = process.argv;
  async function collect() {
    for (let i = 0; i < 5; i++) { globalThis.gc(); await turn(); }
  }
`;

/** How many peers there are in a file that no manager holds. */
function countIn(dbPath) {
  const pm = PeerManager.open({ dbPath, busyTimeoutMs: 1 });
  const count = pm.peerCount();
  pm.close();
  return count;
}

test("a manager that is collected closes its file", async (t) => {
  const script = `${COLLECT}
    (async () => {
      (() => PeerManager.open(dbPath).ensureExists("1.2.3.4:5"))();
      await collect();
      console.log(PeerManager.open({ dbPath, busyTimeoutMs: 1 }).peerCount());
    })();`;
  assert.equal(await run(script, [file(t)], ["--expose-gc"]), "1");
});

test("a call that is under way keeps its manager from being collected", async (t) => {
  // Without the classes in between, which might keep it too.
  const script = `${COLLECT}
    const native = require("./lib/native.js");
    const { parameters } = require("./lib/options.js").optionsOf({ dbPath, durability: "sync" });
    (async () => {
      const calls = (() => {
        const handle = native.open(undefined, undefined, ...parameters);
        return Array.from({ length: 20 }, (_, i) => native.ensureExistsAsync(handle, undefined, "1.2.3.4", i + 1));
      })();
      await collect();
      await Promise.all(calls);
      await collect();
      console.log(PeerManager.open({ dbPath, busyTimeoutMs: 1 }).peerCount());
    })();`;
  assert.equal(await run(script, [file(t)], ["--expose-gc"]), "20");
});

test("thousands of managers and snapshots that are never closed are collected", async () => {
  const script = `${COLLECT}
    (async () => {
      const addresses = Array.from({ length: 3000 }, (_, i) => ({ host: "1.2.3.4", port: i + 1 }));
      const one = () => {
        const pm = PeerManager.open();
        pm.ensureExistsMany(addresses);
        pm.getAllPeers().at(0);
        pm.getAllPeers().dispose();
      };
      const some = async () => { for (let i = 0; i < 300; i++) { one(); if (i % 20 === 0) await collect(); } };
      await some();
      const before = process.memoryUsage().rss;
      await some();
      await some();
      console.log(process.memoryUsage().rss - before < 40e6);
    })();`;
  assert.equal(await run(script, [], ["--expose-gc"]), "true");
});

const DEFERRED = `
  const { PeerManager } = require("peer-manager");
  const [, dbPath] = process.argv;
  const pm = PeerManager.open({ dbPath, durability: "deferred", flushIntervalMs: 3600000 });
  pm.ensureExists("1.2.3.4:5");
`;

test("a process that ends with an open manager writes what is pending", async (t) => {
  for (const end of ["", "process.exit(0);", 'process.on("exit", () => pm.ensureExists("1.2.3.4:6"));']) {
    const dbPath = file(t);
    await run(`${DEFERRED} ${end}`, [dbPath]);
    assert.ok(countIn(dbPath) >= 1, end);
  }
});

test("process.exit carries out the calls that are under way", async (t) => {
  const dbPath = file(t);
  const script = `${DEFERRED}
    for (let port = 6; port < 106; port++) pm.ensureExistsAsync({ host: "1.2.3.4", port });
    pm.closeAsync();
    process.exit(0);`;
  await run(script, [dbPath]);
  assert.equal(countIn(dbPath), 101);
});

test("an exception that is not caught ends the process with open managers as any other", async (t) => {
  const dbPath = file(t);
  await assert.rejects(run(`${DEFERRED} throw new Error("oh");`, [dbPath]), /Error: oh/);
  assert.equal(countIn(dbPath), 1);
});

const WORKER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { PeerManager } = require(workerData.lib);
  const pm = PeerManager.open({ dbPath: workerData.dbPath, durability: "deferred", flushIntervalMs: 3600000 });
  pm.ensureExists("1.2.3.4:5");
  if (pm.load("1.2.3.4:5").address.port !== 5) throw new Error("another peer was loaded");
  const calls = Array.from({ length: 20 }, (_, i) => pm.ensureExistsAsync({ host: "5.6.7.8", port: i + 1 }));
`;

function start(t, script) {
  const dbPath = file(t);
  const workerData = { dbPath, lib: join(__dirname, "../lib/index.js") };
  return { dbPath, worker: new Worker(`${WORKER} ${script}`, { eval: true, workerData }) };
}

test("workers have managers of their own, and leave them open when they end", async (t) => {
  const mine = open(t);
  const starts = Array.from({ length: 8 }, () => start(t, "Promise.all(calls).then(() => parentPort.postMessage(1));"));
  await Promise.all(starts.map(({ worker }) => once(worker, "exit")));
  for (const { dbPath } of starts) assert.equal(countIn(dbPath), 21);
  mine.ensureExists("1.2.3.4:5");
  assert.equal(mine.peerCount(), 1);
});

test("a worker may exit or be terminated while its calls are under way", async (t) => {
  const exits = start(t, "process.exit(0);");
  await once(exits.worker, "exit");
  assert.equal(countIn(exits.dbPath), 21);
  const busy = start(t, "parentPort.postMessage(1); for (;;) pm.peerCount();");
  await once(busy.worker, "message");
  await busy.worker.terminate();
  assert.equal(countIn(busy.dbPath), 21);
});

test("the addon may be loaded by workers alone, again and again", async () => {
  const script = `
    const { Worker } = require("node:worker_threads");
    const { once } = require("node:events");
    const body = 'const { PeerManager } = require("peer-manager");'
      + 'const pm = PeerManager.open(); pm.ensureExistsAsync("1.2.3.4:5"); pm.getAllPeers();';
    (async () => {
      for (let i = 0; i < 5; i++) await once(new Worker(body, { eval: true }), "exit");
      console.log("fine");
    })();`;
  assert.equal(await run(script), "fine");
});
