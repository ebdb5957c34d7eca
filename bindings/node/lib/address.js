"use strict";

const check = require("./check.js");
const native = require("./native.js");
const { call } = require("./errors.js");
const { custom } = require("./inspect.js");

const MAX_PORT = 65535;

/** Says that the host is canonical already: it comes from the library. */
const CANONICAL = Symbol("canonical");

/** Whether a value was made by the class below, so that host and port are the library's own. */
let isCanonical;

/**
 * Host and port, or text and undefined: what the addon takes for an address. Whether it is one, the library says.
 * Each property is read once, so that what was checked is what is used.
 */
function parts(address, name = "address") {
  if (isCanonical(address)) return [address.host, address.port];
  if (typeof address === "string") return [check.text(address, name), undefined];
  if (address === null || typeof address !== "object") {
    throw check.wrongType(name, 'a string "host:port" or an object { host, port }', address);
  }
  const { host, port } = address;
  return [check.text(host, `${name}.host`), check.integer(port, `${name}.port`, MAX_PORT)];
}

/** The same, of text that may still be none. */
function roughParts(address) {
  if (typeof address === "string") return [address, undefined];
  const { host, port } = address;
  return [host, check.integer(port, "address.port", MAX_PORT)];
}

function partsOfAll(addresses, name) {
  return check.array(addresses, name).flatMap((address, index) => parts(address, `${name}[${index}]`));
}

/** Where a peer listens, in canonical form. It does not change. */
class PeerAddress {
  #canonical; // nothing else has it

  static {
    isCanonical = (value) => typeof value === "object" && value !== null && #canonical in value;
  }

  constructor(host, port, canonical) {
    if (canonical !== CANONICAL) {
      [host, port] = call(native.addressInit, check.text(host, "host"), check.integer(port, "port", MAX_PORT));
    }
    this.host = host;
    this.port = port;
    Object.freeze(this);
  }

  static parse(text, defaultPort) {
    const port = defaultPort === undefined ? 0 : check.integer(defaultPort, "defaultPort", MAX_PORT);
    return canonical(...call(native.addressParse, check.text(text, "text"), port));
  }

  static from(address) {
    if (address instanceof PeerAddress) return address;
    const [text, port] = parts(address);
    return port === undefined ? PeerAddress.parse(text) : new PeerAddress(text, port);
  }

  get isPrivate() {
    return call(native.addressIsPrivate, ...parts(this));
  }

  get isRoutable() {
    return call(native.addressIsRoutable, ...parts(this));
  }

  equals(other) {
    return call(native.addressEqual, ...parts(this), ...parts(other, "other"));
  }

  toString() {
    return this.host.includes(":") ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  toJSON() {
    return this.toString();
  }

  [custom](depth, options) {
    return isCanonical(this) ? `PeerAddress ${options.stylize(this.toString(), "string")}` : "PeerAddress {}";
  }
}

function canonical(host, port) {
  return new PeerAddress(host, port, CANONICAL);
}

/** The addresses that the addon answers with: host and port of each. */
function addressesOf(flat) {
  const addresses = [];
  for (let i = 0; i < flat.length; i += 2) addresses.push(canonical(flat[i], flat[i + 1]));
  return addresses;
}

module.exports = { PeerAddress, addressesOf, canonical, isCanonical, parts, partsOfAll, roughParts };
