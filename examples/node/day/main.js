"use strict";

// A node in miniature: a day of dialling, backing off, hearing gossip and sharing, then a restart from the file. The
// clock and the network are simulated and the seed is fixed, so every run with the same library prints the same.
//
//   node day/main.js ../peers.txt
//
// With --help it prints what else it can do.

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

const LEGEND = `
known, due        peers in the table; those of them that may be dialled now
answered, failed  how the dials of the hour went
heard, shared     addresses that peers sent and that were new; addresses sent to peers
connected         a # for each of the places for connections that is taken

 hour    known      due   answered   failed    heard   shared   connected`;

class Node {
  #now = MORNING;
  #connections = new Map(); // the text of an address, and when the connection ends
  #peers;
  #hour;
  #turns = 0;
  #shared = 0; // in the whole day

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
    const shared = this.#peers.getPeersToSend(SHARED, someone);
    ok(!shared.some((peer) => peer.isPrivate || peer.equals(someone)), "private, or the asker's own address is shared");
    this.#hour.shared += shared.length;
    this.#shared += shared.length;
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
    console.log(LEGEND);
    for (let hour = 0; hour < 24; hour++) {
      this.#hour = { answered: 0, failed: 0, heard: 0, shared: 0 };
      if (hour === PURGE_HOUR) {
        // A day is too short for REALLY_DEAD, with which a real node removes peers.
        const removed = await this.#peers.removePeersWithManyFailuresAsync(MAX_FAILURES);
        console.log(`       removed: ${removed} peers that failed ${MAX_FAILURES} times or more`);
      }
      const end = MORNING + (hour + 1) * world.HOUR;
      for (; this.#now < end; this.#now += TURN) await this.#turn();
      this.#printHour(hour);
    }
    this.#remark();
  }

  #printHour(hour) {
    const { peers, ready } = this.#peers.getStats();
    const { answered, failed, heard, shared } = this.#hour;
    if (world.isDown(this.#now - 1)) console.log("       the line is down");
    const columns = [[peers, 9], [ready, 9], [answered, 11], [failed, 9], [heard, 9], [shared, 9]]; // prettier-ignore
    const cells = columns.map(([value, width]) => String(value).padStart(width)).join("");
    const size = this.#connections.size;
    console.log(`${String(hour).padStart(2, "0")}:00${cells}   ${"#".repeat(size)}${".".repeat(SLOTS - size)}`);
  }

  /** What the hours show, in words. */
  #remark() {
    const { forgivenFailures, peers, ready } = this.#peers.getStats();
    ok(this.#shared > 0 && forgivenFailures > 0, "the day was too quiet to show anything");
    console.log(`
Look at 13:00: the line was down, and every dial failed. The node had said that it was offline, so failures did not
count: ${forgivenFailures} of this day, which made no peer wait for longer than a minute.
Back-off at work: at the end ${peers - ready} of ${peers} peers wait, after n failures in a row for up to 10 * 2^n seconds.
${this.#shared} addresses were shared: none private, none the asker's own.`);
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
    console.log(`A node in miniature: clock and network are simulated, so no packet is sent\n${buildInfo}`);
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
    console.log(`Closed and opened again: all ${before.length} peers came back as they were.`);
    console.log("\nNext: bindings/node/README.md has a node of one page; docs/getting-started.md has the reasons.");
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
       node day/main.js [--import FILE] [--export FILE] [--database DATABASE]

The first lives a simulated day with the addresses of LIST. The second lives no day.
  --import FILE        adds the addresses of a file; before the day, if there is one
  --export FILE        writes the addresses of all peers to a file; after the day
  --database DATABASE  where the peers are kept; a day has a database of its own
  --help, -h           prints this`;

/** What the caller wants; throws when that makes no sense. */
function parse(args) {
  const file = { type: "string" };
  const options = { import: file, export: file, database: file, help: { type: "boolean", short: "h" } };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const wanted = { ...values, list: positionals[0] };
  if (wanted.help) return wanted;
  if (positionals.length > 1) throw new Error("there is more than one list");
  if ((wanted.list ?? wanted.import ?? wanted.export) === undefined) throw new Error("there is nothing to do");
  if (wanted.list !== undefined && wanted.database !== undefined) throw new Error("a day has a database of its own");
  return wanted;
}

async function main(args) {
  let wanted;
  try {
    wanted = parse(args);
  } catch (error) {
    console.error(`node: ${error.message}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (wanted.help) console.log(USAGE);
  else await (wanted.list === undefined ? liveNoDay : live)(wanted);
}

main(process.argv.slice(2)).catch((error) => {
  // A file or the library has failed, and says so in one line; anything else is a defect of this program.
  const isExpected = error instanceof PeerManagerError || typeof error.syscall === "string";
  console.error(isExpected ? `node: ${error.message}` : error);
  process.exitCode = 1;
});
