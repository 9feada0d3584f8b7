import { HushboxError } from "../../errors/hushbox-error.js";
import type { Matrix } from "../../features/matrix.js";
import { everyColumn, mapSeries } from "./series.js";

/** The paper's. */
export const WINDOW = 51;
export const DEGREES = [1, 3, 5, 7, 9] as const;

/**
 * The filter of Savitzky and Golay (1964): each value becomes that of the polynomial which fits the `window` values around it best, by least
 * squares. The first and last half window take theirs from the polynomial of the first and last whole window (mode "interp", what
 * scipy's savgol_filter does unless told otherwise).
 */
export class SavitzkyGolay {
  readonly window: number;
  /** Fitted values from values: window × window, row i the weights of position i. */
  readonly #weights: Float64Array;

  /** `window`: odd, above `degree`. Throws a usage error otherwise. */
  constructor(degree: number, window = WINDOW) {
    if (!Number.isInteger(degree) || degree < 0 || window % 2 !== 1 || window <= degree)
      throw new HushboxError(
        "usage",
        `smoothing: degree ${degree} in a window of ${window}; the window must be odd and above the degree`,
      );
    this.window = window;
    this.#weights = projection(degree, window);
  }

  /** A smoothed copy. Throws too-few-samples for a series shorter than the window, which has no polynomial. */
  smooth(series: Float64Array): Float64Array {
    const { window } = this;
    const half = (window - 1) / 2;
    const last = series.length - window;
    if (last < 0)
      throw new HushboxError(
        "too-few-samples",
        `smoothing: a series of ${series.length} windows is shorter than the filter's ${window}`,
      );
    return series.map((_, i) => {
      const from = Math.min(Math.max(i - half, 0), last);
      return this.#fitted(series, from, i - from);
    });
  }

  /** The polynomial of the values at `from` and on, at position `at` of them. */
  #fitted(series: Float64Array, from: number, at: number): number {
    let sum = 0;
    for (let j = 0; j < this.window; j++) sum += (this.#weights[at * this.window + j] ?? 0) * (series[from + j] ?? 0);
    return sum;
  }
}

/** Every column of a table smoothed, series by series. */
export function smoothed(samples: Matrix, series: readonly Uint32Array[], degree: number): Matrix {
  const filter = new SavitzkyGolay(degree);
  return mapSeries(samples, series, everyColumn(samples), (values) => filter.smooth(values));
}

/**
 * Least squares as a matrix: the sum over orthonormal polynomials p of p(i) p(j). They are Gram's, on the positions -m … m, by their
 * recurrence p(k + 1) = x p(k) - b(k) p(k - 1), b(k) = k² (window² - k²) / 4 (4k² - 1): the usual normal equations of
 * degree 9 on 51 positions lose most of a double's digits.
 */
function projection(degree: number, window: number): Float64Array {
  const half = (window - 1) / 2;
  const weights = new Float64Array(window * window);
  let before = new Float64Array(window);
  let now = new Float64Array(window).fill(1);
  for (let k = 0; k <= degree; k++) {
    const norm = now.reduce((sum, p) => sum + p * p, 0);
    for (let i = 0; i < window; i++)
      for (let j = 0; j < window; j++)
        weights[i * window + j] = (weights[i * window + j] ?? 0) + ((now[i] ?? 0) * (now[j] ?? 0)) / norm;
    const b = (k * k * (window * window - k * k)) / (4 * (4 * k * k - 1));
    const next = now.map((p, i) => (i - half) * p - b * (before[i] ?? 0));
    before = now;
    now = next;
  }
  return weights;
}
