import type { Matrix } from "../../features/matrix.js";
import { shuffle } from "../../leakage/shuffle.js";
import type { Random } from "../../random/random.js";

/**
 * What "every feature series" is of, when a table of windows is filtered. The letter does not say, and it decides the result.
 *
 * - `time`, the default: all windows of the scenario in the order of their times, the classes among them as they came. It is what a filter
 *   that does not know the classes can do. Where days of one class follow days of another, neighbours are mostly of one class.
 * - `class`: each class by itself. The filter then knows the answer: smoothing draws the windows of a class to their mean, and a maximum
 *   or a variance is that of the class, which a classifier reads off. A defense measured so looks worse than it is.
 * - `trace`: each trace or capture by itself: as above where traces differ, and the least that a box could do on line.
 * - `shuffled`: all windows in random order. Smoothing then mixes the classes evenly, and no order of packets could do that: a
 *   defense measured so looks better than it can be.
 *
 * But for `trace`, a smoothed window has windows of other captures in it, and so folds by capture part the captures no more.
 */
export type SeriesOrder = "time" | "class" | "trace" | "shuffled";

/** What is known of each row. */
export interface RowOrigins {
  /** When the row begins, in any unit. */
  readonly at: Float64Array;
  readonly labels: Uint8Array;
  /** Each row's trace or capture: any numbers, equal for the rows of one. */
  readonly traces: Uint32Array;
}

/** The rows of each series, in its order; every row is in one. Of rows of one moment the first stays first. */
export function seriesOf(order: SeriesOrder, { at, labels, traces }: RowOrigins, random: Random): Uint32Array[] {
  const rows = Uint32Array.from({ length: at.length }, (_, row) => row);
  if (order === "shuffled") return [shuffle(rows, random)];
  rows.sort((a, b) => (at[a] ?? 0) - (at[b] ?? 0) || a - b);
  if (order === "time") return [rows];
  const keys = order === "class" ? labels : traces;
  const found = new Map<number, number[]>();
  for (const row of rows) {
    const key = keys[row] ?? 0;
    const own = found.get(key);
    if (own === undefined) found.set(key, [row]);
    else own.push(row);
  }
  return [...found.values()].map((own) => Uint32Array.from(own));
}

/** A new table in which `change` has passed over the values of some columns, series by series. `change` may answer the array it is given. */
export function mapSeries(
  samples: Matrix,
  series: readonly Uint32Array[],
  columns: readonly number[],
  change: (values: Float64Array, column: number) => Float64Array,
): Matrix {
  const values = samples.values.slice();
  for (const rows of series) {
    for (const column of columns) {
      const before = Float64Array.from(rows, (row) => samples.values[row * samples.columns + column] ?? 0);
      const after = change(before, column);
      for (const [i, row] of rows.entries()) values[row * samples.columns + column] = after[i] ?? 0;
    }
  }
  return { rows: samples.rows, columns: samples.columns, values };
}

/** The numbers of all columns of a table. */
export function everyColumn(samples: Matrix): number[] {
  return Array.from({ length: samples.columns }, (_, column) => column);
}
