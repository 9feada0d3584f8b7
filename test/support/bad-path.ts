import { integer, uniform, type Random } from "../../src/random/random.js";
import { after, later, micros, type Micros } from "../../src/time/micros.js";

/** What a bad path does to packets of one direction. */
export interface BadPathOptions {
  /** Every packet takes so long, in microseconds. */
  readonly delay: number;
  /** From 0 to 1. */
  readonly loss: number;
  /** Share of packets that others may overtake: they are held for 1 to 8 ms longer. */
  readonly reorder: number;
}

const [LEAST, MOST] = [1_000, 8_000];
/** A packet that does not arrive. */
export const LOST = micros(-1);

/** One direction of a bad path: when a packet leaves it, or LOST. The n-th packet meets the same fate for the same seed, whatever it is. */
export class BadPath {
  lost = 0;
  reordered = 0;
  readonly #options: BadPathOptions;
  readonly #random: Random;
  #last = micros(0);

  constructor(options: BadPathOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  leaves(arrivedAt: Micros): Micros {
    const { delay, loss, reorder } = this.#options;
    // All three are drawn for every packet, so that the n-th packet's fate does not hang on the fates before it.
    const [lost, reordered] = [uniform(this.#random) < loss, uniform(this.#random) < reorder];
    const held = integer(this.#random, LEAST, MOST);
    if (lost) {
      this.lost++;
      return LOST;
    }
    const at = later(this.#last, after(arrivedAt, micros(delay)));
    if (reordered) {
      this.reordered++;
      return after(at, micros(held));
    }
    this.#last = at;
    return at;
  }
}
