"use strict";

const native = require("./native.js");
const { call } = require("./errors.js");
const { custom, show, showItems } = require("./inspect.js");
const { takeHistory } = require("./history.js");
const { takeRecord } = require("./record.js");

/** Says that a constructor is called from here, with a handle of the addon. */
const OWN = Symbol("own");

/** All peers as they were at one moment. It outlives its peer manager. */
class Snapshot {
  #handle;

  constructor(own, handle) {
    if (own !== OWN) throw new TypeError("a Snapshot is made by getAllPeers");
    this.#handle = handle;
  }

  get length() {
    return call(native.snapshotCount, this.#handle);
  }

  at(index) {
    const place = this.#placeOf(index);
    return place === undefined ? undefined : takeRecord(call(native.snapshotGet, this.#handle, place));
  }

  /** Of the peer that at(index) is. */
  history(index) {
    const place = this.#placeOf(index);
    return place === undefined ? undefined : call(native.snapshotGetHistory, this.#handle, place) && takeHistory();
  }

  /** Of the peer that at(index) is. */
  data(index) {
    const place = this.#placeOf(index);
    return place === undefined ? undefined : call(native.snapshotGetData, this.#handle, place);
  }

  /** As Array.prototype.at: a negative index counts from the end, and undefined is beyond it. */
  #placeOf(index) {
    const length = this.length;
    const whole = Math.trunc(Number(index)) || 0;
    const place = whole < 0 ? length + whole : whole;
    return place < 0 || place >= length ? undefined : place;
  }

  *[Symbol.iterator]() {
    const length = this.length;
    for (let place = 0; place < length; place++) yield takeRecord(call(native.snapshotGet, this.#handle, place));
  }

  toJSON() {
    return [...this];
  }

  dispose() {
    call(native.snapshotClose, this.#handle);
  }

  [Symbol.dispose]() {
    this.dispose();
  }

  [custom](depth, options) {
    if (!(#handle in this)) return "Snapshot {}";
    let length;
    try {
      ({ length } = this);
    } catch {
      return show("Snapshot", { disposed: true }, depth, options);
    }
    return showItems("Snapshot", length, (index) => this.at(index), depth, options);
  }
}

module.exports = { OWN, Snapshot };
