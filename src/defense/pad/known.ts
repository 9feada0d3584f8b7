import type { Destinations } from "./destinations.js";

/**
 * The destinations of which somebody has noted something by place. A place that another host has taken since is not known: nothing of its
 * predecessor counts for it.
 */
export class Known {
  readonly #destinations: Destinations;
  readonly #generation: Uint32Array;

  constructor(destinations: Destinations) {
    this.#destinations = destinations;
    this.#generation = new Uint32Array(destinations.capacity);
  }

  /** False for -1, too. */
  has(destination: number): boolean {
    return destination !== -1 && this.#generation[destination] === this.#destinations.generation(destination);
  }

  /** From now on it is known. True where it was not: what stands in its place is another host's. `destination`: not -1. */
  add(destination: number): boolean {
    if (this.has(destination)) return false;
    this.#generation[destination] = this.#destinations.generation(destination);
    return true;
  }

  /** None is known any more. */
  clear(): void {
    // No host that has been in a place had number 0.
    this.#generation.fill(0);
  }
}
