/// <reference lib="esnext.disposable" />

/**
 * The table of peers that a peer-to-peer node keeps: whom to dial next, whom to tell others about, how each address
 * has behaved.
 *
 * Seconds and counts are numbers, and nothing is ever rounded. A time later than `Number.MAX_SAFE_INTEGER`, which no number
 * holds exactly, comes out as `Infinity` (in JSON, null), one before `Number.MIN_SAFE_INTEGER` as that. Where seconds go in, a
 * `bigint` may have any 64-bit value, `Infinity` is the last of them and `-Infinity` the first; any other number that is
 * not exact is a `RangeError`.
 *
 * A wrong type is a `TypeError`, a number out of range a `RangeError`, what the library refuses a
 * {@link PeerManagerError}. A call that throws, or whose Promise rejects, has changed nothing.
 */

/** Known from an incoming connection or gossip; dialled successfully at least once; chosen by the operator. */
export type PeerType = "inbound" | "outbound" | "preferred";

/**
 * What an attempt to reach a peer means for the next one: dial at once (the operator wants it), wait 1 to 10 seconds (it
 * answered), or count a failure and wait for a random time whose upper limit doubles with each (it did not).
 */
export type Backoff = "hard-reset" | "reset" | "increase";

/** Which types a query admits; `not-preferred` is for telling strangers nothing of the operator's own peers. */
export type TypeFilter = "inbound-only" | "outbound-only" | "preferred-only" | "any-outbound" | "any" | "not-preferred";

/**
 * Where the node's peers are. `specification`: everything is stored and drawn, and private addresses are never told to others.
 * `public`, for nodes on the Internet: gossip of a new address that is not routable is refused, `REFUSED`, in a batch left out
 * and counted in {@link Stats.refusedPeers}; one that gets in otherwise is drawn only as a preferred peer, and never told.
 * `private`, for one machine, a LAN, containers: private addresses are told like any, and each with its port is a netgroup.
 */
export type Reach = "specification" | "public" | "private";

/**
 * Networks that addresses belong to, by the form of their hosts: `ipv6` is also those that wrap an IPv4 address, `onion` and
 * `i2p` the names that end so, `name` all other names.
 */
export type Network = "ipv4" | "ipv6" | "onion" | "i2p" | "name";

/**
 * What a connection is for: to stay, or to find out whether a peer that was only heard of can be reached, and to hang up.
 */
export type Purpose = "connect" | "feeler";

/**
 * What a change survives once its call has returned: a crash of the process (`commit`), a loss of power (`sync`), or
 * nothing yet, because it is written a little later (`deferred`).
 */
export type Durability = "commit" | "sync" | "deferred";

/** The statuses of the library, and `CLOSED` for a peer manager or snapshot that is used after its end. */
export type Status =
  | "INVALID_ARGUMENT"
  | "INVALID_ADDRESS"
  | "NOT_FOUND"
  | "DATABASE"
  | "CORRUPT"
  | "BUSY"
  | "DISK_FULL"
  | "LIMIT"
  | "UNSUPPORTED"
  | "INTERNAL"
  | "REFUSED"
  | "NO_MEMORY"
  | "CLOSED";

/** What the library refuses. The message is one line: what failed, on what, and what to do. */
export class PeerManagerError extends Error {
  private constructor();
  readonly name: "PeerManagerError";
  readonly code: `ERR_PEER_MANAGER_${Status}`;
  readonly status: Status;
  /** SQLite's extended result code; 0 where SQLite was not involved. */
  readonly sqliteCode: number;
}

/** Text `"1.2.3.4:11625"`, `"[2001:db8::1]:11625"`, `"example.org:11625"`, or a host and a port; in any spelling. */
export type AddressLike = string | { readonly host: string; readonly port: number };

/** Where a peer listens, in canonical form. Immutable. */
export class PeerAddress {
  /** An IPv4 address, an IPv6 address without brackets, or a name. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;

  /** A host and a port in any spelling; what is no address throws, `INVALID_ADDRESS`. No name is resolved. */
  constructor(host: string, port: number);

  /** Parses text; `defaultPort` is the port of text that has none. Without it, such text is an error. */
  static parse(text: string, defaultPort?: number): PeerAddress;
  /** Whatever stands for an address; a `PeerAddress` is returned as it is. */
  static from(address: AddressLike): PeerAddress;

