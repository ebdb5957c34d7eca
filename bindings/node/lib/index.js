"use strict";

const native = require("./native.js");
const { PeerAddress } = require("./address.js");
const { PeerManager } = require("./manager.js");
const { PeerManagerError } = require("./errors.js");
const { Snapshot } = require("./snapshot.js");
const { isReady, newRecord } = require("./record.js");

/** The version of libpeer_manager, as text and as a number, how it was built, and up to how many failures a node
 * usually tells others about a peer, and dials it. */
const { version, versionNumber, buildInfo, maxFailures: MAX_FAILURES, reallyDead: REALLY_DEAD } = native;

module.exports = {
  MAX_FAILURES,
  PeerAddress,
  PeerManager,
  PeerManagerError,
  REALLY_DEAD,
  Snapshot,
  buildInfo,
  isReady,
  newRecord,
  version,
  versionNumber,
};
