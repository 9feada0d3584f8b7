import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync, createWriteStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Status } from "../api/status.js";
import { complete } from "../config/defaults.js";
import type { Config } from "../config/schema.js";
import type { PresetName } from "../defense/presets.js";
import type { DefensesFile } from "../defense/schema.js";
import { Capture } from "../emulator/capture.js";
import { missingPackages } from "../emulator/command.js";
import { Laboratory } from "../emulator/laboratory.js";
import { startTime } from "../emulator/leftovers.js";
import type { Summary } from "../emulator/report.js";
import { OBSERVERS, TOPOLOGY } from "../emulator/topology.js";
import { tunnelTools } from "../emulator/wireguard.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { micros, type Micros } from "../time/micros.js";
import { parseMac } from "../wire/ethernet.js";
import { Prefixes } from "../wire/prefix.js";
import { ask } from "./ask.js";
import { labelCapture } from "./labelled-capture.js";
import { Program } from "./program.js";
import type { Questions } from "./questions.js";
import { Relay } from "./relay.js";
import { socketPath } from "./socket-path.js";
import type { DemoReport, Seen } from "./report.js";
import type { Screen } from "./screen.js";
import { line, table } from "./table.js";
import { OuterView } from "./outer-view.js";
import { isTunnel, TunnelEnds, type TunnelName } from "./tunnel-ends.js";
import { Views } from "./views.js";