  /** Whether it means nothing to a stranger, so that it is not sent to one. */
  get isPrivate(): boolean;
  /** Whether a stranger on the Internet may be able to reach it: not private, and not set aside for examples or no host. */
  get isRoutable(): boolean;
  /** Whether both are the same in canonical form. */
  equals(other: AddressLike): boolean;
  /** `host:port`, with an IPv6 host in brackets. */
  toString(): string;
  /** The same text. */
  toJSON(): string;
}

/** A `URL` of the scheme `file:`, whichever declarations of that class a program has. */
export interface FileURL {
  readonly href: string;
  readonly protocol: string;
  readonly searchParams: object;
}

/** All that is known of one peer. */
export interface PeerRecord {
  /** In canonical form. */
  address: PeerAddress;
  /** When it may be dialled next, in seconds since the Unix epoch; `Infinity` for never. */
  nextAttempt: number;
  /** Failures since the last success. */
  numFailures: number;
  peerType: PeerType;
}

/** A record as it may be handed in; a {@link PeerRecord} is one. */
export interface PeerRecordLike {
  readonly address: AddressLike;
  /** null, which is what JSON makes of it, is `Infinity`. */
  readonly nextAttempt: number | bigint | null;
  readonly numFailures: number;
  readonly peerType: PeerType;
}

/** The record of a peer that was just heard of: inbound, no failures, due at `now`. */
export function newRecord(address: AddressLike, now: number | bigint): PeerRecord;

/** Whether a peer's next attempt is due. */
export function isReady(record: PeerRecordLike, now: number | bigint): boolean;

/** How a peer manager is opened. What is left out has its default. */
export interface Options {
  /** The database file, created if there is none; without it, the table is in memory only. */
  dbPath?: string | FileURL | undefined;
  /** Default: `"commit"`. */
  durability?: Durability | undefined;
  /** How long to wait for another connection or peer manager that uses the file; 0 for 5000. */
  busyTimeoutMs?: number | undefined;
  /** With `"deferred"`, how long after a change it is written; 0 for 100. */
  flushIntervalMs?: number | undefined;
  /** A damaged file is refused (the default), or moved away and searched for peers. */
  onCorrupt?: "fail" | "quarantine" | undefined;
  /** Makes every random choice repeatable, for tests and simulations. With it, they can be predicted. */
  rngSeed?: number | bigint | undefined;
  /**
   * Returns the time in whole seconds since the Unix epoch; without it, the system's clock is used. It is asked once,
   * when a call that needs the time is made and before it does anything, so if it throws, the call throws that and has
   * done nothing. An asynchronous call works with the time at which it was made.
   */
  clock?: (() => number | bigint) | undefined;
  /**
   * The most peers in the table; 0 for no bound. A new peer in a full table evicts the inbound peer with the most failures:
   * of its own netgroup if one there has failed, else of any. If no inbound peer has failed, it is refused, `LIMIT`, in a
   * batch left out, and counted in {@link Stats.refusedPeers}. Outbound and preferred peers are not evicted, but see
   * `keepHistory`.
   */
  maxPeers?: number | bigint | undefined;
  /**
   * The most peers of one netgroup (an IPv4 /16, an IPv6 /32, each name one of its own; `reach`, `nameGroups` and `asmapPath`
   * may say otherwise); 0 for no bound. A new peer in a full netgroup evicts only a peer of that netgroup.
   */
  maxPeersPerNetgroup?: number | undefined;
  /**
   * `getPeersToSend` answers everyone from one shared list, which is used for this long and a random time of up to half as
   * long again, so that no peer learns the table by asking often; 0 draws anew each time.
   */
  shareCacheSeconds?: number | undefined;
  /** How much of each type the shared list may hold; 0 for no limit. */
  shareMaxPercent?: number | undefined;
  /** Default: `"specification"`. */
  reach?: Reach | undefined;
  /** All DNS names together are one netgroup, and `.onion` and `.i2p` are 16 each. Default: false, each name is one. */
  nameGroups?: boolean | undefined;
  /**
   * The unit of the back-off, at most 3600; 0 for 10. After n failures a peer waits for 1 to
   * `backoffSeconds` * 2^min(n, `maxBackoffExponent`) seconds.
   */
  backoffSeconds?: number | undefined;
  /** How often the back-off doubles, at most 20; 0 for 10. */
  maxBackoffExponent?: number | undefined;
  /**
   * A map of the Internet's autonomous systems, in the format of Bitcoin Core's asmap.dat: all IP addresses of one system are
   * one netgroup then. A file that is no such map is refused, `INVALID_ARGUMENT`. It is read once, by the opening.
   */
  asmapPath?: string | FileURL | undefined;
  /**
   * Keeps, and saves, when each peer was heard of, reached and tried: a {@link History}, for `loadHistory` and the queries
   * `heardSince` and `reachedSince`. In a full table an outbound peer that is dead (it has failed {@link MAX_FAILURES} times or
   * more, and was not reached for 30 days) is then evicted before a new one is refused. It takes 20 bytes a peer in memory, and a
   * table of its own in the file. Default: false.
   */
  keepHistory?: boolean | undefined;
}

