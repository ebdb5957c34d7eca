"use strict";

// A node in miniature: a day of dialling, backing off, hearing gossip and sharing, then a restart from the file. The
// clock and the network are simulated and the seed is fixed, so every run with the same library prints the same.
//
//   node day/main.js ../peers.txt
//   node day/main.js [--database DATABASE] [--import FILE] [--export FILE]
//
// The second lives no day: it adds the addresses of a text file and writes those of all peers to one. With a list, it
// does the first before the day and the second after it.

const { deepStrictEqual, ok, strictEqual } = require("node:assert/strict");
const { mkdtempSync, rmSync } = require("node:fs");
const { join } = require("node:path");
const { parseArgs } = require("node:util");
const { tmpdir } = require("node:os");
const { MAX_FAILURES, PeerManager, PeerManagerError, buildInfo } = require("peer-manager");
const { exportPeers, importPeers } = require("./lists.js");
const world = require("./world.js");

const MORNING = 1767225600; // 1 January 2026, 00:00 UTC
const TURN = 120; // a feeler is tried at each
const TALK = 7; // turns between two talks with a peer
const ROTATION = 60; // turns until a connection is hung up, so that a patient attacker does not keep its places
const SLOTS = 8;
const ONLINE = 2; // with fewer connections, our own line is taken to be cut
const SHARED = 8;
const PURGE_HOUR = 20;

class Node {
  #now = MORNING;
  #connections = new Map(); // the text of an address, and when the connection ends
  #peers;
  #hour;
  #turns = 0;
  shared = 0;

