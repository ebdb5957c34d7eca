"use strict";

// The enumerations. Each name stands where its number in C is.

module.exports = {
  PEER_TYPES: ["inbound", "outbound", "preferred"],
  BACKOFFS: ["hard-reset", "reset", "increase"],
  FILTERS: ["inbound-only", "outbound-only", "preferred-only", "any-outbound", "any", "not-preferred"],
  NETWORKS: ["ipv4", "ipv6", "onion", "i2p", "name"], // each is a bit: 1, 2, 4, 8, 16
  PURPOSES: ["connect", "feeler"],
  DURABILITIES: ["commit", "sync", "deferred"],
  ON_CORRUPT: ["fail", "quarantine"],
  REACHES: ["specification", "public", "private"],
};
