"use strict";

/** What the library refuses: `code` and `status` say why, `message` what failed, on what, and what to do. */
class PeerManagerError extends Error {
  constructor(message, status, sqliteCode) {
    super(message);
    this.code = `ERR_PEER_MANAGER_${status}`;
    this.status = status;
    this.sqliteCode = sqliteCode;
  }

  get name() {
    return "PeerManagerError";
  }
}

/** The addon throws a failure as an array; any other thing that is thrown is a JavaScript error already. */
function asError(thrown) {
  return Array.isArray(thrown) ? new PeerManagerError(thrown[2], thrown[0], thrown[1]) : thrown;
}

/** Calls a function of the addon. */
function call(operation, ...parameters) {
  try {
    return operation(...parameters);
  } catch (thrown) {
    throw asError(thrown);
  }
}

/** The same for a function that answers with a Promise. The error is made here, so that it knows who awaits it. */
async function callAsync(operation, ...parameters) {
  try {
    return await operation(...parameters);
  } catch (thrown) {
    throw asError(thrown);
  }
}

module.exports = { PeerManagerError, asError, call, callAsync };
