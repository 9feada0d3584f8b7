import type { Destinations } from "./destinations.js";
import { Known } from "./known.js";

const ACKS_READ = 1;
const OVERLAP_TAKEN = 2;

/** Which remote hosts have shown that they take what TCP padding asks of them. By destination. */
export class TcpPeers {
  readonly #known: Known;
  readonly #bits: Uint8Array;

  constructor(destinations: Destinations) {
    this.#known = new Known(destinations);
    this.#bits = new Uint8Array(destinations.capacity);
  }

  /** True where an acknowledgment in a padded segment was read for sure. */
  readsAcks(destination: number): boolean {
    return this.#has(destination, ACKS_READ);
  }

  proveAcks(destination: number): void {
    this.#set(destination, ACKS_READ);
  }

  /** True where a padded segment has arrived. */
  takesOverlap(destination: number): boolean {
    return this.#has(destination, OVERLAP_TAKEN);
  }

  proveOverlap(destination: number): void {
    this.#set(destination, OVERLAP_TAKEN);
  }

  #has(destination: number, bit: number): boolean {
    return this.#known.has(destination) && ((this.#bits[destination] ?? 0) & bit) !== 0;
  }

  #set(destination: number, bit: number): void {
    if (destination === -1) return;
    if (this.#known.add(destination)) this.#bits[destination] = 0;
    this.#bits[destination] = (this.#bits[destination] ?? 0) | bit;
  }
}
