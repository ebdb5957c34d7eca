"use strict";

// The enumerations. Each name stands where its number in C is.

module.exports = {
  PEER_TYPES: ["inbound", "outbound", "preferred"],
  BACKOFFS: ["hard-reset", "reset", "increase"],
  FILTERS: ["inbound-only", "outbound-only", "preferred-only", "any-outbound", "any"],
  DURABILITIES: ["commit", "sync", "deferred"],
  ON_CORRUPT: ["fail", "quarantine"],
};
