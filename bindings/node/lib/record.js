"use strict";

const address = require("./address.js");
const check = require("./check.js");
const native = require("./native.js");
const { PEER_TYPES } = require("./names.js");
const { call } = require("./errors.js");

/** What the addon takes for a record. */
function parts(record, name = "record") {
  if (record === null || typeof record !== "object") {
    throw check.wrongType(name, "an object { address, nextAttempt, numFailures, peerType }", record);
  }
  const { address: target, nextAttempt, numFailures, peerType } = record;
  return [
    ...address.parts(target, `${name}.address`),
    check.i64(nextAttempt, `${name}.nextAttempt`),
    check.u32(numFailures, `${name}.numFailures`),
    check.oneOf(peerType, `${name}.peerType`, PEER_TYPES),
  ];
}

function partsOfAll(records, name) {
  return check.array(records, name).flatMap((record, index) => parts(record, `${name}[${index}]`));
}

/** What the addon answers with, as a record. */
function recordOf([host, port, nextAttempt, numFailures, peerType]) {
  return { address: address.canonical(host, port), nextAttempt, numFailures, peerType: PEER_TYPES[peerType] };
}

/** The record of a peer that was just heard of. */
function newRecord(target, now) {
  return recordOf(call(native.recordInit, ...address.parts(target), check.i64(now, "now")));
}

/** Whether a peer's next attempt is due. */
function isReady(record, now) {
  return call(native.recordIsReady, ...parts(record), check.i64(now, "now"));
}

module.exports = { isReady, newRecord, parts, partsOfAll, recordOf };
