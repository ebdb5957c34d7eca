"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { PeerAddress, isReady, newRecord } = require("peer-manager");
const { outOfRange, refused, wrongType } = require("./helper.js");

test("text is read with and without a port, and made canonical", () => {
  const address = PeerAddress.parse("[2001:DB8:0:0::1]:11625");
  assert.deepEqual({ ...address }, { host: "2001:db8::1", port: 11625 });
  assert.equal(String(address), "[2001:db8::1]:11625");
  assert.equal(String(PeerAddress.parse("Example.ORG.", 7)), "example.org:7");
  assert.throws(() => PeerAddress.parse("example.org"), refused("INVALID_ADDRESS", /the port is missing/));
});

test("a host and a port make an address, in any spelling", () => {
  assert.deepEqual({ ...new PeerAddress("::ffff:8.8.4.4", 80) }, { host: "8.8.4.4", port: 80 });
  assert.throws(() => new PeerAddress("[::1]", 80), refused("INVALID_ADDRESS"));
  assert.throws(() => new PeerAddress("1.2.3.4", 0), refused("INVALID_ADDRESS"));
  assert.throws(() => new PeerAddress("1.2.3.4", 65536), outOfRange(/port must be a whole number from 0 to 65535/));
  assert.throws(() => new PeerAddress("1.2.3.4", -1), outOfRange());
  assert.throws(() => new PeerAddress("1.2.3.4", 1.5), outOfRange());
  assert.throws(() => new PeerAddress("1.2.3.4", "80"), wrongType(/port must be a number, not "80"/));
});

test("from takes whatever stands for an address", () => {
  const address = PeerAddress.from("1.2.3.4:5");
  assert.equal(PeerAddress.from(address), address);
  assert.ok(PeerAddress.from({ host: "1.2.3.4", port: 5 }).equals(address));
  assert.throws(() => PeerAddress.from(7), wrongType());
  assert.throws(() => PeerAddress.from({ host: "1.2.3.4" }), wrongType(/address\.port/));
});

test("addresses are equal in any spelling", () => {
  const address = PeerAddress.parse("example.org:1");
  assert.equal(address.equals("EXAMPLE.org.:1"), true);
  assert.equal(address.equals({ host: "example.org", port: 2 }), false);
  assert.throws(() => address.equals("nonsense"), refused("INVALID_ADDRESS"));
});

test("an address knows whether it is private", () => {
  assert.equal(PeerAddress.parse("10.1.2.3:4").isPrivate, true);
  assert.equal(PeerAddress.parse("8.8.8.8:4").isPrivate, false);
});

test("an address knows whether a stranger may be able to reach it", () => {
  for (const host of ["8.8.8.8", "2600::1", "example.org"]) {
    assert.equal(new PeerAddress(host, 4).isRoutable, true, host);
  }
  for (const host of ["10.1.2.3", "192.0.2.1", "::ffff:203.0.113.1", "2001:db8::1", "localhost", "node.test"]) {
    assert.equal(new PeerAddress(host, 4).isRoutable, false, host);
  }
});

test("an address does not change, and is text in JSON", () => {
  const address = PeerAddress.parse("1.2.3.4:5");
  assert.throws(() => (address.port = 6), TypeError);
  assert.equal(JSON.stringify({ address }), '{"address":"1.2.3.4:5"}');
});

test("text with a NUL, half a character or no end is refused and does no harm", () => {
  assert.throws(() => PeerAddress.parse("1.2.3.4\0:5"), wrongType(/without a NUL/));
  assert.throws(() => new PeerAddress("1.2.3.4\0.evil.org", 5), wrongType(/without a NUL/));
  assert.throws(() => PeerAddress.parse("\ud800.org:5"), wrongType(/surrogate/));
  assert.throws(() => PeerAddress.parse("a".repeat(10_000_000)), refused("INVALID_ADDRESS"));
  assert.throws(() => PeerAddress.parse(`${"\u{1f600}".repeat(1000)}:5`), refused("INVALID_ADDRESS"));
  assert.throws(() => PeerAddress.parse(""), refused("INVALID_ADDRESS"));
});

test("a record is made new, and is ready when its time has come", () => {
  const record = newRecord("Example.org:5", 100);
  assert.deepEqual(
    { ...record, address: String(record.address) },
    {
      address: "example.org:5",
      nextAttempt: 100,
      numFailures: 0,
      peerType: "inbound",
    },
  );
  assert.equal(isReady(record, 99), false);
  assert.equal(isReady(record, 100n), true);
  assert.throws(() => isReady({}, 1), wrongType());
  assert.throws(() => newRecord("1.2.3.4:5", 1.5), outOfRange());
  assert.throws(() => newRecord("1.2.3.4:5", 2n ** 63n), outOfRange());
});
