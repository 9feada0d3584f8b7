import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../../src/api/status.js";
import { tool } from "../../../src/emulator/command.js";
import { wgKeys } from "../../../src/emulator/wireguard.js";
import { ROOT } from "../../support/generated.js";
import { Child, pause, run } from "../child.js";
import { addressOf } from "./alone.js";
import { PING, type Level, type Load, type LoadResult } from "./levels.js";

const PORT = 51_820;
const API = 8377;
const GATEWAY = "100.64.9.1";
const OUTSIDE = "100.64.9.2";
const WORLD = "198.18.0.1";
/** Seconds before it counts: heartbeats lie anywhere in 9.5 s, and episodes begin with a demand. */
const SETTLE = 3;
/** Boxes that this machine does not manage do not get that far, in milliseconds. */
const BEGUN_WITHIN = 60_000;
/** Idle carriers are few. */
const IDLE_FACTOR = 4;
/** Clock ticks a second in /proc/<pid>/stat. */
const TICKS = 100;
const FETCH = `
const answer = await fetch("http://127.0.0.1:${API}" + process.argv[1]);
process.stdout.write(await answer.text());
process.exitCode = answer.ok ? 0 : 1;`;

/** What one run came to; rates a second, CPU as shares of one. */
export interface LiveResult {
  readonly boxes: number;
  readonly level: Level;
  /** Boxes with a session. */
  readonly up: number;
  /** Carriers that the boxes sent, that the gateway's datapath heard, and that boxes received. */
  readonly sent: number;
  readonly came: number;
  readonly received: number;
  /** The share of pings that were answered; null where none were sent. */
  readonly answered: number | null;
  readonly hushbox: number;
  readonly wireguard: number;
  /** Lateness of slots, p99, in µs, since the gateway's start; null: none left. */
  readonly late: number | null;
  /** Slots that were left out, and packets dropped, since its start. */
  readonly missed: number;
  readonly dropped: number;
}

/** A gateway in a network namespace, and the boxes and the world in another. */
export class LiveGateway {
  readonly #names = { gateway: `hbg${process.pid}`, boxes: `hbb${process.pid}` };
  readonly #directory = mkdtempSync(join(tmpdir(), "hushbox-gateway-"));
  readonly #boxes: Load["boxes"];
  readonly #keys = wgKeys();
  readonly #children: Child[] = [];

  private constructor(boxes: number) {
    this.#boxes = Array.from({ length: boxes }, (_, i) => ({ keys: wgKeys(), address: addressOf(i) }));
  }

  /** Builds it, lets so many boxes run for so many seconds, and takes it down again. */
  static async measure(boxes: number, level: Level, seconds: number): Promise<LiveResult> {
    const gateway = new LiveGateway(boxes);
    const end = (): void => {
      gateway.#remove();
      process.exit(1);
    };
    process.once("SIGINT", end).once("SIGTERM", end);
    try {
      gateway.#build();
      return await gateway.#run(level, level === "idle" ? seconds * IDLE_FACTOR : seconds);
    } finally {
      gateway.#remove();
      process.off("SIGINT", end).off("SIGTERM", end);
    }
  }

