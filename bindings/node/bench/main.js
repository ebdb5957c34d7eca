"use strict";

// What a call costs, in one run with the same call from C, because machines differ and this one may be busy.
//
//   node bench/main.js PROGRAM       the program is load.c, compiled

const { execFileSync } = require("node:child_process");
const { PeerAddress, PeerManager } = require("peer-manager");

const PEERS = 100_000;
const FEW = 1000; // as many as a node deals with all the time: they stay in the caches
const CALLS = 2000; // a round: so short that some of them are not interrupted, on a busy machine
const ROUNDS = 100;
const STEP = 7919; // a prime: the next peer is far away in memory, as in load.c
const [, , program] = process.argv;

const hosts = Array.from({ length: PEERS }, (_, i) => `1.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
const objects = hosts.map((host) => ({ host, port: 11625 }));
const addresses = objects.map((address) => PeerAddress.from(address));
const texts = addresses.map(String);

const pm = PeerManager.open();
pm.ensureExistsMany(addresses);
const snapshot = pm.getAllPeers();

/** Nanoseconds a call: the quickest of some rounds, about so many of the peers. */
function best(call, asked, calls = CALLS) {
  let least = Infinity;
  for (let round = 0, at = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++, at = (at + STEP) % asked) call(at);
    least = Math.min(least, Number(process.hrtime.bigint() - start) / calls);
  }
  return least;
}

/** The same of the program in C. */
function bestInC(asked) {
  const printed = execFileSync(program, [PEERS, asked, CALLS, ROUNDS], { encoding: "utf8" });
  return Math.min(...printed.trim().split("\n").map(Number));
}

const loads = {
  "load(PeerAddress)": (at) => pm.load(addresses[at]),
  "load({ host, port })": (at) => pm.load(objects[at]),
  'load("host:port")': (at) => pm.load(texts[at]),
};
const others = {
  "load(...).address.host": (at) => pm.load(addresses[at]).address.host,
  "updateBackoff(PeerAddress)": (at) => pm.updateBackoff(addresses[at], "reset"),
  "snapshot.at": (at) => snapshot.at(at),
};
const many = {
  "loadRandomPeers(50)": () => pm.loadRandomPeers(50, { typeFilter: "any", useNextAttempt: false }),
  "getPeersToSend(50)": () => pm.getPeersToSend(50),
};

const print = (name, time, more = "") => console.log(`  ${name.padEnd(28)}${time.toFixed(0).padStart(7)} ns${more}`);

/** The same of a call that returns a Promise, one after the other. */
async function bestAsync(call, calls) {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) await call(i);
    least = Math.min(least, Number(process.hrtime.bigint() - start) / calls);
  }
  return least;
}

function compareLoads() {
  for (const asked of [FEW, PEERS]) {
    console.log(`of ${PEERS} peers, ${asked} are asked about`);
    // Before and after, as the machine may have got slower or faster meanwhile.
    const before = bestInC(asked);
    const times = Object.entries(loads).map(([name, call]) => [name, best(call, asked)]);
    const inC = Math.min(before, bestInC(asked));
    print("C: peer_manager_load", inC);
    for (const [name, time] of times) print(name, time, `, ${(time - inC).toFixed(0)} over C's`);
  }
}

async function main() {
  for (const call of Object.values({ ...loads, ...others })) best(call, FEW); // compiles it
  compareLoads();
  console.log("others");
  for (const [name, call] of Object.entries(others)) print(name, best(call, FEW));
  for (const [name, call] of Object.entries(many)) print(name, best(call, FEW, CALLS / 50));
  print("updateBackoffAsync", await bestAsync((at) => pm.updateBackoffAsync(addresses[at], "reset"), CALLS / 20));
}

main();
