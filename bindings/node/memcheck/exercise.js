"use strict";

// Everything that touches C, once or a few times, to be run under valgrind: what is closed, what is collected, what
// fails, and what is left open at the end.

const { join } = require("node:path");
const { setImmediate: turn } = require("node:timers/promises");
const { PeerAddress, PeerManager, isReady, newRecord } = require("peer-manager");

const ADDRESSES = Array.from({ length: 50 }, (_, i) => ({ host: "1.2.3.4", port: i + 1 }));

function refuse(call) {
  try {
    call();
  } catch {
    return;
  }
  throw new Error(`not refused: ${call}`);
}

/** Every method of a manager, as it is or with promises. */
async function exercise(pm, kind) {
  const change = async (method, ...parameters) => pm[method + kind](...parameters);
  await change("ensureExistsMany", ADDRESSES);
  await change("ensureExists", "[2001:db8::1]:1");
  await change("store", newRecord("example.org:1", 5));
  await change("storeMany", [...(await change("getAllPeers"))]);
  await change("updateType", "1.2.3.4:1", "preferred", true);
  await change("updateBackoff", "1.2.3.4:2", "increase");
  await change("update", "1.2.3.4:3", "outbound", "reset");
  await change("remove", "1.2.3.4:4");
  await change("remove", "1.2.3.4:4").catch(() => {});
  await change("ensureExistsMany", ["1.1.1.1:1", "what"]).catch(() => {});
  await change("storeMany", [newRecord("1.1.1.1:1", 5), 7]).catch(() => {});
  await change("removePeersWithManyFailures", 1);
  await change("limitNextAttempt", 0);
  await change("setOwnAddresses", ["1.2.3.4:7", "node.example:1"]);
  await change("setOwnAddresses", ["1.2.3.4:7", "what"]).catch(() => {});
  await change("setOwnAddresses", []);
  await change("ban", "1.2.3.5", 2 ** 40);
  await change("ban", "9.9.0.0/16", null);
  await change("ban", "9.9.0.0/99", null).catch(() => {});
  await change("bans");
  pm.isBanned("9.9.9.9:9");
  refuse(() => pm.isBanned("what"));
  await change("unban", "1.2.3.5");
  await change("unban", "1.2.3.5").catch(() => {});
  pm.loadHistory("1.2.3.4:5");
  pm.loadHistory("8.8.8.8:8");
  await change("removePeersNotHeardSince", 5);
  await change("setData", "1.2.3.4:5", Buffer.alloc(255, 1));
  await change("setData", "1.2.3.4:6", new Uint8Array(0));
  await change("setData", "1.2.3.4:6", new Uint8Array(1000)).catch(() => {});
  await change("setData", "8.8.8.8:8", new Uint8Array(1)).catch(() => {});
  for (const address of ["1.2.3.4:5", { host: "1.2.3.4", port: 5 }, "8.8.8.8:8"]) {
    pm.load(address);
    pm.load(PeerAddress.from(address));
  }
  refuse(() => pm.load("what"));
  refuse(() => pm.load({ host: "1.2.3.4\0", port: 5 }));
  pm.getData("1.2.3.4:5");
  pm.getData("8.8.8.8:8");
  await change("removeHost", "example.org");
  await change("removeHost", "what?").catch(() => {});
  await change("getStats");
  await change("flush");
  pm.loadRandomPeers(1000, { typeFilter: "any", exclude: ADDRESSES.slice(0, 10) });
  pm.getPeersToSend(10, "1.2.3.4:5", { typeFilter: "any", exclude: ADDRESSES });
  refuse(() => pm.loadRandomPeers(1, { exclude: ["1.2.3.4:5", "what"] }));
  refuse(() => pm.getPeersToSend(1, "what"));
  pm.nextToDial("connect", 1000, ADDRESSES.slice(0, 10));
  pm.nextToDial("feeler", 1);
  refuse(() => pm.nextToDial("connect", 1, ["1.2.3.4:5", "what"]));
  pm.setOnline(false);
  pm.setOnline(true);
  pm.nextDue();
  pm.netgroup("1.2.3.4:5");
  refuse(() => pm.netgroup("what"));
  pm.getQuarantine();
  const snapshot = pm.getAllPeers();
  isReady(snapshot.at(0), 1);
  snapshot.history(0);
  snapshot.data(0);
  snapshot.dispose();
  await change("clearAll");
}

async function main(directory) {
  refuse(() => PeerManager.open({ dbPath: directory }));
  await PeerManager.openAsync({ dbPath: directory }).catch(() => {});
  refuse(() => PeerManager.open({ dbPath: join(directory, "unmade"), asmapPath: join(directory, "none.dat") }));
  await PeerManager.openAsync({ asmapPath: join(directory, "none.dat") }).catch(() => {});
  PeerAddress.parse("1.2.3.4:5").isRoutable;
  refuse(() => PeerAddress.parse("what"));
  refuse(() => new PeerAddress("1.2.3.4\0", 5));
  for (const durability of ["commit", "deferred"]) {
    const pm = PeerManager.open({
      dbPath: join(directory, durability),
      durability,
      clock: () => 100,
      rngSeed: 1,
      keepHistory: true,
    });
    await exercise(pm, "");
    pm.close();
    refuse(() => pm.ensureExistsMany(ADDRESSES));
    const other = await PeerManager.openAsync({ dbPath: join(directory, durability), durability, keepHistory: true });
    await exercise(other, "Async");
    const calls = ADDRESSES.map((address) => other.ensureExistsAsync(address));
    const last = durability === "commit" ? other.close() : other.closeAsync();
    await Promise.all([...calls, last]);
  }
  for (let i = 0; i < 20; i++) {
    const pm = PeerManager.open();
    pm.ensureExistsManyAsync(ADDRESSES);
    refuse(() => pm.loadHistory(ADDRESSES[0]));
    pm.getAllPeers();
  }
  globalThis.gc();
  await turn();
  globalThis.gc();
  await turn();
  const open = PeerManager.open(join(directory, "left open"));
  for (const address of ADDRESSES) open.ensureExistsAsync(address);
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