const PORT = 8377;
/** How long packets, and answers to decoys, may still be on their way when the speaker has ended, in milliseconds. */
const SETTLE = 1_500;
const READY_WITHIN = 20_000;
/** How late answers may be where questions are asked: a stream of 4 MB takes a minute of the slots that presets have. */
const PATIENT = "90s";
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
  /** Single values instead of the preset's. */
  readonly defenses: DefensesFile;
  /** What the speaker is asked, instead of all that it can do. */
  readonly questions: Questions | null;
  /** A folder for the captures, and with questions their manifests; null: they go when the demo does. */
  readonly captures: string | null;
  /** The command, for the manifests. */
  readonly origin: string;
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
  readonly #socket: string;
  readonly #options: DemoOptions;
  readonly #screen: Screen;
  readonly #signal: AbortSignal;
  readonly #undo: Undo[] = [];
  #tunnel: TunnelEnds | null = null;
  #outer: OuterView | null = null;
  #url = "";

  /** Throws `host` where the folder for temporary files is too deep for a socket. */
  constructor(options: DemoOptions, screen: Screen, signal: AbortSignal) {
    this.#options = options;
    this.#screen = screen;
    this.#signal = signal;
    this.folder = join(tmpdir(), `${FOLDER}${process.pid}`);
    this.#socket = socketPath(join(this.folder, "api.sock"), "set TMPDIR to a shorter folder");
  }

  /** Why the demo cannot run on this machine, in words for a person, or null. */
  static unavailable(preset = "off"): string | null {
    const packages = missingPackages([
      ...(["ip", "nft", "ethtool", "tcpdump", "ping", "openssl"] as const),
      ...(isTunnel(preset) ? tunnelTools() : []),
    ]);
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
    const { preset: wanted } = this.#options;
    const laboratory = await Laboratory.build({ name: "hushbox-demo", mode: isTunnel(wanted) ? "tunnel" : "inline" });
    this.#undo.push(() => laboratory.remove());
    this.#screen.say("speaker ── box ── router (NAT) ── provider ── world: built, each in a network namespace");
    if (isTunnel(wanted)) await this.#far(wanted, laboratory);
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
      this.#outer?.poll();
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
    this.#outer?.poll();
    const measured = this.#measured(views, await this.#status());
    await cloud.program.stop();
    this.#label(speaker, captures);
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
    const emulated: Emulated = { program: null as never, began: NaN, summary: null };
    const log = createWriteStream(join(this.folder, `${place}.jsonl`));
    emulated.program = Program.start(laboratory, place, [process.execPath, ...argv], name, (said) => {
      log.write(`${said}\n`);
      // What went wrong is worth a line of its own: captures and logs go with the demo.
      if (said.includes('"ok":false')) this.#screen.say(`${name}: ${said}`);
      if (said.startsWith('{"transfers"')) emulated.summary = JSON.parse(said) as Summary;
      if (said.startsWith('{"began"')) emulated.began = (JSON.parse(said) as { began: number }).began;
    });
    this.#undo.push(() => emulated.program.stop());
    return emulated;
  }

  /** The far end of the tunnel, at another customer of the provider. */
  async #far(name: TunnelName, laboratory: Laboratory): Promise<void> {
    const ends = new TunnelEnds(name, laboratory, this.folder, this.#options.defenses);
    this.#tunnel = ends;
    this.#undo.push(() => ends.stop());
    await ends.start(MAIN);
    this.#screen.say(
      name === "tunnel"
        ? "a stock WireGuard peer stands at the provider's other line"
        : "a hushbox with role gateway stands at the provider's other line",
    );
  }

  #speakerArguments(): string[] {
    const { duration, seed, questions } = this.#options;
    const asked = questions === null ? [] : ["--mixture", questions.mixture, "--patience", PATIENT];
    return [EMULATOR, "speaker", "--duration", `${duration / 1e6}s`, "--seed", seed, ...asked];
  }

  /** Writes which question was asked when in the captures in front of the box, and behind the router. */
  #label({ began }: Emulated, { inside, wan }: Record<"inside" | "wan", Capture>): void {
    const { preset, questions, captures, origin } = this.#options;
    if (questions === null || captures === null) return;
    const same = { origin, began: began * 1e3 };
    const { speaker, router } = TOPOLOGY;
    const before = { ...same, file: inside.file, device: speaker.mac, name: "demo, in front of the box" };
    const behind = { ...same, file: wan.file, device: router.wan4, name: `demo, behind the router, preset ${preset}` };
    const paths = [before, behind].map((capture) => labelCapture(questions, capture));
    this.#screen.say(`what was asked when: ${paths.join(", ")}`);
  }

  async #capture(laboratory: Laboratory): Promise<Record<"inside" | "lan" | "wan", Capture>> {
    const start = async (name: "inside" | "lan" | "wan"): Promise<Capture> => {
      const { place, interface: card } = OBSERVERS[name];
      // Whole frames: datagrams are told apart by their ends, and what was padded can be looked at.
      const capture = await Capture.start(
        laboratory,
        place,
        card,
        join(this.#options.captures ?? this.folder, `${name}.pcap`),
      );
      this.#undo.push(() => capture.stop());
      return capture;
    };
    return { inside: await start("inside"), lan: await start("lan"), wan: await start("wan") };
  }

  #views(captures: Record<"inside" | "lan" | "wan", Capture>): Views {
    const { box, gateway, router, speaker } = TOPOLOGY;
    const device = parseMac(speaker.mac) ?? 0;
    const local = new Prefixes(complete(this.#config()).local.networks);
    if (this.#tunnel !== null) {
      const files = { wan: captures.wan.file, lan: captures.lan.file };
      const outer = new OuterView({ files, port: gateway.port, device, local });
      this.#outer = outer;
      this.#undo.push(() => {
        outer.close();
        return Promise.resolve();
      });
    }
    const views = new Views({
      files: { inside: captures.inside.file, lan: captures.lan.file, wan: captures.wan.file },
      device,
      tunnel: this.#tunnel === null ? null : (parseMac(box.mac) ?? 0),
      router: new Prefixes([router.wan4, router.wan6]),
      local,
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
      defenses: this.#options.defenses,
      devices: [{ name: "speaker", mac: speaker.mac }],
      nic: { card: this.#options.card },
      api: { listen: `127.0.0.1:${PORT}` },
      state: join(this.folder, "state"),
      ...this.#tunnel?.boxConfig,
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
    const relay = await Relay.open(laboratory, "box", PORT, this.#socket);
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
  #measured(views: Views, status: Status): Omit<DemoReport, "seconds" | "integrity"> {
    const { up, down, cards } = status;
    const { decoys, replies_leaked, ...seen } = this.#seen(views, status);
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
      preset: status.preset,
      ...seen,
      ...(this.#outer === null ? {} : { tunnel: this.#outer.seen() }),
      ...(status.tunnel === null
        ? {}
        : { slots: { sent: status.tunnel.slots.sent, lateness_over_load: status.tunnel.slots.latenessOverLoad } }),
      lateness_us: { p50: late?.p50 ?? 0, p99: late?.p99 ?? 0 },
      drops,
      decoys: { ...decoys, replies_swallowed: down?.counts.swallowedPackets ?? 0, replies_leaked },
    };
  }

  /** Inside a tunnel packets cannot be told apart from outside: what was added to them, and how long they took, only the box can say. */
  #seen(views: Views, { up, decoys }: Status): Seen {
    const seen = views.seen();
    if (this.#tunnel === null) return seen;
    const { p50, p99 } = up?.addedDelayMilliseconds ?? { p50: 0, p99: 0 };
    const { tcp = 0, udp = 0, icmp = 0, traceroute = 0 } = decoys?.sent ?? {};
    return {
      ...seen,
      added_delay_ms: { p50: p50 ?? 0, p99: p99 ?? 0 },
      decoys: { ...seen.decoys, tcp, udp, icmp: icmp + traceroute },
    };
  }

  /** Both ends compare what they got by hash; a transfer that never ended is as bad as one with a wrong byte. */
  #integrity(speaker: Emulated, cloud: Emulated): DemoReport["integrity"] {
    const [near, far] = [speaker.summary, cloud.summary];
    if (near === null) throw speaker.program.failure("said no summary");
    if (far === null) throw cloud.program.failure("said no summary");
    const { transfers, connections, broken } = near;
    return { transfers, bad: near.bad + near.failed + far.bad, connections, broken };
  }
}

interface Emulated {
  program: Program;
  /** When the speaker began, in epoch milliseconds; NaN before, and of the cloud. */
  began: number;
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
