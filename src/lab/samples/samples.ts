import type { DefenseCost } from "../../leakage/defense-cost.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import type { Schedule } from "../tunnel/schedule-bound.js";

/** What one look saw of a pass. */
export interface Samples {
  readonly set: SampleSet;
  /** When each row began, in µs. */
  readonly starts: Float64Array;
  /** Of the pass. */
  readonly cost: DefenseCost;
  /** Behind a tunnel: of each capture, its class and the plans that ran. Not kept in files. */
  readonly schedules?: readonly Schedule[];
}
