// The same for a CommonJS module, in short: the declarations are those of use.mts.

import peers = require("peer-manager");

function use(options: peers.Options): peers.PeerAddress[] {
  using pm = peers.PeerManager.open({ ...options, durability: "sync" });
  const record: peers.PeerRecord = peers.newRecord("1.2.3.4:5", 7);
  pm.store(record);
  pm.ensureExists(new peers.PeerAddress("1.2.3.4", 5));
  // @ts-expect-error: not an option
  peers.PeerManager.open({ dbpath: "x" });
  // @ts-expect-error: there is nothing by default
  peers.default;
  return pm.nextToDial("connect", 1);
}

export = use;
