import type { Micros } from "../time/micros.js";
import type { Observation } from "../trace/observation.js";
import type { Family } from "./family.js";
import { SEQUENCE } from "./lengths.js";

/**
 * The times between the first packets, in seconds, one a column, zeros behind the last. A column belongs to the packet of the same number in
 * `Lengths`: the time since the packet before it, so that the first is always 0.
 */
export class Gaps implements Family {
  readonly columns: readonly string[];
  readonly #values: Float64Array;
  #packets = 0;
  #last = 0 as Micros;

  constructor(count = SEQUENCE) {
    this.#values = new Float64Array(count);
    this.columns = Array.from({ length: count }, (_, i) => `gap_${String(i + 1)}`);
  }

  seen({ at }: Observation): void {
    if (this.#packets === this.#values.length) return;
    this.#values[this.#packets] = this.#packets === 0 ? 0 : (at - this.#last) / 1e6;
    this.#packets++;
    this.#last = at;
  }

  write(into: Float64Array, at = 0): void {
    into.set(this.#values, at);
  }

  clear(): void {
    this.#values.fill(0, 0, this.#packets);
    this.#packets = 0;
  }
}
