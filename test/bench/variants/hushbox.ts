import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "../child.js";
import { ROOT } from "../programs.js";
import { ask } from "../scrape.js";
import type { Topology } from "../topology.js";
import type { Variant } from "../variant.js";

const MAIN = join(ROOT, "build/src/main.js");

/** Why hushbox cannot run here, or null. */
export function hushboxMissing(): string | null {
  return existsSync(MAIN) ? null : "build/src/main.js is not there; npm run build";
}

/** `hushbox run` in the box's namespace, ready; `extra` joins the configuration. Its state directory goes when this process ends. */
export async function startHushbox(topology: Topology, extra: object): Promise<{ child: Child; state: string }> {
  const state = mkdtempSync(join(tmpdir(), "hushbox-bench-"));
  process.once("exit", () => {
    rmSync(state, { recursive: true, force: true });
  });
  const config = {
    ...{ inside: "p0", outside: "p1", state, log: { level: "warn" } },
    devices: [{ name: "bench", mac: topology.deviceMac }],
    ...extra,
  };
  const path = join(state, "config.yaml");
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config));
  const child = new Child(topology.box, process.execPath, [MAIN, "run", "--config", path]);
  await child.until(() => ask(topology, "/readyz") !== null, "become ready", 20_000);
  return { child, state };
}

/** hushbox as a user starts it: `hushbox run --config FILE`. */
function hushbox(
  name: string,
  about: string,
  preset: "off" | "paper" | "standalone",
  card: "ring" | "libpcap",
): Variant {
  return {
    name,
    about,
    forwards: true,
    lateness: preset === "off" ? "none" : "histogram",
    missing: hushboxMissing,
    async start(topology) {
      // maxDelay's worth of packets at the rates tried here, which are a thousand times those of a speaker.
      const nic = { card, ...(preset === "off" ? {} : { queue: 32768 }) };
      return (await startHushbox(topology, { preset, nic })).child;
    },
  };
}

export const hushboxOff = hushbox("hushbox off", "hushbox run, preset off: passes and measures", "off", "ring");
export const hushboxPaper = hushbox(
  "hushbox paper",
  "hushbox run, preset paper: padding, jitter and decoys; its latency holds the delays it draws",
  "paper",
  "ring",
);
export const hushboxStandalone = hushbox(
  "hushbox standalone",
  "hushbox run, preset standalone: padding that routers see, window clamp, slots and decoys; its latency holds the slots' waits",
  "standalone",
  "ring",
);
export const hushboxLibpcap = hushbox(
  "hushbox libpcap",
  "hushbox run, preset off, with the libpcap card",
  "off",
  "libpcap",
);