/** Which peers are eligible. */
export interface Query {
  /** Default: `"any-outbound"`. */
  readonly typeFilter?: TypeFilter | undefined;
  /** Only peers whose next attempt is due. Default: true. */
  readonly useNextAttempt?: boolean | undefined;
  /** Only peers that have failed at most this often; null for any number. Default: {@link REALLY_DEAD}. */
  readonly maxNumFailures?: number | null | undefined;
  /**
   * If not 0: at most this many peers of one netgroup, and each draw picks a netgroup first, so that an attacker's share is
   * the share of netgroups it holds, not of addresses. Default: 0, every peer is equally likely.
   */
  readonly maxPerNetgroup?: number | undefined;
  /** Peers to leave out, for example those connected now. */
  readonly exclude?: Iterable<AddressLike> | undefined;
  /**
   * If more than 1, at most 64: each place in the answer goes to the most senior of this many draws. Of inbound peers that
   * is the one heard of first, of the others the one that became outbound or preferred first. A flood cannot be old.
   * Default: 0.
   */
  readonly seniority?: number | undefined;
  /** Leaves out every peer of a netgroup that an address in `exclude` is in. Default: false. */
  readonly apart?: boolean | undefined;
  /** Only peers of these networks. Default: all. */
  readonly networks?: Iterable<Network> | undefined;
  /**
   * For `getPeersToSend` with `shareCacheSeconds`: which of the shared lists answers, 0 to 15. With one for each network and
   * each local address, the answers do not show that they are of one node. Default: 0.
   */
  readonly shareKey?: number | undefined;
  /**
   * Only peers heard of, or reached, at or after this time. It needs {@link Options.keepHistory}, and counts days
   * ({@link History.lastHeard}). Where most peers are left out, it costs a look at each. Default: 0, all.
   */
  readonly heardSince?: number | bigint | undefined;
  /** Only peers reached at or after this time, likewise. Default: 0, all. */
  readonly reachedSince?: number | bigint | undefined;
}

/**
 * When a peer was heard of, reached and tried, in seconds since the Unix epoch; null for never, and for what is not known. A
 * peer that was there before its history was kept begins with nothing.
 */
export interface History {
  /** When it was inserted, or when something was noted of it first. */
  firstHeard: number | null;
  /**
   * When it was last inserted, or named by `ensureExists` or `ensureExistsMany`. Gossip moves it only by a day or more, so that
   * the true time may be up to a day later.
   */
  lastHeard: number | null;
  /** When it was first reached: `"reset"` or `"hard-reset"`. */
  firstReached: number | null;
  lastReached: number | null;
  /** When an attempt to reach it last failed: `"increase"`. */
  lastAttempt: number | null;
}

/** Who is refused, and until when. */
export interface Ban {
  /** A host, or a prefix such as `"203.0.113.0/24"`, in canonical form. */
  subject: string;
  /** The first second, since the Unix epoch, at which it is over; null for good. */
  until: number | null;
}

