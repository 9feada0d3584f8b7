import { HushboxError } from "../errors/hushbox-error.js";
import { quantileOf } from "./bootstrap.js";

/** Above this p-value, what was read might as well be chance. */
export const SIGNIFICANCE = 0.05;
/** With fewer draws no p-value is as low as SIGNIFICANCE. */
const FEWEST = Math.ceil(1 / SIGNIFICANCE) - 1;

/**
 * `above-chance`: the best attack reads more than it would of nothing. `at-chance`: it does not. `undecided`: the groups are too few for
 * any reading to be called above chance, so that `at-chance` would mean nothing.
 */
export type Verdict = "above-chance" | "at-chance" | "undecided";

/** What the same protocol reads where labels say nothing. */
export interface NullReport {
  readonly repetitions: number;
  readonly mean: number;
  /** Where 95 % of the readings lie. */
  readonly low: number;
  readonly high: number;
  /** What 95 % of the readings do not exceed. */
  readonly threshold: number;
  /** (1 + readings as high as what was observed) / (1 + readings): never 0 (Phipson and Smyth 2010). */
  readonly p_value: number;
}

/** Holds what was observed against what was read under labels dealt anew. */
export function againstNull(observed: number, readings: readonly number[]): NullReport {
  const sorted = Float64Array.from(readings).sort();
  // Sums of equal shares in another order differ in the last bit.
  const asHigh = sorted.filter((reading) => reading >= observed - 1e-12).length;
  return {
    repetitions: sorted.length,
    mean: sorted.reduce((sum, reading) => sum + reading, 0) / sorted.length,
    low: quantileOf(sorted, 0.025),
    high: quantileOf(sorted, 0.975),
    threshold: quantileOf(sorted, 1 - SIGNIFICANCE),
    p_value: (1 + asHigh) / (1 + sorted.length),
  };
}

/** What a null says of the best attack; `arrangements`: in how many ways the groups can be labelled. */
export function verdictOf(best: NullReport, arrangements: number): Verdict {
  if (best.p_value <= SIGNIFICANCE) return "above-chance";
  return 1 / arrangements > SIGNIFICANCE ? "undecided" : "at-chance";
}

/** Throws a usage error for so few repetitions that none could call anything above chance; 0 is to do without a null. */
export function checkRepetitions(repetitions: number): void {
  if (repetitions === 0 || repetitions >= FEWEST) return;
  throw new HushboxError(
    "usage",
    `attacking samples: a null of ${repetitions} repetitions can call nothing above chance; take ${FEWEST} at least, or 0 for none`,
  );
}
