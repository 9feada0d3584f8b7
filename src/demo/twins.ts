import type { Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import { Quantiles } from "../lab/quantiles.js";
import { twinKey } from "./twin-key.js";

interface Waiting {
  readonly before: Micros[];
  readonly after: Micros[];
}

/** Measures what the box adds to a packet's way: each packet is found again on the other side by what padding leaves as it is. */
export class Twins {
  /** In µs. */
  readonly delays = new Quantiles();
  readonly #waiting = new Map<number, Waiting>();

  /** A packet in front of the box. */
  before(packet: Packet, view: DataView, at: Micros): void {
    this.#meet(twinKey(packet, view), (waiting) => waiting.before.push(at));
  }

  /** A packet behind it. The two captures are read in turns, so that either may come first. */
  after(packet: Packet, view: DataView, at: Micros): void {
    this.#meet(twinKey(packet, view), (waiting) => waiting.after.push(at));
  }

  #meet(key: number, join: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(key) ?? { before: [], after: [] };
    join(waiting);
    // Packets of one key keep their order, so the oldest ones are twins.
    const [before, after] = [waiting.before[0], waiting.after[0]];
    if (before !== undefined && after !== undefined) {
      this.delays.add(Math.max(0, after - before));
      waiting.before.shift();
      waiting.after.shift();
    }
    if (waiting.before.length + waiting.after.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, waiting);
  }
}
