import { setImmediate as nextTurn } from "node:timers/promises";
import { DIRECTIONS, DROPS } from "../datapath/counters.js";
import type { PresetName } from "../defense/presets.js";
import { DECOY_KINDS, type DefensesFile } from "../defense/schema.js";
import { BackgroundOutput } from "../nic/background-output.js";
import { findMac } from "../nic/device-match.js";
import { outputFailure } from "../nic/output.js";
import { PcapWriter } from "../nic/pcap-writer.js";
import { formatMac } from "../wire/ethernet.js";
import { ObservedCapture } from "./observed-capture.js";
import type { Volume } from "./observed-traffic.js";
import { neverAppears, passCapture, type Passage } from "./passage.js";
import type { TunnelReport } from "./tunnel/tunnel-report.js";
import { UnfinishedFile } from "./unfinished-file.js";

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
  /** Single values instead of the preset's. */
  readonly defenses?: DefensesFile;
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
  /** What its tunnel did, where the preset has one. */
  readonly tunnel: TunnelReport | null;
}

/**
 * Passes a capture through the datapath on the capture's own time, and writes what an observer outside would have recorded. The output
 * appears under its name when it is complete, or not at all. `progress` hears from time to time how many packets were read.
 */
export async function shape(options: ShapeOptions, progress?: (packets: number) => void): Promise<ShapeReport> {
  const mac = findMac(options.input, options.device);
  if (mac === null) throw neverAppears(options.input, options.device);
  const file = new UnfinishedFile(options.output, (cause) => outputFailure("creating", options.output, cause));
  const output = new BackgroundOutput(file.path);
  try {
    const report = await record(options, mac, output, progress);
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

async function record(
  options: ShapeOptions,
  mac: number,
  output: BackgroundOutput,
  progress: ((packets: number) => void) | undefined,
): Promise<ShapeReport> {
  const { input, preset, seed, observer, defenses = {} } = options;
  const vantage = observer === "lan" ? "lan" : "beyond";
  const writer = new PcapWriter(output);
  let turns = 0;
  let breathed = 0;
  const passed = await passCapture(
    { input, preset, seed, defenses, device: mac, vantage },
    (pool) => new ObservedCapture(vantage, { pool, writer }),
    (packets) => {
      if (++turns % PROGRESS_EVERY === 0) progress?.(packets);
      if (writer.blocks === breathed) return null;
      // The disk's answers come between turns: a look at them for each block, and a wait where the disk is behind.
      breathed = writer.blocks;
      return output.full ? output.room() : nextTurn();
    },
  );
  writer.flush();
  return report(options, formatMac(mac), passed);
}

function report(
  options: ShapeOptions,
  device: string,
  { traffic, counters, seconds, noSlot, tunnel }: Passage,
): ShapeReport {
  const { before, after, delays, foreign } = traffic;
  const ms = (q: number): number => Number((delays.at(q) / 1e3).toFixed(4));
  const drops: Record<string, number> = {};
  for (const drop of DROPS) {
    drops[drop] = DIRECTIONS.reduce((sum, direction) => sum + counters.read(`${direction}.drop_${drop}`), 0);
  }
  drops["no-slot"] = noSlot;
  if (tunnel !== null) drops["queue-full"] = tunnel.real.dropped.up + tunnel.real.dropped.down;
  return {
    preset: options.preset,
    seed: options.seed,
    observer: options.observer,
    device,
    seconds: Number(seconds.toFixed(6)),
    in: before,
    out: after,
    foreign,
    overhead: {
      bytes: share(before.up.bytes + before.down.bytes, after.up.bytes + after.down.bytes),
      packets: share(before.up.packets + before.down.packets, after.up.packets + after.down.packets),
    },
    added_delay_ms: { p50: ms(0.5), p99: ms(0.99) },
    drops,
    decoys: Object.fromEntries(DECOY_KINDS.map((kind) => [kind, counters.read(`decoys_${kind}`)])),
    tunnel,
  };
}

/** What was added to `before` to make `after`, as a share of `before`. */
function share(before: number, after: number): number {
  return before === 0 ? 0 : Number(((after - before) / before).toFixed(6));
}
