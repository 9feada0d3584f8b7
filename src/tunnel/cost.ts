import type { EpisodeOptions } from "../defense/options.js";
import { cycleOf, cyclesOf } from "./plan.js";
import { sealedBytes } from "./outer-size.js";

/** Seconds of a mean month. */
export const MONTH = 30.44 * 86_400;
const DAY = 86_400;

/** The demand of half the stretches lasts longer, in µs, and how steeply that falls. */
const MEDIAN = 8.85e6;
const STEEPNESS = 3.3;
/** Streams go on and on: of what lasts long already so much goes on at least. */
const LEAST = 0.3;

/**
 * The chance that a decoy is followed by another at the border of a plan: as real ones were, whose demand lasts longer than t with 1 / (1 + (t / 8.85 s)^3.3), and three in ten of the long ones.
 * Fitted to 75 Echo traces of one question each, a third of them media (docs/tunnel.md). The same for every device, so that it says nothing of one.
 */
export function goesOn({ duration }: EpisodeOptions, plan: number): number {
  return Math.max(LEAST, lastsBeyond(duration * (2 ** (plan + 1) - 1)) / lastsBeyond(duration * (2 ** plan - 1)));
}

function lastsBeyond(time: number): number {
  return 1 / (1 + (time / MEDIAN) ** STEEPNESS);
}

/** Bytes of outer IP packets that one run of a plan costs, both ways where the far end answers. */
export function planBytes(options: EpisodeOptions, plan: number, level = 0): number {
  const down = options.peer === "hushbox" ? cycleOf(options, "down", level).slots : 0;
  return (cycleOf(options, "up", level).slots + down) * cyclesOf(options, plan) * sealedBytes(options.size);
}

/** Bytes of outer IP packets that a slot costs, with the far end's where it answers. */
export function slotBytes({ size, peer }: EpisodeOptions): number {
  return sealedBytes(size) * (peer === "hushbox" ? 2 : 1);
}

/** Bytes a month for heartbeats of a device that is idle all of it. */
export function heartbeatBytes(options: EpisodeOptions): number {
  if (options.heartbeat === 0 || options.always) return 0;
  return ((MONTH * 1e6) / options.heartbeat) * slotBytes(options);
}

/** Bytes that a decoy costs on average, with the episodes that follow it. */
export function decoyBytes(options: EpisodeOptions): number {
  const last = options.plans - 1;
  let bytes = 0;
  let chance = 1;
  for (let plan = 0; plan < last; plan++) {
    bytes += chance * planBytes(options, plan);
    chance *= goesOn(options, plan);
  }
  return bytes + (chance / (1 - goesOn(options, last))) * planBytes(options, last);
}

/** Decoys a day that so many bytes a month pay for, heartbeats paid. */
export function decoysPerDay(options: EpisodeOptions, perMonth: number): number {
  if (options.always || !options.decoys) return 0;
  const left = perMonth - heartbeatBytes(options);
  return left <= 0 ? 0 : (left / decoyBytes(options)) * (DAY / MONTH);
}

/** Bytes a month of the endless episode, or of `perDay` runs of the shortest plan and heartbeats. */
export function bytesPerMonth(options: EpisodeOptions, perDay: number): number {
  const { length } = cycleOf(options, "up", 0);
  if (options.always) return endless(options);
  const runs = (perDay * MONTH) / DAY;
  const busy = (runs * length) / 1e6 / MONTH;
  return runs * planBytes(options, 0) + Math.max(0, 1 - busy) * heartbeatBytes(options);
}

function endless(options: EpisodeOptions): number {
  const down = options.peer === "hushbox" ? 1e6 / cycleOf(options, "down", 0).length : 0;
  return (1e6 / cycleOf(options, "up", 0).length + down) * MONTH * sealedBytes(options.size);
}
