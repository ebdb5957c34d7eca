// What an ES module in TypeScript may write, and what it may not, without the types of Node.js or of a browser. It is
// compiled, not run: `make types`.

import {
  type AddressLike,
  type Backoff,
  type Ban,
  type History,
  DATA_CAPACITY,
  MAX_FAILURES,
  PeerAddress,
  PeerManager,
  PeerManagerError,
  type PeerRecord,
  REALLY_DEAD,
  Snapshot,
  type TypeFilter,
  buildInfo,
  isReady,
  newRecord,
  version,
  versionNumber,
} from "peer-manager";

/** Whether two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

async function use(list: Iterable<AddressLike>): Promise<void> {
  await using pm = await PeerManager.openAsync({
    dbPath: "/var/lib/node/peers.db",
    durability: "deferred",
    rngSeed: 42n,
    clock: () => 1_700_000_000,
    reach: "public",
    nameGroups: true,
    backoffSeconds: 5,
    maxBackoffExponent: 12,
    asmapPath: "/var/lib/node/asmap.dat",
    keepHistory: true,
  });
  using memory = PeerManager.open();
  PeerManager.open("peers.db").close();

  const added = await pm.ensureExistsManyAsync(list);
  same<typeof added, number>(true);
  same<ReturnType<typeof pm.importFile>, number>(true);
  (await pm.importFileAsync("/var/lib/other/peers.db")) satisfies number;
  const record = pm.load({ host: "1.2.3.4", port: 5 });
  same<typeof record, PeerRecord | undefined>(true);
  if (record) {
    same<typeof record.nextAttempt, number>(true);
    memory.store(record);
    memory.store({ ...record, address: "1.2.3.4:5", nextAttempt: 7n });
    memory.store({ ...record, nextAttempt: null });
  }
  const backoff: Backoff = "hard-reset";
  pm.update("1.2.3.4:5", "outbound", backoff);

  using peers = await pm.getAllPeersAsync();
  same<typeof peers, Snapshot>(true);
  for (const peer of peers) same<typeof peer, PeerRecord>(true);
  const chosen = pm.loadRandomPeers(8, { typeFilter: "any", maxNumFailures: null, exclude: new Set(["1.2.3.4:5"]) });
  same<typeof chosen, PeerAddress[]>(true);
  pm.loadRandomPeers(8, { seniority: 8, apart: true, networks: ["ipv4", "onion"], shareKey: 15 });
  pm.loadRandomPeers(8, { heardSince: 1_700_000_000, reachedSince: 1n });
  const history = pm.loadHistory(record?.address ?? "1.2.3.4:5");
  same<typeof history, History | undefined>(true);
  if (history) same<typeof history.lastReached, number | null>(true);
  same<ReturnType<typeof peers.history>, History | undefined>(true);
  pm.setData("1.2.3.4:5", new Uint8Array([1, 2]));
  (await pm.setDataAsync("1.2.3.4:5", new Uint8Array(2))) satisfies void;
  const data = pm.getData("1.2.3.4:5");
  same<typeof data, Uint8Array | undefined>(true);
  same<ReturnType<typeof peers.data>, Uint8Array | undefined>(true);
  pm.removeHost("1.2.3.4") satisfies number;
  (await pm.removeHostAsync("example.org")) satisfies number;
  pm.removePeersNotHeardSince(5) satisfies number;
  (await pm.removePeersNotHeardSinceAsync(5n)) satisfies number;
  pm.ban("203.0.113.0/24", 1_700_000_000) satisfies number;
  (await pm.banAsync("example.org", null)) satisfies number;
  same<ReturnType<typeof pm.isBanned>, boolean>(true);
  for (const ban of pm.bans()) {
    same<typeof ban, Ban>(true);
    same<typeof ban.until, number | null>(true);
    await pm.unbanAsync(ban.subject);
  }
  same<ReturnType<typeof pm.bansAsync>, Promise<Ban[]>>(true);
  const dialled = pm.nextToDial("connect", 8 - chosen.length, chosen);
  same<typeof dialled, PeerAddress[]>(true);
  pm.nextToDial("feeler", 1);
  same<ReturnType<typeof pm.netgroup>, bigint>(true);
  chosen[0]?.isRoutable satisfies boolean | undefined;
  const typeFilter: TypeFilter = "not-preferred";
  pm.loadRandomPeers(8, { typeFilter });
  same<ReturnType<typeof peers.toJSON>, PeerRecord[]>(true);
  const due = pm.nextDue();
  same<typeof due, number | undefined>(true);
  pm.setOnline(dialled.length >= 2);
  pm.setOwnAddresses(["1.2.3.4:5"]);
  (await pm.setOwnAddressesAsync(new Set(chosen))) satisfies void;
  pm.getPeersToSend(8, chosen[0], { typeFilter: "any-outbound" });
  same<ReturnType<typeof pm.getStats>["peers"], number>(true);
  same<ReturnType<typeof pm.getStats>["logBytes"], number>(true);
  same<ReturnType<typeof pm.getStats>["forgivenFailures"], number>(true);
  pm.limitNextAttempt(5n) satisfies number;
  (await pm.limitNextAttemptAsync(5)) satisfies number;
  isReady(newRecord("1.2.3.4:5", 1), 2n) satisfies boolean;
  [DATA_CAPACITY, MAX_FAILURES, REALLY_DEAD, versionNumber] satisfies number[];
  [version, buildInfo] satisfies string[];

  try {
    pm.remove("1.2.3.4:5");
  } catch (error) {
    if (error instanceof PeerManagerError && error.status === "NOT_FOUND") error.sqliteCode satisfies number;
  }
}

function misuse(pm: PeerManager): void {
  // @ts-expect-error: it is made by open
  new PeerManager();
  // @ts-expect-error: made by getAllPeers
  new Snapshot();
  // @ts-expect-error: not an address
  pm.ensureExists(42);
  // @ts-expect-error: not an option
  PeerManager.open({ dbpath: "x" });
  // @ts-expect-error: not an option, beside others that are
  PeerManager.openAsync({ dbPath: "x", durabilty: "sync" });
  // @ts-expect-error: not a field of a query
  pm.loadRandomPeers(1, { typefilter: "any" });
  // @ts-expect-error: not a field of a filter
  pm.getPeersToSend(1, null, { maxFailures: 3 });
  // @ts-expect-error: not a path
  PeerManager.open({ dbPath: 7 });
  // @ts-expect-error: seconds, not a date
  pm.ban("1.2.3.4", new Date());
  // @ts-expect-error: not a durability
  PeerManager.open({ durability: "always" });
  // @ts-expect-error: not a reach
  PeerManager.open({ reach: "internet" });
  // @ts-expect-error: a clock returns a number
  PeerManager.open({ clock: () => new Date() });
  // @ts-expect-error: not a type
  pm.updateType("1.2.3.4:5", "friend");
  // @ts-expect-error: the back-off comes before what is known
  pm.update("1.2.3.4:5", "outbound", true, "reset");
  // @ts-expect-error: not a purpose
  pm.nextToDial("call", 1);
  // @ts-expect-error: a network is a name
  pm.loadRandomPeers(1, { networks: 3 });
  // @ts-expect-error: true or false
  pm.setOnline(1);
  // @ts-expect-error: whether it is for good must be said
  pm.ban("1.2.3.4");
  // @ts-expect-error: data is bytes
  pm.setData("1.2.3.4:5", "id");
  // @ts-expect-error: a host has no port
  pm.removeHost({ host: "1.2.3.4", port: 5 });
  // @ts-expect-error: a subject is text
  pm.ban({ host: "1.2.3.4", port: 5 }, null);
  // @ts-expect-error: a peer may not have been reached yet
  pm.loadHistory("1.2.3.4:5")!.lastReached + 1n;
  // @ts-expect-error: true or false
  PeerManager.open({ keepHistory: "yes" });
  // @ts-expect-error: it may be undefined
  pm.load("1.2.3.4:5").numFailures;
  // @ts-expect-error: an address does not change
  new PeerAddress("1.2.3.4", 5).port = 6;
  // @ts-expect-error: no such status
  new Map<unknown, PeerManagerError>().get(1)?.status === "MISSING";
}

export { misuse, use };
