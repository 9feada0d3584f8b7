import type { Child } from "./child.js";
import type { Topology } from "./topology.js";

/** A box that carries frames between p0 and p1. */
export interface Variant {
  readonly name: string;
  /** What a reader of the table should know. */
  readonly about: string;
  /** False: only its lateness is of interest. */
  readonly forwards: boolean;
  /** Where it delays, how that is judged: by its own histogram in /metrics, or from outside, since all its delays are this many µs. */
  readonly lateness: "none" | "histogram" | number;
  /** Why it cannot run here, or null. */
  missing(): string | null;
  /** Resolves when it forwards. Null: the kernel does it, there is no process. */
  start(topology: Topology): Promise<Child | null>;
}
