import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { tunnelTools, wgFiles } from "../../src/emulator/wireguard.js";
import { boxMissing } from "./box-missing.js";
import { LaboratoryBox } from "./laboratory-box.js";
import { Stage } from "./stage.js";

/** One size and slots, by what there is of defenses: every packet 1420 bytes, one each 2 ms, a decoy after a second of silence. */
export const SLOTS = {
  preset: "off",
  defenses: {
    pad: { enabled: true, target: "mtu", trailer: true },
    pace: { enabled: true, interval: "2ms", maxDelay: "1s", maxGap: "1s" },
  },
  budget: { packetsPerSecond: 500, bytesPerSecond: "10MB", share: 100, perMonth: "1000GB/month" },
} as const;

/** Why no tunnel can be dug here, or false. */
export function tunnelMissing(): string | false {
  return boxMissing(["tcpdump", "ping", "openssl", ...tunnelTools()]);
}

let count = 0;

/** A laboratory with a tunnel, and the WireGuard files of its ends. */
export class TunnelStage {
  readonly stage: Stage;
  readonly laboratory: Laboratory;
  readonly #names: { readonly box: string; readonly gateway: string };

  private constructor(stage: Stage) {
    this.stage = stage;
    this.laboratory = stage.laboratory;
    // wireguard-go's sockets are the machine's, whatever the namespace.
    count += 1;
    this.#names = { box: `hb${process.pid}b${count}`, gateway: `hb${process.pid}g${count}` };
  }

  static async open(t: Test, name: string, files = wgFiles()): Promise<TunnelStage> {
    const stage = await Stage.open(t, name, "tunnel");
    const made = new TunnelStage(stage);
    for (const end of ["box", "gateway"] as const) made.write(end, files[end]);
    return made;
  }

  /** The WireGuard file of an end. */
  file(end: "box" | "gateway"): string {
    return this.stage.path(`${end}.conf`);
  }

  write(end: "box" | "gateway", text: string): void {
    mkdirSync(this.stage.directory, { recursive: true });
    writeFileSync(this.file(end), text, { mode: 0o600 });
  }

  /** The configuration of an end. */
  config(end: "box" | "gateway", more: object = {}): object {
    const { net } = TOPOLOGY.gateway;
    const own = end === "box" ? {} : { inside: net, outside: net, devices: [], role: "gateway" };
    return { ...SLOTS, ...own, tunnel: { file: this.file(end), interface: this.#names[end] }, ...more };
  }

  interfaceOf(end: "box" | "gateway"): string {
    return this.#names[end];
  }

  /** `main`: of another hushbox than this. */
  start(t: Test, end: "box" | "gateway", more: object = {}, main?: string): Promise<LaboratoryBox> {
    const folder = join(this.stage.directory, end);
    const started = LaboratoryBox.start(this.laboratory, folder, this.config(end, more), end, main);
    t.teardown(() => started.then((box) => box.stop()).catch(() => undefined));
    return started;
  }
}
