import { join } from "node:path";
import type { Laboratory } from "../../../src/emulator/laboratory.js";
import { TOPOLOGY, type Place } from "../../../src/emulator/topology.js";
import { ROOT } from "../../support/generated.js";
import { Talking } from "../../support/talking.js";
import type { StreamCount } from "../../support/udp-stream.js";
import { Child } from "../child.js";

const STREAM_PPS = 200;
const STREAM_BYTES = 300;
const PROGRAM = join(ROOT, "build/src/emulator/program.js");
const PEER = join(ROOT, "build/test/bench/soak/peer.js");
const STREAM = join(ROOT, "build/test/support/udp-stream.js");

/** Whom the speaker's numbered streams go to: over both families through the router, and to the router itself, which is local. */
const STREAMS = [
  { name: "IPv4", place: "world", address: TOPOLOGY.world.v4 },
  { name: "IPv6", place: "world", address: TOPOLOGY.world.v6 },
  { name: "local", place: "router", address: TOPOLOGY.router.v4 },
] as const;

/** What the transfers of test/bench/soak/peer.ts came to. */
export interface PeerCount {
  readonly transfers: number;
  readonly bytes: number;
  readonly bad: number;
  readonly failed: number;
  readonly datagrams: number;
  readonly answered: number;
  readonly datagramsBad: number;
}

/** What the emulated speaker says at its end. */
export interface SpeakerCount {
  readonly transfers: number;
  readonly bad: number;
  readonly failed: number;
  readonly bytes: number;
}

/** A numbered stream, by direction. */
export interface StreamReport {
  readonly name: string;
  readonly up: Counted;
  readonly down: Counted;
}
interface Counted {
  readonly sent: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

/** Mixed traffic through the laboratory: the emulated speaker and its cloud, bulk transfers and datagrams with hashes, numbered streams. */
export class Traffic {
  readonly #laboratory: Laboratory;
  readonly #children: Child[] = [];
  readonly #streams: { name: string; device: Talking; far: Talking }[] = [];
  #speaker: Child | undefined;
  #peer: Child | undefined;

  constructor(laboratory: Laboratory) {
    this.#laboratory = laboratory;
  }

  async start(seconds: number, seed: string): Promise<void> {
    const cloud = this.#start("world", PROGRAM, "cloud");
    await cloud.printed(/"ready":true/);
    const server = this.#start("world", PEER, "server");
    await server.printed(/^ready/m);
    for (const [i, { name, place, address }] of STREAMS.entries()) {
      const far = await this.#stream(place, i);
      this.#streams.push({ name, far, device: await this.#stream("speaker", i, address) });
    }
    this.#peer = this.#start("speaker", PEER, "client", TOPOLOGY.world.v4);
    this.#speaker = this.#start("speaker", PROGRAM, "speaker", "--duration", `${seconds}s`, "--seed", seed);
  }

  /** Throws where a program ended that should run on. */
  check(): void {
    for (const child of this.#children)
      if (child !== this.#speaker && !child.running) throw new Error(`a program ended early: ${child.errors}`);
  }

  /** Resolves when the speaker has carried out its plan. */
  async speaker(): Promise<SpeakerCount> {
    const text = (await this.#speaker?.text()) ?? "";
    const last = text.trim().split("\n").at(-1) ?? "";
    if (!last.includes('"repeated"')) throw new Error(`the speaker ended early: ${this.#speaker?.errors ?? ""}`);
    return JSON.parse(last) as SpeakerCount;
  }

  /** Ends what has no end of its own. */
  async end(): Promise<{ peer: PeerCount; streams: StreamReport[] }> {
    this.#peer?.endInput();
    const peer = await this.#peer?.result<PeerCount>();
    if (peer === undefined) throw new Error("there is no traffic");
    const streams = await Promise.all(
      this.#streams.map(async ({ name, device, far }) => {
        const [near, there] = await Promise.all([device.end<StreamCount>(), far.end<StreamCount>()]);
        return { name, up: counted(near, there), down: counted(there, near) };
      }),
    );
    return { peer, streams };
  }

  /** Ends everything, however it went. */
  async stop(): Promise<void> {
    for (const { device, far } of this.#streams) for (const end of [device, far]) end.signal("SIGKILL");
    for (const child of this.#children.reverse()) await child.stop();
  }

  #start(place: Place, ...argv: string[]): Child {
    const child = new Child(this.#laboratory.namespaces[place], process.execPath, argv);
    this.#children.push(child);
    return child;
  }

  async #stream(place: Place, i: number, ...address: string[]): Promise<Talking> {
    const argv = [process.execPath, STREAM, String(9000 + i), String(STREAM_PPS), String(STREAM_BYTES), ...address];
    const child = new Talking(this.#laboratory.exec(place, argv, { stdio: ["ignore", "pipe", "inherit"] }));
    await child.line();
    return child;
  }
}

function counted(sender: StreamCount, receiver: StreamCount): Counted {
  const { received, duplicated, reordered } = receiver;
  return { sent: sender.sent, lost: sender.sent - (received - duplicated), duplicated, reordered };
}
