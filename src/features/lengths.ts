import { UP } from "../packet/packet.js";
import type { Observation } from "../trace/observation.js";
import type { Family } from "./family.js";

/** How many packets a sequence holds unless told otherwise: all of 467 of 500 traces of spoken commands (Echo, 2018, one command each). */
export const SEQUENCE = 1000;

/**
 * The lengths of the first packets, one a column, zeros behind the last: positive up, negative down. With `directions` only 1 and -1: what Deep
 * Fingerprinting learns from (Sirinam et al. 2018), there from the first 5000 cells of Tor, which have one length.
 */
export class Lengths implements Family {
  readonly columns: readonly string[];
  readonly #values: Float64Array;
  readonly #directions: boolean;
  #packets = 0;

  constructor(count = SEQUENCE, form: "lengths" | "directions" = "lengths") {
    this.#directions = form === "directions";
    this.#values = new Float64Array(count);
    const name = this.#directions ? "direction" : "length";
    this.columns = Array.from({ length: count }, (_, i) => `${name}_${String(i + 1)}`);
  }

  seen({ direction, length }: Observation): void {
    if (this.#packets === this.#values.length) return;
    const size = this.#directions ? 1 : length;
    this.#values[this.#packets++] = direction === UP ? size : -size;
  }

  write(into: Float64Array, at = 0): void {
    into.set(this.#values, at);
  }

  clear(): void {
    this.#values.fill(0, 0, this.#packets);
    this.#packets = 0;
  }
}
