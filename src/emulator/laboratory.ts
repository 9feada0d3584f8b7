import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { HushboxError } from "../errors/hushbox-error.js";
import { collect, command, missingPackages, must, tool, type CommandOptions, type CommandResult } from "./command.js";
import { removeNamespace, removeNote, STATE_FOLDER, sweepFolder, writeNote } from "./leftovers.js";
import {
  links,
  PLACES,
  PLAIN_INTERFACES,
  ROUTER_RULES,
  SETTINGS,
  TOPOLOGY,
  TUNNEL_BOX_SETTINGS,
  TUNNEL_PLACES,
  TUNNEL_PLAIN_INTERFACES,
  tunnelLinks,
  type Place,
} from "./topology.js";

export interface LaboratoryOptions {
  /** Begins the names of the namespaces: `<name>-<pid>-speaker`. */
  name: string;
  /**
   * `inline`: nothing joins the box's two cards, hushbox is the only path. `direct`: a kernel bridge joins them. `tunnel`: a bridge with
   * addresses joins them, and there is a gateway.
   */
  mode: "inline" | "direct" | "tunnel";
  /** Where the note of what was made is kept. */
  state: string;
}

const live = new Set<Laboratory>();
let count = 0;

/** A speaker, a box, a router, a provider and a world in network namespaces (see TOPOLOGY), removed when the process ends. */
export class Laboratory {
  readonly prefix: string;
  readonly namespaces: Record<Place, string>;
  readonly #state: string;
  readonly #tunnel: boolean;
  #removed = false;

  private constructor(prefix: string, state: string, tunnel: boolean) {
    this.prefix = prefix;
    this.#state = state;
    this.#tunnel = tunnel;
    this.namespaces = Object.fromEntries(TUNNEL_PLACES.map((place) => [place, `${prefix}-${place}`])) as Record<
      Place,
      string
    >;
  }

  /** Removes what dead runs left, then builds a laboratory of this process. */
  static async build(options: Partial<LaboratoryOptions> = {}): Promise<Laboratory> {
    const { name = "hb", mode = "inline", state = STATE_FOLDER } = options;
    const why = Laboratory.unavailable();
    if (why !== null)
      throw new HushboxError(why.startsWith("needs root") ? "permission" : "host", `building the laboratory: ${why}`);
    Laboratory.sweep(state);
    count += 1;
    const laboratory = new Laboratory(
      `${name}-${String(process.pid)}${count === 1 ? "" : `-${String(count)}`}`,
      state,
      mode === "tunnel",
    );
    watchExit();
    live.add(laboratory);
    try {
      writeNote(
        state,
        laboratory.prefix,
        laboratory.#places.map((place) => laboratory.namespaces[place]),
      );
      await laboratory.#build();
      if (mode === "direct") await laboratory.join();
    } catch (error) {
      await laboratory.remove();
      throw error;
    }
    return laboratory;
  }

  /** Why no laboratory can be built here, in words for a person, or null. */
  static unavailable(): string | null {
    if (process.getuid?.() !== 0) return "needs root, to make network namespaces";
    const packages = missingPackages(["ip", "nft", "ethtool"]);
    return packages.length === 0 ? null : `install the Debian packages ${packages.join(" ")}`;
  }

  /** Removes what runs that were killed left behind; answers the prefixes of those runs. */
  static sweep(state: string = STATE_FOLDER): string[] {
    return sweepFolder(state);
  }

  /** Starts a program in a place. The child's pid is the program's own. */
  exec(place: Place, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn(tool("ip"), ["netns", "exec", this.namespaces[place], ...argv], options);
  }

  /** Runs a program in a place to its end. */
  run(place: Place, argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const child = this.exec(place, argv, { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin?.on("error", () => {
      // It ended before it read all of its input; its exit status tells.
    });
    child.stdin?.end(options.input ?? "");
    return collect(child, options.timeout);
  }

  /** Joins the box's two cards by a kernel bridge: the undefended path. */
  async join(): Promise<void> {
    const { inside, outside } = TOPOLOGY.box;
    await this.#ip("box", [
      "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
      `link set ${inside} master br0`,
      `link set ${outside} master br0`,
      "link set br0 up",
    ]);
  }

  /** Takes the bridge away: hushbox is the only path again. */
  async part(): Promise<void> {
    await this.#ip("box", ["link del br0"]);
  }

