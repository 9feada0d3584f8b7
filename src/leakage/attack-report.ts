import type { SampleForm } from "../attack/attack.js";
import { SeededRandom } from "../random/seeded-random.js";
import { advantage } from "./advantage.js";
import { balancedAccuracy } from "./balanced-accuracy.js";
import { centredInterval, percentileInterval, resample, type Crossing, type Interval } from "./bootstrap.js";
import { Confusion } from "./confusion.js";
import type { AttackName, Validated } from "./cross-validate.js";
import { fanoBound } from "./fano.js";
import { mutualInformation } from "./mutual-information.js";
import type { NullReport } from "./null.js";

/** A figure with its interval. */
export interface Estimate extends Interval {
  readonly value: number;
}

/** What one attack got. */
export interface AttackReport {
  readonly attack: string;
  readonly form: SampleForm;
  /** Mean over the seeds; the interval is over seeds and groups. */
  readonly balanced_accuracy: Estimate;
  /** In the order of the seeds. */
  readonly by_seed: readonly number[];
  /** The share of all answers that are right, large classes weighing more: what the paper reports. */
  readonly accuracy: number;
  readonly advantage: Estimate;
  /** A list for each class, how often its rows got each answer, as a mean over the seeds. */
  readonly confusion: readonly (readonly number[])[];
  /** Lower bounds on what the traffic tells of the class, in bits, for classes equally likely. */
  readonly information_bits: {
    /** Of class and answer: an estimate, corrected for the sample's size. */
    readonly measured: Estimate;
    /** What follows from the balanced accuracy alone. */
    readonly fano: Estimate;
  };
  /** Rows that a fold's model learnt from, repeated ones once. */
  readonly trained_on: { readonly least: number; readonly most: number };
  /** The same attack's own null; null where none was asked for. */
  readonly null: NullReport | null;
}

/** Sums up an attack's answers of all seeds. */
export function attackReport(
  attack: AttackName,
  bySeed: readonly Validated[],
  crossing: Crossing,
  how: { readonly resamples: number; readonly confidence: number },
  ownNull: NullReport | null,
): AttackReport {
  const tallies = bySeed.map((validated) => validated.tally);
  const { classes } = tallies[0] ?? { classes: 0 };
  const each = tallies.map((tally) => balancedAccuracy(tally.confusion()));
  const value = mean(each);
  const random = new SeededRandom("bootstrap", attack.name);
  const drawn = (statistic: (seed: number, weights: Float64Array) => number): Float64Array =>
    resample(crossing, statistic, how.resamples, random);
  const range = percentileInterval(
    drawn((seed, weights) => balancedAccuracy(tallies[seed]?.confusion(weights) ?? new Confusion(classes))),
    how.confidence,
  );
  const accuracy = { value, ...range };
  const bits = mean(tallies.map((tally) => mutualInformation(tally)));
  const spread = drawn((seed, weights) => {
    const tally = tallies[seed];
    return tally === undefined ? Number.NaN : mutualInformation(tally, weights);
  });
  const measured = { value: bits, ...centredInterval(spread, how.confidence, bits) };
  const trainedOn = bySeed.flatMap((validated) => validated.trainedOn);
  const possible = (x: number): number => Math.min(Math.max(x, 0), Math.log2(classes));
  return {
    attack: attack.name,
    form: attack.form,
    balanced_accuracy: accuracy,
    by_seed: each,
    accuracy: mean(tallies.map((tally) => tally.confusion().accuracy)),
    advantage: mapped(accuracy, (x) => advantage(x, 1 / classes)),
    confusion: meanConfusion(tallies.map((tally) => tally.confusion())),
    information_bits: { measured: mapped(measured, possible), fano: mapped(accuracy, (x) => fanoBound(x, classes)) },
    trained_on: { least: Math.min(...trainedOn), most: Math.max(...trainedOn) },
    null: ownNull,
  };
}

/** An estimate of a rising function of what was estimated. */
function mapped(of: Estimate, rising: (x: number) => number): Estimate {
  return { value: rising(of.value), low: rising(of.low), high: rising(of.high) };
}

function meanConfusion(confusions: readonly Confusion[]): number[][] {
  const sum = new Confusion(confusions[0]?.classes ?? 0);
  for (const { counts } of confusions)
    for (const [i, n] of counts.entries()) sum.counts[i] = (sum.counts[i] ?? 0) + n / confusions.length;
  return sum.table();
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
