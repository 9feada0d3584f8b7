import { setImmediate as nextTurn } from "node:timers/promises";
import { compile } from "../config/settings.js";
import { Counters, DIRECTIONS, DROPS } from "../datapath/counters.js";
import { Datapath } from "../datapath/datapath.js";
import type { PresetName } from "../defense/presets.js";
import { DECOY_KINDS } from "../defense/schema.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { BackgroundOutput } from "../nic/background-output.js";
import { findMac } from "../nic/device-match.js";
import { outputFailure } from "../nic/output.js";
import { PcapFileCards } from "../nic/pcap-file.js";
import { PcapWriter } from "../nic/pcap-writer.js";
import { Pool } from "../packet/pool.js";
import { SeededRandom } from "../random/seeded-random.js";
import { DeviceSubject } from "../trace/subject.js";
import { formatMac } from "../wire/ethernet.js";
import { Prefixes } from "../wire/prefix.js";
import { ObservedCapture, type Volume } from "./observed-capture.js";
import { UnfinishedFile } from "./unfinished-file.js";
import { runToEnd } from "./virtual-run.js";

/** Packets that the box may hold at once: as many as a delay of some seconds at a million packets a second is worth remembering. */
const QUEUE = 16_384;
/** Slots beyond the departure queue: a packet in hand on each side, and decoys. */
const WORKING_SLOTS = 1024;
/** How many turns pass between two looks at the clock for progress. */
const PROGRESS_EVERY = 65_536;

/** What to shape, and how. */
export interface ShapeOptions {
  readonly input: string;
  readonly output: string;
  readonly preset: PresetName;
  readonly seed: string;
  /** MAC or IP address of the device. */
  readonly device: string;
  readonly observer: "lan" | "wan";
}

/** What shaping did, in the words of `hushbox shape --json`. */
export interface ShapeReport {
  readonly preset: PresetName;
  readonly seed: string;
  readonly observer: "lan" | "wan";
  readonly device: string;
  /** Length of the capture. */
  readonly seconds: number;
  /** As the observer would have counted without the box, and with it. */
  readonly in: Volume;
  readonly out: Volume;
  /** Frames of other hosts, left out. */
  readonly foreign: number;
  /** What was added, as a share of what was there. */
  readonly overhead: { readonly bytes: number; readonly packets: number };
  /** Of real packets on their way up. */
  readonly added_delay_ms: { readonly p50: number; readonly p99: number };
  readonly drops: Readonly<Record<string, number>>;
  /** Sent, by kind; behind the router some are seen no more. */
  readonly decoys: Readonly<Record<string, number>>;
}

/**
 * Passes a capture through the datapath on the capture's own time, and writes what an observer outside would have recorded. The output
 * appears under its name when it is complete, or not at all. `progress` hears from time to time how many packets were read.
 */
export async function shape(options: ShapeOptions, progress?: (packets: number) => void): Promise<ShapeReport> {
  const mac = findMac(options.input, options.device);
  if (mac === null) throw neverAppears(options);
  const file = new UnfinishedFile(options.output, (cause) => outputFailure("creating", options.output, cause));
  const output = new BackgroundOutput(file.path);
  try {
    const report = await pass(options, mac, output, progress);
    await output.drained();
    output.close();
    file.finish();
    return report;
  } catch (error) {
    output.close();
    file.discard();
    throw error;
  }
}

async function pass(
  options: ShapeOptions,
  mac: number,
  output: BackgroundOutput,
  progress: ((packets: number) => void) | undefined,
): Promise<ShapeReport> {
  const device = formatMac(mac);
  const { datapath: datapathOptions } = compile({
    inside: "inside",
    outside: "outside",
    preset: options.preset,
    devices: [{ name: "device", mac: device }],
  });
  const pool = new Pool(QUEUE + WORKING_SLOTS);
  const cards = new PcapFileCards({ path: options.input, device }, { pool });
  try {
    const vantage = options.observer === "lan" ? "lan" : "beyond";
    const subject = new DeviceSubject(mac);
    const writer = new PcapWriter(output);
    const observed = new ObservedCapture(vantage, new Prefixes(datapathOptions.local), { subject, pool, writer });
    const counters = new Counters();
    const random = new SeededRandom(options.seed, "shape");
    const modules = { pool, cards, random, counters, tap: observed, queue: QUEUE };
    const start = cards.now;
    const datapath = new Datapath(datapathOptions, null, modules, start);
    let turns = 0;
    let breathed = 0;
    await runToEnd(datapath, cards, counters, () => {
      if (++turns % PROGRESS_EVERY === 0) progress?.(cards.packets);
      if (writer.blocks === breathed) return null;
      // The disk's answers come between turns: a look at them for each block, and a wait where the disk is behind.
      breathed = writer.blocks;
      return output.full ? output.room() : nextTurn();
    });
    const end = cards.now;
    writer.flush();
    if (cards.failure !== null) throw cards.failure;
    if (cards.packets === 0) {
      throw new HushboxError("capture-invalid", `shaping ${options.input}: the capture holds no packets`);
    }
    if (observed.own === 0) throw neverAppears(options);
    return report(options, device, (end - start) / 1e6, observed, counters, cards);
  } finally {
    cards.close();
  }
}

function report(
  options: ShapeOptions,
  device: string,
  seconds: number,
  observed: ObservedCapture,
  counters: Counters,
  cards: PcapFileCards,
): ShapeReport {
  const { before, after } = observed;
  const ms = (q: number): number => Number((observed.delays.at(q) / 1e3).toFixed(4));
  const drops: Record<string, number> = {};
  for (const drop of DROPS) {
    drops[drop] = DIRECTIONS.reduce((sum, direction) => sum + counters.read(`${direction}.drop_${drop}`), 0);
  }
  drops["no-slot"] = cards.inside.counters.noSlot + cards.outside.counters.noSlot;
  return {
    preset: options.preset,
    seed: options.seed,
    observer: options.observer,
    device,
    seconds: Number(seconds.toFixed(6)),
    in: before,
    out: after,
    foreign: observed.foreign,
    overhead: {
      bytes: share(before.up.bytes + before.down.bytes, after.up.bytes + after.down.bytes),
      packets: share(before.up.packets + before.down.packets, after.up.packets + after.down.packets),
    },
    added_delay_ms: { p50: ms(0.5), p99: ms(0.99) },
    drops,
    decoys: Object.fromEntries(DECOY_KINDS.map((kind) => [kind, counters.read(`decoys_${kind}`)])),
  };
}

/** What was added to `before` to make `after`, as a share of `before`. */
function share(before: number, after: number): number {
  return before === 0 ? 0 : Number(((after - before) / before).toFixed(6));
}

function neverAppears(options: ShapeOptions): HushboxError {
  return new HushboxError(
    "capture-invalid",
    `shaping ${options.input}: ${options.device} never appears in the capture`,
  );
}