  constructor(file) {
    // A real node leaves clock and seed alone: who can guess the seed can guess whom it dials.
    this.options = { dbPath: file, rngSeed: 42, clock: () => this.#now };
  }

  async open() {
    this.#peers = await PeerManager.openAsync(this.options);
    return this.#peers;
  }

  async #dial(peer) {
    if (await world.dial(peer, this.#now)) {
      this.#hour.answered++;
      await this.#peers.updateAsync(peer, "outbound", "reset");
      return true;
    }
    this.#hour.failed++;
    await this.#peers.updateBackoffAsync(peer, "increase");
    return false;
  }

  async #connect(peer) {
    const lasts = (world.HOUR / 4) * (2 + (world.hash("lasts", peer, this.#now) % 18));
    if (await this.#dial(peer)) this.#connections.set(String(peer), this.#now + lasts);
  }

  /** The library says whom; a feeler is hung up as soon as we know that it is there. */
  async #dialPeers() {
    const connected = [...this.#connections.keys()];
    this.#peers.setOnline(connected.length >= ONLINE);
    const chosen = this.#peers.nextToDial("connect", SLOTS - connected.length, connected);
    await Promise.all(chosen.map((peer) => this.#connect(peer)));
    const feelers = this.#peers.nextToDial("feeler", 1, this.#connections.keys());
    await Promise.all(feelers.map((peer) => this.#dial(peer)));
  }

  /** A real node draws at random. */
  #someone() {
    const connected = [...this.#connections.keys()];
    return connected[world.hash("someone", this.#now) % connected.length];
  }

  async #listenAndAnswer() {
    const someone = this.#someone();
    if (someone === undefined) return;
    this.#hour.heard += await this.#peers.ensureExistsManyAsync(world.gossip(someone, this.#now));
    const told = this.#peers.getPeersToSend(SHARED, someone);
    ok(!told.some((peer) => peer.isPrivate || peer.equals(someone)), "private, or the asker's own address is told");
    this.shared += told.length;
  }

  async #turn() {
    for (const [peer, ends] of this.#connections) {
      if (ends <= this.#now || world.isDown(this.#now)) this.#connections.delete(peer);
    }
    if (++this.#turns % ROTATION === 0) this.#connections.delete(this.#someone());
    await this.#dialPeers();
    if (this.#turns % TALK === 0) await this.#listenAndAnswer();
  }

  async live() {
    console.log(" hour  known  ready  answered  failed  heard  connected");
    for (let hour = 0; hour < 24; hour++) {
      this.#hour = { answered: 0, failed: 0, heard: 0 };
      if (hour === PURGE_HOUR) {
        // A day is too short for REALLY_DEAD, with which a real node forgets.
        const removed = await this.#peers.removePeersWithManyFailuresAsync(MAX_FAILURES);
        console.log(`       forgotten: ${removed} peers that failed ${MAX_FAILURES} times or more`);
      }
      const end = MORNING + (hour + 1) * world.HOUR;
      for (; this.#now < end; this.#now += TURN) await this.#turn();
      this.#printHour(hour);
    }
  }

  #printHour(hour) {
    const { peers, ready } = this.#peers.getStats();
    const { answered, failed, heard } = this.#hour;
    const columns = [[peers, 7], [ready, 7], [answered, 10], [failed, 8], [heard, 7]]; // prettier-ignore
    const cells = columns.map(([value, width]) => String(value).padStart(width)).join("");
    const size = this.#connections.size;
    console.log(`${String(hour).padStart(2, "0")}:00${cells}  ${"#".repeat(size)}${".".repeat(SLOTS - size)}`);
  }
}

async function beforeTheDay(peers, wanted) {
  if (wanted.import !== undefined) await importPeers(peers, wanted.import);
}

function afterTheDay(peers, wanted) {
  if (wanted.export !== undefined) exportPeers(peers, wanted.export);
}

async function live(wanted) {
  const directory = mkdtempSync(join(tmpdir(), "peer-manager-"));
  try {
    console.log(`A node in miniature: clock and network are simulated, nobody is contacted\n${buildInfo}\n`);
    const node = new Node(join(directory, "peers.db"));
    const evening = await node.open();
    const { read, added, bad } = await importPeers(evening, wanted.list, 2);
    console.log(`${read} addresses read, ${added} new; ${bad} lines skipped`);
    await beforeTheDay(evening, wanted);
    await node.live();
    afterTheDay(evening, wanted);
    const before = evening.getAllPeers(); // it outlives the peer manager
    await evening.closeAsync();

    const morning = await node.open();
    for (const record of before) deepStrictEqual(morning.load(record.address), record);
    strictEqual(morning.peerCount(), before.length);
    ok(node.shared > 0 && before.length > 0, "the day was too quiet to show anything");
    console.log(`\n${node.shared} addresses were shared: none private, none the asker's own`);
    console.log(`closed and opened again: all ${before.length} peers came back as they were`);
    before.dispose();
    await morning.closeAsync();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function liveNoDay(wanted) {
  const peers = await PeerManager.openAsync({ dbPath: wanted.database });
  await beforeTheDay(peers, wanted);
  afterTheDay(peers, wanted);
  await peers.closeAsync();
}

const USAGE = `usage: node day/main.js [--import FILE] [--export FILE] LIST
       node day/main.js [--import FILE] [--export FILE] [--database DATABASE]`;

/** What the caller wants; undefined when that makes no sense. */
function parse(args) {
  const option = { type: "string" };
  try {
    const options = { import: option, export: option, database: option };
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const wanted = { ...values, list: positionals[0] };
    const asks = wanted.list ?? wanted.import ?? wanted.export;
    const isDay = wanted.list !== undefined;
    if (asks === undefined || positionals.length > 1 || (isDay && wanted.database !== undefined)) return undefined;
    return wanted;
  } catch (error) {
    console.error(`node: ${error.message}`);
    return undefined;
  }
}

const wanted = parse(process.argv.slice(2));
if (wanted === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  (wanted.list === undefined ? liveNoDay : live)(wanted).catch((error) => {
    // A file or the library has failed, and says so in one line; anything else is a defect of this program.
    const isExpected = error instanceof PeerManagerError || typeof error.syscall === "string";
    console.error(isExpected ? `node: ${error.message}` : error);
    process.exitCode = 1;
  });
}