  /** Ends every process in the namespaces and deletes them. Harmless when called again. */
  async remove(): Promise<void> {
    if (this.#removed) return;
    const ip = tool("ip");
    for (const place of this.#places) await terminate(ip, this.namespaces[place]);
    this.removeNow();
  }

  /** As `remove`, while everything else waits: for exit hooks. */
  removeNow(): void {
    if (this.#removed) return;
    this.#removed = true;
    live.delete(this);
    for (const place of this.#places) removeNamespace(this.namespaces[place]);
    removeNote(this.#state, this.prefix);
  }

  async #build(): Promise<void> {
    const ip = tool("ip");
    for (const name of this.#places.map((place) => this.namespaces[place]))
      await must(`adding the namespace ${name}`, ip, ["netns", "add", name]);
    for (const place of this.#places) await this.#settings(place);
    const commands = links(this.namespaces);
    for (const place of ["speaker", "router", "box", "isp", "world"] as const) await this.#ip(place, commands[place]);
    if (this.#tunnel) {
      const more = tunnelLinks(this.namespaces);
      for (const place of ["box", "isp", "gateway"] as const) await this.#ip(place, more[place] ?? []);
    }
    const nft = await this.run("router", [tool("nft"), "-f", "-"], { input: ROUTER_RULES });
    if (nft.code !== 0) throw new HushboxError("host", `loading the router's rules: ${nft.stderr.trim()}`);
    for (const place of this.#places) await this.#plain(place);
  }

  get #places(): readonly Place[] {
    return this.#tunnel ? TUNNEL_PLACES : PLACES;
  }

  async #ip(place: Place, commands: readonly string[]): Promise<void> {
    const { batch, batch6 } = families(commands);
    const args = ["-n", this.namespaces[place], "-batch", "-"];
    await must(`setting up the links of ${place}`, tool("ip"), args, batch);
    if (batch6 !== "") await must(`setting up the IPv6 routes of ${place}`, tool("ip"), ["-6", ...args], batch6);
  }

  /** Writes kernel settings by a shell inside the namespace: /proc/sys/net shows the settings of whoever reads it. */
  async #settings(place: Place): Promise<void> {
    const settings = this.#tunnel && place === "box" ? TUNNEL_BOX_SETTINGS : SETTINGS[place];
    const lines = Object.entries(settings).map(([path, value]) => `[ ! -e ${path} ] || echo ${value} > ${path}`);
    const { code, stderr } = await this.run(place, ["/bin/sh", "-e"], {
      input: `cd /proc/sys/net\n${lines.join("\n")}\n`,
    });
    if (code !== 0) throw new HushboxError("host", `setting the kernel of ${place}: ${stderr.trim()}`);
  }

  /** Turns offloads off: with them on, frames above the MTU and with half-made checksums appear on a veth (docs/emulator.md). */
  async #plain(place: Place): Promise<void> {
    for (const name of (this.#tunnel ? TUNNEL_PLAIN_INTERFACES : PLAIN_INTERFACES)[place] ?? []) {
      const offloads = ["rx", "tx", "sg", "tso", "gso", "gro"].flatMap((offload) => [offload, "off"]);
      const { code, stderr } = await this.run(place, [tool("ethtool"), "-K", name, ...offloads]);
      if (code !== 0) throw new HushboxError("offload", `turning the offloads of ${name} off: ${stderr.trim()}`);
    }
  }
}

/** `ip -batch` takes the family once for all lines, so the lines that begin with -6 go to a batch of their own. */
function families(commands: readonly string[]): { batch: string; batch6: string } {
  const six = commands.filter((line) => line.startsWith("-6 ")).map((line) => line.slice(3));
  return { batch: commands.filter((line) => !line.startsWith("-6 ")).join("\n"), batch6: six.join("\n") };
}

/** Asks the processes of a namespace to end, and waits up to half a second for them. */
async function terminate(ip: string, namespace: string): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    const { stdout } = await command(ip, ["netns", "pids", namespace]);
    const pids = stdout
      .split("\n")
      .map(Number)
      .filter((pid) => pid > 1 && pid !== process.pid);
    if (pids.length === 0) return;
    for (const pid of turn === 0 ? pids : []) {
      try {
        process.kill(pid, "SIGTERM");
      } catch {
        // It ended by itself.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let watching = false;

/**
 * Removes all laboratories of this process when it ends, by a signal too. Where the program handles the signal itself,
 * ending is left to it, and the exit hook does the rest.
 */
function watchExit(): void {
  if (watching) return;
  watching = true;
  process.on("exit", () => {
    for (const laboratory of live) laboratory.removeNow();
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const end = (): void => {
      if (process.listenerCount(signal) > 1) return;
      for (const laboratory of live) laboratory.removeNow();
      process.removeListener(signal, end);
      process.kill(process.pid, signal);
    };
    process.on(signal, end);
  }
}
