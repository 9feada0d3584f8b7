import type { Observation, TraceSink } from "../trace/observation.js";

/**
 * A family of features: packets of one trace, or of one window of it, go in one by one, and its row comes out at any time. Memory
 * is fixed when the family is made, however long the trace.
 */
export interface Family extends TraceSink {
  /** The names of a row's numbers, in their order. */
  readonly columns: readonly string[];
  seen(observation: Observation): void;
  /** The row of what was seen since the last `clear`, into `into` from `at`. Changes nothing: more packets may follow. */
  write(into: Float64Array, at?: number): void;
  clear(): void;
}