/** Counts of what is in the table and of what happened since it was opened. */
export interface Stats {
  durability: Durability;
  peers: number;
  inbound: number;
  outbound: number;
  preferred: number;
  /** Peers whose next attempt is due. */
  ready: number;
  netgroups: number;
  /** With `"deferred"`: changes that are not in the file yet. */
  pendingWrites: number;
  failedWrites: number;
  /** Rows of the database that were not valid peers, left where they are. */
  skippedRows: number;
  /** Peers that a bound or a policy refused since it was opened, including those that it kept out of the table then. */
  refusedPeers: number;
  /** Bans that last, now. */
  bans: number;
  /** The size of the write-ahead log in bytes. It keeps growing while a reader of the file never ends. */
  logBytes: number;
  /** Failures that did not count, because the node was offline ({@link PeerManager.setOnline}). */
  forgivenFailures: number;
  /** Changes that the file's own constraints refused since it was opened. */
  rejectedRows: number;
}

/** What happened to a damaged file. */
export interface Quarantine {
  /** Where it is now. */
  path: string;
  /** How many peers were read from it. */
  saved: number;
  /** How many rows could not be read. */
  lost: number;
}

/** All peers as they were at one point in time, in no particular order. It may outlive its peer manager. */
export class Snapshot implements Iterable<PeerRecord>, Disposable {
  private constructor();
  /** How many peers there are in it. */
  readonly length: number;
  /** As `Array.prototype.at`. */
  at(index: number): PeerRecord | undefined;
  /**
   * When the peer that `at(index)` is was heard of, reached and tried, as it was then. A snapshot of a peer manager that keeps no
   * histories throws, `UNSUPPORTED`.
   */
  history(index: number): History | undefined;
  /** The bytes that went with the peer that `at(index)` is, a `Buffer`; none if it had none. */
  data(index: number): Uint8Array | undefined;
  /** The records, each made when its turn comes. */
  [Symbol.iterator](): Generator<PeerRecord, void, undefined>;
  /** All records. */
  toJSON(): PeerRecord[];
  /** Frees its memory now rather than when it is collected. A second time does nothing. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * The table of peers.
 *
 * A method without `Async` works on this thread. A query never waits for the disk, and its cost does not grow with the table
 * unless its description says so. A change is one transaction, whatever the number of peers it is about, and may wait for the
 * disk; with `"deferred"` the transaction comes later. The method with `Async` does the same on a thread of libuv's, so
 * that the event loop does not wait. Asynchronous calls of one peer manager are carried out in the order in which they were made,
 * one at a time; a synchronous one does not wait for them.
 */
export class PeerManager implements Disposable, AsyncDisposable {
  private constructor();

  /** Opens a table: `options`, or the path of the database, or nothing for a table in memory. */
  static open(options?: Options | string | FileURL): PeerManager;
  static openAsync(options?: Options | string | FileURL): Promise<PeerManager>;

  /** Makes sure that an address is known: a new one is inbound, without failures, and due now. */
  ensureExists(address: AddressLike): void;
  ensureExistsAsync(address: AddressLike): Promise<void>;

  /** The same for many, all or none. Returns how many were new. */
  ensureExistsMany(addresses: Iterable<AddressLike>): number;
  ensureExistsManyAsync(addresses: Iterable<AddressLike>): Promise<number>;

  /**
   * Adds the peers of another database file that are new, all or none; those that are known stay as they are. Returns how
   * many were new; those that a bound refuses, or that are banned, are left out, and counted in refusedPeers. With
   * {@link Options.keepHistory} their histories come, too; bans do not. The file, of this library or of stellar-core, is only
   * read, and another process may have it open.
   */
  importFile(path: string | FileURL): number;
  importFileAsync(path: string | FileURL): Promise<number>;

  /** Stores a record as it is, replacing what was known of its address. */
  store(record: PeerRecordLike): void;
  storeAsync(record: PeerRecordLike): Promise<void>;

  /** Stores records, all or none. Of two with the same address, the later one wins. */
  storeMany(records: Iterable<PeerRecordLike>): void;
  storeManyAsync(records: Iterable<PeerRecordLike>): Promise<void>;

