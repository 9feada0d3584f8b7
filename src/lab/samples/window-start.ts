import type { Family } from "../../features/family.js";
import type { Observation } from "../../trace/observation.js";

/** When a window begins: the time of its first packet, in µs. A row of one column beside those that attacks look at. */
export class WindowStart implements Family {
  readonly columns = ["start"];
  #at: number | null = null;

  seen(observation: Observation): void {
    this.#at ??= observation.at;
  }

  write(into: Float64Array, at = 0): void {
    into[at] = this.#at ?? 0;
  }

  clear(): void {
    this.#at = null;
  }
}
