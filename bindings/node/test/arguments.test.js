"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { PeerAddress, PeerManager, PeerManagerError, Snapshot } = require("peer-manager");
const { NOW, open, outOfRange, refused, wrongType } = require("./helper.js");

const A = "1.2.3.4:5";
const GOOD = { address: A, nextAttempt: 1, numFailures: 0, peerType: "inbound" };

/** Each is a method, its arguments, and what is thrown. */
const WRONG = [
  ["ensureExists", [], wrongType(/address must be a string "host:port" or an object \{ host, port \}, not undefined/)],
  ["ensureExists", [null], wrongType()],
  ["ensureExists", [42], wrongType(/not 42/)],
  ["ensureExists", [[A]], wrongType()],
  ["ensureExists", [{ host: 1, port: 5 }], wrongType(/address\.host must be a string, not 1/)],
  ["ensureExists", ["1.2.3.4\0:5"], wrongType(/without a NUL/)],
  ["ensureExists", ["1.2.3.4"], refused("INVALID_ADDRESS")],
  ["ensureExists", [{ host: "1.2.3.4", port: 0 }], refused("INVALID_ADDRESS")],
  ["ensureExists", [{ host: "1.2.3.4", port: 70000 }], outOfRange()],
  ["ensureExistsMany", [], wrongType(/addresses must be an array/)],
  ["ensureExistsMany", [A], wrongType(/addresses must be an array/)],
  ["ensureExistsMany", [[A, 7]], wrongType(/addresses\[1\] must be/)],
  ["importFile", [], wrongType(/path must be a string/)],
  ["importFile", [7], wrongType()],
  ["importFile", ["peers.db\0"], wrongType(/without a NUL/)],
  ["importFile", [new URL("https://example.org/peers.db")], { name: "TypeError" }],
  ["importFile", [""], refused("INVALID_ARGUMENT")],
  ["store", [A], wrongType(/record must be an object/)],
  ["store", [{ ...GOOD, nextAttempt: 1.5 }], outOfRange(/record\.nextAttempt/)],
  ["store", [{ ...GOOD, nextAttempt: 2 ** 53 }], outOfRange()],
  ["store", [{ ...GOOD, nextAttempt: 2n ** 63n }], outOfRange()],
  ["store", [{ ...GOOD, nextAttempt: "1" }], wrongType()],
  ["store", [{ ...GOOD, numFailures: -1 }], outOfRange(/record\.numFailures/)],
  ["store", [{ ...GOOD, numFailures: 2 ** 32 }], outOfRange()],
  ["store", [{ ...GOOD, numFailures: NaN }], outOfRange()],
  ["store", [{ ...GOOD, numFailures: 1n }], wrongType(/not 1n/)],
  ["store", [{ ...GOOD, peerType: "friend" }], wrongType(/record\.peerType must be one of "inbound", .* not "friend"/)],
  ["store", [{ ...GOOD, peerType: 1 }], wrongType()],
  ["storeMany", [[GOOD, {}]], wrongType(/records\[1\]\.address/)],
  ["storeMany", [7], wrongType()],
  ["updateType", [A, "INBOUND"], wrongType()],
  ["updateType", [A, "inbound", 1], wrongType(/preferredTypeKnown must be true or false/)],
  ["updateBackoff", [A], wrongType(/backoff must be one of/)],
  ["updateBackoff", [A, "constructor"], wrongType()],
  ["update", [A, "outbound", true, "reset"], wrongType()],
  ["remove", [Symbol("x")], wrongType()],
  ["removePeersWithManyFailures", [-1], outOfRange()],
  ["removePeersWithManyFailures", ["10"], wrongType()],
  ["removeHost", [], wrongType(/host must be a string/)],
  ["removeHost", ["1.2.3.4\0"], wrongType(/without a NUL/)],
  ["removeHost", ["1.2.3.4:5"], refused("INVALID_ADDRESS")],
  ["removeHost", ["1.2.3.0/24"], refused("INVALID_ADDRESS")],
  ["setData", [A], wrongType(/data must be a Uint8Array, such as a Buffer, not undefined/)],
  ["setData", [A, "id"], wrongType(/data must be/)],
  ["setData", [A, [1, 2]], wrongType(/data must be/)],
  ["setData", [A, new Uint16Array(1)], wrongType(/data must be/)],
  ["setData", [A, new ArrayBuffer(1)], wrongType(/data must be/)],
  ["setData", [A, new DataView(new ArrayBuffer(1))], wrongType(/data must be/)],
  ["setData", [A, Object.create(Uint8Array.prototype)], wrongType(/data must be/)],
  ["setData", ["what", new Uint8Array(1)], refused("INVALID_ADDRESS")],
  ["setData", [A, new Uint8Array(1)], refused("NOT_FOUND", /1\.2\.3\.4:5/)],
  ["removePeersNotHeardSince", [], wrongType(/since must be a number or a bigint/)],
  ["removePeersNotHeardSince", [1.5], outOfRange()],
  ["removePeersNotHeardSince", [-(2n ** 63n) - 1n], outOfRange()],
  ["removePeersNotHeardSince", [1], refused("UNSUPPORTED", /keep_history/)],
  ["ban", [], wrongType(/subject must be a string/)],
  ["ban", [{ host: "1.2.3.4", port: 5 }, null], wrongType(/subject must be a string/)],
  ["ban", ["1.2.3.4"], wrongType(/until must be a number or a bigint, not undefined/)],
  ["ban", ["1.2.3.4", "tomorrow"], wrongType(/until must be/)],
  ["ban", ["1.2.3.4", new Date()], wrongType(/until must be/)],
  ["ban", ["1.2.3.4", 1.5], outOfRange(/until/)],
  ["ban", ["1.2.3.4", 2n ** 63n], outOfRange(/until/)],
  ["ban", ["1.2.3.4", NOW], refused("INVALID_ARGUMENT", /give a later time/)],
  ["ban", ["1.2.3.4\0", null], wrongType(/without a NUL/)],
  ["ban", ["\udc00", null], wrongType(/surrogate/)],
  ["ban", ["1.2.3.4:5", null], refused("INVALID_ADDRESS")],
  ["ban", ["1.2.3.4/33", null], refused("INVALID_ADDRESS")],
  ["ban", [`${"a".repeat(2000)}.example`, null], refused("INVALID_ADDRESS")],
  ["unban", [], wrongType(/subject must be a string/)],
  ["unban", ["what?"], refused("INVALID_ADDRESS")],
  ["unban", ["1.2.3.4"], refused("NOT_FOUND", /^1\.2\.3\.4 is not banned$/)],
  ["limitNextAttempt", [], wrongType(/latest must be a number or a bigint/)],
  ["limitNextAttempt", ["10"], wrongType()],
  ["limitNextAttempt", [1.5], outOfRange()],
  ["limitNextAttempt", [2n ** 63n], outOfRange()],
];

