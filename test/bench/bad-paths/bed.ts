import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Capture } from "../../../src/emulator/capture.js";
import { Laboratory } from "../../../src/emulator/laboratory.js";
import { OBSERVERS, TOPOLOGY, type Place } from "../../../src/emulator/topology.js";
import { BadLink } from "../../support/bad-link.js";
import { ROOT } from "../../support/generated.js";
import { LaboratoryBox } from "../../support/laboratory-box.js";
import { Talking } from "../../support/talking.js";
import { wanView, type WanView } from "../../support/wan-view.js";
import { Child } from "../child.js";
import type { Conditions } from "./conditions.js";
import { kernelCounts, READ_COUNTS, since, type KernelCounts } from "./kernel-counts.js";
import { Programs, type ProgramOutcome } from "./programs.js";
import { HOME, type Errand, type Outcome } from "./transfers.js";

/** What one variant made of one run. */
export interface RunResult {
  readonly transfers: readonly Outcome[];
  readonly programs: readonly ProgramOutcome[];
  readonly speaker: KernelCounts;
  readonly world: KernelCounts;
  /** Packets that the router's connection tracking took for invalid. */
  readonly invalid: number;
  /** What hushbox counted; empty for the undefended variant. */
  readonly tallies: Readonly<Record<string, number>>;
  /** Null where nothing was captured. */
  readonly wan: WanView | null;
}

/** Frames on a path of MTU 1500, and of one that is narrower behind the router once that is known. */
const [FULL, NARROW] = [1514, 1414];
const NARROW_MTU = 1400;
const PEER = (name: string): string => join(ROOT, `build/test/bench/bad-paths/peer-${name}.js`);

// The laboratory's small, fixed buffers are a speaker's; here nothing but the path is to limit a transfer.
const BUFFERS = [
  "tcp_rmem='4096 131072 6291456'",
  "tcp_wmem='4096 87380 6291456'",
  "tcp_moderate_rcvbuf=1",
  "tcp_no_metrics_save=1",
];
const NO_MESSAGES = `
table inet hushbox_narrow {
  chain pass {
    type filter hook forward priority -10; policy accept;
    icmp type destination-unreachable icmp code frag-needed drop
    icmpv6 type packet-too-big drop
    meta nfproto ipv4 tcp flags & syn == syn tcp option maxseg size set ${NARROW_MTU - 40}
    meta nfproto ipv6 tcp flags & syn == syn tcp option maxseg size set ${NARROW_MTU - 60}
  }
}`;

/**
 * One variant's test bed, kept from run to run:
 *
 *     speaker ── box [hushbox] ── router (NAT, ct state invalid drop) ── provider ── [bad path] ── world
 */
export class Bed {
  readonly laboratory: Laboratory;
  readonly #link: BadLink;
  readonly #directory: string;
  readonly #programs: Programs;
  readonly #children: Child[] = [];
  #client: Talking | undefined;
  #box: LaboratoryBox | undefined;
  #configuration: object | undefined;

  private constructor(laboratory: Laboratory, link: BadLink, directory: string) {
    this.laboratory = laboratory;
    this.#link = link;
    this.#directory = directory;
    this.#programs = new Programs(laboratory, directory);
  }

  /** `key` and `certificate`: files. */
  static async build(name: string, directory: string, key: string, certificate: string): Promise<Bed> {
    mkdirSync(directory, { recursive: true });
    const laboratory = await Laboratory.build({ name, state: join(directory, "laboratory") });
    const bed = new Bed(laboratory, await BadLink.lay(laboratory), directory);
    try {
      await bed.#start(key, certificate);
      return bed;
    } catch (error) {
      await bed.stop();
      throw error;
    }
  }