  /**
   * Updates a peer's type by what it was observed to be; an unknown one is added first. `preferredTypeKnown` means that the
   * caller knows all preferred peers; then a preferred one that is observed as outbound becomes outbound. Default: false, as
   * after a dial. Do not report a connection that a preferred peer has opened: observed as inbound, it becomes outbound.
   */
  updateType(address: AddressLike, observedType: PeerType, preferredTypeKnown?: boolean): void;
  updateTypeAsync(address: AddressLike, observedType: PeerType, preferredTypeKnown?: boolean): Promise<void>;

  /** Updates a peer's back-off by how an attempt to reach it went; an unknown one is added first. */
  updateBackoff(address: AddressLike, backoff: Backoff): void;
  updateBackoffAsync(address: AddressLike, backoff: Backoff): Promise<void>;

  /** Both in one change. */
  update(address: AddressLike, observedType: PeerType, backoff: Backoff, preferredTypeKnown?: boolean): void;
  updateAsync(
    address: AddressLike,
    observedType: PeerType,
    backoff: Backoff,
    preferredTypeKnown?: boolean,
  ): Promise<void>;

  /** Removes a peer; one that is unknown is an error, `NOT_FOUND`. */
  remove(address: AddressLike): void;
  removeAsync(address: AddressLike): Promise<void>;

  /** Removes the peers of a host, on all its ports, preferred ones too, and returns how many there were. Linear in the table. */
  removeHost(host: string): number;
  removeHostAsync(host: string): Promise<number>;

  /**
   * Keeps up to {@link DATA_CAPACITY} bytes with a peer, in place of those that it had: a node id, services, a version, of which
   * the library knows nothing. No bytes end that. An unknown peer is an error, `NOT_FOUND`. The bytes are saved (but not in
   * a file that stellar-core has made), and end with the peer; an import takes them over.
   */
  setData(address: AddressLike, data: Uint8Array): void;
  setDataAsync(address: AddressLike, data: Uint8Array): Promise<void>;

  /** Removes the peers that have failed at least this often, and returns how many there were. */
  removePeersWithManyFailures(minNumFailures: number): number;
  removePeersWithManyFailuresAsync(minNumFailures: number): Promise<number>;

  /**
   * Removes the inbound peers that were never reached and were last heard of before `since`, and returns how many there were;
   * those of which nothing is known stay. Without {@link Options.keepHistory} it is an error, `UNSUPPORTED`. Linear in the
   * inbound peers.
   */
  removePeersNotHeardSince(since: number | bigint): number;
  removePeersNotHeardSinceAsync(since: number | bigint): Promise<number>;

  /**
   * Limits every peer's next attempt to `latest`, after a clock that was wrong. Returns how many were changed. Linear in the
   * table.
   */
  limitNextAttempt(latest: number | bigint): number;
  limitNextAttemptAsync(latest: number | bigint): Promise<number>;

  /**
   * Replaces the list of the node's own addresses, of which it hears from others. They are removed, and from then on refused,
   * `REFUSED`, in a batch left out and counted in {@link Stats.refusedPeers}. The list lives in memory only: set it after
   * each opening.
   */
  setOwnAddresses(addresses: Iterable<AddressLike>): void;
  setOwnAddressesAsync(addresses: Iterable<AddressLike>): Promise<void>;

  /**
   * Bans a host in any spelling (`"203.0.113.7"`, `"2001:db8::1"`, `"example.org"`, without its subdomains), on all its ports, or
   * a prefix (`"203.0.113.0/24"`), until a time in whole seconds since the Unix epoch (`Math.floor(Date.now() / 1000) + 86400`
   * is for a day); null for good. The subject has no port. Returns how many peers were removed.
   *
   * The peers that it is about, preferred ones too, are removed in the same transaction, and from then on refused, `REFUSED`, in a
   * batch and in an import left out and counted in {@link Stats.refusedPeers}. Banning the same again moves the end. An IPv6
   * address that wraps an IPv4 address counts as that. Bans survive a restart (but not in a file that stellar-core has made), and
   * their number costs other calls nothing. Linear in the table.
   */
  ban(subject: string, until: number | bigint | null): number;
  banAsync(subject: string, until: number | bigint | null): Promise<number>;

  /** Ends the ban of exactly this subject; without one it is an error, `NOT_FOUND`. What another ban has of it stays refused. */
  unban(subject: string): void;
  unbanAsync(subject: string): Promise<void>;