test("wrong arguments throw what JavaScript throws, and change nothing", (t) => {
  const pm = open(t);
  for (const [method, parameters, expected] of WRONG) assert.throws(() => pm[method](...parameters), expected, method);
  assert.equal(pm.peerCount(), 0);
  assert.deepEqual(pm.bans(), []);
});

test("with promises they reject, and never throw", async (t) => {
  const pm = open(t);
  for (const [method, parameters, expected] of WRONG) {
    const promise = pm[`${method}Async`](...parameters);
    assert.ok(promise instanceof Promise, method);
    await assert.rejects(promise, expected, method);
  }
  assert.equal(pm.peerCount(), 0);
  assert.deepEqual(pm.bans(), []);
});

test("wrong queries throw", (t) => {
  const pm = open(t);
  assert.throws(() => pm.load(), wrongType());
  assert.throws(() => pm.netgroup(), wrongType(/address/));
  assert.throws(() => pm.netgroup("what"), refused("INVALID_ADDRESS"));
  assert.throws(() => pm.getData(), wrongType(/address/));
  assert.throws(() => pm.getData("what"), refused("INVALID_ADDRESS"));
  assert.throws(() => pm.loadHistory(), wrongType(/address/));
  assert.throws(() => pm.loadHistory("what"), refused("INVALID_ADDRESS"));
  assert.throws(() => pm.loadHistory(A), refused("UNSUPPORTED", /keep_history/));
  assert.throws(() => pm.isBanned(), wrongType(/address/));
  assert.throws(() => pm.isBanned("1.2.3.4"), refused("INVALID_ADDRESS", /port/));
  assert.throws(() => pm.loadRandomPeers(), wrongType(/size/));
  assert.throws(() => pm.loadRandomPeers(-1), outOfRange());
  assert.throws(() => pm.loadRandomPeers(2 ** 53), outOfRange());
  assert.throws(() => pm.loadRandomPeers(1, { typeFilter: "all" }), wrongType(/query\.typeFilter/));
  assert.throws(() => pm.loadRandomPeers(1, { typefilter: "any" }), wrongType(/query must be an object of typeFilter/));
  assert.throws(() => pm.loadRandomPeers(1, { exclude: A }), wrongType(/query\.exclude/));
  assert.throws(() => pm.loadRandomPeers(1, { useNextAttempt: 1 }), wrongType());
  assert.throws(() => pm.loadRandomPeers(1, null), wrongType());
  assert.throws(() => pm.loadRandomPeers(1, { heardSince: "1" }), wrongType(/query\.heardSince/));
  assert.throws(() => pm.loadRandomPeers(1, { heardSince: 0.5 }), outOfRange(/query\.heardSince/));
  assert.throws(() => pm.loadRandomPeers(1, { reachedSince: 2n ** 63n }), outOfRange(/query\.reachedSince/));
  assert.throws(() => pm.loadRandomPeers(1, { reachedSince: null }), wrongType(/query\.reachedSince/));
  assert.throws(() => pm.getPeersToSend(1, 5), wrongType(/exclude/));
  assert.throws(() => pm.getPeersToSend(1, undefined, { maxNumFailures: -1 }), outOfRange(/query\.maxNumFailures/));
});

