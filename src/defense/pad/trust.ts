import { MECHANISM_NAMES, type MechanismName } from "../options.js";
import type { Destinations } from "./destinations.js";

/**
 * Which mechanisms each destination takes: all of them, until something speaks against one. Mechanisms ask before they grow a packet; `pad`
 * tells of every packet that left grown, of those that left plain, and of what is heard from a destination.
 */
export class Trust {
  readonly #destinations: Destinations;
  /** A bit for each mechanism that is off, by destination. */
  readonly #off: Uint32Array;
  readonly #generation: Uint32Array;

  constructor(destinations: Destinations) {
    this.#destinations = destinations;
    this.#off = new Uint32Array(destinations.capacity);
    this.#generation = new Uint32Array(destinations.capacity);
  }

  /** True where packets to the destination may be grown by the mechanism. */
  allows(destination: number, mechanism: MechanismName): boolean {
    if (destination === -1) return false;
    return (this.#bits(destination) & (1 << MECHANISM_NAMES.indexOf(mechanism))) === 0;
  }

  #bits(destination: number): number {
    if (this.#generation[destination] !== this.#destinations.generation(destination)) return 0;
    return this.#off[destination] ?? 0;
  }
}
