"use strict";

// The words of a script, and how values are printed; ../../golden/README.md says what they mean.

const { PeerAddress } = require("peer-manager");

const DEFAULT_PORT = 11625;
const FOR_GOOD = 2n ** 63n - 1n;

// Each stands where its number is, or its bit.
const DURABILITIES = ["commit", "sync", "deferred"];
const REACHES = ["specification", "public", "private"];
const NETWORKS = ["ipv4", "ipv6", "onion", "i2p", "name"];

/** The script shouts and writes underscores. */
const nameOf = (word) => word.toLowerCase().replaceAll("_", "-");
const camelCase = (name) => name.replace(/_[a-z]/g, ([, letter]) => letter.toUpperCase());
const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const addressOf = (word) => PeerAddress.parse(word, DEFAULT_PORT);

function truthOf(word) {
  if (word !== "0" && word !== "1") throw new Error(`0 or 1, not ${word}`);
  return word === "1";
}

// What is not just a number, among the options of `open` and the fields of a query.
const OPTIONS = { keepHistory: truthOf, nameGroups: truthOf, reach: (word) => REACHES[word] };
const FIELDS = {
  apart: truthOf,
  networks: (word) => NETWORKS.filter((_, bit) => Number(word) & (1 << bit)),
  heardSince: BigInt,
  reachedSince: BigInt,
};

/** Words such as max_peers=100, as an object. */
function named(words, readers) {
  const pairs = words.map((word) => word.split("="));
  return Object.fromEntries(
    pairs.map(([name, value]) => [camelCase(name), (readers[camelCase(name)] ?? Number)(value)]),
  );
}

function optionsOf(words, file) {
  const [place, durability, seed, ...rest] = words[0] === "file" ? words : [words[0], "COMMIT", ...words.slice(1)];
  return {
    dbPath: place === "file" ? file : undefined,
    durability: nameOf(durability),
    rngSeed: BigInt(seed),
    ...named(rest, OPTIONS),
  };
}

function recordOf([address, nextAttempt, numFailures, peerType]) {
  return {
    address: addressOf(address),
    nextAttempt: BigInt(nextAttempt),
    numFailures: Number(numFailures),
    peerType: nameOf(peerType),
  };
}

function dataOf(word) {
  return word === "-" ? Buffer.alloc(0) : Buffer.from(word, "hex");
}

/** Filter, whether the next attempt counts, the most failures; then fields with names, and addresses to exclude. */
function queryOf([filter, useNextAttempt, failures, ...rest]) {
  return {
    typeFilter: nameOf(filter),
    useNextAttempt: truthOf(useNextAttempt),
    maxNumFailures: failures === "-" ? null : Number(failures),
    exclude: rest.filter((word) => !word.includes("=")).map(addressOf),
    ...named(
      rest.filter((word) => word.includes("=")),
      FIELDS,
    ),
  };
}

/** The script has the last second of all as a number. */
function textOfTime(time) {
  return String(time === Infinity ? FOR_GOOD : time);
}

function textOfRecord({ address, nextAttempt, numFailures, peerType }) {
  return `${address} ${textOfTime(nextAttempt)} ${numFailures} ${peerType.toUpperCase()}`;
}

function textOfHistory({ firstHeard, lastHeard, firstReached, lastReached, lastAttempt }) {
  return [firstHeard, lastHeard, firstReached, lastReached, lastAttempt].map((time) => time ?? 0).join(" ");
}

function textOfData(data) {
  return data.toString("hex") || "-";
}

function textOfBan({ subject, until }) {
  return `${subject} ${textOfTime(until ?? Infinity)}`;
}

/** The counts as `name N`, in the order of the struct. */
function textsOfStats(stats) {
  const numbers = { ...stats, durability: DURABILITIES.indexOf(stats.durability) };
  return Object.entries(numbers).map(([name, value]) => `${snakeCase(name)} ${value}`);
}

/** Sorted as bytes. */
function inOrder(lines) {
  return lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

module.exports = {
  addressOf,
  dataOf,
  inOrder,
  nameOf,
  optionsOf,
  queryOf,
  recordOf,
  textOfBan,
  textOfData,
  textOfHistory,
  textOfRecord,
  textOfTime,
  textsOfStats,
  truthOf,
};