  /** Removes all peers. */
  clearAll(): void;
  clearAllAsync(): Promise<void>;

  /** Returns once everything that earlier calls changed is on disk, where it survives a loss of power. */
  flush(): void;
  flushAsync(): Promise<void>;

  /** What is known of an address; undefined when it is not known. */
  load(address: AddressLike): PeerRecord | undefined;

  /**
   * When a peer was heard of, reached and tried; undefined when it is not known. Without {@link Options.keepHistory} it is an
   * error, `UNSUPPORTED`.
   */
  loadHistory(address: AddressLike): History | undefined;

  /** The bytes that go with a peer, a `Buffer`, which is empty if it has none; undefined when it is not known. */
  getData(address: AddressLike): Uint8Array | undefined;

  /** Whether an address is banned now, whatever its port: so that a node can hang up on a connection from it. */
  isBanned(address: AddressLike): boolean;

  /** The bans that last, now: IPv4 first, then IPv6, then names, each in their order. */
  bans(): Ban[];
  bansAsync(): Promise<Ban[]>;

  /**
   * Which netgroup this peer manager counts an address as, known or not: an opaque number that two addresses have in common
   * exactly if they are of one netgroup. To another peer manager it means nothing.
   */
  netgroup(address: AddressLike): bigint;

  /**
   * Draws up to `size` peers to dial now, but none that is busy, which this node has dialled and is connected to or is
   * dialling: the whole policy in one call. `connect`, for `size` free places: known peers first, one of each netgroup, the
   * most senior first. `feeler`: a peer that was only heard of, to be tried and then hung up on, every two minutes. Report
   * each outcome with `update`, or `updateBackoff` for a failure.
   */
  nextToDial(purpose: Purpose, size: number, busy?: Iterable<AddressLike>): PeerAddress[];

  /** When the next waiting peer becomes due, so that a node need not poll; undefined when none waits. */
  nextDue(): number | undefined;

  /**
   * Says whether the node itself is online, which it is at first. While it is offline, `increase` leaves the failures as they
   * are and has the peer wait for a minute at most: the peer is not to blame. A good rule: offline while fewer than two
   * connections stand.
   */
  setOnline(online: boolean): void;

  /** Draws up to `size` eligible peers: uniformly, without replacement, in random order. */
  loadRandomPeers(size: number, query?: Query): PeerAddress[];

  /**
   * Draws up to `size` peers to tell another peer about: never private addresses ({@link Options.reach} may say otherwise),
   * never `exclude`, the peer that asks; preferred before outbound before inbound. Without `query`, every type, whatever its
   * failures and next attempt.
   */
  getPeersToSend(size: number, exclude?: AddressLike | null, query?: Query | null): PeerAddress[];

  /** How many peers there are. */
  peerCount(): number;

  /** Copies all peers. Linear in the table: some milliseconds for a hundred thousand. */
  getAllPeers(): Snapshot;
  getAllPeersAsync(): Promise<Snapshot>;

  /**
   * Counts. In a table without bounds it is linear in the table, to count the netgroups, until a query has asked for
   * `maxPerNetgroup`; otherwise its cost does not grow.
   */
  getStats(): Stats;
  getStatsAsync(): Promise<Stats>;

  /** What happened to the file if it was damaged and `onCorrupt` is `"quarantine"`; otherwise undefined. */
  getQuarantine(): Quarantine | undefined;

  /**
   * Flushes and closes, so it waits for the disk. Calls that were made before are carried out first, asynchronous ones too.
   * Every later call throws, `CLOSED`; closing again does nothing. What `"deferred"` could not write is lost: flush first to
   * find out.
   */
  close(): void;
  closeAsync(): Promise<void>;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The number of failures from which a node usually tells others no more about a peer. */
export const MAX_FAILURES: number;
/** The most failures with which a peer is dialled still. */
export const REALLY_DEAD: number;
/** The most bytes that may go with a peer. */
export const DATA_CAPACITY: number;
/** The version of the library that is loaded, such as `"0.2.0"`. */
export const version: string;
/** The same as a number: major * 1000000 + minor * 1000 + patch. */
export const versionNumber: number;
/** How the library that is loaded was built, in one line, for logs and bug reports. */
export const buildInfo: string;