  #build(): void {
    const { gateway, boxes } = this.#names;
    for (const name of [gateway, boxes]) run(tool("ip"), ["netns", "add", name]);
    const inGateway = ["-n", gateway];
    const inBoxes = ["-n", boxes];
    const lines: readonly (readonly string[])[] = [
      ["link", "add", "net0", "netns", gateway, "type", "veth", "peer", "name", "net0", "netns", boxes],
      [...inGateway, "addr", "add", `${GATEWAY}/30`, "dev", "net0"],
      [...inBoxes, "addr", "add", `${OUTSIDE}/30`, "dev", "net0"],
      [...inBoxes, "addr", "add", `${WORLD}/32`, "dev", "lo"],
      ...[inGateway, inBoxes].flatMap((where) => ["lo", "net0"].map((card) => [...where, "link", "set", card, "up"])),
      [...inGateway, "route", "add", "default", "via", OUTSIDE],
    ];
    for (const line of lines) run(tool("ip"), line);
    // The world answers every ping.
    run(tool("ip"), ["netns", "exec", boxes, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit"]);
  }

  async #run(level: Level, seconds: number): Promise<LiveResult> {
    const file = join(this.#directory, "gateway.conf");
    const peers = this.#boxes.map(
      ({ keys, address }, i) => `\n[Peer] # box-${i}\nPublicKey = ${keys.publicKey}\nAllowedIPs = ${address}/32\n`,
    );
    const own = `[Interface]\nPrivateKey = ${this.#keys.privateKey}\nAddress = 10.77.0.1/16\nListenPort = ${PORT}\n`;
    writeFileSync(file, own + peers.join(""), { mode: 0o600 });
    const config = join(this.#directory, "hushbox.yaml");
    const state = join(this.#directory, "state");
    mkdirSync(state);
    const tunnel = { file, interface: `hg${process.pid}` };
    const cards = { inside: "net0", outside: "net0", role: "gateway" };
    writeFileSync(config, JSON.stringify({ ...cards, devices: [], preset: "paired", tunnel, state }));
    const main = join(ROOT, "build/src/main.js");
    const daemon = new Child(this.#names.gateway, process.execPath, [main, "run", "--config", config]);
    this.#children.push(daemon);
    try {
      await daemon.until(() => daemon.said.includes('"msg":"ready"'), "become ready", 60_000);
      return await this.#load(daemon, level, seconds);
    } finally {
      await daemon.stop(15_000);
    }
  }

  async #load(daemon: Child, level: Level, seconds: number): Promise<LiveResult> {
    const settle = level === "idle" ? SETTLE : 2 * SETTLE;
    const load: Load = {
      ...{ level, settle, seconds },
      ...{ boxes: this.#boxes, publicKey: this.#keys.publicKey, gateway: GATEWAY, port: PORT },
      ...{ world: WORLD, ping: PING },
    };
    const program = join(ROOT, "build/test/bench/gateway/boxes.js");
    const file = join(this.#directory, "load.json");
    writeFileSync(file, JSON.stringify(load), { mode: 0o600 });
    const boxes = new Child(this.#names.boxes, process.execPath, [program, file]);
    this.#children.push(boxes);
    try {
      return await this.#count(daemon, boxes, load);
    } finally {
      await boxes.stop();
    }
  }

  async #count(daemon: Child, boxes: Child, { level, seconds }: Load): Promise<LiveResult> {
    await boxes.printed(/^running/m, BEGUN_WITHIN);
    const before = { at: performance.now(), cpu: cpuOf(daemon.pid) };
    await pause(seconds * 950);
    const after = { at: performance.now(), cpu: cpuOf(daemon.pid) };
    const time = (after.at - before.at) / 1e3;
    const result = await boxes.result<LoadResult>();
    // Counters are published four times a second.
    await pause(500);
    const status = this.#status();
    const slots = (which: "heard" | "missed"): number => status.tunnel?.slots[which] ?? 0;
    const cards = Object.values(status.cards).map(({ counts }) => counts);
    const refused = cards.reduce(
      (n, counts) => n + (counts?.dropped ?? 0) + (counts?.noSlot ?? 0) + (counts?.refused ?? 0),
      0,
    );
    const drops = [status.up, status.down].flatMap((way) => Object.values(way?.drops ?? {}));
    return {
      boxes: this.#boxes.length,
      level,
      up: result.up,
      sent: result.sent / seconds,
      came: ((slots("heard") / result.all) * result.sent) / seconds,
      received: result.received / seconds,
      answered: result.asked === 0 ? null : result.answered / result.asked,
      hushbox: (after.cpu.hushbox - before.cpu.hushbox) / time,
      wireguard: (after.cpu.wireguard - before.cpu.wireguard) / time,
      late: status.up?.latenessMicroseconds.p99 ?? null,
      missed: slots("missed"),
      dropped: drops.reduce((sum, n) => sum + n, refused),
    };
  }

  #status(): Status {
    const args = ["netns", "exec", this.#names.gateway, process.execPath, "--input-type=module", "-e", FETCH];
    const { status, stdout, stderr } = spawnSync(tool("ip"), [...args, "/api/v1/status"], { encoding: "utf8" });
    if (status !== 0) throw new Error(`the gateway's API does not answer: ${stderr}`);
    return JSON.parse(stdout) as Status;
  }

  /** Idempotent; whatever still runs ends. */
  #remove(): void {
    for (const { pid, running } of this.#children) if (running) process.kill(pid, "SIGTERM");
    for (const name of Object.values(this.#names)) spawnSync(tool("ip"), ["netns", "del", name]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Seconds of processor that the daemon, and the WireGuard beside it, have used. */
function cpuOf(pid: number): { hushbox: number; wireguard: number } {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  const wireguard = children.filter((child) => nameOf(child) === "wireguard-go");
  return { hushbox: secondsOf(pid), wireguard: wireguard.reduce((sum, child) => sum + secondsOf(child), 0) };
}

function nameOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

function secondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
