import { TALLIES } from "../defense/tally.js";

/**
 * Why a packet did not leave the datapath. A closed list: each is a label value of `hushbox_datapath_drops_total`. What a card refused after
 * that is counted by the card.
 */
export const DROPS = ["oversize", "queue-full", "stopped", "no-slot"] as const;
export type Drop = (typeof DROPS)[number];

/** Upper bounds of the histogram buckets, in microseconds; a last bucket without a bound follows. */
export const DELAY_BOUNDS = [
  10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3, 200e3, 500e3, 1e6,
] as const;
export const LATENESS_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 150, 200, 500, 1e3, 2e3, 5e3, 10e3, 100e3] as const;

/** What the ends of tunnels count, all together: each is a counter `tunnel_…`. */
export const TUNNEL_COUNTS = [
  "slots",
  "empty",
  "missed",
  "heartbeats",
  "carriers",
  "lost",
  "demands",
  "decoys",
  "followers",
  "answered",
  "refused",
] as const;
/** How they are now: what waits for slots, ends whose episode runs, the lowest level of rate, ends whose month's budget is spent. */
export const TUNNEL_NOW = ["waiting_packets", "waiting_bytes", "busy", "level", "spent"] as const;
/** Sums over slots for the correlation of lateness (µs) with what waited (bytes). */
export const SLOT_SUMS = ["n", "late", "late2", "load", "load2", "both"] as const;

const PER_DIRECTION = [
  "packets_in",
  "bytes_in",
  "packets_out",
  "bytes_out",
  "padding_bytes",
  "decoy_packets",
  "decoy_bytes",
  "delayed_packets",
  "local_packets",
  "between_packets",
  "unknown_packets",
  "swallowed_packets",
  "held_packets",
  ...DROPS.map((drop) => `drop_${drop}` as const),
] as const;

const ONCE = [
  "turns",
  "last_turn_us",
  "decoys_tcp",
  "decoys_udp",
  "decoys_icmp",
  "decoys_traceroute",
  "decoys_refused_rate",
  "decoys_refused_bytes",
  "decoys_refused_share",
  "decoys_refused_month",
  "decoys_refused_destination",
  "decoys_refused_room",
  "budget_month_bytes",
  "checksums_completed",
  "mechanisms_off",
  "flows",
  "flows_evicted",
  "applied",
  "take_over_armed",
  "take_over_since_us",
  "take_over_lapses",
  "take_over_stale_frames",
  "take_over_isolated",
  ...TALLIES,
  ...[...TUNNEL_COUNTS, ...TUNNEL_NOW].map((name) => `tunnel_${name}` as const),
  ...SLOT_SUMS.map((name) => `slot_${name}` as const),
] as const;

const NIC = ["received", "dropped", "noSlot", "oversize", "partialChecksum", "sent", "refused", "downs", "up"] as const;

export type DirectionCounter = (typeof PER_DIRECTION)[number];
export type OnceCounter = (typeof ONCE)[number];
export type NicCounter = (typeof NIC)[number];
export const DIRECTIONS = ["up", "down"] as const;
export const SIDES = ["inside", "outside"] as const;

/** Every counter's name, in the order of the array: `up.packets_in`, `inside.dropped`, `turns`, `up.delay.3`, … */
const NAMES: readonly string[] = [
  ...DIRECTIONS.flatMap((d) => PER_DIRECTION.map((c) => `${d}.${c}`)),
  ...ONCE,
  ...SIDES.flatMap((s) => NIC.map((c) => `${s}.${c}`)),
  ...DIRECTIONS.flatMap((d) => [...DELAY_BOUNDS, 0].map((_, i) => `${d}.delay.${String(i)}`)),
  ...DIRECTIONS.flatMap((d) => [`${d}.delay.sum`]),
  ...DIRECTIONS.flatMap((d) => [...LATENESS_BOUNDS, 0].map((_, i) => `${d}.lateness.${String(i)}`)),
  ...DIRECTIONS.flatMap((d) => [`${d}.lateness.sum`]),
];
const INDEX = new Map(NAMES.map((name, i) => [name, i]));

/**
 * All that the datapath counts, as doubles in shared memory: the datapath's thread writes, any other reads, nobody waits.
 * An aligned 64-bit store is single on every machine that Node supports in 64-bit form.
 */
export class Counters {
  readonly shared: SharedArrayBuffer;
  readonly values: Float64Array;

  constructor(shared = new SharedArrayBuffer(NAMES.length * 8)) {
    this.shared = shared;
    this.values = new Float64Array(shared);
  }

  /** Where a counter lies; for rooms that count per packet and look the place up once. */
  static index(name: string): number {
    const index = INDEX.get(name);
    if (index === undefined) throw new RangeError(`there is no counter ${name}`);
    return index;
  }

  read(name: string): number {
    return this.values[Counters.index(name)] ?? 0;
  }

  /** Bucket counts (not cumulative; the last is unbounded) and the sum in µs of a histogram. */
  histogram(direction: (typeof DIRECTIONS)[number], which: "delay" | "lateness"): { buckets: number[]; sum: number } {
    const bounds = which === "delay" ? DELAY_BOUNDS : LATENESS_BOUNDS;
    const first = Counters.index(`${direction}.${which}.0`);
    return {
      buckets: Array.from(this.values.subarray(first, first + bounds.length + 1)),
      sum: this.read(`${direction}.${which}.sum`),
    };
  }

  /** Every counter by name. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(NAMES.map((name, i) => [name, this.values[i] ?? 0]));
  }
}