  /**
   * Everything of one run. `padded`: the link behind the router is captured, and hushbox begins anew, so that what it has learned of a
   * destination does not hang on the runs before. `others` resolves when the other beds are as far: a browser that starts takes this machine's
   * processors from all that runs beside it.
   */
  async run(
    conditions: Conditions,
    configuration: object,
    padded: boolean,
    others: () => Promise<void>,
  ): Promise<RunResult> {
    await this.#set(conditions);
    if (padded || this.#configuration !== configuration) {
      await this.#box?.stop();
      const directory = join(this.#directory, "box");
      rmSync(directory, { recursive: true, force: true });
      this.#box = await LaboratoryBox.start(this.laboratory, directory, configuration);
      this.#configuration = configuration;
    }
    const { seed, delayUp, delayDown, loss, reorder } = conditions;
    await this.#link.start({
      seed: String(seed),
      up: { delay: delayUp, loss, reorder },
      down: { delay: delayDown, loss, reorder },
    });
    try {
      const capture = padded ? await this.#capture() : null;
      const before = await this.#counts();
      const [transfers, ...programs] = await Promise.all([
        this.#client?.ask<Outcome[]>(JSON.stringify(errandOf(conditions))) ?? [],
        ...conditions.programs.map((name) => this.#programs.call(name, conditions)),
      ]);
      await others();
      for (const name of conditions.rare) programs.push(await this.#programs.call(name, conditions));
      this.#programs.check();
      const after = await this.#counts();
      const tallies = await this.#tallies();
      await capture?.stop();
      return {
        transfers,
        programs,
        speaker: since(before.speaker, after.speaker),
        world: since(before.world, after.world),
        invalid: after.invalid - before.invalid,
        tallies,
        wan: capture === null ? null : wanView(capture.file, conditions.path === "1500" ? [FULL] : [FULL, NARROW]),
      };
    } finally {
      await this.#link.stop();
    }
  }

  async stop(): Promise<void> {
    this.#client?.close();
    await this.#box?.stop();
    await this.#link.stop();
    for (const child of this.#children) await child.stop();
    await this.#programs.stop();
    await this.laboratory.remove();
  }

  async #start(key: string, certificate: string): Promise<void> {
    const { laboratory } = this;
    await this.#programs.start(key, certificate);
    const server = new Child(laboratory.namespaces.world, process.execPath, [PEER("server"), key, certificate]);
    this.#children.push(server);
    await server.printed(/^ready/m);
    const options = { stdio: ["pipe", "pipe", "inherit"] as ("pipe" | "inherit")[] };
    this.#client = new Talking(laboratory.exec("speaker", [process.execPath, PEER("client")], options));
  }

  async #set({ congestion, gro, cookies, sack, timestamps, path }: Conditions): Promise<void> {
    const ends = [...BUFFERS, `tcp_sack=${Number(sack)}`, `tcp_timestamps=${Number(timestamps)}`];
    const sysctls = (settings: readonly string[]): string =>
      `sysctl -q ${settings.map((setting) => `-w net.ipv4.${setting}`).join(" ")}`;
    const offloads = (name: string): string => {
      const state = gro ? "on" : "off";
      return `ethtool -K ${name} gro ${state} rx-udp-gro-forwarding ${state}`;
    };
    const { speaker, router, world } = TOPOLOGY;
    const flush = "ip route flush cache; ip -6 route flush cache";
    const lines: Readonly<Record<"speaker" | "router" | "world", string[]>> = {
      speaker: [sysctls(ends), offloads(speaker.interface), flush],
      router: [
        offloads(router.lan),
        flush,
        "nft delete table inet hushbox_narrow 2> /dev/null || true",
        ...(path === "1400 silent" ? [`nft -f - << 'END'${NO_MESSAGES}\nEND`] : []),
      ],
      world: [sysctls([...ends, `tcp_syncookies=${cookies ? 2 : 1}`]), offloads(world.net), flush],
    };
    for (const [place, script] of Object.entries(lines)) await this.#link.sh(place as Place, script.join("\n"));
    await this.#link.narrow(path === "1500" ? null : NARROW_MTU, congestion);
  }

  async #capture(): Promise<Capture> {
    const { place, interface: name } = OBSERVERS.wan;
    return Capture.start(this.laboratory, place, name, join(this.#directory, "wan.pcap"), { snapLength: 160 });
  }

  async #counts(): Promise<{ speaker: KernelCounts; world: KernelCounts; invalid: number }> {
    const [speaker, world, rules] = await Promise.all([
      this.#link.sh("speaker", READ_COUNTS),
      this.#link.sh("world", READ_COUNTS),
      this.#link.sh("router", "nft list chain inet hushbox_lab pass"),
    ]);
    const invalid = Number(/ct state invalid counter packets (\d+)/.exec(rules)?.[1]);
    return { speaker: kernelCounts(speaker), world: kernelCounts(world), invalid };
  }

  /** What hushbox has counted of its own work, without what is 0. */
  async #tallies(): Promise<Record<string, number>> {
    const said = await this.#box?.ask("GET", "/metrics");
    const found = String(said?.body).matchAll(
      /^hushbox_((?:defense|datapath|nic)_(?:padded_packets|given_up|cleaned|drops|swallowed_packets|dropped_packets|no_slot_packets|refused_packets))_total\{(.*)\} (\S+)$/gm,
    );
    const counted = [...found].map(
      ([, name = "", labels = "", value = ""]) => [`${name}{${labels}}`, Number(value)] as const,
    );
    return Object.fromEntries(counted.filter(([, value]) => value > 0));
  }
}

/** Cubic gets through 1 % of loss no faster than some 0.6 MB/s at 30 ms, however it is padded: less has to do there. */
function errandOf({ seed, family, loss, congestion, path }: Conditions): Errand {
  const slow = loss > 0 && congestion === "cubic";
  return {
    address: HOME[family],
    seed: String(seed),
    megabytesDown: slow ? 1 : 8,
    megabytesUp: slow ? 1 : 4,
    records: 150,
    // A host that nobody tells cannot send a larger one.
    largestDatagram: path === "1400 silent" ? NARROW_MTU - 48 : 1452,
  };
}
