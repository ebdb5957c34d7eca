"use strict";

const check = require("./check.js");

/** What C takes for an end that never comes. */
const FOR_GOOD = 2n ** 63n - 1n;

/** null is for good. */
function untilOf(value) {
  return value === null ? FOR_GOOD : check.i64(value, "until");
}

/** The bans that the addon answers with: subject and end of each. */
function bansOf(flat) {
  const bans = [];
  for (let i = 0; i < flat.length; i += 2) {
    bans.push({ subject: flat[i], until: flat[i + 1] === FOR_GOOD ? null : flat[i + 1] });
  }
  return bans;
}

module.exports = { bansOf, untilOf };
