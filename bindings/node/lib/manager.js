"use strict";

const check = require("./check.js");
const native = require("./native.js");
const record = require("./record.js");
const { BACKOFFS, DURABILITIES, PEER_TYPES, PURPOSES } = require("./names.js");
const { OWN, Snapshot } = require("./snapshot.js");
const { addressesOf, parts, partsOfAll } = require("./address.js");
const { bansOf, untilOf } = require("./bans.js");
const { call, callAsync } = require("./errors.js");
const { custom, show } = require("./inspect.js");
const { takeHistory } = require("./history.js");
const { optionsOf, pathOf, queryOf } = require("./options.js");

const STATS = [
  "durability",
  "peers",
  "inbound",
  "outbound",
  "preferred",
  "ready",
  "netgroups",
  "pendingWrites",
  "failedWrites",
  "skippedRows",
  "refusedPeers",
  "bans",
  "logBytes",
  "forgivenFailures",
  "rejectedRows",
];

const typeOf = (value) => check.oneOf(value, "observedType", PEER_TYPES);
const knownOf = (value) => check.flag(value, "preferredTypeKnown");
const backoffOf = (value) => check.oneOf(value, "backoff", BACKOFFS);

/** What a clock says, asked before the call does anything: one that throws is then all that happens. */
function timeOf(clock) {
  return clock === undefined ? undefined : check.instant(clock(), "what options.clock returns");
}

function statsOf(values) {
  const stats = Object.fromEntries(STATS.map((name, index) => [name, values[index]]));
  stats.durability = DURABILITIES[stats.durability];
  return stats;
}

/** The table of peers that a peer-to-peer node keeps. index.d.ts says what each method does. */
class PeerManager {
  #handle;
  #clock;
  #closing;
  #path;

  constructor(own, handle, { clock, parameters }) {
    if (own !== OWN) throw new TypeError("a PeerManager is made by PeerManager.open or PeerManager.openAsync");
    this.#handle = handle;
    this.#clock = clock;
    this.#path = parameters[0] ?? null;
  }

  static open(options) {
    const read = optionsOf(options);
    return new PeerManager(OWN, call(native.open, undefined, timeOf(read.clock), ...read.parameters), read);
  }

  static async openAsync(options) {
    const read = optionsOf(options);
    const handle = await callAsync(native.openAsync, undefined, timeOf(read.clock), ...read.parameters);
    return new PeerManager(OWN, handle, read);
  }

  /** Parameters come before the clock is asked, as in C. */
  #call(operation, parameters = []) {
    return call(operation, this.#handle, timeOf(this.#clock), ...parameters);
  }

  #callAsync(operation, parameters = []) {
    return callAsync(operation, this.#handle, timeOf(this.#clock), ...parameters);
  }

  // ---- Changes ----

  ensureExists(address) {
    this.#call(native.ensureExists, parts(address));
  }

  async ensureExistsAsync(address) {
    await this.#callAsync(native.ensureExistsAsync, parts(address));
  }

  ensureExistsMany(addresses) {
    return this.#call(native.ensureExistsMany, [partsOfAll(addresses, "addresses")]);
  }

  async ensureExistsManyAsync(addresses) {
    return this.#callAsync(native.ensureExistsManyAsync, [partsOfAll(addresses, "addresses")]);
  }

  importFile(path) {
    return this.#call(native.importFile, [pathOf(path, "path")]);
  }

  async importFileAsync(path) {
    return this.#callAsync(native.importFileAsync, [pathOf(path, "path")]);
  }

  store(peer) {
    this.#call(native.store, record.parts(peer));
  }

  async storeAsync(peer) {
    await this.#callAsync(native.storeAsync, record.parts(peer));
  }

  storeMany(peers) {
    this.#call(native.storeMany, [record.partsOfAll(peers, "records")]);
  }

  async storeManyAsync(peers) {
    await this.#callAsync(native.storeManyAsync, [record.partsOfAll(peers, "records")]);
  }

  updateType(address, observedType, preferredTypeKnown = false) {
    this.#call(native.updateType, [...parts(address), typeOf(observedType), knownOf(preferredTypeKnown)]);
  }

  async updateTypeAsync(address, observedType, preferredTypeKnown = false) {
    const parameters = [...parts(address), typeOf(observedType), knownOf(preferredTypeKnown)];
    await this.#callAsync(native.updateTypeAsync, parameters);
  }

  updateBackoff(address, backoff) {
    this.#call(native.updateBackoff, [...parts(address), backoffOf(backoff)]);
  }

  async updateBackoffAsync(address, backoff) {
    await this.#callAsync(native.updateBackoffAsync, [...parts(address), backoffOf(backoff)]);
  }

  update(address, observedType, backoff, preferredTypeKnown = false) {
    const parameters = [...parts(address), typeOf(observedType), knownOf(preferredTypeKnown), backoffOf(backoff)];
    this.#call(native.update, parameters);
  }

  async updateAsync(address, observedType, backoff, preferredTypeKnown = false) {
    const parameters = [...parts(address), typeOf(observedType), knownOf(preferredTypeKnown), backoffOf(backoff)];
    await this.#callAsync(native.updateAsync, parameters);
  }

  remove(address) {
    this.#call(native.remove, parts(address));
  }

  async removeAsync(address) {
    await this.#callAsync(native.removeAsync, parts(address));
  }

  removeHost(host) {
    return this.#call(native.removeHost, [check.text(host, "host")]);
  }

