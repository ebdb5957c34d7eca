"use strict";

const address = require("./address.js");
const check = require("./check.js");
const native = require("./native.js");
const { PEER_TYPES } = require("./names.js");
const { asError, call } = require("./errors.js");

const { numbers } = native;

/** When a peer may be dialled next. JSON has no Infinity, and null in its place. */
function nextAttemptOf(value, name) {
  return value === null ? Infinity : check.time(value, name);
}

/** What the addon takes for a record. */
function parts(record, name = "record") {
  if (record === null || typeof record !== "object") {
    throw check.wrongType(name, "an object { address, nextAttempt, numFailures, peerType }", record);
  }
  const { address: target, nextAttempt, numFailures, peerType } = record;
  return [
    ...address.parts(target, `${name}.address`),
    nextAttemptOf(nextAttempt, `${name}.nextAttempt`),
    check.u32(numFailures, `${name}.numFailures`),
    check.oneOf(peerType, `${name}.peerType`, PEER_TYPES),
  ];
}

function partsOfAll(records, name) {
  return check.array(records, name).flatMap((record, index) => parts(record, `${name}[${index}]`));
}

/** The record that the addon has just answered with, of this address. */
function recordAt(known) {
  return { address: known, nextAttempt: numbers[1], numFailures: numbers[2], peerType: PEER_TYPES[numbers[3]] };
}

/** The record that the addon has just answered with: this is its host. */
function takeRecord(host) {
  return recordAt(address.canonical(host, numbers[0]));
}

/** What is known of an address. The addon refuses text that is none; if it does, it is looked at here, for a better message. */
function load(handle, target) {
  try {
    if (address.isCanonical(target)) {
      return native.loadCanonical(handle, target.host, target.port) && recordAt(target);
    }
    const [text, port] = address.roughParts(target);
    const host = native.load(handle, text, port);
    return host === undefined ? undefined : takeRecord(host);
  } catch (thrown) {
    address.parts(target);
    throw asError(thrown);
  }
}

/** The record of a peer that was just heard of. */
function newRecord(target, now) {
  return takeRecord(call(native.recordInit, ...address.parts(target), check.time(now, "now")));
}

/** Whether a peer's next attempt is due. */
function isReady(record, now) {
  return call(native.recordIsReady, ...parts(record), check.time(now, "now"));
}

module.exports = { isReady, load, newRecord, parts, partsOfAll, takeRecord };
