"use strict";

// Replays a script of operations and prints the transcript; see examples/golden/README.md.
//
//   node golden.js ../golden/scenario.txt

const { mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { join } = require("node:path");
const { tmpdir } = require("node:os");
const { PeerAddress, PeerManager, PeerManagerError } = require("peer-manager");

const DEFAULT_PORT = 11625;
const DURABILITIES = ["commit", "sync", "deferred"];

/** The script shouts and writes underscores. */
const nameOf = (word) => word.toLowerCase().replaceAll("_", "-");
const addressOf = (word) => PeerAddress.parse(word, DEFAULT_PORT);

function recordOf([address, nextAttempt, numFailures, peerType]) {
  return {
    address: addressOf(address),
    nextAttempt: BigInt(nextAttempt),
    numFailures: Number(numFailures),
    peerType: nameOf(peerType),
  };
}

function textOf({ address, nextAttempt, numFailures, peerType }) {
  return `${address} ${nextAttempt} ${numFailures} ${peerType.toUpperCase()}`;
}

function queryOf([filter, useNextAttempt, failures], exclude) {
  return {
    typeFilter: nameOf(filter),
    useNextAttempt: useNextAttempt === "1",
    maxNumFailures: failures === "-" ? null : Number(failures),
    exclude: exclude.map(addressOf),
  };
}

class Player {
  #now = 0n;
  #file;
  #manager;

  constructor(file) {
    this.#file = file;
  }

  /** The lines that an operation prints. */
  play(line) {
    const [operation, ...words] = line.split(" ");
    try {
      return this.#operate(operation, words) ?? [];
    } catch (error) {
      if (error instanceof PeerManagerError) return [`error ${error.status}: ${error.message}`];
      throw error; // the script is wrong, or this program
    }
  }

  #open([place, ...rest]) {
    const [durability, seed] = place === "file" ? rest : ["COMMIT", ...rest];
    return PeerManager.open({
      dbPath: place === "file" ? this.#file : undefined,
      durability: nameOf(durability),
      rngSeed: BigInt(seed),
      clock: () => this.#now,
    });
  }

  #stats() {
    const stats = { ...this.#manager.getStats() };
    stats.durability = DURABILITIES.indexOf(stats.durability);
    const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const lines = Object.entries(stats).map(([name, value]) => `${snakeCase(name)} ${value}`);
    // What follows is the size of the log, which is SQLite's business, and what came with it.
    return lines.slice(0, Object.keys(stats).indexOf("refusedPeers") + 1);
  }

  #load(word) {
    const address = addressOf(word);
    const record = this.#manager.load(address);
    return [record ? textOf(record) : `error NOT_FOUND: no peer ${address} in the table`];
  }

  #getAllPeers() {
    const peers = this.#manager.getAllPeers();
    const lines = Array.from(peers, textOf);
    peers.dispose();
    return lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  #getPeersToSend([filter, exclude, size]) {
    return this.#manager
      .getPeersToSend(
        Number(size),
        exclude === "-" ? undefined : addressOf(exclude),
        filter === "-" ? undefined : queryOf(filter.split(","), []),
      )
      .map(String);
  }

  #operate(operation, words) {
    const pm = this.#manager;
    switch (operation) {
      case "clock":
        this.#now = BigInt(words[0]);
        return [];
      case "open":
        this.#manager = this.#open(words);
        return [];
      case "close":
        return pm.close();
      case "ensure_exists":
        return pm.ensureExists(addressOf(words[0]));
      case "ensure_exists_many":
        return [`inserted ${pm.ensureExistsMany(words.map(addressOf))}`];
      case "load":
        return this.#load(words[0]);
      case "store":
        return pm.store(recordOf(words));
      case "store_many":
        return pm.storeMany(words.map((word) => recordOf(word.split(","))));
      case "update_type":
        return pm.updateType(addressOf(words[0]), nameOf(words[1]), words[2] === "1");
      case "update_backoff":
        return pm.updateBackoff(addressOf(words[0]), nameOf(words[1]));
      case "update":
        return pm.update(addressOf(words[0]), nameOf(words[1]), nameOf(words[3]), words[2] === "1");
      case "remove":
        return pm.remove(addressOf(words[0]));
      case "remove_peers_with_many_failures":
        return [`removed ${pm.removePeersWithManyFailures(Number(words[0]))}`];
      case "clear_all":
        return pm.clearAll();
      case "flush":
        return pm.flush();
      case "load_random_peers":
        return pm.loadRandomPeers(Number(words[3]), queryOf(words, words.slice(4))).map(String);
      case "get_peers_to_send":
        return this.#getPeersToSend(words);
      case "peer_count":
        return [String(pm.peerCount())];
      case "get_all_peers":
        return this.#getAllPeers();
      case "get_stats":
        return this.#stats();
      case "address": {
        const address = PeerAddress.parse(words.join(" "));
        return [`${address} ${address.isPrivate ? "private" : "public"}`];
      }
      default:
        throw new Error(`no such operation: ${operation}`);
    }
  }
}

function main(script) {
  const directory = mkdtempSync(join(tmpdir(), "peer-manager-"));
  try {
    const player = new Player(join(directory, "peers.db"));
    for (const line of readFileSync(script, "utf8").split("\n")) {
      if (line === "" || line.startsWith("#")) continue;
      process.stdout.write(
        `> ${line}\n${player
          .play(line)
          .map((printed) => `  ${printed}\n`)
          .join("")}`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (process.argv.length !== 3) {
  console.error("usage: node golden.js SCENARIO");
  process.exitCode = 2;
} else {
  main(process.argv[2]);
}