  async removeHostAsync(host) {
    return this.#callAsync(native.removeHostAsync, [check.text(host, "host")]);
  }

  setData(address, data) {
    this.#call(native.setData, [...parts(address), check.bytes(data, "data")]);
  }

  async setDataAsync(address, data) {
    await this.#callAsync(native.setDataAsync, [...parts(address), check.bytes(data, "data")]);
  }

  removePeersWithManyFailures(minNumFailures) {
    return this.#call(native.removePeersWithManyFailures, [check.u32(minNumFailures, "minNumFailures")]);
  }

  async removePeersWithManyFailuresAsync(minNumFailures) {
    return this.#callAsync(native.removePeersWithManyFailuresAsync, [check.u32(minNumFailures, "minNumFailures")]);
  }

  removePeersNotHeardSince(since) {
    return this.#call(native.removePeersNotHeardSince, [check.time(since, "since")]);
  }

  async removePeersNotHeardSinceAsync(since) {
    return this.#callAsync(native.removePeersNotHeardSinceAsync, [check.time(since, "since")]);
  }

  limitNextAttempt(latest) {
    return this.#call(native.limitNextAttempt, [check.time(latest, "latest")]);
  }

  async limitNextAttemptAsync(latest) {
    return this.#callAsync(native.limitNextAttemptAsync, [check.time(latest, "latest")]);
  }

  setOwnAddresses(addresses) {
    this.#call(native.setOwnAddresses, [partsOfAll(addresses, "addresses")]);
  }

  async setOwnAddressesAsync(addresses) {
    await this.#callAsync(native.setOwnAddressesAsync, [partsOfAll(addresses, "addresses")]);
  }

  ban(subject, until) {
    return this.#call(native.ban, [check.text(subject, "subject"), untilOf(until)]);
  }

  async banAsync(subject, until) {
    return this.#callAsync(native.banAsync, [check.text(subject, "subject"), untilOf(until)]);
  }

  unban(subject) {
    this.#call(native.unban, [check.text(subject, "subject")]);
  }

  async unbanAsync(subject) {
    await this.#callAsync(native.unbanAsync, [check.text(subject, "subject")]);
  }

  clearAll() {
    this.#call(native.clearAll);
  }

  async clearAllAsync() {
    await this.#callAsync(native.clearAllAsync);
  }

  flush() {
    this.#call(native.flush);
  }

  async flushAsync() {
    await this.#callAsync(native.flushAsync);
  }

  // ---- Queries. Those that have nothing to do with the time leave the clock alone. ----

  load(address) {
    return record.load(this.#handle, address);
  }

  getData(address) {
    return call(native.getData, this.#handle, undefined, ...parts(address));
  }

  loadHistory(address) {
    return call(native.loadHistory, this.#handle, undefined, ...parts(address)) && takeHistory();
  }

  isBanned(address) {
    return this.#call(native.isBanned, parts(address));
  }

  bans() {
    return bansOf(this.#call(native.bans));
  }

  async bansAsync() {
    return bansOf(await this.#callAsync(native.bansAsync));
  }

  netgroup(address) {
    return call(native.netgroup, this.#handle, undefined, ...parts(address));
  }

  nextToDial(purpose, size, busy = []) {
    const number = check.oneOf(purpose, "purpose", PURPOSES);
    return addressesOf(this.#call(native.nextToDial, [number, check.size(size, "size"), partsOfAll(busy, "busy")]));
  }

  nextDue() {
    return this.#call(native.nextDue);
  }

  setOnline(online) {
    call(native.setOnline, this.#handle, undefined, check.flag(online, "online"));
  }

  loadRandomPeers(size, query = {}) {
    return addressesOf(this.#call(native.loadRandomPeers, [check.size(size, "size"), ...queryOf(query, "query")]));
  }

  getPeersToSend(size, exclude, query) {
    const asker = exclude === undefined || exclude === null ? [undefined, undefined] : parts(exclude, "exclude");
    const chosen = query === undefined || query === null ? [] : queryOf(query, "query");
    return addressesOf(this.#call(native.getPeersToSend, [check.size(size, "size"), ...asker, ...chosen]));
  }

  peerCount() {
    return call(native.peerCount, this.#handle);
  }

  getAllPeers() {
    return new Snapshot(OWN, call(native.getAllPeers, this.#handle));
  }

  async getAllPeersAsync() {
    return new Snapshot(OWN, await callAsync(native.getAllPeersAsync, this.#handle));
  }

  getStats() {
    return statsOf(this.#call(native.getStats));
  }

  async getStatsAsync() {
    return statsOf(await this.#callAsync(native.getStatsAsync));
  }

  getQuarantine() {
    const answer = call(native.getQuarantine, this.#handle);
    return answer && { path: answer[0], saved: answer[1], lost: answer[2] };
  }

  // ---- The end ----

  close() {
    call(native.close, this.#handle);
    this.#closing ??= Promise.resolve();
  }

  async closeAsync() {
    this.#closing ??= callAsync(native.closeAsync, this.#handle);
    await this.#closing;
  }

  [Symbol.dispose]() {
    this.close();
  }

  [Symbol.asyncDispose]() {
    return this.closeAsync();
  }

  [custom](depth, options) {
    if (!(#handle in this)) return "PeerManager {}";
    return show("PeerManager", { path: this.#path, ...this.#state() }, depth, options);
  }

  #state() {
    try {
      return { peers: this.peerCount() };
    } catch {
      return { closed: true };
    }
  }
}

module.exports = { PeerManager };
