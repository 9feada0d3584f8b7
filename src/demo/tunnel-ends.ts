import { createWriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/schema.js";
import type { DefensesFile } from "../defense/schema.js";
import type { Laboratory } from "../emulator/laboratory.js";
import { startStockPeer } from "../emulator/stock-peer.js";
import { TOPOLOGY } from "../emulator/topology.js";
import { wgFiles } from "../emulator/wireguard.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { Program } from "./program.js";

const READY_WITHIN = 20_000;

/** The presets with a tunnel: to a stock peer, or to a hushbox. */
export const TUNNELS = ["tunnel", "paired"] as const;
export type TunnelName = (typeof TUNNELS)[number];

export function isTunnel(name: string): name is TunnelName {
  return (TUNNELS as readonly string[]).includes(name);
}

/** The emulated speaker gives a download of 3 MB 11 s: that takes more slots than the presets have for a household's line. */
const FAST = { up: "3ms", down: "3ms" };

/** WireGuard between the laboratory's box and its gateway: files for both, and the far end itself. */
export class TunnelEnds {
  readonly #name: TunnelName;
  readonly #laboratory: Laboratory;
  readonly #folder: string;
  readonly #defenses: DefensesFile;
  #gateway: Program | null = null;

  /** `defenses`: single values instead of the preset's, at both ends. */
  constructor(name: TunnelName, laboratory: Laboratory, folder: string, defenses: DefensesFile) {
    this.#name = name;
    this.#defenses = { ...defenses, episode: { ...FAST, ...defenses.episode } };
    this.#laboratory = laboratory;
    this.#folder = folder;
    const files = wgFiles();
    for (const end of ["box", "gateway"] as const) writeFileSync(this.#file(end), files[end], { mode: 0o600 });
  }

  /** Starts the far end; resolves when it takes packets. */
  async start(main: string): Promise<void> {
    if (this.#name === "tunnel") {
      await startStockPeer(this.#laboratory, interfaceOf("gateway"), this.#file("gateway"));
      return;
    }
    const { net } = TOPOLOGY.gateway;
    const config: Config = {
      ...this.#config,
      role: "gateway",
      inside: net,
      outside: net,
      devices: [],
      tunnel: { file: this.#file("gateway"), interface: interfaceOf("gateway") },
      state: join(this.#folder, "gateway-state"),
    };
    const path = join(this.#folder, "gateway.yaml");
    writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`);
    const log = createWriteStream(join(this.#folder, "gateway.log"));
    const argv = [process.execPath, main, "run", "--config", path];
    const gateway = Program.start(this.#laboratory, "gateway", argv, "the gateway", (said) => log.write(`${said}\n`));
    this.#gateway = gateway;
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => {
        reject(new HushboxError("host", `the gateway was not ready within ${READY_WITHIN / 1000} s`));
      }, READY_WITHIN).unref();
    });
    await Promise.race([gateway.saying((said) => said.includes('"msg":"ready"')), late]);
  }

  /** What the box's configuration has beside the ordinary. */
  get boxConfig(): Partial<Config> {
    return { ...this.#config, tunnel: { file: this.#file("box"), interface: interfaceOf("box") } };
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
  }

  get #config(): Partial<Config> {
    return { preset: this.#name, defenses: this.#defenses };
  }

  #file(end: "box" | "gateway"): string {
    return join(this.#folder, `${end}.conf`);
  }
}

/** wireguard-go's sockets are the machine's, whatever the namespace. */
function interfaceOf(end: "box" | "gateway"): string {
  return `hd${process.pid}${end === "box" ? "b" : "g"}`;
}
