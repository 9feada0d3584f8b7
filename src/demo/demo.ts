import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync, createWriteStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Status } from "../api/status.js";
import { complete } from "../config/defaults.js";
import type { Config } from "../config/schema.js";
import type { PresetName } from "../defense/presets.js";
import { Capture } from "../emulator/capture.js";
import { missingPackages } from "../emulator/command.js";
import { Laboratory } from "../emulator/laboratory.js";
import { startTime } from "../emulator/leftovers.js";
import type { Summary } from "../emulator/report.js";
import { OBSERVERS, TOPOLOGY } from "../emulator/topology.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { micros, type Micros } from "../time/micros.js";
import { parseMac } from "../wire/ethernet.js";
import { Prefixes } from "../wire/prefix.js";
import { ask } from "./ask.js";
import { Program } from "./program.js";
import { Relay } from "./relay.js";
import type { DemoReport } from "./report.js";
import type { Screen } from "./screen.js";
import { line, table } from "./table.js";
import { Views } from "./views.js";

const PORT = 8377;
/** How long packets, and answers to decoys, may still be on their way when the speaker has ended, in milliseconds. */
const SETTLE = 1_500;
const READY_WITHIN = 20_000;
const FOLDER = "hushbox-demo-";
const FOLDER_NAME = /^hushbox-demo-(\d+)$/;

const BUILD = join(import.meta.dirname, "../..");
const MAIN = join(BUILD, "src/main.js");
const EMULATOR = join(BUILD, "src/emulator/program.js");

export interface DemoOptions {
  readonly preset: PresetName;
  readonly duration: Micros;
  readonly seed: string;
  readonly card: "ring" | "libpcap";
  /** Captures, configuration and log stay. */
  readonly keep: boolean;
}

type Undo = () => Promise<unknown>;

/**
 * The laboratory with hushbox in its place, an emulated speaker on one side and its cloud on the other; watched from captures. Everything is
 * taken down again by `end`, whatever happened before.
 */
export class Demo {
  readonly folder: string;
  readonly #options: DemoOptions;
  readonly #screen: Screen;
  readonly #signal: AbortSignal;
  readonly #undo: Undo[] = [];
  #url = "";

  constructor(options: DemoOptions, screen: Screen, signal: AbortSignal) {
    this.#options = options;
    this.#screen = screen;
    this.#signal = signal;
    this.folder = join(tmpdir(), `${FOLDER}${process.pid}`);
  }

  /** Why the demo cannot run on this machine, in words for a person, or null. */
  static unavailable(): string | null {
    const packages = missingPackages(["ip", "nft", "ethtool", "tcpdump", "ping", "openssl"]);
    return (
      Laboratory.unavailable() ?? (packages.length === 0 ? null : `install the Debian packages ${packages.join(" ")}`)
    );
  }

  /** Where the API answers on this machine. */
  get url(): string {
    return this.#url;
  }

