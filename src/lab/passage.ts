import { checkConfig } from "../config/check-config.js";
import { compile } from "../config/settings.js";
import { Counters } from "../datapath/counters.js";
import { Datapath } from "../datapath/datapath.js";
import type { DatapathOptions } from "../datapath/options.js";
import type { PresetName } from "../defense/presets.js";
import type { DefensesFile } from "../defense/schema.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { PcapFileCards } from "../nic/pcap-file.js";
import { Pool } from "../packet/pool.js";
import { SeededRandom } from "../random/seeded-random.js";
import { NEVER, type Micros } from "../time/micros.js";
import { DeviceSubject } from "../trace/subject.js";
import { formatMac } from "../wire/ethernet.js";
import { Prefixes } from "../wire/prefix.js";
import { ObservedTraffic, type SightSink } from "./observed-traffic.js";
import { tunnelReport, type TunnelReport } from "./tunnel/tunnel-report.js";
import { tunnelPool, TunnelRun } from "./tunnel/tunnel-run.js";
import { runToEnd } from "./virtual-run.js";

/** Packets that the box may hold at once: as many as a delay of some seconds at a million packets a second is worth remembering. */
const QUEUE = 16_384;
/** Slots beyond the departure queue: a packet in hand on each side, and decoys. */
const WORKING_SLOTS = 1024;

/** Which capture passes which defense, and who looks on. */
export interface PassageOptions {
  readonly input: string;
  readonly preset: PresetName;
  /** The variance multiplier ν of jitter and decoys, instead of the preset's. */
  readonly nu?: number;
  /** Single values instead of the preset's. */
  readonly defenses?: DefensesFile;
  /** Of a tunnel: how long the observer looks, from the capture's first packet on; NEVER, the default, until everything has left. */
  readonly span?: Micros;
  /** Of a tunnel: only the first stretch of episodes is observed. */
  readonly stretch?: boolean;
  /** Any text; decides every draw. */
  readonly seed: string;
  /** The device's MAC address. */
  readonly device: number;
  /** `lan`: on the link from box to router. `beyond`: behind the router. */
  readonly vantage: "lan" | "beyond";
}

/** What came of it. */
export interface Passage {
  readonly traffic: ObservedTraffic;
  readonly counters: Counters;
  /** Length of the capture. */
  readonly seconds: number;
  /** Frames for which there was no slot. */
  readonly noSlot: number;
  /** What its tunnel did, where the preset has one. */
  readonly tunnel: TunnelReport | null;
}

/**
 * Passes a capture through the daemon's datapath, on the capture's own time. `watch` answers what sees it outside the box, in the pool and with
 * the local networks that it is given. `turned` hears of every turn of the datapath and of the packets read so far; what it promises is waited for. Throws where
 * the capture is empty, damaged, or the device not in it.
 */
export async function passCapture(
  options: PassageOptions,
  watch: (pool: Pool, local: Prefixes) => SightSink,
  turned: (packets: number) => Promise<void> | null = () => null,
): Promise<Passage> {
  const { input, seed, vantage } = options;
  const device = formatMac(options.device);
  const wanted = wantedOf(options, device);
  if (wanted.devices[0]?.defenses.episode.enabled === true) return tunnelPassage(options, wanted, watch, turned);
  const pool = new Pool(QUEUE + WORKING_SLOTS);
  const cards = new PcapFileCards({ path: input, device }, { pool });
  try {
    const local = new Prefixes(wanted.local);
    const subject = new DeviceSubject(options.device);
    const traffic = new ObservedTraffic(vantage, local, { subject, pool, sink: watch(pool, local) });
    const counters = new Counters();
    const random = new SeededRandom(seed, "shape");
    const modules = { pool, cards, random, counters, tap: traffic, queue: QUEUE };
    const start = cards.now;
    const datapath = new Datapath(wanted, null, modules, start);
    await runToEnd(datapath, cards, counters, () => turned(cards.packets));
    const seconds = (cards.now - start) / 1e6;
    if (cards.failure !== null) throw cards.failure;
    if (cards.packets === 0)
      throw new HushboxError("capture-invalid", `shaping ${input}: the capture holds no packets`);
    if (traffic.own === 0) throw neverAppears(input, device);
    const noSlot = cards.inside.counters.noSlot + cards.outside.counters.noSlot;
    return { traffic, counters, seconds, noSlot, tunnel: null };
  } finally {
    cards.close();
  }
}

function wantedOf({ preset, nu, defenses }: PassageOptions, device: string): DatapathOptions {
  const noise = nu === undefined ? {} : { jitter: { variance: nu }, decoy: { variance: nu } };
  const config = {
    inside: "inside",
    outside: "outside",
    preset,
    defenses: { ...noise, ...defenses },
    devices: [{ name: "device", mac: device }],
    // Both ends of it are modelled: nobody reads a file.
    tunnel: { file: "/dev/null" },
  };
  const [problem] = checkConfig(config);
  if (problem !== undefined)
    throw new HushboxError("usage", `${problem.path.replace("/defenses/", "")} ${problem.message}`);
  return compile(config).datapath;
}

/** The same through both ends of a tunnel. */
async function tunnelPassage(
  { input, seed, vantage, device, span = NEVER, stretch = false }: PassageOptions,
  wanted: DatapathOptions,
  watch: (pool: Pool, local: Prefixes) => SightSink,
  turned: (packets: number) => Promise<void> | null,
): Promise<Passage> {
  const [own] = wanted.devices;
  if (own === undefined) throw new HushboxError("internal", "passing a capture: no device");
  const pool = tunnelPool();
  const local = new Prefixes(wanted.local);
  const subject = new DeviceSubject(device);
  const traffic = new ObservedTraffic(vantage, local, { subject, pool, sink: watch(pool, local) });
  const { episode } = own.defenses;
  const random = new SeededRandom(seed, "tunnel");
  const run = new TunnelRun(
    { input, episode, budget: own.budget, span, stretch },
    { pool, subject, local, random, traffic },
  );
  try {
    while (run.turn()) {
      const promise = turned(run.packets);
      if (promise !== null) await promise;
    }
    if (run.packets === 0) throw new HushboxError("capture-invalid", `shaping ${input}: the capture holds no packets`);
    if (!subject.appeared) throw neverAppears(input, own.mac);
    const { seconds } = run;
    return { traffic, counters: new Counters(), seconds, noSlot: 0, tunnel: tunnelReport(run, episode, own.budget) };
  } finally {
    run.close();
  }
}

/** The device is not in the capture. */
export function neverAppears(input: string, device: string): HushboxError {
  return new HushboxError("capture-invalid", `shaping ${input}: ${device} never appears in the capture`);
}
