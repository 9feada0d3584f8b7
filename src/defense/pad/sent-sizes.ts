import { seconds, type Micros } from "../../time/micros.js";
import type { Destinations } from "./destinations.js";
import { Known } from "./known.js";

/** Sizes are kept by the minute, for this one and the one before. */
const SPAN = seconds(60);

/** The largest IP packet that a device itself made for each destination lately: over one minute at least, two at most. */
export class SentSizes {
  readonly #known: Known;
  readonly #minute: Float64Array;
  readonly #current: Uint16Array;
  readonly #previous: Uint16Array;

  constructor(destinations: Destinations) {
    const { capacity } = destinations;
    this.#known = new Known(destinations);
    this.#minute = new Float64Array(capacity);
    this.#current = new Uint16Array(capacity);
    this.#previous = new Uint16Array(capacity);
  }

  /** A packet of so many bytes goes to the destination, before anybody grows it. */
  note(destination: number, bytes: number, now: Micros): void {
    if (destination === -1) return;
    const minute = Math.floor(now / SPAN);
    if (!this.#known.has(destination) || this.#minute[destination] !== minute) {
      this.#previous[destination] = this.#last(destination, minute);
      this.#current[destination] = 0;
      this.#minute[destination] = minute;
      this.#known.add(destination);
    }
    if (bytes > (this.#current[destination] ?? 0)) this.#current[destination] = bytes;
  }

  /** 0 where nothing was sent lately. */
  largest(destination: number, now: Micros): number {
    if (!this.#known.has(destination)) return 0;
    const minute = Math.floor(now / SPAN);
    if (this.#minute[destination] !== minute) return this.#last(destination, minute);
    return Math.max(this.#current[destination] ?? 0, this.#previous[destination] ?? 0);
  }

  /** What the minute before `minute` had, while nothing is known of that one. */
  #last(destination: number, minute: number): number {
    const before = this.#known.has(destination) && this.#minute[destination] === minute - 1;
    return before ? (this.#current[destination] ?? 0) : 0;
  }
}
