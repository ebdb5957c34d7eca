"use strict";

// Peers that come from another file. Each test is run with the synchronous and with the asynchronous method.

const assert = require("node:assert/strict");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { test } = require("node:test");
const { writeFileSync } = require("node:fs");
const { NOW, directory, file, open, refused } = require("./helper.js");

const KNOWN = { address: "1.2.3.4:5", nextAttempt: NOW, numFailures: 9, peerType: "inbound" };
const UNKNOWN = { address: "example.org:6", nextAttempt: 7, numFailures: 3, peerType: "preferred" };

for (const method of ["importFile", "importFileAsync"]) {
  test(`${method} adds the new peers of another file`, async (t) => {
    const dbPath = file(t);
    const theirs = open(t, { dbPath });
    theirs.storeMany([KNOWN, UNKNOWN]);
    const pm = open(t);
    pm.ensureExists(KNOWN.address);
    assert.equal(await pm[method](dbPath), 1);
    assert.equal(await pm[method](pathToFileURL(dbPath)), 0);
    const { address, ...rest } = pm.load(UNKNOWN.address);
    assert.deepEqual({ address: String(address), ...rest }, UNKNOWN);
    assert.equal(pm.load(KNOWN.address).numFailures, 0);
    assert.equal(theirs.peerCount(), 2);
  });

  test(`${method} fails as a whole`, async (t) => {
    const place = directory(t);
    const garbage = join(place, "garbage.db");
    writeFileSync(garbage, "this is no database, however long it is looked at");
    const pm = open(t);
    const attempt = async (path) => pm[method](path);
    await assert.rejects(attempt(garbage), refused("CORRUPT", /garbage\.db/));
    await assert.rejects(attempt(join(place, "none.db")), refused("DATABASE", /none\.db/));
    assert.equal(pm.peerCount(), 0);
  });
}
