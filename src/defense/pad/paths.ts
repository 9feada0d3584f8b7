import type { Destinations } from "./destinations.js";

/** Path MTUs that were learned, by destination. */
export class Paths {
  readonly #destinations: Destinations;
  readonly #mtu: Float64Array;
  readonly #generation: Uint32Array;

  constructor(destinations: Destinations) {
    this.#destinations = destinations;
    this.#mtu = new Float64Array(destinations.capacity).fill(Infinity);
    this.#generation = new Uint32Array(destinations.capacity);
  }

  /** Bytes of the largest IP packet that may be sent to the destination; Infinity while nothing speaks against any. */
  limit(destination: number): number {
    return this.#known(destination) ? (this.#mtu[destination] ?? Infinity) : Infinity;
  }

  /** Packets longer than `bytes` do not reach the destination. */
  lower(destination: number, bytes: number): void {
    if (destination === -1) return;
    this.#mtu[destination] = Math.min(this.limit(destination), bytes);
    this.#generation[destination] = this.#destinations.generation(destination);
  }

  #known(destination: number): boolean {
    return destination !== -1 && this.#generation[destination] === this.#destinations.generation(destination);
  }
}
