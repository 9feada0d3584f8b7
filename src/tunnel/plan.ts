import type { EpisodeOptions } from "../defense/options.js";
import { room } from "./carrier.js";

/** Levels of rate, each half of the one above: 0 is what the options say. */
export const LEVELS = 4;

/** Which of the two ways a schedule is of. */
export type Way = "up" | "down";

/**
 * What a plan repeats: `fast` slots close together, for speech, where the options ask for them, then `slow` ones further apart. Lengths are in µs.
 * Every plan is made of whole ones.
 */
export interface Cycle {
  readonly fast: number;
  readonly fastSpacing: number;
  readonly slow: number;
  readonly slowSpacing: number;
  /** Slots, and how long they take. */
  readonly slots: number;
  readonly length: number;
}

/** The cycle of a level. The endless episode's is one slot: it has the fast spacing day and night. */
export function cycleOf({ up, down, burst, faster, duration, always }: EpisodeOptions, way: Way, level: number): Cycle {
  const slowSpacing = (way === "up" ? up : down) * 2 ** level;
  const fastSpacing = slowSpacing / faster;
  if (always) return { fast: 1, fastSpacing, slow: 0, slowSpacing, slots: 1, length: fastSpacing };
  const fast = Math.round(Math.min(burst, duration) / fastSpacing);
  const slow = Math.max(fast === 0 ? 1 : 0, Math.round((duration - fast * fastSpacing) / slowSpacing));
  return { fast, fastSpacing, slow, slowSpacing, slots: fast + slow, length: fast * fastSpacing + slow * slowSpacing };
}

/** How many cycles a plan has: each twice as many as the one before, and the last repeats itself. The endless episode has no end. */
export function cyclesOf({ plans, always }: EpisodeOptions, plan: number): number {
  return always ? Infinity : 2 ** Math.min(plan, plans - 1);
}

/** The plan that follows one whose demand is not over. */
export function following({ plans }: EpisodeOptions, plan: number): number {
  return Math.min(plan + 1, plans - 1);
}

/** IP bytes of the largest packet that a slot takes: the MTU to give to what lies behind the tunnel. */
export function largest({ peer, size }: EpisodeOptions): number {
  return peer === "stock" ? size : room(size);
}

/** Leaves room for an acknowledgment with timestamps and SACK beside each full segment. */
const BESIDE = 64;

/** IP bytes of the largest TCP segment to agree on. Where packets share slots, a full one and an acknowledgment fit into one together. */
export function largestSegment(options: EpisodeOptions): number {
  return options.peer === "stock" ? options.size : largest(options) - BESIDE;
}
