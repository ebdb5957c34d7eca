"use strict";

// The arguments of open and of the queries other than addresses, checked, in the order in which the addon reads it.

const { fileURLToPath } = require("node:url");

const check = require("./check.js");
const native = require("./native.js");
const { DURABILITIES, FILTERS, NETWORKS, ON_CORRUPT, REACHES } = require("./names.js");
const { partsOfAll } = require("./address.js");

const OPTIONS = [
  "dbPath",
  "durability",
  "busyTimeoutMs",
  "flushIntervalMs",
  "onCorrupt",
  "rngSeed",
  "clock",
  "maxPeers",
  "maxPeersPerNetgroup",
  "shareCacheSeconds",
  "shareMaxPercent",
  "reach",
  "nameGroups",
  "backoffSeconds",
  "maxBackoffExponent",
  "asmapPath",
  "keepHistory",
];
const QUERY = [
  "typeFilter",
  "useNextAttempt",
  "maxNumFailures",
  "maxPerNetgroup",
  "exclude",
  "seniority",
  "apart",
  "networks",
  "shareKey",
  "heardSince",
  "reachedSince",
];

function pathOf(path, name) {
  return check.text(path instanceof URL ? fileURLToPath(path) : path, name);
}

function checkClock(clock) {
  if (typeof clock !== "function") throw check.wrongType("options.clock", "a function", clock);
  return clock;
}

/** `options` is an object, or the path of the database. Undefined, as a property too, is the default. */
function optionsOf(options) {
  const given =
    typeof options === "string" || options instanceof URL
      ? { dbPath: options }
      : check.object(options ?? {}, "options", OPTIONS);
  const read = (property, reader, fallback) => {
    const value = given[property];
    return value === undefined ? fallback : reader(value, `options.${property}`);
  };
  const clock = read("clock", checkClock);
  return {
    clock,
    parameters: [
      read("dbPath", pathOf),
      read("durability", (value, name) => check.oneOf(value, name, DURABILITIES), 0),
      read("busyTimeoutMs", check.u32, 0),
      read("flushIntervalMs", check.u32, 0),
      read("onCorrupt", (value, name) => check.oneOf(value, name, ON_CORRUPT), 0),
      read("rngSeed", check.u64),
      clock !== undefined,
      read("maxPeers", check.u64, 0),
      read("maxPeersPerNetgroup", check.u32, 0),
      read("shareCacheSeconds", check.u32, 0),
      read("shareMaxPercent", check.u32, 0),
      read("reach", (value, name) => check.oneOf(value, name, REACHES), 0),
      read("nameGroups", check.flag, false),
      read("backoffSeconds", check.u32, 0),
      read("maxBackoffExponent", check.u32, 0),
      read("asmapPath", pathOf),
      read("keepHistory", check.flag, false),
    ],
  };
}

/** null is no bound. */
function boundOf(value, name) {
  return value === null ? undefined : check.u32(value, name);
}

/** The names of networks, as a sum of bits. None would be all for C. */
function networksOf(value, name) {
  const names = check.array(value, name);
  if (names.length === 0) throw check.wrongValue(name, "the names of one network or more", value);
  return names.reduce((sum, each, index) => sum | (1 << check.oneOf(each, `${name}[${index}]`, NETWORKS)), 0);
}

function queryOf(query, name) {
  check.object(query, name, QUERY);
  const read = (property, reader, fallback) => {
    const value = query[property];
    return value === undefined ? fallback : reader(value, `${name}.${property}`);
  };
  return [
    read("typeFilter", (value, place) => check.oneOf(value, place, FILTERS), FILTERS.indexOf("any-outbound")),
    read("useNextAttempt", check.flag, true),
    read("maxNumFailures", boundOf, native.reallyDead),
    read("maxPerNetgroup", check.u32, 0),
    read("exclude", partsOfAll, []),
    read("seniority", check.u32, 0),
    read("apart", check.flag, false),
    read("networks", networksOf, 0),
    read("shareKey", check.u32, 0),
    read("heardSince", check.time, 0),
    read("reachedSince", check.time, 0),
  ];
}

module.exports = { optionsOf, pathOf, queryOf };
