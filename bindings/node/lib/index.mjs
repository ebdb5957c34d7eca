// The same objects as `require` gives: there is one copy of the addon and of what it keeps.

import peers from "./index.js";

export const {
  DATA_CAPACITY,
  MAX_FAILURES,
  PeerAddress,
  PeerManager,
  PeerManagerError,
  REALLY_DEAD,
  Snapshot,
  buildInfo,
  isReady,
  newRecord,
  version,
  versionNumber,
} = peers;
