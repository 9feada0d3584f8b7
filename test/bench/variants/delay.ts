import { existsSync } from "node:fs";
import { join } from "node:path";
import { Child } from "../child.js";
import { ROOT } from "../programs.js";
import type { Variant } from "../variant.js";

const HOLD = 5000;

/** test/bench/delay-box.ts: hushbox's ring and departure queue, and one delay for all. */
export const delay: Variant = {
  name: "delay",
  about:
    "hushbox's ring and departure queue holding every packet for exactly 5 ms: its lateness can be seen from outside",
  forwards: false,
  lateness: HOLD,
  missing: () =>
    existsSync(join(ROOT, "build/native/ring.node")) ? null : "build/native/ring.node is not there; npm run build",
  async start(topology) {
    const box = join(ROOT, "build/test/bench/delay-box.js");
    const child = new Child(topology.box, process.execPath, [box, "p0", "p1", topology.deviceMac, String(HOLD)]);
    await child.printed(/^ready/m);
    return child;
  },
};
