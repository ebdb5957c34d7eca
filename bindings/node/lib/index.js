"use strict";

const native = require("./native.js");
const { PeerAddress } = require("./address.js");
const { PeerManager } = require("./manager.js");
const { PeerManagerError } = require("./errors.js");
const { Snapshot } = require("./snapshot.js");
const { isReady, newRecord } = require("./record.js");

/** The version of libpeer_manager, as text and as a number, how it was built, and from how many failures on a node
 * usually gives a peer up. */
const { version, versionNumber, buildInfo, maxFailures: MAX_FAILURES } = native;

module.exports = {
  MAX_FAILURES,
  PeerAddress,
  PeerManager,
  PeerManagerError,
  Snapshot,
  buildInfo,
  isReady,
  newRecord,
  version,
  versionNumber,
};
