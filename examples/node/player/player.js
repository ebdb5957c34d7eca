"use strict";

// The operations of a script.

const { join } = require("node:path");
const { PeerAddress, PeerManager, PeerManagerError } = require("peer-manager");
const words = require("./words.js");
const { addressOf, inOrder, nameOf, truthOf } = require("./words.js");

/** What the bindings answer with undefined is an error of the library. */
function found(value, error) {
  return value === undefined ? `error NOT_FOUND: ${error}` : value;
}

const notFound = (address) => `no peer ${address} in the table`;

/** Each takes the player and the words of its line, and returns the lines that it prints, if any. */
const OPERATIONS = {
  clock: (player, [seconds]) => player.setTime(BigInt(seconds)),
  sorted: (player, [operation, ...rest]) => inOrder(player.operate(operation, rest)),
  new_file: (player) => player.takeNewFile(),
  open: (player, options) => player.open(options),
  close: ({ pm }) => pm.close(),
  address: (_, rest) => {
    const address = PeerAddress.parse(rest.join(" "));
    return [`${address} ${address.isPrivate ? "private" : "public"}`];
  },

  // ---- Changes ----
  ensure_exists: ({ pm }, [address]) => pm.ensureExists(addressOf(address)),
  ensure_exists_many: ({ pm }, addresses) => [`inserted ${pm.ensureExistsMany(addresses.map(addressOf))}`],
  store: ({ pm }, record) => pm.store(words.recordOf(record)),
  store_many: ({ pm }, records) => pm.storeMany(records.map((word) => words.recordOf(word.split(",")))),
  update_type: ({ pm }, [address, type, known]) => pm.updateType(addressOf(address), nameOf(type), truthOf(known)),
  update_backoff: ({ pm }, [address, backoff]) => pm.updateBackoff(addressOf(address), nameOf(backoff)),
  update: ({ pm }, [address, type, known, backoff]) =>
    pm.update(addressOf(address), nameOf(type), nameOf(backoff), truthOf(known)),
  remove: ({ pm }, [address]) => pm.remove(addressOf(address)),
  remove_host: ({ pm }, [host]) => [`removed ${pm.removeHost(host)}`],
  set_data: ({ pm }, [address, data]) => pm.setData(addressOf(address), words.dataOf(data)),
  remove_peers_with_many_failures: ({ pm }, [failures]) => [
    `removed ${pm.removePeersWithManyFailures(Number(failures))}`,
  ],
  remove_peers_not_heard_since: ({ pm }, [since]) => [`removed ${pm.removePeersNotHeardSince(BigInt(since))}`],
  limit_next_attempt: ({ pm }, [latest]) => [`changed ${pm.limitNextAttempt(BigInt(latest))}`],
  set_own_addresses: ({ pm }, addresses) => pm.setOwnAddresses(addresses.map(addressOf)),
  set_online: ({ pm }, [online]) => pm.setOnline(truthOf(online)),
  clear_all: ({ pm }) => pm.clearAll(),
  flush: ({ pm }) => pm.flush(),

  // ---- Bans ----
  ban: ({ pm }, [subject, until]) => [`removed ${pm.ban(subject, BigInt(until))}`],
  unban: ({ pm }, [subject]) => pm.unban(subject),
  is_banned: ({ pm }, [address]) => [String(pm.isBanned(addressOf(address)))],
  get_bans: ({ pm }) => inOrder(pm.bans().map(words.textOfBan)),

  // ---- Choosing ----
  load_random_peers: ({ pm }, [filter, due, failures, size, ...rest]) =>
    pm.loadRandomPeers(Number(size), words.queryOf([filter, due, failures, ...rest])).map(String),
  get_peers_to_send: ({ pm }, [filter, exclude, size]) =>
    pm
      .getPeersToSend(
        Number(size),
        exclude === "-" ? undefined : addressOf(exclude),
        filter === "-" ? undefined : words.queryOf(filter.split(",")),
      )
      .map(String),
  next_to_dial: ({ pm }, [purpose, size, ...busy]) =>
    pm.nextToDial(nameOf(purpose), Number(size), busy.map(addressOf)).map(String),
  next_due: ({ pm }) => {
    const due = pm.nextDue();
    return [found(due && words.textOfTime(due), "no peer waits: all that there are can be dialled now")];
  },
  same_netgroup: ({ pm }, [a, b]) => [String(pm.netgroup(addressOf(a)) === pm.netgroup(addressOf(b)))],

  // ---- Looking ----
  load: ({ pm }, [word]) => {
    const address = addressOf(word);
    const record = pm.load(address);
    return [found(record && words.textOfRecord(record), notFound(address))];
  },
  load_history: ({ pm }, [word]) => {
    const address = addressOf(word);
    const history = pm.loadHistory(address);
    return [found(history && words.textOfHistory(history), notFound(address))];
  },
  get_data: ({ pm }, [word]) => {
    const address = addressOf(word);
    const data = pm.getData(address);
    return [found(data && words.textOfData(data), notFound(address))];
  },
  peer_count: ({ pm }) => [String(pm.peerCount())],
  get_all_peers: ({ pm }) => inOrder(Array.from(pm.getAllPeers(), words.textOfRecord)),
  get_all_histories: ({ pm }) => {
    const snapshot = pm.getAllPeers();
    const textOf = ({ address }, index) => `${address} ${words.textOfHistory(snapshot.history(index))}`;
    return inOrder(Array.from(snapshot, textOf));
  },
  get_all_data: ({ pm }) => {
    const snapshot = pm.getAllPeers();
    const peers = Array.from(snapshot, ({ address }, index) => ({ address, data: snapshot.data(index) }));
    const those = peers.filter(({ data }) => data.length > 0);
    return inOrder(those.map(({ address, data }) => `${address} ${words.textOfData(data)}`));
  },
  get_stats: ({ pm }) => {
    const lines = words.textsOfStats(pm.getStats());
    return lines.slice(0, lines.findIndex((line) => line.startsWith("refused_peers ")) + 1); // those of the first version
  },
  stat: ({ pm }, [name]) => {
    const line = words.textsOfStats(pm.getStats()).find((each) => each.startsWith(`${name} `));
    return [line.slice(name.length + 1)];
  },
};

/** One run of a script: its clock, its files, and the one manager that it has at a time. */
class Player {
  #now = 0n;
  #directory;
  #files = 1;
  pm;

  constructor(directory) {
    this.#directory = directory;
  }

  /** The lines that an operation prints. */
  play(line) {
    const [operation, ...rest] = line.split(" ");
    return this.operate(operation, rest);
  }

  operate(operation, rest) {
    if (!Object.hasOwn(OPERATIONS, operation)) throw new Error(`no such operation: ${operation}`);
    try {
      return OPERATIONS[operation](this, rest) ?? [];
    } catch (error) {
      if (error instanceof PeerManagerError) return [`error ${error.status}: ${error.message}`];
      throw error; // the script is wrong, or this program
    }
  }

  setTime(now) {
    this.#now = now;
  }

  takeNewFile() {
    this.#files++;
  }

  open(options) {
    const file = join(this.#directory, `peers-${this.#files}.db`);
    this.pm = PeerManager.open({ ...words.optionsOf(options, file), clock: () => this.#now });
  }
}

module.exports = { Player };