  /** Runs the demo to its end. Throws at once where it is interrupted, and where something other than a transfer fails. */
  run(): Promise<DemoReport> {
    const interrupted = new Promise<never>((_resolve, reject) => {
      this.#signal.addEventListener("abort", () => {
        reject(new HushboxError("host", "interrupted"));
      });
    });
    return Promise.race([this.#run(), interrupted]);
  }

  async #run(): Promise<DemoReport> {
    sweepFolders();
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { mode: 0o700 });
    const laboratory = await Laboratory.build({ name: "hushbox-demo" });
    this.#undo.push(() => laboratory.remove());
    this.#screen.say("speaker ── box ── router (NAT) ── provider ── world: built, each in a network namespace");
    this.#check();

    const cloud = this.#start(laboratory, "world", [EMULATOR, "cloud"], "the cloud");
    await cloud.program.saying((said) => said.includes('"ready":true'));
    const captures = await this.#capture(laboratory);
    const daemon = await this.#daemon(laboratory);
    this.#screen.say(
      `hushbox runs in the box with preset ${this.#options.preset}; its API and documentation: ${this.#url}/docs`,
    );
    this.#screen.say(`to change it: curl -X PUT -H "Authorization: Bearer $(cat ${this.folder}/state/token)" \\`);
    this.#screen.say(`  -H "Content-Type: application/json" -d '{"preset": "off"}' ${this.#url}/api/v1/preset`);

    const views = this.#views(captures);
    const begun = performance.now();
    const elapsed = (): number => Math.round(performance.now() - begun) / 1e3;
    const speaker = this.#start(laboratory, "speaker", this.#speakerArguments(), "the speaker");
    while (speaker.program.running) {
      await Promise.race([sleep(1000), speaker.program.ended]);
      this.#check();
      if (!daemon.running) throw daemon.failure("ended by itself");
      views.poll();
      const shown = { ...this.#measured(views, await this.#status()), seconds: elapsed() };
      this.#screen.show(
        () => [`preset ${shown.preset}, ${shown.seconds.toFixed(0)} s, ${this.#url}/docs`, ...table(shown)],
        () => line(shown),
      );
    }
    const seconds = elapsed();
    await sleep(SETTLE);
    this.#check();
    const lost = await stopAll(captures);
    if (lost > 0) this.#screen.say(`warning: the captures lost ${lost} frames, so that the figures are not exact`);
    views.poll();
    const measured = this.#measured(views, await this.#status());
    await cloud.program.stop();
    const { preset, ...rest } = measured;
    return { preset, seconds, ...rest, integrity: this.#integrity(speaker, cloud) };
  }

  /** Takes everything down, last first. Idempotent. */
  async end(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) await undo().catch(() => undefined);
    if (!this.#options.keep) rmSync(this.folder, { recursive: true, force: true });
    else writeFileSync(join(this.folder, "kept"), "");
  }

  #check(): void {
    if (this.#signal.aborted) throw new HushboxError("host", "interrupted");
  }

  /** Starts a program of the emulator; hears its summary, which is its last line. */
  #start(laboratory: Laboratory, place: "speaker" | "world", argv: readonly string[], name: string): Emulated {
    const emulated: Emulated = { program: null as never, summary: null };
    const log = createWriteStream(join(this.folder, `${place}.jsonl`));
    emulated.program = Program.start(laboratory, place, [process.execPath, ...argv], name, (said) => {
      log.write(`${said}\n`);
      if (said.startsWith('{"transfers"')) emulated.summary = JSON.parse(said) as Summary;
    });
    this.#undo.push(() => emulated.program.stop());
    return emulated;
  }

  #speakerArguments(): string[] {
    const { duration, seed } = this.#options;
    return [EMULATOR, "speaker", "--duration", `${duration / 1e6}s`, "--seed", seed];
  }

  async #capture(laboratory: Laboratory): Promise<Record<"inside" | "lan" | "wan", Capture>> {
    const start = async (name: "inside" | "lan" | "wan"): Promise<Capture> => {
      const { place, interface: card } = OBSERVERS[name];
      // Whole frames: datagrams are told apart by their ends, and what was padded can be looked at.
      const capture = await Capture.start(laboratory, place, card, join(this.folder, `${name}.pcap`));
      this.#undo.push(() => capture.stop());
      return capture;
    };
    return { inside: await start("inside"), lan: await start("lan"), wan: await start("wan") };
  }

  #views(captures: Record<"inside" | "lan" | "wan", Capture>): Views {
    const { router, speaker } = TOPOLOGY;
    const views = new Views({
      files: { inside: captures.inside.file, lan: captures.lan.file, wan: captures.wan.file },
      device: parseMac(speaker.mac) ?? 0,
      router: new Prefixes([router.wan4, router.wan6]),
      local: new Prefixes(complete(this.#config()).local.networks),
      since: micros(Date.now() * 1e3),
    });
    this.#undo.push(() => {
      views.close();
      return Promise.resolve();
    });
    return views;
  }

  #config(): Config {
    const { box, speaker } = TOPOLOGY;
    return {
      inside: box.inside,
      outside: box.outside,
      preset: this.#options.preset,
      devices: [{ name: "speaker", mac: speaker.mac }],
      nic: { card: this.#options.card },
      api: { listen: `127.0.0.1:${PORT}` },
      state: join(this.folder, "state"),
    };
  }

  /** Starts hushbox in the box and waits until packets flow. */
  async #daemon(laboratory: Laboratory): Promise<Program> {
    const path = join(this.folder, "config.yaml");
    // JSON is YAML too.
    writeFileSync(path, `${JSON.stringify(this.#config(), null, 2)}\n`);
    const log = createWriteStream(join(this.folder, "hushbox.log"));
    const argv = [process.execPath, MAIN, "run", "--config", path];
    const daemon = Program.start(laboratory, "box", argv, "hushbox", (said) => log.write(`${said}\n`));
    this.#undo.push(() => daemon.stop());
    const relay = await Relay.open(laboratory, "box", PORT, this.folder);
    this.#undo.push(() => relay.close());
    this.#url = relay.url;
    const until = performance.now() + READY_WITHIN;
    while (!(await answers(`${relay.url}/readyz`))) {
      this.#check();
      if (!daemon.running) throw daemon.failure("ended while starting");
      if (performance.now() > until) throw daemon.failure(`was not ready within ${READY_WITHIN / 1000} s`);
      await sleep(100);
    }
    return daemon;
  }

  async #status(): Promise<Status> {
    const { status, text } = await ask(`${this.#url}/api/v1/status`);
    if (status !== 200) throw new HushboxError("api", `asking hushbox for its status: HTTP status ${status}`);
    return JSON.parse(text) as Status;
  }

  /** What the captures show, with what only the box itself can say. */
  #measured(views: Views, { preset, up, down, cards }: Status): Omit<DemoReport, "seconds" | "integrity"> {
    const { decoys, replies_leaked, ...seen } = views.seen();
    const drops: Record<string, number> = {};
    for (const [reason, n] of [...Object.entries(up?.drops ?? {}), ...Object.entries(down?.drops ?? {})]) {
      drops[reason] = (drops[reason] ?? 0) + n;
    }
    for (const { counts } of Object.values(cards)) {
      if (counts === null) continue;
      for (const [reason, n] of [
        ["card-dropped", counts.dropped],
        ["card-no-slot", counts.noSlot],
        ["card-refused", counts.refused],
      ] as const) {
        drops[reason] = (drops[reason] ?? 0) + n;
      }
    }
    const late = up?.latenessMicroseconds;
    return {
      preset,
      ...seen,
      lateness_us: { p50: late?.p50 ?? 0, p99: late?.p99 ?? 0 },
      drops,
      decoys: { ...decoys, replies_swallowed: down?.counts.swallowedPackets ?? 0, replies_leaked },
    };
  }

  /** Both ends compare what they got by hash; a transfer that never ended is as bad as one with a wrong byte. */
  #integrity(speaker: Emulated, cloud: Emulated): DemoReport["integrity"] {
    const [near, far] = [speaker.summary, cloud.summary];
    if (near === null) throw speaker.program.failure("said no summary");
    if (far === null) throw cloud.program.failure("said no summary");
    return { transfers: near.transfers, bad: near.bad + near.failed + far.bad };
  }
}

interface Emulated {
  program: Program;
  summary: Summary | null;
}

/** Ends captures; answers how many frames they lost. */
async function stopAll(captures: Readonly<Record<string, Capture>>): Promise<number> {
  const counts = await Promise.all(Object.values(captures).map((capture) => capture.stop()));
  return counts.reduce((sum, { dropped }) => sum + dropped, 0);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await ask(url)).status === 200;
  } catch {
    return false;
  }
}

/** Removes the folders of demos that were killed; those to be kept stay. */
function sweepFolders(): void {
  for (const entry of readdirSync(tmpdir(), { withFileTypes: true })) {
    const pid = FOLDER_NAME.exec(entry.name)?.[1];
    if (pid === undefined || !entry.isDirectory() || startTime(Number(pid)) !== null) continue;
    const path = join(tmpdir(), entry.name);
    if (!existsSync(join(path, "kept"))) rmSync(path, { recursive: true, force: true });
  }
}
