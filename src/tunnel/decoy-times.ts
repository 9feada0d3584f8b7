import { uniform, type Random } from "../random/random.js";
import { NEVER, type Micros } from "../time/micros.js";

/**
 * When decoy episodes begin: a Poisson process, so that what came before says nothing of what comes. Its rate follows from the budget
 * alone, never from the traffic.
 */
export class DecoyTimes {
  readonly #random: Random;
  readonly #mean: number;
  #at: number;

  /** `perDay`: how many on average; 0 for none. */
  constructor(perDay: number, random: Random, now: Micros) {
    this.#random = random;
    this.#mean = perDay === 0 ? Infinity : 86_400e6 / perDay;
    this.#at = now + this.#gap();
  }

  nextAt(): Micros {
    return this.#at as Micros;
  }

  /** Those up to `now` are over; what comes then does not depend on when this is asked. */
  pass(now: Micros): void {
    while (this.#at <= now) this.#at += this.#gap();
  }

  #gap(): number {
    return this.#mean === Infinity ? NEVER : -Math.log(1 - uniform(this.#random)) * this.#mean;
  }
}
