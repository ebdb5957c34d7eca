"use strict";

// Checks of arguments. They throw what Node.js itself throws: TypeError for a wrong type, RangeError for a number that
// is out of range.

const { isUint8Array } = require("node:util/types");

const MAX_U32 = 2 ** 32 - 1;
const MAX_U64 = 2n ** 64n - 1n;
const MIN_I64 = -(2n ** 63n);
const MAX_I64 = 2n ** 63n - 1n;

function describe(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

function wrongType(name, expected, value) {
  const error = new TypeError(`${name} must be ${expected}, not ${describe(value)}`);
  error.code = "ERR_INVALID_ARG_TYPE";
  return error;
}

function wrongValue(name, expected, value) {
  const error = new TypeError(`${name} must be ${expected}, not ${describe(value)}`);
  error.code = "ERR_INVALID_ARG_VALUE";
  return error;
}

function outOfRange(name, expected, value) {
  const error = new RangeError(`${name} must be ${expected}, not ${describe(value)}`);
  error.code = "ERR_OUT_OF_RANGE";
  return error;
}

function integer(value, name, max) {
  if (typeof value !== "number") throw wrongType(name, "a number", value);
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw outOfRange(name, `a whole number from 0 to ${max}`, value);
  }
  return value;
}

const u32 = (value, name) => integer(value, name, MAX_U32);
const size = (value, name) => integer(value, name, Number.MAX_SAFE_INTEGER);

/** Any 64-bit number: a bigint, or a number that is exact. Never one that was rounded. */
function wide(value, name, min, max) {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) {
      throw outOfRange(name, "a whole number that is exact (a bigint where it is beyond 2^53)", value);
    }
  } else if (typeof value !== "bigint") {
    throw wrongType(name, "a number or a bigint", value);
  }
  if (value < min || value > max) throw outOfRange(name, `from ${min} to ${max}`, value);
  return value;
}

const u64 = (value, name) => wide(value, name, 0n, MAX_U64);

/** Now, in seconds. */
const instant = (value, name) => wide(value, name, MIN_I64, MAX_I64);

/** Seconds since the Unix epoch, or an infinity: after all times, or before them. */
function time(value, name) {
  return value === Infinity || value === -Infinity ? value : instant(value, name);
}

function flag(value, name) {
  if (typeof value !== "boolean") throw wrongType(name, "true or false", value);
  return value;
}

/** Text that means the same to C: without a NUL, and without halves of surrogate pairs. */
function text(value, name) {
  if (typeof value !== "string") throw wrongType(name, "a string", value);
  if (value.includes("\0")) throw wrongValue(name, "text without a NUL", value);
  if (!value.isWellFormed()) throw wrongValue(name, "well-formed text (it has half a surrogate pair)", value);
  return value;
}

function bytes(value, name) {
  if (!isUint8Array(value)) throw wrongType(name, "a Uint8Array, such as a Buffer", value);
  return value;
}

function array(value, name) {
  if (value === null || typeof value !== "object" || typeof value[Symbol.iterator] !== "function") {
    throw wrongType(name, "an array or another iterable object", value);
  }
  return Array.from(value);
}

/** An object with known properties only: a name that is misspelt must not pass as a default. */
function object(value, name, properties) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw wrongType(name, "an object", value);
  for (const property of Object.keys(value)) {
    if (!properties.includes(property)) {
      throw wrongValue(name, `an object of ${properties.join(", ")}`, `{ ${property} }`);
    }
  }
  return value;
}

/** One of the names of an enumeration; the answer is the number that C knows it by. */
function oneOf(value, name, names) {
  const number = names.indexOf(value);
  if (number >= 0) return number;
  const expected = `one of ${names.map((each) => `"${each}"`).join(", ")}`;
  throw typeof value === "string" ? wrongValue(name, expected, value) : wrongType(name, expected, value);
}

module.exports = {
  array,
  bytes,
  flag,
  instant,
  integer,
  object,
  oneOf,
  size,
  text,
  time,
  u32,
  u64,
  wrongType,
  wrongValue,
};
