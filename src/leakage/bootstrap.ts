import { integer, type Random } from "../random/random.js";

/** Where a statistic lies, with the share of confidence that was asked for. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** What is drawn from. */
export interface Crossing {
  /** How many seeds there are. */
  readonly seeds: number;
  /** How many groups there are. */
  readonly groups: number;
  /** The groups that stand for each other, those of a class: a resample has as many of each stratum as any other. */
  readonly strata: readonly (readonly number[])[];
}

/**
 * Resamples of a statistic over seeds and groups at once, in rising order: the pigeonhole bootstrap (Owen 2007), which draws the two
 * apart from each other, since every seed meets every group. `statistic(seed, weights)` is of one seed with each group taken
 * `weights[group]` times; a resample is its mean over the seeds drawn. Of n groups of a stratum n - 1 are drawn, with replacement
 * (Rao and Wu 1988): drawing n would make the variance too small by (n - 1) / n, which is much where a class has five queries.
 * Seeds likewise. Models are not trained again: what a resample says is of these models.
 */
export function resample(
  crossing: Crossing,
  statistic: (seed: number, weights: Float64Array) => number,
  times: number,
  random: Random,
): Float64Array {
  const { seeds, groups, strata } = crossing;
  const found = new Float64Array(times);
  const weights = new Float64Array(groups);
  const drawnSeeds = Math.max(1, seeds - 1);
  for (let i = 0; i < times; i++) {
    weights.fill(0);
    for (const stratum of strata) {
      for (let n = Math.max(1, stratum.length - 1); n > 0; n--) {
        const group = stratum[integer(random, 0, stratum.length - 1)] ?? 0;
        weights[group] = (weights[group] ?? 0) + 1;
      }
    }
    const taken = new Map<number, number>();
    for (let n = 0; n < drawnSeeds; n++) {
      const seed = integer(random, 0, seeds - 1);
      taken.set(seed, (taken.get(seed) ?? 0) + 1);
    }
    let sum = 0;
    for (const [seed, often] of taken) sum += often * statistic(seed, weights);
    found[i] = sum / drawnSeeds;
  }
  return found.sort();
}

/**
 * The percentile interval (Efron 1979) of sorted resamples: what lies between the shares (1 - confidence) / 2 on either side. It is of
 * width 0 where no resample differs, as where every answer is right: then it says nothing of how sure that is.
 */
export function percentileInterval(sorted: Float64Array, confidence: number): Interval {
  const outside = (1 - confidence) / 2;
  return { low: quantileOf(sorted, outside), high: quantileOf(sorted, 1 - outside) };
}

/**
 * The percentile interval, moved so that the resamples' mean lies on `value`: for statistics whose resamples are off to one side, as those
 * of information are, since a resample has each dependence of the sample and its own.
 */
export function centredInterval(sorted: Float64Array, confidence: number, value: number): Interval {
  const { low, high } = percentileInterval(sorted, confidence);
  const off = sorted.reduce((sum, x) => sum + x, 0) / sorted.length - value;
  return { low: low - off, high: high - off };
}

/** The value of sorted numbers that a share `q` of them does not exceed; NaN of none. */
export function quantileOf(sorted: Float64Array, q: number): number {
  const rank = Math.ceil(q * sorted.length);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] ?? Number.NaN;
}
