import { Counters, TUNNEL_COUNTS, TUNNEL_NOW } from "./counters.js";
import type { EndCounts, TunnelEnd } from "./tunnel-end.js";

const COUNTS = TUNNEL_COUNTS.map((name) => [name, Counters.index(`tunnel_${name}`)] as const);
const [WAITING_PACKETS, WAITING_BYTES, BUSY, LEVEL, SPENT] = TUNNEL_NOW.map((name) => Counters.index(`tunnel_${name}`));

/** Sums up what the tunnel's ends count, those that are no more too. */
export class TunnelCounts {
  readonly #values: Float64Array;
  readonly #gone: Record<keyof EndCounts, number>;

  constructor(values: Float64Array) {
    this.#values = values;
    this.#gone = Object.fromEntries(TUNNEL_COUNTS.map((name) => [name, 0])) as Record<keyof EndCounts, number>;
  }

  /** An end that is no more: what it counted stays. */
  settle({ counts }: TunnelEnd): void {
    for (const name of TUNNEL_COUNTS) this.#gone[name] += counts[name];
  }

  /** Writes all of it where others read. Not for every turn. */
  publish(ends: readonly TunnelEnd[]): void {
    const all = ends.map(({ counts }) => counts);
    for (const [name, place] of COUNTS)
      this.#values[place] = all.reduce((sum, counts) => sum + counts[name], this.#gone[name]);
    this.#set(WAITING_PACKETS, ends, ({ waiting }) => waiting.size);
    this.#set(WAITING_BYTES, ends, ({ waiting }) => waiting.bytes);
    this.#set(BUSY, ends, ({ busy }) => Number(busy));
    this.#set(SPENT, ends, ({ spent }) => Number(spent));
    if (LEVEL !== undefined) this.#values[LEVEL] = Math.max(0, ...ends.map(({ level }) => level));
  }

  #set(place: number | undefined, ends: readonly TunnelEnd[], read: (end: TunnelEnd) => number): void {
    if (place !== undefined) this.#values[place] = ends.reduce((sum, end) => sum + read(end), 0);
  }
}
