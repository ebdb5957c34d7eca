"use strict";

const check = require("./check.js");

/** null is for good. */
function untilOf(value) {
  return value === null ? Infinity : check.time(value, "until");
}

/** The bans that the addon answers with: subject and end of each. */
function bansOf(flat) {
  const bans = [];
  for (let i = 0; i < flat.length; i += 2) {
    bans.push({ subject: flat[i], until: flat[i + 1] === Infinity ? null : flat[i + 1] });
  }
  return bans;
}

module.exports = { bansOf, untilOf };
