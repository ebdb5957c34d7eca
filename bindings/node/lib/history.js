"use strict";

const { numbers } = require("./native.js");

/** For C, 0 is never. */
const timeOf = (number) => (number === 0 ? null : number);

/** The history that the addon has just answered with. */
function takeHistory() {
  return {
    firstHeard: timeOf(numbers[0]),
    lastHeard: timeOf(numbers[1]),
    firstReached: timeOf(numbers[2]),
    lastReached: timeOf(numbers[3]),
    lastAttempt: timeOf(numbers[4]),
  };
}

module.exports = { takeHistory };
