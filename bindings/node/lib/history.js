"use strict";

const TIMES = ["firstHeard", "lastHeard", "firstReached", "lastReached", "lastAttempt"];

/** The times that the addon answers with, as a history. For C, 0 is never. */
function historyOf(values) {
  return Object.fromEntries(TIMES.map((name, index) => [name, values[index] === 0n ? null : values[index]]));
}

module.exports = { historyOf };
