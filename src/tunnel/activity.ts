import type { Micros } from "../time/micros.js";

/** What was carried half a second ago counts half. A flow of r bytes/s stands at 0.72 r. */
const HALF_LIFE = 500e3;

/** Real bytes carried of late. */
export class Activity {
  #bytes = 0;
  #at = 0;

  add(bytes: number, now: Micros): void {
    this.#bytes = this.read(now) + bytes;
    this.#at = now;
  }

  read(now: Micros): number {
    return this.#bytes * 2 ** ((this.#at - now) / HALF_LIFE);
  }
}
