import { createRequire } from "node:module";
import { join } from "node:path";
import { Child } from "../child.js";
import { ROOT } from "../programs.js";
import type { Variant } from "../variant.js";

/** test/bench/cap-forwarder.ts: npm's cap and nothing else. */
export const cap: Variant = {
  name: "cap",
  about: "npm cap alone: a frame in, the same buffer out",
  forwards: true,
  lateness: "none",
  missing() {
    try {
      createRequire(import.meta.url).resolve("cap");
      return null;
    } catch {
      return "npm cap is not installed (needs libpcap-dev, g++, make, python3, then npm install)";
    }
  },
  async start(topology) {
    const child = new Child(topology.box, process.execPath, [
      join(ROOT, "build/test/bench/cap-forwarder.js"),
      "p0",
      "p1",
    ]);
    await child.printed(/^ready/m);
    return child;
  },
};
