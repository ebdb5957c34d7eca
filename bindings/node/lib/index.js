"use strict";

const native = require("./native.js");
const { PeerAddress } = require("./address.js");
const { PeerManager } = require("./manager.js");
const { PeerManagerError } = require("./errors.js");
const { Snapshot } = require("./snapshot.js");
const { isReady, newRecord } = require("./record.js");

/** The version of libpeer_manager, as text and as a number, how it was built, up to how many failures a node usually
 * tells others about a peer, and dials it, and how many bytes may go with a peer. */
const { version, versionNumber, buildInfo } = native;
const { maxFailures: MAX_FAILURES, reallyDead: REALLY_DEAD, dataCapacity: DATA_CAPACITY } = native;

module.exports = {
  DATA_CAPACITY,
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