test("an address that is looked up is checked as any other", (t) => {
  const pm = open(t);
  pm.ensureExists(A);
  for (const [address, expected] of [
    [null, wrongType(/address must be a string "host:port" or an object \{ host, port \}, not null/)],
    [7, wrongType(/not 7/)],
    [[A], wrongType()],
    [{ host: 7, port: 5 }, wrongType(/address\.host must be a string, not 7/)],
    [{ host: "1.2.3.4" }, wrongType(/address\.port must be a number, not undefined/)],
    [{ host: "1.2.3.4", port: 5.5 }, outOfRange(/address\.port/)],
    [{ host: "1.2.3.4", port: 65541 }, outOfRange(/address\.port/)],
    [{ host: "1.2.3.4", port: 0 }, refused("INVALID_ADDRESS")],
    [{ host: "1.2.3.4\0x", port: 5 }, wrongType(/address\.host must be text without a NUL/)],
    ["1.2.3.4:5\0", wrongType(/address must be text without a NUL/)],
    [{ host: "\ud800.org", port: 5 }, wrongType(/surrogate/)],
    [{ host: "\u0131.2.3.4", port: 5 }, refused("INVALID_ADDRESS")],
    ["1.2.3.4", refused("INVALID_ADDRESS", /port/)],
    ["a".repeat(1_000_000), refused("INVALID_ADDRESS")],
    [Object.create(PeerAddress.prototype), wrongType(/address\.host must be a string, not undefined/)],
  ]) {
    assert.throws(() => pm.load(address), expected);
  }
  assert.equal(pm.load("1.2.3.4:6"), undefined);
  assert.equal(pm.load(PeerAddress.parse("1.2.3.4:6")), undefined);
  assert.equal(pm.load(new Proxy(PeerAddress.parse(A), {})).numFailures, 0);
  pm.close();
  for (const address of [A, PeerAddress.parse(A)]) assert.throws(() => pm.load(address), refused("CLOSED"));
  assert.throws(() => pm.load(null), wrongType());
});

