// With the types of Node.js, whose URL and Buffer are taken, too.

import { pathToFileURL } from "node:url";
import { PeerManager } from "peer-manager";

async function use(): Promise<void> {
  const file = new URL("file:///var/lib/node/peers.db");
  PeerManager.open(file).close();
  await using pm = await PeerManager.openAsync({ dbPath: file, asmapPath: pathToFileURL("asmap.dat") });
  pm.importFile(file);
  pm.setData("1.2.3.4:5", Buffer.from("id"));
  const data = pm.getData("1.2.3.4:5");
  if (data) Buffer.from(data).toString("hex") satisfies string;
  process.on("SIGTERM", () => pm.closeAsync());
}

function misuse(): void {
  // @ts-expect-error: not an option, though a URL has it
  PeerManager.open({ host: "x" });
  // @ts-expect-error: not an option
  PeerManager.open({ dbpath: new URL("file:///x") });
}

export { misuse, use };
