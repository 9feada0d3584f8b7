import type { Matrix } from "../../features/matrix.js";
import { gaussian, type Random } from "../../random/random.js";
import { everyColumn, mapSeries } from "./series.js";

/** From 0.2 to 2.0 as the paper for the microphone; the steps are ours. */
export const MICROPHONE_NU = [0.2, 0.5, 1, 1.5, 2] as const;
/** The paper's for the queries. */
export const QUERY_NU = [2, 8, 16, 32, 64] as const;

/**
 * A copy with white Gaussian noise of zero mean, its variance ν times the series' own (population) variance. As in the letter nothing is
 * cut off: counts become fractions and may be negative, which no packets could make them.
 */
export function whiteNoise(series: Float64Array, nu: number, random: Random): Float64Array {
  const scale = Math.sqrt(nu * variance(series));
  return series.map((value) => value + scale * gaussian(random));
}

/** Noise on every column of a table, series by series. */
export function noised(samples: Matrix, series: readonly Uint32Array[], nu: number, random: Random): Matrix {
  return mapSeries(samples, series, everyColumn(samples), (values) => whiteNoise(values, nu, random));
}

function variance(series: Float64Array): number {
  const mean = series.reduce((sum, x) => sum + x, 0) / series.length;
  return series.reduce((sum, x) => sum + (x - mean) ** 2, 0) / series.length;
}
