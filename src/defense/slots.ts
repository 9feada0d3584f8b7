import { micros, type Micros } from "../time/micros.js";

/** Slots that are remembered as taken: those of decoys planned ahead, and those that decoys find taken. */
const REMEMBERED = 4096;
const NONE = -1;

/**
 * A grid of moments, `interval` apart, each for one packet. Real packets take slots in order; a decoy takes any, also one ahead of time,
 * which the real ones then leave out instead of lining up behind it. Slots are numbered from the clock's zero.
 */
export class Slots {
  readonly #interval: number;
  readonly #maxDelay: number;
  /** The number of a slot that is taken, at that number's place. */
  readonly #taken = new Float64Array(REMEMBERED).fill(NONE);
  /** When the last real packet leaves. */
  #last = NONE;
  /** A slot that the last look-up took: only that can be given back. */
  #fresh = NONE;

  constructor(interval: Micros, maxDelay: Micros) {
    this.#interval = interval;
    this.#maxDelay = maxDelay;
  }

  /** When a real packet leaves that may leave at `from`: in the first free slot behind the one before it, at most `maxDelay` later. */
  take(from: Micros): Micros {
    const interval = this.#interval;
    const latest = Math.floor((from + this.#maxDelay) / interval);
    let slot = Math.max(Math.ceil(from / interval), Math.floor(this.#last / interval) + 1);
    while (slot <= latest && this.#isTaken(slot)) slot++;
    if (slot <= latest) {
      this.#take(slot);
      this.#last = slot * interval;
    } else {
      // All are taken that would do: the last is shared. Order comes first, and nothing leaves early.
      this.#last = Math.max(from, latest * interval, this.#last);
    }
    return micros(this.#last);
  }

  /** When a decoy leaves that may leave at `from`: in the first slot that nobody has. */
  takeFree(from: Micros): Micros {
    let slot = Math.ceil(from / this.#interval);
    while (this.#isTaken(slot)) slot++;
    this.#take(slot);
    return micros(slot * this.#interval);
  }

  /** The slot at `at`, taken last, is free again. */
  giveBack(at: Micros): void {
    const slot = Math.round(at / this.#interval);
    if (slot !== this.#fresh) return;
    this.#taken[slot % REMEMBERED] = NONE;
    this.#fresh = NONE;
  }

  #isTaken(slot: number): boolean {
    return this.#taken[slot % REMEMBERED] === slot;
  }

  #take(slot: number): void {
    this.#taken[slot % REMEMBERED] = slot;
    this.#fresh = slot;
  }
}