const WRONG_OPTIONS = [
  [7, wrongType(/options must be an object, not 7/)],
  [[], wrongType()],
  [{ dbpath: "x" }, wrongType(/options must be an object of dbPath, .* not "\{ dbpath \}"/)],
  [{ dbPath: 7 }, wrongType(/options\.dbPath must be a string/)],
  [{ dbPath: "a\0b" }, wrongType(/without a NUL/)],
  [{ dbPath: "\udc00" }, wrongType(/surrogate/)],
  [{ dbPath: new URL("https://example.org/peers.db") }, { code: "ERR_INVALID_URL_SCHEME" }],
  [{ dbPath: "" }, refused("INVALID_ARGUMENT")],
  [{ dbPath: ":memory:" }, refused("INVALID_ARGUMENT")],
  [{ dbPath: "/nowhere/at/all/peers.db" }, refused("DATABASE")],
  [{ durability: "always" }, wrongType()],
  [{ onCorrupt: "delete" }, wrongType()],
  [{ busyTimeoutMs: -1 }, outOfRange()],
  [{ flushIntervalMs: 2 ** 32 }, outOfRange()],
  [{ rngSeed: -1 }, outOfRange()],
  [{ rngSeed: 2n ** 64n }, outOfRange()],
  [{ rngSeed: 2 ** 60 }, outOfRange(/a bigint where it is beyond 2\^53/)],
  [{ clock: 7 }, wrongType(/options\.clock must be a function/)],
  [{ reach: "internet" }, wrongType(/options\.reach must be one of "specification", "public", "private"/)],
  [{ nameGroups: 1 }, wrongType(/options\.nameGroups/)],
  [{ keepHistory: 1 }, wrongType(/options\.keepHistory must be true or false/)],
  [{ backoffSeconds: -1 }, outOfRange()],
  [{ backoffSeconds: 3601 }, refused("INVALID_ARGUMENT", /backoff_seconds/)],
  [{ maxBackoffExponent: 21 }, refused("INVALID_ARGUMENT", /max_backoff_exponent/)],
  [{ asmapPath: 7 }, wrongType(/options\.asmapPath must be a string/)],
  [{ asmapPath: "a\0b" }, wrongType(/without a NUL/)],
  [
    { asmapPath: "/nowhere/asmap.dat" },
    refused("INVALID_ARGUMENT", /^asmap_path "\/nowhere\/asmap\.dat" cannot be used/),
  ],
  [{ shareMaxPercent: 101 }, refused("INVALID_ARGUMENT", /101/)],
];

test("wrong options are refused", async () => {
  for (const [options, expected] of WRONG_OPTIONS) {
    assert.throws(() => PeerManager.open(options), expected);
    await assert.rejects(PeerManager.openAsync(options), expected);
  }
});

test("an error is an Error with a stack that leads to the caller", async (t) => {
  const pm = open(t);
  const hasStack = (error) => error instanceof PeerManagerError && error.stack.includes(__filename);
  assert.throws(() => pm.remove(A), hasStack);
  await assert.rejects(async () => await pm.removeAsync(A), hasStack);
});

test("what the library makes cannot be made by hand, and methods need what they belong to", () => {
  assert.throws(() => new PeerManager(), TypeError);
  assert.throws(() => new Snapshot(), TypeError);
  assert.throws(() => PeerManager.prototype.peerCount.call({}), TypeError);
});

test("an argument that closes the manager while it is read does no harm", (t) => {
  const pm = open(t);
  const address = {
    get host() {
      pm.close();
      return "1.2.3.4";
    },
    port: 5,
  };
  assert.throws(() => pm.ensureExists(address), refused("CLOSED"));
});

test("an argument that changes between two looks is read once", (t) => {
  const pm = open(t);
  let reads = 0;
  const address = {
    host: "1.2.3.4",
    get port() {
      return reads++ === 0 ? 5 : "nonsense";
    },
  };
  pm.ensureExists(address);
  assert.equal(reads, 1);
});

test("the addon itself survives arguments that lib/ would never hand on", () => {
  const native = require("../lib/native.js");
  for (const [name, operation] of Object.entries(native)) {
    if (typeof operation !== "function" || name === "flushAll") continue;
    for (const parameters of [[], [{}], [native, "x"], ["1.2.3.4\0", 5], Array(20).fill(0)]) {
      assert.throws(() => operation(...parameters), { name: "TypeError" }, name);
    }
  }
});
