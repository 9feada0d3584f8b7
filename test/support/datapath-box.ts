// A datapath without the rest of the daemon, to be run inside a network namespace: node datapath-box.js CONFIG_JSON
// Prints "ready", then answers one line of JSON to each line of standard input: counters | apply CONFIG_JSON | stop.
import { createInterface } from "node:readline";
import type { Config } from "../../src/config/schema.js";
import { compile } from "../../src/config/settings.js";
import { startDatapath } from "../../src/daemon/start-datapath.js";
import { HushboxError } from "../../src/errors/hushbox-error.js";
import { readBridge } from "../../src/nic/bridge.js";
import { SILENT } from "../../src/log/log.js";

const parse = (text: string): Config => JSON.parse(text) as Config;
const { cards, datapath } = compile(parse(process.argv[2] ?? ""));
try {
  const handle = await startDatapath(cards, datapath, null, readBridge(cards.inside, cards.outside), SILENT);
  void handle.failed.then((error) => {
    console.log(`failed: ${error.message}`);
  });
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [word = "", ...rest] = line.split(" ");
    if (word === "counters") console.log(JSON.stringify(handle.counters.snapshot()));
    if (word === "apply") console.log(JSON.stringify(await handle.apply(compile(parse(rest.join(" "))).datapath)));
    if (word === "stop") {
      await handle.stop(true);
      // Whatever was kept only by mistake is collected now; npm's cap would crash.
      globalThis.gc?.();
      console.log(JSON.stringify(handle.counters.snapshot()));
      process.exit(0);
    }
  }
} catch (error) {
  console.log(error instanceof HushboxError ? `${error.code}: ${error.message}` : String(error));
  process.exit(1);
}
