import { DOWN, UP, type Direction } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import type { Observation } from "../trace/observation.js";
import { Distribution, STATISTICS } from "./distribution.js";
import type { Family } from "./family.js";

/** Bursts of more packets than these are counted apart, as Wang et al. 2014 do. */
const LONG = [5, 10, 20] as const;
const MEASURES = ["packets", "bytes", "seconds"] as const;
const UNITS = [1, 1, 1e-6] as const;

/** The finished bursts of one direction. */
class Side {
  readonly measures = [new Distribution(), new Distribution(), new Distribution()] as const;
  readonly long = [0, 0, 0] as [number, number, number];

  add(packets: number, bytes: number, lasting: number): void {
    this.measures[0].add(packets);
    this.measures[1].add(bytes);
    this.measures[2].add(lasting);
    for (const i of LONG.keys()) if (packets > (LONG[i] ?? 0)) this.long[i] = (this.long[i] ?? 0) + 1;
  }

  copy(other: Side): void {
    for (const [i, measure] of this.measures.entries()) measure.copy(other.measures[i] ?? measure);
    for (const i of LONG.keys()) this.long[i] = other.long[i] ?? 0;
  }

  write(into: Float64Array, at: number): number {
    into[at++] = this.measures[0].count;
    for (const n of this.long) into[at++] = n;
    for (const [i, measure] of this.measures.entries()) at = measure.write(into, at, UNITS[i]);
    return at;
  }

  clear(): void {
    for (const measure of this.measures) measure.clear();
    this.long.fill(0);
  }
}

/**
 * Bursts: the longest runs of packets in one direction (Wang et al. 2014; Hayes and Danezis 2016). For each direction how many there are, how
 * many of them are long, and the distributions of their packets, bytes and durations (of its first packet to its last, in seconds). The
 * trace's last burst counts as it is.
 */
export class Bursts implements Family {
  readonly columns = [UP, DOWN].flatMap((direction) => {
    const way = direction === UP ? "up" : "down";
    return [
      `bursts_${way}`,
      ...LONG.map((n) => `bursts_${way}_over_${String(n)}`),
      ...MEASURES.flatMap((measure) => STATISTICS.map((statistic) => `burst_${measure}_${way}_${statistic}`)),
    ];
  });
  readonly #sides = [new Side(), new Side()] as const;
  readonly #scratch = new Side();
  /** The burst that is not over: its direction, packets, bytes, and when it began and went on last. */
  #direction: Direction = UP;
  #packets = 0;
  #bytes = 0;
  #from = 0 as Micros;
  #to = 0 as Micros;

  seen({ at, direction, length }: Observation): void {
    if (this.#packets === 0 || direction !== this.#direction) {
      if (this.#packets > 0) this.#finish(this.#sides[this.#direction]);
      this.#direction = direction;
      this.#packets = this.#bytes = 0;
      this.#from = at;
    }
    this.#packets++;
    this.#bytes += length;
    this.#to = at;
  }

  write(into: Float64Array, at = 0): void {
    for (const direction of [UP, DOWN] as const) {
      let side = this.#sides[direction];
      if (this.#packets > 0 && direction === this.#direction) {
        this.#scratch.copy(side);
        side = this.#scratch;
        this.#finish(side);
      }
      at = side.write(into, at);
    }
  }

  clear(): void {
    for (const side of this.#sides) side.clear();
    this.#packets = 0;
  }

  #finish(side: Side): void {
    side.add(this.#packets, this.#bytes, this.#to - this.#from);
  }
}
